//===- ShapeEvaluation.cpp - Shape tensors as scalars ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "ElementPlace.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace sluice;

namespace {

/// Evaluates one element. Without a builder only constants come out.
class Evaluator {
public:
  Evaluator(OpBuilder *builder, Location loc) : builder(builder), loc(loc) {}

  /// The element if it is a whole number, of an integer or a float tensor.
  OpFoldResult element(Value tensor, int64_t index);
  std::optional<double> number(Value tensor, int64_t index);

private:
  using Fold = llvm::function_ref<std::optional<int64_t>(int64_t, int64_t)>;

  OpFoldResult constant(int64_t number) {
    return IntegerAttr::get(IndexType::get(loc.getContext()), number);
  }
  OpFoldResult elementOf(ElementPlace place) {
    return element(place.tensor, place.index);
  }
  OpFoldResult computeElement(Value tensor, int64_t index);
  OpFoldResult evaluate(Operation *op, Value tensor, int64_t index);
  OpFoldResult evaluateCast(CastOp op, int64_t index);
  /// Combines two elements: on constants by `fold`, otherwise by an op.
  template <typename OpTy>
  OpFoldResult combine(Operation *op, int64_t index, Fold fold);
  /// Combines two elements where both are constants.
  OpFoldResult combineConstants(Operation *op, int64_t index, Fold fold);
  OpFoldResult compareEqual(Operation *op, int64_t index);
  /// Where an op that only moves elements takes this one from.
  std::optional<ElementPlace> source(Operation *op, Value result,
                                     int64_t index);
  OpFoldResult shapeElement(ShapeOp op, int64_t index);
  OpFoldResult constantElement(Attribute value, int64_t index);

  OpBuilder *builder;
  Location loc;
  /// What has been evaluated: an element that is used twice is computed once.
  DenseMap<std::pair<Value, int64_t>, OpFoldResult> known;
  /// Chains of shape arithmetic are short; the bounds stop hostile graphs from
  /// recursing without end or looking at very many elements.
  unsigned depth = 0;
  unsigned budget = 20000;
  static constexpr unsigned maxDepth = 200;
};

} // namespace

/// Is a number one of an element type? Arithmetic on constants that leaves the
/// type wraps or rounds, which is left to the code of the run.
static bool isElement(int64_t number, Type type) {
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

std::optional<ElementPlace> Evaluator::source(Operation *op, Value result,
                                              int64_t index) {
  if (isa<ReshapeOp, UnsqueezeOp, SqueezeOp, tensor::CastOp>(op))
    return ElementPlace{op->getOperand(0), index};
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return findBroadcastPlace(broadcast.getOperand(), result, index);
  if (!isa<ConcatOp, SliceOp, GatherOp, TransposeOp>(op))
    return std::nullopt;
  auto positions = getPositions(shapeOf(result), index);
  if (!positions)
    return std::nullopt;

  if (auto concat = dyn_cast<ConcatOp>(op)) {
    int64_t axis = concat.getAxis();
    for (Value operand : concat.getOperands()) {
      int64_t size = shapeOf(operand)[axis];
      if (ShapedType::isDynamic(size))
        return std::nullopt;
      if ((*positions)[axis] < size)
        return findPlace(operand, *positions);
      (*positions)[axis] -= size;
    }
    return std::nullopt;
  }
  if (auto slice = dyn_cast<SliceOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(slice.getOperand());
    for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
      auto bound = [&](ArrayRef<int64_t> values, unsigned which) {
        if (slice.getBounds().empty())
          return constant(values[i]);
        return element(slice.getBounds()[which], i);
      };
      OpFoldResult startElement = bound(slice.getStarts(), 0);
      OpFoldResult stepElement = bound(slice.getSteps(), 2);
      if (!startElement || !stepElement)
        return std::nullopt;
      auto start = getConstantIntValue(startElement);
      auto step = getConstantIntValue(stepElement);
      if (!start || !step)
        return std::nullopt;
      int64_t first = *start;
      bool isOpen = ShapedType::isDynamic(shape[i]);
      if (shape[i] == 0 || (isOpen && (first < 0 || *step < 0)))
        return std::nullopt;
      if (!isOpen)
        first = std::clamp<int64_t>(first < 0 ? first + shape[i] : first, 0,
                                    *step < 0 ? shape[i] - 1 : shape[i]);
      int64_t offset;
      if (__builtin_mul_overflow((*positions)[i], *step, &offset) ||
          __builtin_add_overflow(first, offset, &(*positions)[i]))
        return std::nullopt;
    }
    return findPlace(slice.getOperand(), *positions);
  }
  if (auto gather = dyn_cast<GatherOp>(op)) {
    ArrayRef<int64_t> shape = shapeOf(gather.getOperand());
    int64_t axis = gather.getAxis(),
            indicesRank = shapeOf(gather.getIndices()).size();
    ArrayRef<int64_t> all = *positions;
    auto which = findPlace(gather.getIndices(), all.slice(axis, indicesRank));
    if (!which)
      return std::nullopt;
    OpFoldResult chosen = elementOf(*which);
    auto known = chosen ? getConstantIntValue(chosen) : std::nullopt;
    if (!known || (*known < 0 && ShapedType::isDynamic(shape[axis])))
      return std::nullopt;
    SmallVector<int64_t> place(all.take_front(axis));
    place.push_back(*known < 0 ? *known + shape[axis] : *known);
    llvm::append_range(place, all.drop_front(axis + indicesRank));
    return findPlace(gather.getOperand(), place);
  }
  auto transpose = cast<TransposeOp>(op);
  SmallVector<int64_t> place(positions->size());
  for (auto [i, dimension] : llvm::enumerate(transpose.getPermutation()))
    place[dimension] = (*positions)[i];
  return findPlace(transpose.getOperand(), place);
}

