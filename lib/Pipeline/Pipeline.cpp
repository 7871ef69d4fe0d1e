//===- Pipeline.cpp - The stages of compilation by name -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Pipeline/Pipeline.h"
#include "dialects/Kernel/PackedForms.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/State/State.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/Passes.h"
#include "sluice/ConstantEvaluation/ConstantEvaluation.h"
#include "sluice/Conversion/HostToBuffers/HostToBuffers.h"
#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"
#include "sluice/Target/CPU/ObjectEmitter.h"
#include "sluice/Transforms/ProviderPasses.h"
#include "sluice/Transforms/State/Passes.h"

using namespace mlir;

namespace sluice {

void registerDialects(DialectRegistry &registry) {
  registry.insert<
      SluiceDialect, StateDialect, kernel::KernelDialect, affine::AffineDialect,
      arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
      index::IndexDialect, LLVM::LLVMDialect, linalg::LinalgDialect,
      math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
      tensor::TensorDialect, ub::UBDialect, vector::VectorDialect>();
  registerPackings(registry);
  kernel::registerPackedForms(registry);
  registerCodeTranslations(registry);
}

/// What of the options of a compilation concerns the code that evaluates its
/// constants.
struct HostOptions {
  std::function<void()> dropReadPages;
  bool keepSubnormals;
  bool verifyEachPass;
};

/// Compiles a module for this machine, to run it at once.
static llvm::Expected<CompiledModule>
compileForHost(ModuleOp module, const HostOptions &options) {
  KernelOptions kernels;
  kernels.keepSubnormals = options.keepSubnormals;
  auto run = [&](llvm::function_ref<void(OpPassManager &)> build) {
    PassManager manager(module.getContext());
    manager.enableVerifier(options.verifyEachPass);
    build(manager);
    return succeeded(manager.run(module));
  };
  auto failure = [] {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "the constants' code cannot be made");
  };
  if (!run([&](OpPassManager &manager) {
        manager.addPass(createSetTargetPass());
        buildFormKernelsPipeline(manager, kernels);
        buildEmitPipeline(manager, kernels);
      }))
    return failure();
  CompiledModule compiled;
  compiled.weights = getWeightsLayout(module);
  compiled.weights.dropReadPages = options.dropReadPages;
  // What is evaluated has static sizes, all of its buffers too.
  auto bytes = module->getAttrOfType<IntegerAttr>("sluice.workspace_bytes");
  if (!bytes || bytes.getInt() < 0)
    return failure();
  compiled.workspaceBytes = bytes.getInt();
  if (!run([&](OpPassManager &manager) { buildLLVMPipeline(manager); }))
    return failure();
  ObjectEmitterOptions emitterOptions;
  emitterOptions.machine = *TargetAnalysis(module).getMachine();
  // It runs once: effort would cost more than it saves.
  emitterOptions.optLevel = 1;
  auto object = emitCode(module, CodeForm::Object, emitterOptions);
  if (!object)
    return object.takeError();
  compiled.object = std::move(*object);
  return compiled;
}

static ModuleCompiler hostCompiler(const OptimizeOptions &options) {
  HostOptions host{options.dropReadPages, options.keepSubnormals,
                   options.verifyEachPass};
  auto compile = [host](ModuleOp module) {
    return compileForHost(module, host);
  };
  return {compile, registerDialects};
}

/// Canonical forms of graphs. A pattern of scf's looks, from each condition's
/// `if`, at all that reads the condition, which takes the square of their
/// number: sluice-infer-shapes decides branches within branches instead.
static std::unique_ptr<Pass> createGraphCanonicalizer() {
  return createCanonicalizerPass(
      GreedyRewriteConfig(), {"(anonymous namespace)::ConditionPropagation"});
}

/// Takes apart what there is no kernel for.
static std::unique_ptr<Pass> createDecomposeUnservedPass() {
  DecomposePassOptions options;
  options.onlyUnserved = true;
  return createDecomposePass(options);
}

