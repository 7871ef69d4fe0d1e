//===- KernelBuilder.cpp - Builds one kernel's code -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include <cassert>

using namespace mlir;
using namespace sluice;

char LoopModel::ID;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type KernelBuilder::storageType(Type elementType) {
  if (elementType.isInteger(1))
    return IntegerType::get(elementType.getContext(), 8);
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(elementType.getContext(), integer.getWidth());
  return elementType;
}

MemRefType KernelBuilder::bufferType(RankedTensorType type) {
  return MemRefType::get(type.getShape(), storageType(type.getElementType()));
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

/// The op in front of the insertion point; null if there is none.
static Operation *previousOp(OpBuilder &builder) {
  Block::iterator end = builder.getInsertionPoint();
  return end == builder.getInsertionBlock()->begin() ? nullptr
                                                     : &*std::prev(end);
}

Value KernelBuilder::computeAtStart(llvm::function_ref<Value()> compute) {
  OpBuilder::InsertionGuard guard(builder);
  if (lastSize)
    builder.setInsertionPointAfter(lastSize);
  else
    builder.setInsertionPointToStart(&entry);
  Value result = compute();
  lastSize = previousOp(builder);
  return result;
}

Value KernelBuilder::elementwiseSize(Operation *op, int64_t dimension) {
  int64_t rank = shapeOf(op->getResult(0)).size();
  SmallVector<Value> candidates;
  for (Value operand : op->getOperands()) {
    int64_t place =
        dimension - rank + static_cast<int64_t>(shapeOf(operand).size());
    if (place < 0 || shapeOf(operand)[place] == 1)
      continue;
    Value candidate = size(operand, place);
    if (!llvm::is_contained(candidates, candidate))
      candidates.push_back(candidate);
  }
  // The largest of the broadcast sizes: a dynamic one may be 1 in the run.
  return computeAtStart([&] {
    Value result = candidates.empty() ? index(1) : candidates.front();
    for (Value candidate : llvm::drop_begin(candidates, !candidates.empty())) {
      Value isOne = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, result, index(1));
      result = arith::SelectOp::create(builder, loc, isOne, candidate, result);
    }
    return result;
  });
}

Value KernelBuilder::reifiedSize(OpResult tensor, int64_t dimension) {
  auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(tensor.getOwner());
  return computeAtStart([&]() -> Value {
    Operation *before = lastSize;
    ReifiedRankedShapedTypeDims shapes;
    if (!shaped || failed(shaped.reifyResultShapes(builder, shapes)))
      return index(1);
    OpFoldResult reified = shapes[tensor.getResultNumber()][dimension];
    Value result = getValueOrCreateConstantIndexOp(builder, loc, reified);
    // The ops say their sizes in terms of their operands' sizes, which are
    // computed in front, and elements.
    SmallVector<Operation *> questions;
    for (Operation *made = previousOp(builder); made != before;
         made = made->getPrevNode())
      if (isa<tensor::DimOp, tensor::ExtractOp>(made))
        questions.push_back(made);
    for (Operation *question : llvm::reverse(questions)) {
      Value answer;
      if (auto dimension = dyn_cast<tensor::DimOp>(question)) {
        lastSize = before;
        answer = size(dimension.getSource(), *dimension.getConstantIndex());
        before = lastSize;
      } else {
        auto element = cast<tensor::ExtractOp>(question);
        OpBuilder::InsertionGuard here(builder);
        builder.setInsertionPoint(question);
        answer = load(element.getTensor(), element.getIndices());
      }
      if (result == question->getResult(0))
        result = answer;
      question->replaceAllUsesWith(ValueRange(answer));
      question->erase();
    }
    return result;
  });
}

Value KernelBuilder::size(Value tensor, int64_t dimension) {
  assert(dimension >= 0 && dimension < int64_t(shapeOf(tensor).size()) &&
         "tensors have sizes for their dimensions only");
  int64_t known = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(known))
    return index(known);
  auto it = computedSizes.find({tensor, dimension});
  if (it != computedSizes.end())
    return it->second;
  Value result;
  Operation *op = tensor.getDefiningOp();
  if (Value memory = buffer(tensor))
    result = computeAtStart([&]() -> Value {
      return memref::DimOp::create(builder, loc, memory, dimension);
    });
  else if (auto transpose = dyn_cast_if_present<TransposeOp>(op))
    result =
        size(transpose.getOperand(), transpose.getPermutation()[dimension]);
  else if (isa_and_present<ElementwiseOpInterface>(op))
    result = elementwiseSize(op, dimension);
  else
    result = reifiedSize(cast<OpResult>(tensor), dimension);
  computedSizes[{tensor, dimension}] = result;
  return result;
}

SmallVector<Value> KernelBuilder::sizes(Value tensor) {
  SmallVector<Value> result;
  for (int64_t i = 0, rank = shapeOf(tensor).size(); i < rank; ++i)
    result.push_back(size(tensor, i));
  return result;
}