OpFoldResult Evaluator::constantElement(Attribute value, int64_t index) {
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

OpFoldResult Evaluator::shapeElement(ShapeOp op, int64_t index) {
  int64_t dimension = op.getStart() + index;
  if (index < 0 ||
      dimension >= static_cast<int64_t>(shapeOf(op.getOperand()).size()))
    return {};
  int64_t size = shapeOf(op.getOperand())[dimension];
  if (!ShapedType::isDynamic(size))
    return constant(size);
  if (!builder)
    return {};
  return getDimension(*builder, loc, op.getOperand(), dimension);
}

OpFoldResult Evaluator::combineConstants(Operation *op, int64_t index,
                                         Fold fold) {
  std::optional<int64_t> values[2];
  for (unsigned i : {0u, 1u}) {
    auto place = findBroadcastPlace(op->getOperand(i), op->getResult(0), index);
    OpFoldResult value = place ? elementOf(*place) : OpFoldResult();
    if (!value)
      return {};
    values[i] = getConstantIntValue(value);
    if (!values[i])
      return {};
  }
  auto folded = fold(*values[0], *values[1]);
  return folded ? constant(*folded) : OpFoldResult();
}

template <typename OpTy>
OpFoldResult Evaluator::combine(Operation *op, int64_t index, Fold fold) {
  auto lhsPlace =
      findBroadcastPlace(op->getOperand(0), op->getResult(0), index);
  auto rhsPlace =
      findBroadcastPlace(op->getOperand(1), op->getResult(0), index);
  OpFoldResult lhs = lhsPlace ? elementOf(*lhsPlace) : OpFoldResult();
  if (!lhs)
    return {};
  OpFoldResult rhs = rhsPlace ? elementOf(*rhsPlace) : OpFoldResult();
  if (!rhs)
    return {};
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left && right) {
    std::optional<int64_t> folded = fold(*left, *right);
    return folded ? constant(*folded) : OpFoldResult();
  }
  if (!builder || !isSizeType(elementTypeOf(op->getResult(0))))
    return {};
  // A division by what may be zero stays in the tensor world, where it is
  // defined; so does one with a fraction.
  if (isa<DivOp, ModOp>(op) &&
      (!right || *right <= 0 ||
       !isa<IntegerType>(elementTypeOf(op->getResult(0)))))
    return {};
  return OpTy::create(*builder, loc,
                      getValueOrCreateConstantIndexOp(*builder, loc, lhs),
                      getValueOrCreateConstantIndexOp(*builder, loc, rhs))
      .getResult();
}

