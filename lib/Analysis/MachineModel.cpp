//===- MachineModel.cpp - What the compiler knows about a CPU -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MachineModel.h"
#include "mlir/IR/BuiltinTypes.h"
#include "sluice/Support/CpuFeatures.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace sluice {

unsigned MachineModel::lanes(unsigned elementBits) const {
  if (elementBits == 0)
    return 1;
  return std::max(1u, vectorBits / std::max(8u, elementBits));
}

unsigned MachineModel::lanes(mlir::Type elementType) const {
  if (elementType.isIntOrFloat())
    return lanes(elementType.getIntOrFloatBitWidth());
  return lanes(64u);
}

std::string MachineModel::isaString() const {
  return llvm::join(requiredFeatures, ",");
}

namespace {

/// Reads a sysfs cache size such as "48K"; 0 when there is none.
int64_t parseCacheSize(StringRef text) {
  text = text.trim();
  int64_t unit = 1;
  if (text.consume_back("K"))
    unit = 1 << 10;
  else if (text.consume_back("M"))
    unit = 1 << 20;
  int64_t value = 0;
  if (text.getAsInteger(10, value) || value <= 0)
    return 0;
  return value * unit;
}

std::string readSmallFile(const Twine &path) {
  auto buffer = MemoryBuffer::getFileAsStream(path);
  return buffer ? (*buffer)->getBuffer().trim().str() : std::string();
}

void readHostCaches(CpuDescription &model) {
  for (unsigned index = 0; index < 8; ++index) {
    std::string folder =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    std::string level = readSmallFile(folder + "/level");
    if (level.empty())
      return;
    if (readSmallFile(folder + "/type") == "Instruction")
      continue;
    int64_t size = parseCacheSize(readSmallFile(folder + "/size"));
    if (size == 0)
      continue;
    if (level == "1")
      model.l1Bytes = size;
    else if (level == "2")
      model.l2Bytes = size;
    else if (level == "3")
      model.l3Bytes = size;
  }
}

/// Cache sizes per core (L3: a typical slice of what one core may use) and the
/// units that multiply and add f32 vectors.
struct CpuTable {
  int64_t l1Kib, l2Kib, l3Kib;
  unsigned fmaUnits, fmaUnitBits;
};

CpuTable lookUpX86(StringRef cpu) {
  // The client cores with AVX-512 join two 256-bit units to one; the server
  // cores have a second one of full width.
  return StringSwitch<CpuTable>(cpu)
      .Cases({"haswell", "broadwell", "skylake", "x86-64-v3"},
             {32, 256, 8192, 2, 256})
      .Cases({"skylake-avx512", "cascadelake", "cooperlake", "x86-64-v4"},
             {32, 1024, 16384, 2, 512})
      .Cases({"icelake-client", "rocketlake"}, {48, 512, 8192, 2, 256})
      .Case("tigerlake", {48, 1280, 8192, 2, 256})
      .Cases({"alderlake", "raptorlake", "meteorlake"},
             {48, 1280, 16384, 2, 256})
      .Cases({"arrowlake", "arrowlake-s", "lunarlake"},
             {48, 2560, 16384, 2, 256})
      .Cases({"gracemont", "sierraforest"}, {32, 1024, 8192, 2, 128})
      .Case("icelake-server", {48, 1280, 24576, 2, 512})
      .Cases({"sapphirerapids", "emeraldrapids", "graniterapids"},
             {48, 2048, 32768, 2, 512})
      .Case("znver1", {32, 512, 8192, 2, 128})
      .Cases({"znver2", "znver3"}, {32, 512, 16384, 2, 256})
      .Case("znver4", {32, 1024, 32768, 2, 256})
      .Case("znver5", {48, 1024, 32768, 2, 512})
      .Default({32, 512, 8192, 2, 512});
}

CpuTable lookUpAArch64(StringRef cpu) {
  return StringSwitch<CpuTable>(cpu)
      .Cases({"cortex-a53", "cortex-a55"}, {32, 256, 1024, 2, 64})
      .Cases({"cortex-a57", "cortex-a72", "cortex-a73"}, {32, 512, 1024, 2, 64})
      .Cases({"cortex-a75", "cortex-a76", "cortex-a77", "cortex-a78"},
             {64, 512, 4096, 2, 128})
      .Cases({"cortex-x1", "cortex-x2", "cortex-x3", "cortex-x4"},
             {64, 1024, 8192, 4, 128})
      .Cases(
          {"neoverse-n1", "neoverse-n2", "neoverse-n3", "ampere1", "ampere1a"},
          {64, 1024, 16384, 2, 128})
      .Cases({"neoverse-v1", "neoverse-v2", "neoverse-v3"},
             {64, 1024, 32768, 4, 128})
      .Cases({"apple-m1", "apple-m2", "apple-m3", "apple-m4"},
             {128, 4096, 8192, 4, 128})
      .Default({32, 512, 8192, 2, 128});
}

bool isHostArchitecture(const Triple &triple) {
  return Triple(sys::getDefaultTargetTriple()).getArch() == triple.getArch();
}

void describeX86(MachineModel &model) {
  auto has = [&](StringRef feature) {
    return is_contained(model.requiredFeatures, feature);
  };
  // All of AVX-512 that matters, or nothing.
  bool avx512 = has("avx512f");
  model.vectorBits = avx512 ? 512 : has("avx2") ? 256 : 128;
  model.vectorRegisters = avx512 ? 32 : 16;
  model.hasFma = has("fma");
  model.hasMask = avx512;
  model.hasF16Conversion = has("f16c");
  model.hasBf16Dot = model.hasBf16Conversion = has("avx512bf16");
  model.hasInt8Dot = has("avx512vnni") || has("avxvnni");
}

void describeAArch64(MachineModel &model) {
  model.vectorBits = 128;
  model.vectorRegisters = 32;
  model.hasFma = true;
  model.hasMask = false;
  model.hasF16Conversion = model.hasBf16Conversion = true;
  model.hasBf16Dot = is_contained(model.requiredFeatures, "bf16");
  model.hasInt8Dot = is_contained(model.requiredFeatures, "dotprod");
}

/// The extensions of the machine that the compiler runs on.
std::vector<std::string> findHostFeatures(const Triple &triple) {
  StringMap<bool> has = sys::getHostCPUFeatures();
  has["neon"] = triple.isAArch64();
  std::vector<std::string> features;
  for (StringRef name : getKnownFeatures(triple))
    if (has.lookup(name))
      features.push_back(name.str());
  return dropUnusableFeatures(triple, std::move(features));
}

Expected<CpuDescription> describeHost(const Triple &triple) {
  if (!isHostArchitecture(triple))
    return createStringError("the CPU 'native' is not a " +
                             triple.getArchName() +
                             " CPU; name one with --cpu=");
  // Asking takes long where a virtual machine answers.
  static const std::string cpu = sys::getHostCPUName().str();
  static const std::vector<std::string> features = findHostFeatures(triple);
  CpuDescription description{triple.str(), cpu, features, {}, {}, {}};
  // A host that LLVM does not know by name is tuned for as the base.
  auto known = getCpuFeatures(triple, cpu);
  if (!known) {
    consumeError(known.takeError());
    description.cpu = getBaseCpu(triple).str();
  }
  readHostCaches(description);
  return description;
}

} // namespace