Value KernelBuilder::product(ValueRange factors) {
  Value result = index(1);
  for (Value factor : factors)
    result = mul(result, factor);
  return result;
}

/// The number a constant index holds.
static std::optional<int64_t> constantOf(Value value) {
  return getConstantIntValue(value);
}

Value KernelBuilder::clampIndex(Value value, Value size) {
  Value last = sub(size, index(1));
  Value high = arith::MinSIOp::create(builder, loc, value, last);
  return arith::MaxSIOp::create(builder, loc, high, index(0));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value KernelBuilder::toCompute(Value stored, Type elementType) {
  BodyBuilder body{builder, loc};
  if (elementType.isInteger(1))
    return body.compare(arith::CmpIPredicate::ne, stored, body.zero(stored));
  Type compute = getComputeType(elementType);
  if (isa<FloatType>(elementType) && compute != elementType)
    return body.make<arith::ExtFOp>(BodyBuilder::withElement(stored, compute),
                                    stored);
  return stored;
}

Value KernelBuilder::toStorage(Value computed, Type elementType) {
  BodyBuilder body{builder, loc};
  Type storage = storageType(elementType);
  if (elementType.isInteger(1))
    return body.make<arith::ExtUIOp>(
        BodyBuilder::withElement(computed, storage), computed);
  if (isa<FloatType>(elementType) &&
      getElementTypeOrSelf(computed.getType()) != elementType)
    return body.make<arith::TruncFOp>(
        BodyBuilder::withElement(computed, storage), computed);
  return computed;
}

Value KernelBuilder::toIndex(Value element, Type elementType) {
  if (isUnsignedType(elementType))
    return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(),
                                        element);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element);
}

Value KernelBuilder::fromIndex(Value index, Type elementType) {
  return arith::IndexCastOp::create(builder, loc, getComputeType(elementType),
                                    index);
}

Value KernelBuilder::number(Type elementType, double value) {
  Type type = getComputeType(elementType);
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(floatType, value));
  return arith::ConstantOp::create(
      builder, loc,
      builder.getIntegerAttr(type, APInt(type.getIntOrFloatBitWidth(),
                                         static_cast<int64_t>(value),
                                         /*isSigned=*/true,
                                         /*implicitTrunc=*/true)));
}

Value KernelBuilder::extreme(Type elementType, bool highest) {
  Type type = getComputeType(elementType);
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        builder, loc,
        builder.getFloatAttr(
            floatType,
            APFloat::getInf(floatType.getFloatSemantics(), !highest)));
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value;
  if (isUnsignedType(elementType))
    value = highest ? APInt::getMaxValue(width) : APInt::getMinValue(width);
  else
    value = highest ? APInt::getSignedMaxValue(width)
                    : APInt::getSignedMinValue(width);
  return arith::ConstantOp::create(builder, loc,
                                   builder.getIntegerAttr(type, value));
}

Value KernelBuilder::load(Value tensor, ValueRange indices) {
  if (Value memory = buffer(tensor);
      memory && (isa<BlockArgument>(tensor) || !tensor.getDefiningOp())) {
    assert(indices.size() == shapeOf(tensor).size() &&
           "an element has an index for each dimension");
    Value stored = memref::LoadOp::create(builder, loc, memory, indices);
    return toCompute(stored, elementTypeOf(tensor));
  }
  if (Value known = findEvaluated(tensor, indices))
    return known;
  auto result = cast<OpResult>(tensor);
  Value element = evaluate(result.getOwner(), result, indices);
  evaluated[tensor].push_back({llvm::to_vector(indices), element});
  return element;
}

Value KernelBuilder::findEvaluated(Value what, ValueRange indices) {
  // A constant index is a new op every time, so it is compared by value.
  auto same = [](Value lhs, Value rhs) {
    if (lhs == rhs)
      return true;
    auto left = constantOf(lhs), right = constantOf(rhs);
    return left && right && *left == *right;
  };
  // An element that was computed in this block or one around it is at hand:
  // code is only ever appended.
  Block *here = builder.getInsertionBlock();
  for (Evaluated &known : evaluated[what]) {
    Block *block = known.element.getParentBlock();
    if (llvm::equal(known.indices, indices, same) &&
        (block == here || block->findAncestorOpInBlock(*here->getParentOp())))
      return known.element;
  }
  return {};
}

Value KernelBuilder::broadcastIndex(Value size, Value at) {
  if (constantOf(at) == 0)
    return at;
  Value &isOne = computedIsOne[size];
  if (!isOne)
    isOne = computeAtStart([&]() -> Value {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, size,
                                   index(1));
    });
  // What has been clamped by this size stays as it is.
  auto clamped = at.getDefiningOp<arith::SelectOp>();
  if (clamped && clamped.getCondition() == isOne)
    return at;
  if (Value known = findEvaluated(isOne, at))
    return known;
  Value result = arith::SelectOp::create(builder, loc, isOne, index(0), at);
  evaluated[isOne].push_back({{at}, result});
  return result;
}

