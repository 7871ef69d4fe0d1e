//===- BodyEmitter.cpp - The body of a generic op on vectors --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sluice::loops {

Type computeType(Type type) {
  if (type.isF16() || type.isBF16())
    return Float32Type::get(type.getContext());
  return type;
}

static bool isScalar(Type type) { return type.isIntOrIndexOrFloat(); }

bool isVectorizable(Block &body) {
  return llvm::all_of(body.without_terminator(), [](Operation &op) {
    if (op.getNumRegions() != 0 || op.getNumResults() != 1 ||
        !isScalar(op.getResult(0).getType()))
      return false;
    if (isa<arith::ConstantOp, linalg::IndexOp>(op))
      return true;
    if (auto load = dyn_cast<memref::LoadOp>(op))
      return load.getMemRefType().getLayout().isIdentity() &&
             load.getMemRefType().getRank() > 0 &&
             !load.getMemRefType().getElementType().isInteger(1);
    return OpTrait::hasElementwiseMappableTraits(&op) &&
           llvm::all_of(op.getOperandTypes(), isScalar);
  });
}

Type BodyEmitter::withLanes(Type elementType) const {
  return VectorType::get({lanes}, elementType);
}

Value BodyEmitter::laneNumbers(int64_t step) {
  SmallVector<Attribute> numbers;
  for (unsigned lane = 0; lane < lanes; ++lane)
    numbers.push_back(builder.getIndexAttr(lane * step));
  auto type = VectorType::get({lanes}, builder.getIndexType());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, numbers));
}

Value BodyEmitter::allLanes() {
  if (mask)
    return mask;
  auto type = VectorType::get({lanes}, builder.getI1Type());
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, true));
}

Value BodyEmitter::toVector(LaneValue value) {
  if (value.isVector)
    return value.value;
  Type elementType = value.value.getType();
  Value vector = vector::BroadcastOp::create(
      builder, loc, withLanes(elementType), value.value);
  if (value.step == 0)
    return vector;
  Value numbers = laneNumbers(value.step);
  if (!elementType.isIndex())
    numbers = arith::IndexCastOp::create(builder, loc, withLanes(elementType),
                                         numbers);
  return arith::AddIOp::create(builder, loc, vector, numbers);
}

Value BodyEmitter::extend(Value value) {
  Type elementType = getElementTypeOrSelf(value.getType());
  Type target = computeType(elementType);
  if (target == elementType)
    return value;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    target = vector.clone(target);
  return arith::ExtFOp::create(builder, loc, target, value);
}

Value BodyEmitter::truncate(Value value, Type elementType) {
  if (getElementTypeOrSelf(value.getType()) == elementType)
    return value;
  Type target = elementType;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    target = vector.clone(elementType);
  return arith::TruncFOp::create(builder, loc, target, value);
}

Value BodyEmitter::cloneOnto(Operation *op, Value lhs, Value rhs) {
  IRMapping mapping;
  mapping.map(op->getOperand(0), lhs);
  mapping.map(op->getOperand(1), rhs);
  Operation *clone = builder.clone(*op, mapping);
  clone->getResult(0).setType(lhs.getType());
  return clone->getResult(0);
}

SmallVector<LaneValue> BodyEmitter::emit(Block &body,
                                         ArrayRef<LaneValue> arguments,
                                         IndexOfLoop index) {
  values.clear();
  for (auto [argument, value] : llvm::zip(body.getArguments(), arguments))
    values[argument] = value;
  for (Operation &op : body.without_terminator()) {
    if (auto indexOp = dyn_cast<linalg::IndexOp>(op))
      values[indexOp.getResult()] = index(indexOp.getDim());
    else
      values[op.getResult(0)] = emitOperation(&op);
  }
  SmallVector<LaneValue> results;
  for (Value operand : body.getTerminator()->getOperands()) {
    auto found = values.find(operand);
    results.push_back(found != values.end()
                          ? found->second
                          : LaneValue::uniform(extend(operand)));
  }
  return results;
}

SmallVector<Value> BodyEmitter::clone(Block &body, ValueRange arguments,
                                      IndexOfLoop index) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  for (Operation &op : body.without_terminator()) {
    Operation *clone = builder.clone(op, mapping);
    clone->walk([&](linalg::IndexOp indexOp) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(indexOp);
      Value iteration = index(indexOp.getDim()).value;
      indexOp.getResult().replaceAllUsesWith(iteration);
      if (clone == indexOp.getOperation())
        mapping.map(op.getResult(0), iteration);
      indexOp->erase();
    });
  }
  SmallVector<Value> results;
  for (Value operand : body.getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(operand));
  return results;
}

LaneValue BodyEmitter::emitOperation(Operation *op) {
  // Values from outside the body are the same for all lanes.
  for (Value operand : op->getOperands())
    if (!values.contains(operand) && isScalar(operand.getType()))
      values[operand] = LaneValue::uniform(extend(operand));
  if (isa<arith::ConstantOp>(op))
    return emitConstant(op);
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return emitLoad(load);
  if (auto linear = emitLinear(op))
    return *linear;
  if (auto conversion = emitFloatConversion(op))
    return *conversion;
  return emitElementwise(op);
}

