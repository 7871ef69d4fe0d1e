//===- RoutingOps.cpp - Which experts a token goes to ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/Routing.h"
#include "dialects/Sluice/SizeConditions.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

LogicalResult RouteOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(adaptor.getScores());
  if (shape.size() != 2)
    return emitOptionalError(location, "scores must be [tokens, experts]");
  auto k = static_cast<int64_t>(adaptor.getK());
  if (k < 1)
    return emitOptionalError(location, "k must be at least 1, not ", k);
  if (!ShapedType::isDynamic(shape[1]) && k > shape[1])
    return emitOptionalError(location, "k is ", k, ", but there are ", shape[1],
                             " experts");
  types.push_back(
      RankedTensorType::get({shape[0], k}, elementTypeOf(adaptor.getScores())));
  types.push_back(
      RankedTensorType::get({shape[0], k}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult RouteOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes{
      getDimension(builder, getLoc(), getScores(), 0),
      builder.getIndexAttr(getK())};
  shapes.assign(2, sizes);
  return success();
}

LogicalResult RouteOp::verify() {
  ArrayRef<int64_t> scores = shapeOf(getScores());
  if (scores.size() != 2)
    return emitOpError("scores must be [tokens, experts]");
  if (!isa<FloatType>(elementTypeOf(getScores())))
    return emitOpError("scores must be floats");
  int64_t experts = scores[1];
  if (Value bias = getSelectionBias()) {
    if (!isa<FloatType>(elementTypeOf(bias)) || shapeOf(bias).size() != 1)
      return emitOpError("the bias must be a vector of floats");
    int64_t size = shapeOf(bias)[0];
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(experts) &&
        size != experts)
      return emitOpError("has a bias of ")
             << size << " for " << experts << " experts";
  }
  auto groups = static_cast<int64_t>(getGroups()),
       limit = static_cast<int64_t>(getGroupLimit());
  if (groups < 1 || limit < 1 || limit > groups)
    return emitOpError("cannot keep ")
           << limit << " of " << groups << " groups";
  if (groups == 1)
    return success();
  if (ShapedType::isDynamic(experts) || experts % groups != 0)
    return emitOpError("groups must be of the same, known size");
  int64_t size = experts / groups;
  if (size < 2 && getGroupScore() == RouteGroupScore::SumOfTwo)
    return emitOpError("groups of one expert have no second");
  if (static_cast<int64_t>(getK()) > limit * size)
    return emitOpError("k is ")
           << getK() << ", but " << limit << " groups have " << limit * size
           << " experts";
  return success();
}

void RouteOp::requireSizes(SizeConditions &conditions) {
  OpFoldResult experts = conditions.sizeOf(getScores(), 1);
  if (!getConstantIntValue(experts))
    conditions.require(conditions.compare(SizeConditions::Predicate::sle,
                                          conditions.number(getK()), experts),
                       "there are fewer experts than k");
  if (getSelectionBias())
    conditions.requireEqual(conditions.sizeOf(getSelectionBias(), 0), experts,
                            "the bias does not fit the experts");
}

/// Puts -inf in the place of what experts outside the best groups are chosen
/// by.
static Value keepBestGroups(RouteOp op, GraphBuilder &steps, Value choice) {
  auto groups = static_cast<int64_t>(op.getGroups()),
       limit = static_cast<int64_t>(op.getGroupLimit());
  if (limit == groups)
    return choice;
  OpBuilder &builder = steps.builder;
  ArrayRef<int64_t> shape = shapeOf(choice);
  int64_t tokens = shape[0], experts = shape[1];
  auto best = [&](Value of, int64_t count, int64_t axis) {
    return TopKOp::create(builder, op.getLoc(), of,
                          createShapeConstant(builder, op.getLoc(), count),
                          axis, /*smallest=*/false);
  };
  Value grouped = steps.reshape(choice, {tokens, groups, experts / groups});
  Value scores =
      op.getGroupScore() == RouteGroupScore::Max
          ? steps.reduce(grouped, ReductionKind::Max, 2, /*keepDims=*/false)
          : steps.reduce(best(grouped, 2, 2).getValues(), ReductionKind::Sum, 2,
                         /*keepDims=*/false);
  Value kept = best(scores, limit, 1).getIndices();
  Value numbers = createShapeConstant(
      builder, op.getLoc(), llvm::to_vector(llvm::seq<int64_t>(groups)));
  Value marks = steps.make<EqualOp>(steps.unsqueeze(kept, {2}), numbers);
  Value isKept = steps.reduce(steps.cast(marks, builder.getI32Type()),
                              ReductionKind::Max, 1, /*keepDims=*/false);
  isKept = steps.unsqueeze(steps.cast(isKept, builder.getI1Type()), {2});
  Value masked = steps.select(
      isKept, grouped,
      steps.number(grouped, -std::numeric_limits<double>::infinity()));
  return steps.reshape(masked, {tokens, experts});
}

SmallVector<Value> RouteOp::decompose(OpBuilder &builder) {
  GraphBuilder steps(builder, getLoc());
  Type type = getComputeType(elementTypeOf(getScores()));
  Value scores = steps.cast(getScores(), type);
  switch (getActivation()) {
  case RouteActivation::None:
    break;
  case RouteActivation::Softmax:
    scores = steps.make<SoftmaxOp>(scores, /*axis=*/1);
    break;
  case RouteActivation::Sigmoid:
    scores = steps.make<SigmoidOp>(scores);
    break;
  }
  Value choice = scores;
  if (getSelectionBias())
    choice = steps.add(choice, steps.cast(getSelectionBias(), type));
  choice = keepBestGroups(*this, steps, choice);
  auto best = TopKOp::create(
      builder, getLoc(), choice,
      createShapeConstant(builder, getLoc(), static_cast<int64_t>(getK())),
      /*axis=*/1, /*smallest=*/false);
  Value experts = best.getIndices();
  Value weights =
      getSelectionBias()
          ? steps.make<GatherElementsOp>(scores, experts, /*axis=*/1)
          : Value(best.getValues());
  switch (getNormalization()) {
  case RouteNormalization::None:
    break;
  case RouteNormalization::Sum: {
    Value sum = steps.reduce(weights, ReductionKind::Sum, 1);
    if (double epsilon = getEpsilon().convertToDouble())
      sum = steps.add(sum, steps.number(sum, epsilon));
    weights = steps.div(weights, sum);
    break;
  }
  case RouteNormalization::Softmax:
    weights = steps.make<SoftmaxOp>(weights, /*axis=*/1);
    break;
  }
  if (double scale = getScale().convertToDouble(); scale != 1)
    weights = steps.mul(weights, steps.number(weights, scale));
  weights = steps.cast(weights, elementTypeOf(getWeights()));
  // The op may know more of its sizes than its operands do.
  weights.setType(getWeights().getType());
  experts.setType(getExperts().getType());
  return {weights, experts};
}
