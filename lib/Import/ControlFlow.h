//===- ControlFlow.h - Branches and loops in translations -------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_CONTROLFLOW_H
#define SLUICE_LIB_IMPORT_CONTROLFLOW_H

#include "NodeContext.h"
#include "SizeVectors.h"

namespace sluice {

class ImportRegistry;

/// The only element of a tensor.
mlir::Value extractScalar(NodeContext &node, mlir::Value tensor);
mlir::Value castTo(NodeContext &node, mlir::Value value, mlir::Type type);
/// The most static type that both can be cast to; null if there is none.
mlir::RankedTensorType joinTypes(mlir::Type lhs, mlir::Type rhs);
/// Did the translation leave out values, because of unsupported nodes?
bool isIncomplete(llvm::ArrayRef<mlir::Value> values);
/// Zeros of a type. Dynamic dimensions have the size that `dynamicSizes` tells
/// in their place, or are empty.
ExpectedValue emptyTensor(NodeContext &node, mlir::RankedTensorType type,
                          llvm::ArrayRef<int64_t> dynamicSizes = {});
void registerLoopImports(ImportRegistry &registry);

/// Two branches whose values have no common type. A graph can still be
/// translated where everything behind them is part of the branches.
class DivergingBranchesError
    : public llvm::ErrorInfo<DivergingBranchesError, UnsupportedError> {
public:
  static char ID;
  explicit DivergingBranchesError(std::string reason)
      : ErrorInfo(std::move(reason)) {}
};

using BranchBody = llvm::function_ref<llvm::Expected<Values>()>;

/// Values that are computed one way or the other during the run; sizes in
/// which the two differ become dynamic. A branch with nodes that do not fit
/// the sizes they get is no error as long as the other one fits: a run that
/// takes it fails.
llvm::Expected<Values> createBranch(NodeContext &node, mlir::Value condition,
                                    BranchBody onTrue, BranchBody onFalse);

/// A run fails at this node unless the condition (an i1) holds.
void require(NodeContext &node, mlir::Value condition, llvm::StringRef message);

/// An If whose branches diverge, with what follows it up to the end of its
/// graph in both of them: `branchAndRest` translates a branch and then the
/// rest, and gives the graph's outputs.
llvm::Expected<Values>
importDiverging(NodeContext &node,
                llvm::function_ref<llvm::Expected<Values>(const OnnxGraph &)>
                    branchAndRest);

/// What `body` makes for the axis that a tensor of one element names during the
/// run, which fails if `rank` > 0 has no such axis; it is translated for each.
llvm::Expected<Values>
forEachAxis(NodeContext &node, mlir::Value axis, int64_t rank,
            llvm::function_ref<llvm::Expected<Values>(int64_t)> body);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_CONTROLFLOW_H
