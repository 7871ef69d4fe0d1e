//===- Gemv.cpp - Few rows times a transposed matrix ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Vectors run along the depth, which is contiguous in both matrices. As many
// columns as a vector has lanes are summed at a time; transposing their partial
// sums in registers then yields the columns as one vector for the epilogue.
//
//===----------------------------------------------------------------------===//
#include "Gemv.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/PanelPacking.h"
#include "sluice/Codegen/CPU/ParallelLoop.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

namespace {

class DotProductEmitter {
public:
  DotProductEmitter(OpBuilder &builder, Location loc,
                    const DotProducts &products, EpilogueFn epilogue)
      : index(builder, loc), products(products), epilogue(epilogue) {}

  void emitBlock(const BatchOffsets &offsets, Index batch, Index row,
                 Index begin, Index end);

private:
  void emitGroup(const BatchOffsets &offsets, Index batch, Index row,
                 Index column, Index valid);
  SmallVector<Value> sumColumns(Index aRow, ArrayRef<Index> bRows);
  SmallVector<Value> sumSteps(Index aRow, ArrayRef<Index> bRows, Index begin,
                              Index end);
  SmallVector<Value> addStep(Index aRow, ArrayRef<Index> bRows, Index k,
                             Value mask, ValueRange sums);

  IndexBuilder index;
  const DotProducts &products;
  EpilogueFn epilogue;
};

} // namespace

SmallVector<Value> DotProductEmitter::addStep(Index aRow, ArrayRef<Index> bRows,
                                              Index k, Value mask,
                                              ValueRange sums) {
  OpBuilder &builder = index.builder;
  Value lhs = products.unit->loadVector(builder, index.loc, products.a,
                                        index.add(aRow, k), mask);
  SmallVector<Value> next;
  for (auto [bRow, sum] : llvm::zip_equal(bRows, sums)) {
    Value rhs = products.unit->loadVector(builder, index.loc, products.b,
                                          index.add(bRow, k), mask);
    next.push_back(
        products.unit->multiplyAdd(builder, index.loc, lhs, rhs, sum));
  }
  return next;
}

/// The sums over whole vectors of [begin, end), one vector per column.
SmallVector<Value> DotProductEmitter::sumSteps(Index aRow,
                                               ArrayRef<Index> bRows,
                                               Index begin, Index end) {
  SmallVector<Value> zeros =
      makeZeroTile(index.builder, index.loc,
                   {static_cast<int64_t>(bRows.size()), 1, products.lanes},
                   products.unit->getSumType());
  return index.loop(begin, end, products.lanes, zeros,
                    [&](Index k, ValueRange state) {
                      return addStep(aRow, bRows, k, Value(), state);
                    });
}

/// Partial sums of some columns, one vector each. A great depth is summed up in
/// parts, so that rounding errors do not pile up.
SmallVector<Value> DotProductEmitter::sumColumns(Index aRow,
                                                 ArrayRef<Index> bRows) {
  constexpr int64_t stepsOfPart = 512;
  int64_t lanes = products.lanes, part = stepsOfPart * lanes;
  Index fullEnd = index.sub(products.depth, index.rem(products.depth, lanes));
  auto known = IndexBuilder::getConstant(fullEnd);
  SmallVector<Value> sums;
  if (known && *known <= part) {
    sums = sumSteps(aRow, bRows, index.constant(0), fullEnd);
  } else {
    SmallVector<Value> zeros =
        makeZeroTile(index.builder, index.loc,
                     {static_cast<int64_t>(bRows.size()), 1, lanes},
                     products.unit->getSumType());
    sums = index.loop(index.constant(0), fullEnd, part, zeros,
                      [&](Index begin, ValueRange state) {
                        Index end = index.min(index.add(begin, part), fullEnd);
                        SmallVector<Value> added =
                            sumSteps(aRow, bRows, begin, end);
                        for (auto [value, sum] : llvm::zip_equal(added, state))
                          value = addSums(index.builder, index.loc, sum, value);
                        return added;
                      });
  }
  // Runs at most once.
  return index.loop(fullEnd, products.depth, lanes, sums,
                    [&](Index k, ValueRange state) {
                      Value mask = makeLaneMask(index.builder, index.loc, lanes,
                                                index.sub(products.depth, k));
                      return addStep(aRow, bRows, k, mask, state);
                    });
}

