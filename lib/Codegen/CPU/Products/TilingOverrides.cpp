//===- TilingOverrides.cpp - From attributes to tile choices --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/TilingOverrides.h"

using namespace mlir;
using namespace sluice;

ContractionTilingOverrides
sluice::getContractionOverrides(kernel::TilingAttr tiling) {
  ContractionTilingOverrides overrides;
  if (!tiling)
    return overrides;
  overrides.tileRows = tiling.getTileRows();
  overrides.tileVectors = tiling.getTileVectors();
  overrides.unroll = tiling.getUnroll();
  overrides.prefetchDistance = tiling.getPrefetchDistance();
  overrides.rowBlock = tiling.getRowBlock();
  overrides.columnBlock = tiling.getColumnBlock();
  // Results of kernels with an anchor never take over the buffer of an input,
  // so partial sums may wait there.
  overrides.depthBlock = tiling.getDepthBlock();
  overrides.rowsOuter = tiling.getRowsOuter();
  return overrides;
}

ConvolutionTilingOverrides
sluice::getConvolutionOverrides(kernel::TilingAttr tiling) {
  ConvolutionTilingOverrides overrides;
  if (!tiling)
    return overrides;
  overrides.tilePixels = tiling.getTileRows();
  overrides.tileVectors = tiling.getTileVectors();
  overrides.unroll = tiling.getUnroll();
  overrides.lineBlock = tiling.getLineBlock();
  overrides.channelBlock = tiling.getChannelBlock();
  overrides.copyPadded = tiling.getCopyPadded();
  overrides.channelsOuter = tiling.getChannelsOuter();
  overrides.contraction = getContractionOverrides(tiling);
  return overrides;
}
