//===- BodyBuilder.h - Arithmetic on scalars or vectors ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Short names for the arith and math ops that elementwise bodies are made of;
// the same call works on scalars and on vectors.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_BODYBUILDER_H
#define SLUICE_DIALECTS_SLUICE_BODYBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace sluice {

struct BodyBuilder {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  template <typename OpTy, typename... Args> mlir::Value make(Args... args) {
    return OpTy::create(builder, loc, args...);
  }

  /// A float constant of the (scalar or vector) type of `like`.
  mlir::Value constant(mlir::Value like, double number) {
    mlir::Type type = like.getType();
    auto element =
        llvm::cast<mlir::FloatType>(mlir::getElementTypeOrSelf(type));
    return splat(type, builder.getFloatAttr(element, number));
  }
  /// An integer constant of the (scalar or vector) type of `like`.
  mlir::Value integer(mlir::Value like, int64_t number) {
    mlir::Type type = like.getType();
    auto element =
        llvm::cast<mlir::IntegerType>(mlir::getElementTypeOrSelf(type));
    return splat(type, builder.getIntegerAttr(
                           element, llvm::APInt(element.getWidth(), number,
                                                /*isSigned=*/true,
                                                /*implicitTrunc=*/true)));
  }
  /// The constant `like`'s type's zero.
  mlir::Value zero(mlir::Value like) {
    return isFloat(like) ? constant(like, 0.0) : integer(like, 0);
  }

  static bool isFloat(mlir::Value value) {
    return llvm::isa<mlir::FloatType>(
        mlir::getElementTypeOrSelf(value.getType()));
  }
  /// `element` in the shape (scalar or vector) of `like`.
  static mlir::Type withElement(mlir::Value like, mlir::Type element) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(like.getType()))
      return vector.clone(element);
    return element;
  }

  mlir::Value add(mlir::Value a, mlir::Value b) {
    return isFloat(a) ? make<mlir::arith::AddFOp>(a, b)
                      : make<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return isFloat(a) ? make<mlir::arith::SubFOp>(a, b)
                      : make<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return isFloat(a) ? make<mlir::arith::MulFOp>(a, b)
                      : make<mlir::arith::MulIOp>(a, b);
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return make<mlir::arith::DivFOp>(a, b);
  }
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value a,
                      mlir::Value b) {
    return make<mlir::arith::CmpFOp>(predicate, a, b);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b) {
    return make<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return make<mlir::arith::SelectOp>(condition, a, b);
  }
  /// The larger float, or NaN where one of both is; cheapest where `b` is what
  /// a loop carries, since NaN of it stays by itself.
  mlir::Value maximumOrNan(mlir::Value a, mlir::Value b) {
    using mlir::arith::CmpFPredicate;
    b = select(compare(CmpFPredicate::OGT, a, b), a, b);
    return select(compare(CmpFPredicate::UNO, a, a), a, b);
  }
  /// min(max(x, low), high) in the form that is one instruction each; NaN
  /// passes through.
  mlir::Value clamp(mlir::Value x, mlir::Value low, mlir::Value high) {
    using mlir::arith::CmpFPredicate;
    x = select(compare(CmpFPredicate::OLT, x, low), low, x);
    return select(compare(CmpFPredicate::OGT, x, high), high, x);
  }

private:
  mlir::Value splat(mlir::Type type, mlir::TypedAttr scalar) {
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type)) {
      mlir::TypedAttr dense = mlir::DenseElementsAttr::get(
          vector, llvm::ArrayRef<mlir::Attribute>(scalar));
      return make<mlir::arith::ConstantOp>(dense);
    }
    return make<mlir::arith::ConstantOp>(scalar);
  }
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_BODYBUILDER_H
