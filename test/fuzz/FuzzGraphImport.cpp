//===- FuzzGraphImport.cpp - Any bytes to the sluice dialect --------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Whatever the model says, importing it must end with a module that passes the
// verifier or with an error.
//
//===----------------------------------------------------------------------===//
#include "FuzzedModel.h"
#include "mlir/IR/Verifier.h"
#include "sluice/Import/Importer.h"

#include <cstdlib>

using namespace mlir;
using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<OnnxModel> model = fuzz::readInlinedModel(data, size);
  if (!model)
    return 0;
  MLIRContext context(MLIRContext::Threading::DISABLED);
  auto module = importOnnxModel(*model, context);
  if (!module)
    llvm::consumeError(module.takeError());
  else if (failed(verify(**module)))
    std::abort();
  return 0;
}
