//===- Peak.cpp - What this machine can do at best -----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Peak.h"

#include "Timing.h"

#include <algorithm>
#include <vector>

using namespace sluice::run;

namespace {

/// Runs independent chains of multiply-adds, enough to fill the pipelines of
/// two units with four cycles of latency. Returns a value that depends on all.
template <typename Vector, int Chains>
__attribute__((always_inline)) inline float multiplyAdd(int64_t rounds) {
  Vector sums[Chains];
  for (int i = 0; i < Chains; ++i)
    sums[i] = Vector{} + float(i);
  Vector factor = Vector{} + 0.999f, term = Vector{} + 0.001f;
  for (int64_t round = 0; round < rounds; ++round)
    for (int i = 0; i < Chains; ++i)
      sums[i] = sums[i] * factor + term;
  Vector total = sums[0];
  for (int i = 1; i < Chains; ++i)
    total += sums[i];
  return total[0];
}

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

using Kernel = float (*)(int64_t rounds);

float multiplyAdd4(int64_t rounds) { return multiplyAdd<Vector4, 12>(rounds); }

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float multiplyAdd8(int64_t rounds) {
  return multiplyAdd<Vector8, 12>(rounds);
}
__attribute__((target("avx512f"))) float multiplyAdd16(int64_t rounds) {
  return multiplyAdd<Vector16, 24>(rounds);
}
#endif

struct Choice {
  Kernel kernel;
  int lanes;
  int chains;
};

Choice widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {multiplyAdd16, 16, 24};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {multiplyAdd8, 8, 12};
#endif
  return {multiplyAdd4, 4, 12};
}

/// Best of several short measurements: others use the machine too.
constexpr int repetitions = 8;

double measureGigaflops() {
  Choice choice = widest();
  constexpr int64_t rounds = 100000;
  volatile float sink = choice.kernel(rounds / 10);
  double best = 0;
  for (int i = 0; i < repetitions; ++i) {
    int64_t start = now();
    sink = choice.kernel(rounds);
    double flops = 2.0 * double(rounds) * choice.lanes * choice.chains;
    best = std::max(best, flops / double(now() - start));
  }
  (void)sink;
  return best;
}

double measureGigabytes() {
  // Larger than the last-level cache of most machines' share.
  constexpr size_t words = size_t(8) << 20;
  std::vector<uint64_t> memory(words, 1);
  double best = 0;
  volatile uint64_t sink = 0;
  for (int i = 0; i < 3; ++i) {
    int64_t start = now();
    uint64_t sums[8] = {};
    for (size_t at = 0; at < words; at += 8)
      for (int lane = 0; lane < 8; ++lane)
        sums[lane] += memory[at + lane];
    best = std::max(best, double(words * 8) / double(now() - start));
    for (uint64_t sum : sums)
      sink = sink + sum;
  }
  return best;
}

} // namespace

MachinePeak sluice::run::measurePeak(int32_t threads) {
  return {measureGigaflops() * threads, measureGigabytes()};
}
