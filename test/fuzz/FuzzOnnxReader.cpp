//===- FuzzOnnxReader.cpp - Any bytes as an ONNX model --------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
//
// Whatever the bytes are, the reader must answer with a model or an error, in
// bounded time and memory, and what it accepts must hold together: all weights
// can be read, the checks find nothing new, functions can be inlined.
//
//===----------------------------------------------------------------------===//
#include "FuzzedModel.h"

#include <cstdio>
#include <cstdlib>

using namespace sluice;

/// Reads every byte of the weights, for the sanitizers to see.
static unsigned touch(const OnnxGraph &graph);

static unsigned touch(const OnnxTensor &tensor) {
  unsigned sum = 0;
  for (char byte : tensor.bytes)
    sum += static_cast<unsigned char>(byte);
  llvm::consumeError(tensor.asInts().takeError());
  llvm::consumeError(tensor.asDoubles().takeError());
  return sum;
}

static unsigned touch(const OnnxNode &node) {
  unsigned sum = static_cast<unsigned>(node.describe().size());
  for (const OnnxAttribute &attribute : node.attributes) {
    llvm::consumeError(node.getInt(attribute.name).takeError());
    llvm::consumeError(node.getInts(attribute.name).takeError());
    llvm::consumeError(node.getString(attribute.name).takeError());
    llvm::consumeError(node.getTensor(attribute.name).takeError());
    for (const OnnxTensor &tensor : attribute.tensors)
      sum += touch(tensor);
    for (const OnnxGraph &graph : attribute.graphs)
      sum += touch(graph);
  }
  return sum;
}

static unsigned touch(const OnnxGraph &graph) {
  unsigned sum = 0;
  for (const OnnxTensor &tensor : graph.initializers)
    sum += touch(tensor);
  for (const OnnxNode &node : graph.nodes)
    sum += touch(node);
  for (const OnnxValueInfo *input : graph.requiredInputs())
    sum += static_cast<unsigned>(input->type.describe().size());
  return sum;
}

/// A model that was accepted must pass the checks again.
static void requireValid(OnnxModel &model, const char *when) {
  if (llvm::Error error = verifyOnnxModel(model)) {
    std::fprintf(stderr, "not valid %s: %s\n", when,
                 llvm::toString(std::move(error)).c_str());
    std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::Expected<OnnxModel> model = fuzz::readModel(data, size);
  if (!model) {
    llvm::consumeError(model.takeError());
    return 0;
  }
  volatile unsigned sum = touch(model->graph);
  (void)sum;
  requireValid(*model, "when read");

  OnnxShapeOverrides overrides;
  for (const OnnxValueInfo &input : model->graph.inputs)
    if (input.type.shape)
      overrides.shapes.emplace_back(
          input.name, std::vector<int64_t>(input.type.shape->size(), 2));
  llvm::consumeError(applyShapeOverrides(*model, overrides));
  if (llvm::Error error = inlineLocalFunctions(*model, /*nodeLimit=*/1000))
    llvm::consumeError(std::move(error));
  else
    requireValid(*model, "after inlining");
  return 0;
}
