//===- Sluice.h - The sluice dialect ----------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SLUICE_H
#define SLUICE_DIALECTS_SLUICE_SLUICE_H

#include "dialects/Sluice/ElementTypes.h"
#include "dialects/Sluice/Interfaces.h"
#include "dialects/Sluice/OpTraits.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Sluice/SluiceDialect.h.inc"
#include "dialects/Sluice/SluiceEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Sluice/SluiceAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Sluice/SluiceOps.h.inc"

#endif // SLUICE_DIALECTS_SLUICE_SLUICE_H
