//===- LoopImport.cpp - Loop and Scan -------------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A loop that is known to run to its end, with shapes that are known before the
// first step, is an scf.for; what it collects is set in a tensor of the right
// size. Any other is an scf.while, and what it collects is a list that grows.
// All lists have the steps in their first dimension; what
// wants another one is transposed in front of or behind the loop.
//
//===----------------------------------------------------------------------===//

#include "ControlFlow.h"
#include "ImportRegistry.h"
#include "LoopPlan.h"
#include "LoopSizes.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/TensorExtent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sluice;

namespace {
/// Makes the loop of a plan.
class LoopMaker {
public:
  LoopMaker(NodeContext &node, const LoopPlan &plan)
      : node(node), plan(plan), builder(node.builder), loc(node.loc) {}

  llvm::Expected<Values> make();

private:
  /// A list under construction.
  struct List {
    RankedTensorType type;
    Value empty;
    bool isAppended = false;
  };

  llvm::Error fillBody();
  bool startCounted();
  llvm::Error startLists();
  llvm::Error collect();
  Values makeFor();
  Values makeWhile();
  ExpectedValue finishList(const List &list, const Collected &wanted,
                           Value made);

  NodeContext &node;
  const LoopPlan &plan;
  OpBuilder &builder;
  Location loc;
  SmallVector<Type> types; ///< of the carried tensors
  Region body;             ///< its arguments: the number, then the state
  Iteration last;
  Value count; ///< of the iterations, if that is known before the loop
  SmallVector<List> lists;
  Values next; ///< what the body yields of tensors
};
} // namespace

static RankedTensorType listType(Value element, int64_t trips) {
  SmallVector<int64_t> shape{trips};
  llvm::append_range(shape, shapeOf(element));
  return RankedTensorType::get(shape, elementTypeOf(element));
}

/// Translates the body until the carried types stop becoming more dynamic.
llvm::Error LoopMaker::fillBody() {
  OpBuilder::InsertionGuard guard(builder);
  while (true) {
    body.getBlocks().clear();
    Block *block = &body.emplaceBlock();
    Value number = block->addArgument(builder.getIndexType(), loc);
    Values arguments;
    for (Type type : types)
      arguments.push_back(block->addArgument(type, loc));
    builder.setInsertionPointToEnd(block);
    SLUICE_TRY(iteration, plan.body(number, arguments));
    last = std::move(iteration);
    if (isIncomplete(last.carried) || isIncomplete(last.collected))
      return llvm::Error::success();
    bool stable = true;
    for (auto [value, type] : llvm::zip(last.carried, types)) {
      RankedTensorType joined = joinTypes(value.getType(), type);
      if (!joined)
        return node.unsupported("a carried value changes its rank or element "
                                "type");
      stable &= joined == type;
      type = joined;
    }
    if (stable)
      return llvm::Error::success();
  }
}

/// Makes the lists of a loop whose steps, and the shapes of what it carries and
/// collects, are known before it runs; tells whether this is one.
bool LoopMaker::startCounted() {
  if (!plan.tripCount || plan.goesOn || last.goesOn)
    return false;
  // An scf.for carries nothing that may change its shape.
  for (auto [value, type] : llvm::zip(plan.initial, types))
    if (value.getType() != type)
      return false;
  LoopSizes sizes(builder, body.front(), plan.initial);
  SmallVector<SmallVector<Value>> known;
  for (Value element : last.collected) {
    auto dynamic = sizes.sizesOf(element);
    if (!dynamic)
      return false;
    known.push_back(std::move(*dynamic));
  }
  count = plan.tripCount;
  if (!ShapedType::isDynamic(plan.knownTrips))
    count = arith::ConstantIndexOp::create(builder, loc, plan.knownTrips);
  else if (plan.mayBeNegative)
    count = arith::MaxSIOp::create(
        builder, loc, count, arith::ConstantIndexOp::create(builder, loc, 0));
  for (auto [element, dynamic] : llvm::zip(last.collected, known)) {
    List list;
    list.type = listType(element, plan.knownTrips);
    // What fits no memory fails when it runs.
    if (failed(verifyExtent(std::nullopt, list.type)))
      list.type = listType(element, ShapedType::kDynamic);
    if (list.type.isDynamicDim(0))
      dynamic.insert(dynamic.begin(), count);
    list.empty = tensor::EmptyOp::create(builder, loc, list.type, dynamic);
    lists.push_back(list);
  }
  return true;
}

/// The sizes that an empty list has where its type has none.
static SmallVector<int64_t> declaredSizes(const Collected &wanted,
                                          RankedTensorType type) {
  SmallVector<int64_t> sizes(type.getRank(), 0);
  const auto &declared = wanted.declared->type.shape;
  if (declared && declared->size() + 1 == sizes.size())
    for (auto [size, known] :
         llvm::zip(MutableArrayRef(sizes).drop_front(), *declared))
      if (known.isFixed())
        size = known.value;
  return sizes;
}

