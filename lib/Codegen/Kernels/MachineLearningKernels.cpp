//===- MachineLearningKernels.cpp - Trees and classifiers -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "MachineLearningKernels.h"

using namespace sluice;

void sluice::registerMachineLearningEmitters(EmitterRegistry &registry) {
  registry.addKernel<PairwiseCouplingOp>(emitPairwiseCoupling);
  registry.addKernel<TreeEnsembleOp>(emitTreeEnsemble);
  registry.keepScalars<TreeEnsembleOp>();
}
