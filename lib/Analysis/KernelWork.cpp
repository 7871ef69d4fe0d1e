//===- KernelWork.cpp - How much a kernel computes and moves --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/KernelWork.h"
#include "dialects/Sluice/Sluice.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;

/// Elements of a tensor; negative where that is dynamic.
static double elements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.hasStaticShape() ? static_cast<double>(type.getNumElements())
                               : -1;
}

/// Operations per element of the result.
static double operationsPerElement(Operation *op) {
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([](PackedMatmulOp matmul) {
        return 2.0 * shapeOf(matmul.getLhs()).back();
      })
      .Case([](MatmulOp matmul) {
        ArrayRef<int64_t> lhs = shapeOf(matmul.getLhs());
        return 2.0 * lhs[lhs.size() - (matmul.getTransposeLhs() ? 2 : 1)];
      })
      .Case([](PackedConvOp conv) {
        double taps = 1;
        for (int64_t size : conv.getKernel())
          taps *= size;
        return 2.0 * taps * shapeOf(conv.getInput()).back() / conv.getGroups();
      })
      .Case([](PackedConvTransposeOp conv) {
        // Every tap of an input pixel once, whatever the size of the result.
        double taps = 1, strides = 1;
        for (auto [size, stride] :
             llvm::zip(conv.getKernel(), conv.getStrides())) {
          taps *= size;
          strides *= stride;
        }
        return 2.0 * taps / strides * shapeOf(conv.getInput()).back() /
               conv.getGroups();
      })
      .Case([](ConvOp conv) {
        double taps = 1;
        for (int64_t size : shapeOf(conv.getWeight()).drop_front())
          taps *= size;
        return 2.0 * taps;
      })
      .Case([](RecurrenceOp recurrence) {
        // Every gate's sum over the hidden units, for each unit of an output.
        return 2.0 * recurrence.getGateCount() *
               shapeOf(recurrence.getResult(1)).back();
      })
      .Case([](ScanOp scan) {
        double perStep = 0;
        for (Operation &op : scan.getBody().front().without_terminator())
          perStep += elements(op.getResult(0)) * operationsPerElement(&op);
        double steps = shapeOf(scan.getSequences().front()).front();
        return perStep * steps / elements(scan.getResult(0));
      })
      .Case<ConstantOp, TransposeOp, BroadcastOp>([](auto) { return 0.0; })
      .Default([](Operation *other) {
        // Reductions read more than they write.
        double read =
            other->getNumOperands() ? elements(other->getOperand(0)) : 0;
        double written = elements(other->getResult(0));
        return written > 0 ? std::max(1.0, read / written) : 1.0;
      });
}

KernelWork sluice::getKernelWork(kernel::RegionOp region) {
  KernelWork work;
  for (Operation &op : region.getBody().front().without_terminator()) {
    double count = elements(op.getResult(0));
    if (count < 0)
      return {-1, -1};
    work.flops += count * operationsPerElement(&op);
  }
  auto addBytes = [&](Value tensor) {
    double count = elements(tensor);
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
