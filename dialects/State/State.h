//===- State.h - What one run leaves for the next one -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_STATE_STATE_H
#define SLUICE_DIALECTS_STATE_STATE_H

#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "dialects/State/StateDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/State/StateAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/State/StateOps.h.inc"

namespace sluice {

/// On arguments of `main`: a #state.pair.
inline constexpr llvm::StringLiteral stateAttributeName = "state.pair";

/// The state of an argument of `main`, or null.
StateAttr getState(mlir::func::FuncOp main, unsigned argument);

} // namespace sluice

#endif // SLUICE_DIALECTS_STATE_STATE_H
