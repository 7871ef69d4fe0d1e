//===- ExpertOps.cpp - Products with one matrix for each group of rows ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Weights.h"
#include "dialects/Sluice/Work.h"

using namespace mlir;
using namespace sluice;

/// Memory is addressed with so many bits; lists of offsets have one more.
static constexpr int64_t mostGroups = int64_t(1) << 32;

static bool isIndexList(Value value) {
  return shapeOf(value).size() == 1 &&
         elementTypeOf(value).isSignlessInteger() &&
         elementTypeOf(value).getIntOrFloatBitWidth() >= 32;
}

//===----------------------------------------------------------------------===//
// GroupRowsOp
//===----------------------------------------------------------------------===//

LogicalResult GroupRowsOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (!isIndexList(adaptor.getIds()))
    return emitOptionalError(
        location, "ids must be a list of 32- or 64-bit integers, not ",
        adaptor.getIds().getType());
  int64_t groups = adaptor.getGroups();
  if (groups < 1 || groups > mostGroups)
    return emitOptionalError(location, "there must be a group, not ", groups);
  Type integer = IntegerType::get(context, 64);
  types.push_back(RankedTensorType::get(shapeOf(adaptor.getIds()), integer));
  types.push_back(RankedTensorType::get({groups + 1}, integer));
  return success();
}

LogicalResult
GroupRowsOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getDimensions(builder, getLoc(), getIds()));
  shapes.push_back({builder.getIndexAttr(getGroups() + 1)});
  return success();
}

std::optional<Work> GroupRowsOp::getWork() {
  // An id is read to be counted and to be placed.
  return workOnOperands(*this, 4 * countElements(getIds()) + getGroups());
}

SmallVector<Value> GroupRowsOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  Type integer = builder.getI64Type();
  int64_t groups = getGroups();
  auto sumUp = [&](Value counts) -> Value {
    return steps.make<CumulateOp>(
        counts, builder.getI64IntegerAttr(0),
        CumulateKindAttr::get(builder.getContext(), CumulateKind::Sum),
        /*exclusive=*/builder.getUnitAttr(), /*reverse=*/UnitAttr());
  };
  // What is in no group is in one more.
  Value ids = steps.cast(getIds(), integer);
  Value outside = steps.number(integer, groups);
  Value isInside = steps.make<AndOp>(
      steps.make<GreaterEqualOp>(ids, steps.number(integer, 0)),
      steps.make<LessOp>(ids, outside));
  ids = steps.unsqueeze(steps.select(isInside, ids, outside), {1});
  Value all = createShapeConstant(
      builder, getLoc(), llvm::to_vector(llvm::seq<int64_t>(0, groups + 1)));
  Value isIn = steps.cast(steps.make<EqualOp>(ids, all), integer);
  Value offsets =
      sumUp(steps.reduce(isIn, ReductionKind::Sum, {0}, /*keepDims=*/false));
  Value place = steps.mul(isIn, steps.add(sumUp(isIn), offsets));
  place = steps.reduce(place, ReductionKind::Sum, {1}, /*keepDims=*/false);
  Value rows = steps.make<IotaOp>(getIds(), 0);
  Value order = steps.make<ScatterElementsOp>(rows, place, rows, /*axis=*/0,
                                              ScatterMode::Replace);
  return {order, offsets};
}

//===----------------------------------------------------------------------===//
// GroupedMatmulOp
//===----------------------------------------------------------------------===//

int64_t GroupedMatmulOp::getGroups() { return shapeOf(getWeights())[0]; }
int64_t GroupedMatmulOp::getDepth() {
  int64_t depth = shapeOf(getWeights())[getTransposeRhs() ? 2 : 1];
  return ShapedType::isDynamic(depth) ? shapeOf(getLhs())[1] : depth;
}
int64_t GroupedMatmulOp::getColumns() {
  return shapeOf(getWeights())[getTransposeRhs() ? 1 : 2];
}

