//===- SymbolicShapes.cpp - Which dynamic sizes are equal -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/SymbolicShapes.h"
#include "dialects/State/State.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace sluice;

SymbolicShapes::Symbol SymbolicShapes::intern(Key key) {
  auto [it, isNew] = known.try_emplace(std::move(key), next);
  if (isNew)
    ++next;
  return it->second;
}

SymbolicShapes::Symbol SymbolicShapes::constant(int64_t size) {
  Symbol symbol = intern({"constant", nullptr, {size}});
  constants[symbol] = size;
  samples[symbol].fill(size);
  if (size >= 0)
    notNegative.insert(symbol);
  return symbol;
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

void SymbolicShapes::sampleInput(Symbol symbol) {
  auto [it, isNew] = samples.try_emplace(symbol);
  if (!isNew)
    return;
  for (auto [i, sample] : llvm::enumerate(it->second)) {
    // Small and large ones in turns.
    uint64_t bits = llvm::xxh3_64bits(ArrayRef<uint8_t>(
        {static_cast<uint8_t>(symbol), static_cast<uint8_t>(symbol >> 8),
         static_cast<uint8_t>(i)}));
    int64_t most = i % 2 == 0 ? 61 : 1 << 20;
    sample = runsWithOne >> i & 1 ? 1 : 2 + static_cast<int64_t>(bits % most);
  }
  // The next subset of as many runs (Gosper's hack); no two of them contain
  // each other, so that of any two inputs each is alone one in some run.
  uint32_t lowest = runsWithOne & -runsWithOne, raised = runsWithOne + lowest;
  runsWithOne = (((raised ^ runsWithOne) >> 2) / lowest) | raised;
  if (runsWithOne >> sampleCount)
    runsWithOne = firstRunsWithOne;
}

/// What an op of integers gives; none where that is not known.
static std::optional<int64_t> evaluate(Operation *op,
                                       ArrayRef<int64_t> operands) {
  // Bools are 0 and 1.
  if (isa<arith::IndexCastOp, arith::ExtUIOp>(op))
    return operands[0];
  if (isa<arith::SelectOp>(op))
    return operands[0] ? operands[1] : operands[2];
  if (operands.size() != 2)
    return std::nullopt;
  // Unsigned arithmetic on what is not negative is the signed one.
  if (isa<arith::MaxUIOp, arith::MinUIOp, arith::DivUIOp, arith::RemUIOp>(op) &&
      (operands[0] < 0 || operands[1] < 0))
    return std::nullopt;
  int64_t lhs = operands[0], rhs = operands[1];
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return arith::applyCmpPredicate(compare.getPredicate(),
                                    APInt(64, lhs, true), APInt(64, rhs, true));
  if (isa<arith::AddIOp>(op))
    return llvm::checkedAdd(lhs, rhs);
  if (isa<arith::SubIOp>(op))
    return llvm::checkedSub(lhs, rhs);
  if (isa<arith::MulIOp>(op))
    return llvm::checkedMul(lhs, rhs);
  if (isa<arith::MinSIOp, arith::MinUIOp>(op))
    return std::min(lhs, rhs);
  if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
    return std::max(lhs, rhs);
  if (isa<arith::AndIOp>(op))
    return lhs & rhs;
  if (isa<arith::OrIOp>(op))
    return lhs | rhs;
  if (rhs <= 0)
    return std::nullopt;
  if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    return lhs / rhs;
  if (isa<arith::CeilDivSIOp>(op))
    return llvm::divideCeilSigned(lhs, rhs);
  if (isa<arith::FloorDivSIOp>(op))
    return llvm::divideFloorSigned(lhs, rhs);
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return lhs % rhs;
  return std::nullopt;
}

void SymbolicShapes::sampleExpression(Symbol symbol, Operation *op,
                                      ArrayRef<Symbol> operands) {
  Samples found;
  for (unsigned i = 0; i < sampleCount; ++i) {
    SmallVector<int64_t, 3> numbers;
    for (Symbol operand : operands) {
      auto it = samples.find(operand);
      if (it == samples.end())
        return;
      numbers.push_back(it->second[i]);
    }
    auto number = evaluate(op, numbers);
    if (!number)
      return;
    found[i] = *number;
  }
  samples[symbol] = found;
}

void SymbolicShapes::sampleBroadcast(Symbol symbol,
                                     ArrayRef<Symbol> candidates) {
  Samples found;
  found.fill(1);
  for (Symbol candidate : candidates) {
    auto it = samples.find(candidate);
    if (it == samples.end())
      return;
    for (auto [sample, own] : llvm::zip(found, it->second))
      if (own != 1)
        sample = own;
  }
  samples[symbol] = found;
}

bool SymbolicShapes::seemsToBroadcast(Symbol size, Symbol target) const {
  if (size == target)
    return true;
  auto own = samples.find(size), other = samples.find(target);
  if (own == samples.end() || other == samples.end())
    return false;
  for (auto [number, wanted] : llvm::zip(own->second, other->second))
    if (wanted == 1 && number > 1)
      return false;
  return true;
}

bool SymbolicShapes::isConstant(Symbol symbol, int64_t value) const {
  auto it = constants.find(symbol);
  return it != constants.end() && it->second == value;
}

std::optional<SymbolicShapes::Symbol>
SymbolicShapes::simplify(Operation *op, ArrayRef<Symbol> operands) {
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    // A choice between equal sizes, as broadcasting makes it, is none.
    if (operands[1] == operands[2] || isConstant(operands[0], 1))
      return operands[1];
    if (isConstant(operands[0], 0))
      return operands[2];
    return std::nullopt;
  }
  if (operands.size() != 2)
    return std::nullopt;
  auto [lhs, rhs] = std::make_pair(operands[0], operands[1]);
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    bool isSign = isConstant(rhs, 0) && notNegative.contains(lhs);
    if (isSign && compare.getPredicate() == arith::CmpIPredicate::slt)
      return constant(0);
    if (isSign && compare.getPredicate() == arith::CmpIPredicate::sge)
      return constant(1);
    return std::nullopt;
  }
  if (isa<arith::MaxSIOp>(op)) {
    if (lhs == rhs || (isConstant(rhs, 0) && notNegative.contains(lhs)))
      return lhs;
    if (isConstant(lhs, 0) && notNegative.contains(rhs))
      return rhs;
  } else if (isa<arith::MinSIOp>(op)) {
    if (lhs == rhs)
      return lhs;
  } else if (isa<arith::AddIOp>(op)) {
    if (isConstant(rhs, 0))
      return lhs;
    if (isConstant(lhs, 0))
      return rhs;
  } else if (isa<arith::SubIOp>(op)) {
    if (isConstant(rhs, 0))
      return lhs;
    if (lhs == rhs)
      return constant(0);
    if (auto it = sums.find(lhs); it != sums.end()) {
      if (it->second.first == rhs)
        return it->second.second;
      if (it->second.second == rhs)
        return it->second.first;
    }
  } else if (isa<arith::DivSIOp, arith::DivUIOp, arith::MulIOp>(op)) {
    if (isConstant(rhs, 1))
      return lhs;
  }
  return std::nullopt;
}

