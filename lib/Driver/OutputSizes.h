//===- OutputSizes.h - How outputs' sizes follow from inputs' ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_OUTPUTSIZES_H
#define SLUICE_LIB_DRIVER_OUTPUTSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Artifact/ModelSignature.h"

namespace sluice {

/// Fills in what the host function on buffers says about the dynamic sizes of
/// the outputs: formulas in terms of the inputs' sizes, and their texts as the
/// names of the dimensions. Where it says nothing, an output keeps the size or
/// the name that the file gives its dimension.
void describeOutputSizes(mlir::func::FuncOp host, ModelSignature &signature);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_OUTPUTSIZES_H
