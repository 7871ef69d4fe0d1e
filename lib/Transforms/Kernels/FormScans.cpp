//===- FormScans.cpp - Loops that compute element by element --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Analysis/ScanStructure.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FORMSCANSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Turns one loop into a scan.
class ScanFormer {
public:
  ScanFormer(scf::ForOp loop, SymbolicShapes &symbols, unsigned maximumOps)
      : loop(loop), body(*loop.getBody()), symbols(symbols),
        maximumOps(maximumOps) {}

  /// Replaces the loop, or says why not and leaves it.
  llvm::Error form();

private:
  struct Sequence {
    ElementOp element;
    bool isBackwards;
  };
  struct List {
    unsigned number; ///< among the values that the loop carries
    SetElementOp set;
    bool isBackwards;
  };

  llvm::Error collectCarried();
  llvm::Error collectList(unsigned number);
  llvm::Error collectBody();
  /// 0, 1, ... or count - 1, count - 2, ... in the steps of the loop?
  std::optional<bool> isBackwards(Value index);
  bool hasLength(Value list);
  bool isInside(Value value) const { return value.getParentBlock() == &body; }

  using Symbols = SmallVector<SymbolicShapes::Symbol>;
  llvm::Error checkSizes();
  llvm::Expected<Symbols> sizesOf(Operation *op);
  /// Of a tensor that the body sees.
  Symbols sizesOf(Value value);
  /// Of a tensor outside.
  Symbols sizesOutside(Value value);
  llvm::Expected<SmallVector<int64_t>> findOutputSizes(ValueRange operands);

  /// A size or condition of the body as it is in every step, in front of the
  /// loop; null if it is none.
  Value moveToFront(Value value, IRMapping &mapping, OpBuilder &builder);
  Value sizeInFront(tensor::DimOp dim, OpBuilder &builder);
  bool isInvariant(Value value);

  ScanOp makeScan(ArrayRef<int64_t> sizes);
  void fillBody(ScanOp scan);
  void keepChecks();
  void replaceLoop(ScanOp scan);

  scf::ForOp loop;
  Block &body;
  SymbolicShapes &symbols;
  unsigned maximumOps;
  SmallVector<unsigned> states; ///< numbers of carried values
  SmallVector<List> lists;
  SmallVector<Sequence> sequences;
  SmallVector<Value> invariants;
  SmallVector<Operation *> ops; ///< what a step computes
  SmallVector<cf::AssertOp> checks;
  DenseMap<Value, Symbols> sizes;
};

llvm::Error refuse(const Twine &reason) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), reason);
}

bool isSplat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && ScanPlaces::isSupported(constant);
}

} // namespace

std::optional<bool> ScanFormer::isBackwards(Value index) {
  Value step = loop.getInductionVar();
  if (index == step)
    return false;
  // (count - 1) - step, however that was folded.
  auto difference = index.getDefiningOp<arith::SubIOp>();
  if (!difference || difference.getRhs() != step)
    return std::nullopt;
  Value last = difference.getLhs(), count = loop.getUpperBound();
  auto known = getConstantIntValue(count), from = getConstantIntValue(last);
  if (known && from)
    return *from == *known - 1 ? std::optional<bool>(true) : std::nullopt;
  auto isCountLess = [&](Value value) {
    if (auto less = value.getDefiningOp<arith::SubIOp>())
      return less.getLhs() == count && getConstantIntValue(less.getRhs()) == 1;
    if (auto more = value.getDefiningOp<arith::AddIOp>())
      return more.getLhs() == count && getConstantIntValue(more.getRhs()) == -1;
    return false;
  };
  return isCountLess(last) ? std::optional<bool>(true) : std::nullopt;
}

/// Is the first dimension as long as the loop?
bool ScanFormer::hasLength(Value list) {
  int64_t length = shapeOf(list).front();
  Value count = loop.getUpperBound();
  if (!ShapedType::isDynamic(length))
    return getConstantIntValue(count) == length;
  if (auto empty = list.getDefiningOp<tensor::EmptyOp>())
    return empty.getDynamicSize(0) == count;
  return true; // checked in front of the loop
}

