//===- SizeChecker.h - Checks of the sizes that one op meets ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_HOST_SIZECHECKER_H
#define SLUICE_LIB_TRANSFORMS_HOST_SIZECHECKER_H

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Graph/SizeResolver.h"
#include "llvm/ADT/STLExtras.h"

namespace sluice {

inline constexpr llvm::StringLiteral broadcastMessage =
    "the sizes of the operands do not broadcast";
inline constexpr llvm::StringLiteral channelsMessage =
    "the number of channels does not fit the weights";

template <typename OpTy>
inline constexpr bool isElementwise =
    OpTy::template hasTrait<ElementwiseOpInterface::Trait>();

/// Ops that take any sizes, and those whose demands are seen to elsewhere.
template <typename OpTy>
inline constexpr bool demandsNothing = llvm::is_one_of<
    OpTy,
    // Their results have a place for every element, or every index, that there
    // is. Indices are looked at one by one when kernels run.
    ConstantOp, ShapeOp, IotaOp, TransposeOp, UnsqueezeOp, CumulateOp, ReduceOp,
    ReduceAxesOp, SoftmaxOp, LogSoftmaxOp, GatherOp, GatherElementsOp,
    NonZeroCountOp, NonZeroOp, UniqueOp, RandomKeyOp,
    // Loops count to the size of what they take elements of, and are made with
    // the checks that this needs.
    ElementOp,
    // Passes that run later make these of ops that have been checked.
    ScanOp, YieldOp, PackedConstantOp, PackedMatmulOp, PackedConvOp,
    PackedConvTransposeOp, PackedGatherOp>::value;

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

  //===--------------------------------------------------------------------===//
  // What each op demands of the sizes it meets. Every op of the dialect has
  // an overload or is in `demandsNothing`; one that has neither does not
  // compile.
  //===--------------------------------------------------------------------===//

  template <typename OpTy, std::enable_if_t<isElementwise<OpTy>, int> = 0>
  void demand(OpTy) {
    checkBroadcasting();
  }
  template <typename OpTy, std::enable_if_t<demandsNothing<OpTy>, int> = 0>
  void demand(OpTy) {}

  // Products, convolutions and other windows.
  void demand(MatmulOp matmul);
  void demand(ConvOp conv);
  void demand(ConvTransposeOp conv);
  void demand(DeformConvOp conv);
  void demand(MaxPoolOp pool) { checkPool(pool); }
  void demand(MaxPoolIndicesOp pool) { checkPool(pool); }
  void demand(AveragePoolOp pool) { checkPool(pool); }
  void demand(LpPoolOp pool) { checkPool(pool); }
  void demand(ColumnsToImageOp columns);
  // Shapes and places.
  void demand(ReshapeOp reshape);
  void demand(SqueezeOp squeeze);
  void demand(BroadcastOp broadcast);
  void demand(ConcatOp concat);
  void demand(SliceOp slice);
  void demand(PadOp pad) { checkWidths(pad); }
  void demand(ExtendOp extend) { checkWidths(extend); }
  void demand(TileOp tile);
  void demand(ReverseSequenceOp reverse);
  void demand(SetElementOp set);
  void demand(AppendOp append);
  // Elements chosen by indices.
  void demand(GatherNDOp gather);
  void demand(ScatterElementsOp scatter);
  void demand(ScatterNDOp scatter);
  void demand(OneHotOp hot);
  void demand(TopKOp top);
  void demand(NonMaxSuppressionOp suppression);
  // Images.
  void demand(ResizeOp resize);
  void demand(GridSampleOp sample);
  void demand(RoiAlignOp align);
  // Others.
  void demand(ArgMaxOp choice) { checkChoice(choice); }
  void demand(ArgMinOp choice) { checkChoice(choice); }
  void demand(BatchNormOp norm);
  void demand(LayerNormOp norm) { checkNorm(norm); }
  void demand(RmsNormOp norm) { checkNorm(norm); }
  void demand(DeterminantOp determinant) { checkSquare(determinant); }
  void demand(InverseOp inverse) { checkSquare(inverse); }
  void demand(RecurrenceOp recurrence);
  void demand(FourierTransformOp transform);
  void demand(RangeOp range);
  void demand(RandomOp random);
  void demand(TreeEnsembleOp trees);
  void demand(PairwiseCouplingOp coupling);
  void demand(mlir::tensor::CastOp cast);

  void checkBroadcasting();
  void checkWindow(mlir::OpFoldResult size, const Window &window);
  template <typename OpTy> void checkConvolution(OpTy conv);
  template <typename OpTy> void checkPool(OpTy pool);
  template <typename OpTy> void checkWidths(OpTy pad);
  template <typename OpTy> void checkNorm(OpTy norm);
  template <typename OpTy> void checkChoice(OpTy choice);
  template <typename OpTy> void checkSquare(OpTy op);

  mlir::OpBuilder &builder;
  SizeResolver &resolver;
  mlir::Operation *op;
  mlir::Location loc;
  int64_t count = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_HOST_SIZECHECKER_H
