//===- Composition.h - Operators made of several ops ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_COMPOSITION_H
#define SLUICE_LIB_IMPORT_COMPOSITION_H

#include "NodeContext.h"
#include "SizeVectors.h"

namespace sluice {

/// Builds expressions of ops. The first failure makes every later step do
/// nothing and comes out of `finish`, so formulas read like formulas:
///
///   Composition ops(node);
///   Value centred = ops.sub(x, ops.mean(x, axes));
///   return ops.finish({ops.mul(centred, scale)});
///
/// Values are null once something failed, and must not be looked into then:
/// ask `failed()` first.
class Composition {
public:
  explicit Composition(NodeContext &node) : node(node) {}
  Composition(const Composition &) = delete;
  Composition &operator=(const Composition &) = delete;
  ~Composition() { llvm::consumeError(std::move(error)); }

  bool failed() const { return hasFailed; }
  llvm::Expected<Values> finish(Values results) {
    if (hasFailed)
      return std::move(error);
    return results;
  }
  llvm::Expected<mlir::Value> finishValue(mlir::Value result) {
    if (hasFailed)
      return std::move(error);
    return result;
  }
  /// Fails with an error of the node.
  mlir::Value fail(llvm::Error reason) {
    if (hasFailed) {
      llvm::consumeError(std::move(reason));
    } else {
      llvm::consumeError(std::move(error));
      error = std::move(reason);
      hasFailed = true;
    }
    return nullptr;
  }

  template <typename OpTy>
  mlir::Value make(mlir::ValueRange operands,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    if (hasFailed || !llvm::all_of(operands, [](mlir::Value v) { return !!v; }))
      return nullptr;
    return unwrap(node.create<OpTy>(operands, attributes));
  }
  mlir::Value unwrap(llvm::Expected<mlir::Value> value) {
    if (!value)
      return fail(value.takeError());
    return *value;
  }

  mlir::Value add(mlir::Value a, mlir::Value b) { return make<AddOp>({a, b}); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return make<SubOp>({a, b}); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return make<MulOp>({a, b}); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return make<DivOp>({a, b}); }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return make<SelectOp>({condition, a, b});
  }
  /// A scalar of the element type of `like`.
  mlir::Value number(mlir::Value like, double value) {
    return like ? node.scalar(elementTypeOf(like), value) : nullptr;
  }
  mlir::Value cast(mlir::Value value, mlir::Type elementType) {
    return value ? unwrap(node.cast(value, elementType)) : nullptr;
  }
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> sizes) {
    return value ? unwrap(node.reshape(value, sizes)) : nullptr;
  }
  /// Reshapes to the sizes of another value.
  mlir::Value reshapeLike(mlir::Value value, mlir::Value like) {
    return make<ReshapeOp>({value, shape(like)}, node.flag("allow_zero"));
  }
  /// Reshapes where zeros copy sizes.
  mlir::Value reshapeCopying(mlir::Value value, llvm::ArrayRef<int64_t> sizes) {
    return make<ReshapeOp>({value, node.constantVector(sizes)});
  }
  mlir::Value shape(mlir::Value value) {
    return value ? unwrap(node.shapeVector(value)) : nullptr;
  }
  mlir::Value transpose(mlir::Value value,
                        llvm::ArrayRef<int64_t> permutation) {
    return value ? unwrap(node.transpose(value, permutation)) : nullptr;
  }
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes) {
    return value ? unwrap(node.unsqueeze(value, axes)) : nullptr;
  }
  mlir::Value squeeze(mlir::Value value, llvm::ArrayRef<int64_t> axes) {
    return value ? unwrap(node.squeeze(value, axes)) : nullptr;
  }
  mlir::Value concat(mlir::ValueRange operands, int64_t axis) {
    return make<ConcatOp>(operands, node.integer("axis", axis));
  }
  /// x[..., start:end:step, ...] along one dimension.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start, int64_t end,
                    int64_t step = 1) {
    return value ? unwrap(sliceAxis(node, value, axis, start, end, step))
                 : nullptr;
  }
  /// The size of a dimension as a one-element vector.
  mlir::Value size(mlir::Value value, int64_t dimension) {
    return value ? unwrap(sizeVector(node, value, dimension)) : nullptr;
  }
  /// Reshapes to sizes that are vectors of one element each.
  mlir::Value reshapeTo(mlir::Value value, llvm::ArrayRef<mlir::Value> sizes) {
    if (!value || !llvm::all_of(sizes, [](mlir::Value v) { return !!v; }))
      return nullptr;
    return unwrap(sluice::reshapeTo(node, value, sizes));
  }
  mlir::Value reduce(mlir::Value value, ReductionKind kind,
                     llvm::ArrayRef<int64_t> axes, bool keepDims = true) {
    llvm::SmallVector<int64_t> sorted(axes);
    llvm::sort(sorted);
    llvm::SmallVector<mlir::NamedAttribute> attributes = {
        node.attribute("kind",
                       ReductionKindAttr::get(node.builder.getContext(), kind)),
        node.ints("axes", sorted)};
    if (keepDims)
      attributes.push_back(node.flag("keep_dims"));
    return make<ReduceOp>(value, attributes);
  }

  NodeContext &node;

private:
  llvm::Error error = llvm::Error::success();
  bool hasFailed = false;
};

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_COMPOSITION_H
