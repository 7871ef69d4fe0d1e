//===- KernelBuilder.h - Builds one kernel's code ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A kernel's region has sluice ops on tensors; its code works on contiguous
// buffers. KernelBuilder stands between the two: it knows the buffer of every
// region argument and result, and reads *elements* of any tensor in the
// region. An element of an argument is a load; an element of a value computed
// inside the kernel is evaluated on the spot from its operands' elements. So
// every emitter fuses producers without knowing them.
//
// Ops take part in one of two ways:
//  - an element function (ElementRegistry) says how to compute the result
//    element at given indices: gather, pad, pooling, reductions, ... The
//    default emitter loops over the result and stores elements;
//  - a kernel emitter (EmitterRegistry) builds the whole kernel: softmax,
//    sorting, recurrences, micro-kernels.
// Elementwise ops need neither: their interface has the body.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_KERNELBUILDER_H
#define SLUICE_CODEGEN_ELEMENTS_KERNELBUILDER_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/IndexArithmetic.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/Builders.h"
#include "sluice/Codegen/Elements/EmitterRegistry.h"
#include "sluice/Codegen/Elements/LoopModel.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sluice {

class RowOps;

class KernelBuilder {
public:
  using IndexBody = LoopModel::IndexBody;

  /// The builder stands in the entry block of the function to build.
  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Block &region, LoopModel &loops, RowOps &rows,
                const EmitterRegistry &emitters)
      : builder(builder), loc(loc), region(region), loops(loops), rows(rows),
        emitters(emitters), entry(*builder.getInsertionBlock()) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;
  /// The kernel's ops, on tensors; they are not part of the emitted code.
  mlir::Block &region;
  /// How the target runs loops and has memory.
  LoopModel &loops;
  /// What it does with neighbouring elements of rows.
  RowOps &rows;
  /// How ops inside the kernel become elements and vectors.
  const EmitterRegistry &emitters;

  /// Ties a region argument or yielded value to its buffer.
  void bind(mlir::Value tensor, mlir::Value buffer) {
    buffers[tensor] = buffer;
  }
  /// The buffer of a region argument or yielded value: a contiguous memref of
  /// the tensor's shape in storage types (see `storageType`). Null for values
  /// that are only computed inside.
  mlir::Value buffer(mlir::Value tensor) const {
    return buffers.lookup(tensor);
  }

  /// Does a result lie in the memory of an operand, which it is an update of?
  bool isUpdate(mlir::Value result, mlir::Value operand) const {
    return buffer(result) && buffer(result) == buffer(operand);
  }

  /// The element type in memory: bool is i8 (0 or 1), integers are signless.
  static mlir::Type storageType(mlir::Type elementType);
  /// The buffer type of a tensor type.
  static mlir::MemRefType bufferType(mlir::RankedTensorType type);

  // Sizes.
  mlir::Value index(int64_t value);
  /// The size of a dimension, constant or read from a buffer.
  mlir::Value size(mlir::Value tensor, int64_t dimension);
  llvm::SmallVector<mlir::Value> sizes(mlir::Value tensor);
  mlir::Value product(mlir::ValueRange factors);

  // Index arithmetic; constants fold. Indices that come from data may be any
  // numbers, so that nothing is promised about overflow.
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) {
    return arithmetic().value(arithmetic().add(lhs, rhs));
  }
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs) {
    return arithmetic().value(arithmetic().sub(lhs, rhs));
  }
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs) {
    return arithmetic().value(arithmetic().mul(lhs, rhs));
  }
  /// Truncating division of non-negative numbers.
  mlir::Value div(mlir::Value lhs, mlir::Value rhs) {
    return arithmetic().value(arithmetic().div(lhs, rhs));
  }
  mlir::Value rem(mlir::Value lhs, mlir::Value rhs) {
    return arithmetic().value(arithmetic().rem(lhs, rhs));
  }
  /// Clamps into [0, size - 1]; for an empty range gives 0.
  mlir::Value clampIndex(mlir::Value value, mlir::Value size);
  /// Index `at` of a dimension that broadcasting may stretch: 0 where its size
  /// is 1 in the run.
  mlir::Value broadcastIndex(mlir::Value size, mlir::Value at);

  // Elements.
  /// The element at `indices` (one per dimension) in the compute type.
  mlir::Value load(mlir::Value tensor, mlir::ValueRange indices);
  /// Stores a compute-type element into the buffer of `tensor`.
  void store(mlir::Value element, mlir::Value tensor, mlir::ValueRange indices);
  /// Between storage and compute types, for scalars and vectors; `elementType`
  /// is the tensor's element type.
  mlir::Value toCompute(mlir::Value stored, mlir::Type elementType);
  mlir::Value toStorage(mlir::Value computed, mlir::Type elementType);
  /// An index from an integer element (sign-extended or zero-extended).
  mlir::Value toIndex(mlir::Value element, mlir::Type elementType);
  /// A compute-type integer from an index.
  mlir::Value fromIndex(mlir::Value index, mlir::Type elementType);
  /// A compute-type constant for an element type.
  mlir::Value number(mlir::Type elementType, double value);
  /// The lowest (or highest) value of an element type: -inf, INT_MIN, 0, ...
  mlir::Value extreme(mlir::Type elementType, bool highest);

  // Control.
  /// `count` iterations; `body` maps the running values to the next ones.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value count, mlir::ValueRange initial,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(
           mlir::Value iteration, mlir::ValueRange running)>
           body);
  /// A nest of plain loops over [0, extents[i]).
  void forEach(mlir::ValueRange extents, IndexBody body);
  /// The same for independent iterations over elements, of which those of the
  /// last dimension are neighbours; `each` is what one costs.
  void forEachParallel(mlir::ValueRange extents, Cost each, IndexBody body) {
    loops.parallelElements(*this, extents, each, body);
  }
  /// What the target takes for an estimate of work.
  Cost cost(Work work) const { return loops.getCost(work); }
  /// A one-dimensional parallel loop; iterations must be independent.
  void parallel(mlir::Value count, Cost each, LoopModel::Body body) {
    loops.parallel(*this, count, each, body);
  }
  /// A value that is computed one way or the other.
  llvm::SmallVector<mlir::Value>
  choose(mlir::Value condition, mlir::TypeRange types,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> onTrue,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> onFalse);

  // Memory.
  /// Bytes from the run's allocator, as memref<?xi8>; for sizes that are only
  /// known during the run. Not inside parallel loops.
  mlir::Value allocate(mlir::Value bytes) {
    return loops.allocate(*this, bytes);
  }
  /// Planned scratch memory of a fixed size (at most once per kernel), as
  /// memref<?xi8>. Not zeroed.
  mlir::Value scratch(int64_t bytes) { return loops.scratch(bytes); }
  /// A typed view of bytes.
  mlir::Value view(mlir::Value bytes, mlir::Value byteOffset,
                   mlir::MemRefType type, mlir::ValueRange dynamicSizes);

  /// Records a run-time failure when `condition` is false; the code goes on,
  /// so it must stay within its buffers regardless.
  void check(mlir::Value condition, llvm::StringRef message) {
    loops.check(*this, condition, message);
  }

