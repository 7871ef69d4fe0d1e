//===- SluiceOps.td - All ops of the sluice dialect, family by family ------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_OPS_TD
#define SLUICE_OPS_TD

include "dialects/Sluice/AttentionOps.td"
include "dialects/Sluice/ContractionOps.td"
include "dialects/Sluice/ConvolutionOps.td"
include "dialects/Sluice/ElementwiseOps.td"
include "dialects/Sluice/ExpertOps.td"
include "dialects/Sluice/IndexingOps.td"
include "dialects/Sluice/LinearAlgebraOps.td"
include "dialects/Sluice/ListOps.td"
include "dialects/Sluice/MachineLearningOps.td"
include "dialects/Sluice/MovementOps.td"
include "dialects/Sluice/NormalizationOps.td"
include "dialects/Sluice/PoolingOps.td"
include "dialects/Sluice/RandomOps.td"
include "dialects/Sluice/RangeOps.td"
include "dialects/Sluice/RecurrentOps.td"
include "dialects/Sluice/ReductionOps.td"
include "dialects/Sluice/ResamplingOps.td"
include "dialects/Sluice/SpectralOps.td"
include "dialects/Sluice/TensorOps.td"

#endif // SLUICE_OPS_TD
