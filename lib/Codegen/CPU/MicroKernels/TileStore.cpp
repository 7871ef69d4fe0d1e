//===- TileStore.cpp - From accumulators to the result --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The accumulators of a tile are separate values, so an epilogue on them is
// written once per accumulator. Where that would be much code, the tile goes to
// a buffer on the stack first, and a loop over its vectors holds the epilogue
// once.
//
// A long epilogue is a chain of dependent instructions: it takes all vectors of
// a row as one value, which LLVM splits again into instructions side by side.
// One vector after the other, their chains would lie too far apart in the code
// for the processor to overlap them.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

Index TileResult::getRow(IndexBuilder &index, Index r) const {
  Index number = index.add(row, index.mul(r, rowStep));
  return place ? place(index.builder, index.loc, number) : number;
}

Index TileResult::getStart(IndexBuilder &index, Index r) const {
  return index.add(start, index.mul(place ? getRow(index, r) : r, stride));
}

void sluice::fetchPlaces(IndexBuilder &index, const TileResult &result,
                         ValueRange residuals, MicroTileOperands &operands) {
  Index start = index.add(result.start, result.column);
  operands.fetches.push_back({result.c, start, result.stride});
  for (Value residual : residuals)
    operands.fetches.push_back(
        {flattenBuffer(index.builder, index.loc, residual), start,
         result.stride});
}

/// How many instructions on vectors the epilogue of one vector is, roughly: it
/// is built on the side and counted. What is the same for all vectors of a tile
/// does not count.
static int64_t countEpilogueOps(Location loc, VectorType type,
                                EpilogueFn epilogue, bool isMasked) {
  // What a polynomial with its reduction of the argument takes.
  constexpr int64_t elementaryFunction = 24;
  Block block;
  OpBuilder builder(loc.getContext());
  builder.setInsertionPointToStart(&block);
  Type indexType = builder.getIndexType();
  Value sums = block.addArgument(type, loc);
  Value mask;
  if (isMasked)
    mask = block.addArgument(type.clone(builder.getI1Type()), loc);
  ResultPosition position{block.addArgument(indexType, loc),
                          block.addArgument(indexType, loc),
                          block.addArgument(indexType, loc), mask,
                          block.addArgument(indexType, loc)};
  epilogue(builder, loc, sums, position);
  int64_t count = 0;
  block.walk([&](Operation *op) {
    if (op->getNumResults() != 1 ||
        !isa<VectorType>(op->getResult(0).getType()) ||
        isa<arith::ConstantOp, vector::BroadcastOp>(op))
      return;
    bool isFunction = isa<math::MathDialect>(op->getDialect()) &&
                      !isa<math::AbsFOp, math::FmaOp, math::SqrtOp>(op);
    count += isFunction ? elementaryFunction : 1;
  });
  block.dropAllReferences();
  return count;
}

namespace {
/// Stores one tile.
class TileStore {
public:
  TileStore(OpBuilder &builder, Location loc, const RegisterTile &tile,
            const TileResult &result, Type sumType, EpilogueFn epilogue)
      : index(builder, loc), tile(tile), result(result), sumType(sumType),
        epilogue(epilogue) {
    if (!epilogue)
      return;
    auto type = VectorType::get({tile.lanes}, sumType);
    epilogueOps = countEpilogueOps(loc, type, epilogue,
                                   static_cast<bool>(result.lastMask));
  }

  void run(ValueRange accumulators);

private:
  bool isLong() const { return epilogueOps >= 24; }
  bool wantsLoop() const;
  bool takesRows() const;
  void storeUnrolled(ValueRange accumulators);
  void storeFromLoop(ValueRange accumulators);
  void storeOne(Index r, Index column, Value value, Value mask);
  Value concatenate(ValueRange vectors);

  IndexBuilder index;
  const RegisterTile &tile;
  const TileResult &result;
  Type sumType;
  EpilogueFn epilogue;
  /// Instructions of the epilogue of one vector.
  int64_t epilogueOps = 0;
};
} // namespace

void TileStore::storeOne(Index r, Index column, Value value, Value mask) {
  Index at = index.add(result.column, column);
  Index element = index.add(result.getStart(index, r), at);
  if (epilogue) {
    ResultPosition position{index.value(result.batch),
                            index.value(result.getRow(index, r)),
                            index.value(at), mask, index.value(element)};
    value = epilogue(index.builder, index.loc, value, position);
  }
  if (!value)
    return;
  Type stored = cast<MemRefType>(result.c.getType()).getElementType();
  value = convertElements(index.builder, index.loc, value, stored);
  storeVector(index.builder, index.loc, value, result.c, element, mask);
}