private:
  IndexArithmetic arithmetic() { return {builder, loc}; }
  mlir::Value evaluate(mlir::Operation *op, mlir::OpResult result,
                       mlir::ValueRange indices);

  /// The size of a value that elementwise broadcasting makes.
  mlir::Value elementwiseSize(mlir::Operation *op, int64_t dimension);
  /// The size of a value that only its op can tell.
  mlir::Value reifiedSize(mlir::OpResult tensor, int64_t dimension);
  /// Builds a value that follows from sizes at the start of the function,
  /// behind those that were built before.
  mlir::Value computeAtStart(llvm::function_ref<mlir::Value()> compute);
  mlir::Value findEvaluated(mlir::Value what, mlir::ValueRange indices);

  llvm::DenseMap<mlir::Value, mlir::Value> buffers;

  /// The function's first block.
  mlir::Block &entry;
  /// Sizes are computed once, at the function's start, up to this op.
  mlir::Operation *lastSize = nullptr;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> computedSizes;
  llvm::DenseMap<mlir::Value, mlir::Value> computedIsOne;

  /// Elements evaluated so far, so that a value used twice is computed once.
  struct Evaluated {
    llvm::SmallVector<mlir::Value> indices;
    mlir::Value element;
  };
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Evaluated>> evaluated;
};

/// Stores every yielded value element by element.
llvm::LogicalResult emitElementKernel(KernelBuilder &kernel);

/// Builds a kernel that has nothing but elementwise ops, and such as move parts
/// of rows, and yields one value.
llvm::LogicalResult emitMapKernel(KernelBuilder &kernel);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_KERNELBUILDER_H