LaneValue BodyEmitter::emitConstant(Operation *op) {
  Attribute value = cast<arith::ConstantOp>(op).getValue();
  Type type = op->getResult(0).getType();
  if (computeType(type) == type)
    return LaneValue::uniform(builder.clone(*op)->getResult(0));
  return LaneValue::uniform(arith::ConstantOp::create(
      builder, loc,
      builder.getF32FloatAttr(cast<FloatAttr>(value).getValueAsDouble())));
}

/// Index arithmetic that keeps the lanes a constant apart stays scalar.
std::optional<LaneValue> BodyEmitter::emitLinear(Operation *op) {
  auto operand = [&](unsigned position) {
    return values.lookup(op->getOperand(position));
  };
  if (llvm::none_of(
          op->getOperands(),
          [&](Value value) { return values.lookup(value).step != 0; }) ||
      llvm::any_of(op->getOperands(),
                   [&](Value value) { return values.lookup(value).isVector; }))
    return std::nullopt;
  int64_t step = 0;
  if (isa<arith::AddIOp>(op)) {
    step = operand(0).step + operand(1).step;
  } else if (isa<arith::SubIOp>(op)) {
    step = operand(0).step - operand(1).step;
  } else if (isa<arith::MulIOp>(op)) {
    unsigned constant = operand(0).step == 0 ? 0 : 1;
    APInt factor;
    if (!matchPattern(op->getOperand(constant), m_ConstantInt(&factor)))
      return std::nullopt;
    step = operand(1 - constant).step * factor.getSExtValue();
  } else if (isa<arith::IndexCastOp>(op)) {
    step = operand(0).step;
  } else {
    return std::nullopt;
  }
  IRMapping mapping;
  for (Value value : op->getOperands())
    mapping.map(value, values.lookup(value).value);
  return LaneValue{builder.clone(*op, mapping)->getResult(0), step, false};
}

/// f16 and bf16 values are f32 in the emitted body; conversions to and from
/// them disappear or only round.
std::optional<LaneValue> BodyEmitter::emitFloatConversion(Operation *op) {
  if (op->getNumOperands() != 1)
    return std::nullopt;
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  bool narrowFrom = computeType(from) != from, narrowTo = computeType(to) != to;
  LaneValue operand = values.lookup(op->getOperand(0));
  if (isa<arith::ExtFOp>(op) && narrowFrom && to.isF32())
    return operand;
  if (isa<arith::TruncFOp>(op) && narrowTo) {
    operand.value = extend(truncate(operand.value, to));
    return operand;
  }
  if (isa<arith::BitcastOp>(op) && (narrowFrom || narrowTo)) {
    Value bits = truncate(operand.value, from);
    Type target = isa<VectorType>(bits.getType()) ? withLanes(to) : to;
    operand.value =
        extend(arith::BitcastOp::create(builder, loc, target, bits));
    return operand;
  }
  return std::nullopt;
}

LaneValue BodyEmitter::emitElementwise(Operation *op) {
  bool isVector = llvm::any_of(op->getOperands(), [&](Value operand) {
    return !values.lookup(operand).isUniform();
  });
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    LaneValue value = values.lookup(operand);
    mapping.map(operand, isVector ? toVector(value) : value.value);
  }
  Type type = computeType(op->getResult(0).getType());
  Operation *clone = builder.clone(*op, mapping);
  clone->getResult(0).setType(isVector ? withLanes(type) : type);
  return {clone->getResult(0), 0, isVector};
}

Value BodyEmitter::loadVector(Value buffer, ValueRange indices) {
  Type elementType = cast<MemRefType>(buffer.getType()).getElementType();
  auto type = cast<VectorType>(withLanes(elementType));
  if (!mask)
    return vector::LoadOp::create(builder, loc, type, buffer, indices);
  Value nothing =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, loc, type, buffer, indices, mask,
                                      nothing);
}

/// Every other element from two vectors, the second of which ends with the last
/// of them: what is behind need not exist.
Value BodyEmitter::loadEveryOther(Value buffer, Value offset) {
  IndexBuilder index(builder, loc);
  Value low = loadVector(buffer, offset);
  Value high = loadVector(
      buffer, index.value(index.add(offset, index.constant(lanes - 1))));
  SmallVector<int64_t> picked;
  for (unsigned lane = 0; lane < lanes; ++lane)
    picked.push_back(2 * lane < lanes ? 2 * lane : 2 * lane + 1);
  return vector::ShuffleOp::create(builder, loc, low, high, picked);
}

LaneValue BodyEmitter::gather(Value buffer, Value offset, Value indices,
                              Type elementType) {
  auto type = cast<MemRefType>(buffer.getType());
  // Narrow indices make for half as many instructions.
  if (type.hasStaticShape() && type.getNumElements() < (int64_t(1) << 31))
    indices = arith::IndexCastOp::create(
        builder, loc, withLanes(builder.getI32Type()), indices);
  auto resultType = cast<VectorType>(withLanes(type.getElementType()));
  Value nothing =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(resultType));
  return LaneValue::vector(vector::GatherOp::create(
      builder, loc, resultType, buffer, offset, indices, allLanes(), nothing));
}

