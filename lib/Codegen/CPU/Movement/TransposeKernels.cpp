//===- TransposeKernels.cpp - Transposition in tiles ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Dimensions that stay side by side move as one. If the innermost one stays,
// runs of elements are copied; otherwise square tiles are transposed in
// registers, so that both sides are read and written along cache lines.
//
// Results that leave the caches are written past them, whole lines at a time:
// lines written in parts would be fetched first, and evict each other where
// the strides are powers of two.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Elements/LoopNest.h"

using namespace mlir;
using namespace sluice;

namespace {
/// Dimensions of the result that are side by side in the operand as well.
struct MovedRun {
  Value size;
  Value sourceStride;
  Value targetStride;
  bool isInnermost; ///< in the operand
};

/// Swaps two of a transposition's runs, tile by tile.
class TileTransposer {
public:
  TileTransposer(KernelBuilder &kernel, Value source, Value target,
                 Type elementType)
      : kernel(kernel), source(source), target(target),
        side(elementType.getIntOrFloatBitWidth() > 32 ? 4 : 8),
        line(MachineModel::cacheLineBytes * 8 /
             elementType.getIntOrFloatBitWidth()),
        vectorType(VectorType::get(side, elementType)) {}

  /// `columns` is contiguous in the source, `rows` in the target. `bytes` are
  /// those of the whole target.
  void run(ArrayRef<MovedRun> outer, const MovedRun &columns,
           const MovedRun &rows, Value bytes);

private:
  /// Is the target larger than the caches, and made of whole lines, enough of
  /// them side by side? Null if that is known to be false.
  Value isStreamed(const MovedRun &columns, const MovedRun &rows, Value bytes);
  void runInTiles(ArrayRef<MovedRun> outer, const MovedRun &columns,
                  const MovedRun &rows);
  void runInLines(ArrayRef<MovedRun> outer, const MovedRun &columns,
                  const MovedRun &rows);
  /// The lines of a transposed tile of the source.
  SmallVector<Value> loadTransposed(Value from, const MovedRun &rows);
  void transposeTile(Value from, Value to, const MovedRun &columns,
                     const MovedRun &rows);
  /// Fills one cache line of the target for each of a tile's columns.
  void transposeLines(Value from, Value to, const MovedRun &columns,
                      const MovedRun &rows);
  void moveElements(Value from, Value to, const MovedRun &columns,
                    const MovedRun &rows, Value columnCount, Value rowCount);
  Value offset(Value base, Value stride, Value count) {
    return kernel.add(base, kernel.mul(stride, count));
  }

  KernelBuilder &kernel;
  Value source, target;
  int64_t side; ///< Of a tile.
  int64_t line; ///< Elements of a cache line.
  VectorType vectorType;
};
} // namespace

SmallVector<Value> TileTransposer::loadTransposed(Value from,
                                                  const MovedRun &rows) {
  OpBuilder &builder = kernel.builder;
  SmallVector<Value> lines(side);
  for (int64_t i = 0; i < side; ++i)
    lines[i] = vector::LoadOp::create(
        builder, kernel.loc, vectorType, source,
        offset(from, rows.sourceStride, kernel.index(i)));
  // Swaps the off-diagonal blocks of ever smaller squares.
  for (int64_t block = side / 2; block >= 1; block /= 2) {
    SmallVector<int64_t> upper, lower;
    for (int64_t k = 0; k < side; ++k) {
      bool isFirst = (k & block) == 0;
      upper.push_back(isFirst ? k : k - block + side);
      lower.push_back(isFirst ? k + block : k + side);
    }
    for (int64_t i = 0; i < side; ++i) {
      if (i & block)
        continue;
      Value a = lines[i], b = lines[i + block];
      lines[i] = vector::ShuffleOp::create(builder, kernel.loc, a, b, upper);
      lines[i + block] =
          vector::ShuffleOp::create(builder, kernel.loc, a, b, lower);
    }
  }
  return lines;
}

