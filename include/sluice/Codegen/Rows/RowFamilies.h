//===- RowFamilies.h - Ops whose kernels work on rows -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ROWS_ROWFAMILIES_H
#define SLUICE_CODEGEN_ROWS_ROWFAMILIES_H

namespace sluice {

class EmitterRegistry;

// One function per op family, in the file of the same name.
void registerIndexingVectors(EmitterRegistry &registry);
void registerLinearAlgebraEmitters(EmitterRegistry &registry);
void registerMaskEmitters(EmitterRegistry &registry);
void registerMovementVectors(EmitterRegistry &registry);
void registerNormalizationEmitters(EmitterRegistry &registry);
void registerPairwiseCouplingEmitters(EmitterRegistry &registry);
void registerPoolingEmitters(EmitterRegistry &registry);
void registerRandomEmitters(EmitterRegistry &registry);
void registerReductionEmitters(EmitterRegistry &registry);
void registerSpectralEmitters(EmitterRegistry &registry);

} // namespace sluice

#endif // SLUICE_CODEGEN_ROWS_ROWFAMILIES_H
