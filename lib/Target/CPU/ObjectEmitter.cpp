//===- ObjectEmitter.cpp - LLVM dialect to machine code -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/ObjectEmitter.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

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

/// Tells LLVM, per function, the instruction set and the vector width.
void setFunctionAttributes(Module &module, const MachineModel &machine) {
  for (Function &function : module) {
    function.addFnAttr(Attribute::NoUnwind);
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.baseCpu);
    function.addFnAttr("tune-cpu", machine.cpu);
    function.addFnAttr("target-features", machine.features);
    function.addFnAttr("prefer-vector-width", utostr(machine.vectorBits));
    function.addFnAttr("no-trapping-math", "true");
  }
}

void optimise(Module &module, TargetMachine &targetMachine,
              unsigned optLevel) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = optLevel >= 2;
  tuning.SLPVectorization = optLevel >= 2;
  tuning.LoopInterleaving = optLevel >= 2;
  PassBuilder builder(&targetMachine, tuning);
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

Expected<CodeBuffer> emitCode(mlir::ModuleOp moduleOp, CodeForm form,
                              const ObjectEmitterOptions &options) {
  auto targetMachine = createTargetMachine(options);
  if (!targetMachine)
    return targetMachine.takeError();

  LLVMContext context;
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(moduleOp, context, "sluice");
  if (!module)
    return createStringError("cannot translate the module to LLVM IR");
  module->setTargetTriple((*targetMachine)->getTargetTriple());
  module->setDataLayout((*targetMachine)->createDataLayout());
  setFunctionAttributes(*module, options.machine);
  optimise(*module, **targetMachine, options.optLevel);

  CodeBuffer code;
  raw_svector_ostream stream(code);
  if (form == CodeForm::LlvmIr) {
    module->print(stream, nullptr);
    return code;
  }
  legacy::PassManager codeGeneration;
  CodeGenFileType fileType = form == CodeForm::Assembly
                                 ? CodeGenFileType::AssemblyFile
                                 : CodeGenFileType::ObjectFile;
  if ((*targetMachine)
          ->addPassesToEmitFile(codeGeneration, stream, nullptr, fileType))
    return createStringError("LLVM cannot write object files for '" +
                             options.machine.triple + "'");
  codeGeneration.run(*module);
  return code;
}

Expected<std::vector<CodeBuffer>>
emitCode(ArrayRef<mlir::ModuleOp> modules, CodeForm form,
         const ObjectEmitterOptions &options) {
  std::vector<CodeBuffer> results(modules.size());
  if (modules.empty())
    return results;
  std::vector<std::string> errors(modules.size());
  mlir::ModuleOp first = modules.front();
  mlir::parallelFor(first.getContext(), 0, modules.size(), [&](size_t index) {
    auto code = emitCode(modules[index], form, options);
    if (code)
      results[index] = std::move(*code);
    else
      errors[index] = toString(code.takeError());
  });
  for (const std::string &error : errors)
    if (!error.empty())
      return createStringError(error);
  return results;
}

} // namespace sluice
