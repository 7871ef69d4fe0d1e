//===- KernelWork.cpp - How much a kernel computes and moves --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/KernelWork.h"
#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

Work sluice::getKernelWork(kernel::RegionOp region) {
  constexpr Work unknown{-1, -1};
  Work work;
  for (Operation &op : region.getBody().front().without_terminator()) {
    auto own = getWork(&op);
    if (!own)
      return unknown;
    work.operations += own->operations;
  }
  for (ValueRange values :
       {ValueRange(region.getInputs()), ValueRange(region.getResults())})
    for (Value value : values) {
      double bytes = countBytes(value);
      if (bytes < 0)
        return unknown;
      work.bytes += bytes;
    }
  return work;
}
