//===- ElementPlace.h - Where an element is in a tensor ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ELEMENTPLACE_H
#define SLUICE_DIALECTS_SLUICE_ELEMENTPLACE_H

#include "mlir/IR/Value.h"
#include <optional>

namespace sluice {

/// An element of a tensor, by its row-major number.
struct ElementPlace {
  mlir::Value tensor;
  int64_t index;
};

/// An index along a dimension, whatever that is to who asks for places; null
/// for the first position.
using PlaceIndex = void *;

/// The position of element `index` in each dimension. The first size may be
/// dynamic; none if others are.
std::optional<llvm::SmallVector<int64_t>>
getPositions(llvm::ArrayRef<int64_t> shape, int64_t index);

/// The tensor's element at these positions; none if there is no such element,
/// or its number is not known.
std::optional<ElementPlace> findPlace(mlir::Value tensor,
                                      llvm::ArrayRef<int64_t> positions);

/// The operand's element that element `index` of `result` broadcasts from; only
/// for shapes whose broadcast is evident.
std::optional<ElementPlace>
findBroadcastPlace(mlir::Value operand, mlir::Value result, int64_t index);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_ELEMENTPLACE_H
