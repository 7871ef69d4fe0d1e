//===- MutateOnnx.cpp - How the fuzzers change ONNX files -----------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "ModelMutator.h"

#include <onnx/onnx_pb.h>

#include <cstring>

using namespace sluice;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

/// libFuzzer's own change of some bytes.
static void mutateBytes(std::string &bytes) {
  constexpr size_t largestGrowth = 16;
  size_t oldSize = bytes.size();
  bytes.resize(oldSize + largestGrowth);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(bytes.data()),
                                oldSize, bytes.size()));
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  onnx::ModelProto model;
  // One in four changes goes to the bytes, for the sake of the parser.
  if (seed % 4 == 0 || !model.ParseFromArray(data, static_cast<int>(size)))
    return LLVMFuzzerMutate(data, size, maxSize);
  fuzz::ModelMutator mutator(seed, mutateBytes);
  for (unsigned change = 0; change <= seed / 4 % 4; ++change)
    mutator.mutate(model);
  std::string bytes = model.SerializeAsString();
  if (bytes.empty() || bytes.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
