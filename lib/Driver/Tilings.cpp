//===- Tilings.cpp - Tile choices from the command line -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Tilings.h"
#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "sluice/Support/NodeNames.h"

using namespace mlir;

namespace sluice {

/// The text between the brackets of a #kernel.tiling, as an attribute.
static llvm::Expected<Attribute> parseTiling(StringRef text,
                                             MLIRContext *context) {
  context->loadDialect<kernel::KernelDialect>();
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  Attribute tiling =
      parseAttribute(("#kernel.tiling<" + text + ">").str(), context);
  if (!isa_and_present<kernel::TilingAttr>(tiling))
    return llvm::createStringError("--tiling: '" + text +
                                   "' is no tiling: " + message);
  return tiling;
}

static llvm::Error setTiling(ModuleOp module, StringRef text) {
  // Names of nodes may have colons, tilings have none.
  auto [node, choices] = text.rsplit(':');
  if (node.empty() || choices.empty())
    return llvm::createStringError(
        "--tiling takes a node and its tiling, such as "
        "conv1:tile_rows=4,tile_vectors=2, not '" +
        text + "'");
  auto tiling = parseTiling(choices, module.getContext());
  if (!tiling)
    return tiling.takeError();
  bool found = false;
  module.walk([&, name = node](Operation *op) {
    // What micro-kernels compute.
    if (!isa<LinearOpInterface>(op) ||
        !llvm::is_contained(findNodeNames(op->getLoc()), name))
      return;
    op->setDiscardableAttr(kernel::tilingAttributeName, *tiling);
    found = true;
  });
  if (!found)
    return llvm::createStringError(
        "--tiling: no product or convolution comes from a node '" + node + "'");
  return llvm::Error::success();
}

llvm::Error setTilings(ModuleOp module, ArrayRef<std::string> texts) {
  for (const std::string &text : texts)
    if (llvm::Error error = setTiling(module, text))
      return error;
  return llvm::Error::success();
}

} // namespace sluice
