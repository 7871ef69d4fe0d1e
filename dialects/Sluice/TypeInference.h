//===- TypeInference.h - Shared shape and type inference --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What the ops' inference and reification functions have in common.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_TYPEINFERENCE_H
#define SLUICE_DIALECTS_SLUICE_TYPEINFERENCE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include <optional>

namespace sluice {

/// A dimension of what an op reads.
struct OperandDimension {
  mlir::OpOperand *operand;
  int64_t dimension;
};

/// The element type of a ranked tensor value.
mlir::Type elementTypeOf(mlir::Value value);

/// The shape of a ranked tensor value.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// The type in which bodies compute a storage type: f16 and bf16 compute in
/// f32; integers lose their signedness.
mlir::Type getComputeType(mlir::Type elementType);

/// Signless integers of 8 or 16 bits: products of 32 bits may read these as
/// they lie in memory.
bool isNarrowInteger(mlir::Type type);

/// What products of elements of two types, in an op whose result has elements
/// of a third one, are added up in by a kernel that has a dot unit for them;
/// null where there is none. Integers on the right, or on both sides where the
/// result has 32 bits, may be narrower, and have a sign then.
mlir::Type getSumType(mlir::Type lhs, mlir::Type rhs, mlir::Type result);

/// Do integers of this element type (bool among them) compare and convert as
/// unsigned numbers?
bool isUnsignedType(mlir::Type elementType);
bool isUnsignedTensor(mlir::Value value);

/// May an op have result types `rhs` where `lhs` was inferred? Element types
/// and ranks must agree, sizes must not contradict each other.
bool areTypesCompatible(mlir::TypeRange lhs, mlir::TypeRange rhs);

/// The NumPy broadcast of two shapes; none if they do not fit. A dynamic size
/// meets a static size above one in that static size.
std::optional<llvm::SmallVector<int64_t>>
broadcastShapes(llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs);

/// Infers the type of an elementwise op: the operands' broadcast shape with
/// the given element type.
llvm::LogicalResult
inferElementwiseType(std::optional<mlir::Location> location,
                     mlir::ValueRange operands, mlir::Type elementType,
                     llvm::SmallVectorImpl<mlir::Type> &types);

/// Reifies the broadcast shape of an elementwise op's operands.
llvm::LogicalResult
reifyElementwiseShape(mlir::OpBuilder &builder, mlir::Operation *op,
                      mlir::ReifiedRankedShapedTypeDims &shapes);

/// The operand dimension that alone decides on a dimension of an elementwise
/// op's result; none if there may be several.
std::optional<OperandDimension> getElementwiseSizeSource(mlir::Operation *op,
                                                         int64_t dimension);

/// The size of one dimension: an attribute where it is static, otherwise a
/// `tensor.dim`.
mlir::OpFoldResult getDimension(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value tensor, int64_t dimension);

/// All sizes of a tensor, as `getDimension` gives them.
llvm::SmallVector<mlir::OpFoldResult>
getDimensions(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor);

/// The run-time size of two broadcast sizes.
mlir::OpFoldResult broadcastSizes(mlir::OpBuilder &builder, mlir::Location loc,
                                  mlir::OpFoldResult lhs,
                                  mlir::OpFoldResult rhs);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_TYPEINFERENCE_H
