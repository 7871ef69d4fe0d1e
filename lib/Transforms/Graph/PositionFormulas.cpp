//===- PositionFormulas.cpp - Integers that follow from places ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "PositionFormulas.h"
#include "ConstantNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

/// Chains of shape arithmetic are short.
constexpr unsigned maxDepth = 32;

LinearForm &LinearForm::add(const LinearForm &other, int64_t times) {
  // Sums of sizes and places stay far from what 64 bits hold.
  number += other.number * times;
  for (auto [symbol, factor] : other.factors)
    if ((factors[symbol] += factor * times) == 0)
      factors.erase(symbol);
  return *this;
}

Element PositionFormulas::atScore(Value tensor) {
  Element element{tensor, {}};
  int64_t rank = shapeOf(tensor).size();
  repeatedAxes.clear();
  numbers.clear();
  for (auto [i, size] : llvm::enumerate(shapeOf(tensor))) {
    Symbol axis = axisCount - rank + i;
    element.place.push_back(size == 1 ? LinearForm::ofNumber(0)
                                      : LinearForm::ofSymbol(axis));
    if (ShapedType::isDynamic(size) && axis >= QueryAxis && axis < axisCount &&
        !isWholeAxis(tensor, i, axis))
      repeatedAxes.push_back(axis);
  }
  return element;
}

bool PositionFormulas::mayRepeat(const LinearForm &place) const {
  return llvm::any_of(repeatedAxes,
                      [&](Symbol axis) { return place.get(axis) != 0; });
}

bool PositionFormulas::isWholeAxis(Value tensor, int64_t dimension,
                                   Symbol axis) {
  return getSize(tensor, dimension) == extents[axis] ||
         (extentSymbols[axis] &&
          symbols.seemToBroadcastAlike(symbols.dimension(tensor, dimension),
                                       *extentSymbols[axis]));
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Symbol PositionFormulas::ofSize(Value tensor, int64_t dimension) {
  auto [it, isNew] = sizes.try_emplace(symbols.dimension(tensor, dimension),
                                       axisCount + sources.size());
  if (isNew)
    sources.push_back({tensor, dimension});
  return it->second;
}

LinearForm PositionFormulas::getSize(Value tensor, int64_t dimension,
                                     unsigned depth) {
  int64_t known = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(known))
    return LinearForm::ofNumber(known);
  Operation *op = tensor.getDefiningOp();
  if (!op || depth > maxDepth)
    return LinearForm::ofSymbol(ofSize(tensor, dimension));
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return getSize(cast.getSource(), dimension, depth + 1);
  if (auto concat = dyn_cast<ConcatOp>(op);
      concat && static_cast<int64_t>(concat.getAxis()) == dimension) {
    LinearForm sum;
    for (Value operand : concat.getOperands())
      sum.add(getSize(operand, dimension, depth + 1));
    return sum;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return getSize(transpose.getOperand(),
                   transpose.getPermutation()[dimension], depth + 1);
  if (auto range = dyn_cast<RangeOp>(op)) {
    auto number = [&](Value operand) {
      return ofShapeElement(operand, 0, depth + 1);
    };
    auto start = number(range.getStart()), limit = number(range.getLimit()),
         delta = number(range.getDelta());
    if (start && limit && delta && *delta == LinearForm::ofNumber(1))
      if (LinearForm size = limit->plus(*start, -1); isNotNegative(size))
        return size;
  }
  if (auto iota = dyn_cast<IotaOp>(op))
    return getSize(iota.getOperand(), iota.getDimension(), depth + 1);
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    auto size = ofShapeElement(reshape.getShape(), dimension, depth + 1);
    if (size && isNotNegative(*size) && *size != LinearForm::ofNumber(0))
      return *size;
  }
  if (isa<ElementwiseOpInterface>(op)) {
    // That of the operands which are not one.
    std::optional<LinearForm> common;
    for (Value operand : op->getOperands()) {
      int64_t place = dimension - static_cast<int64_t>(shapeOf(tensor).size()) +
                      static_cast<int64_t>(shapeOf(operand).size());
      if (place < 0 || shapeOf(operand)[place] == 1)
        continue;
      LinearForm size = getSize(operand, place, depth + 1);
      if (common && *common != size)
        return LinearForm::ofSymbol(ofSize(tensor, dimension));
      common = size;
    }
    if (common)
      return *common;
  }
  if (auto sized = dyn_cast<OperandSizesOpInterface>(op))
    if (auto source = sized.getSizeSource(
            cast<OpResult>(tensor).getResultNumber(), dimension))
      return getSize(source->operand->get(), source->dimension, depth + 1);
  // What is as long as an axis has its formula.
  auto size = symbols.dimension(tensor, dimension);
  for (auto [symbol, extent] : llvm::zip(extentSymbols, extents))
    if (symbol == size)
      return extent;
  return LinearForm::ofSymbol(ofSize(tensor, dimension));
}

