//===- SizeInference.cpp - Sizes that tensors say -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

FailureOr<int64_t> sluice::inferSize(std::optional<Location> location,
                                     Value sizes, int64_t index, StringRef what,
                                     int64_t least) {
  auto known = evaluateConstantElement(sizes, index);
  if (known && *known < least)
    return emitOptionalError(location, "negative ", what, " ", *known);
  return known.value_or(ShapedType::kDynamic);
}
