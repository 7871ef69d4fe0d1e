//===- LinearBlock.h - Contractions with a bias -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A linear op (LinearOpInterface) and the addition of one number per result
// channel behind it. Factors per channel can move into its weight.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_LINEARBLOCK_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_LINEARBLOCK_H

#include "dialects/Sluice/GraphBuilder.h"

namespace sluice {

/// The value as one number per channel: a vector of `channels` elements or
/// one. Null if it is not such a value for tensors of this rank.
mlir::Value matchPerChannel(GraphBuilder &graph, mlir::Value value,
                            int64_t rank, int64_t channelDimension,
                            int64_t channels);
bool isPerChannel(mlir::Value value, int64_t rank, int64_t channelDimension,
                  int64_t channels);

/// A vector in the shape that broadcasts along the channels.
mlir::Value spreadChannels(GraphBuilder &graph, mlir::Value vector,
                           int64_t rank, int64_t channelDimension);

struct LinearBlock {
  mlir::Operation *linear = nullptr;
  LinearChannels at;
  /// What is added behind it, if anything; broadcasts along the channels.
  mlir::Value bias;
  /// Of the result.
  int64_t rank = 0;
  /// Of the result; may be dynamic.
  int64_t channels = 0;

  /// The block whose result is `value`. Results inside it may have no other
  /// use than the block itself; that of `value` is the caller's to check.
  static std::optional<LinearBlock> match(mlir::Value value);

  /// The weight times one factor per result channel.
  mlir::Value scaleResultChannels(GraphBuilder &graph,
                                  mlir::Value factors) const;
  /// The weight times one factor per input channel.
  mlir::Value scaleInputChannels(GraphBuilder &graph,
                                 mlir::Value factors) const;
  /// What adding `shifts` (one per input channel) to the input adds to each
  /// result channel, where each sums over all taps.
  mlir::Value sumOverInputs(GraphBuilder &graph, mlir::Value shifts) const;
  int64_t inputChannels() const;
  mlir::Value getWeight() const;
  /// The channels that a dimension of the weight has in all groups.
  int64_t countChannels(int64_t dimension) const;

  /// The linear op on another input and weight.
  mlir::Value rebuild(GraphBuilder &graph, mlir::Value input,
                      mlir::Value newWeight) const;

private:
  /// The weight as [groups, a, b, rest], where one of a and b are the input
  /// channels of a group and the other its result channels.
  mlir::Value groupWeight(GraphBuilder &graph) const;
  /// Numbers for the channels that a dimension of the weight has, in the shape
  /// that broadcasts to the grouped weight.
  mlir::Value spreadOverWeight(GraphBuilder &graph, mlir::Value numbers,
                               int64_t dimension) const;
  mlir::Value scaleWeight(GraphBuilder &graph, mlir::Value factors,
                          int64_t dimension) const;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_LINEARBLOCK_H