void TileTransposer::transposeTile(Value from, Value to,
                                   const MovedRun &columns,
                                   const MovedRun &rows) {
  for (auto [i, part] : llvm::enumerate(loadTransposed(from, rows)))
    vector::StoreOp::create(kernel.builder, kernel.loc, part, target,
                            offset(to, columns.targetStride, kernel.index(i)));
}

void TileTransposer::transposeLines(Value from, Value to,
                                    const MovedRun &columns,
                                    const MovedRun &rows) {
  OpBuilder &builder = kernel.builder;
  SmallVector<SmallVector<Value>> tiles;
  for (int64_t row = 0; row < line; row += side)
    tiles.push_back(loadTransposed(
        offset(from, rows.sourceStride, kernel.index(row)), rows));
  for (int64_t i = 0; i < side; ++i) {
    SmallVector<Value> parts;
    for (const SmallVector<Value> &tile : tiles)
      parts.push_back(tile[i]);
    for (int64_t width = side; parts.size() > 1; width *= 2) {
      SmallVector<int64_t> both = llvm::to_vector(llvm::seq(2 * width));
      for (size_t k = 0; k < parts.size() / 2; ++k)
        parts[k] = vector::ShuffleOp::create(builder, kernel.loc, parts[2 * k],
                                             parts[2 * k + 1], both);
      parts.resize(parts.size() / 2);
    }
    vector::StoreOp::create(builder, kernel.loc, parts.front(), target,
                            offset(to, columns.targetStride, kernel.index(i)),
                            /*nontemporal=*/true,
                            llvm::MaybeAlign(MachineModel::cacheLineBytes));
  }
}

void TileTransposer::moveElements(Value from, Value to, const MovedRun &columns,
                                  const MovedRun &rows, Value columnCount,
                                  Value rowCount) {
  kernel.forEach({columnCount, rowCount}, [&](ValueRange at) {
    Value element = memref::LoadOp::create(
        kernel.builder, kernel.loc, source,
        kernel.add(offset(from, rows.sourceStride, at[1]), at[0]));
    memref::StoreOp::create(
        kernel.builder, kernel.loc, element, target,
        kernel.add(offset(to, columns.targetStride, at[0]), at[1]));
  });
}

Value TileTransposer::isStreamed(const MovedRun &columns, const MovedRun &rows,
                                 Value bytes) {
  // What is written past the caches is slower to read again, so the target has
  // to be much larger than what a core has for itself. Each piece of the loop
  // waits for its stores, so it must not be short.
  int64_t leastBytes = 8 * CpuLoops::of(kernel).machine.l2Bytes,
          leastColumns = 64;
  std::optional<int64_t> knownBytes = getConstantIntValue(bytes),
                         knownColumns = getConstantIntValue(columns.size),
                         knownRows = getConstantIntValue(rows.size);
  if ((knownBytes && *knownBytes < leastBytes) ||
      (knownColumns && *knownColumns < leastColumns) ||
      (knownRows && *knownRows % line != 0))
    return nullptr;
  auto isMultiple = [&](Value number, int64_t divisor) {
    return compare(kernel, arith::CmpIPredicate::eq,
                   kernel.rem(number, kernel.index(divisor)), kernel.index(0));
  };
  auto isAtLeast = [&](Value number, int64_t least) {
    return compare(kernel, arith::CmpIPredicate::sge, number,
                   kernel.index(least));
  };
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(
      kernel.builder, kernel.loc, target);
  Value isWhole =
      both(kernel, isMultiple(address, MachineModel::cacheLineBytes),
           isMultiple(rows.size, line));
  return both(kernel, isWhole,
              both(kernel, isAtLeast(bytes, leastBytes),
                   isAtLeast(columns.size, leastColumns)));
}

void TileTransposer::run(ArrayRef<MovedRun> outer, const MovedRun &columns,
                         const MovedRun &rows, Value bytes) {
  Value streamed = isStreamed(columns, rows, bytes);
  if (!streamed) {
    runInTiles(outer, columns, rows);
    return;
  }
  when(
      kernel, streamed, [&] { runInLines(outer, columns, rows); },
      [&] { runInTiles(outer, columns, rows); });
}