bool PositionFormulas::isNotNegative(const LinearForm &form) const {
  return form.number >= 0 &&
         llvm::all_of(form.factors, [this](const auto &term) {
           bool isData = term.first >= axisCount &&
                         !sources[term.first - axisCount].dimension;
           return term.second >= 0 && !isData;
         });
}

std::optional<LinearForm> PositionFormulas::ofIndex(OpFoldResult index,
                                                    unsigned depth) {
  if (auto known = getConstantIntValue(index))
    return LinearForm::ofNumber(*known);
  Operation *op = cast<Value>(index).getDefiningOp();
  if (!op || depth > maxDepth)
    return std::nullopt;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto place = dim.getConstantIndex();
    if (!place)
      return std::nullopt;
    return getSize(dim.getSource(), *place, depth + 1);
  }
  if (isa<arith::IndexCastOp>(op))
    return ofIndex(op->getOperand(0), depth + 1);
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  auto lhs = ofIndex(op->getOperand(0), depth + 1);
  auto rhs = lhs ? ofIndex(op->getOperand(1), depth + 1) : std::nullopt;
  if (!rhs)
    return std::nullopt;
  if (isa<arith::MulIOp>(op)) {
    if (lhs->isNumber())
      std::swap(lhs, rhs);
    if (!rhs->isNumber())
      return std::nullopt;
    return LinearForm().add(*lhs, rhs->number);
  }
  return lhs->plus(*rhs, isa<arith::SubIOp>(op) ? -1 : 1);
}

std::optional<LinearForm>
PositionFormulas::ofShapeElement(Value tensor, int64_t index, unsigned depth) {
  // What evaluation builds is only looked at.
  OpBuilder &builder = graph.builder;
  OpBuilder::InsertionGuard guard(builder);
  Operation *before = builder.getInsertionPoint()->getPrevNode();
  OpFoldResult value = evaluateElement(builder, graph.loc, tensor, index);
  std::optional<LinearForm> form;
  if (value)
    form = ofIndex(value, depth);
  Operation *end = &*builder.getInsertionPoint();
  while (end->getPrevNode() != before)
    end->getPrevNode()->erase();
  return form;
}

//===----------------------------------------------------------------------===//
// Elements that move
//===----------------------------------------------------------------------===//

std::optional<Element> PositionFormulas::followSlice(SliceOp op,
                                                     const Element &element) {
  Element source{op.getOperand(), {}};
  for (size_t i = 0; i < element.place.size(); ++i) {
    const LinearForm &place = element.place[i];
    auto bound = [&](ArrayRef<int64_t> known,
                     unsigned which) -> std::optional<LinearForm> {
      if (op.getBounds().empty())
        return LinearForm::ofNumber(known[i]);
      return ofShapeElement(op.getBounds()[which], i, 0);
    };
    auto start = bound(op.getStarts(), 0), step = bound(op.getSteps(), 2);
    if (!start || step != LinearForm::ofNumber(1))
      return std::nullopt;
    // Behind the end there are no elements.
    if (!isNotNegative(*start)) {
      // Less than nothing counts from the end.
      if (!isNotNegative(LinearForm().add(*start, -1)))
        return std::nullopt;
      start->add(getSize(op.getOperand(), i));
      if (!isNotNegative(*start))
        return std::nullopt;
    }
    source.place.push_back(start->plus(place));
  }
  return source;
}

std::optional<Element> PositionFormulas::followView(Operation *op,
                                                    const Element &element) {
  Value operand = op->getOperand(0);
  ArrayRef<int64_t> from = shapeOf(operand), to = shapeOf(element.tensor);
  Element source{operand, {}};
  size_t next = 0;
  auto skipOnes = [&] {
    while (next < to.size() && to[next] == 1)
      ++next;
  };
  for (auto [i, size] : llvm::enumerate(from)) {
    if (size == 1) {
      source.place.push_back(LinearForm::ofNumber(0));
      continue;
    }
    skipOnes();
    if (next == to.size() || symbols.dimension(operand, i) !=
                                 symbols.dimension(element.tensor, next))
      return std::nullopt;
    source.place.push_back(element.place[next++]);
  }
  skipOnes();
  if (next != to.size())
    return std::nullopt;
  return source;
}

