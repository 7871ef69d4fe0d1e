//===- onednn_depthwise.cpp - oneDNN's depthwise 3x3 convolution
//-----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
//   onednn_depthwise CHANNELS SIZE STRIDE MILLISECONDS
//
// Prints the median nanoseconds of one execution, one image, one thread, in the
// layouts that oneDNN chooses itself.
//
//===----------------------------------------------------------------------===//

#include "dnnl.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace dnnl;

static memory filled(const memory::desc &desc, const engine &cpu) {
  memory result(desc, cpu);
  auto *data = static_cast<float *>(result.get_data_handle());
  std::fill_n(data, desc.get_size() / sizeof(float), 0.5f);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 1;
  const long channels = atol(argv[1]), size = atol(argv[2]),
             stride = atol(argv[3]), milliseconds = atol(argv[4]);
  const long result = (size - 1) / stride + 1;
  engine cpu(engine::kind::cpu, 0);
  stream queue(cpu);

  auto any = [](memory::dims dims) {
    return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
  };
  convolution_forward::desc desc(
      prop_kind::forward_inference, algorithm::convolution_direct,
      any({1, channels, size, size}), any({channels, 1, 1, 3, 3}),
      any({channels}), any({1, channels, result, result}), {stride, stride},
      {1, 1}, {1, 1});
  convolution_forward::primitive_desc chosen(desc, cpu);
  convolution_forward convolution(chosen);
  std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, filled(chosen.src_desc(), cpu)},
      {DNNL_ARG_WEIGHTS, filled(chosen.weights_desc(), cpu)},
      {DNNL_ARG_BIAS, filled(chosen.bias_desc(), cpu)},
      {DNNL_ARG_DST, filled(chosen.dst_desc(), cpu)}};

  using clock = std::chrono::steady_clock;
  std::vector<long> times;
  auto begin = clock::now(), before = begin;
  while (before - begin < std::chrono::milliseconds(milliseconds) ||
         times.size() < 10) {
    convolution.execute(queue, arguments);
    queue.wait();
    auto after = clock::now();
    times.push_back(std::chrono::nanoseconds(after - before).count());
    before = after;
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  printf("%ld\n", times[times.size() / 2]);
  return 0;
}