/// What everything that asks for sizes relies on.
template <typename OpOrAdaptor>
static LogicalResult checkRanks(OpOrAdaptor op,
                                std::optional<Location> location) {
  if (shapeOf(op.getLhs()).size() != 2 || shapeOf(op.getWeights()).size() != 3)
    return emitOptionalError(
        location, "lhs must be a matrix, weights a matrix for each group");
  int64_t groups = shapeOf(op.getWeights())[0];
  if (ShapedType::isDynamic(groups) || groups < 1)
    return emitOptionalError(location,
                             "the number of groups must be known, and not 0");
  for (Value list : {op.getOffsets(), op.getRows(), op.getPlaces()})
    if (list && !isIndexList(list))
      return emitOptionalError(location,
                               "offsets, rows and places must be "
                               "lists of 32- or 64-bit integers, "
                               "not ",
                               list.getType());
  if (op.getBias() && shapeOf(op.getBias()).size() != 2)
    return emitOptionalError(location, "bias must be a row for each group");
  return success();
}

LogicalResult GroupedMatmulOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(checkRanks(adaptor, location)))
    return failure();
  Value rows = adaptor.getRows() ? adaptor.getRows() : adaptor.getLhs();
  int64_t columns =
      shapeOf(adaptor.getWeights())[adaptor.getTransposeRhs() ? 1 : 2];
  types.push_back(RankedTensorType::get({shapeOf(rows)[0], columns},
                                        elementTypeOf(adaptor.getLhs())));
  return success();
}

LogicalResult
GroupedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back({size.of(getRowSource(), 0),
                    size.of(getWeights(), getTransposeRhs() ? 1 : 2)});
  return success();
}

/// Calls `visit` for every two dimensions that are of one size.
template <typename Visit>
static void forEachEqualSizes(GroupedMatmulOp op, Visit visit) {
  bool swaps = op.getTransposeRhs();
  OpOperand *lhs = &op.getLhsMutable(), *weights = &op.getWeightsMutable();
  visit(OperandDimension{lhs, 1}, OperandDimension{weights, swaps ? 2 : 1},
        "the inner dimensions of the product differ");
  auto optional = [](MutableOperandRange range) -> OpOperand * {
    return range.empty() ? nullptr : &range[0];
  };
  OpOperand *bias = optional(op.getBiasMutable());
  OpOperand *rows = optional(op.getRowsMutable());
  OpOperand *places = optional(op.getPlacesMutable());
  if (bias) {
    visit(OperandDimension{bias, 0}, OperandDimension{weights, 0},
          "there is not a bias for each group");
    visit(OperandDimension{bias, 1}, OperandDimension{weights, swaps ? 1 : 2},
          "the bias has not as many columns as the product");
  }
  if (places)
    visit(OperandDimension{places, 0}, OperandDimension{rows ? rows : lhs, 0},
          "there is not a place for each row");
}

void GroupedMatmulOp::demandSizes(
    function_ref<void(OperandDimension, int64_t)> demand) {
  forEachEqualSizes(*this,
                    [&](OperandDimension a, OperandDimension b, StringRef) {
                      demand(a, shapeOf(b.operand->get())[b.dimension]);
                      demand(b, shapeOf(a.operand->get())[a.dimension]);
                    });
  demand({&getOffsetsMutable(), 0}, getGroups() + 1);
}

std::optional<OperandDimension>
GroupedMatmulOp::getSizeSource(unsigned, int64_t dimension) {
  if (dimension == 1)
    return OperandDimension{&getWeightsMutable(), getTransposeRhs() ? 1 : 2};
  if (getRows())
    return OperandDimension{&getRowsMutable()[0], 0};
  return OperandDimension{&getLhsMutable(), 0};
}

LogicalResult GroupedMatmulOp::verify() {
  if (failed(checkRanks(*this, getLoc())))
    return failure();
  Type element = elementTypeOf(getLhs());
  if (!element.isIntOrFloat() || elementTypeOf(getWeights()) != element ||
      (getBias() && elementTypeOf(getBias()) != element))
    return emitOpError("lhs, weights and bias must have one element type");
  if (!getSumType(element, element, element))
    return emitOpError("has no product of elements of ") << element;
  if (static_cast<int64_t>(getRepeat()) < 1)
    return emitOpError("repeat must be positive");
  if (getRepeat() != 1 && !getRows())
    return emitOpError("repeat is of rows, of which there is no list");
  if (failed(verifyCompatibleShape(shapeOf(getOffsets()),
                                   ArrayRef(getGroups() + 1))))
    return emitOpError("needs ")
           << getGroups() + 1 << " offsets for " << getGroups() << " groups";
  StringRef misfit;
  forEachEqualSizes(
      *this, [&](OperandDimension a, OperandDimension b, StringRef message) {
        int64_t left = shapeOf(a.operand->get())[a.dimension],
                right = shapeOf(b.operand->get())[b.dimension];
        if (failed(verifyCompatibleShape(ArrayRef(left), ArrayRef(right))))
          misfit = message;
      });
  return misfit.empty() ? success() : emitOpError(misfit);
}