std::optional<Element> PositionFormulas::step(const Element &element) {
  Operation *op = element.tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (isa<tensor::CastOp>(op))
    return Element{op->getOperand(0), element.place};
  if (op->hasTrait<trait::IsView>())
    return followView(op, element);
  if (auto slice = dyn_cast<SliceOp>(op))
    return followSlice(slice, element);
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    Element source = element;
    source.tensor = transpose.getOperand();
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
      source.place[from] = element.place[to];
    return source;
  }
  if (isa<BroadcastOp>(op))
    return broadcastFrom(op->getOperand(0), element);
  return std::nullopt;
}

std::optional<Element> PositionFormulas::broadcastFrom(Value operand,
                                                       const Element &element) {
  ArrayRef<int64_t> shape = shapeOf(operand);
  Element source{operand, {}};
  int64_t added = element.place.size() - shape.size();
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
    const LinearForm &place = element.place[i + added];
    if (shape[i] == 1) {
      source.place.push_back(LinearForm::ofNumber(0));
      continue;
    }
    // A size that only the run knows may be one. It is the wanted one if it is
    // that of the result, or of the whole axis, whose places broadcast to it.
    bool isWhole =
        symbols.dimension(operand, i) ==
            symbols.dimension(element.tensor, i + added) ||
        llvm::any_of(llvm::seq<Symbol>(0, axisCount), [&](Symbol axis) {
          return place == LinearForm::ofSymbol(axis) &&
                 isWholeAxis(operand, i, axis);
        });
    if (!isWhole)
      return std::nullopt;
    source.place.push_back(place);
  }
  return source;
}

std::optional<Element> PositionFormulas::operandOf(const Element &element,
                                                   unsigned number) {
  return broadcastFrom(element.tensor.getDefiningOp()->getOperand(number),
                       element);
}

Element PositionFormulas::follow(Element element) {
  for (unsigned i = 0; i < maxDepth; ++i) {
    auto source = step(element);
    if (!source)
      break;
    element = std::move(*source);
  }
  return element;
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// A constant whose elements are a linear function of their places.
std::optional<LinearForm> PositionFormulas::ofConstant(ConstantOp op,
                                                       const Element &element) {
  if (auto splat = getSplatNumber(op)) {
    auto whole = static_cast<int64_t>(*splat);
    if (static_cast<double>(whole) != *splat)
      return std::nullopt;
    return LinearForm::ofNumber(whole);
  }
  constexpr int64_t maxElements = 1 << 22;
  int64_t count = op.getType().getNumElements();
  if (!isa<IntegerType>(elementTypeOf(op)) || count == 0 ||
      count > maxElements ||
      llvm::any_of(element.place,
                   [&](const LinearForm &place) { return mayRepeat(place); }))
    return std::nullopt;
  std::vector<int64_t> numbers;
  if (!forEachNumber(op.getValue(), [&](double number) {
        numbers.push_back(static_cast<int64_t>(number));
      }))
    return std::nullopt;
  ArrayRef<int64_t> shape = shapeOf(op);
  SmallVector<int64_t> strides(shape.size(), 1), steps(shape.size(), 0);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  auto at = [&](int64_t i) { return numbers[i]; };
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] > 1)
      steps[i] = at(strides[i]) - at(0);
  for (int64_t i = 0, end = numbers.size(); i < end; ++i) {
    int64_t wanted = at(0);
    for (size_t k = 0; k < shape.size(); ++k)
      wanted += steps[k] * (i / strides[k] % shape[k]);
    if (at(i) != wanted)
      return std::nullopt;
  }
  LinearForm form = LinearForm::ofNumber(at(0));
  for (auto [place, step] : llvm::zip(element.place, steps))
    form.add(place, step);
  return form;
}

/// An integer that is the same for all scores, or for those of a batch.
std::optional<LinearForm> PositionFormulas::ofData(const Element &element) {
  auto type = cast<RankedTensorType>(element.tensor.getType());
  if (!type.getElementType().isSignlessInteger() ||
      type.getElementTypeBitWidth() < 32)
    return std::nullopt;
  bool isPerBatch = false;
  for (auto [place, size] : llvm::zip(element.place, type.getShape())) {
    if (size == 1)
      continue;
    if (isPerBatch || place != LinearForm::ofSymbol(BatchAxis))
      return std::nullopt;
    isPerBatch = true;
  }
  auto [it, isNew] =
      data.try_emplace(element.tensor, axisCount + sources.size());
  if (isNew)
    sources.push_back({element.tensor, std::nullopt, isPerBatch});
  return LinearForm::ofSymbol(it->second);
}

