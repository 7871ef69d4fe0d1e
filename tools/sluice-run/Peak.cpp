//===- Peak.cpp - What this machine can do at best -----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Peak.h"

#include "Timing.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <sys/mman.h>
#include <thread>
#include <vector>

using namespace sluice::run;

namespace {

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

/// Runs independent chains of multiply-adds, enough to fill the pipelines of
/// two units with four cycles of latency. Returns a value that depends on all.
template <typename Vector, int Chains>
__attribute__((always_inline)) inline float multiplyAdd(int64_t rounds) {
  Vector sums[Chains];
  for (int i = 0; i < Chains; ++i)
    sums[i] = Vector{} + float(i);
  Vector factor = Vector{} + 0.999f, term = Vector{} + 0.001f;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
    for (int i = 0; i < Chains; ++i)
      sums[i] = sums[i] * factor + term;
  }
  Vector total = sums[0];
  for (int i = 1; i < Chains; ++i)
    total += sums[i];
  return total[0];
}

/// Reads memory once, in vectors. Returns a value that depends on all of it.
template <typename Vector>
__attribute__((always_inline)) inline float readAll(const float *memory,
                                                    size_t count) {
  constexpr int chains = 8;
  constexpr size_t lanes = sizeof(Vector) / sizeof(float);
  Vector sums[chains] = {};
  const Vector *vectors = reinterpret_cast<const Vector *>(memory);
  for (size_t at = 0; at < count / lanes; at += chains) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; ++i)
      sums[i] += vectors[at + size_t(i)];
  }
  Vector total = sums[0];
  for (int i = 1; i < chains; ++i)
    total += sums[i];
  return total[0];
}

/// The loops at one width of vectors.
struct Loops {
  float (*multiplyAdd)(int64_t rounds);
  float (*readAll)(const float *memory, size_t count);
  int lanes;
  int chains;
};

float multiplyAdd4(int64_t rounds) { return multiplyAdd<Vector4, 12>(rounds); }
float readAll4(const float *memory, size_t count) {
  return readAll<Vector4>(memory, count);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float multiplyAdd8(int64_t rounds) {
  return multiplyAdd<Vector8, 12>(rounds);
}
__attribute__((target("avx2"))) float readAll8(const float *memory,
                                               size_t count) {
  return readAll<Vector8>(memory, count);
}
__attribute__((target("avx512f"))) float multiplyAdd16(int64_t rounds) {
  return multiplyAdd<Vector16, 16>(rounds);
}
__attribute__((target("avx512f"))) float readAll16(const float *memory,
                                                   size_t count) {
  return readAll<Vector16>(memory, count);
}
#endif

Loops widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {multiplyAdd16, readAll16, 16, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {multiplyAdd8, readAll8, 8, 12};
#endif
  return {multiplyAdd4, readAll4, 4, 12};
}

/// Of several short measurements the one that few others beat: interruptions do
/// not count, nor does a clock that jumped.
double nearlyBest(std::vector<double> rates) {
  auto place = rates.begin() + std::ptrdiff_t(rates.size() * 9 / 10);
  std::nth_element(rates.begin(), place, rates.end());
  return *place;
}

double sampleGigaflops() {
  Loops loops = widest();
  constexpr int slices = 10;
  constexpr int64_t rounds = 4000;
  const double flops = 2.0 * double(rounds) * loops.lanes * loops.chains;
  volatile float sink = 0;
  std::vector<double> rates;
  for (int i = 0; i < slices; ++i) {
    int64_t start = now();
    sink = sink + loops.multiplyAdd(rounds);
    rates.push_back(flops / double(now() - start));
  }
  return nearlyBest(std::move(rates));
}

/// More than what one core finds in a last-level cache.
constexpr size_t sampledBytes = size_t(128) << 20;

struct FreeMemory {
  void operator()(float *memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<float, FreeMemory>;

/// Memory that is there already, in huge pages where the system has them, as
/// the runtime's is.
Memory touchedMemory() {
  constexpr size_t hugePage = size_t(2) << 20;
  Memory memory(
      static_cast<float *>(std::aligned_alloc(hugePage, sampledBytes)));
  if (!memory)
    return memory;
  (void)madvise(memory.get(), sampledBytes, MADV_HUGEPAGE);
  std::fill_n(memory.get(), sampledBytes / sizeof(float), 1.0f);
  return memory;
}

/// 0 without memory.
double sampleGigabytes() {
  Loops loops = widest();
  constexpr size_t slice = size_t(1) << 18; // floats
  Memory memory = touchedMemory();
  volatile float sink = 0;
  std::vector<double> rates;
  for (size_t at = 0; memory && at < sampledBytes / sizeof(float);
       at += slice) {
    int64_t start = now();
    sink = sink + loops.readAll(memory.get() + at, slice);
    rates.push_back(double(slice * sizeof(float)) / double(now() - start));
  }
  return rates.empty() ? 0 : nearlyBest(std::move(rates));
}

/// The sum of what several threads reach at the same time.
double sumOverThreads(int32_t threads, double (*sample)()) {
  std::vector<double> rates(size_t(std::max(threads, 1)));
  std::vector<std::thread> others;
  for (size_t i = 1; i < rates.size(); ++i)
    others.emplace_back([&rates, sample, i] { rates[i] = sample(); });
  rates[0] = sample();
  for (std::thread &other : others)
    other.join();
  double total = 0;
  for (double rate : rates)
    total += rate;
  return total;
}

} // namespace

void PeakProbe::sampleArithmetic() {
  best.gigaflops =
      std::max(best.gigaflops, sumOverThreads(threads, sampleGigaflops));
}

void PeakProbe::sampleMemory() {
  // Few threads saturate memory, and each brings some.
  constexpr int32_t enough = 8;
  best.gigabytes =
      std::max(best.gigabytes,
               sumOverThreads(std::min(threads, enough), sampleGigabytes));
}