void TileTransposer::runInLines(ArrayRef<MovedRun> outer,
                                const MovedRun &columns, const MovedRun &rows) {
  // As many rows as a line has elements are read side by side, in long runs.
  constexpr int64_t columnsOfPiece = 4096;
  Value piece = kernel.index(columnsOfPiece), step = kernel.index(side);
  SmallVector<Value> extents;
  for (const MovedRun &run : outer)
    extents.push_back(run.size);
  extents.push_back(kernel.div(rows.size, kernel.index(line)));
  extents.push_back(kernel.div(
      kernel.add(columns.size, kernel.index(columnsOfPiece - 1)), piece));
  parallelNest(
      kernel, extents, kernel.cost({10000, 0}) * line, [&](ValueRange at) {
        Value row = kernel.mul(at[outer.size()], kernel.index(line));
        Value first = kernel.mul(at.back(), piece);
        Value from = kernel.add(kernel.mul(rows.sourceStride, row), first);
        Value to = offset(row, columns.targetStride, first);
        for (auto [run, index] : llvm::zip(outer, at.drop_back(2))) {
          from = offset(from, run.sourceStride, index);
          to = offset(to, run.targetStride, index);
        }
        Value count = kernel.builder.createOrFold<arith::MinSIOp>(
            kernel.loc, piece, kernel.sub(columns.size, first));
        Value tiles = kernel.div(count, step);
        kernel.forEach(tiles, [&](ValueRange tile) {
          Value column = kernel.mul(tile[0], step);
          transposeLines(kernel.add(from, column),
                         offset(to, columns.targetStride, column), columns,
                         rows);
        });
        Value moved = kernel.mul(tiles, step);
        moveElements(kernel.add(from, moved),
                     offset(to, columns.targetStride, moved), columns, rows,
                     kernel.sub(count, moved), kernel.index(line));
        // Such stores are not ordered before the one that says the loop is
        // done.
        LLVM::FenceOp::create(kernel.builder, kernel.loc,
                              LLVM::AtomicOrdering::seq_cst, "");
      });
}

void TileTransposer::runInTiles(ArrayRef<MovedRun> outer,
                                const MovedRun &columns, const MovedRun &rows) {
  Value step = kernel.index(side);
  SmallVector<Value> extents;
  for (const MovedRun &run : outer)
    extents.push_back(run.size);
  extents.push_back(
      kernel.div(kernel.add(columns.size, kernel.index(side - 1)), step));
  Value rowTiles = kernel.div(rows.size, step);
  Value firstRest = kernel.mul(rowTiles, step);
  Value rowRest = kernel.sub(rows.size, firstRest);
  parallelNest(kernel, extents, kernel.cost({1000, 0}), [&](ValueRange at) {
    Value from = kernel.index(0), to = kernel.index(0);
    for (auto [run, index] : llvm::zip(outer, at.drop_back())) {
      from = offset(from, run.sourceStride, index);
      to = offset(to, run.targetStride, index);
    }
    Value first = kernel.mul(at.back(), step);
    Value left = kernel.sub(columns.size, first);
    from = kernel.add(from, first);
    to = offset(to, columns.targetStride, first);
    Value isWhole = compare(kernel, arith::CmpIPredicate::sge, left, step);
    when(
        kernel, isWhole,
        [&] {
          kernel.forEach(rowTiles, [&](ValueRange tile) {
            Value row = kernel.mul(tile[0], step);
            transposeTile(offset(from, rows.sourceStride, row),
                          kernel.add(to, row), columns, rows);
          });
          moveElements(offset(from, rows.sourceStride, firstRest),
                       kernel.add(to, firstRest), columns, rows, step, rowRest);
        },
        [&] { moveElements(from, to, columns, rows, left, rows.size); });
  });
}

