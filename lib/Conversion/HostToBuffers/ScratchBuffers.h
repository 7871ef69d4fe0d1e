//===- ScratchBuffers.h - Memory of kernels' own ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_SCRATCHBUFFERS_H
#define SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_SCRATCHBUFFERS_H

#include "Translator.h"
#include "llvm/ADT/MapVector.h"

namespace sluice {

/// Hands kernels the memory that they allocate where its size follows from the
/// sizes of their buffers and from their parameters: each launch computes the
/// size and has a buffer, which the memory plan places. Several pieces lie
/// behind each other in it. What depends on data stays in the kernel, whose
/// runs allocate it.
class ScratchBuffers {
public:
  explicit ScratchBuffers(Translator &translator) : translator(translator) {}

  /// The buffer for one launch, as memref<?xi8>, in front of it; null where the
  /// kernel needs none.
  mlir::Value allocate(kernel::CallOp call, kernel::FuncOp kernel,
                       mlir::ValueRange inputs, mlir::ValueRange outputs,
                       mlir::ValueRange parameters);
  /// Kernels take as an argument what launches hand to them.
  void finish();

private:
  struct Declared {
    /// The number of bytes that the kernel's attribute asks for.
    std::optional<int64_t> fixed;
    /// What launches hand to the kernel besides.
    llvm::SmallVector<kernel::AllocateOp> pieces;
    /// What computes the sizes of the pieces, in order.
    llvm::SmallVector<mlir::Operation *> sizes;
    /// Where the buffer comes among the kernel's arguments.
    unsigned position = 0;
  };

  const Declared &find(kernel::FuncOp kernel, unsigned position);
  /// A buffer of as many bytes as the product of known and other factors.
  mlir::Value allocate(mlir::Value bytes, const mlir::IRMapping &values,
                       mlir::Location loc);

  Translator &translator;
  llvm::MapVector<mlir::Operation *, Declared> declared;
};

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_SCRATCHBUFFERS_H
