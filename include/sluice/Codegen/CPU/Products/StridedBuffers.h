//===- StridedBuffers.h - Kernels on parts of longer tensors ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// An argument of a kernel may be the beginning of a longer tensor along an
// axis, such as a state that has room to grow: contiguous behind the axis, with
// strides in front of it that only the run knows.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PRODUCTS_STRIDEDBUFFERS_H
#define SLUICE_CODEGEN_CPU_PRODUCTS_STRIDEDBUFFERS_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// The axis of an argument that is the beginning of a longer tensor, or
/// nothing.
std::optional<int64_t> findStridedAxis(kernel::FuncOp kernel,
                                       unsigned argument);

/// The buffer of the beginning of a longer tensor along `axis`.
mlir::MemRefType stridedType(mlir::RankedTensorType type, int64_t axis);

/// How many elements neighbours along a dimension of a buffer with strides are
/// apart.
mlir::Value strideOf(KernelBuilder &kernel, mlir::Value buffer,
                     int64_t dimension);

/// Can the code of a kernel read this argument where it is the beginning of a
/// longer tensor along `axis`? Ops say so of their operands
/// (EmitterRegistry.h), and what asks for nothing but sizes can.
bool readsStrided(kernel::FuncOp kernel, unsigned argument, int64_t axis);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_STRIDEDBUFFERS_H
