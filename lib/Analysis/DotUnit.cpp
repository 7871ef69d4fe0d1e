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

static bool fitsInt16(NumberKind kind) {
  return kind == NumberKind::I8 || kind == NumberKind::I16;
}

/// Whether PMADDWD is as wide as all vectors.
static bool hasInt16PairDot(const MachineModel &machine) {
  constexpr unsigned longVectorBits = 512;
  return machine.architecture == MachineModel::Architecture::X86_64 &&
         (machine.vectorBits < longVectorBits ||
          llvm::is_contained(machine.requiredFeatures, "avx512bw"));
}

namespace {
struct NamedKind {
  DotUnitModel::Kind kind;
  llvm::StringLiteral name;
};
} // namespace

static constexpr NamedKind namedKinds[] = {
    {DotUnitModel::Kind::Float, "float"},
    {DotUnitModel::Kind::Integer, "integer"},
    {DotUnitModel::Kind::IntegerPairs, "integer_pairs"}};

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
  if (kind == DotUnitModel::Kind::IntegerPairs)
    return std::nullopt;
  bool isIntegral = kind == DotUnitModel::Kind::Integer;
  if (isIntegral != isInteger(types.accumulator))
    return std::nullopt;
  DotUnitModel unit;
  unit.kind = kind;
  unit.operand = types.accumulator;
  unit.sumBytes = getNumberBytes(types.accumulator);
  unit.lanes = machine.lanes(8 * unit.sumBytes);
  unit.fused = !isIntegral && machine.hasFma;
  unit.rate = machine.fmaPerCycle * (unit.fused ? 1 : 0.5);
  // LLVM starts a product before it has added up the one before.
  unit.productVectors = isIntegral ? 2 : 0;
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

static DotUnitModel::Kind chooseKind(const ProductTypes &types) {
  return isInteger(types.accumulator) ? DotUnitModel::Kind::Integer
                                      : DotUnitModel::Kind::Float;
}

DotUnitModel sluice::chooseDotUnit(const ProductTypes &types,
                                   const MachineModel &machine) {
  return *getDotUnit(chooseKind(types), types, machine);
}

std::optional<DotUnitModel>
sluice::getDotUnitOfCopies(DotUnitModel::Kind kind, const ProductTypes &types,
                           const MachineModel &machine) {
  bool isPairs = kind == DotUnitModel::Kind::IntegerPairs;
  auto unit = getDotUnit(isPairs ? chooseKind(types) : kind, types, machine);
  if (!unit)
    return std::nullopt;
  unit->widenings = 0;
  unit->rhsBytes = unit->sumBytes;
  if (!isPairs)
    return unit;
  if (!hasInt16PairDot(machine) || !fitsInt16(types.lhs) ||
      !fitsInt16(types.rhs) || types.accumulator != NumberKind::I32)
    return std::nullopt;
  unit->kind = kind;
  unit->operand = NumberKind::I16;
  unit->depthStep = 2;
  unit->lhsBytes = unit->rhsBytes = getNumberBytes(unit->operand);
  unit->widensLhs = types.lhs != unit->operand;
  // An addition beside each product, which other units take.
  unit->rate = machine.fmaPerCycle;
  return unit;
}

DotUnitModel sluice::chooseDotUnitOfCopies(const ProductTypes &types,
                                           const MachineModel &machine,
                                           std::optional<int64_t> run) {
  auto pairs =
      getDotUnitOfCopies(DotUnitModel::Kind::IntegerPairs, types, machine);
  if (pairs && run.value_or(pairs->depthStep) % pairs->depthStep == 0)
    return *pairs;
  return *getDotUnitOfCopies(chooseKind(types), types, machine);
}