/// Makes sizes known wherever they are.
static void addShapePasses(OpPassManager &functions) {
  functions.addPass(createRefineOperandsPass());
  functions.addPass(createInferShapesPass());
  functions.addPass(createFoldShapesPass());
  functions.addPass(createGraphCanonicalizer());
  functions.addPass(createMergeEqualOpsPass());
}

namespace {

/// Adds passes to the pipeline, but those that are to be left out.
class OptimizePipeline {
public:
  explicit OptimizePipeline(const OptimizeOptions &options)
      : options(options) {}

  /// `optional`, if not null, gets the names of passes that may be left out.
  void build(OpPassManager &manager, std::vector<std::string> *optional);

private:
  void addOptional(OpPassManager &functions, std::unique_ptr<Pass> pass);

  const OptimizeOptions &options;
  std::vector<std::string> *names = nullptr;
};

} // namespace

void OptimizePipeline::addOptional(OpPassManager &functions,
                                   std::unique_ptr<Pass> pass) {
  std::string name = pass->getArgument().str();
  if (names && !llvm::is_contained(*names, name))
    names->push_back(name);
  if (!llvm::is_contained(options.without, name))
    functions.addPass(std::move(pass));
}

void OptimizePipeline::build(OpPassManager &manager,
                             std::vector<std::string> *optional) {
  names = optional;
  {
    OpPassManager &functions = manager.nest<func::FuncOp>();
    functions.addPass(createGraphCanonicalizer());
    functions.addPass(createMergeEqualOpsPass());
    addShapePasses(functions);
    functions.addPass(createGrowStatesPass());
    addOptional(functions, createRecogniseActivationsPass());
    addOptional(functions, createRecogniseSoftmaxPass());
    addOptional(functions, createRecogniseNormalizationsPass());
    addOptional(functions, createSplitProductsPass());
    addOptional(functions, createRecogniseAttentionPass());
    addOptional(functions, createCollapseProjectionsPass());
    // Layers get masks of their own, which are equal.
    functions.addPass(createMergeEqualOpsPass());
    addOptional(functions, createPackTokensPass());
    RecogniseExpertsPassOptions expertOptions;
    expertOptions.exact = options.keepDenseExperts;
    addOptional(functions, createRecogniseExpertsPass(expertOptions));
    functions.addPass(createDecomposeUnservedPass());
    addOptional(functions, createRecogniseLookupsPass());
    addOptional(functions, createMoveTransposesPass());
    addOptional(functions, createFoldTransposesPass());
    addOptional(functions, createFoldBroadcastsPass());
    addOptional(functions, createFoldPadsPass());
    FoldBatchNormPassOptions foldOptions;
    foldOptions.mode = options.convBn;
    addOptional(functions, createFoldBatchNormPass(foldOptions));
    functions.addPass(createExpandBatchNormPass());
    addOptional(functions, createDropUnitDimensionsPass());
  }
  manager.addPass(createEvaluateConstantsPass(hostCompiler(options)));
  OpPassManager &functions = manager.nest<func::FuncOp>();
  RecogniseAttentionPassOptions maskOptions;
  maskOptions.onlyMasks = true;
  addOptional(functions, createRecogniseAttentionPass(maskOptions));
  addOptional(functions, createDropBranchesPass());
  addOptional(functions, createGateHeadsPass());
  addOptional(functions, createRelativeBiasesPass());
  addOptional(functions, createBlockMasksPass());
  addOptional(functions, createCountLoopsPass());
  addOptional(functions, createRecogniseElementsPass());
  addShapePasses(functions);
}

void buildOptimizePipeline(OpPassManager &manager,
                           const OptimizeOptions &options) {
  OptimizePipeline(options).build(manager, /*optional=*/nullptr);
}

std::vector<std::string> listOptionalPasses() {
  OpPassManager manager(ModuleOp::getOperationName());
  std::vector<std::string> names;
  OptimizeOptions options;
  OptimizePipeline(options).build(manager, &names);
  return names;
}