OpFoldResult Evaluator::compareEqual(Operation *op, int64_t index) {
  std::optional<int64_t> known[2];
  for (unsigned i : {0u, 1u}) {
    auto place = findBroadcastPlace(op->getOperand(i), op->getResult(0), index);
    OpFoldResult value = place ? elementOf(*place) : OpFoldResult();
    if (!value)
      return {};
    known[i] = getConstantIntValue(value);
  }
  if (known[0] && known[1])
    return constant(*known[0] == *known[1]);
  // What is not a constant is computed from sizes only; but it may be a
  // difference, so only a size itself is known not to be negative.
  for (unsigned i : {0u, 1u})
    if (known[i] && *known[i] < 0 &&
        op->getOperand(1 - i).getDefiningOp<ShapeOp>())
      return constant(0);
  return {};
}

OpFoldResult Evaluator::evaluateCast(CastOp op, int64_t index) {
  Type from = elementTypeOf(op.getOperand()), to = op.getTo();
  OpFoldResult whole = element(op.getOperand(), index);
  if (to.isInteger(1)) {
    auto known = whole ? getConstantIntValue(whole) : std::nullopt;
    return known ? constant(*known != 0) : OpFoldResult();
  }
  // Widening and the usual i64 <-> i32 casts of sizes keep values; `element`
  // sees to it that those of constants do.
  if (to.getIntOrFloatBitWidth() < 32)
    return {};
  // From 2^24 on, single precision has not every whole number.
  auto known = whole ? getConstantIntValue(whole) : std::nullopt;
  if (known && to.isF32() && std::abs(*known) < (int64_t(1) << 62))
    return constant(static_cast<int64_t>(static_cast<float>(*known)));
  if (whole)
    return whole;
  if (isa<FloatType>(from) && isa<IntegerType>(to))
    if (auto known = number(op.getOperand(), index))
      if (std::abs(*known) < 9e15)
        return constant(static_cast<int64_t>(*known));
  return {};
}

