//===- WindowImport.cpp - Attributes of sliding windows -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "WindowImport.h"
#include "Composition.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Unsupported.h"
#include "dialects/Sluice/WindowInference.h"

using namespace mlir;
using namespace sluice;

SmallVector<NamedAttribute>
WindowAttributes::toAttributes(const NodeContext &node) const {
  return {node.ints("strides", strides), node.ints("dilations", dilations),
          node.ints("pads", pads)};
}

llvm::Expected<std::vector<int64_t>>
sluice::readSizes(NodeContext &node, StringRef name,
                  std::optional<std::vector<int64_t>> otherwise,
                  int64_t least) {
  if (otherwise && !node.node.hasAttribute(name))
    return *otherwise;
  SLUICE_TRY(sizes, node.node.getInts(name));
  for (int64_t size : sizes)
    if (size < least)
      return node.invalid("a size in '" + name + "' is " + Twine(size));
  return sizes;
}

llvm::Expected<Value> sluice::readSizes(NodeContext &node, size_t index,
                                        int64_t length) {
  SLUICE_TRY(sizes, toVector(node, node.input(index), length));
  for (int64_t i = 0; i < length; ++i)
    if (auto known = evaluateConstantElement(sizes, i); known && *known < 0)
      return node.invalid("negative size " + Twine(*known));
  return sizes;
}

llvm::Expected<WindowAttributes> sluice::readWindow(NodeContext &node,
                                                    int64_t spatialRank) {
  WindowAttributes window;
  std::vector<int64_t> ones(spatialRank, 1), zeros(2 * spatialRank, 0);
  SLUICE_TRY(strides, node.node.getInts("strides", ones));
  SLUICE_TRY(dilations, node.node.getInts("dilations", ones));
  SLUICE_TRY(pads, node.node.getInts("pads", zeros));
  window.strides = std::move(strides);
  window.dilations = std::move(dilations);
  window.pads = std::move(pads);
  std::string message;
  bool isLegal = false;
  ScopedDiagnosticHandler handler(node.builder.getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    message = diagnostic.str();
                                    isLegal = isUnsupported(diagnostic);
                                    return success();
                                  });
  if (failed(verifyWindows(node.loc, spatialRank, window.strides,
                           window.dilations, window.pads)))
    return isLegal ? node.unsupported(message) : node.invalid(message);
  return window;
}

llvm::Expected<Value> sluice::windowReach(NodeContext &node, int64_t kernel,
                                          Value weight, int64_t axis,
                                          const WindowAttributes &window) {
  int64_t dilation = window.dilations[axis];
  if (!ShapedType::isDynamic(kernel))
    return node.constantVector((kernel - 1) * dilation + 1);
  // size * dilation - (dilation - 1)
  Composition ops(node);
  Value spread =
      ops.mul(ops.size(weight, 2 + axis), node.constantVector(dilation));
  return ops.finishValue(ops.sub(spread, node.constantVector(dilation - 1)));
}

/// The pads of both sides together along a dimension, as a one-element vector:
/// so much that windows start at every stride.
static llvm::Expected<Value> totalPads(NodeContext &node, int64_t axis,
                                       Value reach,
                                       const WindowAttributes &window) {
  Composition ops(node);
  auto number = [&](int64_t value) { return node.constantVector(value); };
  Value stride = number(window.strides[axis]);
  Value size = ops.size(node.input(0), 2 + axis);
  // (ceil(size / stride) - 1) * stride + reach - size
  Value count =
      ops.div(ops.add(size, number(window.strides[axis] - 1)), stride);
  Value last = ops.mul(ops.sub(count, number(1)), stride);
  Value total = ops.sub(ops.add(last, reach), size);
  return ops.finishValue(ops.make<MaxOp>({total, number(0)}));
}

llvm::Error sluice::resolveAutoPad(NodeContext &node, ArrayRef<int64_t> kernel,
                                   Value weight, WindowAttributes &window) {
  SLUICE_TRY(mode, node.node.getString("auto_pad", "NOTSET"));
  if (mode == "NOTSET" || mode.empty())
    return llvm::Error::success();
  int64_t spatialRank = kernel.size();
  window.pads.assign(2 * spatialRank, 0);
  if (mode == "VALID")
    return llvm::Error::success();
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return node.invalid("unknown auto_pad '" + mode + "'");
  bool isUpper = mode == "SAME_UPPER";
  Composition ops(node);
  Value zero = node.constantVector(0), two = node.constantVector(2);
  SmallVector<Value> low(2, zero), high(2, zero);
  for (int64_t i = 0; i < spatialRank; ++i) {
    Value reach = ops.unwrap(windowReach(node, kernel[i], weight, i, window));
    // Each step of a window that moves by one is one place.
    Value total = window.strides[i] == 1
                      ? ops.sub(reach, node.constantVector(1))
                      : ops.unwrap(totalPads(node, i, reach, window));
    Value smaller = ops.div(total, two);
    Value larger = ops.sub(total, smaller);
    low.push_back(isUpper ? smaller : larger);
    high.push_back(isUpper ? larger : smaller);
  }
  low.append(high);
  Value widths = ops.failed() ? Value() : ops.unwrap(joinVectors(node, low));
  if (auto finished = ops.finish({}); !finished)
    return finished.takeError();
  auto known = evaluateConstantElements(widths);
  if (!known) {
    window.widths = widths;
    return llvm::Error::success();
  }
  for (int64_t i = 0; i < spatialRank; ++i) {
    window.pads[i] = (*known)[2 + i];
    window.pads[spatialRank + i] = (*known)[spatialRank + 4 + i];
  }
  return llvm::Error::success();
}

llvm::Expected<Value> sluice::padInput(NodeContext &node, Value input,
                                       const WindowAttributes &window,
                                       double filler) {
  if (!window.widths)
    return input;
  return node.create<PadOp>(
      {input, node.scalar(elementTypeOf(input), filler), window.widths},
      {node.ints("low", {}), node.ints("high", {})});
}