void buildFormKernelsPipeline(OpPassManager &manager,
                              const KernelOptions &options) {
  OpPassManager &functions = manager.nest<func::FuncOp>();
  functions.addPass(createDecomposeUnservedPass());
  functions.addPass(createCheckSizesPass());
  functions.addPass(createPropagateLayoutPass());
  functions.addPass(createGraphCanonicalizer());
  functions.addPass(createMergeEqualOpsPass());
  functions.addPass(createNarrowConstantsPass());
  functions.addPass(createFormScansPass());
  functions.addPass(createFormLinearAttentionPass());
  functions.addPass(createSplitConcatenationsPass());
  functions.addPass(createFormKernelsPass());
  functions.addPass(createFoldLoopSizesPass());
  manager.addPass(createGraphCanonicalizer());
  manager.addPass(createMergeEqualOpsPass());
  ChooseKernelsPassOptions chooseOptions;
  chooseOptions.kernels = options.kernels;
  chooseOptions.emulateDotUnits = options.emulateDotUnits;
  manager.addPass(createChooseKernelsPass(options.providers, chooseOptions));
  manager.addPass(createPackWeightsPass());
  manager.addPass(createOutlineKernelsPass());
  manager.addPass(createUpdateInPlacePass());
  manager.addPass(createStrideStatesPass());
}

static void addSimplifyPasses(OpPassManager &functions) {
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
}

void buildEmitPipeline(OpPassManager &manager, const KernelOptions &options) {
  EmitKernelsPassOptions emitOptions;
  emitOptions.keepSubnormals = options.keepSubnormals;
  manager.nest<kernel::FuncOp>().addPass(
      createEmitKernelsPass(options.providers, emitOptions));
  manager.addPass(createShareKernelsPass());
  manager.nest<kernel::FuncOp>().addPass(createVectorizeLoopsPass());
  manager.addPass(createHostToBuffersPass());
  addSimplifyPasses(manager.nest<func::FuncOp>());
  addSimplifyPasses(manager.nest<kernel::FuncOp>());
  manager.addPass(createLayoutWeightsPass());
  manager.addPass(createSimplifySizesPass());
  manager.addPass(createPlanMemoryPass());
}

void buildLLVMPipeline(OpPassManager &manager) {
  manager.addPass(createCutHostPass());
  manager.nest<func::FuncOp>().addPass(createExpandMathPass());
  manager.nest<kernel::FuncOp>().addPass(createExpandMathPass());
  manager.addPass(createExpandHalfPass());
  manager.addPass(createKernelToLLVMPass());
  manager.addPass(createOutlineParallelPass());
  manager.addPass(createOutlineEpiloguesPass());
  manager.addPass(createFlushSubnormalsPass());
  buildLowerToLLVMPipeline(manager, LowerToLLVMOptions());
  manager.addPass(createLowerGuardsPass());
}

void buildLowerCpuPipeline(OpPassManager &manager,
                           const KernelOptions &options) {
  buildEmitPipeline(manager, options);
  buildLLVMPipeline(manager);
}

void registerPassesAndPipelines() {
  // These passes need what only their creator has. The first registration of a
  // name counts.
  Providers providers = createProviders();
  registerPass([=] { return createChooseKernelsPass(providers); });
  registerPass([=] { return createEmitKernelsPass(providers); });
  registerSluiceTransformsPasses();
  registerSluiceStatePasses();
  registerSluiceCodegenPasses();
  registerCodegenCPUPasses();
  registerSluiceHostToBuffersPasses();
  registerSluiceKernelToLLVMPasses();
  registerLowerToLLVM();
  registerTransformsPasses();
  memref::registerMemRefPasses();
  registerPass([] {
    return createEvaluateConstantsPass(hostCompiler(OptimizeOptions()));
  });
  PassPipelineRegistration<OptimizeOptions>(
      "sluice-optimize", "Optimise the graph", buildOptimizePipeline);
  PassPipelineRegistration<KernelOptions>(
      "sluice-lower-to-kernels", "Group ops into kernels and outline them",
      buildFormKernelsPipeline);
  PassPipelineRegistration<KernelOptions>(
      "sluice-lower-cpu", "Lower kernels and host function for a CPU",
      buildLowerCpuPipeline);
}

} // namespace sluice
