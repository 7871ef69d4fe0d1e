//===- ConvolutionImport.cpp - Conv and ConvTranspose ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"
#include "WindowImport.h"
#include "dialects/Sluice/ShapeEvaluation.h"

using namespace mlir;
using namespace sluice;

/// The sizes of the kernel: of the weight, or of the attribute where the weight
/// does not say. They must agree.
static llvm::Expected<SmallVector<int64_t>> readKernel(NodeContext &node,
                                                       Value weight) {
  ArrayRef<int64_t> sizes = shapeOf(weight).drop_front(2);
  std::vector<int64_t> declared(sizes.begin(), sizes.end());
  SLUICE_TRY(kernel, readSizes(node, "kernel_shape", declared, /*least=*/1));
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
  if (llvm::Error error = resolveAutoPad(node, kernel, weight, window))
    return error;
  SLUICE_TRY(padded, padInput(node, input, window, 0));
  SmallVector<NamedAttribute> attributes = window.toAttributes(node);
  attributes.push_back(node.integer("groups", groups));
  return node.create<ConvOp>({padded, weight}, attributes);
}

static llvm::Expected<Values> importConv(NodeContext &node) {
  SLUICE_TRY(result, createConvolution(node, node.input(0), node.input(1)));
  if (!node.hasInput(2))
    return Values{result};
  SLUICE_TRY(sum, addChannelBias(node, result, node.input(2)));
  return Values{sum};
}

namespace {
/// What ConvTranspose cuts from the result that its window writes.
struct TransposeCut {
  WindowAttributes window;
  std::vector<int64_t> outputPadding;
  /// The wanted sizes; empty where they follow from the pads.
  std::vector<int64_t> outputShape;
  /// `auto_pad` is one of the SAME modes; the smaller half is in front.
  bool isSame = false, isUpper = false;
};
} // namespace

static llvm::Expected<TransposeCut> readTransposeCut(NodeContext &node,
                                                     int64_t spatialRank) {
  TransposeCut cut;
  SLUICE_TRY(window, readWindow(node, spatialRank));
  cut.window = std::move(window);
  SLUICE_TRY(outputPadding,
             node.node.getInts("output_padding",
                               std::vector<int64_t>(spatialRank, 0)));
  cut.outputPadding = std::move(outputPadding);
  auto hasSizes = [&](const std::vector<int64_t> &values) {
    return static_cast<int64_t>(values.size()) == spatialRank;
  };
  if (!hasSizes(cut.outputPadding))
    return node.invalid("output_padding must have " + Twine(spatialRank) +
                        " sizes");
  SLUICE_TRY(mode, node.node.getString("auto_pad", "NOTSET"));
  SLUICE_TRY(outputShape, readSizes(node, "output_shape",
                                    std::vector<int64_t>(), /*least=*/0));
  cut.isUpper = mode == "SAME_UPPER";
  cut.isSame = cut.isUpper || mode == "SAME_LOWER";
  if (!cut.isSame && mode != "NOTSET" && mode != "VALID" && !mode.empty())
    return node.invalid("unknown auto_pad '" + mode + "'");
  if (mode == "VALID")
    cut.window.pads.assign(2 * spatialRank, 0);
  cut.outputShape = std::move(outputShape);
  // Some exporters give all sizes, with batch and channels.
  if (static_cast<int64_t>(cut.outputShape.size()) == spatialRank + 2)
    cut.outputShape.erase(cut.outputShape.begin(), cut.outputShape.begin() + 2);
  if (!cut.outputShape.empty() && !hasSizes(cut.outputShape))
    return node.invalid("output_shape must have " + Twine(spatialRank) +
                        " sizes");
  return cut;
}

