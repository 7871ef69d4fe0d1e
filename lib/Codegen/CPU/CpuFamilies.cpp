//===- CpuFamilies.cpp - Who builds the code of which op on a CPU ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuChoices.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;

const EmitterRegistry &sluice::emitterRegistry() {
  static const EmitterRegistry registry = [] {
    EmitterRegistry result;
    registerContractionEmitters(result);
    registerColumnsToImageEmitters(result);
    registerConvolutionElements(result);
    registerConvolutionEmitters(result);
    registerIndexingEmitters(result);
    registerIndexingVectors(result);
    registerLinearAlgebraEmitters(result);
    registerMovementEmitters(result);
    registerMovementVectors(result);
    registerNormalizationEmitters(result);
    registerPairwiseCouplingEmitters(result);
    registerPoolingEmitters(result);
    registerRandomEmitters(result);
    registerRecurrentEmitters(result);
    registerReductionEmitters(result);
    registerResamplingEmitters(result);
    registerResizeEmitters(result);
    registerRoiAlignEmitters(result);
    registerSelectionEmitters(result);
    registerSpectralEmitters(result);
    registerTensorEmitters(result);
    registerTransposeEmitters(result);
    registerTreeEmitters(result);
    return result;
  }();
  return registry;
}

const CpuChoices &sluice::cpuChoices() {
  static const CpuChoices choices = [] {
    CpuChoices result;
    registerProductChoices(result);
    registerRecurrentChoices(result);
    return result;
  }();
  return choices;
}
