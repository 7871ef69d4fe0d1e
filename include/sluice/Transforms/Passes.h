//===- Passes.h - Passes on graphs and kernels ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_PASSES_H
#define SLUICE_TRANSFORMS_PASSES_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Transforms/Passes.h.inc"

} // namespace sluice

#endif // SLUICE_TRANSFORMS_PASSES_H
