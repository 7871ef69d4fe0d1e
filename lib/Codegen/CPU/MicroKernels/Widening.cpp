//===- Widening.cpp - Copies of narrow operands ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Widening.h"
#include "ConvolutionGeometry.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

Value sluice::viewScratch(OpBuilder &builder, Location loc, Value scratch,
                          OpFoldResult firstByte, Type element) {
  IndexBuilder index(builder, loc);
  Value bytes = memref::DimOp::create(builder, loc, scratch, 0);
  Value first = index.value(firstByte);
  int64_t width = element.getIntOrFloatBitWidth() / 8;
  Value size = index.value(index.div(index.sub(bytes, firstByte), width));
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return memref::ViewOp::create(builder, loc, type, scratch, first,
                                ValueRange{size});
}

OpFoldResult sluice::countElements(IndexBuilder &index, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  OpFoldResult count = index.constant(1);
  for (int64_t d = 0; d < type.getRank(); ++d) {
    OpFoldResult size = index.constant(type.getDimSize(d));
    if (type.isDynamicDim(d))
      size = memref::DimOp::create(index.builder, index.loc, buffer, d)
                 .getResult();
    count = index.mul(count, size);
  }
  return count;
}

void sluice::emitWidening(IndexBuilder &index, Value source, Value target,
                          OpFoldResult count, int64_t lanes) {
  constexpr int64_t piece = 4096;
  double cost = getNanoseconds(Work{1, 0} * piece);
  parallelLoop(index, index.ceilDiv(count, piece), cost,
               [&](OpFoldResult task) {
                 OpFoldResult begin = index.mul(task, piece);
                 OpFoldResult length =
                     index.min(index.sub(count, begin), index.constant(piece));
                 emitCopy(index, source, begin, target, begin, length, lanes);
               });
}
