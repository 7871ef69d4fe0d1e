//===- StateBuffers.cpp - Tensors in the memory of states -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "StateBuffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"

using namespace mlir;
using namespace sluice;

SmallVector<Value> StateBuffers::sizesWith(const View &view, Value size,
                                           Location loc) {
  SmallVector<Value> sizes;
  auto type = cast<MemRefType>(view.room.getType());
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (i == view.axis)
      sizes.push_back(size);
    else if (type.isDynamicDim(i))
      sizes.push_back(
          memref::DimOp::create(translator.builder, loc, view.room, i));
  return sizes;
}

Value StateBuffers::sizeProduct(Value buffer, int64_t begin, int64_t end,
                                Location loc) {
  Value product = index(1, loc);
  for (int64_t i = begin; i < end; ++i)
    product = multiply(
        product, translator.builder.createOrFold<memref::DimOp>(loc, buffer, i),
        loc);
  return product;
}

void StateBuffers::copyBlocks(const Blocks &source, const Blocks &target,
                              Value outer, Value count, Location loc) {
  OpBuilder &builder = translator.builder;
  auto type = MemRefType::get(
      {ShapedType::kDynamic},
      cast<MemRefType>(source.buffer.getType()).getElementType());
  auto part = [&](const Blocks &blocks, Value size) -> Value {
    return kernel::SubviewOp::create(builder, loc, type, blocks.buffer,
                                     blocks.start, size);
  };
  if (getConstantIntValue(outer) == 1) {
    kernel::CopyOp::create(builder, loc, part(source, count),
                           part(target, count));
    return;
  }
  auto rest = [&](const Blocks &blocks) {
    return part(blocks,
                builder.createOrFold<arith::SubIOp>(
                    loc, multiply(outer, blocks.step, loc), blocks.start));
  };
  StringAttr &name = copies[type.getElementType()];
  if (!name) {
    auto main = translator.symbols.lookup<func::FuncOp>("main");
    OpBuilder outside(main);
    name = translator.symbols.insert(
        makeBlockCopy(outside, main.getLoc(), type.getElementType()));
  }
  SmallVector<Value> parameters{source.step, target.step, outer, count};
  kernel::LaunchOp::create(
      builder, loc, translator.frame, FlatSymbolRefAttr::get(name),
      rest(source), rest(target), /*scratch=*/Value(), parameters,
      builder.getI64IntegerAttr(translator.launches++),
      /*reusable=*/DenseI64ArrayAttr(), /*updated=*/DenseI64ArrayAttr());
}

/// Does something read a view that cannot take it as it lies there?
bool StateBuffers::needsCopy(Value tensor) const {
  return llvm::any_of(tensor.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto call = dyn_cast<kernel::CallOp>(user)) {
      auto callee = translator.symbols.lookup<kernel::FuncOp>(call.getCallee());
      // The frame is a kernel's first argument.
      auto type =
          callee && callee.isEmitted()
              ? dyn_cast<MemRefType>(
                    callee.getArgumentTypes()[1 + use.getOperandNumber()])
              : MemRefType();
      return !type || type.getLayout().isIdentity();
    }
    if (auto alias = dyn_cast<kernel::AliasOp>(user))
      return !views.findAxis(alias.getResult());
    if (auto grow = dyn_cast<GrowStateOp>(user))
      return use.get() == grow.getAdded();
    if (isa<func::ReturnOp>(user))
      return !isInPlace(tensor, use.getOperandNumber());
    return !isa<tensor::CastOp, tensor::DimOp>(user);
  });
}

Value StateBuffers::makeCopy(Value tensor, const View &view, Location loc) {
  MemRefType type =
      translator.convert(cast<RankedTensorType>(tensor.getType()));
  Value copy = kernel::AllocateOp::create(translator.builder, loc, type,
                                          translator.frame,
                                          sizesWith(view, view.length, loc));
  Value inner = sizeProduct(view.room, view.axis + 1, type.getRank(), loc);
  Value capacity =
      memref::DimOp::create(translator.builder, loc, view.room, view.axis);
  Value count = multiply(view.length, inner, loc), zero = index(0, loc);
  copyBlocks({view.room, zero, multiply(capacity, inner, loc)},
             {copy, zero, count}, sizeProduct(view.room, 0, view.axis, loc),
             count, loc);
  return copy;
}

void StateBuffers::bind(Value tensor, const View &view, Location loc) {
  viewOf[tensor] = view;
  auto type = cast<RankedTensorType>(tensor.getType());
  OpBuilder &builder = translator.builder;
  if (StateViews::isContiguous(type, view.axis))
    return translator.bind(
        tensor,
        kernel::ViewOp::create(builder, loc, translator.convert(type),
                               view.room, sizesWith(view, view.length, loc)));
  translator.bind(tensor,
                  needsCopy(tensor)
                      ? makeCopy(tensor, view, loc)
                      : getStrided(tensor, stridedType(type, view.axis), loc));
}

Value StateBuffers::getStrided(Value tensor, Type type, Location loc) {
  OpBuilder &builder = translator.builder;
  const View &view = viewOf.find(tensor)->second;
  auto room = cast<MemRefType>(view.room.getType());
  SmallVector<OpFoldResult> offsets(room.getRank(), builder.getIndexAttr(0)),
      steps(room.getRank(), builder.getIndexAttr(1)), sizes;
  for (int64_t i = 0; i < room.getRank(); ++i)
    if (i == view.axis)
      sizes.push_back(view.length);
    else
      sizes.push_back(memref::getMixedSize(builder, loc, view.room, i));
  Value part =
      memref::SubViewOp::create(builder, loc, view.room, offsets, sizes, steps);
  return translator.castTo(part, type, loc);
}

