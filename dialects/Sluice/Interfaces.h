//===- Interfaces.h - What passes ask of ops --------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_INTERFACES_H
#define SLUICE_DIALECTS_SLUICE_INTERFACES_H

#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/LinearChannels.h"
#include "dialects/Sluice/Permutation.h"
#include "dialects/Sluice/RowMovement.h"
#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/TypeInference.h"
#include "dialects/Sluice/Work.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace sluice {
enum class RecurrentCell : uint32_t;
} // namespace sluice

#include "dialects/Sluice/SluiceInterfaces.h.inc"

#endif // SLUICE_DIALECTS_SLUICE_INTERFACES_H
