//===- ConvolutionScratch.cpp - Copies of operands ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ConvolutionScratch.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Analysis/TransposedConvolution.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

Index sluice::getPaddedPixels(IndexBuilder &index, const ConvolutionSpec &spec,
                              Index outputPixels) {
  Index span =
      index.add(index.mul(index.sub(outputPixels, 1), spec.strides.back()),
                (spec.kernelSizes.back() - 1) * spec.dilations.back() + 1);
  return index.max(span, index.constant(0));
}

Index sluice::getInputLines(IndexBuilder &index,
                            const ConvolutionOperands &operands) {
  Index lines = operands.batch;
  for (Index size : ArrayRef(operands.inputSizes).drop_back())
    lines = index.mul(lines, size);
  return lines;
}

/// Bytes of the padded copy of the image, if there is one.
static Index getPaddedBytes(IndexBuilder &index, const ConvolutionSpec &spec,
                            const ConvolutionTiling &tiling,
                            const ConvolutionOperands &operands) {
  if (!tiling.copyPadded)
    return index.constant(0);
  Index padded = getPaddedPixels(index, spec, operands.outputSizes.back());
  return index.mul(index.mul(getInputLines(index, operands), padded),
                   spec.groups * spec.inputChannels *
                       getNumberBytes(tiling.unit.operand));
}

Index sluice::getCopiesStart(IndexBuilder &index, Index start,
                             const ConvolutionSpec &spec,
                             const ConvolutionTiling &tiling,
                             const ConvolutionOperands &operands) {
  return index.roundUp(
      index.add(start, getPaddedBytes(index, spec, tiling, operands)),
      MachineModel::cacheLineBytes);
}

ConvolutionOperands
sluice::getPhaseOperands(IndexBuilder &index, const ConvolutionSpec &spec,
                         const TransposedPhase &phase,
                         const ConvolutionOperands &operands) {
  ConvolutionOperands result = operands;
  for (size_t d = 0; d < spec.strides.size(); ++d) {
    Index pixels =
        index.max(index.sub(operands.outputSizes[d], phase.offsets[d]),
                  index.constant(0));
    result.outputSizes[d] = index.ceilDiv(pixels, spec.strides[d]);
  }
  return result;
}

bool sluice::widensImage(const ConvolutionTiling &tiling) {
  using Method = ConvolutionTiling::Method;
  if (tiling.method == Method::Phases)
    return llvm::any_of(tiling.phases, [](const ConvolutionTiling &phase) {
      return phase.unit.widensLhs && phase.method != Method::Depthwise;
    });
  return tiling.unit.widensLhs && tiling.method != Method::Depthwise &&
         !tiling.copyPadded;
}

NumberKind sluice::getImageKind(const ConvolutionTiling &tiling) {
  return tiling.phases.empty() ? tiling.unit.operand
                               : tiling.phases.front().unit.operand;
}

Index sluice::getWideImageBytes(IndexBuilder &index,
                                const ConvolutionSpec &spec,
                                const ConvolutionTiling &tiling,
                                const ConvolutionOperands &operands) {
  if (!widensImage(tiling))
    return index.constant(0);
  Index pixels = operands.batch;
  for (Index size : operands.inputSizes)
    pixels = index.mul(pixels, size);
  int64_t pixelBytes =
      spec.groups * spec.inputChannels * getNumberBytes(getImageKind(tiling));
  return index.roundUp(index.mul(pixels, pixelBytes),
                       MachineModel::cacheLineBytes);
}

/// Scratch memory beside that of a widened image.
static OpFoldResult getCopyScratch(OpBuilder &builder, Location loc,
                                   const ConvolutionSpec &spec,
                                   const ConvolutionTiling &tiling,
                                   const ConvolutionOperands &operands) {
  IndexBuilder index(builder, loc);
  if (tiling.method == ConvolutionTiling::Method::Phases) {
    // Phases run one after the other.
    Index most = index.constant(0);
    for (auto [i, phaseTiling] : llvm::enumerate(tiling.phases)) {
      TransposedPhase phase = getTransposedPhase(spec, i);
      most = index.max(
          most, getCopyScratch(builder, loc, phase.spec, phaseTiling,
                               getPhaseOperands(index, spec, phase, operands)));
    }
    return most;
  }
  if (!tiling.copyWeights)
    return getPaddedBytes(index, spec, tiling, operands);
  return index.add(
      getCopiesStart(index, index.constant(0), spec, tiling, operands),
      getPackedConvolutionElements(spec, tiling) *
          getNumberBytes(tiling.unit.operand));
}

OpFoldResult sluice::getConvolutionScratch(
    OpBuilder &builder, Location loc, const ConvolutionSpec &spec,
    const ConvolutionTiling &tiling, const ConvolutionOperands &operands) {
  IndexBuilder index(builder, loc);
  return index.add(getWideImageBytes(index, spec, tiling, operands),
                   getCopyScratch(builder, loc, spec, tiling, operands));
}
