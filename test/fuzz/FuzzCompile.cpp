//===- FuzzCompile.cpp - Any bytes through the compiler -------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Whatever the model says, compiling it must end with code in the LLVM dialect
// or with a message. What one stage hands to the next must pass the verifier.
//
//===----------------------------------------------------------------------===//
#include "FuzzedModel.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Import/Importer.h"
#include "sluice/Pipeline/Pipeline.h"

#include <cstdio>
#include <cstdlib>

using namespace mlir;
using namespace sluice;

namespace {

[[noreturn]] void complain(const char *stage, const std::string &message) {
  std::fprintf(stderr, "%s: %s\n", stage, message.c_str());
  std::abort();
}

DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

class Compilation {
public:
  Compilation()
      : context(makeRegistry(), MLIRContext::Threading::DISABLED),
        handler(&context, [this](Diagnostic &diagnostic) {
          message = diagnostic.str();
          return success();
        }) {}

  void run(OnnxModel &model) {
    auto imported = importOnnxModel(model, context);
    if (!imported)
      return llvm::consumeError(imported.takeError());
    module = std::move(*imported);
    KernelOptions kernels;
    (*module)->setAttr(kernel::targetAttributeName,
                       llvm::cantFail(resolveTarget(
                           &context, "x86_64-linux-gnu", "x86-64-v3")));
    bool compiled =
        runStage("optimize",
                 [](OpPassManager &manager) {
                   buildOptimizePipeline(manager, OptimizeOptions());
                 }) &&
        runStage("form kernels",
                 [&](OpPassManager &manager) {
                   buildFormKernelsPipeline(manager, kernels);
                 }) &&
        runStage("emit",
                 [&](OpPassManager &manager) {
                   buildEmitPipeline(manager, kernels);
                 }) &&
        runStage("lower",
                 [&](OpPassManager &manager) { buildLLVMPipeline(manager); });
    (void)compiled;
  }

private:
  bool runStage(const char *name,
                llvm::function_ref<void(OpPassManager &)> build) {
    PassManager manager(&context);
    manager.enableVerifier(false);
    build(manager);
    message.clear();
    if (failed(manager.run(*module))) {
      if (message.empty())
        complain(name, "failed without a message");
      return false;
    }
    if (failed(verify(*module)))
      complain(name, message);
    return true;
  }

  MLIRContext context;
  std::string message;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (std::optional<OnnxModel> model = fuzz::readInlinedModel(data, size))
    Compilation().run(*model);
  return 0;
}