SymbolicShapes::Symbol SymbolicShapes::fresh() { return next++; }

SymbolicShapes::Symbol SymbolicShapes::expression(Value index, Seen &seen) {
  // The size of a long concatenation is a deep sum: operands come first, so
  // that nothing recurses over its depth.
  SmallVector<Value> pending{index};
  while (!pending.empty()) {
    Value next = pending.back();
    size_t before = pending.size();
    Operation *op = seen.contains(next) ? nullptr : next.getDefiningOp();
    if (op && (isa<tensor::ExtractOp>(op) ||
               (isa<arith::ArithDialect>(op->getDialect()) &&
                op->getNumRegions() == 0)))
      for (Value operand : op->getOperands())
        if (!isa<ShapedType>(operand.getType()) && !seen.contains(operand))
          pending.push_back(operand);
    if (pending.size() != before)
      continue;
    pending.pop_back();
    if (!seen.contains(next)) {
      Symbol symbol = makeExpression(next, seen);
      seen[next] = symbol;
    }
  }
  return seen[index];
}

SymbolicShapes::Symbol SymbolicShapes::makeExpression(Value index, Seen &seen) {
  if (auto number = getConstantIntValue(index))
    return constant(*number);
  Operation *op = index.getDefiningOp();
  if (!op)
    return intern({"argument", index.getAsOpaquePointer(), {}});
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto place = dim.getConstantIndex()) {
      Symbol size = dimension(dim.getSource(), *place);
      notNegative.insert(size);
      return size;
    }
  // The ops of a reification are gone when the next one is looked at, so only
  // what they read can identify them.
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    std::vector<Symbol> places;
    for (Value place : extract.getIndices())
      places.push_back(expression(place, seen));
    return intern(
        {"element", extract.getTensor().getAsOpaquePointer(), places});
  }
  if (!isa<arith::ArithDialect>(op->getDialect()) || op->getNumRegions() != 0)
    return fresh();
  std::vector<Symbol> operands;
  for (Value operand : op->getOperands())
    operands.push_back(expression(operand, seen));
  if (auto simple = simplify(op, operands))
    return *simple;
  Symbol symbol =
      intern({op->getName().getStringRef().str(),
              op->getAttrDictionary().getAsOpaquePointer(), operands});
  sampleExpression(symbol, op, operands);
  auto record = [&](auto &pairs) {
    pairs[symbol] = {operands[0], operands[1]};
    if (notNegative.contains(operands[0]) && notNegative.contains(operands[1]))
      notNegative.insert(symbol);
  };
  if (isa<arith::MinSIOp>(op))
    record(minima);
  else if (isa<arith::AddIOp>(op))
    record(sums);
  return symbol;
}

