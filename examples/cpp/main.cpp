//===- main.cpp - A model loaded at run time, on several threads ----------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
// Usage: edges-threads MODEL.so. Prints the model's signature and runs it on
// four threads, each with a picture and a context of its own.

#include "sluice/sluice.h"

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

namespace {

struct Release {
  void operator()(sluice_model *model) const { sluice_model_release(model); }
  void operator()(sluice_context *context) const {
    sluice_context_destroy(context);
  }
};
using Model = std::unique_ptr<sluice_model, Release>;
using Context = std::unique_ptr<sluice_context, Release>;

void printTensor(const char *kind, const sluice_tensor_signature &tensor) {
  std::printf("%s %s: %s[", kind, tensor.name,
              sluice_dtype_name(static_cast<sluice_dtype>(tensor.dtype)));
  for (int32_t i = 0; i < tensor.rank; ++i)
    std::printf("%s%lld", i ? "," : "", static_cast<long long>(tensor.dims[i]));
  std::printf("]\n");
}

/// Runs the model once on a picture that is bright right of column `edge`, and
/// returns how many pixels it calls edges; negative on failure.
int countEdges(const sluice_model *model, int edge) {
  sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
  options.threads = 1; // the program has its own
  sluice_context *created = nullptr;
  if (sluice_context_create(model, &options, &created, nullptr) != SLUICE_OK)
    return -1;
  Context context(created);

  const sluice_tensor_signature *input = sluice_model_input(model, 0);
  const int64_t height = input->dims[2], width = input->dims[3];
  std::vector<float> image(static_cast<size_t>(height * width));
  for (int64_t i = 0; i < height * width; ++i)
    image[static_cast<size_t>(i)] = i % width >= edge ? 1.0f : 0.0f;
  sluice_tensor tensor = {
      SLUICE_DTYPE_F32, input->rank, input->dims, nullptr, image.data(), 0, 0};
  sluice_tensor edges;
  if (sluice_context_set_input(context.get(), 0, &tensor) != SLUICE_OK ||
      sluice_context_run(context.get()) != SLUICE_OK ||
      sluice_context_output(context.get(), 0, &edges) != SLUICE_OK) {
    std::fprintf(stderr, "%s\n", sluice_context_message(context.get()));
    return -1;
  }
  const float *values = static_cast<const float *>(edges.data);
  int count = 0;
  for (int64_t y = 1; y + 1 < height; ++y)
    for (int64_t x = 1; x + 1 < width; ++x)
      count += values[y * width + x] > 1.0f;
  return count;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MODEL.so\n", argv[0]);
    return 1;
  }
  sluice_error error;
  sluice_model *loaded = nullptr;
  if (sluice_model_load(argv[1], nullptr, &loaded, &error) != SLUICE_OK) {
    std::fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  Model model(loaded);
  std::printf("model %s, compiled for %s\n", sluice_model_name(loaded),
              sluice_model_target_triple(loaded));
  printTensor("input", *sluice_model_input(loaded, 0));
  printTensor("output", *sluice_model_output(loaded, 0));

  int counts[4];
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(
        [&, i] { counts[i] = countEdges(model.get(), 8 * (i + 1)); });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 0; i < 4; ++i)
    std::printf("thread %d: %d edge pixels\n", i, counts[i]);
  return counts[0] < 0;
}
