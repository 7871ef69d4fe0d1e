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

const EmitterRegistry &sluice::cpuEmitters() {
  static const EmitterRegistry registry = [] {
    EmitterRegistry result;
#define CPU_FAMILY(Name) register##Name##Emitters(result);
#include "sluice/Codegen/CPU/CpuFamilies.def"
    registerColumnsToImageEmitters(result);
    registerConvolutionElements(result);
    registerIndexingEmitters(result);
    registerIndexingVectors(result);
    registerLinearAlgebraEmitters(result);
    registerMaskEmitters(result);
    registerMovementEmitters(result);
    registerMovementVectors(result);
    registerNormalizationEmitters(result);
    registerPairwiseCouplingEmitters(result);
    registerPoolingEmitters(result);
    registerRandomEmitters(result);
    registerReductionEmitters(result);
    registerResamplingEmitters(result);
    registerRoiAlignEmitters(result);
    registerSpectralEmitters(result);
    registerTensorEmitters(result);
    return result;
  }();
  return registry;
}

const CpuChoices &sluice::cpuChoices() {
  static const CpuChoices choices = [] {
    CpuChoices result;
#define CPU_CHOICES(Name) register##Name##Choices(result);
#include "sluice/Codegen/CPU/CpuFamilies.def"
    return result;
  }();
  return choices;
}
