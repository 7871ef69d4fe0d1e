//===- Decomposition.h - Taking composite ops apart -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_DECOMPOSITION_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_DECOMPOSITION_H

#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sluice {

/// Replaces ops of a function by the simpler ones that they are made of. These
/// demand less of sizes, so what the composite ops demand is asserted before it
/// is lost.
void decompose(mlir::func::FuncOp function,
               llvm::ArrayRef<DecomposableOpInterface> composites);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_DECOMPOSITION_H
