//===- Driver.cpp - What sluicec does, as a library -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Driver/Driver.h"
#include "Artifacts.h"
#include "DiagnosticPrinter.h"
#include "OutputFile.h"
#include "RemarkPrinter.h"
#include "States.h"
#include "Tilings.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Import/Importer.h"
#include "sluice/Import/Onnx/OnnxReader.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"
#include "sluice/Pipeline/Pipeline.h"
#include "sluice/Support/FilePages.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;

namespace sluice {

namespace {

class Compilation {
public:
  Compilation(const CompileOptions &options, llvm::raw_ostream &diagnostics)
      : options(options), diagnostics(diagnostics),
        context(makeRegistry(), MLIRContext::Threading::DISABLED) {
    // The program can be printed as a whole only while nothing else runs.
    auto strategy = llvm::hardware_concurrency(options.threads);
    if (options.printIrAfterAll || strategy.compute_thread_count() < 2)
      return;
    threads = std::make_unique<llvm::DefaultThreadPool>(strategy);
    context.setThreadPool(*threads);
  }

  /// Finds out what code is made for, or fails.
  CompileStatus resolveTarget();
  CompileStatus run();

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  CompileStatus fail(CompileStatus status, llvm::Error error) {
    diagnostics << "error: " << llvm::toString(std::move(error)) << "\n";
    return status;
  }
  CompileStatus import();
  /// Fails when an output would replace a file of the model.
  llvm::Error checkModelIsKept() const;
  /// A function that takes the model's files out of memory.
  std::function<void()> dropModelPages() const;
  CompileStatus emit();
  /// Says what is being done, for who wants to know.
  void announce(const llvm::Twine &what) {
    if (options.verbose)
      diagnostics << what << "\n";
  }
  /// Runs one stage; true if it succeeded.
  bool runStage(const char *what,
                llvm::function_ref<void(OpPassManager &)> build);
  CompileStatus writeModule();
  CompileStatus writeArtifact();

