//===- ElementVectors.h - Vectors of elements computed inside ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What `KernelBuilder::load` is for single elements: neighbouring elements of
// any tensor of a kernel, loaded where the tensor has a buffer, else computed
// on the spot from its operands' elements. So a kernel that reads each element
// once needs no buffer for what is in front of it.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ROWS_ELEMENTVECTORS_H
#define SLUICE_CODEGEN_ROWS_ELEMENTVECTORS_H

#include "sluice/Codegen/Rows/RowBuffer.h"

namespace sluice {

/// Where neighbouring elements of a tensor are.
struct VectorPlace {
  /// One per dimension; that of `inner` is the first lane's.
  /// Where the first lanes are off, the place of these may lie outside.
  llvm::SmallVector<mlir::Value> indices;
  /// The dimension along which the lanes lie; those behind it have size one.
  int64_t inner;
  int64_t lanes;
  /// Of the lanes that are there; null for all.
  mlir::Value mask;
};

/// The elements at `place`, in the compute type; lanes that the mask turns off
/// are anything. Only right where `haveAllLanes` holds.
mlir::Value loadElements(KernelBuilder &kernel, mlir::Value tensor,
                         const VectorPlace &place);

/// Whether, in this run, what `tensor` is computed from inside the kernel has
/// as many elements along `dimension` as it has, or surely one, where the type
/// leaves that open: else elements broadcast that vectors would take for
/// neighbours. Null where it holds in any run.
mlir::Value haveAllLanes(KernelBuilder &kernel, mlir::Value tensor,
                         int64_t dimension);

/// Whether two neighbouring dimensions (but for some of size one) are one to
/// everything that `tensor` is computed from: where `haveAllLanes` holds for
/// both, an index of the second may then run over both.
bool isOneDimension(mlir::Value tensor, int64_t first, int64_t second);

/// `scalar` in every lane.
mlir::Value splatLanes(KernelBuilder &kernel, mlir::Value scalar,
                       int64_t lanes);

/// The elements of an operand that broadcasts to a result of which `place`
/// tells.
mlir::Value loadBroadcastElements(KernelBuilder &kernel, mlir::Value operand,
                                  const VectorPlace &place);

} // namespace sluice

#endif // SLUICE_CODEGEN_ROWS_ELEMENTVECTORS_H
