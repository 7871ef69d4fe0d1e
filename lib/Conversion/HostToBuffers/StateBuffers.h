//===- StateBuffers.h - Tensors in the memory of states ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_STATEBUFFERS_H
#define SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_STATEBUFFERS_H

#include "BlockCopies.h"
#include "Translator.h"
#include "sluice/Analysis/StateViews.h"

namespace sluice {

/// Translates states that grow. Their tensors are the beginning of a longer
/// buffer, the state's memory: kernels that can read them there get a buffer
/// with strides, all others a copy.
class StateBuffers {
public:
  StateBuffers(Translator &translator, mlir::func::FuncOp main)
      : translator(translator), main(main), views(main, translator.sizes) {}

  /// Is an argument of `main` a state that grows?
  bool isState(mlir::BlockArgument argument) const {
    return views.findAxis(argument).has_value();
  }
  void bindArgument(mlir::BlockArgument argument);
  /// Binds a state that kernels update where it lies.
  llvm::LogicalResult bindInPlace(mlir::BlockArgument argument,
                                  StateAttr state);
  void translateGrow(GrowStateOp op);
  /// Binds a view of a state; false for other aliases.
  bool translateAlias(kernel::AliasOp op);
  bool translateCast(mlir::tensor::CastOp op);
  /// The buffer with strides for an operand of a kernel that asks for one.
  mlir::Value getStrided(mlir::Value tensor, mlir::Type type,
                         mlir::Location loc);
  /// Is a result of `main` there already, because it is a state's output?
  bool isInPlace(mlir::Value tensor, int64_t output) const;

private:
  /// The first `length` along `axis` of `room`, a contiguous buffer.
  struct View {
    mlir::Value room;
    int64_t axis = 0;
    mlir::Value length;
  };

  void bind(mlir::Value tensor, const View &view, mlir::Location loc);
  bool needsCopy(mlir::Value tensor) const;
  mlir::Value makeCopy(mlir::Value tensor, const View &view,
                       mlir::Location loc);
  /// The product of a buffer's sizes from `begin` to before `end`.
  mlir::Value sizeProduct(mlir::Value buffer, int64_t begin, int64_t end,
                          mlir::Location loc);
  /// Copies what `axis` and the dimensions behind it hold, once for each place
  /// in front of it: `outer` blocks of `count` elements.
  void copyBlocks(const Blocks &source, const Blocks &target, mlir::Value outer,
                  mlir::Value count, mlir::Location loc);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs, mlir::Location loc) {
    return translator.builder.createOrFold<mlir::arith::MulIOp>(loc, lhs, rhs);
  }
  mlir::Value index(int64_t value, mlir::Location loc) {
    return mlir::arith::ConstantIndexOp::create(translator.builder, loc, value);
  }
  /// The dynamic sizes of a view's tensor, with `size` along its axis.
  llvm::SmallVector<mlir::Value> sizesWith(const View &view, mlir::Value size,
                                           mlir::Location loc);

  Translator &translator;
  mlir::func::FuncOp main;
  StateViews views;
  llvm::DenseMap<mlir::Value, View> viewOf;
  /// The kernels that copy blocks, by element type.
  llvm::DenseMap<mlir::Type, mlir::StringAttr> copies;
};

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_STATEBUFFERS_H