  const CompileOptions &options;
  llvm::raw_ostream &diagnostics;
  std::unique_ptr<llvm::DefaultThreadPool> threads;
  MLIRContext context;
  const Providers providers = createProviders();
  kernel::CpuTargetAttr target;
  OwningOpRef<ModuleOp> module;
  std::vector<std::shared_ptr<const llvm::MemoryBuffer>> modelFiles;
};

} // namespace

CompileStatus Compilation::resolveTarget() {
  context.loadDialect<kernel::KernelDialect>();
  auto resolved = sluice::resolveTarget(&context, options.triple, options.cpu);
  if (!resolved)
    return fail(CompileStatus::Usage, resolved.takeError());
  target = *resolved;
  const KernelProvider *provider = providers->lookup(options.kernels);
  if (!provider)
    return fail(CompileStatus::Usage,
                llvm::createStringError(
                    "there is no kernel provider '" + options.kernels +
                    "'; there are: " + providers->listNames()));
  if (llvm::Error error = provider->checkMachine(getMachineModel(target)))
    return fail(CompileStatus::Usage, std::move(error));
  return CompileStatus::Success;
}

llvm::Error Compilation::checkModelIsKept() const {
  if (options.emit == EmitKind::Check)
    return llvm::Error::success();
  for (const auto &file : modelFiles)
    for (const std::optional<std::string> &path :
         {std::optional<std::string>(options.output), getHeaderPath(options),
          getWeightsPath(options)})
      if (path && !isStream(*path) &&
          llvm::sys::fs::equivalent(file->getBufferIdentifier(), *path))
        return llvm::createStringError("cannot write '" + *path +
                                       "': it is a part of the model");
  return llvm::Error::success();
}

CompileStatus Compilation::import() {
  OnnxShapeOverrides overrides;
  for (const std::string &shape : options.shapes)
    if (llvm::Error error = addShapeOverride(overrides, shape))
      return fail(CompileStatus::Usage, std::move(error));
  for (const std::string &dim : options.dims)
    if (llvm::Error error = addDimOverride(overrides, dim))
      return fail(CompileStatus::Usage, std::move(error));
  announce("reading '" + options.input + "'");
  auto model = readOnnxModel(options.input, OnnxReadOptions());
  if (!model)
    return fail(CompileStatus::InvalidModel, model.takeError());
  if (llvm::Error error = applyShapeOverrides(*model, overrides))
    return fail(CompileStatus::Usage, std::move(error));
  if (llvm::Error error = inlineLocalFunctions(*model))
    return fail(CompileStatus::InvalidModel, std::move(error));
  ImportOptions importOptions{options.keepDefaults, options.overridable};
  if (llvm::Error error = checkOverridable(*model, importOptions))
    return fail(CompileStatus::Usage, std::move(error));
  auto imported = importOnnxModel(*model, context, importOptions);
  if (!imported) {
    llvm::Error error = imported.takeError();
    CompileStatus status = error.isA<UnsupportedNodesError>()
                               ? CompileStatus::Unsupported
                               : CompileStatus::InvalidModel;
    return fail(status, std::move(error));
  }
  module = std::move(*imported);
  (*module)->setAttr(kernel::targetAttributeName, target);
  if (llvm::Error error = declareStates(*module, options.states))
    return fail(CompileStatus::Usage, std::move(error));
  modelFiles = std::move(model->files);
  if (llvm::Error error = checkModelIsKept())
    return fail(CompileStatus::CannotWrite, std::move(error));
  return CompileStatus::Success;
}

std::function<void()> Compilation::dropModelPages() const {
  return [this] {
    for (const auto &file : modelFiles)
      dropPages(*file);
  };
}

bool Compilation::runStage(const char *what,
                           llvm::function_ref<void(OpPassManager &)> build) {
  announce(what);
  PassManager manager(&context);
  if (options.printIrAfterAll)
    // Passes without a name on the command line only run others.
    manager.enableIRPrinting(
        [](Pass *, Operation *) { return false; },
        [](Pass *pass, Operation *) { return !pass->getArgument().empty(); },
        /*printModuleScope=*/true,
        /*printAfterOnlyOnChange=*/true,
        /*printAfterOnlyOnFailure=*/false, diagnostics);
  if (options.timing)
    manager.enableTiming();
  manager.enableVerifier(options.verifyEachPass);
  build(manager);
  return succeeded(manager.run(*module));
}

CompileStatus Compilation::writeModule() {
  llvm::Error error =
      writeFile(options.output, [&](llvm::raw_ostream &os) -> llvm::Error {
        OpPrintingFlags flags;
        flags.elideLargeElementsAttrs(16).elideLargeResourceString(0);
        module->print(os, flags);
        return llvm::Error::success();
      });
  return error ? fail(CompileStatus::CannotWrite, std::move(error))
               : CompileStatus::Success;
}

CompileStatus Compilation::emit() {
  if (options.emit == EmitKind::Sluice)
    return writeModule();
  OptimizeOptions optimize;
  optimize.convBn = options.convBn;
  optimize.keepDenseExperts = options.keepDenseExperts;
  optimize.keepSubnormals = options.keepSubnormals;
  optimize.dropReadPages = dropModelPages();
  optimize.verifyEachPass = options.verifyEachPass;
  optimize.without = options.without;
  if (!runStage("optimising the graph", [&](OpPassManager &manager) {
        buildOptimizePipeline(manager, optimize);
      }))
    return CompileStatus::CompileFailed;
  if (llvm::Error error = checkDeclaredOutputs(*module))
    return fail(CompileStatus::InvalidModel, std::move(error));
  if (llvm::Error error = checkStates(*module))
    return fail(CompileStatus::Unsupported, std::move(error));
  if (llvm::Error error = setTilings(*module, options.tilings))
    return fail(CompileStatus::Usage, std::move(error));
  if (options.emit == EmitKind::Optimized)
    return writeModule();
  KernelOptions kernels;
  kernels.kernels = options.kernels;
  kernels.providers = providers;
  kernels.keepSubnormals = options.keepSubnormals;
  kernels.emulateDotUnits = options.emulateDotUnits;
  if (!runStage("forming kernels", [&](OpPassManager &manager) {
        buildFormKernelsPipeline(manager, kernels);
      }))
    return CompileStatus::CompileFailed;
  if (options.emit == EmitKind::Kernels)
    return writeModule();
  if (!runStage("emitting kernels", [&](OpPassManager &manager) {
        buildEmitPipeline(manager, kernels);
      }))
    return CompileStatus::CompileFailed;
  if (options.emit == EmitKind::Buffers)
    return writeModule();
  return writeArtifact();
}

CompileStatus Compilation::writeArtifact() {
  MachineModel machine = getMachineModel(target);
  auto contents = describeModel(*module, machine, *providers, options);
  if (!contents)
    return fail(CompileStatus::CompileFailed, contents.takeError());
  WeightsLayout weights = getWeightsLayout(*module);
  weights.dropReadPages = dropModelPages();
  if (!runStage("lowering to LLVM",
                [&](OpPassManager &manager) { buildLLVMPipeline(manager); }))
    return CompileStatus::CompileFailed;
  addDescriptor(*module, *contents, options.emit == EmitKind::SharedLibrary);
  if (options.emit == EmitKind::LlvmDialect)
    return writeModule();
  announce("compiling for " + machine.cpu);
  return writeMachineCode(*module, *contents, weights, options, diagnostics);
}

CompileStatus Compilation::run() {
  // Errors of passes appear with the ONNX node they are about, not with the
  // text of an op, which may be a whole program.
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic, diagnostics);
    return success();
  });
  if (!options.remarks.empty())
    if (llvm::Error error = printRemarks(context, options.remarks, diagnostics))
      return fail(CompileStatus::Usage, std::move(error));
  CompileStatus status = import();
  if (status != CompileStatus::Success || options.emit == EmitKind::Check)
    return status;
  return emit();
}

