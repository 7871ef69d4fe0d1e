//===- KernelWork.cpp - How much a kernel computes and moves --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/KernelWork.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Work.h"

using namespace mlir;
using namespace sluice;

KernelWork sluice::getKernelWork(kernel::RegionOp region) {
  KernelWork work;
  for (Operation &op : region.getBody().front().without_terminator()) {
    double count = countElements(op.getResult(0));
    if (count < 0)
      return {-1, -1};
    work.flops += count * countOperationsPerElement(&op);
  }
  auto addBytes = [&](Value tensor) {
    double count = countElements(tensor);
    double width = (elementTypeOf(tensor).getIntOrFloatBitWidth() + 7) / 8;
    work.bytes = count < 0 || work.bytes < 0 ? -1 : work.bytes + count * width;
  };
  for (Value input : region.getInputs())
    addBytes(input);
  for (Value result : region.getResults())
    addBytes(result);
  if (work.bytes < 0)
    work.flops = -1;
  return work;
}
