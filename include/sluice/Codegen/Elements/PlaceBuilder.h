//===- PlaceBuilder.h - Places between elements -----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_PLACEBUILDER_H
#define SLUICE_CODEGEN_ELEMENTS_PLACEBUILDER_H

#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

namespace sluice {

/// Float arithmetic on places, with short names.
struct PlaceBuilder : BodyBuilder {
  explicit PlaceBuilder(KernelBuilder &kernel)
      : BodyBuilder{kernel.builder, kernel.loc}, kernel(kernel) {}

  mlir::Value real(double number, mlir::Type type) {
    return make<mlir::arith::ConstantOp>(
        builder.getFloatAttr(mlir::cast<mlir::FloatType>(type), number));
  }
  mlir::Value fromIndex(mlir::Value index, mlir::Type type) {
    mlir::Value integer = kernel.fromIndex(index, builder.getI64Type());
    return mlir::arith::SIToFPOp::create(builder, loc, type, integer);
  }
  mlir::Value floor(mlir::Value x) { return make<mlir::math::FloorOp>(x); }
  mlir::Value ceil(mlir::Value x) { return make<mlir::math::CeilOp>(x); }
  mlir::Value max(mlir::Value a, mlir::Value b) {
    return select(compare(mlir::arith::CmpFPredicate::OGT, a, b), a, b);
  }
  mlir::Value min(mlir::Value a, mlir::Value b) {
    return select(compare(mlir::arith::CmpFPredicate::OLT, a, b), a, b);
  }
  /// Towards zero; far places and NaN become some number that an index can
  /// hold.
  mlir::Value toIndex(mlir::Value x) {
    x = min(max(x, constant(x, -1e9)), constant(x, 1e9));
    mlir::Value integer =
        mlir::arith::FPToSIOp::create(builder, loc, builder.getI64Type(), x);
    return mlir::arith::IndexCastOp::create(builder, loc,
                                            builder.getIndexType(), integer);
  }
  /// To f32 or f64.
  mlir::Value convert(mlir::Value x, mlir::Type type) {
    if (x.getType() == type)
      return x;
    if (type.isF64())
      return mlir::arith::ExtFOp::create(builder, loc, type, x);
    return mlir::arith::TruncFOp::create(builder, loc, type, x);
  }

  KernelBuilder &kernel;
};

/// The weights of four elements around a place that is `t` behind the second;
/// `a` is the coefficient of the cubic convolution (R. G. Keys, 1981).
llvm::SmallVector<mlir::Value> cubicWeights(PlaceBuilder &at, mlir::Value t,
                                            double a);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_PLACEBUILDER_H
