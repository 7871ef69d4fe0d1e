//===- ConstantNumbers.h - The elements of constants ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_CONSTANTNUMBERS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_CONSTANTNUMBERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

namespace sluice {

/// Calls `body` for each element, in order, of a constant of floats, integers
/// or bools; 64-bit integers are rounded. Fails where the data is not there.
bool forEachNumber(mlir::ElementsAttr value,
                   llvm::function_ref<void(double)> body);

/// Is it a constant of which all elements are zero, or at least some?
bool isConstantZero(mlir::Value value, bool all);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_CONSTANTNUMBERS_H
