//===- CpuFamilies.h - Ops and their code on a CPU --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_CPUFAMILIES_H
#define SLUICE_CODEGEN_CPU_CPUFAMILIES_H

#include "sluice/Codegen/Elements/EmitterRegistry.h"

namespace sluice {

/// All that is compiled for a CPU: the families that know no target, and the
/// CPU's own.
const EmitterRegistry &cpuEmitters();

// The CPU's own, in the folders of their families.
#define CPU_FAMILY(Name) void register##Name##Emitters(EmitterRegistry &);
#include "sluice/Codegen/CPU/CpuFamilies.def"

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_CPUFAMILIES_H
