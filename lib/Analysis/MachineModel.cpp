//===- MachineModel.cpp - What the compiler knows about a CPU -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/MachineModel.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/Threading.h"
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

namespace {

// Extensions that generated code may use and that a loader can check. Anything
// a CPU has beyond them (cryptography, transactional memory, ...) is of no use
// to a model and stays off.
constexpr StringLiteral x86Features[] = {
    "sse3",        "ssse3",      "sse4.1",       "sse4.2",     "popcnt",
    "avx",         "f16c",       "fma",          "avx2",       "bmi",
    "bmi2",        "lzcnt",      "movbe",        "avx512f",    "avx512cd",
    "avx512bw",    "avx512dq",   "avx512vl",     "avx512ifma", "avx512vbmi",
    "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512bf16", "avxvnni"};
constexpr StringLiteral aarch64Features[] = {"neon", "fullfp16", "dotprod",
                                             "bf16", "i8mm"};

Error unknownCpu(StringRef cpu, const Triple &triple) {
  return createStringError(
      "unknown CPU '" + cpu + "' for " + triple.getArchName() +
      "; use 'native' or one of LLVM's names, such as " +
      (triple.isX86() ? "x86-64, x86-64-v3, x86-64-v4, skylake-avx512, "
                        "sapphirerapids, znver4, znver5"
                      : "generic, cortex-a72, neoverse-n1, neoverse-v1"));
}

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

void readHostCaches(MachineModel &model) {
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

void describeX86(MachineModel &model, const StringMap<bool> &has) {
  bool avx512 = has.lookup("avx512f") && has.lookup("avx512vl") &&
                has.lookup("avx512bw") && has.lookup("avx512dq");
  // Half an AVX-512 (such as Knights Landing's) is treated as AVX2.
  for (StringRef feature : x86Features)
    if (has.lookup(feature) && (avx512 || !feature.starts_with("avx512")))
      model.requiredFeatures.push_back(feature.str());
  model.vectorBits = avx512 ? 512 : has.lookup("avx2") ? 256 : 128;
  model.vectorRegisters = avx512 ? 32 : 16;
  model.hasFma = has.lookup("fma");
  model.hasMask = avx512;
  model.hasF16Conversion = has.lookup("f16c");
  model.hasBf16Dot = avx512 && has.lookup("avx512bf16");
  model.hasInt8Dot =
      (avx512 && has.lookup("avx512vnni")) || has.lookup("avxvnni");
}

void describeAArch64(MachineModel &model, const StringMap<bool> &has) {
  for (StringRef feature : aarch64Features)
    if (has.lookup(feature))
      model.requiredFeatures.push_back(feature.str());
  model.vectorBits = 128;
  model.vectorRegisters = 32;
  model.hasFma = true;
  model.hasMask = false;
  model.hasF16Conversion = true;
  model.hasBf16Dot = has.lookup("bf16");
  model.hasInt8Dot = has.lookup("dotprod");
}

} // namespace

Expected<MachineModel> getMachineModel(StringRef tripleName, StringRef cpu) {
  Triple triple(Triple::normalize(tripleName.empty()
                                      ? StringRef(sys::getDefaultTargetTriple())
                                      : tripleName));
  bool isX86 = triple.getArch() == Triple::x86_64;
  if (!isX86 && triple.getArch() != Triple::aarch64)
    return createStringError("unsupported target triple '" + tripleName +
                             "': only x86_64 and aarch64 are supported");
  if (triple.getOS() != Triple::Linux)
    return createStringError("unsupported target triple '" + triple.str() +
                             "': only Linux is supported");
  auto target = lookupTarget(triple.str());
  if (!target)
    return target.takeError();

  bool native = cpu == "native";
  if (native && !isHostArchitecture(triple))
    return createStringError("the CPU 'native' is not a " +
                             triple.getArchName() +
                             " CPU; name one with --cpu=");

  MachineModel model;
  model.architecture = isX86 ? MachineModel::Architecture::X86_64
                             : MachineModel::Architecture::AArch64;
  model.triple = triple.str();
  model.baseCpu = isX86 ? "x86-64" : "generic";
  model.requestedCpu = cpu.str();
  static const std::string hostCpu = sys::getHostCPUName().str();
  model.cpu = native ? hostCpu : (cpu.empty() ? model.baseCpu : cpu.str());

  std::unique_ptr<MCSubtargetInfo> subtarget(
      (*target)->createMCSubtargetInfo(triple, model.baseCpu, ""));
  if (!subtarget)
    return createStringError("LLVM cannot describe the target triple '" +
                             triple.str() + "'");
  // A host that LLVM does not know by name is tuned for as the base.
  if (!subtarget->isCPUStringValid(model.cpu)) {
    if (!native)
      return unknownCpu(cpu, triple);
    model.cpu = model.baseCpu;
  }
  subtarget.reset((*target)->createMCSubtargetInfo(triple, model.cpu, ""));
  // On x86, 32-bit-only CPUs are known names too.
  if (isX86 && !native && !subtarget->checkFeatures("+64bit"))
    return unknownCpu(cpu, triple);

  StringMap<bool> has;
  if (native) {
    // Asking takes long where a virtual machine answers, and passes ask for
    // each function.
    static const StringMap<bool> hostFeatures = sys::getHostCPUFeatures();
    has = hostFeatures;
    has["neon"] = !isX86;
  } else {
    ArrayRef<StringLiteral> names =
        isX86 ? ArrayRef(x86Features) : ArrayRef(aarch64Features);
    for (StringRef name : names)
      has[name] = subtarget->checkFeatures(("+" + name).str());
  }
  if (isX86)
    describeX86(model, has);
  else
    describeAArch64(model, has);

  CpuTable table = isX86 ? lookUpX86(model.cpu) : lookUpAArch64(model.cpu);
  model.l1Bytes = table.l1Kib << 10;
  // A way is a page, so that the set does not wait for the translation: 4 KB
  // on x86, up to 16 KB elsewhere.
  model.l1WayBytes = isX86 ? 4 << 10 : 16 << 10;
  model.l2Bytes = table.l2Kib << 10;
  model.l3Bytes = table.l3Kib << 10;
  model.fmaPerCycle = std::max(
      1u, table.fmaUnits * std::min(table.fmaUnitBits, model.vectorBits) /
              model.vectorBits);
  if (native)
    readHostCaches(model);

  for (const std::string &feature : model.requiredFeatures)
    model.features += "+" + feature + ",";
  // LLVM would keep to half-width vectors on Intel's AVX-512 CPUs.
  if (isX86)
    model.features += "-prefer-256-bit";
  if (StringRef(model.features).ends_with(","))
    model.features.pop_back();
  return model;
}

} // namespace sluice
