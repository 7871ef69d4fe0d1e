//===- ResamplingOps.cpp - Elements between elements ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// ResizeOp
//===----------------------------------------------------------------------===//

LogicalResult ResizeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  ArrayRef<int64_t> axes = adaptor.getAxes();
  int64_t count = axes.size();
  if (shapeOf(operands[1]) != ArrayRef<int64_t>(count) ||
      (!adaptor.getScales().empty() &&
       static_cast<int64_t>(adaptor.getScales().size()) != count))
    return emitOptionalError(location, "needs a size for each axis");
  size_t vectors = operands.size() - 2;
  bool isCrop = adaptor.getPlace() == ResizePlace::Crop;
  if (vectors != size_t(adaptor.getDynamicScales()) + size_t(isCrop))
    return emitOptionalError(location, "scales or region are missing");
  auto isVector = [](Value value, int64_t length) {
    return shapeOf(value) == ArrayRef<int64_t>(length) &&
           isa<FloatType>(elementTypeOf(value));
  };
  if ((adaptor.getDynamicScales() && !isVector(operands[2], count)) ||
      (isCrop && !isVector(operands.back(), 2 * count)))
    return emitOptionalError(location, "scales or region do not fit the axes");
  for (double scale : adaptor.getScales())
    if (!(scale > 0))
      return emitOptionalError(location, "scales must be positive");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
      return emitOptionalError(location, "axis ", axis, " is outside the rank");
    auto size = inferSize(location, operands[1], i);
    if (failed(size))
      return failure();
    if (shape[axis] == 0 && *size != 0)
      return emitOptionalError(location, "an empty tensor has no elements to "
                                         "interpolate");
    shape[axis] = *size;
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult ResizeOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getOperand());
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    sizes[axis] = size.constant(getType().getDimSize(axis));
    if (getType().isDynamicDim(axis))
      sizes[axis] = size.max(readElement(builder, getLoc(), getSizes(), i),
                             size.constant(0));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

std::optional<OperandDimension> ResizeOp::getSizeSource(unsigned,
                                                        int64_t dimension) {
  if (llvm::is_contained(getAxes(), dimension))
    return std::nullopt;
  return OperandDimension{&getOperandMutable(), dimension};
}

//===----------------------------------------------------------------------===//
// GridSampleOp, RoiAlignOp and ColumnsToImageOp
//===----------------------------------------------------------------------===//

LogicalResult GridSampleOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> image = shapeOf(operands[0]), grid = shapeOf(operands[1]);
  int64_t spatial = image.size() - 2;
  if (spatial < 1 || grid.size() != image.size() ||
      (!ShapedType::isDynamic(grid.back()) && grid.back() != spatial) ||
      failed(verifyCompatibleDims({image[0], grid[0]})) ||
      !isa<FloatType>(elementTypeOf(operands[1])))
    return emitOptionalError(location, "image and grid do not fit");
  SmallVector<int64_t> shape{knownSize({image[0], grid[0]}), image[1]};
  llvm::append_range(shape, grid.slice(1, spatial));
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
GridSampleOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  SmallVector<OpFoldResult> sizes{size.of(getOperand(), 0),
                                  size.of(getOperand(), 1)};
  for (int64_t i = 1, rank = getType().getRank(); i + 1 < rank; ++i)
    sizes.push_back(size.of(getGrid(), i));
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult RoiAlignOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> image = shapeOf(operands[0]), rois = shapeOf(operands[1]),
                    batches = shapeOf(operands[2]);
  if (image.size() != 4 || rois.size() != 2 || batches.size() != 1 ||
      failed(verifyCompatibleShape(rois, {batches[0], 4})) ||
      !isa<FloatType>(elementTypeOf(operands[0])) ||
      elementTypeOf(operands[0]) != elementTypeOf(operands[1]))
    return emitOptionalError(location, "image and regions do not fit");
  int64_t height = adaptor.getHeight(), width = adaptor.getWidth();
  int64_t samplingRatio = adaptor.getSamplingRatio();
  if (height < 0 || width < 0 || samplingRatio < 0)
    return emitOptionalError(location, "sizes must not be negative");
  types.push_back(RankedTensorType::get(
      {knownSize({rois[0], batches[0]}), image[1], height, width},
      elementTypeOf(operands[0])));
  return success();
}

LogicalResult
RoiAlignOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  shapes.push_back({size.of(getRois(), 0), size.of(getOperand(), 1),
                    size.constant(getHeight()), size.constant(getWidth())});
  return success();
}

