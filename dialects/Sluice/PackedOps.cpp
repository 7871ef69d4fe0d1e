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
  ShapedType type = adaptor.getValue().getShapedType();
  auto count = kernel::countPackedElements(adaptor.getPackingAttr(), type, [&] {
    return location ? mlir::emitError(*location) : InFlightDiagnostic();
  });
  if (failed(count))
    return failure();
  types.push_back(RankedTensorType::get({*count}, type.getElementType()));
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

/// The result type of a packed convolution. `slide` gives the size behind a
/// window along spatial dimension i of a known size, if there is one.
template <typename AdaptorTy>
static LogicalResult inferPackedConvolution(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    AdaptorTy &adaptor, StringRef misfit,
    function_ref<std::optional<int64_t>(const Window &, int64_t i,
                                        int64_t size)>
        slide,
    SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape(shapeOf(operands[0]));
  int64_t spatialRank = adaptor.getKernel().size();
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t &size = shape[1 + i];
    if (ShapedType::isDynamic(size))
      continue;
    auto result = slide(getPackedWindow(context, adaptor, i), i, size);
    if (!result)
      return emitOptionalError(location, misfit);
    size = *result;
  }
  shape.back() = adaptor.getOutputChannels();
  types.push_back(RankedTensorType::get(shape, elementTypeOf(operands[0])));
  return success();
}

/// The result sizes of a packed convolution.
template <typename OpTy>
static void reifyPackedConvolution(
    OpBuilder &builder, OpTy op,
    function_ref<OpFoldResult(const Window &, int64_t i, OpFoldResult size)>
        slide,
    ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, op.getLoc(), op.getInput());
  int64_t spatialRank = op.getKernel().size();
  for (int64_t i = 0; i < spatialRank; ++i)
    sizes[1 + i] =
        slide(getPackedWindow(op.getContext(), op, i), i, sizes[1 + i]);
  sizes.back() = builder.getIndexAttr(op.getOutputChannels());
  shapes.push_back(std::move(sizes));
}

LogicalResult PackedConvOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor adaptor(operands, attributes, properties, regions);
  if (failed(verifyPackedConvolution(location, operands, adaptor)))
    return failure();
  return inferPackedConvolution(
      context, location, operands, adaptor, "the kernel does not fit the input",
      [](const Window &window, int64_t, int64_t size) {
        return countWindows(window, size);
      },
      types);
}

LogicalResult
PackedConvOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  reifyPackedConvolution(
      builder, *this,
      [&](const Window &window, int64_t, OpFoldResult size) {
        return countWindows(builder, getLoc(), window, size);
      },
      shapes);
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
  if (failed(verifyPackedConvolution(location, operands, adaptor)))
    return failure();
  ArrayRef<int64_t> extra = adaptor.getOutputPadding();
  if (extra.size() != adaptor.getKernel().size())
    return emitOptionalError(location, "output_padding must hold ",
                             adaptor.getKernel().size(), " sizes");
  return inferPackedConvolution(
      context, location, operands, adaptor,
      "the pads exceed the result, or a size is out of range",
      [&](const Window &window, int64_t i, int64_t size) {
        return getTransposedSize(window, extra[i], size);
      },
      types);
}

LogicalResult
PackedConvTransposeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  reifyPackedConvolution(
      builder, *this,
      [&](const Window &window, int64_t i, OpFoldResult size) {
        return getTransposedSize(builder, getLoc(), window,
                                 getOutputPadding()[i], size);
      },
      shapes);
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

//===----------------------------------------------------------------------===//
// Abilities as an anchor
//===----------------------------------------------------------------------===//

/// Whatever is added up in registers can be worked on there.
static bool hasSums(Value lhs, Value weights, Value result) {
  return static_cast<bool>(getSumType(
      elementTypeOf(lhs), elementTypeOf(weights), elementTypeOf(result)));
}

bool PackedMatmulOp::takesEpilogue() {
  return hasSums(getLhs(), getWeights(), getResult());
}

bool PackedConvOp::takesEpilogue() {
  return hasSums(getInput(), getWeights(), getResult());
}

bool PackedConvTransposeOp::takesEpilogue() {
  return hasSums(getInput(), getWeights(), getResult());
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

double PackedMatmulOp::getOperationsPerElement() {
  return 2.0 * shapeOf(getLhs()).back();
}

double PackedConvOp::getOperationsPerElement() {
  double taps = 1;
  for (int64_t size : getKernel())
    taps *= size;
  return 2.0 * taps * shapeOf(getInput()).back() / getGroups();
}

double PackedConvTransposeOp::getOperationsPerElement() {
  // Every tap of an input pixel once, whatever the size of the result.
  double taps = 1, strides = 1;
  for (auto [size, stride] : llvm::zip(getKernel(), getStrides())) {
    taps *= size;
    strides *= stride;
  }
  return 2.0 * taps / strides * shapeOf(getInput()).back() / getGroups();
}