Expected<MachineModel> deriveMachineModel(const CpuDescription &description) {
  auto triple = parseTriple(description.triple);
  if (!triple)
    return triple.takeError();
  auto features = getCpuFeatures(*triple, description.cpu);
  if (!features)
    return features.takeError();
  if (description.features) {
    if (Error error = checkFeatures(*triple, *description.features))
      return error;
    features = *description.features;
  }
  bool isX86 = triple->isX86();
  MachineModel model;
  model.architecture = isX86 ? MachineModel::Architecture::X86_64
                             : MachineModel::Architecture::AArch64;
  model.triple = triple->str();
  model.cpu = description.cpu;
  model.baseCpu = getBaseCpu(*triple).str();
  // In one order, whatever the description's.
  for (StringRef feature : getKnownFeatures(*triple))
    if (is_contained(*features, feature))
      model.requiredFeatures.push_back(feature.str());
  if (isX86)
    describeX86(model);
  else
    describeAArch64(model);

  CpuTable table = isX86 ? lookUpX86(model.cpu) : lookUpAArch64(model.cpu);
  model.l1Bytes = description.l1Bytes.value_or(table.l1Kib << 10);
  // A way is a page, so that the set does not wait for the translation: 4 KB
  // on x86, up to 16 KB elsewhere.
  model.l1WayBytes = isX86 ? 4 << 10 : 16 << 10;
  model.l2Bytes = description.l2Bytes.value_or(table.l2Kib << 10);
  model.l3Bytes = description.l3Bytes.value_or(table.l3Kib << 10);
  model.fmaPerCycle = std::max(
      1u, table.fmaUnits * std::min(table.fmaUnitBits, model.vectorBits) /
              model.vectorBits);

  model.features = (model.requiredFeatures.empty() ? "" : "+") +
                   join(model.requiredFeatures, ",+");
  // LLVM would keep to half-width vectors on Intel's AVX-512 CPUs.
  if (isX86)
    model.features +=
        model.features.empty() ? "-prefer-256-bit" : ",-prefer-256-bit";
  return model;
}

Expected<MachineModel> getMachineModel(StringRef tripleName, StringRef cpu) {
  auto triple =
      parseTriple(tripleName.empty() ? StringRef(sys::getDefaultTargetTriple())
                                     : tripleName);
  if (!triple)
    return triple.takeError();
  if (cpu == "native") {
    auto host = describeHost(*triple);
    return host ? deriveMachineModel(*host) : host.takeError();
  }
  StringRef name = cpu.empty() ? getBaseCpu(*triple) : cpu;
  return deriveMachineModel({triple->str(), name.str(), {}, {}, {}, {}});
}

} // namespace sluice