OpFoldResult Evaluator::evaluate(Operation *op, Value tensor, int64_t index) {
  using Result = std::optional<int64_t>;
  auto compare = [&](bool (*holds)(int64_t, int64_t)) {
    return combineConstants(
        op, index, [&](int64_t a, int64_t b) -> Result { return holds(a, b); });
  };
  auto unary = [&](llvm::function_ref<Result(int64_t)> fold) -> OpFoldResult {
    OpFoldResult value = element(op->getOperand(0), index);
    auto known = value ? getConstantIntValue(value) : std::nullopt;
    auto folded = known ? fold(*known) : std::nullopt;
    return folded ? constant(*folded) : OpFoldResult();
  };
  return llvm::TypeSwitch<Operation *, OpFoldResult>(op)
      .Case([&](ShapeOp shape) { return shapeElement(shape, index); })
      .Case([&](CastOp cast) { return evaluateCast(cast, index); })
      .Case([&](IotaOp) { return constant(index); })
      .Case([&](RangeOp range) -> OpFoldResult {
        OpFoldResult start = element(range.getStart(), 0);
        OpFoldResult delta = element(range.getDelta(), 0);
        auto first = start ? getConstantIntValue(start) : std::nullopt;
        auto step = delta ? getConstantIntValue(delta) : std::nullopt;
        int64_t offset;
        if (!first || !step || __builtin_mul_overflow(*step, index, &offset) ||
            !isElement(offset, elementTypeOf(tensor)) ||
            __builtin_add_overflow(*first, offset, &offset))
          return {};
        return constant(offset);
      })
      .Case([&](tensor::FromElementsOp elements) -> OpFoldResult {
        // The number of a loop's step.
        auto number =
            elements.getElements()[index].getDefiningOp<arith::IndexCastOp>();
        if (!builder || !number || !number.getIn().getType().isIndex())
          return {};
        return number.getIn();
      })
      .Case([&](AddOp) {
        return combine<arith::AddIOp>(op, index, [](int64_t a, int64_t b) {
          int64_t r;
          return __builtin_add_overflow(a, b, &r) ? Result() : Result(r);
        });
      })
      .Case([&](SubOp) {
        return combine<arith::SubIOp>(op, index, [](int64_t a, int64_t b) {
          int64_t r;
          return __builtin_sub_overflow(a, b, &r) ? Result() : Result(r);
        });
      })
      .Case([&](MulOp) {
        return combine<arith::MulIOp>(op, index, [](int64_t a, int64_t b) {
          int64_t r;
          return __builtin_mul_overflow(a, b, &r) ? Result() : Result(r);
        });
      })
      .Case([&](DivOp) {
        bool isFloat = isa<FloatType>(elementTypeOf(tensor));
        return combine<arith::DivSIOp>(
            op, index, [&](int64_t a, int64_t b) -> Result {
              if (b == 0 || (b == -1 && a == INT64_MIN) ||
                  (isFloat && a % b != 0))
                return std::nullopt;
              return a / b;
            });
      })
      .Case([&](ModOp mod) {
        return combineConstants(op, index, [&](int64_t a, int64_t b) -> Result {
          if (b == 0 || b == -1 || isa<FloatType>(elementTypeOf(tensor)))
            return std::nullopt;
          int64_t rest = a % b;
          return !mod.getFmod() && rest != 0 && (rest < 0) != (b < 0) ? rest + b
                                                                      : rest;
        });
      })
      .Case([&](MaxOp) {
        return combine<arith::MaxSIOp>(
            op, index,
            [](int64_t a, int64_t b) -> Result { return std::max(a, b); });
      })
      .Case([&](MinOp) {
        return combine<arith::MinSIOp>(
            op, index,
            [](int64_t a, int64_t b) -> Result { return std::min(a, b); });
      })
      .Case([&](NegOp) {
        return unary(
            [](int64_t a) { return a == INT64_MIN ? Result() : Result(-a); });
      })
      .Case([&](AbsOp) {
        return unary([](int64_t a) {
          return a == INT64_MIN ? Result() : Result(std::abs(a));
        });
      })
      .Case<FloorOp, CeilOp, RoundOp>(
          [&](auto rounding) { return element(rounding.getOperand(), index); })
      .Case([&](NotOp) {
        if (!elementTypeOf(tensor).isInteger(1))
          return OpFoldResult();
        return unary([](int64_t a) -> Result { return a == 0; });
      })
      .Case([&](AndOp) {
        return combineConstants(
            op, index, [](int64_t a, int64_t b) -> Result { return a & b; });
      })
      .Case([&](OrOp) {
        return combineConstants(
            op, index, [](int64_t a, int64_t b) -> Result { return a | b; });
      })
      .Case([&](XorOp) {
        return combineConstants(
            op, index, [](int64_t a, int64_t b) -> Result { return a ^ b; });
      })
      .Case([&](EqualOp) { return compareEqual(op, index); })
      .Case([&](LessOp) {
        return compare([](int64_t a, int64_t b) { return a < b; });
      })
      .Case([&](LessEqualOp) {
        return compare([](int64_t a, int64_t b) { return a <= b; });
      })
      .Case([&](GreaterOp) {
        return compare([](int64_t a, int64_t b) { return a > b; });
      })
      .Case([&](GreaterEqualOp) {
        return compare([](int64_t a, int64_t b) { return a >= b; });
      })
      .Case([&](SelectOp select) -> OpFoldResult {
        auto condition =
            findBroadcastPlace(select.getCondition(), tensor, index);
        OpFoldResult chosen =
            condition ? elementOf(*condition) : OpFoldResult();
        auto known = chosen ? getConstantIntValue(chosen) : std::nullopt;
        if (!known)
          return {};
        auto place = findBroadcastPlace(
            *known ? select.getOnTrue() : select.getOnFalse(), tensor, index);
        return place ? elementOf(*place) : OpFoldResult();
      })
      .Default(OpFoldResult());
}

