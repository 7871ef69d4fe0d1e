//===- WindowImport.cpp - Attributes of sliding windows -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "WindowImport.h"
#include "dialects/Sluice/Unsupported.h"
#include "dialects/Sluice/WindowInference.h"

using namespace mlir;
using namespace sluice;

SmallVector<NamedAttribute>
WindowAttributes::toAttributes(const NodeContext &node) const {
  return {node.ints("strides", strides), node.ints("dilations", dilations),
          node.ints("pads", pads)};
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

llvm::Error sluice::resolveAutoPad(NodeContext &node, ArrayRef<int64_t> sizes,
                                   ArrayRef<int64_t> kernel,
                                   WindowAttributes &window) {
  SLUICE_TRY(mode, node.node.getString("auto_pad", "NOTSET"));
  if (mode == "NOTSET" || mode.empty())
    return llvm::Error::success();
  if (mode == "VALID") {
    window.pads.assign(2 * sizes.size(), 0);
    return llvm::Error::success();
  }
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER")
    return node.invalid("unknown auto_pad '" + mode + "'");
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t stride = window.strides[i];
    if (ShapedType::isDynamic(kernel[i]) ||
        (ShapedType::isDynamic(sizes[i]) && stride != 1))
      return node.unsupported("auto_pad " + mode +
                              " of sizes that are not known at compile time");
    int64_t reach = (kernel[i] - 1) * window.dilations[i] + 1;
    int64_t total = reach - 1;
    if (stride != 1) {
      int64_t count = (sizes[i] + stride - 1) / stride;
      total = std::max<int64_t>(0, (count - 1) * stride + reach - sizes[i]);
    }
    int64_t smaller = total / 2;
    bool upper = mode == "SAME_UPPER";
    window.pads[i] = upper ? smaller : total - smaller;
    window.pads[sizes.size() + i] = upper ? total - smaller : smaller;
  }
  return llvm::Error::success();
}
