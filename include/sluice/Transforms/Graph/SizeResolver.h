//===- SizeResolver.h - Sizes in terms of a function's inputs ---*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_GRAPH_SIZERESOLVER_H
#define SLUICE_TRANSFORMS_GRAPH_SIZERESOLVER_H

#include "dialects/Sluice/SizeBuilder.h"
#include "dialects/Sluice/Sluice.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace sluice {

/// Computes the sizes of tensors from those of function arguments, and of
/// other values that no op of the dialect defines, so that no size depends on
/// a tensor that another pass may want to fuse away. Each size is computed
/// once, where its tensor is defined; dimensions of one name are one size.
class SizeResolver {
public:
  SizeResolver(mlir::OpBuilder &builder) : builder(builder) {}

  /// Computes the result sizes of an op whose operands were seen before. Fails
  /// where the op cannot tell them; `size` then asks the tensor.
  llvm::LogicalResult visit(mlir::Operation *op);
  mlir::OpFoldResult size(mlir::Value tensor, int64_t dimension);
  /// Replaces the questions for sizes among the ops between `before` (null for
  /// the block's first) and `op`, and what folds because of the answers; `made`
  /// are values of these ops, which are kept up to date.
  void resolve(mlir::Operation *before, mlir::Operation *op,
               llvm::MutableArrayRef<mlir::OpFoldResult> made = {});

private:
  /// The same size of an earlier input, or the dimension itself.
  mlir::OpFoldResult argumentSize(mlir::BlockArgument argument,
                                  int64_t dimension);

  /// Another value for the op's only result, computed in front of it, or null.
  mlir::Value simplify(mlir::Operation *op);
  /// A size that is known as its attribute.
  mlir::OpFoldResult getFoldedSize(mlir::OpFoldResult size);

  mlir::OpBuilder &builder;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::OpFoldResult> sizes;
  llvm::StringMap<mlir::OpFoldResult> named;
};

} // namespace sluice

#endif // SLUICE_TRANSFORMS_GRAPH_SIZERESOLVER_H
