//===- Heap.h - Heaps in kernels --------------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The code of a binary heap in a kernel's memory, after J. W. J. Williams,
// "Algorithm 232: Heapsort", and R. W. Floyd, "Algorithm 245: Treesort".
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_SELECTION_HEAP_H
#define SLUICE_LIB_CODEGEN_CPU_SELECTION_HEAP_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// An element and where it comes from.
struct Candidate {
  mlir::Value element;
  mlir::Value index;
};

/// Where a heap has its candidates, and their order.
class Heap {
public:
  virtual ~Heap() = default;

  /// Positions are indices from zero on.
  virtual Candidate load(mlir::Value position) = 0;
  virtual void store(Candidate candidate, mlir::Value position) = 0;
  /// Is `lhs` nearer to the root than `rhs`? A strict total order.
  virtual mlir::Value isAbove(Candidate lhs, Candidate rhs) = 0;

  /// Puts a candidate into the heap [0, limit) at `hole` or below it.
  void siftDown(Candidate candidate, mlir::Value hole, mlir::Value limit);
  /// Makes a heap of what is stored at [0, count).
  void arrange(mlir::Value count);

protected:
  explicit Heap(KernelBuilder &kernel) : kernel(kernel) {}
  KernelBuilder &kernel;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_SELECTION_HEAP_H
