//===- BatchNormParameters.h - BatchNorm as factors and addends -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_BATCHNORMPARAMETERS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_BATCHNORMPARAMETERS_H

#include "dialects/Sluice/GraphBuilder.h"

namespace sluice {

/// Batch normalisation is x * factor + addend, per channel.
struct BatchNormParameters {
  mlir::Value factor, addend;
};

inline BatchNormParameters computeParameters(GraphBuilder &graph,
                                             BatchNormOp op) {
  // Narrow parameters compute in f32.
  mlir::Type type = getComputeType(elementTypeOf(op.getVariance()));
  mlir::Value variance = graph.cast(op.getVariance(), type);
  mlir::Value deviation = graph.make<SqrtOp>(graph.add(
      variance, graph.number(type, op.getEpsilon().convertToDouble())));
  BatchNormParameters parameters;
  parameters.factor = graph.div(graph.cast(op.getScale(), type), deviation);
  parameters.addend =
      graph.sub(graph.cast(op.getBias(), type),
                graph.mul(graph.cast(op.getMean(), type), parameters.factor));
  return parameters;
}

inline int64_t getChannelDimension(BatchNormOp op) {
  return op.getChannelsLast() ? op.getType().getRank() - 1 : 1;
}

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_BATCHNORMPARAMETERS_H
