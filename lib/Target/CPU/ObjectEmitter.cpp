//===- ObjectEmitter.cpp - LLVM dialect to machine code -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/ObjectEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Support/CpuFeatures.h"
#include "sluice/Target/CPU/SplitModule.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace llvm;

namespace sluice {

void registerCodeTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

namespace {

Expected<std::unique_ptr<TargetMachine>>
createTargetMachine(const ObjectEmitterOptions &options) {
  const MachineModel &machine = options.machine;
  auto target = lookupTarget(machine.triple);
  if (!target)
    return target.takeError();
  TargetOptions targetOptions;
  // A multiplication and an addition may become one FMA; nothing else of
  // fast-math is on.
  targetOptions.AllowFPOpFusion = FPOpFusion::Fast;
  targetOptions.FunctionSections = true;
  targetOptions.DataSections = true;
  CodeGenOptLevel level = options.optLevel == 0   ? CodeGenOptLevel::None
                          : options.optLevel == 1 ? CodeGenOptLevel::Less
                          : options.optLevel == 2 ? CodeGenOptLevel::Default
                                                  : CodeGenOptLevel::Aggressive;
  std::unique_ptr<TargetMachine> targetMachine((*target)->createTargetMachine(
      Triple(machine.triple), machine.baseCpu, machine.features, targetOptions,
      options.positionIndependent ? Reloc::PIC_ : Reloc::Static,
      options.largeData ? CodeModel::Medium : CodeModel::Small, level));
  if (!targetMachine)
    return createStringError("LLVM cannot generate code for '" +
                             machine.triple + "'");
  return targetMachine;
}

/// Tells LLVM the instruction set and the vector width for a function.
void setMachine(Function &function, const MachineModel &machine) {
  function.addFnAttr("target-cpu", machine.baseCpu);
  function.addFnAttr("tune-cpu", machine.cpu);
  function.addFnAttr("target-features", machine.features);
  function.addFnAttr("prefer-vector-width", utostr(machine.vectorBits));
}

/// The module as LLVM's, in which functions with a target of their own have it.
std::unique_ptr<Module> translate(mlir::ModuleOp moduleOp,
                                  LLVMContext &context) {
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(moduleOp, context, "sluice");
  if (!module)
    return module;
  for (auto function : moduleOp.getOps<mlir::LLVM::LLVMFuncOp>())
    if (auto target = dyn_cast_if_present<kernel::CpuTargetAttr>(
            kernel::getOwnTarget(function)))
      if (Function *code = module->getFunction(function.getName());
          code && !code->isDeclaration())
        setMachine(*code, getMachineModel(target));
  return module;
}

void setFunctionAttributes(Module &module, const MachineModel &machine) {
  for (Function &function : module) {
    function.addFnAttr(Attribute::NoUnwind);
    if (function.isDeclaration())
      continue;
    if (!function.hasFnAttribute("target-cpu"))
      setMachine(function, machine);
    function.addFnAttr("no-trapping-math", "true");
    // What several models of one program may bring is no one else's.
    if (function.hasWeakODRLinkage())
      function.setVisibility(GlobalValue::HiddenVisibility);
  }
}

/// Where registers run out, vectors go to the stack, which LLVM takes to be
/// aligned as the ABI says unless a function asks for more. Wider vectors would
/// lie across cache lines there, in some processes and not in others.
void alignSpills(Module &module) {
  const unsigned abiBits = 128;
  auto isWide = [&](const Instruction &instruction) {
    auto *type = dyn_cast<FixedVectorType>(instruction.getType());
    return type && type->getPrimitiveSizeInBits() > abiBits;
  };
  for (Function &function : module) {
    unsigned bits = 0;
    function.getFnAttribute("prefer-vector-width")
        .getValueAsString()
        .getAsInteger(10, bits);
    if (bits > abiBits && any_of(instructions(function), isWide))
      function.addFnAttr(Attribute::getWithStackAlignment(module.getContext(),
                                                          Align(bits / 8)));
  }
}

/// Emitters unroll hot loops over vectors themselves; unrolling them again only
/// makes more code. Short loops of known length are gone by then, and scalar
/// loops are left to LLVM.
struct KeepVectorLoopsPass : PassInfoMixin<KeepVectorLoopsPass> {
  PreservedAnalyses run(Loop &loop, LoopAnalysisManager &,
                        LoopStandardAnalysisResults &, LPMUpdater &) {
    auto isVector = [](const Instruction &instruction) {
      auto *store = dyn_cast<StoreInst>(&instruction);
      return instruction.getType()->isVectorTy() ||
             (store && store->getValueOperand()->getType()->isVectorTy());
    };
    if (any_of(loop.blocks(), [&](const BasicBlock *block) {
          return any_of(*block, isVector);
        }))
      loop.setLoopAlreadyUnrolled();
    return PreservedAnalyses::all();
  }
};

void optimise(Module &module, TargetMachine &targetMachine, unsigned optLevel) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = optLevel >= 2;
  tuning.SLPVectorization = optLevel >= 2;
  tuning.LoopInterleaving = optLevel >= 2;
  PassBuilder builder(&targetMachine, tuning);
  builder.registerLoopOptimizerEndEPCallback(
      [](LoopPassManager &passes, OptimizationLevel) {
        passes.addPass(KeepVectorLoopsPass());
      });
  LoopAnalysisManager loopAnalyses;
  FunctionAnalysisManager functionAnalyses;
  CGSCCAnalysisManager cgsccAnalyses;
  ModuleAnalysisManager moduleAnalyses;
  functionAnalyses.registerPass([&] {
    return TargetLibraryAnalysis(
        TargetLibraryInfoImpl(targetMachine.getTargetTriple()));
  });
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(cgsccAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, cgsccAnalyses,
                               moduleAnalyses);
  const OptimizationLevel level = optLevel == 1   ? OptimizationLevel::O1
                                  : optLevel == 2 ? OptimizationLevel::O2
                                                  : OptimizationLevel::O3;
  ModulePassManager passes =
      optLevel == 0 ? builder.buildO0DefaultPipeline(OptimizationLevel::O0)
                    : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, moduleAnalyses);
}

} // namespace

