//===- StateViews.h - Which tensors lie in the memory of states -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The memory of a state that grows is that of a tensor which is as long along
// the state's axis as there is room. The state before and after the run, and
// what is the same under another shape, are the beginning of it along that
// axis: contiguous only where nothing is in front of the axis.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_STATEVIEWS_H
#define SLUICE_ANALYSIS_STATEVIEWS_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/State/State.h"
#include "sluice/Analysis/KeptSizes.h"
#include <optional>

namespace sluice {

class StateViews {
public:
  /// `sizes` are those of `main`.
  StateViews(mlir::func::FuncOp main, KeptSizes &sizes);

  /// The dimension along which a tensor is the beginning of a state's memory;
  /// nothing for other tensors.
  std::optional<int64_t> findAxis(mlir::Value tensor) const;
  bool empty() const { return axes.empty(); }

  /// Is the beginning of a longer tensor along an axis surely contiguous?
  static bool isContiguous(mlir::RankedTensorType type, int64_t axis);

private:
  std::optional<int64_t> followAlias(kernel::AliasOp alias, int64_t axis);

  KeptSizes &sizes;
  llvm::DenseMap<mlir::Value, int64_t> axes;
};

} // namespace sluice

#endif // SLUICE_ANALYSIS_STATEVIEWS_H
