//===- LoopModel.h - What runs a kernel's loops -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Emitters say which iterations are independent, how much Work each is, which
// memory they need and what must hold. How a target runs them, has memory and
// reports failures is its LoopModel.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_LOOPMODEL_H
#define SLUICE_CODEGEN_ELEMENTS_LOOPMODEL_H

#include "dialects/Sluice/Work.h"
#include "mlir/IR/Value.h"
#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/ExtensibleRTTI.h"

namespace sluice {

class KernelBuilder;

/// What work costs on a target, in a unit that is its own.
struct Cost {
  double value = 0;

  friend Cost operator+(Cost lhs, Cost rhs) { return {lhs.value + rhs.value}; }
  friend Cost operator*(Cost cost, double count) {
    return {cost.value * count};
  }
};

class LoopModel : public llvm::RTTIExtends<LoopModel, llvm::RTTIRoot> {
public:
  static char ID;

  using Body = llvm::function_ref<void(mlir::Value iteration)>;
  using IndexBody = llvm::function_ref<void(mlir::ValueRange indices)>;

  virtual Cost getCost(Work work) const = 0;

  /// `count` independent iterations that cost `each`. Not inside one another.
  virtual void parallel(KernelBuilder &kernel, mlir::Value count, Cost each,
                        Body body) = 0;
  /// A nest of independent iterations over [0, extents[i]), of which those of
  /// the last dimension are neighbours in memory.
  virtual void parallelElements(KernelBuilder &kernel, mlir::ValueRange extents,
                                Cost each, IndexBody body) = 0;

  /// Bytes for this kernel alone, as memref<?xi8>, for numbers that are only
  /// known during the run. Not inside parallel loops.
  virtual mlir::Value allocate(KernelBuilder &kernel, mlir::Value bytes) = 0;
  /// Planned memory of a fixed size (at most once per kernel), as memref<?xi8>.
  /// Not zeroed.
  virtual mlir::Value scratch(int64_t bytes) = 0;

  /// Records that the run has failed where `condition` does not hold; the code
  /// goes on.
  virtual void check(KernelBuilder &kernel, mlir::Value condition,
                     llvm::StringRef message) = 0;
};

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_LOOPMODEL_H
