//===- ReducedTiles.h - Parts of FoldBroadcasts -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_REDUCEDTILES_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_REDUCEDTILES_H

#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// A reduction of a tile, of known sizes, as one of a broadcast along a new
/// dimension in front of each that is repeated: a broadcast is read without
/// looking for places.
void reduceTileAsBroadcast(ReduceOp op);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_REDUCEDTILES_H
