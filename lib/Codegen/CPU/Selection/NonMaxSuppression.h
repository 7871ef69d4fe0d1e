//===- NonMaxSuppression.h - Boxes that do not overlap ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_SELECTION_NONMAXSUPPRESSION_H
#define SLUICE_LIB_CODEGEN_CPU_SELECTION_NONMAXSUPPRESSION_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// The kernel of a `sluice.non_max_suppression`. Its time follows the number
/// of boxes and of those it selects, whatever the limit is.
llvm::LogicalResult emitNonMaxSuppression(KernelBuilder &kernel,
                                          mlir::Operation *anchor);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_SELECTION_NONMAXSUPPRESSION_H
