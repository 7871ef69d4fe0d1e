//===- ControlFlow.h - Branches in translations -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_CONTROLFLOW_H
#define SLUICE_LIB_IMPORT_CONTROLFLOW_H

#include "NodeContext.h"

namespace sluice {

using BranchBody = llvm::function_ref<llvm::Expected<Values>()>;

/// Values that are computed one way or the other during the run; sizes in
/// which the two differ become dynamic.
llvm::Expected<Values> createBranch(NodeContext &node, mlir::Value condition,
                                    BranchBody onTrue, BranchBody onFalse);

/// What `body` makes for the axis that a scalar tensor names during the run;
/// it is translated for every axis from `first` to `rank` - 1.
llvm::Expected<Values>
forEachAxis(NodeContext &node, mlir::Value axis, int64_t rank,
            llvm::function_ref<llvm::Expected<Values>(int64_t)> body,
            int64_t first = 0);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_CONTROLFLOW_H
