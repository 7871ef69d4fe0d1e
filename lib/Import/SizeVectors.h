//===- SizeVectors.h - Sizes and positions as small tensors -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Translations compute sizes and positions with ops on i64 vectors, as
// exporters do: what is known folds away, the rest is read during the run.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_SIZEVECTORS_H
#define SLUICE_LIB_IMPORT_SIZEVECTORS_H

#include "NodeContext.h"

namespace sluice {

using ExpectedValue = llvm::Expected<mlir::Value>;

/// `value` as a vector of i64, whatever its rank and integer type are.
ExpectedValue toVector(NodeContext &node, mlir::Value value);
/// The same with `length` elements, for vectors of a length that is declared
/// dynamic but follows from the operator's rules.
ExpectedValue toVector(NodeContext &node, mlir::Value value, int64_t length);
/// Input `index`, which holds the sizes of the node's first result, with a
/// known length. Where that is dynamic, the result has the rank that the model
/// declares; `mayBeShort` says that dimensions may be missing in front, which
/// are ones. Without a declaration the length stays dynamic.
ExpectedValue resultSizes(NodeContext &node, size_t index,
                          bool mayBeShort = false);
/// A one-element vector with the size of a dimension.
ExpectedValue sizeVector(NodeContext &node, mlir::Value value,
                         int64_t dimension);
/// The elements of several vectors in one.
ExpectedValue joinVectors(NodeContext &node, llvm::ArrayRef<mlir::Value> parts);
/// Element `index` of a vector, as a one-element vector.
ExpectedValue vectorElement(NodeContext &node, mlir::Value vector,
                            int64_t index);
/// The product of the sizes of dimensions [begin, end), as one element.
ExpectedValue sizeProduct(NodeContext &node, mlir::Value value, int64_t begin,
                          int64_t end);
/// Reshapes to sizes that are vectors of one element each.
ExpectedValue reshapeTo(NodeContext &node, mlir::Value value,
                        llvm::ArrayRef<mlir::Value> sizes);
/// Reshapes to one dimension.
ExpectedValue flatten(NodeContext &node, mlir::Value value);

/// x[..., start:end:step, ...] along one dimension.
ExpectedValue sliceAxis(NodeContext &node, mlir::Value value, int64_t axis,
                        int64_t start, int64_t end, int64_t step = 1);
/// The same with bounds in one-element vectors.
ExpectedValue sliceAxis(NodeContext &node, mlir::Value value, int64_t axis,
                        mlir::Value start, mlir::Value end);

/// Adds `filler` (a scalar) behind every dimension: `widths` has one count per
/// dimension.
ExpectedValue padEnd(NodeContext &node, mlir::Value value, mlir::Value filler,
                     mlir::Value widths);

/// 0, 1, ... along a dimension of `value`, broadcastable against it: the
/// result has the rank that is left from that dimension on.
ExpectedValue positions(NodeContext &node, mlir::Value value,
                        int64_t dimension);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_SIZEVECTORS_H
