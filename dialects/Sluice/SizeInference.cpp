//===- SizeInference.cpp - Sizes that tensors say -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeInference.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/TensorExtent.h"
#include "dialects/Sluice/Unsupported.h"
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

LogicalResult sluice::verifyShapeVector(std::optional<Location> location,
                                        ArrayRef<int64_t> shape) {
  if (shape.size() != 1)
    return emitOptionalError(location,
                             "the wanted shape must be a vector, not "
                             "a tensor of rank ",
                             shape.size());
  if (ShapedType::isDynamic(shape[0]))
    return emitOptionalUnsupported(
        location, "the number of result dimensions is not known at compile "
                  "time; it is where the model declares the result's rank or "
                  "--shape fixes the inputs'");
  if (shape[0] > maxRank)
    return emitOptionalUnsupported(location, "a tensor of ", shape[0],
                                   " dimensions; the limit is ", maxRank);
  return success();
}
