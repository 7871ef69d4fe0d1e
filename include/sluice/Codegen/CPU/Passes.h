//===- Passes.h - Passes that generate CPU code -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PASSES_H
#define SLUICE_CODEGEN_CPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Codegen/CPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Codegen/CPU/Passes.h.inc"

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PASSES_H
