//===- ConvolutionImport.cpp - Conv and ConvTranspose ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "WindowImport.h"

using namespace mlir;
using namespace sluice;

/// The sizes of the kernel: of the weight, or of the attribute where the weight
/// does not say. They must agree.
static llvm::Expected<SmallVector<int64_t>> readKernel(NodeContext &node,
                                                       Value weight) {
  ArrayRef<int64_t> sizes = shapeOf(weight).drop_front(2);
  std::vector<int64_t> declared(sizes.begin(), sizes.end());
  SLUICE_TRY(kernel, node.node.getInts("kernel_shape", declared));
  if (failed(verifyCompatibleShape(sizes, kernel)))
    return node.invalid("kernel_shape differs from the weight's shape");
  return llvm::to_vector(ArrayRef<int64_t>(kernel));
}

llvm::Expected<Value> sluice::addChannelBias(NodeContext &node, Value result,
                                             Value bias) {
  if (node.rank(bias) != 1)
    return node.invalid("the bias must be a vector");
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(1, node.rank(result) - 1));
  SLUICE_TRY(column, node.unsqueeze(bias, axes));
  return node.create<AddOp>({result, column});
}

llvm::Expected<Value> sluice::createConvolution(NodeContext &node, Value input,
                                                Value weight) {
  if (node.rank(input) < 2 || node.rank(weight) != node.rank(input))
    return node.invalid("input and weight must have one rank of two or more");
  SLUICE_TRY(window, readWindow(node, node.rank(input) - 2));
  SLUICE_TRY(kernel, readKernel(node, weight));
  SLUICE_TRY(groups, node.node.getInt("group", 1));
  if (llvm::Error error =
          resolveAutoPad(node, shapeOf(input).drop_front(2), kernel, window))
    return error;
  SmallVector<NamedAttribute> attributes = window.toAttributes(node);
  attributes.push_back(node.integer("groups", groups));
  return node.create<ConvOp>({input, weight}, attributes);
}

static llvm::Expected<Values> importConv(NodeContext &node) {
  SLUICE_TRY(result, createConvolution(node, node.input(0), node.input(1)));
  if (!node.hasInput(2))
    return Values{result};
  SLUICE_TRY(sum, addChannelBias(node, result, node.input(2)));
  return Values{sum};
}

/// The pads of ConvTranspose follow from the wanted result size, or from
/// `auto_pad`, where these are given.
static llvm::Error resolveTransposePads(NodeContext &node,
                                        ArrayRef<int64_t> sizes,
                                        ArrayRef<int64_t> kernel,
                                        ArrayRef<int64_t> outputPadding,
                                        WindowAttributes &window) {
  SLUICE_TRY(mode, node.node.getString("auto_pad", "NOTSET"));
  SLUICE_TRY(outputShape, node.node.getInts("output_shape", {}));
  size_t spatialRank = sizes.size();
  bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (!same && mode != "NOTSET" && mode != "VALID" && !mode.empty())
    return node.invalid("unknown auto_pad '" + mode + "'");
  if (mode == "VALID")
    window.pads.assign(2 * spatialRank, 0);
  if (outputShape.empty() && !same)
    return llvm::Error::success();
  // Some exporters give all sizes, with batch and channels.
  if (outputShape.size() == spatialRank + 2)
    outputShape.erase(outputShape.begin(), outputShape.begin() + 2);
  if (!outputShape.empty() && outputShape.size() != spatialRank)
    return node.invalid("output_shape must have " + Twine(spatialRank) +
                        " sizes");
  for (size_t i = 0; i < spatialRank; ++i) {
    if (ShapedType::isDynamic(kernel[i]) ||
        (ShapedType::isDynamic(sizes[i]) && !outputShape.empty()))
      return node.unsupported(
          "pads depend on sizes that are not known at compile time");
    // Of the full result size minus the wanted one; without output_shape the
    // wanted size is the stride times the input size.
    int64_t total = (kernel[i] - 1) * window.dilations[i] + 1 +
                    outputPadding[i] - window.strides[i];
    if (!outputShape.empty())
      total += window.strides[i] * sizes[i] - outputShape[i];
    else
      total = std::max<int64_t>(total, 0);
    // A result larger than the full one gets zeros at its end.
    int64_t half = std::max<int64_t>(total, 0) / 2;
    int64_t rest = std::max<int64_t>(total, 0) - half;
    window.pads[i] = mode == "SAME_UPPER" ? half : rest;
    window.pads[spatialRank + i] = total - window.pads[i];
  }
  return llvm::Error::success();
}

static llvm::Expected<Values> importConvTranspose(NodeContext &node) {
  Value input = node.input(0), weight = node.input(1);
  if (node.rank(input) < 2 || node.rank(weight) != node.rank(input))
    return node.invalid("input and weight must have one rank of two or more");
  int64_t spatialRank = node.rank(input) - 2;
  SLUICE_TRY(window, readWindow(node, spatialRank));
  SLUICE_TRY(kernel, readKernel(node, weight));
  SLUICE_TRY(groups, node.node.getInt("group", 1));
  SLUICE_TRY(outputPadding,
             node.node.getInts("output_padding",
                               std::vector<int64_t>(spatialRank, 0)));
  if (static_cast<int64_t>(outputPadding.size()) != spatialRank)
    return node.invalid("output_padding must have " + Twine(spatialRank) +
                        " sizes");
  if (llvm::Error error = resolveTransposePads(
          node, shapeOf(input).drop_front(2), kernel, outputPadding, window))
    return error;
  SmallVector<NamedAttribute> attributes = window.toAttributes(node);
  attributes.push_back(node.integer("groups", groups));
  attributes.push_back(node.ints("output_padding", outputPadding));
  SLUICE_TRY(result, node.create<ConvTransposeOp>({input, weight}, attributes));
  if (!node.hasInput(2))
    return Values{result};
  SLUICE_TRY(sum, addChannelBias(node, result, node.input(2)));
  return Values{sum};
}

static llvm::Expected<Values> importDeformConv(NodeContext &node) {
  Value input = node.input(0);
  if (node.rank(input) != 4 || node.rank(node.input(1)) != 4)
    return node.unsupported("images must have two spatial dimensions");
  SLUICE_TRY(window, readWindow(node, 2));
  SLUICE_TRY(groups, node.node.getInt("group", 1));
  SLUICE_TRY(offsetGroups, node.node.getInt("offset_group", 1));
  SmallVector<Value> operands = {input, node.input(1), node.input(2)};
  if (node.hasInput(4))
    operands.push_back(node.input(4));
  SmallVector<NamedAttribute> attributes = window.toAttributes(node);
  attributes.push_back(node.integer("groups", groups));
  attributes.push_back(node.integer("offset_groups", offsetGroups));
  SLUICE_TRY(result, node.create<DeformConvOp>(operands, attributes));
  if (!node.hasInput(3))
    return Values{result};
  SLUICE_TRY(sum, addChannelBias(node, result, node.input(3)));
  return Values{sum};
}

void sluice::registerConvolutionImports(ImportRegistry &registry) {
  registry.add("Conv", 2, importConv, 1);
  registry.add("ConvTranspose", 2, importConvTranspose, 1);
  registry.add("DeformConv", 3, importDeformConv);
}
