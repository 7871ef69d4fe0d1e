//===- SizeChecker.h - Checks of the sizes that one op meets ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_SIZECHECKER_H
#define SLUICE_LIB_TRANSFORMS_SIZECHECKER_H

#include "SizeResolver.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace sluice {

inline constexpr llvm::StringLiteral broadcastMessage =
    "the sizes of the operands do not broadcast";
inline constexpr llvm::StringLiteral channelsMessage =
    "the number of channels does not fit the weights";

/// Puts the checks of one op in front of it.
class Checker {
public:
  Checker(mlir::OpBuilder &builder, SizeResolver &resolver, mlir::Operation *op)
      : builder(builder), resolver(resolver), op(op), loc(op->getLoc()) {}

  /// Returns how many checks were made.
  int64_t check();
  /// The same, of an op whose types contradict each other: every run that comes
  /// to it fails.
  int64_t refuse();

private:
  void require(mlir::Value condition, llvm::StringRef message);
  void requireEqual(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs,
                    llvm::StringRef message);
  void requireNotNegative(mlir::OpFoldResult size, llvm::StringRef message);
  /// A number of the run is far from where sums with sizes overflow.
  void requireModest(mlir::OpFoldResult size, llvm::StringRef message);
  /// The size both broadcast to, which is checked.
  mlir::OpFoldResult requireBroadcast(mlir::OpFoldResult lhs,
                                      mlir::OpFoldResult rhs);
  /// All sizes of the operands from `first` on are those of `shape`.
  void requireShape(mlir::Value tensor,
                    llvm::ArrayRef<mlir::OpFoldResult> shape,
                    llvm::StringRef message);

  mlir::OpFoldResult sizeOf(mlir::Value tensor, int64_t dimension) {
    return resolver.size(tensor, dimension);
  }
  int64_t rankOf(mlir::Value tensor) { return shapeOf(tensor).size(); }
  mlir::OpFoldResult number(int64_t value) {
    return builder.getIndexAttr(value);
  }
  SizeBuilder sizes() { return {builder, loc}; }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate,
                      mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) {
    return builder.createOrFold<mlir::arith::CmpIOp>(
        loc, predicate, sizes().value(lhs), sizes().value(rhs));
  }
  mlir::Value both(mlir::Value lhs, mlir::Value rhs) {
    return builder.createOrFold<mlir::arith::AndIOp>(loc, lhs, rhs);
  }
  mlir::Value either(mlir::Value lhs, mlir::Value rhs) {
    return builder.createOrFold<mlir::arith::OrIOp>(loc, lhs, rhs);
  }
  /// Element `index` of a vector of integers.
  mlir::OpFoldResult element(mlir::Value vector, int64_t index) {
    return readElement(builder, loc, vector, index);
  }
  /// The product of two sizes, neither negative, is one.
  void requireProduct(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs,
                      llvm::StringRef message);
  /// Is the product of the sizes this number, and not only modulo 2^64?
  mlir::Value isProduct(llvm::ArrayRef<mlir::OpFoldResult> factors,
                        mlir::OpFoldResult product);

  void checkElementwise();
  void checkMatmul(MatmulOp matmul);
  void checkWindow(mlir::OpFoldResult size, const Window &window);
  template <typename OpTy> void checkConvolution(OpTy conv);
  void checkConv(ConvOp conv);
  void checkConvTranspose(ConvTransposeOp conv);
  void checkDeformConv(DeformConvOp conv);
  template <typename OpTy> void checkPool(OpTy pool);
  void checkReshape(ReshapeOp reshape);
  void checkBroadcast(BroadcastOp broadcast);
  void checkConcat(ConcatOp concat);
  void checkElement(SetElementOp set);
  void checkElement(AppendOp append);
  template <typename OpTy> void checkWidths(OpTy pad);
  void checkResize(ResizeOp resize);
  void checkColumnsToImage(ColumnsToImageOp columns);
  template <typename OpTy> void checkNorm(OpTy norm);
  void checkRecurrence(RecurrenceOp recurrence);
  void checkCast(mlir::tensor::CastOp cast);
  void checkOthers();

  mlir::OpBuilder &builder;
  SizeResolver &resolver;
  mlir::Operation *op;
  mlir::Location loc;
  int64_t count = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_SIZECHECKER_H
