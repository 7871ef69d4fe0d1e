//===- PanelPacking.cpp - Reordering B at run time ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Emits the packing of one panel at a time.
class PanelEmitter {
public:
  PanelEmitter(OpBuilder &builder, Location loc, const PanelPacking &packing)
      : index(builder, loc), packing(packing) {}

  void emit(OpFoldResult source, OpFoldResult target, OpFoldResult column);

private:
  void copyRows(OpFoldResult source, OpFoldResult target,
                OpFoldResult validColumns);
  void transposeFull(OpFoldResult source, OpFoldResult target);
  void transposePart(OpFoldResult source, OpFoldResult target,
                     OpFoldResult validColumns);
  void copyScalar(OpFoldResult from, OpFoldResult to);
  void transposeBlock(OpFoldResult source, OpFoldResult target);
  Type getElement() const {
    return cast<MemRefType>(packing.target.getType()).getElementType();
  }
  /// What was read, as the target has it.
  Value convert(Value read) {
    return convertElements(index.builder, index.loc, read, getElement());
  }

  IndexBuilder index;
  const PanelPacking &packing;
};

} // namespace

void PanelEmitter::copyScalar(OpFoldResult from, OpFoldResult to) {
  Value scalar = memref::LoadOp::create(
      index.builder, index.loc, packing.source, ValueRange{index.value(from)});
  memref::StoreOp::create(index.builder, index.loc, convert(scalar),
                          packing.target, ValueRange{index.value(to)});
}

/// Source rows are rows of the panel; what lies past the end becomes zero.
void PanelEmitter::copyRows(OpFoldResult source, OpFoldResult target,
                            OpFoldResult validColumns) {
  OpBuilder &builder = index.builder;
  index.loop(index.constant(0), packing.depth, 1, [&](OpFoldResult k) {
    OpFoldResult from = index.add(source, index.mul(k, packing.sourceStride));
    OpFoldResult to = index.add(target, index.mul(k, packing.width));
    for (int64_t lane = 0; lane < packing.width; lane += packing.lanes) {
      Value mask = validColumns
                       ? makeLaneMask(builder, index.loc, packing.lanes,
                                      index.sub(validColumns, lane))
                       : Value();
      Value vector = loadVector(builder, index.loc, packing.source,
                                index.add(from, lane), packing.lanes, mask);
      storeVector(builder, index.loc, convert(vector), packing.target,
                  index.add(to, lane), Value());
    }
  });
}

/// In registers: log2(lanes) rounds, each interleaving vectors that are half
/// the block apart.
SmallVector<Value> sluice::transposeVectors(OpBuilder &builder, Location loc,
                                            ArrayRef<Value> vectors) {
  int64_t lanes = vectors.size();
  SmallVector<int64_t> low, high;
  for (int64_t lane = 0; lane < lanes / 2; ++lane) {
    low.append({lane, lane + lanes});
    high.append({lane + lanes / 2, lane + lanes / 2 + lanes});
  }
  SmallVector<Value> rows(vectors);
  for (int64_t round = 1; round < lanes; round *= 2) {
    SmallVector<Value> next;
    for (int64_t r = 0; r < lanes / 2; ++r) {
      Value first = rows[r], second = rows[r + lanes / 2];
      next.push_back(
          vector::ShuffleOp::create(builder, loc, first, second, low));
      next.push_back(
          vector::ShuffleOp::create(builder, loc, first, second, high));
    }
    rows = next;
  }
  return rows;
}

void PanelEmitter::transposeBlock(OpFoldResult source, OpFoldResult target) {
  OpBuilder &builder = index.builder;
  int64_t lanes = packing.lanes;
  SmallVector<Value> rows;
  for (int64_t r = 0; r < lanes; ++r)
    rows.push_back(convert(loadVector(
        builder, index.loc, packing.source,
        index.add(source, index.mul(packing.sourceStride, r)), lanes, {})));
  rows = transposeVectors(builder, index.loc, rows);
  for (int64_t k = 0; k < lanes; ++k)
    storeVector(builder, index.loc, rows[k], packing.target,
                index.add(target, k * packing.width), {});
}