/// Where sizes are wanted, the pads are what is left of the whole result. They
/// become widths where they are only known in the run: negative ones cut, and
/// a result larger than the whole one gets zeros at its end.
static llvm::Error resolveTransposePads(NodeContext &node,
                                        ArrayRef<int64_t> kernel,
                                        TransposeCut &cut) {
  if (cut.outputShape.empty() && !cut.isSame)
    return llvm::Error::success();
  WindowAttributes &window = cut.window;
  int64_t spatialRank = kernel.size();
  Composition ops(node);
  auto number = [&](int64_t value) { return node.constantVector(value); };
  Value zero = number(0);
  SmallVector<Value> low(2, zero), high(2, zero);
  for (int64_t i = 0; i < spatialRank; ++i) {
    Value reach =
        ops.unwrap(windowReach(node, kernel[i], node.input(1), i, window));
    // reach + output padding - stride is the whole result minus the stride
    // times the input size, which is what SAME wants.
    Value total =
        ops.add(reach, number(cut.outputPadding[i] - window.strides[i]));
    if (!cut.outputShape.empty())
      total = ops.add(total, ops.sub(ops.mul(ops.size(node.input(0), 2 + i),
                                             number(window.strides[i])),
                                     number(cut.outputShape[i])));
    else
      total = ops.make<MaxOp>({total, zero});
    Value half = ops.div(ops.make<MaxOp>({total, zero}), number(2));
    Value rest = ops.sub(ops.make<MaxOp>({total, zero}), half);
    Value front = cut.isUpper ? half : rest;
    low.push_back(ops.sub(zero, front));
    high.push_back(ops.sub(front, total));
  }
  low.append(high);
  Value widths = ops.failed() ? Value() : ops.unwrap(joinVectors(node, low));
  if (auto finished = ops.finish({}); !finished)
    return finished.takeError();
  window.pads.assign(2 * spatialRank, 0);
  auto known = evaluateConstantElements(widths);
  if (!known) {
    window.widths = widths;
    return llvm::Error::success();
  }
  for (int64_t i = 0; i < spatialRank; ++i) {
    window.pads[i] = -(*known)[2 + i];
    window.pads[spatialRank + i] = -(*known)[spatialRank + 4 + i];
  }
  return llvm::Error::success();
}

/// The whole result, cut to the wanted sizes during the run.
static llvm::Expected<Value> cutTransposed(NodeContext &node, Value whole,
                                           const TransposeCut &cut) {
  SLUICE_TRY(result, padInput(node, whole, cut.window, 0));
  if (!cut.window.widths || cut.outputShape.empty())
    return result;
  SmallVector<Value> sizes;
  for (int64_t i : {0, 1}) {
    SLUICE_TRY(size, sizeVector(node, whole, i));
    sizes.push_back(size);
  }
  for (int64_t size : cut.outputShape)
    sizes.push_back(node.constantVector(size));
  return reshapeTo(node, result, sizes);
}

static llvm::Expected<Values> importConvTranspose(NodeContext &node) {
  Value input = node.input(0), weight = node.input(1);
  if (node.rank(input) < 2 || node.rank(weight) != node.rank(input))
    return node.invalid("input and weight must have one rank of two or more");
  SLUICE_TRY(cut, readTransposeCut(node, node.rank(input) - 2));
  SLUICE_TRY(kernel, readKernel(node, weight));
  SLUICE_TRY(groups, node.node.getInt("group", 1));
  if (llvm::Error error = resolveTransposePads(node, kernel, cut))
    return error;
  SmallVector<NamedAttribute> attributes = cut.window.toAttributes(node);
  attributes.push_back(node.integer("groups", groups));
  attributes.push_back(node.ints("output_padding", cut.outputPadding));
  SLUICE_TRY(whole, node.create<ConvTransposeOp>({input, weight}, attributes));
  SLUICE_TRY(result, cutTransposed(node, whole, cut));
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
  registry.add("Conv", {2, 3}, importConv, 1);
  registry.add("ConvTranspose", {2, 3}, importConvTranspose, 1);
  registry.add("DeformConv", {3, 5}, importDeformConv);
}
