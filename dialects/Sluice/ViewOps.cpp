//===- ViewOps.cpp - The same elements with other sizes ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/SizeRoots.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  auto type = cast<RankedTensorType>(operands[0].getType());
  ArrayRef<int64_t> shapeShape = shapeOf(operands[1]);
  if (failed(verifyShapeVector(location, shapeShape)))
    return failure();
  SmallVector<int64_t> shape;
  int64_t known = 1, wildcard = -1;
  bool allKnown = true;
  for (int64_t i = 0; i < shapeShape[0]; ++i) {
    auto wanted = inferSize(location, operands[1], i, "size", /*least=*/-1);
    if (failed(wanted))
      return failure();
    int64_t size = *wanted;
    if (size == 0 && !adaptor.getAllowZero()) {
      if (i >= type.getRank())
        return emitOptionalError(
            location, "size ", i,
            " copies a dimension that the operand of rank ", type.getRank(),
            " does not have");
      size = type.getDimSize(i);
    } else if (size == -1) {
      if (wildcard >= 0)
        return emitOptionalError(location, "more than one size is -1");
      wildcard = i;
      size = ShapedType::kDynamic;
    }
    shape.push_back(size);
    if (!ShapedType::isDynamic(size)) {
      if (__builtin_mul_overflow(known, size, &known))
        return emitOptionalError(location, "the shape's size overflows");
    } else if (i != wildcard) {
      allKnown = false;
    }
  }
  if (allKnown && type.hasStaticShape()) {
    int64_t count = type.getNumElements();
    if (wildcard >= 0) {
      if (known == 0 ? count != 0 : count % known != 0)
        return emitOptionalError(location, "cannot reshape ", type, " to ",
                                 known, " times a whole number of elements");
      shape[wildcard] = known == 0 ? 0 : count / known;
    } else if (count != known) {
      return emitOptionalError(location, "cannot reshape ", type, " to ", known,
                               " elements");
    }
  } else if (wildcard >= 0) {
    auto rest = SizeRoots().findRest(operands[0], operands[1], wildcard,
                                     adaptor.getAllowZero());
    if (rest && rest->dimensions.empty())
      shape[wildcard] = rest->factor;
  }
  types.push_back(RankedTensorType::get(shape, type.getElementType()));
  return success();
}

LogicalResult
ReshapeOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  int64_t rank = getType().getRank();
  SmallVector<OpFoldResult> sizes(rank);
  // Places that hold -1, or may hold it at run time.
  SmallVector<Value> isWildcard(rank);
  SmallVector<bool> surelyWildcard(rank, false);
  SmallVector<OpFoldResult> others;
  auto index = [&](int64_t number) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, number);
  };
  auto equals = [&](Value value, int64_t number) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, value,
                                 index(number));
  };
  for (int64_t i = 0; i < rank; ++i) {
    int64_t known = getType().getDimSize(i);
    if (!ShapedType::isDynamic(known)) {
      sizes[i] = builder.getIndexAttr(known);
      others.push_back(sizes[i]);
      continue;
    }
    OpFoldResult element = evaluateElement(builder, loc, getShape(), i);
    auto constant = element ? getConstantIntValue(element) : std::nullopt;
    if (constant && *constant == -1) {
      surelyWildcard[i] = true;
      continue;
    }
    if (constant && *constant == 0 && !getAllowZero()) {
      element = getDimension(builder, loc, getOperand(), i);
    } else if (!element) {
      // Known only at run time: it may be -1, or 0 for a copy.
      Value size = cast<Value>(readElement(builder, loc, getShape(), i));
      if (!getAllowZero() && i < (int64_t)shapeOf(getOperand()).size()) {
        Value copied = getValueOrCreateConstantIndexOp(
            builder, loc, getDimension(builder, loc, getOperand(), i));
        size = arith::SelectOp::create(builder, loc, equals(size, 0), copied,
                                       size);
      }
      isWildcard[i] = equals(size, -1);
      others.push_back(
          arith::SelectOp::create(builder, loc, isWildcard[i], index(1), size)
              .getResult());
      sizes[i] = size;
      continue;
    }
    sizes[i] = element;
    others.push_back(element);
  }
  auto rest = [&](bool isSure, int64_t place) -> Value {
    auto known = isSure ? SizeRoots().findRest(getOperand(), getShape(), place,
                                               getAllowZero())
                        : std::nullopt;
    if (known) {
      SmallVector<OpFoldResult> factors{builder.getIndexAttr(known->factor)};
      for (int64_t dimension : known->dimensions)
        factors.push_back(getDimension(builder, loc, getOperand(), dimension));
      return getValueOrCreateConstantIndexOp(
          builder, loc, multiplySizes(builder, loc, factors));
    }
    Value count = getValueOrCreateConstantIndexOp(
        builder, loc,
        multiplySizes(builder, loc, getDimensions(builder, loc, getOperand())));
    Value divisor = getValueOrCreateConstantIndexOp(
        builder, loc, multiplySizes(builder, loc, others));
    // An empty tensor has nothing left to divide.
    divisor = arith::MaxSIOp::create(builder, loc, divisor, index(1));
    return arith::DivSIOp::create(builder, loc, count, divisor);
  };
  for (int64_t i = 0; i < rank; ++i) {
    if (surelyWildcard[i])
      sizes[i] = rest(/*isSure=*/true, i);
    else if (isWildcard[i])
      sizes[i] = arith::SelectOp::create(builder, loc, isWildcard[i],
                                         rest(/*isSure=*/false, i),
                                         cast<Value>(sizes[i]))
                     .getResult();
  }
  shapes.push_back(std::move(sizes));
  return success();
}

