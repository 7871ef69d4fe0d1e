//===- SizeConditions.h - What ops demand of sizes --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels rely on sizes that fit. Ops say by `SizeConditionsOpInterface` what
// they demand of them; what becomes of that is another's: an assertion in front
// of the op, for example.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_SIZECONDITIONS_H
#define SLUICE_DIALECTS_SLUICE_SIZECONDITIONS_H

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace sluice {

inline constexpr llvm::StringLiteral broadcastMessage =
    "the sizes of the operands do not broadcast";
inline constexpr llvm::StringLiteral channelsMessage =
    "the number of channels does not fit the weights";
inline constexpr llvm::StringLiteral negativeSizeMessage =
    "a wanted size is negative";

/// Takes down the conditions of one op. Sizes are attributes where they are
/// known and index values elsewhere; what is surely so is no condition.
class SizeConditions {
public:
  using Size = mlir::OpFoldResult;
  using Predicate = mlir::arith::CmpIPredicate;

  /// Arithmetic on sizes is built where the builder stands.
  SizeConditions(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}
  virtual ~SizeConditions();

  virtual Size sizeOf(mlir::Value tensor, int64_t dimension);
  /// Where all conditions hold, `result` is `operand`.
  virtual void makeSame(mlir::Value result, mlir::Value operand);

  void require(mlir::Value condition, llvm::StringRef message);
  void requireEqual(Size lhs, Size rhs, llvm::StringRef message);
  void requireNotNegative(Size size, llvm::StringRef message);
  /// A number of the run is far from where sums with sizes overflow.
  void requireModest(Size size, llvm::StringRef message);
  /// The product of two sizes, neither negative, is one.
  void requireProduct(Size lhs, Size rhs, llvm::StringRef message);
  /// The tensor has the sizes in `shape`.
  void requireShape(mlir::Value tensor, llvm::ArrayRef<Size> shape,
                    llvm::StringRef message);
  /// The size both broadcast to.
  Size requireBroadcast(Size lhs, Size rhs);
  /// All operands of an op broadcast to its result.
  void requireBroadcast(mlir::Operation *op);
  /// A window fits a dimension of this size at least once, or there are no
  /// elements.
  void requireWindow(Size size, const Window &window);

  static int64_t rankOf(mlir::Value tensor) { return shapeOf(tensor).size(); }
  Size number(int64_t value) { return builder.getIndexAttr(value); }
  SizeBuilder sizes() { return {builder, loc}; }
  /// Element `index` of a vector of integers.
  Size element(mlir::Value vector, int64_t index);
  /// How many places a window has in a dimension of this size.
  Size countWindows(const Window &window, Size size);
  Size product(llvm::ArrayRef<Size> factors);
  /// What is left of a division.
  Size remainder(Size size, int64_t divisor);

  mlir::Value compare(Predicate predicate, Size lhs, Size rhs);
  mlir::Value both(mlir::Value lhs, mlir::Value rhs);
  mlir::Value either(mlir::Value lhs, mlir::Value rhs);
  /// Is the product of the sizes this number, and not only modulo 2^64?
  mlir::Value isProduct(llvm::ArrayRef<Size> factors, Size product);

protected:
  /// Takes down a condition that may not hold.
  virtual void add(mlir::Value condition, llvm::StringRef message) = 0;

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Each condition becomes an assertion where the builder stands, which a run
/// that breaks it ends at.
class SizeAssertions : public SizeConditions {
public:
  SizeAssertions(mlir::OpBuilder &builder, mlir::Operation *op)
      : SizeConditions(builder, op->getLoc()) {}

private:
  void add(mlir::Value condition, llvm::StringRef message) override;
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_SIZECONDITIONS_H
