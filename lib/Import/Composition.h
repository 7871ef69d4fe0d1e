//===- Composition.h - Operators made of several ops ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_COMPOSITION_H
#define SLUICE_LIB_IMPORT_COMPOSITION_H

#include "NodeContext.h"
#include "SizeVectors.h"
#include "dialects/Sluice/GraphBuilder.h"

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
class Composition : public FormulaBuilder<Composition> {
public:
  explicit Composition(NodeContext &node)
      : FormulaBuilder(node.builder, node.loc), node(node) {}
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

  NodeContext &node;

private:
  llvm::Error error = llvm::Error::success();
  bool hasFailed = false;
};

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_COMPOSITION_H
