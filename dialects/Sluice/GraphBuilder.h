//===- GraphBuilder.h - Formulas in graph ops -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Building ops that read like formulas: in decompositions and graph passes,
// where operands fit each other (GraphBuilder), and in the import, where they
// may not (lib/Import/Composition.h). Result types are inferred.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_GRAPHBUILDER_H
#define SLUICE_DIALECTS_SLUICE_GRAPHBUILDER_H

#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Sluice.h"

namespace sluice {

/// A scalar (rank 0) constant. Integer types have their largest or smallest
/// number for those that no 64 bits hold.
mlir::Value createScalar(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Type elementType, double value);

/// The words of formulas. `Derived` has
///
///   template <typename OpTy>
///   mlir::Value make(mlir::ValueRange operands,
///                    llvm::ArrayRef<mlir::NamedAttribute> attributes);
///
/// which may give null where it makes no op, and takes such values for
/// operands.
template <typename Derived> class FormulaBuilder {
public:
  FormulaBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value add(mlir::Value a, mlir::Value b) { return build<AddOp>({a, b}); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return build<SubOp>({a, b}); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return build<MulOp>({a, b}); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return build<DivOp>({a, b}); }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return build<SelectOp>({condition, a, b});
  }
  /// A scalar.
  mlir::Value number(mlir::Type elementType, double value) {
    return createScalar(builder, loc, elementType, value);
  }
  /// A scalar of the element type of `like`.
  mlir::Value number(mlir::Value like, double value) {
    return like ? number(elementTypeOf(like), value) : like;
  }
  /// The value itself where it has the element type already.
  mlir::Value cast(mlir::Value value, mlir::Type elementType) {
    if (!value || elementTypeOf(value) == elementType)
      return value;
    return build<CastOp>(value, named("to", mlir::TypeAttr::get(elementType)));
  }
  /// At most one size may be dynamic (or -1): it is what is left. The value
  /// itself where it has the shape already.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape) {
    if (!value || shapeOf(value) == shape)
      return value;
    auto sizes = llvm::to_vector(shape);
    llvm::replace(sizes, mlir::ShapedType::kDynamic, int64_t(-1));
    return build<ReshapeOp>({value, createShapeConstant(builder, loc, sizes)},
                            flag("allow_zero"));
  }
  mlir::Value transpose(mlir::Value value,
                        llvm::ArrayRef<int64_t> permutation) {
    return build<TransposeOp>(value, integers("permutation", permutation));
  }
  /// Inserts dimensions of size one; `axes` are places in the result.
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes) {
    return build<UnsqueezeOp>(value, integers("axes", sorted(axes)));
  }
  /// Drops dimensions (of size one).
  mlir::Value squeeze(mlir::Value value, llvm::ArrayRef<int64_t> axes) {
    return build<SqueezeOp>(value, integers("axes", sorted(axes)));
  }
  mlir::Value reduce(mlir::Value value, ReductionKind kind,
                     llvm::ArrayRef<int64_t> axes, bool keepDims = true) {
    llvm::SmallVector<mlir::NamedAttribute> attributes = {
        named("kind", ReductionKindAttr::get(builder.getContext(), kind)),
        integers("axes", sorted(axes))};
    if (keepDims)
      attributes.push_back(flag("keep_dims"));
    return build<ReduceOp>(value, attributes);
  }

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  template <typename OpTy>
  mlir::Value build(mlir::ValueRange operands,
                    llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    return static_cast<Derived *>(this)->template make<OpTy>(operands,
                                                             attributes);
  }
  mlir::NamedAttribute named(llvm::StringRef name, mlir::Attribute value) {
    return builder.getNamedAttr(name, value);
  }
  mlir::NamedAttribute flag(llvm::StringRef name) {
    return named(name, builder.getUnitAttr());
  }
  mlir::NamedAttribute integers(llvm::StringRef name,
                                llvm::ArrayRef<int64_t> values) {
    return named(name, builder.getDenseI64ArrayAttr(values));
  }
  static llvm::SmallVector<int64_t> sorted(llvm::ArrayRef<int64_t> axes) {
    llvm::SmallVector<int64_t> result(axes);
    llvm::sort(result);
    return result;
  }
};

/// For operands that fit each other.
class GraphBuilder : public FormulaBuilder<GraphBuilder> {
public:
  using FormulaBuilder::FormulaBuilder;

  /// Takes what one of the op's builders does.
  template <typename OpTy, typename... Args> mlir::Value make(Args &&...args) {
    return OpTy::create(builder, loc, std::forward<Args>(args)...);
  }
};

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_GRAPHBUILDER_H
