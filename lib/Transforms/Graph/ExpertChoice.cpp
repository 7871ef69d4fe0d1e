//===- ExpertChoice.cpp - Who goes to an expert ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ExpertChoice.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

Operation *findChoosingOp(Value ids) {
  Operation *op = ids.getDefiningOp();
  if (auto top = dyn_cast_or_null<TopKOp>(op))
    return ids == top.getIndices() ? op : nullptr;
  if (isa_and_nonnull<ArgMaxOp, ArgMinOp>(op))
    return op;
  // Fewer bits would give other numbers.
  constexpr unsigned fewestBits = 32;
  if (isa_and_nonnull<CastOp>(op) && isa<IntegerType>(elementTypeOf(ids)) &&
      elementTypeOf(ids).getIntOrFloatBitWidth() >= fewestBits)
    return findChoosingOp(op->getOperand(0));
  return nullptr;
}

bool areBelow(Value ids, int64_t count) {
  Operation *op = findChoosingOp(ids);
  auto isOf = [&](auto choosing) {
    int64_t size = shapeOf(choosing.getOperand())[choosing.getAxis()];
    return !ShapedType::isDynamic(size) && size <= count;
  };
  if (auto top = dyn_cast_or_null<TopKOp>(op))
    return isOf(top);
  if (auto most = dyn_cast_or_null<ArgMaxOp>(op))
    return isOf(most);
  auto least = dyn_cast_or_null<ArgMinOp>(op);
  return least && isOf(least);
}

namespace {

/// Follows a mask to the numbers of experts.
class ChoiceMatcher {
public:
  explicit ChoiceMatcher(Value mask)
      : rank(shapeOf(mask).size()), selection(Selection::all(mask)) {}

  std::optional<ExpertChoice> match();

private:
  /// The choice made by an op that marks ids along a dimension.
  bool matchOneHot(OneHotOp op);
  /// By comparison with numbers along a dimension, or with one.
  bool matchComparison(EqualOp op);
  bool matchNumbers(Value ids, Value numbers);
  /// By a product of a mask with other masks.
  bool matchProduct(Operation *op);
  bool matchWhole();
  /// The coordinates of the ids, all of which must be free.
  bool finish(Value ids, ArrayRef<Coordinate> coordinates);

  int64_t rank;
  Selection selection;
  ExpertChoice choice;
};

} // namespace

bool ChoiceMatcher::finish(Value ids, ArrayRef<Coordinate> coordinates) {
  // The ids' dimensions of size one are no dimensions of the mask.
  choice.dimensions.assign(rank, -1);
  for (auto [i, coordinate] : llvm::enumerate(coordinates))
    if (coordinate.dimension)
      choice.dimensions[*coordinate.dimension] = i;
    else if (shapeOf(ids)[i] != 1)
      return false;
  Operation *origin = findChoosingOp(ids);
  if (llvm::is_contained(choice.dimensions, -1) || !origin)
    return false;
  if (auto top = dyn_cast<TopKOp>(origin))
    choice.slotDimension = top.getAxis();
  choice.ids = ids;
  if (choice.condition &&
      choice.dimensions != llvm::to_vector(llvm::seq<int64_t>(rank)))
    return false;
  return true;
}

bool ChoiceMatcher::matchOneHot(OneHotOp op) {
  std::optional<double> off = evaluateConstantNumber(op.getValues(), 0),
                        on = evaluateConstantNumber(op.getValues(), 1);
  if (off != 0.0 || !on || *on == 0)
    return false;
  SmallVector<Coordinate> coordinates = selection.coordinates;
  auto axis = static_cast<int64_t>(op.getAxis());
  if (coordinates[axis].dimension)
    return false;
  choice.expert = coordinates[axis].place;
  coordinates.erase(coordinates.begin() + axis);
  return finish(op.getIndices(), coordinates);
}

bool ChoiceMatcher::matchNumbers(Value ids, Value numbers) {
  if (!isa<IntegerType>(elementTypeOf(ids)))
    return false;
  ArrayRef<int64_t> shape = shapeOf(numbers);
  SmallVector<int64_t> sizes = withoutOnes(shape);
  int64_t total = shapeOf(selection.whole).size();
  if (sizes.size() > 1 ||
      total < static_cast<int64_t>(std::max(shape.size(), shapeOf(ids).size())))
    return false;
  int64_t element = 0;
  int64_t axis = -1;
  if (!sizes.empty()) {
    auto behind = std::distance(llvm::find(shape, sizes[0]), shape.end());
    axis = total - behind;
    const Coordinate &coordinate = selection.coordinates[axis];
    if (coordinate.dimension || !coordinate.place.number)
      return false;
    element = *coordinate.place.number;
  }
  std::optional<int64_t> number = evaluateConstantElement(numbers, element);
  if (!number)
    return false;
  choice.expert = Place{number, {}, 0};
  int64_t offset = total - shapeOf(ids).size();
  auto own = ArrayRef(selection.coordinates).drop_front(offset);
  // Sizes of one along the experts' dimension broadcast.
  return finish(ids, own);
}

