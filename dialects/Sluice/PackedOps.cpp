//===- PackedOps.cpp - Ops on weights in panel order ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/WindowInference.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// PackedConstantOp
//===----------------------------------------------------------------------===//

LogicalResult PackedConstantOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  int64_t elements = adaptor.getElements();
  if (elements < 0)
    return emitOptionalError(location, "negative number of elements");
  types.push_back(RankedTensorType::get(
      {elements}, adaptor.getValue().getShapedType().getElementType()));
  return success();
}

LogicalResult
PackedConstantOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getType().getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// PackedMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult PackedMatmulOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  if (shape.size() < 2 || shapeOf(operands[1]).size() != 1)
    return emitOptionalError(location,
                             "needs a matrix and packed weights of rank one");
  shape.back() = adaptor.getColumns();
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
PackedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = getDimensions(builder, getLoc(), getLhs());
  sizes.back() = builder.getIndexAttr(getColumns());
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// PackedConvOp
//===----------------------------------------------------------------------===//

/// Checks what packed convolutions have in common.
template <typename AdaptorTy>
static LogicalResult verifyPackedConvolution(std::optional<Location> location,
                                             ValueRange operands,
                                             AdaptorTy &adaptor) {
  int64_t spatialRank = static_cast<int64_t>(shapeOf(operands[0]).size()) - 2;
  if (spatialRank < 0 || shapeOf(operands[1]).size() != 1)
    return emitOptionalError(location,
                             "needs an image and packed weights of rank one");
  if (failed(verifyWindows(location, spatialRank, adaptor.getStrides(),
                           adaptor.getDilations(), adaptor.getPads())))
    return failure();
  if (static_cast<int64_t>(adaptor.getKernel().size()) != spatialRank)
    return emitOptionalError(location, "needs one kernel size per dimension");
  return success();
}

/// The window along spatial dimension `i` of a packed convolution, or of its
/// adaptor.
template <typename ConvolutionTy>
static Window getPackedWindow(MLIRContext *context, ConvolutionTy &convolution,
                              int64_t i) {
  ArrayRef<int64_t> kernel = convolution.getKernel();
  ArrayRef<int64_t> pads = convolution.getPads();
  return {Builder(context).getIndexAttr(kernel[i]), convolution.getStrides()[i],
          convolution.getDilations()[i], pads[i], pads[kernel.size() + i]};
}

LogicalResult PackedConvOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  if (failed(verifyPackedConvolution(location, operands, adaptor)))
    return failure();
  int64_t spatialRank = adaptor.getKernel().size();
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t &size = shape[1 + i];
    if (ShapedType::isDynamic(size))
      continue;
    Window window = getPackedWindow(context, adaptor, i);
    auto count = countWindows(window, size);
    if (!count)
      return emitOptionalError(location, "the kernel does not fit the input");
    size = *count;
  }
  shape.back() = adaptor.getOutputChannels();
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
PackedConvOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getInput());
  int64_t spatialRank = getKernel().size();
  for (int64_t i = 0; i < spatialRank; ++i) {
    Window window = getPackedWindow(getContext(), *this, i);
    sizes[1 + i] = countWindows(builder, getLoc(), window, sizes[1 + i]);
  }
  sizes.back() = builder.getIndexAttr(getOutputChannels());
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// PackedConvTransposeOp
//===----------------------------------------------------------------------===//

LogicalResult PackedConvTransposeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  if (failed(verifyPackedConvolution(location, operands, adaptor)))
    return failure();
  int64_t spatialRank = adaptor.getKernel().size();
  if (static_cast<int64_t>(adaptor.getOutputPadding().size()) != spatialRank)
    return emitOptionalError(location, "output_padding must hold ", spatialRank,
                             " sizes");
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t &size = shape[1 + i];
    if (ShapedType::isDynamic(size))
      continue;
    Window window = getPackedWindow(context, adaptor, i);
    auto full = getTransposedSize(window, adaptor.getOutputPadding()[i], size);
    if (!full)
      return emitOptionalError(location, "the pads exceed the result, or a "
                                         "size is out of range");
    size = *full;
  }
  shape.back() = adaptor.getOutputChannels();
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
PackedConvTransposeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getInput());
  int64_t spatialRank = getKernel().size();
  for (int64_t i = 0; i < spatialRank; ++i) {
    Window window = getPackedWindow(getContext(), *this, i);
    sizes[1 + i] = getTransposedSize(builder, getLoc(), window,
                                     getOutputPadding()[i], sizes[1 + i]);
  }
  sizes.back() = builder.getIndexAttr(getOutputChannels());
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// PackedGatherOp
//===----------------------------------------------------------------------===//

LogicalResult PackedGatherOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (shapeOf(operands[0]).size() != 1 ||
      !elementTypeOf(operands[1]).isInteger())
    return emitOptionalError(
        location, "needs packed weights of rank one and integer indices");
  int64_t depth = adaptor.getDepth(), columns = adaptor.getColumns();
  if (depth < 1 || columns < 1 || adaptor.getWidth() < 1)
    return emitOptionalError(location, "depth, columns and width must be "
                                       "positive");
  SmallVector<int64_t> shape(shapeOf(operands[1]));
  shape.push_back(depth);
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

LogicalResult
PackedGatherOp::reifyResultShapes(OpBuilder &builder,
                                  ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, getLoc(), getIndices());
  sizes.push_back(builder.getIndexAttr(getDepth()));
  shapes.push_back(std::move(sizes));
  return success();
}
