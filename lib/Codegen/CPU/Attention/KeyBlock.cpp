//===- KeyBlock.cpp - Keys and values as tiles read them ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KeyBlock.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

namespace {

/// Reads and writes the rows of one copy.
class RowCopier {
public:
  RowCopier(IndexBuilder &index, const RowSource &source, Value target)
      : index(index), source(source), target(target),
        element(cast<MemRefType>(target.getType()).getElementType()) {}

  /// `lanes` neighbouring elements of the row that starts at `row`, those
  /// beyond the last one zero.
  Value loadElements(Index row, Index first, int64_t lanes, Index valid) {
    Value mask =
        valid ? makeLaneMask(index.builder, index.loc, lanes, valid) : Value();
    Value vector = loadVector(index.builder, index.loc, source.tensor.memory,
                              index.add(row, first), lanes, mask);
    return convertElements(index.builder, index.loc, vector, element);
  }

  /// One element after the other, for rows whose elements are no neighbours.
  void copyOne(Index row, Index number, Index to, double factor) {
    Index from = index.add(row, index.mul(number, source.tensor.strides[3]));
    Value one =
        memref::LoadOp::create(index.builder, index.loc, source.tensor.memory,
                               ValueRange{index.value(from)});
    one = convertElements(index.builder, index.loc, one, element);
    memref::StoreOp::create(index.builder, index.loc, multiply(one, factor),
                            target, ValueRange{index.value(to)});
  }

  Value multiply(Value value, double factor) {
    if (factor == 1)
      return value;
    BodyBuilder body{index.builder, index.loc};
    return body.mul(value, body.constant(value, factor));
  }

  Index getRow(Index number) {
    return index.add(source.start, index.mul(number, source.tensor.strides[2]));
  }

  IndexBuilder &index;
  const RowSource &source;
  Value target;
  Type element;
};

/// Transposes a vector's lanes of keys at a time.
class KeyPanelEmitter : RowCopier {
public:
  KeyPanelEmitter(IndexBuilder &index, const RowSource &source, Value target,
                  int64_t width, int64_t lanes)
      : RowCopier(index, source, target), width(width), lanes(lanes) {}

  void emit();

private:
  void emitColumns();
  void emitVector(Index key);
  void emitBlock(ArrayRef<Index> rows, Index first, Index to, int64_t count);
  Index getTarget(Index key);

  int64_t width, lanes;
};

} // namespace

/// Where the first element of a key lies in its panel.
Index KeyPanelEmitter::getTarget(Index key) {
  Index inPanel = index.rem(key, width);
  Index panel = index.sub(key, inPanel);
  return index.add(index.mul(panel, source.elements), inPanel);
}

/// `count` elements, from `first` on, of as many keys as a vector has lanes.
void KeyPanelEmitter::emitBlock(ArrayRef<Index> rows, Index first, Index to,
                                int64_t count) {
  SmallVector<Value> vectors;
  Index valid = count < lanes ? index.constant(count) : Index();
  for (Index row : rows)
    vectors.push_back(loadElements(row, first, lanes, valid));
  vectors = transposeVectors(index.builder, index.loc, vectors);
  for (int64_t k = 0; k < count; ++k)
    storeVector(index.builder, index.loc, vectors[k], target,
                index.add(to, k * width), {});
}

void KeyPanelEmitter::emitVector(Index key) {
  SmallVector<Index> rows;
  // Code for whole vectors alone would be as much again, and finding the last
  // row takes little beside a transposition.
  auto count = IndexBuilder::getConstant(source.rows);
  bool isWhole = count && *count % lanes == 0;
  Index last = index.sub(source.rows, 1);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Index number = index.add(key, lane);
    rows.push_back(getRow(isWhole ? number : index.min(number, last)));
  }
  Index to = getTarget(key);
  int64_t whole = source.elements / lanes * lanes;
  index.loop(index.constant(0), index.constant(whole), lanes, [&](Index k) {
    emitBlock(rows, k, index.add(to, index.mul(k, width)), lanes);
  });
  if (whole < source.elements)
    emitBlock(rows, index.constant(whole), index.add(to, whole * width),
              source.elements - whole);
}

/// Where keys are neighbours, panels are copied vector by vector.
void KeyPanelEmitter::emitColumns() {
  Index zero = index.constant(0);
  auto copy = [&](Index key, int64_t vectors, Index valid) {
    Index to = getTarget(key);
    index.loop(zero, index.constant(source.elements), 1, [&](Index k) {
      Index column =
          index.add(source.start, index.mul(k, source.tensor.strides[3]));
      for (int64_t v = 0; v < vectors; ++v) {
        Value keys =
            loadElements(column, index.add(key, v * lanes), lanes, valid);
        storeVector(index.builder, index.loc, keys, target,
                    index.add(index.add(to, index.mul(k, width)), v * lanes),
                    {});
      }
    });
  };
  Index panels = index.sub(source.rows, index.rem(source.rows, width));
  Index vectors = index.sub(source.rows, index.rem(source.rows, lanes));
  index.loop(zero, panels, width,
             [&](Index key) { copy(key, width / lanes, Index()); });
  index.loop(panels, vectors, lanes, [&](Index key) { copy(key, 1, Index()); });
  index.ifLess(vectors, source.rows,
               [&] { copy(vectors, 1, index.sub(source.rows, vectors)); });
}

void KeyPanelEmitter::emit() {
  Index zero = index.constant(0);
  if (IndexBuilder::isConstant(source.tensor.strides[2], 1))
    return emitColumns();
  if (!source.tensor.hasRows())
    return index.loop(zero, source.rows, 1, [&](Index key) {
      Index row = getRow(key), to = getTarget(key);
      index.loop(zero, index.constant(source.elements), 1, [&](Index k) {
        copyOne(row, k, index.add(to, index.mul(k, width)), 1);
      });
    });
  index.loop(zero, source.rows, lanes, [&](Index key) { emitVector(key); });
}

void sluice::emitKeyPanels(IndexBuilder &index, const RowSource &source,
                           Value target, int64_t width, int64_t lanes) {
  KeyPanelEmitter(index, source, target, width, lanes).emit();
}

void sluice::emitRowCopy(IndexBuilder &index, const RowSource &source,
                         Value target, Index targetStart, int64_t stride,
                         int64_t lanes, double factor) {
  // Longer rows are copied in a loop.
  constexpr int64_t mostVectors = 8;
  RowCopier copier(index, source, target);
  Index zero = index.constant(0);
  index.loop(zero, source.rows, 1, [&](Index number) {
    Index row = copier.getRow(number);
    Index to = index.add(targetStart, index.mul(number, stride));
    if (!source.tensor.hasRows())
      return index.loop(zero, index.constant(source.elements), 1, [&](Index k) {
        copier.copyOne(row, k, index.add(to, k), factor);
      });
    auto copy = [&](Index first, Index valid) {
      Value vector = copier.loadElements(row, first, lanes, valid);
      storeVector(index.builder, index.loc, copier.multiply(vector, factor),
                  target, index.add(to, first), {});
    };
    int64_t whole = source.elements / lanes * lanes;
    if (whole <= mostVectors * lanes)
      for (int64_t k = 0; k < whole; k += lanes)
        copy(index.constant(k), Index());
    else
      index.loop(zero, index.constant(whole), lanes,
                 [&](Index k) { copy(k, Index()); });
    if (whole < source.elements)
      copy(index.constant(whole), index.constant(source.elements - whole));
  });
}