llvm::Error ScanFormer::collectList(unsigned number) {
  Value yielded = loop.getYieldedValues()[number];
  auto set = yielded.getDefiningOp<SetElementOp>();
  auto backwards = isBackwards(set.getIndex());
  Value start = loop.getInitArgs()[number];
  auto isOnlyUser = [&](Value value, Operation *user) {
    return llvm::all_of(value.getUsers(), [&](Operation *other) {
      return other == user || isa<tensor::DimOp>(other);
    });
  };
  if (!isOnlyUser(loop.getRegionIterArgs()[number], set) ||
      !isOnlyUser(yielded, body.getTerminator()) || !isInside(yielded) ||
      !backwards || !start.getDefiningOp<tensor::EmptyOp>() ||
      !hasLength(start) ||
      set.getElement().getType() !=
          RankedTensorType::get(shapeOf(start).drop_front(),
                                elementTypeOf(start)))
    return refuse("a list is not filled from one end to the other");
  lists.push_back({number, set, *backwards});
  return llvm::Error::success();
}

llvm::Error ScanFormer::collectCarried() {
  if (getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1)
    return refuse("it does not count from zero");
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs())) {
    if (!isa<RankedTensorType>(argument.getType()))
      return refuse("it carries what is no tensor");
    auto set = loop.getYieldedValues()[i].getDefiningOp<SetElementOp>();
    if (!set || set.getList() != argument) {
      states.push_back(i);
      continue;
    }
    if (llvm::Error error = collectList(i))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error ScanFormer::collectBody() {
  DenseSet<Value> seen;
  for (Operation &op : body.without_terminator()) {
    if (auto element = dyn_cast<ElementOp>(op)) {
      auto backwards = isBackwards(element.getIndex());
      if (!backwards || isInside(element.getList()) ||
          !hasLength(element.getList()))
        return refuse("a step reads other elements than its own");
      sequences.push_back({element, *backwards});
      continue;
    }
    if (auto check = dyn_cast<cf::AssertOp>(op)) {
      if (!isInvariant(check.getArg()))
        return refuse("a check depends on the step");
      checks.push_back(check);
      continue;
    }
    // Indices of elements, and what is checked.
    if (isa<SetElementOp, tensor::DimOp>(op) ||
        isa<arith::ArithDialect>(op.getDialect()))
      continue;
    if (!isa<SluiceDialect>(op.getDialect()) || hasPackableWeights(&op) ||
        !ScanPlaces::isSupported(&op))
      return refuse(op.getName().getStringRef() +
                    " does not compute element by element");
    ops.push_back(&op);
    for (OpOperand &read : ScanPlaces::readOperands(&op))
      if (!isInside(read.get()) && !isSplat(read.get()) &&
          seen.insert(read.get()).second)
        invariants.push_back(read.get());
  }
  // A scan knows its states, elements and what it computes, nothing else.
  DenseSet<Value> known;
  for (unsigned number : states)
    known.insert(loop.getRegionIterArgs()[number]);
  for (Sequence &sequence : sequences)
    known.insert(sequence.element.getResult());
  for (Operation *op : ops) {
    for (OpOperand &read : ScanPlaces::readOperands(op))
      if (isInside(read.get()) && !known.contains(read.get()))
        return refuse("a step reads more than states and elements");
    known.insert(op->getResult(0));
  }
  for (unsigned number : states)
    if (!known.contains(loop.getYieldedValues()[number]))
      return refuse("a state becomes a value from outside");
  for (List &list : lists)
    if (!known.contains(list.set.getElement()))
      return refuse("an output is a value from outside");
  if (sequences.empty())
    return refuse("it reads no sequence");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

ScanFormer::Symbols ScanFormer::sizesOutside(Value value) {
  Symbols found;
  for (size_t i = 0; i < shapeOf(value).size(); ++i)
    found.push_back(symbols.dimension(value, i));
  return found;
}

ScanFormer::Symbols ScanFormer::sizesOf(Value value) {
  auto it = sizes.find(value);
  return it != sizes.end() ? it->second : sizesOutside(value);
}

/// The sizes of an op's result, which no operand broadcasts to unless its type
/// says so.
llvm::Expected<ScanFormer::Symbols> ScanFormer::sizesOf(Operation *op) {
  Value result = op->getResult(0);
  ScanPlaces::Place place, reduced;
  for (size_t i = 0; i < shapeOf(result).size(); ++i)
    place.push_back(reinterpret_cast<ScanPlaces::Index>(i + 1));
  for (size_t i = 0; i < ScanPlaces::reducedDimensions(op).size(); ++i)
    reduced.push_back(
        reinterpret_cast<ScanPlaces::Index>(place.size() + i + 1));
  SmallVector<std::optional<SymbolicShapes::Symbol>> found(place.size() +
                                                           reduced.size());
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    Symbols own = sizesOf(op->getOperand(i));
    for (auto [symbol, index] :
         llvm::zip(own, ScanPlaces::inOperand(op, i, place, reduced))) {
      if (!index)
        continue;
      auto &known = found[reinterpret_cast<uintptr_t>(index) - 1];
      if (known && *known != symbol)
        return refuse("sizes are not known to be equal");
      known = symbol;
    }
  }
  Symbols symbolic;
  for (auto [i, size] : llvm::enumerate(shapeOf(result))) {
    if (!ShapedType::isDynamic(size))
      symbolic.push_back(symbols.dimension(result, i));
    else if (found[i])
      symbolic.push_back(*found[i]);
    else
      return refuse("sizes are not known");
  }
  return symbolic;
}

llvm::Error ScanFormer::checkSizes() {
  for (unsigned number : states)
    sizes[loop.getRegionIterArgs()[number]] =
        sizesOutside(loop.getInitArgs()[number]);
  for (Sequence &sequence : sequences) {
    Symbols whole = sizesOutside(sequence.element.getList());
    whole.erase(whole.begin());
    sizes[sequence.element.getResult()] = whole;
  }
  for (Operation *op : ops) {
    // These are of static sizes.
    if (isa<ConstantOp, ReshapeOp>(op))
      continue;
    auto found = sizesOf(op);
    if (!found)
      return found.takeError();
    sizes[op->getResult(0)] = *found;
  }
  Symbols first = sizesOf(loop.getRegionIterArgs()[states.front()]);
  for (unsigned number : states) {
    Value before = loop.getRegionIterArgs()[number];
    Value after = loop.getYieldedValues()[number];
    if (before.getType() != after.getType() ||
        sizesOf(before) != sizesOf(after))
      return refuse("a state changes its shape");
    if (shapeOf(before) == shapeOf(loop.getRegionIterArgs()[states.front()]) &&
        sizesOf(before) != first)
      return refuse("states are not known to have one shape");
  }
  return llvm::Error::success();
}

/// For each dynamic size of an output, an operand's dimension of that size.
llvm::Expected<SmallVector<int64_t>>
ScanFormer::findOutputSizes(ValueRange operands) {
  SmallVector<int64_t> places;
  for (List &list : lists) {
    Value element = list.set.getElement();
    Symbols wanted = sizesOf(element);
    for (auto [i, known] : llvm::enumerate(shapeOf(element))) {
      if (!ShapedType::isDynamic(known))
        continue;
      size_t before = places.size();
      for (auto [number, operand] : llvm::enumerate(operands)) {
        Symbols own = sizesOutside(operand);
        auto *same = llvm::find(own, wanted[i]);
        if (same == own.end())
          continue;
        places.append({static_cast<int64_t>(number), same - own.begin()});
        break;
      }
      if (places.size() == before)
        return refuse("the size of an output is not that of an operand");
    }
  }
  return places;
}

/// Sizes of what a step sees are the same in all steps: `checkSizes` knows.
Value ScanFormer::sizeInFront(tensor::DimOp dim, OpBuilder &builder) {
  auto dimension = dim.getConstantIndex();
  Value source = dim.getSource();
  if (!dimension)
    return {};
  auto sizeOf = [&](Value outside, int64_t place) -> Value {
    return tensor::DimOp::create(builder, dim.getLoc(), outside, place);
  };
  if (!isInside(source))
    return sizeOf(source, *dimension);
  if (auto argument = dyn_cast<BlockArgument>(source))
    return sizeOf(loop.getInitArgs()[argument.getArgNumber() - 1], *dimension);
  if (auto element = source.getDefiningOp<ElementOp>())
    return sizeOf(element.getList(), *dimension + 1);
  return {};
}

Value ScanFormer::moveToFront(Value value, IRMapping &mapping,
                              OpBuilder &builder) {
  auto isInFront = [&](Value other) {
    return !isInside(other) || mapping.contains(other);
  };
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Value next = pending.back();
    if (isInFront(next)) {
      pending.pop_back();
      continue;
    }
    Operation *op = next.getDefiningOp();
    Value moved;
    if (auto dim = dyn_cast_if_present<tensor::DimOp>(op)) {
      moved = sizeInFront(dim, builder);
    } else if (op && isa<arith::ArithDialect>(op->getDialect())) {
      if (!llvm::all_of(op->getOperands(), isInFront)) {
        llvm::append_range(pending, llvm::reverse(op->getOperands()));
        continue;
      }
      moved = builder.clone(*op, mapping)->getResult(0);
    }
    if (!moved)
      return {};
    mapping.map(next, moved);
  }
  return mapping.lookupOrDefault(value);
}

