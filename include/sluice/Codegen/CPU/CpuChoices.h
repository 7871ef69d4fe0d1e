//===- CpuChoices.h - How kernels are computed on a CPU ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_CPUCHOICES_H
#define SLUICE_CODEGEN_CPU_CPUCHOICES_H

#include "sluice/Codegen/Providers/KernelMatch.h"
#include "llvm/ADT/StringMap.h"

namespace sluice {

struct MachineModel;

/// Chooses how the group of an anchor is computed, or says why it cannot be.
using ChoiceFunction = llvm::Expected<KernelMatch> (*)(
    const KernelGroup &group, const MachineModel &machine);
/// The orders in which to read operands (KernelProvider::adopt).
using AdoptionFunction = llvm::SmallVector<OperandPacking, 1> (*)(
    const KernelGroup &group, KnownPackings known);

/// Anchors about whose code there is something to choose, by op name.
struct CpuChoices {
  llvm::StringMap<ChoiceFunction> choices;
  /// Those that can read constants in an order chosen for others.
  llvm::StringMap<AdoptionFunction> adoptions;

  template <typename OpTy> void add(ChoiceFunction function) {
    choices[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addAdoption(AdoptionFunction function) {
    adoptions[OpTy::getOperationName()] = function;
  }
};

const CpuChoices &cpuChoices();

// In the folders of their families.
#define CPU_CHOICES(Name) void register##Name##Choices(CpuChoices &);
#include "sluice/Codegen/CPU/CpuFamilies.def"

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_CPUCHOICES_H