/// A full panel of a transposed source.
void PanelEmitter::transposeFull(OpFoldResult source, OpFoldResult target) {
  int64_t lanes = packing.lanes;
  OpFoldResult fullDepth =
      index.sub(packing.depth, index.rem(packing.depth, lanes));
  index.loop(
      index.constant(0), index.constant(packing.width), lanes,
      [&](OpFoldResult n) {
        OpFoldResult row =
            index.add(source, index.mul(n, packing.sourceStride));
        OpFoldResult column = index.add(target, n);
        index.loop(index.constant(0), fullDepth, lanes, [&](OpFoldResult k) {
          transposeBlock(index.add(row, k),
                         index.add(column, index.mul(k, packing.width)));
        });
        index.loop(fullDepth, packing.depth, 1, [&](OpFoldResult k) {
          index.loop(index.constant(0), index.constant(lanes), 1,
                     [&](OpFoldResult lane) {
                       copyScalar(
                           index.add(index.add(row, k),
                                     index.mul(lane, packing.sourceStride)),
                           index.add(index.add(column, lane),
                                     index.mul(k, packing.width)));
                     });
        });
      });
}

/// The last panel of a transposed source.
void PanelEmitter::transposePart(OpFoldResult source, OpFoldResult target,
                                 OpFoldResult validColumns) {
  OpBuilder &builder = index.builder;
  OpFoldResult width = index.constant(packing.width);
  index.loop(index.constant(0), validColumns, 1, [&](OpFoldResult n) {
    OpFoldResult row = index.add(source, index.mul(n, packing.sourceStride));
    index.loop(index.constant(0), packing.depth, 1, [&](OpFoldResult k) {
      copyScalar(index.add(row, k),
                 index.add(index.add(target, n), index.mul(k, packing.width)));
    });
  });
  Value zero = arith::ConstantOp::create(builder, index.loc,
                                         builder.getZeroAttr(getElement()));
  index.loop(index.constant(0), packing.depth, 1, [&](OpFoldResult k) {
    index.loop(validColumns, width, 1, [&](OpFoldResult n) {
      OpFoldResult to =
          index.add(index.add(target, n), index.mul(k, packing.width));
      memref::StoreOp::create(builder, index.loc, zero, packing.target,
                              ValueRange{index.value(to)});
    });
  });
}

void PanelEmitter::emit(OpFoldResult source, OpFoldResult target,
                        OpFoldResult column) {
  OpFoldResult first =
      packing.transposed ? index.mul(column, packing.sourceStride) : column;
  source = index.add(source, first);
  OpFoldResult rest = index.sub(packing.columns, column);
  auto emitFull = [&] {
    if (packing.transposed)
      transposeFull(source, target);
    else
      copyRows(source, target, OpFoldResult());
  };
  auto columns = IndexBuilder::getConstant(packing.columns);
  if (columns && *columns % packing.width == 0)
    return emitFull();
  auto emitPart = [&] {
    if (packing.transposed)
      transposePart(source, target, rest);
    else
      copyRows(source, target, rest);
  };
  if (columns && *columns < packing.width)
    return emitPart();
  index.ifLess(rest, index.constant(packing.width), emitPart, emitFull);
}

void sluice::emitPanelPacking(
    OpBuilder &builder, Location loc, const PanelPacking &packing,
    function_ref<OpFoldResult(OpFoldResult)> sourceOffset) {
  IndexBuilder index(builder, loc);
  PanelEmitter emitter(builder, loc, packing);
  OpFoldResult panels = index.ceilDiv(packing.columns, packing.width);
  OpFoldResult panelSize = index.mul(packing.depth, packing.width);
  // Elements that are neighbours on one side only.
  auto depth = IndexBuilder::getConstant(packing.depth);
  double cost = getNanoseconds(Work{2.5, 0} * packing.width *
                               static_cast<double>(depth.value_or(256)));
  parallelLoop(index, index.mul(packing.batch, panels), cost,
               [&](OpFoldResult task) {
                 OpFoldResult panel = index.rem(task, panels);
                 emitter.emit(sourceOffset(index.div(task, panels)),
                              index.mul(task, panelSize),
                              index.mul(panel, packing.width));
               });
}
