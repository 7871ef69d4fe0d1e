//===- BufferLiveness.h - When buffers of the host are in use ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_BUFFERLIVENESS_H
#define SLUICE_ANALYSIS_BUFFERLIVENESS_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SetVector.h"

namespace sluice {

/// A buffer's time of use, in numbers of ops in program order, both inclusive.
struct LiveRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool overlaps(const LiveRange &other) const {
    return begin <= other.end && other.begin <= end;
  }
};

/// Follows buffers through views, casts, branches and loops of a structured
/// function. A buffer that is defined outside a loop and used inside lives to
/// the loop's end.
class BufferLiveness {
public:
  using Roots = llvm::SmallSetVector<mlir::Operation *, 2>;

  explicit BufferLiveness(mlir::func::FuncOp function);

  /// The live range of what an allocation returns.
  LiveRange range(mlir::Operation *allocation) const {
    return ranges.lookup(allocation);
  }
  /// The allocations that a buffer may come from.
  Roots roots(mlir::Value buffer) const { return rootsOf.lookup(buffer); }
  int64_t number(mlir::Operation *op) const { return numbers.lookup(op); }

private:
  void numberOps(mlir::Region &region);
  void follow(mlir::Region &region);
  void carryOn(mlir::ValueRange arguments, mlir::ValueRange next);
  void addRoots(mlir::Value value, const Roots &roots);
  void use(mlir::Operation *user, mlir::Value buffer);

  llvm::DenseMap<mlir::Operation *, int64_t> numbers;
  llvm::DenseMap<mlir::Operation *, int64_t> lastInside;
  llvm::DenseMap<mlir::Operation *, LiveRange> ranges;
  llvm::DenseMap<mlir::Value, Roots> rootsOf;
  int64_t next = 0;
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_BUFFERLIVENESS_H
