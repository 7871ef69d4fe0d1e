//===- Passes.h - Code generation passes ------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PASSES_H
#define SLUICE_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"
#include "sluice/Codegen/Providers/KernelProvider.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Codegen/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Codegen/Passes.h.inc"

/// With those who make code; without, the pass knows none, not even the
/// compiler.
std::unique_ptr<mlir::Pass>
createEmitKernelsPass(Providers providers,
                      const EmitKernelsPassOptions &options = {});

} // namespace sluice

#endif // SLUICE_CODEGEN_PASSES_H
