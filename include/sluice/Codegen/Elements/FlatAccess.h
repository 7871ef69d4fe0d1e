//===- FlatAccess.h - Kernels that see tensors as runs ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels that move data see a contiguous buffer as one dimension, and copy
// runs of elements in storage types without looking at each dimension. Also
// the checks that all kernels with run-time indices need.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_FLATACCESS_H
#define SLUICE_CODEGEN_ELEMENTS_FLATACCESS_H

#include "dialects/Sluice/BodyBuilder.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// Is `op` the only one of its kernel, apart from constants? Then its operands
/// and results have buffers.
bool isAlone(KernelBuilder &kernel, mlir::Operation *op);

/// The buffer of a tensor in one dimension; the tensor must have one.
mlir::Value flatBuffer(KernelBuilder &kernel, mlir::Value tensor);
/// The product of the sizes of dimensions [begin, end).
mlir::Value sizeProduct(KernelBuilder &kernel, mlir::Value tensor,
                        int64_t begin, int64_t end);
/// Element `index` of a flat buffer, in the compute type.
mlir::Value loadFlat(KernelBuilder &kernel, mlir::Value flat, mlir::Value index,
                     mlir::Type elementType);
void storeFlat(KernelBuilder &kernel, mlir::Value element, mlir::Value flat,
               mlir::Value index, mlir::Type elementType);
/// Copies `count` elements between flat buffers of one storage type.
void copyRun(KernelBuilder &kernel, mlir::Value source,
             mlir::Value sourceOffset, mlir::Value target,
             mlir::Value targetOffset, mlir::Value count);
/// Stores one element `count` times.
void fillRun(KernelBuilder &kernel, mlir::Value stored, mlir::Value target,
             mlir::Value offset, mlir::Value count);

/// Runs code where a condition holds.
void when(KernelBuilder &kernel, mlir::Value condition,
          llvm::function_ref<void()> onTrue,
          llvm::function_ref<void()> onFalse = nullptr);

/// A vector of numbers in memory that only this kernel uses.
mlir::Value allocateNumbers(KernelBuilder &kernel, mlir::Value count);
/// A number of a buffer of i64, as an index.
mlir::Value loadNumber(KernelBuilder &kernel, mlir::Value numbers,
                       mlir::ValueRange at);
void storeNumber(KernelBuilder &kernel, mlir::Value number, mlir::Value numbers,
                 mlir::ValueRange at);

mlir::Value compare(KernelBuilder &kernel, mlir::arith::CmpIPredicate predicate,
                    mlir::Value lhs, mlir::Value rhs);
mlir::Value select(KernelBuilder &kernel, mlir::Value condition,
                   mlir::Value onTrue, mlir::Value onFalse);
/// 0 <= index < size.
mlir::Value isInside(KernelBuilder &kernel, mlir::Value index,
                     mlir::Value size);
/// The conjunction; null stands for true.
mlir::Value both(KernelBuilder &kernel, mlir::Value lhs, mlir::Value rhs);
mlir::Value either(KernelBuilder &kernel, mlir::Value lhs, mlir::Value rhs);
mlir::Value negation(KernelBuilder &kernel, mlir::Value condition);
/// Counts a negative index from the end.
mlir::Value wrapNegative(KernelBuilder &kernel, mlir::Value index,
                         mlir::Value size);
/// The element at `indices` if `inside` holds, and zero elsewhere.
mlir::Value loadGuarded(KernelBuilder &kernel, mlir::Value inside,
                        mlir::Value tensor, mlir::ValueRange indices);
/// An index read from a tensor of integers.
mlir::Value loadIndex(KernelBuilder &kernel, mlir::Value tensor,
                      mlir::ValueRange indices);

/// The message of runs that meet an index outside its dimension.
inline constexpr llvm::StringLiteral indexMessage =
    "an index lies outside the tensor it indexes";

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_FLATACCESS_H