/// The name of a weights file that the loader finds and that is no other
/// output.
static llvm::Error checkWeightsName(const CompileOptions &options) {
  StringRef name = options.weightsFile;
  std::optional<std::string> path = getWeightsPath(options);
  if (!path)
    return llvm::Error::success();
  if (llvm::sys::path::filename(name) != name || name == "." || name == "..")
    return llvm::createStringError(
        "'" + name +
        "' is not a name for a weights file: it goes into the "
        "output's folder");
  if (isStream(options.output))
    return llvm::createStringError(
        "a weights file needs an output file that it can lie beside");
  if (name == llvm::sys::path::filename(options.output) ||
      *path == getHeaderPath(options))
    return llvm::createStringError("'" + name +
                                   "' cannot be the weights file: it is "
                                   "another output");
  return llvm::Error::success();
}

/// What can be known to end badly before the model is read.
static llvm::Error checkOutputs(const CompileOptions &options) {
  if (options.emit == EmitKind::Check)
    return llvm::Error::success();
  if (!isStream(options.output) &&
      llvm::sys::fs::equivalent(options.input, options.output))
    return llvm::createStringError("cannot write '" + options.output +
                                   "': it is the model itself");
  if (llvm::Error error = checkOutputPath(options.output))
    return error;
  for (const std::optional<std::string> &path :
       {getHeaderPath(options), getWeightsPath(options)})
    if (path)
      if (llvm::Error error = checkOutputPath(*path))
        return error;
  return llvm::Error::success();
}

CompileStatus compile(const CompileOptions &options,
                      llvm::raw_ostream &diagnostics) {
  auto fail = [&](CompileStatus status, llvm::Error error) {
    diagnostics << "error: " << llvm::toString(std::move(error)) << "\n";
    return status;
  };
  Compilation compilation(options, diagnostics);
  if (CompileStatus status = compilation.resolveTarget();
      status != CompileStatus::Success)
    return status;
  if (llvm::Error error = checkWeightsName(options))
    return fail(CompileStatus::Usage, std::move(error));
  if (llvm::Error error = checkOutputs(options))
    return fail(CompileStatus::CannotWrite, std::move(error));
  return compilation.run();
}

} // namespace sluice
