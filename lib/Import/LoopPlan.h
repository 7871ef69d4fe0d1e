//===- LoopPlan.h - Loops that carry and collect tensors --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_LOOPPLAN_H
#define SLUICE_LIB_IMPORT_LOOPPLAN_H

#include "NodeContext.h"

namespace sluice {

/// What one iteration gives: null as `goesOn` stands for true.
struct Iteration {
  mlir::Value goesOn;
  Values carried;
  Values collected;
};

/// A tensor that a loop collects along a new dimension.
struct Collected {
  int64_t axis = 0;
  /// Do later iterations come first?
  bool isBackwards = false;
  /// What the file declares of an element: a list that stays empty has no
  /// other sizes to go by.
  const OnnxValueInfo *declared = nullptr;
};

/// A loop that carries tensors and collects others.
struct LoopPlan {
  mlir::Value tripCount;     ///< an index; null if there is no limit
  bool mayBeNegative = true; ///< the trip count, which then counts as zero
  int64_t knownTrips = mlir::ShapedType::kDynamic;
  mlir::Value goesOn; ///< null stands for true
  Values initial;
  llvm::SmallVector<Collected> collected;
  llvm::function_ref<llvm::Expected<Iteration>(mlir::Value number,
                                               mlir::ValueRange)>
      body;
};

/// The carried tensors after the last step, then the collected ones.
llvm::Expected<Values> makeLoop(NodeContext &node, const LoopPlan &plan);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_LOOPPLAN_H
