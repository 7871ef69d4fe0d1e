//===- CpuFeatures.cpp - What LLVM knows about CPUs -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/CpuFeatures.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace sluice {

static constexpr StringLiteral x86Features[] = {
    "sse3",        "ssse3",      "sse4.1",       "sse4.2",     "popcnt",
    "avx",         "f16c",       "fma",          "avx2",       "bmi",
    "bmi2",        "lzcnt",      "movbe",        "avx512f",    "avx512cd",
    "avx512bw",    "avx512dq",   "avx512vl",     "avx512ifma", "avx512vbmi",
    "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512bf16", "avxvnni"};
static constexpr StringLiteral aarch64Features[] = {"neon", "fullfp16",
                                                    "dotprod", "bf16", "i8mm"};
/// What AVX-512 code takes for granted.
static constexpr StringLiteral wholeAvx512[] = {"avx512f", "avx512vl",
                                                "avx512bw", "avx512dq"};

Expected<const Target *> lookupTarget(StringRef triple) {
  static llvm::once_flag initialized;
  llvm::call_once(initialized, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
  });
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(Triple(triple), error);
  if (!target)
    return createStringError("no code generator for the target triple '" +
                             triple + "'");
  return target;
}

Expected<Triple> parseTriple(StringRef name) {
  Triple triple(Triple::normalize(name));
  if (triple.getArch() != Triple::x86_64 && triple.getArch() != Triple::aarch64)
    return createStringError("unsupported target triple '" + name +
                             "': only x86_64 and aarch64 are supported");
  if (triple.getOS() != Triple::Linux)
    return createStringError("unsupported target triple '" + triple.str() +
                             "': only Linux is supported");
  return triple;
}

StringRef getBaseCpu(const Triple &triple) {
  return triple.isX86() ? "x86-64" : "generic";
}

ArrayRef<StringLiteral> getKnownFeatures(const Triple &triple) {
  return triple.isX86() ? ArrayRef(x86Features) : ArrayRef(aarch64Features);
}

/// LLVM's description of a CPU with some more features.
static Expected<std::unique_ptr<MCSubtargetInfo>>
describeSubtarget(const Triple &triple, StringRef cpu,
                  ArrayRef<std::string> features) {
  auto target = lookupTarget(triple.str());
  if (!target)
    return target.takeError();
  std::string added;
  for (const std::string &feature : features)
    added += (added.empty() ? "+" : ",+") + feature;
  std::unique_ptr<MCSubtargetInfo> subtarget(
      (*target)->createMCSubtargetInfo(triple, cpu, added));
  if (!subtarget)
    return createStringError("LLVM cannot describe the target triple '" +
                             triple.str() + "'");
  return subtarget;
}

static Error unknownCpu(StringRef cpu, const Triple &triple) {
  return createStringError(
      "unknown CPU '" + cpu + "' for " + triple.getArchName() +
      "; use 'native' or one of LLVM's names, such as " +
      (triple.isX86() ? "x86-64, x86-64-v3, x86-64-v4, skylake-avx512, "
                        "sapphirerapids, znver4, znver5"
                      : "generic, cortex-a72, neoverse-n1, neoverse-v1"));
}

/// Those of the known features that a subtarget has.
static std::vector<std::string> listFeatures(const Triple &triple,
                                             const MCSubtargetInfo &subtarget) {
  std::vector<std::string> features;
  for (StringRef name : getKnownFeatures(triple))
    if (subtarget.checkFeatures(("+" + name).str()))
      features.push_back(name.str());
  return features;
}

static bool isOfAvx512(StringRef feature) {
  return feature.starts_with("avx512");
}

static void dropHalfAvx512(std::vector<std::string> &features) {
  if (!all_of(wholeAvx512, [&](StringRef feature) {
        return is_contained(features, feature);
      }))
    erase_if(features, isOfAvx512);
}

Expected<std::vector<std::string>> getCpuFeatures(const Triple &triple,
                                                  StringRef cpu) {
  // Asking for an unknown CPU would print a warning.
  auto base = describeSubtarget(triple, getBaseCpu(triple), {});
  if (!base)
    return base.takeError();
  if (!(*base)->isCPUStringValid(cpu))
    return unknownCpu(cpu, triple);
  auto subtarget = describeSubtarget(triple, cpu, {});
  if (!subtarget)
    return subtarget.takeError();
  // On x86, 32-bit-only CPUs are known names too.
  if (triple.isX86() && !(*subtarget)->checkFeatures("+64bit"))
    return unknownCpu(cpu, triple);
  std::vector<std::string> features = listFeatures(triple, **subtarget);
  dropHalfAvx512(features);
  return features;
}

/// A feature that others of the list need and the list lacks; empty if none.
static Expected<std::string> findMissing(const Triple &triple,
                                         ArrayRef<std::string> features) {
  auto subtarget = describeSubtarget(triple, getBaseCpu(triple), features);
  if (!subtarget)
    return subtarget.takeError();
  std::vector<std::string> needed = listFeatures(triple, **subtarget);
  if (any_of(features, isOfAvx512))
    needed.insert(needed.end(), std::begin(wholeAvx512), std::end(wholeAvx512));
  auto missing = find_if(needed, [&](const std::string &feature) {
    return !is_contained(features, feature);
  });
  return missing == needed.end() ? std::string() : *missing;
}

Error checkFeatures(const Triple &triple, ArrayRef<std::string> features) {
  for (const std::string &feature : features)
    if (!is_contained(getKnownFeatures(triple), feature))
      return createStringError("unknown feature '" + feature + "' for " +
                               triple.getArchName() + "; known are " +
                               join(getKnownFeatures(triple), ", "));
  auto missing = findMissing(triple, features);
  if (!missing)
    return missing.takeError();
  if (!missing->empty())
    return createStringError(
        "the features do not fit: code for " +
        (features.empty() ? "this triple" : join(features, ", ")) + " needs '" +
        *missing + "' too");
  return Error::success();
}

std::vector<std::string>
dropUnusableFeatures(const Triple &triple, std::vector<std::string> features) {
  dropHalfAvx512(features);
  auto lacksNeeded = [&](const std::string &feature) {
    auto alone = describeSubtarget(triple, getBaseCpu(triple), {feature});
    if (!alone) {
      consumeError(alone.takeError());
      return true;
    }
    return any_of(listFeatures(triple, **alone), [&](StringRef needed) {
      return !is_contained(features, needed);
    });
  };
  // What needs one that goes, goes too.
  while (true) {
    auto unusable = find_if(features, lacksNeeded);
    if (unusable == features.end())
      break;
    features.erase(unusable);
  }
  dropHalfAvx512(features);
  return features;
}

} // namespace sluice
