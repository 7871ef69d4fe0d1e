//===- KernelWork.h - How much a kernel computes and moves ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_KERNELWORK_H
#define SLUICE_ANALYSIS_KERNELWORK_H

#include "dialects/Kernel/Kernel.h"

namespace sluice {

/// Of one run of a kernel; negative where it depends on dynamic sizes.
struct KernelWork {
  /// Floating-point operations: two per multiply-add of products and
  /// convolutions, one per element of every other op.
  double flops = 0;
  /// Bytes of inputs and results, each counted once.
  double bytes = 0;
};

KernelWork getKernelWork(kernel::RegionOp region);

} // namespace sluice

#endif // SLUICE_ANALYSIS_KERNELWORK_H
