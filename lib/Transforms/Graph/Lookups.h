//===- Lookups.h - Parts of RecogniseLookups --------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_GRAPH_LOOKUPS_H
#define SLUICE_LIB_TRANSFORMS_GRAPH_LOOKUPS_H

#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/PatternMatch.h"

namespace sluice {

/// Are all elements of a constant finite numbers? Zero times infinity would
/// have made every row undefined. Looks at all of them.
bool isFinite(ConstantOp op);

/// gather(f(table)) as f(gather(table)), where f(table) takes much more memory
/// than the constants it is made of: weights that are dequantised, say.
void addLookupsBeforeFunctions(mlir::RewritePatternSet &patterns);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_GRAPH_LOOKUPS_H