std::optional<LinearForm> PositionFormulas::getNumber(const Element &start,
                                                      unsigned depth) {
  Element element = follow(start);
  for (const auto &[known, form] : numbers[element.tensor])
    if (known == element)
      return form;
  auto form = findNumber(element, depth);
  numbers[element.tensor].push_back({element, form});
  return form;
}

std::optional<LinearForm> PositionFormulas::findNumber(const Element &element,
                                                       unsigned depth) {
  Operation *op = element.tensor.getDefiningOp();
  if (!op)
    return ofData(element);
  if (depth > maxDepth)
    return std::nullopt;
  auto operand = [&](unsigned i) -> std::optional<LinearForm> {
    auto source = operandOf(element, i);
    return source ? getNumber(*source, depth + 1) : std::nullopt;
  };
  if (auto constant = dyn_cast<ConstantOp>(op))
    return ofConstant(constant, element);
  if (isa<IotaOp, RangeOp>(op) && mayRepeat(element.place[0]))
    return std::nullopt;
  if (isa<IotaOp>(op))
    return element.place[0];
  if (auto range = dyn_cast<RangeOp>(op)) {
    auto single = [&](Value tensor) {
      Element source{tensor, {}};
      source.place.resize(shapeOf(tensor).size());
      return getNumber(source, depth + 1);
    };
    auto first = single(range.getStart()), delta = single(range.getDelta());
    if (!first || !delta || !delta->isNumber())
      return std::nullopt;
    return first->plus(element.place[0], delta->number);
  }
  if (auto cast = dyn_cast<CastOp>(op)) {
    Type from = elementTypeOf(cast.getOperand()), to = elementTypeOf(cast);
    bool isWide =
        from.getIntOrFloatBitWidth() >= 32 && to.getIntOrFloatBitWidth() >= 32;
    return isWide ? operand(0) : std::nullopt;
  }
  if (isa<AddOp, SubOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    if (lhs && rhs)
      return lhs->plus(*rhs, isa<SubOp>(op) ? -1 : 1);
    return std::nullopt;
  }
  if (isa<NegOp>(op)) {
    auto number = operand(0);
    return number ? std::optional(LinearForm().add(*number, -1)) : std::nullopt;
  }
  if (isa<MulOp>(op)) {
    auto lhs = operand(0), rhs = operand(1);
    if (!lhs || !rhs || (!lhs->isNumber() && !rhs->isNumber()))
      return std::nullopt;
    return lhs->isNumber() ? LinearForm().add(*rhs, lhs->number)
                           : LinearForm().add(*lhs, rhs->number);
  }
  // Shape arithmetic: elements whose number is known.
  int64_t index = 0;
  for (auto [place, size] : llvm::zip(element.place, shapeOf(element.tensor))) {
    if (!place.isNumber() || ShapedType::isDynamic(size))
      return ofData(element);
    index = index * size + place.number;
  }
  if (isa<IntegerType>(elementTypeOf(element.tensor)))
    if (auto form = ofShapeElement(element.tensor, index, depth + 1))
      return form;
  return ofData(element);
}

//===----------------------------------------------------------------------===//
// Back to tensors
//===----------------------------------------------------------------------===//

Value PositionFormulas::makeVector(const LinearForm &form) {
  Value sum;
  auto vector = [&](int64_t number) {
    return createShapeConstant(graph.builder, graph.loc, number);
  };
  auto append = [&](Value term) { sum = sum ? graph.add(sum, term) : term; };
  for (auto [symbol, factor] : form.factors) {
    const SymbolSource &source = sources[symbol - axisCount];
    Value term;
    if (source.dimension) {
      term = graph.make<ShapeOp>(source.tensor, *source.dimension,
                                 *source.dimension + 1);
    } else {
      term = graph.cast(source.tensor, graph.builder.getI64Type());
      term = graph.reshape(term, {-1});
    }
    append(factor == 1 ? term : graph.mul(term, vector(factor)));
  }
  if (form.number != 0 || !sum)
    append(vector(form.number));
  return sum;
}

Value PositionFormulas::makeInteger(const LinearForm &form) {
  bool isPerBatch = llvm::any_of(form.factors, [&](const auto &term) {
    return sources[term.first - axisCount].isPerBatch;
  });
  Value vector = makeVector(form);
  return isPerBatch ? vector : graph.reshape(vector, {});
}

