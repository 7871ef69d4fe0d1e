//===- AttentionReasons.h - Why a softmax stays -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONREASONS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONREASONS_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// The node that an op comes from, for remarks.
std::string nameForRemark(mlir::Operation *op);

/// Do products of what only the run knows make the scores, and take the
/// probabilities, whatever else lies between? Products nearby may have a
/// constant operand.
bool liesBetweenProducts(SoftmaxOp softmax);

/// What keeps scores from being those of a product: what makes them, and how.
std::string describeSource(mlir::Value scores);

/// What an op that is no part of attention does with probabilities.
std::string describeReader(mlir::Operation *reader);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_ATTENTIONREASONS_H
