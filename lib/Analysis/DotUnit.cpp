//===- DotUnit.cpp - What a CPU multiplies with ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/DotUnit.h"
#include "sluice/Analysis/MachineModel.h"

using namespace sluice;

static bool isInteger(NumberKind kind) {
  return kind == NumberKind::I32 || kind == NumberKind::I64;
}

DotUnitModel sluice::chooseDotUnit(const ProductTypes &types,
                                   const MachineModel &machine) {
  constexpr unsigned manyRegisters = 32;
  DotUnitModel unit;
  bool isIntegral = isInteger(types.accumulator);
  unit.kind =
      isIntegral ? DotUnitModel::Kind::Integer : DotUnitModel::Kind::Float;
  unit.sumBytes = getNumberBytes(types.accumulator);
  unit.lanes = machine.lanes(8 * unit.sumBytes);
  unit.fused = !isIntegral && machine.hasFma;
  unit.rate = machine.fmaPerCycle * (unit.fused ? 1 : 0.5);
  unit.rhsBytes = getNumberBytes(types.rhs);
  unit.lhsBytes = unit.sumBytes;
  unit.widensLhs = types.lhs != types.accumulator;
  unit.panelVectors = machine.vectorRegisters >= manyRegisters ? 4 : 2;
  // A vector of B takes instructions to widen, so more rows share it.
  if (types.rhs != types.accumulator) {
    unit.widenings = 1;
    unit.panelVectors = 2;
  }
  return unit;
}
