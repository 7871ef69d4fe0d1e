//===- LinearAlgebraImport.cpp - Det, Inverse -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

template <typename OpTy>
static llvm::Expected<Values> importSquare(NodeContext &node) {
  SLUICE_TRY(result, node.create<OpTy>(node.input(0)));
  return Values{result};
}

void sluice::registerLinearAlgebraImports(ImportRegistry &registry) {
  registry.add("Det", 1, importSquare<DeterminantOp>);
  registry.add("com.microsoft.Inverse", 1, importSquare<InverseOp>, 1);
}
