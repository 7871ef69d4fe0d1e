//===- LoopEmitter.h - Loops over vectors for a generic op ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_LOOPEMITTER_H
#define SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_LOOPEMITTER_H

#include "BodyEmitter.h"
#include "Plan.h"
#include "sluice/Codegen/CPU/VectorizeLoops/VectorizeLoops.h"

namespace sluice::loops {

/// Emits the loops of a plan at the builder's insertion point.
class LoopEmitter {
public:
  LoopEmitter(mlir::OpBuilder &builder, mlir::linalg::GenericOp op,
              const IterationSpace &space, const Plan &plan,
              const VectorizeOptions &options)
      : builder(builder), index(builder, op.getLoc()), op(op), space(space),
        plan(plan), options(options) {}

  void emit();

private:
  using Index = IndexBuilder::Index;
  using Values = llvm::SmallVector<mlir::Value>;

  /// Where the loops entered so far are.
  struct Position {
    llvm::SmallVector<Index> iterations; // one per loop
    llvm::SmallVector<Index> offsets;    // one per access
  };
  /// Vectors that are computed together.
  struct Group {
    unsigned vectors;
    unsigned lanes;
    mlir::Value mask;
  };

  // Outer loops.
  Position enter(Position position, unsigned loop, Index iteration);
  void emitParallel(const Position &start, unsigned parallelLoops,
                    Index blockSize, double cost);
  void emitOuter(llvm::ArrayRef<unsigned> loops, Position position, Index lower,
                 Index upper);
  void emitInner(Position position, Index lower, Index upper);

  // Lanes are results.
  void emitSegments(const Position &position, Index lower, Index upper);
  void emitTail(const Position &position, Index lower, Index upper);
  void emitGroup(const Position &position, Index iteration, Group group);
  Values reduce(const Position &position, llvm::ArrayRef<unsigned> loops,
                Group group, mlir::ValueRange accumulators);

  // Lanes are accumulators.
  void emitReduction(const Position &position, Index lower, Index upper);
  Values accumulate(const Position &position, llvm::ArrayRef<unsigned> loops,
                    Index lower, Index upper, mlir::ValueRange accumulators);
  Values accumulateLoop(const Position &position, Index lower, Index upper,
                        mlir::ValueRange accumulators);
  mlir::Value neutral(unsigned output, unsigned lanes);
  mlir::Value joinLanes(unsigned output, mlir::Value vector);
  bool hasScalarAccumulator(Index lower, Index upper) const;

  // One iteration.
  Values emitBody(const Position &position, const Group &group,
                  mlir::ValueRange accumulators);
  Values copyBody(const Position &position, mlir::ValueRange accumulators);
  Index offsetOf(const Position &position, unsigned access, unsigned vector,
                 unsigned lanes);
  Index strideOf(unsigned access);
  LaneValue iterationOf(const Position &position, unsigned dimension,
                        unsigned vector, unsigned lanes);
  unsigned outputCount() const { return space.outputs().size(); }
  bool isPreloadable(unsigned access) const;
  void preload(const Position &position);

  mlir::OpBuilder &builder;
  IndexBuilder index;
  mlir::linalg::GenericOp op;
  const IterationSpace &space;
  const Plan &plan;
  const VectorizeOptions &options;
  /// Inputs that the inner loops do not move along, loaded before them.
  llvm::DenseMap<unsigned, LaneValue> preloaded;
};

} // namespace sluice::loops

#endif // SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_LOOPEMITTER_H
