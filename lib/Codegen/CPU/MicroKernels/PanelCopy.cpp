//===- PanelCopy.cpp - Panels in the order of a dot unit ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "PanelCopy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include <functional>

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

namespace {
class PanelCopyEmitter {
public:
  PanelCopyEmitter(IndexBuilder &index, const PanelCopy &copy)
      : index(index), copy(copy),
        lanes(copy.unit->getVectorType().getNumElements()) {}

  void copyStep(Index k, int64_t rows);

private:
  Value readRow(Index row, int64_t column);
  Value interleave(ArrayRef<Value> rows);

  IndexBuilder &index;
  const PanelCopy &copy;
  int64_t lanes;
};
} // namespace

Value PanelCopyEmitter::readRow(Index row, int64_t column) {
  Index start = index.add(copy.start, index.mul(row, copy.width));
  return loadVector(index.builder, index.loc, copy.source,
                    index.add(start, column), lanes, {});
}

/// Element by element of some vectors in turn, as many as a power of two.
Value PanelCopyEmitter::interleave(ArrayRef<Value> rows) {
  if (rows.size() == 1)
    return rows.front();
  SmallVector<Value> even, odd;
  for (auto [i, row] : llvm::enumerate(rows))
    (i % 2 == 0 ? even : odd).push_back(row);
  Value left = interleave(even), right = interleave(odd);
  int64_t count = cast<VectorType>(left.getType()).getNumElements();
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < count; ++i)
    order.append({i, i + count});
  return vector::ShuffleOp::create(index.builder, index.loc, left, right,
                                   order);
}

/// Of the rows of the panel that a step of the unit takes, `rows` exist.
void PanelCopyEmitter::copyStep(Index k, int64_t rows) {
  OpBuilder &builder = index.builder;
  int64_t step = copy.unit->getDepthStep();
  for (int64_t column = 0; column < copy.width; column += lanes) {
    SmallVector<Value> sources;
    for (int64_t i = 0; i < rows; ++i)
      sources.push_back(readRow(index.add(k, i), column));
    Type type = sources.front().getType();
    while (static_cast<int64_t>(sources.size()) < step)
      sources.push_back(arith::ConstantOp::create(builder, index.loc,
                                                  builder.getZeroAttr(type)));
    Value wide = convertElements(builder, index.loc, interleave(sources),
                                 copy.unit->getOperandType().getElementType());
    Index target = index.add(index.mul(k, copy.width), column * step);
    storeVector(builder, index.loc, wide, copy.target,
                index.add(copy.targetStart, target), {});
  }
}

void sluice::emitPanelCopy(IndexBuilder &index, const PanelCopy &copy) {
  PanelCopyEmitter emitter(index, copy);
  int64_t step = copy.unit->getDepthStep();
  Index rest = index.rem(copy.depth, step);
  Index whole = index.sub(copy.depth, rest);
  index.loop(index.constant(0), whole, step,
             [&](Index k) { emitter.copyStep(k, step); });
  std::function<void(int64_t)> copyRest = [&](int64_t rows) {
    if (rows == step)
      return;
    index.ifLess(
        rest, index.constant(rows + 1), [&] { emitter.copyStep(whole, rows); },
        [&] { copyRest(rows + 1); });
  };
  index.ifLess(index.constant(0), rest, [&] { copyRest(1); });
}