/// Does a reshape of a tensor to its own type keep its sizes? What a shape says
/// that only a run knows has to be looked at.
static bool keepsSizes(ReshapeOp op) {
  RankedTensorType type = op.getType();
  auto shape = evaluateConstantElements(op.getShape());
  if (op.getOperand().getType() != type || !shape)
    return false;
  if (type.hasStaticShape())
    return true;
  return type.getRank() == 1 &&
         ((*shape)[0] == -1 || ((*shape)[0] == 0 && !op.getAllowZero()));
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (keepsSizes(*this))
    return getOperand();
  if (auto dense = dyn_cast_if_present<DenseElementsAttr>(adaptor.getOperand()))
    if (getType().hasStaticShape() &&
        dense.getNumElements() == getType().getNumElements())
      return dense.reshape(getType());
  return {};
}

namespace {
/// reshape(reshape(x)) is one reshape where the outer shape does not refer to
/// the inner result's sizes, and no run can find that these do not fit.
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<ReshapeOp>();
    if (!inner || !op.getType().hasStaticShape() ||
        !evaluateConstantElements(op.getShape()) ||
        !evaluateConstantElements(inner.getShape()))
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), inner.getOperand(),
        createShapeConstant(rewriter, op.getLoc(), op.getType().getShape()),
        /*allow_zero=*/true);
    return success();
  }
};

/// What has a last dimension of one more in `value`, which is a view of it.
Value findWithoutLast(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  if (shape.back() != 1)
    return nullptr;
  int64_t last = shape.size() - 1;
  if (auto op = value.getDefiningOp<UnsqueezeOp>();
      op && op.getAxes() == ArrayRef<int64_t>(last))
    return op.getOperand();
  auto op = value.getDefiningOp<ReshapeOp>();
  return op && op.getType().hasStaticShape() &&
                 shapeOf(op.getOperand()) == shape.drop_back()
             ? op.getOperand()
             : Value();
}

/// Two tensors side by side along a new last dimension that joins the one in
/// front of it are taken in turns.
struct StackToInterleave : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto stack = op.getOperand().getDefiningOp<ConcatOp>();
    ArrayRef<int64_t> to = op.getType().getShape();
    int64_t rank = to.size();
    // Zeros in the wanted shape copy dimensions in front of the last one.
    if (!stack || stack.getNumOperands() != 2 || rank == 0 ||
        stack.getType().getRank() != rank + 1 ||
        static_cast<int64_t>(stack.getAxis()) != rank ||
        ShapedType::isDynamic(to.back()) || to.back() == 0 ||
        to.back() % 2 != 0 ||
        to.back() / 2 != stack.getType().getDimSize(rank - 1))
      return failure();
    Value lhs = findWithoutLast(stack.getOperand(0)),
          rhs = findWithoutLast(stack.getOperand(1));
    if (!lhs || !rhs)
      return failure();
    Value pairs = rewriter.createOrFold<InterleaveOp>(op.getLoc(), lhs, rhs);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), pairs,
                                           op.getShape(), op.getAllowZero());
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<MergeReshapes, StackToInterleave>(context);
}

