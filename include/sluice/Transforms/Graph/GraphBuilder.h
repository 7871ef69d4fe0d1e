//===- GraphBuilder.h - Formulas in graph ops -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What graph passes share: reading constants, and building ops that read like
// formulas. Operands must fit each other; result types are inferred.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_GRAPH_GRAPHBUILDER_H
#define SLUICE_TRANSFORMS_GRAPH_GRAPHBUILDER_H

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// The number that all elements of a constant have, if they have one.
std::optional<double> getSplatNumber(mlir::Value value);

/// Is every element of the constant about this number? Exporters round the
/// constants of formulas in f32 or f16, and write them with a few digits.
bool isAbout(mlir::Value value, double number);

/// Is the value made of constants alone?
bool isConstantExpression(mlir::Value value);

/// Does nothing but `user` read the value?
bool isOnlyReadBy(mlir::Value value, mlir::Operation *user);

/// Can a value of this shape be added to one of shape `target` without
/// changing that shape?
bool broadcastsTo(mlir::Value value, llvm::ArrayRef<int64_t> target);

class GraphBuilder {
public:
  GraphBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  template <typename OpTy, typename... Args> mlir::Value make(Args &&...args) {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) { return make<AddOp>(a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return make<SubOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return make<MulOp>(a, b); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return make<DivOp>(a, b); }

  /// A scalar.
  mlir::Value number(mlir::Type elementType, double value);
  /// The value itself where it has the element type already.
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  /// At most one size may be dynamic: it is what is left. The value itself
  /// where it has the shape already.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value reduce(mlir::Value value, ReductionKind kind,
                     llvm::ArrayRef<int64_t> axes, bool keepDims);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace sluice

#endif // SLUICE_TRANSFORMS_GRAPH_GRAPHBUILDER_H
