//===- NodeNames.cpp - The ONNX nodes behind a location -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/NodeNames.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

SmallVector<StringRef> sluice::findNodeNames(Location location) {
  llvm::SmallSetVector<StringRef, 8> names;
  location->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner))
      names.insert(name.getName().getValue());
    return WalkResult::advance();
  });
  return names.takeVector();
}
