//===- DenseExperts.h - All experts for all tokens --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_DENSEEXPERTS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_DENSEEXPERTS_H

#include "ExpertFunction.h"

namespace sluice {

/// A sum over all experts of a gate of the token times what the expert makes of
/// it, where gates of experts that a token did not choose are zero.
struct DenseExperts {
  /// The sum that an op ends; null where it is none of as many gates as there
  /// are.
  static std::optional<DenseExperts> match(mlir::Operation *op);
  /// Why, if not all tokens' gates but a few are known to be zero.
  mlir::LogicalResult findChoice(std::string &reason);

  /// [tokens..., experts].
  mlir::Value gates;
  /// [tokens..., columns], by expert.
  llvm::SmallVector<mlir::Value> rows;
  /// What is added to the sum.
  llvm::SmallVector<mlir::Value> addends;
  /// The numbers of experts whose gates may be other than zero, [tokens...,
  /// slots], or [tokens...] where each token has one.
  mlir::Value ids;
  bool hasSlots = false;

private:
  bool matchAddends(AddOp op);
  bool matchReduction(ReduceOp op);
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_DENSEEXPERTS_H
