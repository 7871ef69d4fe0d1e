//===- RowMovement.cpp - Parts of rows in other places --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/RowMovement.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

std::optional<RowMovement> ConcatOp::getRowMovement() {
  int64_t rank = getType().getRank(), place = 0;
  if (static_cast<int64_t>(getAxis()) != rank - 1)
    return std::nullopt;
  SmallVector<RowPiece> pieces;
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    int64_t size = shapeOf(operand).back();
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    pieces.push_back({static_cast<unsigned>(i), size, {}, {place}});
    place += size;
  }
  return RowMovement(pieces, rank);
}

/// Slices of all rows.
std::optional<RowMovement> SliceOp::getRowMovement() {
  int64_t rank = getType().getRank(), last = rank - 1;
  if (rank == 0 || !getBounds().empty() || getSteps()[last] < 1)
    return std::nullopt;
  ArrayRef<int64_t> from = shapeOf(getOperand()), to = getType().getShape();
  for (int64_t i = 0; i < last; ++i)
    if (!takesWhole(i) && (getSteps()[i] != 1 || from[i] != to[i] ||
                           ShapedType::isDynamic(to[i])))
      return std::nullopt;
  if (ShapedType::isDynamic(from[last]) || ShapedType::isDynamic(to[last]))
    return std::nullopt;
  int64_t start = getStarts()[last];
  if (start < 0)
    start += from[last];
  start = std::clamp<int64_t>(start, 0, from[last]);
  return RowMovement({{0, to[last], {start, getSteps()[last]}, {}}}, rank);
}

std::optional<RowMovement> TransposeOp::getRowMovement() {
  ArrayRef<int64_t> permutation = getPermutation();
  int64_t rank = permutation.size();
  if (rank == 0 || permutation.back() != rank - 1 ||
      ShapedType::isDynamic(getType().getShape().back()))
    return std::nullopt;
  RowMovement movement({{0, getType().getShape().back(), {}, {}}}, rank);
  movement.order = llvm::to_vector(permutation);
  return movement;
}

std::optional<RowMovement> InterleaveOp::getRowMovement() {
  int64_t size = shapeOf(getLhs()).back();
  if (ShapedType::isDynamic(size))
    return std::nullopt;
  return RowMovement({{0, size, {}, {0, 2}}, {1, size, {}, {1, 2}}},
                     getType().getRank());
}
