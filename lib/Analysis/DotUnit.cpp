//===- DotUnit.cpp - What a CPU multiplies with ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Analysis/DotUnit.h"
#include "sluice/Analysis/MachineModel.h"
#include "llvm/ADT/STLExtras.h"

using namespace sluice;

static bool isInteger(NumberKind kind) {
  return kind == NumberKind::I32 || kind == NumberKind::I64;
}

namespace {
struct NamedKind {
  DotUnitModel::Kind kind;
  llvm::StringLiteral name;
};
} // namespace

static constexpr NamedKind namedKinds[] = {
    {DotUnitModel::Kind::Float, "float"},
    {DotUnitModel::Kind::Integer, "integer"}};

llvm::StringRef sluice::getDotUnitName(DotUnitModel::Kind kind) {
  return llvm::find_if(
             namedKinds,
             [&](const NamedKind &named) { return named.kind == kind; })
      ->name;
}

std::optional<DotUnitModel::Kind> sluice::findDotUnit(llvm::StringRef name) {
  for (const NamedKind &named : namedKinds)
    if (named.name == name)
      return named.kind;
  return std::nullopt;
}

std::optional<DotUnitModel> sluice::getDotUnit(DotUnitModel::Kind kind,
                                               const ProductTypes &types,
                                               const MachineModel &machine) {
  constexpr unsigned manyRegisters = 32;
  bool isIntegral = kind == DotUnitModel::Kind::Integer;
  if (isIntegral != isInteger(types.accumulator))
    return std::nullopt;
  DotUnitModel unit;
  unit.kind = kind;
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

DotUnitModel sluice::chooseDotUnit(const ProductTypes &types,
                                   const MachineModel &machine) {
  auto kind = isInteger(types.accumulator) ? DotUnitModel::Kind::Integer
                                           : DotUnitModel::Kind::Float;
  return *getDotUnit(kind, types, machine);
}