/// Lists that grow.
llvm::Error LoopMaker::startLists() {
  for (auto [element, wanted] : llvm::zip(last.collected, plan.collected)) {
    List list;
    list.isAppended = true;
    list.type = listType(element, ShapedType::kDynamic);
    SLUICE_TRY(empty,
               emptyTensor(node, list.type, declaredSizes(wanted, list.type)));
    list.empty = empty;
    lists.push_back(list);
  }
  return llvm::Error::success();
}

/// Puts what an iteration collects into lists, at the end of the body.
llvm::Error LoopMaker::collect() {
  Block *block = &body.front();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(block);
  for (auto [value, type] : llvm::zip(last.carried, types))
    next.push_back(castTo(node, value, type));
  Value number = block->getArgument(0);
  for (auto [element, list, wanted] :
       llvm::zip(last.collected, lists, plan.collected)) {
    Value before = block->addArgument(list.type, loc), after;
    if (list.isAppended) {
      SLUICE_TRY(longer, node.create<AppendOp>({before, element}));
      after = longer;
    } else {
      Value index = number;
      if (wanted.isBackwards) {
        Value one = arith::ConstantIndexOp::create(builder, loc, 1);
        Value final = arith::SubIOp::create(builder, loc, count, one);
        index = arith::SubIOp::create(builder, loc, final, number);
      }
      SLUICE_TRY(filled, node.create<SetElementOp>({before, index, element}));
      after = filled;
    }
    next.push_back(castTo(node, after, list.type));
  }
  return llvm::Error::success();
}

Values LoopMaker::makeFor() {
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&body.front());
    scf::YieldOp::create(builder, loc, next);
  }
  Values initial;
  for (auto [value, type] : llvm::zip(plan.initial, types))
    initial.push_back(castTo(node, value, type));
  for (const List &list : lists)
    initial.push_back(list.empty);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto loop =
      scf::ForOp::create(builder, loc, index(0), count, index(1), initial,
                         [](OpBuilder &, Location, Value, ValueRange) {});
  loop.getRegion().takeBody(body);
  return llvm::to_vector_of<Value>(loop.getResults());
}

Values LoopMaker::makeWhile() {
  Block *block = &body.front();
  block->insertArgument(1u, builder.getI1Type(), loc);
  auto yes = [&] { return arith::ConstantIntOp::create(builder, loc, 1, 1); };
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(block);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Values yielded;
    yielded.push_back(
        arith::AddIOp::create(builder, loc, block->getArgument(0), one));
    yielded.push_back(last.goesOn ? last.goesOn : Value(yes()));
    llvm::append_range(yielded, next);
    scf::YieldOp::create(builder, loc, yielded);
  }
  Values initial;
  initial.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
  initial.push_back(plan.goesOn ? plan.goesOn : Value(yes()));
  for (auto [value, type] : llvm::zip(plan.initial, types))
    initial.push_back(castTo(node, value, type));
  for (const List &list : lists)
    initial.push_back(list.empty);
  TypeRange all = block->getArgumentTypes();
  auto loop = scf::WhileOp::create(builder, loc, all, initial);
  loop.getAfter().takeBody(body);
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&loop.getBefore(), {}, all,
                                      SmallVector<Location>(all.size(), loc));
  Value goesOn = before->getArgument(1);
  if (plan.tripCount) {
    Value isInside =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                              before->getArgument(0), plan.tripCount);
    goesOn = arith::AndIOp::create(builder, loc, isInside, goesOn);
  }
  scf::ConditionOp::create(builder, loc, goesOn, before->getArguments());
  return llvm::to_vector_of<Value>(loop.getResults().drop_front(2));
}

/// Brings the steps of a list into the order and the dimension that is wanted.
ExpectedValue LoopMaker::finishList(const List &list, const Collected &wanted,
                                    Value made) {
  int64_t rank = node.rank(made);
  if (wanted.isBackwards && list.isAppended) {
    SmallVector<int64_t> starts(rank, 0), ends(rank, INT64_MAX), steps(rank, 1);
    starts[0] = -1;
    ends[0] = INT64_MIN;
    steps[0] = -1;
    SLUICE_TRY(turned, node.create<SliceOp>(made, {node.ints("starts", starts),
                                                   node.ints("ends", ends),
                                                   node.ints("steps", steps)}));
    made = turned;
  }
  if (wanted.axis == 0)
    return made;
  SmallVector<int64_t> permutation;
  for (int64_t i = 1; i < rank; ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + wanted.axis, 0);
  return node.transpose(made, permutation);
}

