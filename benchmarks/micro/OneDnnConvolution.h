//===- OneDnnConvolution.h - oneDNN's convolutions to compare ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_BENCHMARKS_MICRO_ONEDNNCONVOLUTION_H
#define SLUICE_BENCHMARKS_MICRO_ONEDNNCONVOLUTION_H

#include "sluice/Analysis/KernelSpecs.h"
#include <functional>

namespace sluice::benchmarks {

/// A two-dimensional f32 convolution by oneDNN on one thread, in the layouts
/// it likes best, ready to run; empty when oneDNN is absent or refuses.
std::function<void()> makeOneDnnConvolution(const ConvolutionSpec &spec);

} // namespace sluice::benchmarks

#endif // SLUICE_BENCHMARKS_MICRO_ONEDNNCONVOLUTION_H