bool ChoiceMatcher::matchComparison(EqualOp op) {
  return matchNumbers(op.getLhs(), op.getRhs()) ||
         matchNumbers(op.getRhs(), op.getLhs());
}

bool ChoiceMatcher::matchProduct(Operation *op) {
  Selection whole = selection;
  // One mask for each expert, in the order of the list's dimensions.
  auto own = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (choice.condition || whole.freeDimensions() != own ||
      whole.coordinates.size() != own.size() + 1)
    return false;
  for (int64_t i : own)
    if (whole.coordinates[i].dimension != i)
      return false;
  for (Value operand : op->getOperands()) {
    if (shapeOf(operand) != shapeOf(whole.whole))
      continue;
    selection = whole;
    selection.whole = operand;
    choice.condition = whole.whole;
    if (matchWhole())
      return true;
  }
  return false;
}

bool ChoiceMatcher::matchWhole() {
  for (;;) {
    selection.lookThrough();
    Operation *op = selection.whole.getDefiningOp();
    if (!op)
      return false;
    if (auto cast = dyn_cast<CastOp>(op)) {
      // A float below one would become zero as an integer.
      bool isBool = elementTypeOf(cast).isInteger(1);
      if (!isBool && !isa<IntegerType>(elementTypeOf(cast.getOperand())))
        return false;
      selection.enterOperand();
      continue;
    }
    if (auto oneHot = dyn_cast<OneHotOp>(op))
      return matchOneHot(oneHot);
    if (auto equal = dyn_cast<EqualOp>(op))
      return matchComparison(equal);
    if (isa<MulOp, AndOp>(op))
      return matchProduct(op);
    return false;
  }
}

std::optional<ExpertChoice> ChoiceMatcher::match() {
  if (!matchWhole())
    return std::nullopt;
  return choice;
}

std::optional<ExpertChoice> ExpertChoice::match(Value mask) {
  return ChoiceMatcher(mask).match();
}

std::optional<int64_t> ListedPlace::onlyDimension() const {
  std::optional<int64_t> found;
  for (auto [i, factor] : llvm::enumerate(factors)) {
    if (factor == 0)
      continue;
    if (factor != 1 || found)
      return std::nullopt;
    found = i;
  }
  return found;
}

std::optional<ListedPlace> ListedPlace::match(Value numbers, unsigned depth) {
  // A factor and an addend for each dimension.
  constexpr unsigned maxDepth = 8;
  if (depth > maxDepth)
    return std::nullopt;
  Selection selection = Selection::of(numbers);
  Operation *op = selection.whole.getDefiningOp();
  if (auto list = dyn_cast_or_null<NonZeroOp>(op)) {
    const Coordinate &dimension = selection.coordinates[0];
    auto rank = static_cast<int64_t>(shapeOf(list.getOperand()).size());
    // What is outside of the list fails when it runs.
    if (!dimension.place.number || *dimension.place.number >= rank ||
        !selection.coordinates[1].dimension)
      return std::nullopt;
    ListedPlace result;
    result.list = list;
    result.factors.assign(rank, 0);
    result.factors[*dimension.place.number] = 1;
    return result;
  }
  if (isa_and_nonnull<AddOp>(op)) {
    auto lhs = match(op->getOperand(0), depth + 1),
         rhs = match(op->getOperand(1), depth + 1);
    if (!lhs || !rhs || lhs->list != rhs->list)
      return std::nullopt;
    for (auto [sum, factor] : llvm::zip(lhs->factors, rhs->factors))
      sum += factor;
    return lhs;
  }
  if (isa_and_nonnull<MulOp>(op))
    for (unsigned i : {0, 1}) {
      auto factor = getSplatNumber(op->getOperand(i));
      auto place =
          factor ? match(op->getOperand(1 - i), depth + 1) : std::nullopt;
      if (!place)
        continue;
      for (int64_t &own : place->factors)
        own *= static_cast<int64_t>(*factor);
      return place;
    }
  return std::nullopt;
}

NonZeroOp matchListedRows(Value rows) {
  auto transpose = rows.getDefiningOp<TransposeOp>();
  if (!transpose || transpose.getPermutation() != ArrayRef<int64_t>{1, 0})
    return nullptr;
  return transpose.getOperand().getDefiningOp<NonZeroOp>();
}

} // namespace sluice
