//===- Passes.h - Passes on the states of a model ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_STATE_PASSES_H
#define SLUICE_TRANSFORMS_STATE_PASSES_H

#include "dialects/State/State.h"
#include "mlir/Pass/Pass.h"

namespace sluice {

#define GEN_PASS_DECL
#include "sluice/Transforms/State/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "sluice/Transforms/State/Passes.h.inc"

} // namespace sluice

#endif // SLUICE_TRANSFORMS_STATE_PASSES_H