llvm::Expected<Values> LoopMaker::make() {
  llvm::append_range(types, ValueRange(plan.initial).getTypes());
  if (llvm::Error error = fillBody())
    return error;
  if (isIncomplete(last.carried) || isIncomplete(last.collected))
    return Values(last.carried.size() + last.collected.size());
  SmallVector<Collected> wanted;
  for (auto [collected, element] : llvm::zip(plan.collected, last.collected)) {
    int64_t rank = node.rank(element) + 1;
    int64_t axis = collected.axis < 0 ? collected.axis + rank : collected.axis;
    if (axis < 0 || axis >= rank)
      return node.invalid("a scan axis is outside its tensor");
    wanted.push_back({axis, collected.isBackwards, collected.declared});
  }
  bool isCounted = startCounted();
  if (!isCounted)
    if (llvm::Error error = startLists())
      return error;
  if (llvm::Error error = collect())
    return error;
  Values results = isCounted ? makeFor() : makeWhile();
  for (auto [i, list] : llvm::enumerate(lists)) {
    Value &result = results[last.carried.size() + i];
    SLUICE_TRY(finished, finishList(list, wanted[i], result));
    result = finished;
  }
  return results;
}

llvm::Expected<Values> sluice::makeLoop(NodeContext &node,
                                        const LoopPlan &plan) {
  return LoopMaker(node, plan).make();
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// An i64 scalar from an index.
static Value scalarTensor(NodeContext &node, Value index) {
  Type wide = node.builder.getI64Type();
  Value integer =
      arith::IndexCastOp::create(node.builder, node.loc, wide, index);
  return tensor::FromElementsOp::create(
      node.builder, node.loc, RankedTensorType::get({}, wide), integer);
}

static llvm::Expected<Values> importLoop(NodeContext &node) {
  OpBuilder &builder = node.builder;
  SLUICE_TRY(body, node.node.getGraph("body"));
  LoopPlan plan;
  for (size_t i = 2; i < node.inputCount(); ++i) {
    if (!node.hasInput(i))
      return node.invalid("input " + Twine(i) + " is missing");
    plan.initial.push_back(node.input(i));
  }
  size_t carried = plan.initial.size();
  if (body->inputs.size() != carried + 2 || body->outputs.size() < carried + 1)
    return node.invalid("the body does not fit the carried values");
  if (node.hasInput(0)) {
    SLUICE_TRY(count, node.cast(node.input(0), builder.getI64Type()));
    plan.tripCount = arith::IndexCastOp::create(
        builder, node.loc, builder.getIndexType(), extractScalar(node, count));
    if (auto known = evaluateConstantElement(node.input(0), 0))
      plan.knownTrips = std::max<int64_t>(*known, 0);
  }
  if (node.hasInput(1)) {
    auto known = evaluateConstantElement(node.input(1), 0);
    if (!known || !*known)
      plan.goesOn = extractScalar(node, node.input(1));
  }
  for (const OnnxValueInfo &declared :
       ArrayRef(body->outputs).drop_front(carried + 1))
    plan.collected.push_back({0, false, &declared});
  auto translate = [&](Value number,
                       ValueRange state) -> llvm::Expected<Iteration> {
    // The loop only goes on while the condition holds.
    Values arguments{scalarTensor(node, number),
                     node.scalar(builder.getI1Type(), 1)};
    llvm::append_range(arguments, state);
    SLUICE_TRY(results, node.subgraph(*body, arguments));
    Iteration iteration;
    ArrayRef<Value> all = results;
    if (isIncomplete(results)) {
      iteration.carried = results;
      return iteration;
    }
    auto known = evaluateConstantElement(results[0], 0);
    if (!known || !*known)
      iteration.goesOn = extractScalar(node, results[0]);
    llvm::append_range(iteration.carried, all.slice(1, carried));
    llvm::append_range(iteration.collected, all.drop_front(1 + carried));
    return iteration;
  };
  plan.body = translate;
  return makeLoop(node, plan);
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

namespace {
/// The attributes of a Scan.
struct ScanForm {
  int64_t carried, scanned, collected;
  std::vector<int64_t> inputAxes, inputBackwards, outputAxes, outputBackwards;
};
} // namespace

static llvm::Expected<ScanForm> readScan(NodeContext &node,
                                         const OnnxGraph &body) {
  ScanForm form;
  SLUICE_TRY(scanned, node.node.getInt("num_scan_inputs"));
  int64_t inputs = node.inputCount();
  if (scanned < 1 || scanned > inputs)
    return node.invalid("num_scan_inputs is " + Twine(scanned));
  form.scanned = scanned;
  form.carried = inputs - scanned;
  form.collected = static_cast<int64_t>(body.outputs.size()) - form.carried;
  if (form.collected < 0 || static_cast<int64_t>(body.inputs.size()) != inputs)
    return node.invalid("the body does not fit the inputs");
  for (int64_t i = 0; i < inputs; ++i)
    if (!node.hasInput(i))
      return node.invalid("input " + Twine(i) + " is missing");
  std::vector<int64_t> zeroIn(form.scanned, 0), zeroOut(form.collected, 0);
  SLUICE_TRY(inputAxes, node.node.getInts("scan_input_axes", zeroIn));
  SLUICE_TRY(inputBack, node.node.getInts("scan_input_directions", zeroIn));
  SLUICE_TRY(outputAxes, node.node.getInts("scan_output_axes", zeroOut));
  SLUICE_TRY(outputBack, node.node.getInts("scan_output_directions", zeroOut));
  if (inputAxes.size() != zeroIn.size() || inputBack.size() != zeroIn.size() ||
      outputAxes.size() != zeroOut.size() ||
      outputBack.size() != zeroOut.size())
    return node.invalid("axes and directions do not fit the tensors");
  form.inputAxes.assign(inputAxes.begin(), inputAxes.end());
  form.inputBackwards.assign(inputBack.begin(), inputBack.end());
  form.outputAxes.assign(outputAxes.begin(), outputAxes.end());
  form.outputBackwards.assign(outputBack.begin(), outputBack.end());
  return form;
}

/// Scan input `index` with the steps in its first dimension.
static ExpectedValue stepsInFront(NodeContext &node, Value input,
                                  int64_t axis) {
  SLUICE_TRY(place, node.normaliseAxis(axis, node.rank(input)));
  if (place == 0)
    return input;
  SmallVector<int64_t> permutation{place};
  for (int64_t i = 0; i < node.rank(input); ++i)
    if (i != place)
      permutation.push_back(i);
  return node.transpose(input, permutation);
}

static llvm::Expected<Values> importScan(NodeContext &node) {
  OpBuilder &builder = node.builder;
  SLUICE_TRY(body, node.node.getGraph("body"));
  SLUICE_TRY(form, readScan(node, *body));
  LoopPlan plan;
  for (int64_t i = 0; i < form.carried; ++i)
    plan.initial.push_back(node.input(i));
  for (auto [axis, backwards, declared] :
       llvm::zip(form.outputAxes, form.outputBackwards,
                 ArrayRef(body->outputs).drop_front(form.carried)))
    plan.collected.push_back({axis, backwards != 0, &declared});
  Values sequences;
  for (int64_t i = 0; i < form.scanned; ++i) {
    SLUICE_TRY(sequence, stepsInFront(node, node.input(form.carried + i),
                                      form.inputAxes[i]));
    sequences.push_back(sequence);
    int64_t length = shapeOf(sequence)[0];
    if (ShapedType::isDynamic(plan.knownTrips))
      plan.knownTrips = length;
    else if (!ShapedType::isDynamic(length) && length != plan.knownTrips)
      return node.invalid("the scanned inputs have different lengths, " +
                          Twine(plan.knownTrips) + " and " + Twine(length));
  }
  auto lengthOf = [&](Value sequence) -> Value {
    return builder.createOrFold<tensor::DimOp>(node.loc, sequence, 0);
  };
  plan.tripCount = lengthOf(sequences.front());
  plan.mayBeNegative = false;
  for (Value sequence : ArrayRef(sequences).drop_front()) {
    if (!ShapedType::isDynamic(shapeOf(sequence)[0]) &&
        !ShapedType::isDynamic(shapeOf(sequences.front())[0]))
      continue;
    Value same =
        arith::CmpIOp::create(builder, node.loc, arith::CmpIPredicate::eq,
                              lengthOf(sequence), plan.tripCount);
    require(node, same, "the scanned inputs have different lengths");
  }
  Value length = plan.tripCount;
  auto translate = [&](Value number,
                       ValueRange state) -> llvm::Expected<Iteration> {
    Values arguments(state.begin(), state.end());
    for (auto [sequence, backwards] :
         llvm::zip(sequences, form.inputBackwards)) {
      Value index = number;
      if (backwards) {
        Value one = arith::ConstantIndexOp::create(builder, node.loc, 1);
        Value final = arith::SubIOp::create(builder, node.loc, length, one);
        index = arith::SubIOp::create(builder, node.loc, final, number);
      }
      SLUICE_TRY(element, node.create<ElementOp>({sequence, index}));
      arguments.push_back(element);
    }
    SLUICE_TRY(results, node.subgraph(*body, arguments));
    Iteration iteration;
    ArrayRef<Value> all = results;
    llvm::append_range(iteration.carried, all.take_front(form.carried));
    llvm::append_range(iteration.collected, all.drop_front(form.carried));
    return iteration;
  };
  plan.body = translate;
  return makeLoop(node, plan);
}

void sluice::registerLoopImports(ImportRegistry &registry) {
  registry.add("Loop", {0, variadic, variadic}, importLoop);
  registry.add("Scan", {1, variadic, variadic}, importScan, /*minOpset=*/9);
}