LaneValue BodyEmitter::emitLoad(memref::LoadOp op) {
  SmallVector<LaneValue> indices;
  for (Value index : op.getIndices())
    indices.push_back(values.lookup(index));
  SmallVector<Value> scalars;
  for (LaneValue index : indices)
    scalars.push_back(index.value);
  if (llvm::all_of(indices, [](LaneValue i) { return i.isUniform(); }))
    return LaneValue::uniform(
        extend(memref::LoadOp::create(builder, loc, op.getMemRef(), scalars)));
  bool isContiguous =
      llvm::all_of(ArrayRef(indices).drop_back(),
                   [](LaneValue index) { return index.isUniform(); }) &&
      !indices.back().isVector && indices.back().step == 1;
  if (isContiguous)
    return LaneValue::vector(extend(loadVector(op.getMemRef(), scalars)));
  return emitGather(op, indices);
}

LaneValue BodyEmitter::emitGather(memref::LoadOp op,
                                  ArrayRef<LaneValue> indices) {
  Value buffer = flattenBuffer(builder, loc, op.getMemRef());
  IndexBuilder index(builder, loc);
  Value linear;
  for (auto [position, lane] : llvm::enumerate(indices)) {
    Value vector = toVector(lane);
    if (position == 0) {
      linear = vector;
      continue;
    }
    auto size =
        op.getMemRefType().isDynamicDim(position)
            ? IndexBuilder::Index(
                  memref::DimOp::create(builder, loc, op.getMemRef(), position)
                      .getResult())
            : index.constant(op.getMemRefType().getDimSize(position));
    Value sizes = vector::BroadcastOp::create(
        builder, loc, withLanes(builder.getIndexType()), index.value(size));
    linear = arith::MulIOp::create(builder, loc, linear, sizes);
    linear = arith::AddIOp::create(builder, loc, linear, vector);
  }
  LaneValue result = gather(buffer, index.value(index.constant(0)), linear,
                            op.getMemRefType().getElementType());
  return LaneValue::vector(extend(result.value));
}

Value BodyEmitter::loadElement(const Access &access, Value offset) {
  if (access.scalar)
    return access.scalar;
  Value value = memref::LoadOp::create(builder, loc, access.buffer, offset);
  if (!access.elementType.isInteger(1))
    return value;
  Value zero = arith::ConstantOp::create(builder, loc,
                                         builder.getZeroAttr(value.getType()));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

LaneValue BodyEmitter::load(const Access &access, Value offset,
                            IndexBuilder::Index stride) {
  if (lanes == 1 || access.scalar || isConstantIntValue(stride, 0))
    return LaneValue::uniform(extend(loadElement(access, offset)));
  Value vector;
  if (isConstantIntValue(stride, 1)) {
    vector = loadVector(access.buffer, offset);
  } else if (isConstantIntValue(stride, 2) && !mask) {
    vector = loadEveryOther(access.buffer, offset);
  } else {
    Value indices;
    if (auto step = getConstantIntValue(stride)) {
      indices = laneNumbers(*step);
    } else {
      Value steps = vector::BroadcastOp::create(
          builder, loc, withLanes(builder.getIndexType()), cast<Value>(stride));
      indices = arith::MulIOp::create(builder, loc, laneNumbers(1), steps);
    }
    vector = gather(access.buffer, offset, indices, access.elementType).value;
  }
  if (access.elementType.isInteger(1)) {
    Value zero = arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(vector.getType()));
    vector = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                   vector, zero);
  }
  return LaneValue::vector(extend(vector));
}

void BodyEmitter::storeElement(const Access &access, Value offset,
                               Value value) {
  if (access.elementType.isInteger(1))
    value = arith::ExtUIOp::create(builder, loc, builder.getI8Type(), value);
  memref::StoreOp::create(builder, loc, value, access.buffer, offset);
}

void BodyEmitter::store(const Access &access, Value offset, LaneValue value) {
  if (lanes == 1)
    return storeElement(access, offset,
                        truncate(value.value, access.elementType));
  storeVector(access, offset, truncate(toVector(value), access.elementType),
              mask);
}

void BodyEmitter::storeWoven(const Access &access, Value offset, Value even,
                             Value odd) {
  Value vector = vector::InterleaveOp::create(
      builder, loc, truncate(even, access.elementType),
      truncate(odd, access.elementType));
  Value both =
      mask ? Value(vector::InterleaveOp::create(builder, loc, mask, mask))
           : Value();
  storeVector(access, offset, vector, both);
}

void BodyEmitter::storeVector(const Access &access, Value offset, Value vector,
                              Value mask) {
  if (access.elementType.isInteger(1))
    vector = arith::ExtUIOp::create(
        builder, loc,
        cast<VectorType>(vector.getType()).clone(builder.getI8Type()), vector);
  if (mask)
    vector::MaskedStoreOp::create(builder, loc, access.buffer, offset, mask,
                                  vector);
  else
    vector::StoreOp::create(builder, loc, vector, access.buffer, offset);
}

} // namespace sluice::loops
