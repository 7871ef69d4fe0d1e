//===- Limits.cpp - Bounds of numbers in attributes -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Limits.h"

using namespace mlir;
using namespace sluice;

LogicalResult kernel::verifyLimits(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<Limit> limits) {
  for (const Limit &limit : limits)
    if (limit.value &&
        (*limit.value < limit.least || *limit.value > limit.most))
      return emitError() << limit.name << " is " << *limit.value
                         << ", but must be from " << limit.least << " to "
                         << limit.most;
  return success();
}