/// A size and the smaller one of it and a number above one, as of a slice of a
/// table of places, broadcast only where they are equal.
void SymbolicShapes::dropBroadcast(std::vector<Symbol> &candidates) const {
  auto isSmaller = [&](Symbol symbol) {
    auto it = minima.find(symbol);
    if (it == minima.end())
      return false;
    auto [size, most] = it->second;
    if (constants.contains(size))
      std::swap(size, most);
    auto number = constants.find(most);
    return number != constants.end() && number->second > 1 &&
           llvm::is_contained(candidates, size);
  };
  llvm::erase_if(candidates, isSmaller);
}

/// An elementwise size is that of the operands which are not one.
SmallVector<SymbolicShapes::Symbol> SymbolicShapes::elementwise(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t rank = type.getRank();
  SmallVector<Symbol> symbols;
  for (int64_t i = 0; i < rank; ++i) {
    if (!type.isDynamicDim(i)) {
      symbols.push_back(constant(type.getDimSize(i)));
      continue;
    }
    std::vector<Symbol> candidates;
    for (Value operand : op->getOperands()) {
      int64_t place = i - rank + static_cast<int64_t>(shapeOf(operand).size());
      if (place < 0 || shapeOf(operand)[place] == 1)
        continue;
      Symbol symbol = dimension(operand, place);
      if (!llvm::is_contained(candidates, symbol))
        candidates.push_back(symbol);
    }
    dropBroadcast(candidates);
    llvm::sort(candidates);
    if (candidates.size() == 1) {
      symbols.push_back(candidates[0]);
      continue;
    }
    symbols.push_back(intern({"broadcast", nullptr, candidates}));
    sampleBroadcast(symbols.back(), candidates);
  }
  return symbols;
}

const SmallVector<SymbolicShapes::Symbol> &SymbolicShapes::shape(Value tensor) {
  auto it = shapes.find(tensor);
  if (it != shapes.end())
    return it->second;
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Symbol> symbols;
  for (int64_t size : type.getShape())
    symbols.push_back(ShapedType::isDynamic(size) ? fresh() : constant(size));
  Operation *op = tensor.getDefiningOp();
  if (type.hasStaticShape()) {
    // Nothing more to say.
  } else if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto names = function ? function.getArgAttrOfType<ArrayAttr>(
                                argument.getArgNumber(), "sluice.dims")
                          : ArrayAttr();
    if (names && static_cast<int64_t>(names.size()) == type.getRank())
      for (auto [i, name] : llvm::enumerate(names))
        if (type.isDynamicDim(i) && !cast<StringAttr>(name).empty())
          symbols[i] =
              intern({"name " + cast<StringAttr>(name).str(), nullptr, {}});
    for (Symbol symbol : symbols)
      if (function && !constants.contains(symbol))
        sampleInput(symbol);
  } else if (auto conversion = dyn_cast<tensor::CastOp>(op)) {
    if (isa<RankedTensorType>(conversion.getSource().getType()))
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i))
          symbols[i] = dimension(conversion.getSource(), i);
  } else if (isa<ElementwiseOpInterface>(op)) {
    symbols = elementwise(op);
  } else if (auto shaped = dyn_cast<ReifyRankedShapedTypeOpInterface>(op);
             shaped && isa<SluiceDialect, StateDialect>(op->getDialect())) {
    // What reification builds is only looked at.
    OpBuilder builder(op);
    Operation *before = op->getPrevNode();
    ReifiedRankedShapedTypeDims reified;
    if (succeeded(shaped.reifyResultShapes(builder, reified))) {
      Seen seen;
      auto &sizes = reified[cast<OpResult>(tensor).getResultNumber()];
      for (auto [i, size] : llvm::enumerate(sizes)) {
        if (auto number = getConstantIntValue(size))
          symbols[i] = constant(*number);
        else if (type.isDynamicDim(i))
          symbols[i] = expression(cast<Value>(size), seen);
      }
    }
    while (op->getPrevNode() != before)
      op->getPrevNode()->erase();
  }
  return shapes[tensor] = std::move(symbols);
}

void SymbolicShapes::visit(Operation *op) {
  for (Value result : op->getResults())
    if (isa<RankedTensorType>(result.getType()))
      shape(result);
}

SymbolicShapes::Symbol SymbolicShapes::dimension(Value tensor,
                                                 int64_t dimension) {
  return shape(tensor)[dimension];
}

bool SymbolicShapes::haveSameShape(Value lhs, Value rhs) {
  SmallVector<Symbol> left = shape(lhs), right = shape(rhs);
  return left == right;
}