//===----------------------------------------------------------------------===//
// UnsqueezeOp and SqueezeOp
//===----------------------------------------------------------------------===//

/// Are the axes ascending and within [0, rank)?
static bool areAxesSorted(ArrayRef<int64_t> axes, int64_t rank) {
  int64_t last = -1;
  for (int64_t axis : axes) {
    if (axis <= last || axis >= rank)
      return false;
    last = axis;
  }
  return true;
}

LogicalResult UnsqueezeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> axes = adaptor.getAxes(), old = shapeOf(operands[0]);
  int64_t rank = old.size() + axes.size();
  if (!areAxesSorted(axes, rank))
    return emitOptionalError(location, "axes must ascend within rank ", rank);
  SmallVector<int64_t> shape(old);
  for (int64_t axis : axes)
    shape.insert(shape.begin() + axis, 1);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
UnsqueezeOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getOperand());
  for (int64_t axis : getAxes())
    sizes.insert(sizes.begin() + axis, builder.getIndexAttr(1));
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> UnsqueezeOp::getSizeSource(unsigned,
                                                           int64_t dimension) {
  if (llvm::is_contained(getAxes(), dimension))
    return std::nullopt;
  int64_t inserted =
      llvm::lower_bound(getAxes(), dimension) - getAxes().begin();
  return OperandDimension{&getOperandMutable(), dimension - inserted};
}

LogicalResult SqueezeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> axes = adaptor.getAxes(), old = shapeOf(operands[0]);
  if (!areAxesSorted(axes, old.size()))
    return emitOptionalError(location, "axes must ascend within rank ",
                             old.size());
  SmallVector<int64_t> shape;
  for (int64_t i = 0, rank = old.size(); i < rank; ++i) {
    if (!llvm::is_contained(axes, i))
      shape.push_back(old[i]);
    else if (!ShapedType::isDynamic(old[i]) && old[i] != 1)
      return emitOptionalError(location, "cannot drop dimension ", i,
                               " of size ", old[i]);
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
SqueezeOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0, rank = shapeOf(getOperand()).size(); i < rank; ++i)
    if (!llvm::is_contained(getAxes(), i))
      sizes.push_back(getDimension(builder, getLoc(), getOperand(), i));
  shapes.push_back(std::move(sizes));
  return success();
}

void SqueezeOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  for (int64_t axis : getAxes())
    demand({&getOperandMutable(), axis}, 1);
}

std::optional<OperandDimension> SqueezeOp::getSizeSource(unsigned,
                                                         int64_t dimension) {
  for (int64_t axis : getAxes())
    if (axis <= dimension)
      ++dimension;
  return OperandDimension{&getOperandMutable(), dimension};
}

/// A small dense constant keeps its elements under another static shape.
static OpFoldResult foldViewOfConstant(Attribute operand,
                                       RankedTensorType type) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(operand);
  if (!dense || !type.hasStaticShape() ||
      dense.getNumElements() != type.getNumElements())
    return {};
  return dense.reshape(type);
}

OpFoldResult UnsqueezeOp::fold(FoldAdaptor adaptor) {
  if (getAxes().empty() && getOperand().getType() == getType())
    return getOperand();
  return foldViewOfConstant(adaptor.getOperand(), getType());
}

OpFoldResult SqueezeOp::fold(FoldAdaptor adaptor) {
  if (getAxes().empty() && getOperand().getType() == getType())
    return getOperand();
  return foldViewOfConstant(adaptor.getOperand(), getType());
}

