//===- Passes.h - Code generation passes ------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PASSES_H
#define SLUICE_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Codegen/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Codegen/Passes.h.inc"

} // namespace sluice

#endif // SLUICE_CODEGEN_PASSES_H