Value PositionFormulas::make(const Element &element) {
  Value tensor = element.tensor;
  int64_t rank = element.place.size();
  SmallVector<int64_t> axes(rank, -1);
  SmallVector<LinearForm> starts(rank), ends(rank);
  bool isWhole = true;
  for (auto [i, place] : llvm::enumerate(element.place)) {
    LinearForm start = place, extent = LinearForm::ofNumber(1);
    for (Symbol axis : {BatchAxis, HeadAxis, QueryAxis, KeyAxis}) {
      if (place.get(axis) == 0)
        continue;
      if (place.get(axis) != 1 || axes[i] >= 0 ||
          llvm::is_contained(axes, axis))
        return nullptr;
      axes[i] = axis;
      start.factors.erase(axis);
      extent =
          axis < QueryAxis ? LinearForm::ofNumber(INT64_MAX) : extents[axis];
    }
    starts[i] = start;
    ends[i] = axes[i] >= 0 && axes[i] < int64_t(QueryAxis) ? extent
                                                           : start.plus(extent);
    // Along an axis the tensor goes as far as the scores do. None is cut along
    // batches and heads.
    bool startsAtZero = start == LinearForm::ofNumber(0);
    isWhole &= startsAtZero && (axes[i] >= 0 || shapeOf(tensor)[i] == 1) &&
               (axes[i] < int64_t(QueryAxis) || getSize(tensor, i) == extent);
  }
  if (!isWhole) {
    auto isNumber = [](const LinearForm &form) { return form.isNumber(); };
    if (llvm::all_of(starts, isNumber) && llvm::all_of(ends, isNumber)) {
      SmallVector<int64_t> first, last, steps(rank, 1);
      for (auto [start, end] : llvm::zip(starts, ends)) {
        first.push_back(start.number);
        last.push_back(end.number);
      }
      tensor = graph.make<SliceOp>(tensor, ValueRange{}, first, last, steps);
    } else {
      auto join = [&](ArrayRef<LinearForm> forms) -> Value {
        SmallVector<Value> pieces;
        for (const LinearForm &form : forms)
          pieces.push_back(makeVector(form));
        return pieces.size() == 1
                   ? pieces.front()
                   : graph.make<ConcatOp>(pieces,
                                          graph.builder.getI64IntegerAttr(0));
      };
      Value ones = createShapeConstant(graph.builder, graph.loc,
                                       SmallVector<int64_t>(rank, 1));
      tensor = graph.make<SliceOp>(
          tensor, ValueRange{join(starts), join(ends), ones},
          ArrayRef<int64_t>{}, ArrayRef<int64_t>{}, ArrayRef<int64_t>{});
    }
  }
  // Where it broadcasts to the scores already.
  bool isInPlace = rank <= axisCount &&
                   llvm::all_of(llvm::seq<int64_t>(0, rank), [&](int64_t i) {
                     return axes[i] < 0 || axes[i] == axisCount - rank + i;
                   });
  if (isInPlace)
    return tensor;
  // Dimensions of axes, in their order.
  SmallVector<int64_t> order, dropped;
  for (Symbol axis : {BatchAxis, HeadAxis, QueryAxis, KeyAxis})
    if (auto place = llvm::find(axes, axis); place != axes.end())
      order.push_back(place - axes.begin());
  SmallVector<int64_t> kept = order;
  for (int64_t i = 0; i < rank; ++i)
    if (axes[i] < 0)
      dropped.push_back(i);
  if (!dropped.empty())
    tensor = graph.squeeze(tensor, dropped);
  SmallVector<int64_t> permutation;
  for (int64_t place : kept)
    permutation.push_back(place - llvm::count_if(dropped, [&](int64_t other) {
                            return other < place;
                          }));
  if (!llvm::is_sorted(permutation))
    tensor = graph.transpose(tensor, permutation);
  SmallVector<int64_t> added;
  bool isBehind = false;
  for (Symbol axis : {BatchAxis, HeadAxis, QueryAxis, KeyAxis}) {
    bool isPresent = llvm::is_contained(axes, axis);
    isBehind |= isPresent;
    if (!isPresent && isBehind)
      added.push_back(axis);
  }
  // Leading dimensions of one are left out.
  if (!order.empty() && !added.empty()) {
    int64_t first = axes[order.front()];
    for (int64_t &axis : added)
      axis -= first;
    tensor = graph.unsqueeze(tensor, added);
  }
  return tensor;
}

} // namespace sluice
