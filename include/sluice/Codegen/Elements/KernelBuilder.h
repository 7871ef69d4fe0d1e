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
#include "dialects/Sluice/Sluice.h"
#include "mlir/IR/Builders.h"
#include "sluice/Analysis/MachineModel.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace sluice {

class KernelBuilder {
public:
  using IndexBody = llvm::function_ref<void(mlir::ValueRange indices)>;

  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                const MachineModel &machine, mlir::Block &region,
                mlir::Value frame)
      : builder(builder), loc(loc), machine(machine), region(region),
        frame(frame) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;
  const MachineModel &machine;
  /// The kernel's ops, on tensors; they are not part of the emitted code.
  mlir::Block &region;
  /// The function's first argument: a pointer to the sluice_frame.
  mlir::Value frame;

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

  // Index arithmetic; constants fold.
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  /// Truncating division of non-negative numbers.
  mlir::Value div(mlir::Value lhs, mlir::Value rhs);
  mlir::Value rem(mlir::Value lhs, mlir::Value rhs);
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
  /// The same with the outer dimensions collapsed into one parallel loop.
  /// `cost` estimates one innermost iteration in nanoseconds.
  void forEachParallel(mlir::ValueRange extents, double cost, IndexBody body);
  /// A one-dimensional parallel loop; iterations must be independent.
  void parallel(mlir::Value count, double cost,
                llvm::function_ref<void(mlir::Value)> body);
  /// A value that is computed one way or the other.
  llvm::SmallVector<mlir::Value>
  choose(mlir::Value condition, mlir::TypeRange types,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> onTrue,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> onFalse);

  // Memory.
  /// Bytes from the run's allocator, as memref<?xi8>; for sizes that are only
  /// known during the run. Not inside parallel loops.
  mlir::Value allocate(mlir::Value bytes);
  /// Planned scratch memory of a fixed size (at most once per kernel), as
  /// memref<?xi8>. Not zeroed.
  mlir::Value scratch(int64_t bytes);
  /// A typed view of bytes.
  mlir::Value view(mlir::Value bytes, mlir::Value byteOffset,
                   mlir::MemRefType type, mlir::ValueRange dynamicSizes);

  /// Records a run-time failure when `condition` is false; the code goes on,
  /// so it must stay within its buffers regardless.
  void check(mlir::Value condition, llvm::StringRef message);

  /// The scratch bytes asked for.
  int64_t scratchBytes = 0;
  /// Set by the caller: the buffer that `scratch` hands out.
  mlir::Value scratchBuffer;

private:
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

/// Computes the element of `result` at `indices`, in the compute type.
using ElementFunction = mlir::Value (*)(KernelBuilder &kernel,
                                        mlir::OpResult result,
                                        mlir::ValueRange indices);
/// Computes neighbouring elements of `result`, as vectors (ElementVectors.h).
struct VectorPlace;
using VectorFunction = mlir::Value (*)(KernelBuilder &kernel,
                                       mlir::OpResult result,
                                       const VectorPlace &place);
/// Builds the whole code of a kernel whose anchor is `op`: its results, and
/// those of ops after it in the region (an epilogue), end up in their buffers.
using EmitterFunction = llvm::LogicalResult (*)(KernelBuilder &kernel,
                                                mlir::Operation *op);

/// How ops that are not elementwise become code, by op name.
struct EmitterRegistry {
  llvm::StringMap<ElementFunction> elements;
  llvm::StringMap<EmitterFunction> kernels;
  /// Ops whose elements take less to compute than to write and read.
  llvm::StringMap<VectorFunction> vectors;
  /// Those of them whose operands broadcast to the result, as those of
  /// elementwise ops do.
  llvm::StringSet<> broadcasting;
  /// Those that read each element of operands of the result's rank at most
  /// once, in another place. The places of lanes that are off may lie outside
  /// of such an operand.
  llvm::StringSet<> moving;
  /// Ops whose kernels read each element of their first operand once, and take
  /// one that is computed inside as they do one in memory.
  llvm::StringSet<> streaming;
  /// Ops whose kernels count subnormal f32 as zero, epilogues included: they
  /// sum up so much that such numbers make no difference, but they would take
  /// many times as long.
  llvm::StringSet<> flushing;
  /// Ops whose kernels interleave chains of scalar instructions, which LLVM
  /// must not make slower vectors of.
  llvm::StringSet<> interleaving;

  template <typename OpTy> void addElement(ElementFunction function) {
    elements[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addKernel(EmitterFunction function) {
    kernels[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addVector(VectorFunction function) {
    vectors[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addBroadcastingVector(VectorFunction function) {
    addVector<OpTy>(function);
    broadcasting.insert(OpTy::getOperationName());
  }
  template <typename OpTy> void addMovingVector(VectorFunction function) {
    addVector<OpTy>(function);
    moving.insert(OpTy::getOperationName());
  }
  template <typename... OpTys> void streamOperands() {
    (streaming.insert(OpTys::getOperationName()), ...);
  }
  template <typename... OpTys> void flushSubnormals() {
    (flushing.insert(OpTys::getOperationName()), ...);
  }
  template <typename OpTy> void keepScalars() {
    interleaving.insert(OpTy::getOperationName());
  }
};

/// Stores every yielded value element by element.
llvm::LogicalResult emitElementKernel(KernelBuilder &kernel);

/// Builds a kernel that has nothing but elementwise ops and yields one value.
llvm::LogicalResult emitMapKernel(KernelBuilder &kernel);

/// Builds the code of a kernel at the builder's position; all arguments and
/// yielded values are bound to buffers.
llvm::LogicalResult emitKernel(KernelBuilder &kernel);

/// The registry with all families; see lib/Codegen/EmitterRegistry.cpp.
const EmitterRegistry &emitterRegistry();

// One function per op family, in the file of the same name.
void registerIndexingEmitters(EmitterRegistry &registry);
void registerLinearAlgebraEmitters(EmitterRegistry &registry);
void registerMovementEmitters(EmitterRegistry &registry);
void registerColumnsToImageEmitters(EmitterRegistry &registry);
void registerResamplingEmitters(EmitterRegistry &registry);
void registerResizeEmitters(EmitterRegistry &registry);
void registerRoiAlignEmitters(EmitterRegistry &registry);
void registerSelectionEmitters(EmitterRegistry &registry);
void registerSpectralEmitters(EmitterRegistry &registry);
void registerTensorEmitters(EmitterRegistry &registry);
void registerTransposeEmitters(EmitterRegistry &registry);
void registerTreeEmitters(EmitterRegistry &registry);
void registerContractionEmitters(EmitterRegistry &registry);
void registerConvolutionElements(EmitterRegistry &registry);
void registerConvolutionEmitters(EmitterRegistry &registry);
void registerNormalizationEmitters(EmitterRegistry &registry);
void registerPairwiseCouplingEmitters(EmitterRegistry &registry);
void registerPoolingEmitters(EmitterRegistry &registry);
void registerRandomEmitters(EmitterRegistry &registry);
void registerRecurrentEmitters(EmitterRegistry &registry);
void registerReductionEmitters(EmitterRegistry &registry);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_KERNELBUILDER_H