void StateBuffers::bindArgument(BlockArgument argument) {
  Location loc = argument.getLoc();
  OpBuilder &builder = translator.builder;
  auto type = cast<RankedTensorType>(argument.getType());
  int64_t axis = *views.findAxis(argument);
  auto number = static_cast<int64_t>(argument.getArgNumber());
  View view;
  view.room = kernel::InputOp::create(
      builder, loc, translator.convert(type), translator.frame,
      builder.getI64IntegerAttr(number), builder.getI64IntegerAttr(axis));
  view.axis = axis;
  view.length = kernel::InputSizeOp::create(
      builder, loc, builder.getIndexType(), translator.frame,
      builder.getI64IntegerAttr(number), builder.getI64IntegerAttr(axis));
  bind(argument, view, loc);
}

LogicalResult StateBuffers::bindInPlace(BlockArgument argument,
                                        StateAttr state) {
  Location loc = argument.getLoc();
  ValueRange outputs = argument.getOwner()->getTerminator()->getOperands();
  if (state.getOutput() >= static_cast<int64_t>(outputs.size()) ||
      outputs[state.getOutput()].getType() != argument.getType() ||
      !isa<RankedTensorType>(argument.getType()))
    return emitError(loc) << "input " << argument.getArgNumber()
                          << " has no output of its type that updates it in "
                             "place";
  OpBuilder &builder = translator.builder;
  auto type = translator.convert(cast<RankedTensorType>(argument.getType()));
  auto number = static_cast<int64_t>(argument.getArgNumber());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(kernel::InputSizeOp::create(
          builder, loc, builder.getIndexType(), translator.frame,
          builder.getI64IntegerAttr(number), builder.getI64IntegerAttr(i)));
  // The output is the memory that the input lies in.
  translator.bind(argument,
                  kernel::OutputOp::create(
                      builder, loc, type, translator.frame,
                      builder.getI64IntegerAttr(state.getOutput()), sizes));
  return success();
}

void StateBuffers::translateGrow(GrowStateOp op) {
  Location loc = op.getLoc();
  OpBuilder &builder = translator.builder;
  View before = viewOf.find(op.getState())->second;
  Value added = translator.mapping.lookup(op.getAdded());
  Value count = builder.createOrFold<memref::DimOp>(loc, added, before.axis);
  Value length = arith::AddIOp::create(builder, loc, before.length, count);
  Value argument = op.getState();
  while (auto cast = argument.getDefiningOp<tensor::CastOp>())
    argument = cast.getSource();
  StateAttr state =
      getState(main, cast<BlockArgument>(argument).getArgNumber());
  for (int64_t i = 0, rank = cast<RankedTensorType>(op.getType()).getRank();
       i < rank; ++i) {
    if (i == before.axis)
      continue;
    Value own = builder.createOrFold<memref::DimOp>(loc, before.room, i);
    Value other = builder.createOrFold<memref::DimOp>(loc, added, i);
    if (getConstantIntValue(own) && getConstantIntValue(other))
      continue; // The types agree.
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       own, other);
    kernel::CheckOp::create(
        builder, loc, translator.frame, fits,
        "what is added to the state differs from it in a dimension other than "
        "the axis");
  }
  // The runtime says whether there is room for so many: the output is the
  // memory that the input lies in.
  auto roomType = cast<MemRefType>(before.room.getType());
  Value output =
      kernel::OutputOp::create(builder, loc, roomType, translator.frame,
                               builder.getI64IntegerAttr(state.getOutput()),
                               sizesWith(before, length, loc));
  Value capacity =
      memref::DimOp::create(builder, loc, before.room, before.axis);
  View after;
  after.room = kernel::ViewOp::create(builder, loc, roomType, output,
                                      sizesWith(before, capacity, loc));
  after.axis = before.axis;
  after.length = length;
  Value inner =
      sizeProduct(before.room, before.axis + 1, roomType.getRank(), loc);
  Value elements = multiply(count, inner, loc);
  copyBlocks({added, index(0, loc), elements},
             {after.room, multiply(before.length, inner, loc),
              multiply(capacity, inner, loc)},
             sizeProduct(before.room, 0, before.axis, loc), elements, loc);
  bind(op.getResult(), after, loc);
}

bool StateBuffers::translateAlias(kernel::AliasOp op) {
  auto axis = views.findAxis(op.getResult());
  if (!axis)
    return false;
  const View view = viewOf.find(op.getSource())->second;
  OpBuilder &builder = translator.builder;
  Location loc = op.getLoc();
  MemRefType type = translator.convert(op.getType());
  SmallVector<Value> sizes = translator.lookup(op.getSizes());
  sizes[type.getDynamicDimIndex(*axis)] =
      memref::DimOp::create(builder, loc, view.room, view.axis);
  View other;
  other.room = kernel::ViewOp::create(builder, loc, type, view.room, sizes);
  other.axis = *axis;
  other.length = view.length;
  bind(op.getResult(), other, loc);
  return true;
}

bool StateBuffers::translateCast(tensor::CastOp op) {
  auto it = viewOf.find(op.getSource());
  if (it == viewOf.end() || !views.findAxis(op.getResult()))
    return false;
  View view = it->second;
  view.room = translator.castTo(view.room, translator.convert(op.getType()),
                                op.getLoc());
  bind(op.getResult(), view, op.getLoc());
  return true;
}

bool StateBuffers::isInPlace(Value tensor, int64_t output) const {
  while (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    tensor = cast.getSource();
  auto grow = tensor.getDefiningOp<GrowStateOp>();
  if (!grow)
    return false;
  Value argument = grow.getState();
  while (auto cast = argument.getDefiningOp<tensor::CastOp>())
    argument = cast.getSource();
  StateAttr state =
      getState(main, cast<BlockArgument>(argument).getArgNumber());
  return state && state.getOutput() == output;
}