/// Does a value of the body follow from sizes alone?
bool ScanFormer::isInvariant(Value value) {
  SmallVector<Value> pending{value};
  DenseSet<Value> seen;
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (!isInside(next) || !seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (auto dim = dyn_cast_if_present<tensor::DimOp>(op)) {
      Value source = dim.getSource();
      if (!dim.getConstantIndex() ||
          (isInside(source) && !isa<BlockArgument>(source) &&
           !source.getDefiningOp<ElementOp>()))
        return false;
    } else if (op && isa<arith::ArithDialect>(op->getDialect())) {
      llvm::append_range(pending, op->getOperands());
    } else {
      return false;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// The scan
//===----------------------------------------------------------------------===//

void ScanFormer::fillBody(ScanOp scan) {
  OpBuilder builder(scan.getContext());
  Block *block = builder.createBlock(&scan.getBody());
  IRMapping mapping;
  for (unsigned number : states) {
    Value state = loop.getRegionIterArgs()[number];
    mapping.map(state, block->addArgument(state.getType(), state.getLoc()));
  }
  for (Sequence &sequence : sequences)
    mapping.map(sequence.element.getResult(),
                block->addArgument(sequence.element.getType(),
                                   sequence.element.getLoc()));
  for (Value invariant : invariants)
    mapping.map(invariant,
                block->addArgument(invariant.getType(), invariant.getLoc()));
  for (Operation *op : ops) {
    for (OpOperand &read : ScanPlaces::readOperands(op))
      if (!mapping.contains(read.get()))
        builder.clone(*read.get().getDefiningOp(), mapping);
    // What gives its shape stays outside.
    if (isa<ReshapeOp>(op))
      mapping.map(op->getResult(0),
                  GraphBuilder(builder, op->getLoc())
                      .reshape(mapping.lookup(op->getOperand(0)),
                               shapeOf(op->getResult(0))));
    else
      builder.clone(*op, mapping);
  }
  SmallVector<Value> yielded;
  for (unsigned number : states)
    yielded.push_back(mapping.lookup(loop.getYieldedValues()[number]));
  for (List &list : lists)
    yielded.push_back(mapping.lookup(list.set.getElement()));
  YieldOp::create(builder, loop.getLoc(), yielded);
}

ScanOp ScanFormer::makeScan(ArrayRef<int64_t> outputSizes) {
  SmallVector<Value> initial, read;
  SmallVector<Type> types;
  SmallVector<bool> backwards;
  for (unsigned number : states) {
    initial.push_back(loop.getInitArgs()[number]);
    types.push_back(loop.getResult(number).getType());
  }
  for (Sequence &sequence : sequences) {
    read.push_back(sequence.element.getList());
    backwards.push_back(sequence.isBackwards);
  }
  for (List &list : lists) {
    types.push_back(loop.getResult(list.number).getType());
    backwards.push_back(list.isBackwards);
  }
  OpBuilder builder(loop);
  auto scan = ScanOp::create(builder, loop.getLoc(), types, initial, read,
                             invariants, outputSizes, backwards);
  fillBody(scan);
  return scan;
}

/// The checks of the steps and of the sequences' lengths go in front.
void ScanFormer::keepChecks() {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Value count = loop.getUpperBound();
  IRMapping mapping;
  for (cf::AssertOp check : checks) {
    Value condition = moveToFront(check.getArg(), mapping, builder);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value isEmpty = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sle, count, zero);
    Value holds = arith::OrIOp::create(builder, loc, isEmpty, condition);
    cf::AssertOp::create(builder, check.getLoc(), holds, check.getMsg());
  }
  for (Sequence &sequence : sequences) {
    Value list = sequence.element.getList();
    if (!ShapedType::isDynamic(shapeOf(list).front()))
      continue;
    Value length = tensor::DimOp::create(builder, loc, list, 0);
    if (auto dim = count.getDefiningOp<tensor::DimOp>();
        dim && dim.getSource() == list && dim.getConstantIndex() == 0)
      continue;
    Value same = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       length, count);
    cf::AssertOp::create(builder, loc, same,
                         "the scanned inputs have different lengths");
  }
}

void ScanFormer::replaceLoop(ScanOp scan) {
  for (auto [i, number] : llvm::enumerate(states))
    loop.getResult(number).replaceAllUsesWith(scan.getResult(i));
  for (auto [i, list] : llvm::enumerate(lists))
    loop.getResult(list.number)
        .replaceAllUsesWith(scan.getResult(states.size() + i));
  loop.erase();
}

llvm::Error ScanFormer::form() {
  if (llvm::Error error = collectCarried())
    return error;
  if (states.empty())
    return refuse("it has no state");
  if (llvm::Error error = collectBody())
    return error;
  if (ops.size() > maximumOps)
    return refuse("a step has " + Twine(ops.size()) +
                  " operations, and one kernel takes at most " +
                  Twine(maximumOps));
  if (llvm::Error error = checkSizes())
    return error;
  SmallVector<Value> operands;
  for (unsigned number : states)
    operands.push_back(loop.getInitArgs()[number]);
  for (Sequence &sequence : sequences)
    operands.push_back(sequence.element.getList());
  auto outputSizes = findOutputSizes(operands);
  if (!outputSizes)
    return outputSizes.takeError();
  ScanOp scan = makeScan(*outputSizes);
  auto structure = ScanStructure::analyse(scan);
  if (!structure) {
    scan.erase();
    return structure.takeError();
  }
  // The scan comes behind the checks.
  keepChecks();
  scan->moveBefore(loop);
  replaceLoop(scan);
  remarks::applied(scan, remarks::fusion) << "one kernel runs over all steps";
  return llvm::Error::success();
}

/// Moves what all steps compute alike in front of the loop. That may run no
/// step, so only what cannot fail moves: ops of static sizes need no checks.
static void hoistInvariants(scf::ForOp loop) {
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape();
  };
  auto isOutside = [&](Value value) {
    return loop.isDefinedOutsideOfLoop(value);
  };
  for (Operation &op :
       llvm::make_early_inc_range(loop.getBody()->without_terminator()))
    if (isa<ElementwiseOpInterface, UnsqueezeOp, SqueezeOp>(op) &&
        llvm::all_of(op.getOperandTypes(), isStatic) &&
        llvm::all_of(op.getResultTypes(), isStatic) &&
        llvm::all_of(op.getOperands(), isOutside))
      op.moveBefore(loop);
}

namespace {
class FormScansPass final : public impl::FormScansPassBase<FormScansPass> {
public:
  using FormScansPassBase::FormScansPassBase;

  void runOnOperation() final {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      hoistInvariants(loop);
      SymbolicShapes symbols;
      if (llvm::Error error = ScanFormer(loop, symbols, maximumOps).form())
        remarks::missed(loop, remarks::fusion)
            << "the loop runs its steps one by one: "
            << llvm::toString(std::move(error));
    }
  }
};
} // namespace
} // namespace sluice