OpFoldResult Evaluator::element(Value tensor, int64_t index) {
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

OpFoldResult Evaluator::computeElement(Value tensor, int64_t index) {
  Attribute value;
  if (matchPattern(tensor, m_Constant(&value)))
    return constantElement(value, index);
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  ++depth;
  auto place = source(op, tensor, index);
  OpFoldResult result = place ? elementOf(*place) : evaluate(op, tensor, index);
  --depth;
  auto known = result ? getConstantIntValue(result) : std::nullopt;
  return known && !isElement(*known, elementTypeOf(tensor)) ? OpFoldResult()
                                                            : result;
}

std::optional<double> Evaluator::number(Value tensor, int64_t index) {
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
  // Rounds to the tensor's type, as the run would.
  auto rounded = [&](double exact) -> double {
    if (elementTypeOf(tensor).isF64())
      return exact;
    return static_cast<float>(exact);
  };
  auto operand = [&](unsigned i) -> std::optional<double> {
    auto place = findBroadcastPlace(op->getOperand(i), tensor, index);
    return place ? number(place->tensor, place->index) : std::nullopt;
  };
  ++depth;
  std::optional<double> result;
  if (auto place = source(op, tensor, index)) {
    result = number(place->tensor, place->index);
  } else if (isa<FloorOp, CeilOp, CastOp>(op)) {
    if (auto known = operand(0))
      result = isa<FloorOp>(op)  ? std::floor(*known)
               : isa<CeilOp>(op) ? std::ceil(*known)
                                 : rounded(*known);
  } else if (isa<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    if (lhs && rhs)
      result = rounded(isa<AddOp>(op)   ? *lhs + *rhs
                       : isa<SubOp>(op) ? *lhs - *rhs
                       : isa<MulOp>(op) ? *lhs * *rhs
                       : isa<DivOp>(op) ? *lhs / *rhs
                       : isa<MaxOp>(op) ? std::max(*lhs, *rhs)
                                        : std::min(*lhs, *rhs));
  }
  --depth;
  return result;
}

std::optional<double> sluice::evaluateConstantNumber(Value tensor,
                                                     int64_t index) {
  return Evaluator(nullptr, tensor.getLoc()).number(tensor, index);
}

std::optional<int64_t> sluice::evaluateConstantElement(Value tensor,
                                                       int64_t index) {
  OpFoldResult result =
      Evaluator(nullptr, tensor.getLoc()).element(tensor, index);
  return result ? getConstantIntValue(result) : std::nullopt;
}

std::optional<SmallVector<int64_t>>
sluice::evaluateConstantElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  // Axes, sizes and positions are few.
  if (!type.hasStaticShape() || type.getNumElements() > 1 << 16)
    return std::nullopt;
  SmallVector<int64_t> elements;
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    std::optional<int64_t> known = evaluateConstantElement(tensor, i);
    if (!known)
      return std::nullopt;
    elements.push_back(*known);
  }
  return elements;
}

OpFoldResult sluice::evaluateElement(OpBuilder &builder, Location loc,
                                     Value tensor, int64_t index) {
  return Evaluator(&builder, loc).element(tensor, index);
}

OpFoldResult sluice::readElement(OpBuilder &builder, Location loc, Value tensor,
                                 int64_t index) {
  if (OpFoldResult known = evaluateElement(builder, loc, tensor, index))
    return known;
  SmallVector<Value> indices;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    // Only the last dimension of such tensors is longer than one.
    int64_t position = i + 1 == type.getRank() ? index : 0;
    indices.push_back(arith::ConstantIndexOp::create(builder, loc, position));
  }
  Value element = tensor::ExtractOp::create(builder, loc, tensor, indices);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element)
      .getResult();
}

OpFoldResult sluice::multiplySizes(OpBuilder &builder, Location loc,
                                   ArrayRef<OpFoldResult> sizes) {
  int64_t known = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (auto constant = getConstantIntValue(size)) {
      known *= *constant;
      continue;
    }
    Value factor = cast<Value>(size);
    product =
        product ? arith::MulIOp::create(builder, loc, product, factor) : factor;
  }
  if (!product)
    return builder.getIndexAttr(known);
  if (known == 1)
    return product;
  return arith::MulIOp::create(
             builder, loc, product,
             arith::ConstantIndexOp::create(builder, loc, known))
      .getResult();
}