void KernelBuilder::store(Value element, Value tensor, ValueRange indices) {
  assert(buffer(tensor) && "what a kernel yields has a buffer");
  Value stored = toStorage(element, elementTypeOf(tensor));
  memref::StoreOp::create(builder, loc, stored, buffer(tensor), indices);
}

/// May broadcasting stretch this dynamic dimension (counted in the result) of
/// `operand`? Only if another operand may be larger there.
static bool mayStretch(Operation *op, Value operand, int64_t dimension,
                       int64_t rank) {
  return llvm::any_of(op->getOperands(), [&](Value other) {
    ArrayRef<int64_t> shape = shapeOf(other);
    int64_t place = dimension - rank + static_cast<int64_t>(shape.size());
    return other != operand && place >= 0 && shape[place] != 1;
  });
}

Value KernelBuilder::evaluate(Operation *op, OpResult result,
                              ValueRange indices) {
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    // Only splats stay inside kernels.
    auto dense = cast<DenseElementsAttr>(constant.getValue());
    Type type = getComputeType(dense.getElementType());
    if (isa<FloatType>(type)) {
      APFloat value = dense.getSplatValue<APFloat>();
      bool lossy;
      value.convert(cast<FloatType>(type).getFloatSemantics(),
                    APFloat::rmNearestTiesToEven, &lossy);
      return arith::ConstantOp::create(
          builder, loc, builder.getFloatAttr(cast<FloatType>(type), value));
    }
    return arith::ConstantOp::create(
        builder, loc,
        builder.getIntegerAttr(type, dense.getSplatValue<APInt>()));
  }
  if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op)) {
    int64_t rank = indices.size();
    SmallVector<Value> arguments;
    for (Value operand : op->getOperands()) {
      ArrayRef<int64_t> shape = shapeOf(operand);
      int64_t operandRank = shape.size();
      SmallVector<Value> place;
      for (int64_t i = 0; i < operandRank; ++i) {
        Value at = indices[rank - operandRank + i];
        int64_t resultSize = shapeOf(result)[rank - operandRank + i];
        if (shape[i] == 1 && resultSize != 1) {
          at = index(0);
        } else if (ShapedType::isDynamic(shape[i]) &&
                   mayStretch(op, operand, rank - operandRank + i, rank)) {
          // May be 1 at run time, and then every index reads element 0.
          at = broadcastIndex(size(operand, i), at);
        }
        place.push_back(at);
      }
      arguments.push_back(load(operand, place));
    }
    return elementwise.buildBody(builder, loc, arguments);
  }
  auto function = emitters.find(op).element;
  assert(function && "ops that are fused have an element function");
  return function(*this, result, indices);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

SmallVector<Value> KernelBuilder::loop(
    Value count, ValueRange initial,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop =
      scf::ForOp::create(builder, loc, index(0), count, index(1), initial,
                         [](OpBuilder &, Location, Value, ValueRange) {});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  assert(next.size() == initial.size() && "a step hands on what it was given");
  scf::YieldOp::create(builder, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void KernelBuilder::forEach(ValueRange extents, IndexBody body) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> indices;
  for (Value extent : extents) {
    if (constantOf(extent) == 1) {
      indices.push_back(index(0));
      continue;
    }
    auto loop = scf::ForOp::create(builder, loc, index(0), extent, index(1));
    builder.setInsertionPointToStart(loop.getBody());
    indices.push_back(loop.getInductionVar());
  }
  body(indices);
}

SmallVector<Value>
KernelBuilder::choose(Value condition, TypeRange types,
                      llvm::function_ref<SmallVector<Value>()> onTrue,
                      llvm::function_ref<SmallVector<Value>()> onFalse) {
  auto choice = scf::IfOp::create(builder, loc, types, condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  auto fill = [&](Block *block,
                  llvm::function_ref<SmallVector<Value>()> values) {
    builder.setInsertionPointToStart(block);
    SmallVector<Value> results = values();
    assert(TypeRange(ValueRange(results)) == types &&
           "both sides give what the choice does");
    // Without results the builder has put a terminator already.
    if (!types.empty())
      scf::YieldOp::create(builder, loc, results);
  };
  fill(choice.thenBlock(), onTrue);
  fill(choice.elseBlock(), onFalse);
  return llvm::to_vector_of<Value>(choice.getResults());
}

Value KernelBuilder::view(Value bytes, Value byteOffset, MemRefType type,
                          ValueRange dynamicSizes) {
  return memref::ViewOp::create(builder, loc, type, bytes, byteOffset,
                                dynamicSizes);
}
