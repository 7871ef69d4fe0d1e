//===- KernelWork.h - How much a kernel computes and moves ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_KERNELWORK_H
#define SLUICE_ANALYSIS_KERNELWORK_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Work.h"

namespace sluice {

/// Of one run of a kernel: the operations of its ops, and its inputs and
/// results, each counted once. Negative where that depends on dynamic sizes.
Work getKernelWork(kernel::RegionOp region);

} // namespace sluice

#endif // SLUICE_ANALYSIS_KERNELWORK_H
