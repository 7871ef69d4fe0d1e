//===- Selections.cpp - Tensors that are parts of others ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Selections.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace sluice {

SmallVector<int64_t> withoutOnes(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result(shape);
  llvm::erase(result, 1);
  return result;
}

bool differInOnes(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  SmallVector<int64_t> sizes = withoutOnes(from), others = withoutOnes(to);
  // Two unknown sizes may have changed places.
  return sizes == others && llvm::count(sizes, ShapedType::kDynamic) <= 1;
}

bool keepsAll(SliceOp op, int64_t dimension) {
  if (op.getStarts().empty() || op.getSteps()[dimension] != 1 ||
      op.getStarts()[dimension] != 0)
    return false;
  int64_t size = shapeOf(op.getOperand())[dimension],
          end = op.getEnds()[dimension];
  return end == std::numeric_limits<int64_t>::max() ||
         (!ShapedType::isDynamic(size) && end >= size);
}

/// Is an element of a shape the size of a slice of at most one?
static bool isAtMostOne(Value shape, int64_t index) {
  auto op = shape.getDefiningOp<ShapeOp>();
  if (!op)
    return evaluateConstantElement(shape, index) == 1;
  auto slice = op.getOperand().getDefiningOp<SliceOp>();
  int64_t dimension = static_cast<int64_t>(op.getStart()) + index;
  return slice && !slice.getStarts().empty() &&
         slice.getStarts()[dimension] == 0 && slice.getEnds()[dimension] == 1;
}

bool keepsShape(BroadcastOp op) {
  ArrayRef<int64_t> from = shapeOf(op.getOperand()), to = shapeOf(op);
  if (from.size() != to.size() ||
      shapeOf(op.getShape())[0] != static_cast<int64_t>(to.size()))
    return false;
  for (auto [i, size] : llvm::enumerate(from)) {
    bool isKnown = !ShapedType::isDynamic(size);
    if (isKnown && (size != 1 || to[i] == 1))
      continue;
    if (!isAtMostOne(op.getShape(), i))
      return false;
  }
  return true;
}

Place getPlace(Value element) {
  if (auto number = evaluateConstantElement(element, 0))
    return {number, {}, 0};
  Selection selection = Selection::of(element);
  // A list, or a row of one.
  Place place;
  for (const Coordinate &coordinate : selection.coordinates) {
    if (!coordinate.place.number)
      return {std::nullopt, element, 0};
    place.element = std::max(place.element, *coordinate.place.number);
  }
  ArrayRef<int64_t> shape = shapeOf(selection.whole);
  if (withoutOnes(shape).size() > 1)
    return {std::nullopt, element, 0};
  place.list = selection.whole;
  return place;
}

Selection Selection::all(Value whole) {
  Selection result;
  result.whole = whole;
  for (size_t i = 0, rank = shapeOf(whole).size(); i < rank; ++i)
    result.coordinates.push_back(Coordinate::free(i));
  return result;
}

Selection Selection::of(Value value) {
  Selection result = all(value);
  result.lookThrough();
  return result;
}

void Selection::lookThrough() {
  while (step())
    ;
}

SmallVector<int64_t> Selection::freeDimensions() const {
  SmallVector<int64_t> result;
  for (auto [i, coordinate] : llvm::enumerate(coordinates))
    if (coordinate.dimension)
      result.push_back(i);
  return result;
}

std::optional<int64_t> Selection::onlyFixedDimension() const {
  std::optional<int64_t> found;
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    if (coordinate.dimension)
      continue;
    // Others of size one are no dimensions of anything.
    if (shapeOf(whole)[i] == 1)
      continue;
    if (found)
      return std::nullopt;
    found = i;
  }
  return found;
}

bool Selection::enterReshape(Value operand) {
  ArrayRef<int64_t> from = shapeOf(operand), to = shapeOf(whole);
  SmallVector<Coordinate> next(from.size(), Coordinate::at(0));
  // What has one element has it at zero.
  bool isElement = llvm::all_of(to, [](int64_t size) { return size == 1; });
  if (!isElement) {
    if (!differInOnes(from, to))
      return false;
    size_t place = 0;
    for (auto [i, size] : llvm::enumerate(from)) {
      if (size == 1)
        continue;
      while (to[place] == 1)
        ++place;
      next[i] = coordinates[place++];
    }
  }
  coordinates = std::move(next);
  whole = operand;
  return true;
}

bool Selection::step() {
  Operation *op = whole.getDefiningOp();
  if (!op)
    return false;
  SmallVector<Coordinate> next;
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    whole = cast.getSource();
    return isa<RankedTensorType>(whole.getType());
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    next.resize(coordinates.size());
    for (auto [i, from] : llvm::enumerate(transpose.getPermutation()))
      next[from] = coordinates[i];
  } else if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op)) {
    for (auto [i, coordinate] : llvm::enumerate(coordinates))
      if (!llvm::is_contained(unsqueeze.getAxes(), int64_t(i)))
        next.push_back(coordinate);
  } else if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    next = coordinates;
    for (int64_t axis : squeeze.getAxes())
      next.insert(next.begin() + axis, Coordinate::at(0));
  } else if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    return enterReshape(reshape.getOperand());
  } else if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    if (!keepsShape(broadcast))
      return false;
    next = coordinates;
  } else if (auto slice = dyn_cast<SliceOp>(op)) {
    if (slice.getStarts().empty())
      return false;
    for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
      int64_t start = slice.getStarts()[i];
      bool isOne = shapeOf(whole)[i] == 1 || coordinate.isAt(0);
      if (keepsAll(slice, i))
        next.push_back(coordinate);
      else if (isOne && start >= 0)
        next.push_back(Coordinate::at(start));
      else
        return false;
    }
  } else if (auto gather = dyn_cast<GatherOp>(op)) {
    auto indices = cast<RankedTensorType>(gather.getIndices().getType());
    if (!indices.hasStaticShape() || indices.getNumElements() != 1)
      return false;
    auto axis = static_cast<int64_t>(gather.getAxis());
    Place place = getPlace(gather.getIndices());
    if (place.number && *place.number < 0)
      return false;
    next.append(coordinates.begin(), coordinates.begin() + axis);
    next.push_back(Coordinate::at(place));
    next.append(coordinates.begin() + axis + indices.getRank(),
                coordinates.end());
  } else {
    return false;
  }
  coordinates = std::move(next);
  whole = op->getOperand(0);
  return true;
}

} // namespace sluice
