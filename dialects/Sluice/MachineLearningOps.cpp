//===- MachineLearningOps.cpp - Trees and classifiers ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

LogicalResult TreeEnsembleOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(adaptor.getOperand());
  if (shape.size() != 2)
    return emitOptionalError(location, "the operand must be a matrix");
  int64_t features = adaptor.getFeatures();
  if (!ShapedType::isDynamic(shape[1]) && shape[1] < features)
    return emitOptionalError(location, "the trees look at ", features,
                             " features, but a row has ", shape[1]);
  if (adaptor.getTargets() < 1)
    return emitOptionalError(location, "there must be a target");
  types.push_back(
      RankedTensorType::get({shape[0], int64_t(adaptor.getTargets())},
                            elementTypeOf(adaptor.getOperand())));
  return success();
}

LogicalResult
TreeEnsembleOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({getDimension(builder, getLoc(), getOperand(), 0),
                    builder.getIndexAttr(getTargets())});
  return success();
}

LogicalResult TreeEnsembleOp::verify() {
  Type elementType = elementTypeOf(getOperand());
  if (!elementType.isF32() && !elementType.isF64())
    return emitOpError("takes f32 or f64, not ") << elementType;
  if (!llvm::is_contained(
          {ReductionKind::Sum, ReductionKind::Min, ReductionKind::Max},
          getKind()))
    return emitOpError("joins weights by sum, min or max");
  Type word =
      IntegerType::get(getContext(), elementType.getIntOrFloatBitWidth());
  for (Value table : getOperands().drop_front()) {
    auto type = cast<RankedTensorType>(table.getType());
    if (type.getElementType() != word || !type.hasStaticShape())
      return emitOpError("tables must have static shapes and elements of ")
             << word;
  }
  ArrayRef<int64_t> trees = shapeOf(getTrees());
  if (shapeOf(getNodes()).size() != 1 || shapeOf(getColumns()).size() != 1 ||
      trees.size() != 2 || trees[0] < 1 || trees[1] != treeWords ||
      (getLeaves() && shapeOf(getLeaves()).size() != 1))
    return emitOpError("nodes, columns and leaves must be vectors, trees a "
                       "matrix with 3 columns");
  if (getNegated() < 0 || int64_t(getNegated()) > getColumnCount() ||
      (getContiguous() &&
       (getNegated() != 0 || getColumnCount() > int64_t(getFeatures()))))
    return emitOpError("does not have the columns that it says");
  return success();
}

/// More classes make more pairs than anyone computes with.
static constexpr int64_t mostClasses = 1 << 16;

LogicalResult PairwiseCouplingOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> shape = shapeOf(adaptor.getOperand());
  int64_t classes = adaptor.getClasses();
  if (classes < 2 || classes > mostClasses)
    return emitOptionalError(location, "there must be at least two classes");
  if (shape.size() != 2 || shape[1] != classes * (classes - 1) / 2)
    return emitOptionalError(location,
                             "there must be a column for each pair "
                             "of ",
                             classes, " classes");
  types.push_back(RankedTensorType::get({shape[0], classes},
                                        elementTypeOf(adaptor.getOperand())));
  return success();
}

LogicalResult
PairwiseCouplingOp::reifyResultShapes(OpBuilder &builder,
                                      ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({getDimension(builder, getLoc(), getOperand(), 0),
                    builder.getIndexAttr(getClasses())});
  return success();
}

LogicalResult PairwiseCouplingOp::verify() {
  Type elementType = elementTypeOf(getOperand());
  if (!elementType.isF32() && !elementType.isF64())
    return emitOpError("takes f32 or f64, not ") << elementType;
  return success();
}

void TreeEnsembleOp::requireSizes(SizeConditions &conditions) {
  OpFoldResult features = conditions.sizeOf(getOperand(), 1);
  if (!getConstantIntValue(features))
    conditions.require(
        conditions.compare(
            SizeConditions::Predicate::sge, features,
            conditions.number(static_cast<int64_t>(getFeatures()))),
        "the rows have fewer features than the trees look at");
}

void PairwiseCouplingOp::requireSizes(SizeConditions &conditions) {
  int64_t classes = getClasses();
  conditions.requireEqual(conditions.sizeOf(getOperand(), 1),
                          conditions.number(classes * (classes - 1) / 2),
                          "there must be a number for each pair of classes");
}