/// The runs of dimensions that a transposition moves, in the result's order.
static SmallVector<MovedRun> findRuns(KernelBuilder &kernel, TransposeOp op) {
  Value operand = op.getOperand();
  int64_t rank = op.getType().getRank();
  SmallVector<Value> sourceStrides(rank);
  Value stride = kernel.index(1);
  for (int64_t i = rank; i-- > 0;) {
    sourceStrides[i] = stride;
    stride = kernel.mul(stride, kernel.size(operand, i));
  }
  int64_t innermost = rank - 1;
  while (innermost > 0 && shapeOf(operand)[innermost] == 1)
    --innermost;
  SmallVector<MovedRun> runs;
  int64_t last = -1;
  // Sizes of one move nothing, and do not part their neighbours.
  auto next = [&](int64_t dimension) {
    do {
      ++dimension;
    } while (dimension < rank && shapeOf(operand)[dimension] == 1);
    return dimension;
  };
  for (int64_t dimension : op.getPermutation()) {
    if (shapeOf(operand)[dimension] == 1)
      continue;
    Value size = kernel.size(operand, dimension);
    if (last >= 0 && next(last) == dimension) {
      runs.back().size = kernel.mul(runs.back().size, size);
      runs.back().sourceStride = sourceStrides[dimension];
    } else {
      runs.push_back({size, sourceStrides[dimension], nullptr, false});
    }
    runs.back().isInnermost |= dimension == innermost;
    last = dimension;
  }
  stride = kernel.index(1);
  for (MovedRun &run : llvm::reverse(runs)) {
    run.targetStride = stride;
    stride = kernel.mul(stride, run.size);
  }
  return runs;
}

static LogicalResult emitTranspose(KernelBuilder &kernel, Operation *anchor) {
  auto op = cast<TransposeOp>(anchor);
  if (!isAlone(kernel, anchor) || !kernel.buffer(op.getOperand()))
    return emitElementKernel(kernel);
  SmallVector<MovedRun> runs = findRuns(kernel, op);
  Value source = flatBuffer(kernel, op.getOperand()),
        target = flatBuffer(kernel, op.getResult());
  if (runs.size() < 2) {
    Value count = runs.empty() ? kernel.index(1) : runs[0].size;
    kernel.forEachParallel(
        count, kernel.cost(workOfMoving(op.getType().getElementType())),
        [&](ValueRange at) {
          Value element =
              memref::LoadOp::create(kernel.builder, kernel.loc, source, at);
          memref::StoreOp::create(kernel.builder, kernel.loc, element, target,
                                  at);
        });
    return success();
  }
  if (runs.back().isInnermost) {
    SmallVector<Value> extents;
    for (const MovedRun &run : ArrayRef(runs).drop_back())
      extents.push_back(run.size);
    parallelNest(kernel, extents, kernel.cost({500, 0}), [&](ValueRange at) {
      Value from = kernel.index(0), to = kernel.index(0);
      for (auto [run, index] : llvm::zip(runs, at)) {
        from = kernel.add(from, kernel.mul(run.sourceStride, index));
        to = kernel.add(to, kernel.mul(run.targetStride, index));
      }
      copyRun(kernel, source, from, target, to, runs.back().size);
    });
    return success();
  }
  MovedRun columns = runs.front(), rows = runs.back();
  SmallVector<MovedRun> outer;
  for (const MovedRun &run : ArrayRef(runs).drop_back()) {
    if (run.isInnermost)
      columns = run;
    else
      outer.push_back(run);
  }
  Type elementType = KernelBuilder::storageType(op.getType().getElementType());
  Value bytes = kernel.mul(
      kernel.product(kernel.sizes(op.getResult())),
      kernel.index(llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8)));
  TileTransposer(kernel, source, target, elementType)
      .run(outer, columns, rows, bytes);
  return success();
}

void sluice::registerTransposeEmitters(EmitterRegistry &registry) {
  registry.addKernel<TransposeOp>(emitTranspose);
}
