//===- ElementPlace.cpp - Where an element is in a tensor -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementPlace.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

std::optional<SmallVector<int64_t>>
sluice::getPositions(ArrayRef<int64_t> shape, int64_t index) {
  SmallVector<int64_t> positions(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    if (i == 0) {
      positions[0] = index;
      break;
    }
    if (ShapedType::isDynamic(shape[i]) || shape[i] <= 0)
      return std::nullopt;
    positions[i] = index % shape[i];
    index /= shape[i];
  }
  return positions;
}

/// The inverse of `getPositions`.
static std::optional<int64_t> numberOf(ArrayRef<int64_t> shape,
                                       ArrayRef<int64_t> positions) {
  int64_t index = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0 && ShapedType::isDynamic(shape[i]))
      return std::nullopt;
    if (positions[i] < 0 ||
        (!ShapedType::isDynamic(shape[i]) && positions[i] >= shape[i]))
      return std::nullopt;
    if (i > 0 && __builtin_mul_overflow(index, shape[i], &index))
      return std::nullopt;
    if (__builtin_add_overflow(index, positions[i], &index))
      return std::nullopt;
  }
  return index;
}

std::optional<ElementPlace> sluice::findPlace(Value tensor,
                                              ArrayRef<int64_t> positions) {
  auto index = numberOf(shapeOf(tensor), positions);
  if (!index)
    return std::nullopt;
  return ElementPlace{tensor, *index};
}

std::optional<ElementPlace>
sluice::findBroadcastPlace(Value operand, Value result, int64_t index) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (type.hasStaticShape() && type.getNumElements() == 1)
    return ElementPlace{operand, 0};
  auto resultType = cast<RankedTensorType>(result.getType());
  if (type == resultType)
    return ElementPlace{operand, index};
  auto positions = getPositions(resultType.getShape(), index);
  if (!positions || !type.hasStaticShape())
    return std::nullopt;
  SmallVector<int64_t> place(
      ArrayRef<int64_t>(*positions).take_back(type.getRank()));
  for (auto [position, size] : llvm::zip(place, type.getShape()))
    if (size == 1)
      position = 0;
  return findPlace(operand, place);
}
