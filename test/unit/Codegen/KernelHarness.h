//===- KernelHarness.h - Compiles and calls kernels in process --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_CODEGEN_KERNELHARNESS_H
#define SLUICE_TEST_UNIT_CODEGEN_KERNELHARNESS_H

#include "mlir/IR/Builders.h"
#include "sluice/Analysis/KernelSpecs.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Target/CPU/Jit.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace sluice::testing {

/// Writes the body of a kernel over `buffers` (all memref<?xf32>, or of the
/// kinds given, but the last, scratch memory, which is memref<?xi8>) and
/// `sizes` (index).
using KernelBody =
    llvm::function_ref<void(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::ValueRange buffers, mlir::ValueRange sizes)>;

/// How parallel loops run. Results must not depend on it: tests go backwards.
enum class LoopOrder { Forward, Backward };

/// Machine code of one kernel.
class CompiledKernel {
public:
  struct Buffer {
    void *data;
    int64_t elements;
  };

  /// Compiles a function. The environment variable SLUICE_DUMP_KERNEL
  /// (mlir, llvm or asm) prints that stage.
  static llvm::Expected<std::unique_ptr<CompiledKernel>>
  compile(const MachineModel &machine, unsigned bufferCount, unsigned sizeCount,
          KernelBody body, LoopOrder order = LoopOrder::Backward);

  /// The same with buffers of these kinds; scratch memory comes behind them.
  static llvm::Expected<std::unique_ptr<CompiledKernel>>
  compile(const MachineModel &machine, llvm::ArrayRef<NumberKind> kinds,
          unsigned sizeCount, KernelBody body,
          LoopOrder order = LoopOrder::Backward);

  /// Compiles for a machine that need not be this one.
  static llvm::Expected<size_t> getObjectSize(const MachineModel &machine,
                                              unsigned bufferCount,
                                              unsigned sizeCount,
                                              KernelBody body);
  static llvm::Expected<size_t> getObjectSize(const MachineModel &machine,
                                              llvm::ArrayRef<NumberKind> kinds,
                                              unsigned sizeCount,
                                              KernelBody body);

  void call(llvm::ArrayRef<Buffer> buffers, llvm::ArrayRef<int64_t> sizes = {});

  /// Bytes of machine code and constants.
  size_t objectSize = 0;

private:
  static constexpr unsigned maxArguments = 14;
  std::unique_ptr<Jit> jit;
  void *entry = nullptr;
};

/// Multiplies by 2 and by 0.5 in turns, `pairs` times, which changes nothing: a
/// long epilogue whose results are exact.
mlir::Value appendExactSteps(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value value, int64_t pairs);

} // namespace sluice::testing

#endif // SLUICE_TEST_UNIT_CODEGEN_KERNELHARNESS_H