void DotProductEmitter::emitGroup(const BatchOffsets &offsets, Index batch,
                                  Index row, Index column, Index valid) {
  // More addresses than this do not stay in registers.
  constexpr int64_t mostColumns = 8;
  OpBuilder &builder = index.builder;
  int64_t lanes = products.lanes;
  Index aRow = index.add(offsets.a, index.mul(row, products.aStride));
  Index bStart = index.add(offsets.b, index.mul(column, products.bStride));
  SmallVector<Value> sums;
  for (int64_t first = 0; first < lanes; first += mostColumns) {
    SmallVector<Index> bRows;
    for (int64_t j = first; j < std::min(first + mostColumns, lanes); ++j) {
      // Columns that do not exist repeat the last one.
      Index number = index.constant(j);
      if (valid)
        number = index.min(number, index.sub(valid, 1));
      bRows.push_back(index.add(bStart, index.mul(number, products.bStride)));
    }
    llvm::append_range(sums, sumColumns(aRow, bRows));
  }
  sums = transposeVectors(builder, index.loc, sums);
  for (int64_t half = lanes / 2; half >= 1; half /= 2)
    for (int64_t i = 0; i < half; ++i)
      sums[i] = addSums(builder, index.loc, sums[i], sums[i + half]);

  TileResult result;
  result.c = products.c;
  result.batch = batch;
  result.row = row;
  result.start = index.add(offsets.c, index.mul(row, products.cStride));
  result.stride = products.cStride;
  result.column = column;
  if (valid)
    result.lastMask = makeLaneMask(builder, index.loc, lanes, valid);
  emitTileStore(builder, index.loc, {1, 1, lanes}, result, sums.front(),
                epilogue);
}

void DotProductEmitter::emitBlock(const BatchOffsets &offsets, Index batch,
                                  Index row, Index begin, Index end) {
  int64_t lanes = products.lanes;
  auto columns = IndexBuilder::getConstant(products.columns);
  Index rest = index.rem(index.sub(end, begin), lanes);
  Index fullEnd = index.sub(end, rest);
  if (!columns || *columns >= lanes)
    index.loop(begin, fullEnd, lanes, [&](Index column) {
      emitGroup(offsets, batch, row, column, Index());
    });
  if (columns && *columns % lanes == 0)
    return;
  // Blocks are multiples of the lanes, so only the last one has a rest.
  if (columns)
    rest = index.constant(*columns % lanes);
  index.ifLess(fullEnd, end,
               [&] { emitGroup(offsets, batch, row, fullEnd, rest); });
}

void sluice::emitDotProducts(OpBuilder &builder, Location loc,
                             const DotProducts &products,
                             function_ref<BatchOffsets(OpFoldResult)> offsets,
                             EpilogueFn epilogue) {
  IndexBuilder index(builder, loc);
  DotProductEmitter emitter(builder, loc, products, epilogue);
  int64_t lanes = products.lanes;
  int64_t block = (products.columnBlock + lanes - 1) / lanes * lanes;
  Index blocks = index.ceilDiv(products.columns, block);
  Index count = index.mul(index.mul(products.batch, products.rows), blocks);
  parallelLoop(index, count, products.blockCost, [&](Index task) {
    Index begin = index.mul(index.rem(task, blocks), block);
    Index end = index.min(index.add(begin, block), products.columns);
    Index rest = index.div(task, blocks);
    Index batch = index.div(rest, products.rows);
    emitter.emitBlock(offsets(batch), batch, index.rem(rest, products.rows),
                      begin, end);
  });
}
