//===- ScanKernels.h - Recurrences that compute element by element -*- C++ -*-//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANKERNELS_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANKERNELS_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// The part of the recurrent family that has no cells.
void registerScanEmitters(EmitterRegistry &registry);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANKERNELS_H