void GroupedMatmulOp::requireSizes(SizeConditions &conditions) {
  forEachEqualSizes(*this, [&](OperandDimension a, OperandDimension b,
                               StringRef message) {
    conditions.requireEqual(conditions.sizeOf(a.operand->get(), a.dimension),
                            conditions.sizeOf(b.operand->get(), b.dimension),
                            message);
  });
  conditions.requireEqual(conditions.sizeOf(getOffsets(), 0),
                          conditions.number(getGroups() + 1),
                          "there is not an offset for each group");
}

bool GroupedMatmulOp::takesEpilogue() { return true; }

OpOperand &GroupedMatmulOp::getWeightsOperand() { return getWeightsMutable(); }

StringRef GroupedMatmulOp::explainUnpacked(RankedTensorType weights) {
  if (!getSumType(elementTypeOf(getLhs()), weights.getElementType(),
                  elementTypeOf(getResult())))
    return noDotUnit;
  if (llvm::is_contained(weights.getShape(), 0))
    return "there are none";
  // The kernel takes the depth from the operand's type.
  if (ShapedType::isDynamic(shapeOf(getLhs())[1]))
    return "the depth of the other operand is not known";
  return {};
}

std::optional<Work> GroupedMatmulOp::getWork() {
  double rows = shapeOf(getRowSource())[0];
  Work work = workOnOperands(*this, countElements(getResult()) * 2.0 *
                                        static_cast<double>(getDepth()));
  // Weights of groups without rows are not read.
  double unread = std::max(0.0, 1 - rows / static_cast<double>(getGroups()));
  work.bytes -= unread * countBytes(getWeights());
  return work;
}

SmallVector<Value> GroupedMatmulOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  Type integer = builder.getI64Type(), element = elementTypeOf(getLhs());
  Type type =
      element.isF16() || element.isBF16() ? builder.getF32Type() : element;
  // A row is in as many groups' ends behind as its own group has before it.
  Value number = steps.make<IotaOp>(getRowSource(), 0);
  Value offsets = steps.cast(getOffsets(), integer);
  Value isBehind =
      steps.make<GreaterEqualOp>(steps.unsqueeze(number, {1}), offsets);
  Value group = steps.reduce(steps.cast(isBehind, integer), ReductionKind::Sum,
                             {1}, /*keepDims=*/false);
  Value last = steps.number(integer, getGroups());
  group = steps.sub(group, steps.number(integer, 1));
  Value isIn = steps.unsqueeze(steps.make<LessOp>(group, last), {1});
  group = steps.make<MinOp>(group, steps.number(integer, getGroups() - 1));
  auto take = [&](Value from, Value indices) -> Value {
    return steps.make<GatherOp>(from, indices, /*axis=*/0);
  };
  Value lhs = getLhs();
  if (getRows()) {
    Value rows = steps.cast(getRows(), integer);
    if (getRepeat() != 1)
      rows = steps.div(rows, steps.number(integer, getRepeat()));
    lhs = take(lhs, rows);
  }
  lhs = steps.unsqueeze(steps.cast(lhs, type), {1});
  Value weights = steps.cast(take(getWeights(), group), type);
  Value product = steps.make<MatmulOp>(lhs, weights, /*transpose_lhs=*/false,
                                       getTransposeRhs());
  product = steps.squeeze(product, {1});
  if (getBias())
    product = steps.add(product, steps.cast(take(getBias(), group), type));
  product = steps.select(isIn, product, steps.number(type, 0));
  product = steps.cast(product, element);
  if (getPlaces())
    product =
        steps.make<ScatterNDOp>(product, steps.unsqueeze(getPlaces(), {1}),
                                product, ScatterMode::Replace);
  return {product};
}
