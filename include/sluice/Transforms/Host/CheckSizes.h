//===- CheckSizes.h - What ops demand of sizes, asserted --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_HOST_CHECKSIZES_H
#define SLUICE_TRANSFORMS_HOST_CHECKSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace sluice {

/// Puts an assertion in front of each of these ops for every condition of its
/// sizes that types do not prove. All sizes in conditions are computed from
/// those of the function's inputs, so that no assertion keeps a tensor from
/// being fused.
void checkSizes(mlir::func::FuncOp function,
                llvm::function_ref<bool(mlir::Operation *)> isChecked);

} // namespace sluice

#endif // SLUICE_TRANSFORMS_HOST_CHECKSIZES_H
