//===- DistanceBias.cpp - Biases of the distance in the run ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "DistanceBias.h"
#include "sluice/Transforms/Graph/TypeRefinement.h"

using namespace mlir;

namespace sluice {

static bool dependsOnPlace(const Element &element) {
  return llvm::any_of(element.place, [](const LinearForm &place) {
    return place.get(QueryAxis) != 0 || place.get(KeyAxis) != 0;
  });
}

/// A multiple of the key's place less the query's, and what is the same for
/// all scores.
Value DistanceBias::makeDistances(const Element &element) {
  if (!isa<IntegerType, FloatType>(elementTypeOf(element.tensor)))
    return nullptr;
  auto form = positions.getNumber(element);
  if (!form)
    return nullptr;
  int64_t step = form->get(KeyAxis);
  if (step == 0 || form->get(QueryAxis) != -step || form->get(HeadAxis) != 0 ||
      form->get(BatchAxis) != 0)
    return nullptr;
  LinearForm rest = *form;
  rest.factors.erase(QueryAxis);
  rest.factors.erase(KeyAxis);
  // Distance number i is i - (queries - 1).
  LinearForm back = positions.getExtent(QueryAxis);
  back.number -= 1;
  rest.add(back, -step);
  Value first = positions.makeInteger(rest);
  if (!shapeOf(first).empty())
    return nullptr;
  auto integer = [&](int64_t number) {
    return graph.number(graph.builder.getI64Type(), number);
  };
  Value count = positions.makeInteger(back.plus(positions.getExtent(KeyAxis)));
  Value numbers =
      graph.make<RangeOp>(ValueRange{integer(0), count, integer(1)});
  if (step != 1)
    numbers = graph.mul(numbers, integer(step));
  return graph.cast(graph.add(numbers, first), elementTypeOf(element.tensor));
}

Value DistanceBias::makeElements(Operation *op, const Element &element,
                                 unsigned depth) {
  SmallVector<Value> operands;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    auto operand = positions.operandOf(element, i);
    operands.push_back(operand ? make(*operand, depth + 1) : Value());
    if (!operands.back())
      return nullptr;
  }
  return cloneWithOperands(graph.builder, op, operands);
}

/// What a table has for each distance, and for each head if it has those.
Value DistanceBias::makeLookup(GatherOp op, const Element &element,
                               unsigned depth) {
  Value table = op->getOperand(0), index = op->getOperand(1);
  int64_t axis = op.getAxis(), indexRank = shapeOf(index).size();
  ArrayRef<LinearForm> place = element.place;
  Element source{index, {}};
  llvm::append_range(source.place, place.slice(axis, indexRank));
  // Dimensions of the table beside that of the distance.
  std::optional<int64_t> heads;
  for (int64_t i = 0, rank = shapeOf(table).size(); i < rank; ++i) {
    if (i == axis)
      continue;
    const LinearForm &own = place[i < axis ? i : i + indexRank - 1];
    if (own == LinearForm::ofSymbol(HeadAxis) && !heads)
      heads = i;
    else if (shapeOf(table)[i] != 1)
      return nullptr;
  }
  if (heads && ShapedType::isDynamic(shapeOf(table)[*heads]))
    return nullptr;
  Value numbers = make(source, depth + 1);
  if (!numbers || shapeOf(numbers).empty() ||
      !llvm::all_of(shapeOf(numbers).drop_back(),
                    [](int64_t size) { return size == 1; }))
    return nullptr;
  numbers = graph.reshape(numbers, {-1});
  Value found = graph.make<GatherOp>(table, numbers, axis);
  if (!heads)
    return graph.reshape(found, {1, -1});
  if (*heads > axis) {
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(found).size()));
    std::swap(order[axis], order[*heads]);
    found = graph.transpose(found, order);
  }
  return graph.reshape(found, {shapeOf(table)[*heads], 1, -1});
}

Value DistanceBias::makeAnew(const Element &element, unsigned depth) {
  constexpr unsigned deepest = 64;
  if (Value distances = makeDistances(element))
    return distances;
  Operation *op = element.tensor.getDefiningOp();
  if (!op || depth > deepest)
    return nullptr;
  if (isa<ElementwiseOpInterface>(op))
    return makeElements(op, element, depth);
  if (auto gather = dyn_cast<GatherOp>(op))
    return makeLookup(gather, element, depth);
  return nullptr;
}

Value DistanceBias::make(const Element &start, unsigned depth) {
  Element element = positions.follow(start);
  if (!dependsOnPlace(element))
    return positions.make(element);
  for (const auto &[known, value] : made[element.tensor])
    if (known == element)
      return value;
  Value value = makeAnew(element, depth);
  made[element.tensor].push_back({element, value});
  return value;
}

} // namespace sluice
