//===- PeakProbe.cpp - What this core can do right now --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "PeakProbe.h"
#include <algorithm>
#include <chrono>
#include <vector>

using namespace sluice::benchmarks;

static double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

namespace {
template <int Lanes> struct Vector {
  typedef float type __attribute__((vector_size(Lanes * 4)));
};
} // namespace

/// Twelve independent chains of multiply-adds; returns the operations done.
template <int Lanes>
static inline __attribute__((always_inline)) double spin(int64_t iterations) {
  using V = typename Vector<Lanes>::type;
  V acc[12];
  V scale, offset;
  for (int lane = 0; lane < Lanes; ++lane) {
    scale[lane] = 0.999f;
    offset[lane] = 0.001f;
  }
  for (auto &chain : acc)
    chain = offset;
  for (int64_t i = 0; i < iterations; ++i) {
#pragma clang fp contract(fast)
#pragma clang loop unroll(full)
    for (int chain = 0; chain < 12; ++chain)
      acc[chain] = acc[chain] * scale + offset;
    // Keeps the chains in registers and the loop in place.
    asm volatile("" : : : "memory");
  }
  float sum = 0;
  for (auto &chain : acc)
    sum += chain[0];
  asm volatile("" : : "g"(sum));
  return 2.0 * 12 * Lanes * iterations;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static double spin512(int64_t iterations) {
  return spin<16>(iterations);
}
__attribute__((target("avx2,fma"))) static double spin256(int64_t iterations) {
  return spin<8>(iterations);
}
static double spinBest(int64_t iterations) {
  static const bool has512 = __builtin_cpu_supports("avx512f");
  return has512 ? spin512(iterations) : spin256(iterations);
}
#else
static double spinBest(int64_t iterations) { return spin<4>(iterations); }
#endif

const char *sluice::benchmarks::describeCredibility(double peakShare) {
  constexpr double largestShare = 1.05;
  return peakShare > largestShare ? "  THE PROBE IS WRONG" : "";
}

double sluice::benchmarks::probePeak() {
  double start = now();
  double flops = spinBest(4000);
  return flops / (now() - start) * 1e-9;
}

/// How many calls make half a millisecond.
static int countCalls(llvm::function_ref<void()> call) {
  call();
  double start = now();
  call();
  return std::clamp<int>(5e-4 / std::max(now() - start, 1e-9), 1, 10000);
}

static double timeCalls(llvm::function_ref<void()> call, int calls) {
  double start = now();
  for (int i = 0; i < calls; ++i)
    call();
  return (now() - start) / calls;
}

Measurement sluice::benchmarks::measure(llvm::function_ref<void()> call,
                                        double flops, int repetitions,
                                        const std::function<void()> &rival) {
  int calls = countCalls(call);
  int rivalCalls = rival ? countCalls(rival) : 0;
  std::vector<double> times, shares, ratios;
  for (int i = 0; i < repetitions; ++i) {
    double before = probePeak();
    double time = timeCalls(call, calls);
    double peak = std::max(before, probePeak());
    times.push_back(time);
    shares.push_back(flops / time * 1e-9 / peak);
    ratios.push_back(rival ? timeCalls(rival, rivalCalls) / time : 0);
  }
  std::sort(times.begin(), times.end());
  std::sort(shares.begin(), shares.end());
  std::sort(ratios.begin(), ratios.end());
  size_t middle = times.size() / 2;
  return {times.front(), times[middle], shares[middle],
          shares[shares.size() * 9 / 10], ratios[middle]};
}
