//===- ElementEvaluator.cpp - Elements of shape arithmetic ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace sluice;

bool sluice::isElement(int64_t number, Type type) {
  if (auto real = dyn_cast<FloatType>(type)) {
    APFloat value(real.getFloatSemantics());
    APInt bits(64, number, /*isSigned=*/true);
    return value.convertFromAPInt(bits, /*IsSigned=*/true,
                                  APFloat::rmNearestTiesToEven) ==
           APFloat::opOK;
  }
  unsigned width = cast<IntegerType>(type).getWidth();
  if (isUnsignedType(type) || width == 1)
    return number >= 0 && (width >= 64 || llvm::isUIntN(width, number));
  return llvm::isIntN(width, number);
}

/// Sizes in tensors of these types are computed with as they are; what wraps or
/// rounds in them is no size.
static bool isSizeType(Type type) {
  return isa<FloatType>(type)
             ? type.getIntOrFloatBitWidth() >= 32
             : !isUnsignedType(type) && type.getIntOrFloatBitWidth() >= 32;
}

OpFoldResult ElementEvaluator::constant(int64_t number) {
  return IntegerAttr::get(IndexType::get(loc.getContext()), number);
}

OpFoldResult ElementEvaluator::element(std::optional<ElementPlace> place) {
  return place ? element(place->tensor, place->index) : OpFoldResult();
}

std::optional<int64_t>
ElementEvaluator::knownElement(std::optional<ElementPlace> place) {
  OpFoldResult value = element(place);
  return value ? getConstantIntValue(value) : std::nullopt;
}

std::optional<int64_t> ElementEvaluator::knownElement(Value tensor,
                                                      int64_t index) {
  return knownElement(ElementPlace{tensor, index});
}

std::optional<ElementPlace> ElementEvaluator::findSource(Operation *op,
                                                         int64_t index) {
  if (op->hasTrait<trait::IsView>() || isa<tensor::CastOp>(op))
    return ElementPlace{op->getOperand(0), index};
  if (auto elements = dyn_cast<ElementsOpInterface>(op))
    return elements.findSource(*this, index);
  return std::nullopt;
}

ElementPlace ElementEvaluator::follow(ElementPlace place) {
  for (unsigned i = 0; i < maxDepth; ++i) {
    Operation *op = place.tensor.getDefiningOp();
    auto source = op ? findSource(op, place.index) : std::nullopt;
    if (!source)
      break;
    place = *source;
  }
  return place;
}

OpFoldResult ElementEvaluator::constantElement(Attribute value, int64_t index) {
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements || index < 0 || index >= elements.getNumElements())
    return {};
  if (isa<FloatType>(elements.getElementType())) {
    APFloat number = *(elements.value_begin<APFloat>() + index);
    APSInt whole(64, /*isUnsigned=*/false);
    bool exact;
    if (number.convertToInteger(whole, APFloat::rmTowardZero, &exact) !=
            APFloat::opOK ||
        !exact)
      return {};
    return constant(whole.getSExtValue());
  }
  APInt number = *(elements.value_begin<APInt>() + index);
  bool isUnsigned = isUnsignedType(elements.getElementType());
  if (isUnsigned ? number.getActiveBits() > 63
                 : number.getSignificantBits() > 64)
    return {};
  return constant(isUnsigned ? number.getZExtValue() : number.getSExtValue());
}

OpFoldResult ElementEvaluator::combineKnown(Operation *op, int64_t index,
                                            Fold fold) {
  std::optional<int64_t> values[2];
  for (unsigned i : {0u, 1u}) {
    values[i] = knownElement(
        findBroadcastPlace(op->getOperand(i), op->getResult(0), index));
    if (!values[i])
      return {};
  }
  auto folded = fold(*values[0], *values[1]);
  return folded ? constant(*folded) : OpFoldResult();
}

OpFoldResult ElementEvaluator::combine(Operation *op, int64_t index, Fold fold,
                                       Make make) {
  auto operand = [&](unsigned i) {
    return element(
        findBroadcastPlace(op->getOperand(i), op->getResult(0), index));
  };
  OpFoldResult lhs = operand(0);
  if (!lhs)
    return {};
  OpFoldResult rhs = operand(1);
  if (!rhs)
    return {};
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left && right) {
    std::optional<int64_t> folded = fold(*left, *right);
    return folded ? constant(*folded) : OpFoldResult();
  }
  if (!builder || !isSizeType(elementTypeOf(op->getResult(0))))
    return {};
  return make(*builder, loc, lhs, rhs);
}

