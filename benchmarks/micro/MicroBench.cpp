//===- MicroBench.cpp - What the benchmarks of kernels share --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "MicroBench.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace sluice;
using namespace sluice::benchmarks;

AlignedFloats::AlignedFloats(int64_t elements)
    : memory(elements + 16), elements(elements) {
  start = memory.data();
  while (reinterpret_cast<uintptr_t>(start) % 64)
    ++start;
  for (int64_t i = 0; i < elements; ++i)
    start[i] = static_cast<float>(i % 7) - 3;
}

llvm::Error benchmarks::setNumber(llvm::StringRef argument,
                                  llvm::ArrayRef<NumberOption> options) {
  auto [key, value] = argument.split('=');
  int64_t number;
  if (value.getAsInteger(10, number))
    return llvm::createStringError("not a number: " + argument);
  for (const NumberOption &option : options)
    if (option.key == key) {
      option.set(number);
      return llvm::Error::success();
    }
  return llvm::createStringError("unknown option: " + argument);
}

llvm::Expected<llvm::SmallVector<int64_t>>
benchmarks::parseSizes(llvm::StringRef text, char separator) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, separator);
  llvm::SmallVector<int64_t> sizes(parts.size());
  for (auto [part, size] : llvm::zip_equal(parts, sizes))
    if (part.getAsInteger(10, size))
      return llvm::createStringError("not a shape: " + text);
  return sizes;
}

int benchmarks::runBenchmark(
    int argc, char **argv,
    llvm::function_ref<llvm::Error(llvm::ArrayRef<char *>)> run) {
  llvm::Error error = run(llvm::ArrayRef(argv + 1, argc - 1));
  if (!error)
    return 0;
  llvm::errs() << llvm::toString(std::move(error)) << "\n";
  return 1;
}
