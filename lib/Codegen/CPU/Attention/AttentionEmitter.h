//===- AttentionEmitter.h - Attention tile by tile --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A task computes a block of rows: queries of one head, or all queries of heads
// that share a key head. It walks over blocks of keys, which it copies to where
// tiles read them, and over its tiles of rows for each: scores, the maximum of
// each row so far, exponentials, and their product with the values, which is
// added to what the blocks before have left. Sums are scaled where the maximum
// has moved. So nothing is as large as queries times keys.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONEMITTER_H
#define SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONEMITTER_H

#include "AttentionGeometry.h"
#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"

namespace sluice {

class AttentionEmitter {
public:
  using Index = IndexBuilder::Index;
  using Value = mlir::Value;

  AttentionEmitter(KernelBuilder &kernel, AttentionOp op,
                   kernel::CpuAttentionAttr config,
                   std::unique_ptr<DotUnit> unit);

  void emit();

private:
  /// Keys from the first on, up to the end.
  struct KeySpan {
    Index begin, end;
  };
  /// The rows of a task: `queries` of each of some heads, one head after the
  /// other.
  struct RowBlock {
    Index batch, keyHead, firstHead, firstQuery, queries, rows;
    /// Which of them are computed, if not all: `rows` counts those.
    Value list;
    /// Where query 0 stands among the keys, and the keys that there are.
    Index position, limit;
  };
  /// How many tasks there are, and what each computes.
  struct TaskCounts {
    /// Heads and queries of a task.
    Index heads, queries;
    Index queryBlocks, headBlocks, all;
    /// Parts of the keys, each of which is a task of its own.
    Index splits;
  };
  /// What is looked at of each score.
  struct ElementReads {
    const ScoreTensor *bias = nullptr;
    const ScoreTensor *mask = nullptr;
    /// Where the tile of the block starts in `tiles`; null: there is none.
    Index tile;
    /// Keys have to lie within what each row sees.
    bool bounds = false;
    /// The bias is the fallback, and all keys count.
    bool isFallback = false;
    bool any() const { return bias || mask || tile || bounds; }
  };
  /// What is looked at where a condition holds and those of the cases before do
  /// not; null: in any case.
  struct ReadCase {
    Value condition;
    ElementReads reads;
  };
  /// What the lists, or a look at masks, say of a block of keys.
  struct BlockKind {
    /// As in the op's `blocks`, as an index; null where there is nothing to
    /// say, or elements are looked at in any case.
    Value code;
    Index getCode() const { return mlir::getAsOpFoldResult(code); }
  };
  /// Some neighbouring rows, and the keys that they are multiplied with, from
  /// the start of a block of keys on.
  struct Tile {
    Index firstRow, lastRow;
    Index block;
    KeySpan keys;
  };

  // Tasks (AttentionTasks.cpp).
  Index getHeadsOfBlock();
  TaskCounts countTasks();
  void findRows(const TaskCounts &counts, Index task);
  void emitTask(const TaskCounts &counts, Index task);
  void allocateBuffers();
  void emitStart();
  void chooseRows();
  void emitWithFallback();
  void walkKeys(const KeySpan &span);
  void emitKeyBlock(Index block, Index count);
  void copyKeys(Index block, Index count);
  void fetchNextBlock(Index block, Index row);
  BlockKind classify(Index block, Index count);
  Value lookAt(Index block, Index count);
  void emitTiles(Index block, Index count, const BlockKind &kind);

  // Results (AttentionResults.cpp).
  Value loadSum(Index row);
  Value loadMaximum(Index row);
  Value storeRows();
  void storeRow(Index row, Index from, Value factor);
  void finishRow(Index row, Index from, Value sum, Value most);
  /// Elements of a row of a part: sums of values, a maximum and a sum.
  int64_t getPartialStride() const {
    return valueStride + std::max<int64_t>(lanes, 2);
  }
  Index getPartial(Index part, Index row);
  void storePartials(Index part);
  void mergePartials(const TaskCounts &counts, Index task);

  // Places of rows.
  Index getPlace(Index row);
  Index getHead(Index row);
  Index getQuery(Index row);
  Index readPerBatch(Value memory, Index batch);
  /// Biases from there down hide keys.
  double getMaskBound();
  bool hasBounds() const { return left || right || geometry.lengths; }
  /// May there be keys that do not count?
  bool hidesKeys() const {
    return hasBounds() || geometry.mask || geometry.bias || geometry.blocks;
  }
  /// Are blocks of keys whole, and seen by all queries?
  bool seesWholeBlocks() const;
  KeySpan getVisible(Index query);
  /// What any of some rows sees, and what all of them do.
  std::pair<KeySpan, KeySpan> getVisible(Index firstRow, Index lastRow);

