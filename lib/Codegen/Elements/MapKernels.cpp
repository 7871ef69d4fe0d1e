//===- MapKernels.cpp - Kernels of elementwise ops only -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A group of elementwise ops is one linalg.generic on buffers, which
// `sluice-vectorize-loops` turns into loops over vectors. Dimensions of size
// one are dropped first, so that every operand walks a subset of the loops.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

using namespace mlir;
using namespace sluice;

namespace {

class MapKernel {
public:
  explicit MapKernel(KernelBuilder &kernel)
      : kernel(kernel), yielded(kernel.region.getTerminator()->getOperand(0)),
        shape(shapeOf(yielded)) {}

  LogicalResult emit();

private:
  /// A dynamic size of an input that must equal the result's for the loops to
  /// be right; where it is 1 instead, the input broadcasts.
  struct Assumption {
    Value input;
    int64_t inputDimension, dimension;
  };
  /// False if an input does not fit the loops whatever its sizes are.
  bool collectAssumptions();
  bool mayBeLarger(Value input, int64_t dimension);
  Value dropUnitDimensions(Value buffer, ArrayRef<int64_t> sizes);
  void emitGeneric();

  KernelBuilder &kernel;
  Value yielded;
  ArrayRef<int64_t> shape;
  SmallVector<Assumption> assumptions;
};

} // namespace

/// Can another input be larger than one in this dimension of the result?
bool MapKernel::mayBeLarger(Value input, int64_t dimension) {
  int64_t rank = shape.size();
  for (Value other : kernel.region.getArguments()) {
    ArrayRef<int64_t> sizes = shapeOf(other);
    int64_t place = dimension - rank + static_cast<int64_t>(sizes.size());
    if (other != input && place >= 0 && sizes[place] != 1)
      return true;
  }
  return false;
}

bool MapKernel::collectAssumptions() {
  int64_t rank = shape.size();
  for (Value input : kernel.region.getArguments()) {
    ArrayRef<int64_t> sizes = shapeOf(input);
    for (int64_t i = 0, count = sizes.size(); i < count; ++i) {
      int64_t dimension = rank - count + i;
      if (sizes[i] == 1)
        continue;
      if (shape[dimension] == 1)
        return false;
      if (ShapedType::isDynamic(sizes[i]) && mayBeLarger(input, dimension))
        assumptions.push_back({input, i, dimension});
    }
  }
  return true;
}

Value MapKernel::dropUnitDimensions(Value buffer, ArrayRef<int64_t> sizes) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    pending.push_back(i);
    if (size != 1) {
      groups.push_back(pending);
      pending.clear();
    }
  }
  if (groups.size() == sizes.size())
    return buffer;
  // Unit dimensions at the end join the last group.
  if (!groups.empty())
    groups.back().append(pending);
  return memref::CollapseShapeOp::create(kernel.builder, kernel.loc, buffer,
                                         groups);
}

void MapKernel::emitGeneric() {
  OpBuilder &builder = kernel.builder;
  int64_t rank = shape.size();
  // Loop number of each dimension of the result that is not one.
  SmallVector<int64_t> loopOf(rank, -1);
  int64_t loops = 0;
  for (int64_t i = 0; i < rank; ++i)
    if (shape[i] != 1)
      loopOf[i] = loops++;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Value input : kernel.region.getArguments()) {
    ArrayRef<int64_t> sizes = shapeOf(input);
    SmallVector<AffineExpr> places;
    for (int64_t i = 0, count = sizes.size(); i < count; ++i)
      if (sizes[i] != 1)
        places.push_back(builder.getAffineDimExpr(loopOf[rank - count + i]));
    inputs.push_back(dropUnitDimensions(kernel.buffer(input), sizes));
    maps.push_back(AffineMap::get(loops, 0, places, builder.getContext()));
  }
  Value output = dropUnitDimensions(kernel.buffer(yielded), shape);
  maps.push_back(builder.getMultiDimIdentityMap(loops));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  linalg::GenericOp::create(
      builder, kernel.loc, inputs, output, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(inner.getInsertionBlock(),
                                  inner.getInsertionPoint());
        DenseMap<Value, Value> computed;
        for (auto [input, stored] :
             llvm::zip(kernel.region.getArguments(), arguments))
          computed[input] = kernel.toCompute(stored, elementTypeOf(input));
        for (Operation &op : kernel.region.without_terminator()) {
          if (isa<ConstantOp>(op)) {
            computed[op.getResult(0)] = kernel.load(op.getResult(0), {});
            continue;
          }
          SmallVector<Value> operands;
          for (Value operand : op.getOperands())
            operands.push_back(computed.lookup(operand));
          computed[op.getResult(0)] =
              cast<ElementwiseOpInterface>(op).buildBody(builder, loc,
                                                         operands);
        }
        Value stored =
            kernel.toStorage(computed.lookup(yielded), elementTypeOf(yielded));
        linalg::YieldOp::create(builder, loc, stored);
      });
}

LogicalResult MapKernel::emit() {
  if (shape.empty() || llvm::all_of(shape, [](int64_t s) { return s == 1; }) ||
      !collectAssumptions())
    return emitElementKernel(kernel);
  if (assumptions.empty()) {
    emitGeneric();
    return success();
  }
  OpBuilder &builder = kernel.builder;
  Value holds;
  for (const Assumption &assumption : assumptions) {
    Value same = arith::CmpIOp::create(
        builder, kernel.loc, arith::CmpIPredicate::eq,
        kernel.size(assumption.input, assumption.inputDimension),
        kernel.size(yielded, assumption.dimension));
    holds =
        holds ? arith::AndIOp::create(builder, kernel.loc, holds, same) : same;
  }
  auto branch = scf::IfOp::create(builder, kernel.loc, holds,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitGeneric();
  builder.setInsertionPointToStart(branch.elseBlock());
  return emitElementKernel(kernel);
}

LogicalResult sluice::emitMapKernel(KernelBuilder &kernel) {
  return MapKernel(kernel).emit();
}

LogicalResult sluice::emitElementKernel(KernelBuilder &kernel) {
  // A place, what is read there, arithmetic and a store.
  Cost each = kernel.cost({10, 0});
  for (Value yielded : kernel.region.getTerminator()->getOperands())
    kernel.forEachParallel(
        kernel.sizes(yielded), each, [&](ValueRange indices) {
          kernel.store(kernel.load(yielded, indices), yielded, indices);
        });
  return success();
}
