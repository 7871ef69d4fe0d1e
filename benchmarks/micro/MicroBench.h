//===- MicroBench.h - What the benchmarks of kernels share ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_BENCHMARKS_MICRO_MICROBENCH_H
#define SLUICE_BENCHMARKS_MICRO_MICROBENCH_H

#include "Codegen/KernelHarness.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <vector>

namespace sluice::benchmarks {

/// Small whole numbers on a boundary of 64 bytes.
class AlignedFloats {
public:
  explicit AlignedFloats(int64_t elements);
  AlignedFloats(AlignedFloats &&) = default;
  AlignedFloats(const AlignedFloats &) = delete;
  testing::CompiledKernel::Buffer get() { return {start, elements}; }
  /// The same memory as bytes, for scratch.
  testing::CompiledKernel::Buffer bytes() { return {start, elements * 4}; }

private:
  std::vector<float> memory;
  int64_t elements;
  float *start;
};

/// What an option `key=number` sets: a number or a truth value.
struct NumberOption {
  template <typename T>
  NumberOption(llvm::StringRef key, T &field)
      : key(key), set([&field](int64_t number) { field = number; }) {}

  llvm::StringRef key;
  std::function<void(int64_t)> set;
};

/// Sets one of the options, or says what is wrong with the argument.
llvm::Error setNumber(llvm::StringRef argument,
                      llvm::ArrayRef<NumberOption> options);

/// The sizes that a shape is written with.
llvm::Expected<llvm::SmallVector<int64_t>> parseSizes(llvm::StringRef text,
                                                      char separator);

/// The body of main: prints errors.
int runBenchmark(
    int argc, char **argv,
    llvm::function_ref<llvm::Error(llvm::ArrayRef<char *> arguments)> run);

} // namespace sluice::benchmarks

#endif // SLUICE_BENCHMARKS_MICRO_MICROBENCH_H
