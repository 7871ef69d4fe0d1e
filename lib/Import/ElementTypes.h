//===- ElementTypes.h - Which element types ops take ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ELEMENTTYPES_H
#define SLUICE_LIB_IMPORT_ELEMENTTYPES_H

#include "mlir/IR/Operation.h"
#include "llvm/Support/LogicalResult.h"

namespace sluice {

/// Fails, with an error at the op, where the element types of an elementwise
/// op's operands are not what its arithmetic is made for. Models may say
/// anything; ops that the compiler makes itself need no check.
llvm::LogicalResult verifyElementTypes(mlir::Operation *op);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_ELEMENTTYPES_H