Value TileStore::concatenate(ValueRange vectors) {
  if (vectors.size() == 1)
    return vectors.front();
  size_t half = vectors.size() / 2;
  Value left = concatenate(vectors.take_front(half));
  Value right = concatenate(vectors.drop_front(half));
  int64_t lanes = cast<VectorType>(left.getType()).getNumElements();
  return vector::ShuffleOp::create(
      index.builder, index.loc, left, right,
      llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes)));
}

/// Whether the epilogue takes all vectors of a row at once.
bool TileStore::takesRows() const {
  return isLong() && !result.lastMask && llvm::isPowerOf2_64(tile.vectors);
}

void TileStore::storeUnrolled(ValueRange accumulators) {
  bool wholeRows = takesRows();
  auto storeRow = [&](int64_t r) {
    if (wholeRows)
      return storeOne(
          index.constant(r), index.constant(0),
          concatenate(accumulators.slice(r * tile.vectors, tile.vectors)), {});
    for (int64_t v = 0; v < tile.vectors; ++v)
      storeOne(index.constant(r), index.constant(v * tile.lanes),
               accumulators[r * tile.vectors + v],
               v + 1 == tile.vectors ? result.lastMask : Value());
  };
  for (int64_t r = 0; r < tile.rows; ++r) {
    if (result.validRows)
      index.ifLess(index.constant(r), result.validRows, [&] { storeRow(r); });
    else
      storeRow(r);
  }
}

void TileStore::storeFromLoop(ValueRange accumulators) {
  OpBuilder &builder = index.builder;
  Location loc = index.loc;
  int64_t width = tile.width();
  auto type = MemRefType::get({tile.rows * width}, sumType);
  Value memory = memref::AllocaOp::create(builder, loc, type,
                                          builder.getI64IntegerAttr(64));
  for (auto [i, value] : llvm::enumerate(accumulators))
    storeVector(builder, loc, value, memory, index.constant(i * tile.lanes),
                {});
  Index zero = index.constant(0);
  Index rows = index.constant(tile.rows);
  if (result.validRows)
    rows = index.min(rows, result.validRows);
  int64_t lanes = takesRows() ? width : tile.lanes;
  index.loop(zero, rows, 1, [&](Index r) {
    index.loop(zero, index.constant(width), lanes, [&](Index column) {
      Value mask = result.lastMask;
      if (mask && !IndexBuilder::getConstant(column)) {
        // Only the row's last vector is partial.
        auto all =
            DenseElementsAttr::get(cast<VectorType>(mask.getType()), true);
        Value isLast = arith::CmpIOp::create(
            builder, loc, arith::CmpIPredicate::eq, index.value(column),
            index.value(index.constant(width - tile.lanes)));
        mask = arith::SelectOp::create(
            builder, loc, isLast, mask,
            arith::ConstantOp::create(builder, loc, all));
      }
      Value sums =
          loadVector(builder, loc, memory,
                     index.add(index.mul(r, width), column), lanes, {});
      storeOne(r, column, sums, mask);
    });
  });
  if (!isLong())
    return;
  auto loop = dyn_cast<scf::ForOp>(&*std::prev(builder.getInsertionPoint()));
  if (loop)
    loop->setAttr(epilogueAttributeName, builder.getUnitAttr());
}

/// A loop costs a trip through the first-level cache, which hides behind an
/// epilogue that is long.
bool TileStore::wantsLoop() const {
  constexpr int64_t mostUnrolledOps = 320;
  int64_t vectors = tile.rows * tile.vectors;
  if (!epilogue || vectors == 1)
    return false;
  // Not in a hot place; spares a branch per row.
  if (result.validRows)
    return true;
  return vectors * epilogueOps > mostUnrolledOps;
}

void TileStore::run(ValueRange accumulators) {
  if (wantsLoop())
    storeFromLoop(accumulators);
  else
    storeUnrolled(accumulators);
}

void sluice::emitTileStore(OpBuilder &builder, Location loc,
                           const RegisterTile &tile, const TileResult &result,
                           ValueRange accumulators, EpilogueFn epilogue) {
  Type sumType = getElementTypeOrSelf(accumulators.front().getType());
  TileStore(builder, loc, tile, result, sumType, epilogue).run(accumulators);
}
