//===- Demands.h - What translations demand of sizes ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Where an operator is stricter than the ops that it becomes.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_DEMANDS_H
#define SLUICE_LIB_IMPORT_DEMANDS_H

#include "Composition.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace sluice {

/// Two integers, vectors of one element, compare like this. Where both are
/// known and do not, the node is refused, and elsewhere the run fails.
void demand(Composition &ops, mlir::arith::CmpIPredicate predicate,
            mlir::Value lhs, mlir::Value rhs, const llvm::Twine &message);
/// The tensor has these sizes, vectors of one element, demanded as above.
/// Messages call it `name`.
void demandShape(Composition &ops, mlir::Value tensor,
                 llvm::ArrayRef<mlir::Value> sizes, llvm::StringRef name);
/// The tensor, of which that is demanded, in a type that says so.
mlir::Value withShape(Composition &ops, mlir::Value tensor,
                      llvm::ArrayRef<mlir::Value> sizes, llvm::StringRef name);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_DEMANDS_H
