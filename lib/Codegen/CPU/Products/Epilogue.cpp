//===- Epilogue.cpp - Elementwise ops on accumulators ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace sluice;

Value Epilogue::operator()(OpBuilder &at, Location where, Value sums,
                           const ResultPosition &place) {
  builder = &at;
  loc = where;
  type = sums.getType();
  position = &place;
  known.clear();
  known[anchorResult] = sums;
  return evaluate(yielded);
}

SmallVector<Value> Epilogue::residuals() {
  llvm::SetVector<Value> seen;
  SmallVector<Value> buffers, pending{yielded};
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    if (value == anchorResult || !seen.insert(value))
      continue;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(pending, op->getOperands());
    else if (shapeOf(value) == shapeOf(yielded))
      buffers.push_back(kernel.buffer(value));
  }
  return buffers;
}

Value Epilogue::splat(Value scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector::BroadcastOp::create(*builder, loc,
                                       vector.clone(scalar.getType()), scalar);
  return scalar;
}

/// The lanes of one operand.
Value Epilogue::read(Value tensor) {
  Value memory = kernel.buffer(tensor);
  Type computeType = getComputeType(elementTypeOf(tensor));
  ArrayRef<int64_t> shape = shapeOf(tensor), result = shapeOf(yielded);
  int64_t rank = shape.size(), resultRank = result.size();
  int64_t lanes = 1;
  if (auto vector = dyn_cast<VectorType>(type))
    lanes = vector.getNumElements();
  auto loadLanes = [&](Value start) -> Value {
    Value flat = flattenBuffer(*builder, loc, memory);
    Value loaded =
        isa<VectorType>(type)
            ? loadVector(*builder, loc, flat, start, lanes, position->mask)
            : memref::LoadOp::create(*builder, loc, flat, start).getResult();
    return convertElements(*builder, loc, loaded, computeType);
  };
  // The shape of the result: the same place.
  if (shape == result)
    return loadLanes(position->element);
  // One row for all: its columns.
  bool isRow = rank >= 1 && shape.back() == result.back();
  for (int64_t i = 0; i + 1 < rank; ++i)
    isRow &= shape[i] == 1;
  if (isRow)
    return loadLanes(position->column);
  // Broadcast along some dimensions: find the place of the first lane.
  IndexBuilder index(*builder, loc);
  OpFoldResult flat = position->element;
  SmallVector<OpFoldResult> place(resultRank);
  for (int64_t i = resultRank; i-- > 0;) {
    OpFoldResult size = ShapedType::isDynamic(result[i])
                            ? OpFoldResult(kernel.size(yielded, i))
                            : index.constant(result[i]);
    place[i] = i == 0 ? flat : index.rem(flat, size);
    flat = index.div(flat, size);
  }
  OpFoldResult start = index.constant(0);
  for (int64_t i = 0; i < rank; ++i) {
    OpFoldResult size = ShapedType::isDynamic(shape[i])
                            ? OpFoldResult(kernel.size(tensor, i))
                            : index.constant(shape[i]);
    OpFoldResult at =
        shape[i] == 1 ? index.constant(0) : place[resultRank - rank + i];
    start = index.add(index.mul(start, size), at);
  }
  if (rank == 0 || shape.back() == 1) {
    Value scalar = memref::LoadOp::create(*builder, loc,
                                          flattenBuffer(*builder, loc, memory),
                                          index.value(start));
    return splat(convertElements(*builder, loc, scalar, computeType));
  }
  return loadLanes(index.value(start));
}

/// The number that all elements of a constant are, in its compute type.
static TypedAttr getSplatNumber(DenseElementsAttr dense) {
  Type type = getComputeType(dense.getElementType());
  auto floatType = dyn_cast<FloatType>(type);
  if (!floatType)
    return IntegerAttr::get(type, dense.getSplatValue<APInt>());
  APFloat value = dense.getSplatValue<APFloat>();
  bool lossy;
  value.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &lossy);
  return FloatAttr::get(floatType, value);
}

Value Epilogue::evaluate(Value value) {
  if (Value done = known.lookup(value))
    return done;
  Value result;
  Operation *op = value.getDefiningOp();
  if (!op) {
    result = read(value);
  } else if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto dense = cast<DenseElementsAttr>(constant.getValue());
    result =
        splat(arith::ConstantOp::create(*builder, loc, getSplatNumber(dense)));
  } else {
    SmallVector<Value> arguments;
    for (Value operand : op->getOperands())
      arguments.push_back(evaluate(operand));
    result =
        cast<ElementwiseOpInterface>(op).buildBody(*builder, loc, arguments);
  }
  return known[value] = result;
}

Value sluice::makeScratch(KernelBuilder &kernel, OpFoldResult bytes) {
  if (auto known = getConstantIntValue(bytes))
    return kernel.scratch(*known);
  return kernel.allocate(cast<Value>(bytes));
}