namespace {
/// With static shapes the general reshape says the same.
template <typename OpTy> struct ViewToReshape : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().hasStaticShape())
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), op.getOperand(),
        createShapeConstant(rewriter, op.getLoc(), op.getType().getShape()),
        /*allow_zero=*/true);
    return success();
  }
};
} // namespace

void UnsqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<ViewToReshape<UnsqueezeOp>>(context);
}

void SqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ViewToReshape<SqueezeOp>>(context);
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

void ReshapeOp::requireSizes(SizeConditions &conditions) {
  SmallVector<OpFoldResult> from, to;
  for (int64_t i = 0, rank = conditions.rankOf(getOperand()); i < rank; ++i)
    from.push_back(conditions.sizeOf(getOperand(), i));
  for (int64_t i = 0, rank = conditions.rankOf(getResult()); i < rank; ++i)
    to.push_back(conditions.sizeOf(getResult(), i));
  constexpr StringLiteral message =
      "the tensor's elements do not fill the wanted shape";
  for (OpFoldResult size : to)
    conditions.requireNotNegative(size, message);
  // Dimensions that stay say nothing about the others.
  SmallVector<OpFoldResult> moved(from), made;
  for (OpFoldResult size : to) {
    auto same = llvm::find(moved, size);
    if (same == moved.end())
      made.push_back(size);
    else
      moved.erase(same);
  }
  auto left = getConstantIntValue(conditions.product(moved)),
       right = getConstantIntValue(conditions.product(made));
  if (!left || !right || *left != *right)
    conditions.require(conditions.isProduct(to, conditions.product(from)),
                       message);
  // A tensor with as many elements in one dimension is the same.
  if (getOperand().getType() == getType() && to.size() <= 1)
    conditions.makeSame(getResult(), getOperand());
}

void SqueezeOp::requireSizes(SizeConditions &conditions) {
  for (int64_t axis : getAxes())
    conditions.requireEqual(conditions.sizeOf(getOperand(), axis),
                            conditions.number(1),
                            "a dimension that is dropped is not one");
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Where it only inserts and drops dimensions of size one.
bool ReshapeOp::hasPlaces() {
  auto withoutOnes = [](Value tensor) {
    SmallVector<int64_t> sizes;
    for (int64_t size : shapeOf(tensor))
      if (size != 1)
        sizes.push_back(size);
    return sizes;
  };
  SmallVector<int64_t> from = withoutOnes(getOperand());
  return from == withoutOnes(getResult()) &&
         !llvm::is_contained(from, ShapedType::kDynamic);
}

/// The wanted shape is in its type.
unsigned ReshapeOp::getReadOperandCount() { return 1; }

SmallVector<PlaceIndex> ReshapeOp::getOperandPlace(unsigned,
                                                   ArrayRef<PlaceIndex> result,
                                                   ArrayRef<PlaceIndex>) {
  // Its other dimensions are those of the result, in their order.
  SmallVector<PlaceIndex> place;
  for (auto [size, index] : llvm::zip(shapeOf(getResult()), result))
    if (size != 1)
      place.push_back(index);
  for (auto [i, size] : llvm::enumerate(shapeOf(getOperand())))
    if (size == 1)
      place.insert(place.begin() + i, nullptr);
  return place;
}

SmallVector<PlaceIndex>
UnsqueezeOp::getOperandPlace(unsigned, ArrayRef<PlaceIndex> result,
                             ArrayRef<PlaceIndex>) {
  SmallVector<PlaceIndex> place;
  for (auto [i, index] : llvm::enumerate(result))
    if (!llvm::is_contained(getAxes(), static_cast<int64_t>(i)))
      place.push_back(index);
  return place;
}

SmallVector<PlaceIndex> SqueezeOp::getOperandPlace(unsigned,
                                                   ArrayRef<PlaceIndex> result,
                                                   ArrayRef<PlaceIndex>) {
  SmallVector<PlaceIndex> place;
  for (int64_t i = 0, rank = shapeOf(getOperand()).size(); i < rank; ++i) {
    if (llvm::is_contained(getAxes(), i)) {
      place.push_back(nullptr);
      continue;
    }
    place.push_back(result.front());
    result = result.drop_front();
  }
  return place;
}