/// Gives symbols that parts of a module share names of their own.
static void hideShared(Module &module, const StringSet<> &shared,
                       StringRef prefix) {
  for (GlobalValue &value : module.global_values())
    if (shared.contains(value.getName())) {
      value.setName(prefix + value.getName());
      value.setVisibility(GlobalValue::HiddenVisibility);
      value.setDSOLocal(true);
    }
}

/// Gives what was freed back to the system. Threads allocate from memory of
/// their own, so the program of a long host function would stay beside its
/// code.
static void returnFreeMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

static Error emitModule(Module &module, TargetMachine &targetMachine,
                        CodeForm form, const ObjectEmitterOptions &options,
                        CodeBuffer &code) {
  module.setTargetTriple(targetMachine.getTargetTriple());
  module.setDataLayout(targetMachine.createDataLayout());
  setFunctionAttributes(module, options.machine);
  optimise(module, targetMachine, options.optLevel);
  alignSpills(module);
  raw_svector_ostream stream(code);
  if (form == CodeForm::LlvmIr) {
    module.print(stream, nullptr);
    return Error::success();
  }
  legacy::PassManager codeGeneration;
  CodeGenFileType fileType = form == CodeForm::Assembly
                                 ? CodeGenFileType::AssemblyFile
                                 : CodeGenFileType::ObjectFile;
  if (targetMachine.addPassesToEmitFile(codeGeneration, stream, nullptr,
                                        fileType))
    return createStringError("LLVM cannot write object files for '" +
                             options.machine.triple + "'");
  codeGeneration.run(module);
  return Error::success();
}

Expected<CodeBuffer> emitCode(mlir::ModuleOp moduleOp, CodeForm form,
                              const ObjectEmitterOptions &options) {
  auto targetMachine = createTargetMachine(options);
  if (!targetMachine)
    return targetMachine.takeError();
  LLVMContext context;
  std::unique_ptr<Module> module = translate(moduleOp, context);
  if (!module)
    return createStringError("cannot translate the module to LLVM IR");
  CodeBuffer code;
  if (Error error = emitModule(*module, **targetMachine, form, options, code))
    return error;
  return code;
}

Expected<std::vector<CodeBuffer>>
emitObjects(mlir::ModuleOp moduleOp, StringRef prefix,
            const ObjectEmitterOptions &options) {
  SplitModule split = splitModule(moduleOp, options.partSize, options.longHost);
  std::vector<CodeBuffer> results(split.parts.size());
  std::vector<std::string> errors(split.parts.size());
  auto emitPart = [&](size_t number) -> Error {
    ObjectEmitterOptions own = options;
    if (split.parts[number].isLongHost)
      own.optLevel = 0;
    auto targetMachine = createTargetMachine(own);
    if (!targetMachine)
      return targetMachine.takeError();
    LLVMContext context;
    std::unique_ptr<Module> module =
        translate(*split.parts[number].module, context);
    if (!module)
      return createStringError("cannot translate the module to LLVM IR");
    split.parts[number].module = nullptr;
    if (split.parts[number].isLongHost)
      returnFreeMemory();
    hideShared(*module, split.shared, prefix);
    return emitModule(*module, **targetMachine, CodeForm::Object, own,
                      results[number]);
  };
  mlir::parallelFor(moduleOp.getContext(), 0, split.parts.size(),
                    [&](size_t number) {
                      if (Error error = emitPart(number))
                        errors[number] = toString(std::move(error));
                    });
  for (const std::string &error : errors)
    if (!error.empty())
      return createStringError(error);
  return results;
}

} // namespace sluice