LogicalResult ColumnsToImageOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  ArrayRef<int64_t> columns = shapeOf(operands[0]);
  size_t spatial = adaptor.getBlock().size();
  if (columns.size() != 3 || spatial == 0 ||
      shapeOf(operands[1]) != ArrayRef<int64_t>(spatial) ||
      adaptor.getStrides().size() != spatial ||
      adaptor.getDilations().size() != spatial ||
      adaptor.getPads().size() != 2 * spatial)
    return emitOptionalError(location, "attributes do not fit the image");
  int64_t elements = 1;
  for (size_t i = 0; i < spatial; ++i)
    if (adaptor.getStrides()[i] < 1 || adaptor.getDilations()[i] < 1 ||
        adaptor.getBlock()[i] < 1 ||
        __builtin_mul_overflow(elements, adaptor.getBlock()[i], &elements))
      return emitOptionalError(location, "attributes must be positive");
  SmallVector<int64_t> shape{columns[0], ShapedType::kDynamic};
  if (!ShapedType::isDynamic(columns[1])) {
    if (columns[1] % elements != 0)
      return emitOptionalError(location, "rows do not fit the blocks");
    shape[1] = columns[1] / elements;
  }
  for (size_t i = 0; i < spatial; ++i) {
    auto size = inferSize(location, operands[1], i);
    if (failed(size))
      return failure();
    shape.push_back(*size);
  }
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
ColumnsToImageOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  SizeBuilder size{builder, getLoc()};
  int64_t elements = 1;
  for (int64_t side : getBlock())
    elements *= side;
  // Whole blocks only: rounding up cannot happen in a legal model.
  SmallVector<OpFoldResult> sizes{
      size.of(getOperand(), 0),
      size.ceilDiv(size.of(getOperand(), 1), size.constant(elements))};
  for (int64_t i = 0, count = getBlock().size(); i < count; ++i) {
    int64_t known = getType().getDimSize(i + 2);
    sizes.push_back(
        ShapedType::isDynamic(known)
            ? size.max(readElement(builder, getLoc(), getImage(), i),
                       size.constant(0))
            : size.constant(known));
  }
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

void ResizeOp::requireSizes(SizeConditions &conditions) {
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    OpFoldResult wanted = conditions.element(getSizes(), i);
    conditions.requireNotNegative(wanted, negativeSizeMessage);
    OpFoldResult size = conditions.sizeOf(getOperand(), axis);
    if (getConstantIntValue(size) && getConstantIntValue(size) != 0)
      continue;
    conditions.require(
        conditions.either(conditions.compare(SizeConditions::Predicate::sgt,
                                             size, conditions.number(0)),
                          conditions.compare(SizeConditions::Predicate::eq,
                                             wanted, conditions.number(0))),
        "an empty tensor has no elements to interpolate");
  }
}

void GridSampleOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message = "image and grid do not fit";
  int64_t rank = conditions.rankOf(getOperand());
  conditions.requireEqual(conditions.sizeOf(getOperand(), 0),
                          conditions.sizeOf(getGrid(), 0), message);
  conditions.requireEqual(conditions.sizeOf(getGrid(), rank - 1),
                          conditions.number(rank - 2), message);
}

void RoiAlignOp::requireSizes(SizeConditions &conditions) {
  constexpr StringLiteral message = "regions and batches do not fit";
  conditions.requireEqual(conditions.sizeOf(getRois(), 1), conditions.number(4),
                          message);
  conditions.requireEqual(conditions.sizeOf(getRois(), 0),
                          conditions.sizeOf(getBatches(), 0), message);
}

void ColumnsToImageOp::requireSizes(SizeConditions &conditions) {
  SizeBuilder at = conditions.sizes();
  constexpr StringLiteral message = "the columns do not fit the image";
  int64_t elements = 1, spatial = getBlock().size();
  OpFoldResult blocks = conditions.number(1);
  for (int64_t i = 0; i < spatial; ++i) {
    elements *= getBlock()[i];
    Window window{conditions.number(getBlock()[i]), getStrides()[i],
                  getDilations()[i], getPads()[i], getPads()[spatial + i]};
    OpFoldResult size = conditions.element(getImage(), i);
    conditions.requireNotNegative(size, negativeSizeMessage);
    conditions.requireWindow(size, window);
    blocks = at.mul(blocks, conditions.countWindows(window, size));
  }
  conditions.requireEqual(conditions.sizeOf(getOperand(), 2), blocks, message);
  OpFoldResult rows = conditions.sizeOf(getOperand(), 1);
  if (!getConstantIntValue(rows))
    conditions.requireEqual(conditions.remainder(rows, elements),
                            conditions.number(0), message);
}

//===----------------------------------------------------------------------===//
// Dimensions in another order
//===----------------------------------------------------------------------===//

bool ResizeOp::hasDimensions(unsigned operand) { return operand == 0; }

std::optional<SmallVector<int64_t>>
ResizeOp::permuteResult(ArrayRef<int64_t> permutation) {
  // Elements that are interpolated alike are best neighbours: what is resized
  // does not become the innermost dimension.
  int64_t inner = permutation.back(), rank = permutation.size();
  if (inner != rank - 1 && llvm::is_contained(getAxes(), inner))
    return std::nullopt;
  // Sizes and scales are in the order of the axes.
  SmallVector<int64_t> axes;
  for (int64_t axis : getAxes())
    axes.push_back(permuteAxis(axis, permutation));
  if (!llvm::is_sorted(axes))
    return std::nullopt;
  return SmallVector<int64_t>(permutation);
}

void ResizeOp::permuteAttributes(ArrayRef<int64_t> permutation) {
  setAxes(permuteAxes(getAxes(), permutation));
}
