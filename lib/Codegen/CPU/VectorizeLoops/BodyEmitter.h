//===- BodyEmitter.h - The body of a generic op on vectors ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_BODYEMITTER_H
#define SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_BODYEMITTER_H

#include "IterationSpace.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"

namespace sluice::loops {

/// A value of the body for all lanes at once: a vector, or a scalar `value`
/// that in lane i stands for `value + i * step`.
struct LaneValue {
  mlir::Value value;
  int64_t step = 0;
  bool isVector = false;

  static LaneValue uniform(mlir::Value value) { return {value, 0, false}; }
  static LaneValue vector(mlir::Value value) { return {value, 0, true}; }
  bool isUniform() const { return !isVector && step == 0; }
};

/// The type a storage type is computed in.
mlir::Type computeType(mlir::Type type);

/// Whether a body can be emitted for several lanes: elementwise operations, and
/// loads from plain buffers.
bool isVectorizable(mlir::Block &body);

/// Emits a generic op's body for `lanes` iterations at once.
class BodyEmitter {
public:
  using IndexOfLoop = llvm::function_ref<LaneValue(unsigned dimension)>;

  /// `mask` says which lanes exist; null: all.
  BodyEmitter(mlir::OpBuilder &builder, mlir::Location loc, unsigned lanes,
              mlir::Value mask)
      : builder(builder), loc(loc), lanes(lanes), mask(mask) {}

  /// Emits the body for these block arguments. Returns what it yields, in
  /// compute types.
  llvm::SmallVector<LaneValue> emit(mlir::Block &body,
                                    llvm::ArrayRef<LaneValue> arguments,
                                    IndexOfLoop index);
  /// Emits a body that is not vectorisable, on storage types, for one lane.
  llvm::SmallVector<mlir::Value>
  clone(mlir::Block &body, mlir::ValueRange arguments, IndexOfLoop index);

  /// The value of an access whose neighbouring lanes are `stride` elements
  /// apart, in its compute type.
  LaneValue load(const Access &access, mlir::Value offset,
                 IndexBuilder::Index stride);
  /// Stores to neighbouring elements.
  void store(const Access &access, mlir::Value offset, LaneValue value);
  /// Stores elements of two vectors in turns.
  void storeWoven(const Access &access, mlir::Value offset, mlir::Value even,
                  mlir::Value odd);
  /// Loads and stores of one element in its storage type.
  mlir::Value loadElement(const Access &access, mlir::Value offset);
  void storeElement(const Access &access, mlir::Value offset,
                    mlir::Value value);

  mlir::Value toVector(LaneValue value);
  /// Storage to compute type and back; rounds.
  mlir::Value extend(mlir::Value value);
  mlir::Value truncate(mlir::Value value, mlir::Type elementType);
  /// `op` with other operands of the same element types.
  mlir::Value cloneOnto(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs);

private:
  mlir::Type withLanes(mlir::Type elementType) const;
  LaneValue emitOperation(mlir::Operation *op);
  LaneValue emitElementwise(mlir::Operation *op);
  LaneValue emitConstant(mlir::Operation *op);
  std::optional<LaneValue> emitLinear(mlir::Operation *op);
  std::optional<LaneValue> emitFloatConversion(mlir::Operation *op);
  LaneValue emitLoad(mlir::memref::LoadOp op);
  LaneValue emitGather(mlir::memref::LoadOp op,
                       llvm::ArrayRef<LaneValue> indices);
  LaneValue gather(mlir::Value buffer, mlir::Value offset, mlir::Value indices,
                   mlir::Type elementType);
  mlir::Value allLanes();
  mlir::Value laneNumbers(int64_t step);
  mlir::Value loadVector(mlir::Value buffer, mlir::ValueRange indices);
  mlir::Value loadEveryOther(mlir::Value buffer, mlir::Value offset);
  void storeVector(const Access &access, mlir::Value offset, mlir::Value vector,
                   mlir::Value mask);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  unsigned lanes;
  mlir::Value mask;
  llvm::DenseMap<mlir::Value, LaneValue> values;
};

} // namespace sluice::loops

#endif // SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_BODYEMITTER_H