  // Tiles (AttentionTiles.cpp).
  void emitTile(const Tile &tile, const BlockKind &kind);
  void copyQuery(Index row, Index lastRow, Index to);
  void copyQueries(const Tile &tile);
  void emitScores(const Tile &tile);
  void emitScoreTile(const Tile &tile, Index key, int64_t vectors);
  void emitScoresInPlace(const Tile &tile);
  void emitCaps(const Tile &tile);
  void emitDotProducts(const Tile &tile, Index key, bool isWhole,
                       int64_t parts);
  void emitSharing(mlir::function_ref<void(int64_t parts)> body);
  Index getPart(const Tile &tile, int64_t parts);
  Index getNext(const AttentionTensor &tensor, const Tile &tile, Index key);
  void fetchValues(const Tile &tile, Index key, Index turn, Index k,
                   int64_t parts);
  TilePrefetch getNextKeys(const Tile &tile, int64_t column, int64_t vectors,
                           int64_t parts);
  Value foldVectors(mlir::SmallVector<Value> vectors,
                    mlir::function_ref<Value(Value, Value)> fold);
  void foldMaxima();
  mlir::SmallVector<ReadCase> getReadCases(const Tile &tile,
                                           const BlockKind &kind);
  void emitMaxima(const Tile &tile, const BlockKind &kind);
  void emitRowMaxima(const Tile &tile, const ElementReads &reads, Index row);
  Value readScores(const Tile &tile, const ElementReads &reads, Index row,
                   Index key);
  void emitFactors(const Tile &tile);
  int64_t getVectorsOfTurn();
  void emitPowers(const Tile &tile);
  void emitValues(const Tile &tile);
  void emitValueTile(const Tile &tile, int64_t column, int64_t vectors,
                     int64_t parts);

  // Vectors.
  mlir::VectorType vectorType(int64_t lanes, mlir::Type element);
  Value broadcast(Value scalar, int64_t lanes);
  Value number(double value, int64_t lanes);
  Value loadScalar(Value memory, Index place);
  void storeScalar(Value value, Value memory, Index place);
  Value load(Value memory, Index place, int64_t lanes);
  void store(Value vector, Value memory, Index place);
  Value larger(Value a, Value b);
  Value power(Value exponent);
  Value scaledPower(Value difference);
  Value foldHalves(Value vector, int64_t width,
                   mlir::function_ref<Value(Value, Value)> fold);
  Value foldLanes(Value vector, mlir::function_ref<Value(Value, Value)> fold);
  Value reserve(int64_t elements);
  void ifTrue(Value condition, mlir::function_ref<void()> whenTrue,
              mlir::function_ref<void()> otherwise);
  Value lessThan(Index lhs, Index rhs);
  Index select(Value condition, Index whenTrue, Index otherwise);

  KernelBuilder &kernel;
  IndexBuilder index;
  AttentionOp op;
  kernel::CpuAttentionAttr config;
  std::unique_ptr<DotUnit> unit;
  AttentionGeometry geometry;
  BodyBuilder body;
  mlir::Type f32;
  int64_t lanes, tileRows, width, queryBlock, keyBlock;
  /// Elements of a query and of a value in whole vectors, keys of a block in
  /// whole panels, and lanes that hold a number for each row of a tile.
  int64_t queryStride, scoreStride, valueStride, rowLanes;
  std::optional<int64_t> left, right;
  bool mayHaveEmptyRows;
  /// Scores are exponentiated as the products of queries and keys leave them,
  /// where all keys count.
  bool usesProducts;
  /// Queries and values are read where they lie.
  bool readsQueries, readsValues;
  /// What scores are still to be multiplied with.
  double scoreScale;
  /// A mask that hides all keys of a row or none: which rows are computed.
  std::optional<ScoreTensor> rowMask;

  // Of the task.
  RowBlock rows;
  /// Panels of keys, copied values, queries of a tile, or in place of all rows,
  /// and scores of a tile.
  Value panels, values, queries, scores;
  /// Of all rows: sums of values; sums of exponentials, a vector each; maxima,
  /// `rowLanes` for each tile; which had no key that counts.
  Value output, sums, maxima, empty;
  /// Whether this pass is the one over all keys for rows that had none; null
  /// where there is no such pass.
  Value isFallback;
  /// What tasks of parts of the keys leave; null where there are no parts. Each
  /// has room for so many rows.
  Value partials;
  Index partialRows;
  /// Of a tile: maxima, a vector for each row as products or looks at elements
  /// leave them, and of the whole rows; what is subtracted from scores; what
  /// earlier sums are multiplied with.
  Value laneMaxima, tileMaxima, shifts, factors;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_ATTENTION_ATTENTIONEMITTER_H
