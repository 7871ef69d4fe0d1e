//===- TensorExtent.cpp - How large tensors may be ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/TensorExtent.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

LogicalResult sluice::verifyExtent(std::optional<Location> location,
                                   Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  if (tensor.getRank() > maxRank)
    return emitOptionalUnsupported(location, "a tensor of ", tensor.getRank(),
                                   " dimensions; the limit is ", maxRank);
  constexpr int64_t limit = int64_t(1) << 48;
  int64_t bytes = 1;
  if (tensor.getElementType().isIntOrFloat())
    bytes = llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
  for (int64_t size : tensor.getShape())
    if (!ShapedType::isDynamic(size) && size > 1 &&
        (__builtin_mul_overflow(bytes, size, &bytes) || bytes > limit))
      return emitOptionalUnsupported(location, "a tensor of type ", type,
                                     " fits no memory");
  return success();
}
