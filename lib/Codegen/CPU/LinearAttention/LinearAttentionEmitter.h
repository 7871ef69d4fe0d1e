//===- LinearAttentionEmitter.h - Linear attention in chunks ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A task has some columns of the state S of one head in a core's caches and
// takes a chunk of tokens at a time. With P[t], the product of the decays
// from the chunk's first token to t,
//
//   output[t] = P[t] query[t] S + sum over s <= t of
//               (P[t] query[t]) . (key[s] / P[s]) u[s]
//   S         = P[last] (S + sum over s of (key[s] / P[s]) u[s])
//
// are products of small matrices. A delta rule's u[t] come from
//
//   u[t] = rate[t] (value[t] - P[t] key[t] S - sum over s < t of
//                   (P[t] key[t]) . (key[s] / P[s]) u[s])
//
// one after the other. Where a state decays as a whole, P[t] / P[s] is a factor
// of the scores, a product that nothing is divided by. Where rows decay by
// themselves, keys are divided by P[s]: a chunk whose P leave a safe range, and
// one that reads what is not finite or has such u, which scores of zero would
// not keep from earlier tokens, goes token by token instead, as do the few
// tokens of a short rest. That depends on the tensors alone. A run of few
// tokens is steps from one tensor of the state to the other.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_LINEARATTENTION_LINEARATTENTIONEMITTER_H
#define SLUICE_LIB_CODEGEN_CPU_LINEARATTENTION_LINEARATTENTIONEMITTER_H

#include "dialects/Sluice/BodyBuilder.h"
#include "dialects/Sluice/LinearAttention.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

struct MachineModel;

/// How a linear attention is cut.
struct LinearAttentionSizes {
  int64_t lanes = 4;
  /// Tokens that are products.
  int64_t chunk = 16;
  /// Shorter runs, and shorter rests of longer ones, are steps: those of a run
  /// need no copies of the state.
  int64_t shortestRun = 12, shortestRest = 6;
  /// Elements of values of a task.
  int64_t valueBlock = 64;
  /// Steps of the innermost loops at once.
  int64_t unroll = 4;
};

class LinearAttentionEmitter {
public:
  using Index = IndexBuilder::Index;
  using Value = mlir::Value;

  LinearAttentionEmitter(KernelBuilder &kernel, LinearAttentionOp op,
                         LinearAttentionSizes config,
                         const MachineModel &machine,
                         std::unique_ptr<DotUnit> unit);

  void emit();

private:
  /// What a tensor has for each token of the task's head.
  struct Rows {
    Value memory;
    /// Of the first token, and from one to the next.
    Index start, step;
    /// Elements of a row; a number that only the run knows for the last of
    /// several blocks of columns.
    Index elements;
    explicit operator bool() const { return static_cast<bool>(memory); }
  };
  enum class Decay { None, OfState, OfRows };
  /// The task's part of the state, in its own buffer or in a tensor.
  struct State {
    Value memory;
    Index start;
    /// From a row to the next.
    int64_t step;
    /// Elements of a row that there are.
    Index columns;
  };
  /// A register tile's worth of columns.
  struct Columns {
    int64_t first, vectors;
  };
  /// A vector of a row; the mask turns lanes off, null: none.
  using VectorBody = mlir::function_ref<void(Index first, Value mask)>;

  // Tasks (LinearAttentionTasks.cpp).
  Rows getRows(Value tensor, Index head, Index elements, int64_t rowElements);
  void findRows(Index task);
  void allocateBuffers();
  void moveState(const State &from, const State &to);
  void emitTask(Index task);
  void emitAllTokens();
  void forEachVector(Index elements, int64_t padded, VectorBody body);
  Index getColumnBlocks();
  Index countHeads();

  // Token by token (LinearAttentionSteps.cpp).
  void emitSteps(Index first, Index count);
  void emitFewTokens();
  void emitStep(Index token, const State &from, const State &to);
  void copyRow(const Rows &rows, Index token, Value target, int64_t padded,
               double factor);
  void correctValue(Index token, const State &from, Value decay);
  void emitOutput(Index token, Index query, const State &from, const State *to,
                  Value decay);
  State getOwnState();
  State getTensorState(Value memory);
  Value loadState(const State &from, Index row, int64_t column);
  void storeState(Value vector, const State &to, Index row, int64_t column);
  Value getDecay(Value whole, Index row);

  // Chunks (LinearAttentionChunks.cpp).
  void emitTokens(Index first, Index count);
  void emitChunk(Index first, Index count);
  void emitPanel();
  Value prepare(Index first, Index count);
  Value reduceAll(Value flags);
  mlir::SmallVector<Value> prepareKeys(Index first, Index count);
  Value prepareDecay(Index first, Index count);
  Value prepareValues(Index first, Index count);
  void fillLeft(const Rows &rows, Index first, Index count, double factor);
  MicroTileOperands readLeft(Index row, int64_t tileRows);
  void emitScores(Index count, bool includesOwn);
  void emitProduct(
      Index count, bool addsScores,
      mlir::function_ref<void(Index row, int64_t column, Value sums)> store);
  Value correctValues(Index first, Index count);
  void emitOutputs(Index first, Index count, Index query);
  void emitNextState(Index count);

  /// Columns of the task's part of the state, in tiles.
  mlir::SmallVector<Columns> getTiles() const;
  MicroTileOptions getOptions() const;

  // Vectors.
  mlir::VectorType vectorType() const;
  Value number(double value);
  Value broadcast(Value scalar);
  Value loadScalar(Value memory, Index place);
  void storeScalar(Value value, Value memory, Index place);
  Value load(Value memory, Index place);
  void store(Value vector, Value memory, Index place);
  /// In f32; lanes that are turned off are zero.
  Value loadRow(const Rows &rows, Index token, Index first, Value mask);
  Value loadRowScalar(const Rows &rows, Index token);
  Value multiplyAdd(Value a, Value b, Value sum);
  Value reserve(int64_t elements);

  KernelBuilder &kernel;
  IndexBuilder index;
  LinearAttentionOp op;
  LinearAttentionSizes config;
  const MachineModel &machine;
  std::unique_ptr<DotUnit> unit;
  BodyBuilder body;
  mlir::Type f32;
  int64_t lanes, chunk, width;
  int64_t group, depth, valueDepth, depthStride;
  /// Vectors of columns of a register tile.
  int64_t tileVectors;
  Decay decays;
  double scale;
  Index tokens;

  // Of the task.
  Index column, columns;
  Rows query, key, value, decay, rate, output;
  Value initial, last;
  Index stateStart;
  /// [depth][width], and of a chunk: keys [chunk][depth], the same as panels of
  /// `chunk` columns, what they are multiplied with [chunk][depth], values or
  /// what a delta rule makes of them [chunk][width], scores [chunk][chunk].
  Value state, keys, panel, left, values, scores;
  /// P: [chunk][depth], or [chunk] where the state decays as a whole; P[t]
  /// / P[s] in that case [chunk][chunk].
  Value products, ratios;
};

/// Elements of keys that there are kernels for.
inline constexpr int64_t mostLinearDepth = 512;

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_LINEARATTENTION_LINEARATTENTIONEMITTER_H