OpFoldResult ElementEvaluator::map(
    Operation *op, int64_t index,
    llvm::function_ref<std::optional<int64_t>(int64_t)> fold,
    llvm::function_ref<OpFoldResult(OpBuilder &, Location, OpFoldResult)>
        make) {
  OpFoldResult operand = element(op->getOperand(0), index);
  if (!operand)
    return {};
  if (auto number = getConstantIntValue(operand)) {
    std::optional<int64_t> folded = fold(*number);
    return folded ? constant(*folded) : OpFoldResult();
  }
  if (!builder || !isSizeType(elementTypeOf(op->getResult(0))))
    return {};
  return make(*builder, loc, operand);
}

OpFoldResult ElementEvaluator::mapKnown(
    Operation *op, int64_t index,
    llvm::function_ref<std::optional<int64_t>(int64_t)> fold) {
  auto known = knownElement(op->getOperand(0), index);
  auto folded = known ? fold(*known) : std::nullopt;
  return folded ? constant(*folded) : OpFoldResult();
}

OpFoldResult ElementEvaluator::element(Value tensor, int64_t index) {
  if (depth > maxDepth || budget == 0)
    return {};
  auto it = known.find({tensor, index});
  if (it != known.end())
    return it->second;
  --budget;
  OpFoldResult result = computeElement(tensor, index);
  known[{tensor, index}] = result;
  return result;
}

OpFoldResult ElementEvaluator::computeElement(Value tensor, int64_t index) {
  Attribute value;
  if (matchPattern(tensor, m_Constant(&value)))
    return constantElement(value, index);
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  OpFoldResult result;
  ++depth;
  if (auto place = findSource(op, index)) {
    result = element(place);
  } else if (auto elements = dyn_cast<ElementsOpInterface>(op)) {
    result = elements.evaluateElement(*this, index);
  } else if (auto vector = dyn_cast<tensor::FromElementsOp>(op)) {
    // The number of a loop's step.
    auto number =
        vector.getElements()[index].getDefiningOp<arith::IndexCastOp>();
    if (builder && number && number.getIn().getType().isIndex())
      result = number.getIn();
  }
  --depth;
  auto known = result ? getConstantIntValue(result) : std::nullopt;
  return known && !isElement(*known, elementTypeOf(tensor)) ? OpFoldResult()
                                                            : result;
}

/// A number as a tensor of this type has it.
static double roundTo(Value tensor, double exact) {
  if (elementTypeOf(tensor).isF64())
    return exact;
  return static_cast<float>(exact);
}

std::optional<double>
ElementEvaluator::combineNumbers(Operation *op, int64_t index,
                                 double (*fold)(double, double)) {
  Value result = op->getResult(0);
  std::optional<double> values[2];
  for (unsigned i : {0u, 1u})
    if (auto place = findBroadcastPlace(op->getOperand(i), result, index))
      values[i] = number(place->tensor, place->index);
  if (!values[0] || !values[1])
    return std::nullopt;
  return roundTo(result, fold(*values[0], *values[1]));
}

std::optional<double> ElementEvaluator::mapNumber(Operation *op, int64_t index,
                                                  double (*fold)(double)) {
  auto known = number(op->getOperand(0), index);
  if (!known)
    return std::nullopt;
  return roundTo(op->getResult(0), fold(*known));
}

std::optional<double> ElementEvaluator::number(Value tensor, int64_t index) {
  if (OpFoldResult whole = element(tensor, index))
    if (auto known = getConstantIntValue(whole)) {
      if (isElement(*known, Float64Type::get(tensor.getContext())))
        return static_cast<double>(*known);
      return std::nullopt;
    }
  if (depth > maxDepth || budget == 0)
    return std::nullopt;
  Attribute value;
  if (matchPattern(tensor, m_Constant(&value))) {
    auto elements = dyn_cast<DenseFPElementsAttr>(value);
    if (!elements || index < 0 || index >= elements.getNumElements())
      return std::nullopt;
    APFloat element = *(elements.value_begin<APFloat>() + index);
    bool lossy;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &lossy);
    return element.convertToDouble();
  }
  Operation *op = tensor.getDefiningOp();
  if (!op || !isa<Float32Type, Float64Type>(elementTypeOf(tensor)))
    return std::nullopt;
  ++depth;
  std::optional<double> result;
  if (auto place = findSource(op, index))
    result = number(place->tensor, place->index);
  else if (auto elements = dyn_cast<ElementsOpInterface>(op))
    result = elements.evaluateNumber(*this, index);
  --depth;
  return result;
}
