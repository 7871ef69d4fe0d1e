//===- ControlImport.cpp - If, Loop and Scan ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Subgraphs become regions of scf ops. Their types are only known once they
// are translated, so a region is filled before the op around it is made.
//
//===----------------------------------------------------------------------===//

#include "ControlFlow.h"
#include "ImportRegistry.h"
#include "SizeVectors.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace sluice;

char DivergingBranchesError::ID;

/// The only element of a tensor.
static Value extractScalar(NodeContext &node, Value tensor) {
  SmallVector<Value> zeros;
  for (int64_t i = 0; i < node.rank(tensor); ++i)
    zeros.push_back(arith::ConstantIndexOp::create(node.builder, node.loc, 0));
  return tensor::ExtractOp::create(node.builder, node.loc, tensor, zeros);
}

static Value castTo(NodeContext &node, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(node.builder, node.loc, type, value);
}

/// The most static type that both can be cast to; null if there is none.
static RankedTensorType joinTypes(Type lhs, Type rhs) {
  auto left = cast<RankedTensorType>(lhs), right = cast<RankedTensorType>(rhs);
  if (left.getRank() != right.getRank() ||
      left.getElementType() != right.getElementType())
    return nullptr;
  SmallVector<int64_t> shape;
  for (auto [a, b] : llvm::zip(left.getShape(), right.getShape()))
    shape.push_back(a == b ? a : ShapedType::kDynamic);
  return RankedTensorType::get(shape, left.getElementType());
}

/// Did the translation leave out values, because of unsupported nodes?
static bool isIncomplete(ArrayRef<Value> values) {
  return llvm::any_of(values, [](Value value) { return !value; });
}

/// Zeros of a type; dynamic dimensions are empty.
static ExpectedValue emptyTensor(NodeContext &node, RankedTensorType type,
                                 ArrayRef<int64_t> dynamicSizes = {}) {
  SmallVector<int64_t> shape(type.getShape());
  for (auto [i, size] : llvm::enumerate(shape))
    if (ShapedType::isDynamic(size))
      size = dynamicSizes.empty() ? 0 : dynamicSizes[i];
  SLUICE_TRY(empty,
             node.create<BroadcastOp>({node.scalar(type.getElementType(), 0),
                                       node.constantVector(shape)}));
  return castTo(node, empty, type);
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

/// Fills a branch that cannot run: its nodes do not fit the sizes they would
/// get. Only a run that takes it fails.
static llvm::Error fillFailingBranch(NodeContext &node, Region &region,
                                     const std::string &reason,
                                     const Values &others, Values &results) {
  OpBuilder &builder = node.builder;
  OpBuilder::InsertionGuard guard(builder);
  region.getBlocks().clear();
  builder.setInsertionPointToEnd(&region.emplaceBlock());
  Value never = arith::ConstantIntOp::create(builder, node.loc, 0, 1);
  cf::AssertOp::create(builder, node.loc, never,
                       "a branch cannot run with these sizes: " + reason);
  for (Value other : others) {
    SLUICE_TRY(empty,
               emptyTensor(node, cast<RankedTensorType>(other.getType())));
    results.push_back(empty);
  }
  return llvm::Error::success();
}

llvm::Expected<Values> sluice::createBranch(NodeContext &node, Value condition,
                                            BranchBody onTrue,
                                            BranchBody onFalse) {
  OpBuilder &builder = node.builder;
  Region regions[2];
  Values results[2];
  std::optional<std::string> failures[2];
  for (unsigned i : {0u, 1u}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&regions[i].emplaceBlock());
    auto values = i == 0 ? onTrue() : onFalse();
    if (values) {
      results[i] = std::move(*values);
      continue;
    }
    llvm::Error error = values.takeError();
    if (error.isA<UnsupportedError>())
      return error;
    failures[i] = llvm::toString(std::move(error));
  }
  if (failures[0] && failures[1])
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   *failures[0]);
  for (unsigned i : {0u, 1u}) {
    if (!failures[i])
      continue;
    if (isIncomplete(results[1 - i]))
      return Values(results[1 - i].size());
    if (llvm::Error error = fillFailingBranch(node, regions[i], *failures[i],
                                              results[1 - i], results[i]))
      return error;
  }
  if (results[0].size() != results[1].size())
    return node.invalid("the branches give different numbers of values");
  if (isIncomplete(results[0]) || isIncomplete(results[1]))
    return Values(results[0].size());
  SmallVector<Type> types;
  for (auto [lhs, rhs] : llvm::zip(results[0], results[1])) {
    RankedTensorType type = joinTypes(lhs.getType(), rhs.getType());
    if (!type)
      return llvm::make_error<DivergingBranchesError>(
          "the branches give tensors of different rank or element type, and "
          "the condition is not known at compile time; it may be with all "
          "input sizes fixed");
    types.push_back(type);
  }
  auto branch = scf::IfOp::create(builder, node.loc, types, condition,
                                  /*withElseRegion=*/true);
  branch.getThenRegion().takeBody(regions[0]);
  branch.getElseRegion().takeBody(regions[1]);
  for (auto [region, values] :
       llvm::zip(branch->getRegions(), ArrayRef<Values>(results))) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&region.front());
    Values yielded;
    for (auto [value, type] : llvm::zip(values, types))
      yielded.push_back(castTo(node, value, type));
    scf::YieldOp::create(builder, node.loc, yielded);
  }
  return llvm::to_vector_of<Value>(branch.getResults());
}

static llvm::Expected<Values> importIf(NodeContext &node) {
  Value condition = node.input(0);
  auto type = node.inputType(0);
  if (!type.getElementType().isInteger(1))
    return node.invalid("the condition must be a boolean");
  SLUICE_TRY(onTrue, node.node.getGraph("then_branch"));
  SLUICE_TRY(onFalse, node.node.getGraph("else_branch"));
  // Branches that are never taken may not even have sensible types.
  if (auto known = evaluateConstantElement(condition, 0))
    return node.subgraph(*known ? *onTrue : *onFalse, {});
  return createBranch(
      node, extractScalar(node, condition),
      [&] { return node.subgraph(*onTrue, {}); },
      [&] { return node.subgraph(*onFalse, {}); });
}

void sluice::require(NodeContext &node, Value condition, StringRef message) {
  cf::AssertOp::create(node.builder, node.loc, condition, message);
}

llvm::Expected<Values> sluice::importDiverging(
    NodeContext &node,
    llvm::function_ref<llvm::Expected<Values>(const OnnxGraph &branch)>
        branchAndRest) {
  SLUICE_TRY(onTrue, node.node.getGraph("then_branch"));
  SLUICE_TRY(onFalse, node.node.getGraph("else_branch"));
  return createBranch(
      node, extractScalar(node, node.input(0)),
      [&] { return branchAndRest(*onTrue); },
      [&] { return branchAndRest(*onFalse); });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
/// What one iteration gives: null as `goesOn` stands for true.
struct Iteration {
  Value goesOn;
  Values carried;
  Values collected;
};

/// A loop that carries tensors and collects others along a new dimension.
struct LoopPlan {
  Value tripCount; ///< an index; null if there is no limit
  Value goesOn;    ///< null stands for true
  Values initial;
  size_t collectedCount = 0;
  /// The new dimension of each collected tensor, and whether later iterations
  /// come first in it.
  SmallVector<int64_t> collectedAxes;
  SmallVector<bool> collectedBackwards;
  /// What the file declares of each collected element: a loop without
  /// iterations has no other sizes to go by.
  ArrayRef<OnnxValueInfo> collectedInfos;
  llvm::function_ref<llvm::Expected<Iteration>(Value number, ValueRange)> body;
};
} // namespace

/// The sizes that the empty start of collected tensor `i`, of a type, has where
/// the type has none.
static SmallVector<int64_t> startSizes(const LoopPlan &plan, size_t i,
                                       RankedTensorType type) {
  int64_t rank = type.getRank(), axis = plan.collectedAxes[i];
  SmallVector<int64_t> sizes(rank - 1, 0);
  const auto &declared = plan.collectedInfos[i].type.shape;
  if (declared && declared->size() == sizes.size())
    for (auto [size, known] : llvm::zip(sizes, *declared))
      if (known.isFixed())
        size = known.value;
  sizes.insert(sizes.begin() + (axis < 0 ? axis + rank : axis), 0);
  return sizes;
}

/// Appends what an iteration collected to what the ones before did, at the end
/// of the loop's body; adds the arguments that hold these.
static llvm::Error appendCollected(NodeContext &node, const LoopPlan &plan,
                                   const Iteration &last, Block *body,
                                   Values &yielded) {
  for (auto [i, element] : llvm::enumerate(last.collected)) {
    int64_t axis = plan.collectedAxes[i];
    if (axis < 0)
      axis += node.rank(element) + 1;
    if (axis < 0 || axis > node.rank(element))
      return node.invalid("a scan axis is outside its tensor");
    SLUICE_TRY(slice, node.unsqueeze(element, axis));
    auto type = cast<RankedTensorType>(slice.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = ShapedType::kDynamic;
    auto whole = RankedTensorType::get(shape, type.getElementType());
    Value before = body->addArgument(whole, node.loc);
    Values parts{before, slice};
    if (plan.collectedBackwards[i])
      std::swap(parts[0], parts[1]);
    SLUICE_TRY(joined,
               node.create<ConcatOp>(parts, node.integer("axis", axis)));
    yielded.push_back(castTo(node, joined, whole));
  }
  return llvm::Error::success();
}

/// Translates the body until the carried types stop becoming more dynamic.
static llvm::Expected<Iteration> fillBody(NodeContext &node,
                                          const LoopPlan &plan, Region &region,
                                          SmallVectorImpl<Type> &types) {
  OpBuilder &builder = node.builder;
  while (true) {
    region.getBlocks().clear();
    Block *block = &region.emplaceBlock();
    Value number = block->addArgument(builder.getIndexType(), node.loc);
    block->addArgument(builder.getI1Type(), node.loc);
    Values arguments;
    for (Type type : types)
      arguments.push_back(block->addArgument(type, node.loc));
    builder.setInsertionPointToEnd(block);
    SLUICE_TRY(last, plan.body(number, arguments));
    if (isIncomplete(last.carried) || isIncomplete(last.collected))
      return last;
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
      return last;
  }
}

static llvm::Expected<Values> createLoop(NodeContext &node,
                                         const LoopPlan &plan) {
  OpBuilder &builder = node.builder;
  Location loc = node.loc;
  SmallVector<Type> types(ValueRange(plan.initial).getTypes());
  Region body;
  Values yielded;
  {
    OpBuilder::InsertionGuard guard(builder);
    SLUICE_TRY(last, fillBody(node, plan, body, types));
    if (isIncomplete(last.carried) || isIncomplete(last.collected))
      return Values(last.carried.size() + last.collected.size());
    Block *block = &body.front();
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    yielded.push_back(
        arith::AddIOp::create(builder, loc, block->getArgument(0), one));
    yielded.push_back(last.goesOn
                          ? last.goesOn
                          : arith::ConstantIntOp::create(builder, loc, 1, 1));
    for (auto [value, type] : llvm::zip(last.carried, types))
      yielded.push_back(castTo(node, value, type));
    if (llvm::Error error = appendCollected(node, plan, last, block, yielded))
      return error;
    scf::YieldOp::create(builder, loc, yielded);
  }

  Values initial;
  initial.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
  initial.push_back(plan.goesOn
                        ? plan.goesOn
                        : arith::ConstantIntOp::create(builder, loc, 1, 1));
  for (auto [value, type] : llvm::zip(plan.initial, types))
    initial.push_back(castTo(node, value, type));
  TypeRange all = body.front().getArgumentTypes();
  for (auto [i, type] : llvm::enumerate(all.drop_front(initial.size()))) {
    auto tensor = cast<RankedTensorType>(type);
    SLUICE_TRY(empty, emptyTensor(node, tensor, startSizes(plan, i, tensor)));
    initial.push_back(empty);
  }
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
  }
  if (node.hasInput(1)) {
    auto known = evaluateConstantElement(node.input(1), 0);
    if (!known || !*known)
      plan.goesOn = extractScalar(node, node.input(1));
  }
  size_t collected = body->outputs.size() - carried - 1;
  plan.collectedAxes.assign(collected, 0);
  plan.collectedBackwards.assign(collected, false);
  plan.collectedInfos = ArrayRef(body->outputs).take_back(collected);
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
  return createLoop(node, plan);
}

static llvm::Expected<Values> importScan(NodeContext &node) {
  OpBuilder &builder = node.builder;
  SLUICE_TRY(body, node.node.getGraph("body"));
  SLUICE_TRY(scanned, node.node.getInt("num_scan_inputs"));
  int64_t inputs = node.inputCount();
  if (scanned < 1 || scanned > inputs)
    return node.invalid("num_scan_inputs is " + Twine(scanned));
  int64_t carried = inputs - scanned;
  int64_t collected = static_cast<int64_t>(body->outputs.size()) - carried;
  if (collected < 0 || static_cast<int64_t>(body->inputs.size()) != inputs)
    return node.invalid("the body does not fit the inputs");
  std::vector<int64_t> zeroIn(scanned, 0), zeroOut(collected, 0);
  SLUICE_TRY(inputAxes, node.node.getInts("scan_input_axes", zeroIn));
  SLUICE_TRY(inputBack, node.node.getInts("scan_input_directions", zeroIn));
  SLUICE_TRY(outputAxes, node.node.getInts("scan_output_axes", zeroOut));
  SLUICE_TRY(outputBack, node.node.getInts("scan_output_directions", zeroOut));
  if (inputAxes.size() != zeroIn.size() || inputBack.size() != zeroIn.size() ||
      outputAxes.size() != zeroOut.size() ||
      outputBack.size() != zeroOut.size())
    return node.invalid("axes and directions do not fit the tensors");

  LoopPlan plan;
  for (int64_t i = 0; i < carried; ++i)
    plan.initial.push_back(node.input(i));
  plan.collectedAxes.assign(outputAxes.begin(), outputAxes.end());
  for (int64_t backwards : outputBack)
    plan.collectedBackwards.push_back(backwards != 0);
  plan.collectedInfos = ArrayRef(body->outputs).take_back(collected);
  for (int64_t i = 0; i < scanned; ++i) {
    SLUICE_TRY(axis, node.normaliseAxis(inputAxes[i],
                                        node.rank(node.input(carried + i))));
    inputAxes[i] = axis;
  }
  SLUICE_TRY(length, sizeVector(node, node.input(carried), inputAxes[0]));
  plan.tripCount = arith::IndexCastOp::create(
      builder, node.loc, builder.getIndexType(), extractScalar(node, length));

  auto translate = [&](Value number,
                       ValueRange state) -> llvm::Expected<Iteration> {
    Values arguments(state.begin(), state.end());
    Value position = scalarTensor(node, number);
    for (int64_t i = 0; i < scanned; ++i) {
      Value index = position;
      if (inputBack[i]) {
        // -1 - number counts from the end.
        SLUICE_TRY(back,
                   node.create<SubOp>(
                       {node.scalar(builder.getI64Type(), -1), position}));
        index = back;
      }
      SLUICE_TRY(element,
                 node.create<GatherOp>({node.input(carried + i), index},
                                       node.integer("axis", inputAxes[i])));
      arguments.push_back(element);
    }
    SLUICE_TRY(results, node.subgraph(*body, arguments));
    Iteration iteration;
    ArrayRef<Value> all = results;
    llvm::append_range(iteration.carried, all.take_front(carried));
    llvm::append_range(iteration.collected, all.drop_front(carried));
    return iteration;
  };
  plan.body = translate;
  return createLoop(node, plan);
}

//===----------------------------------------------------------------------===//
// Choosing code by a run-time axis
//===----------------------------------------------------------------------===//

/// `body` for the axis from `first` on that `axis`, an i64 that was counted
/// from the front, is equal to.
static llvm::Expected<Values>
chooseAxis(NodeContext &node, Value axis, int64_t rank, int64_t first,
           llvm::function_ref<llvm::Expected<Values>(int64_t)> body) {
  if (first + 1 == rank)
    return body(first);
  Value constant =
      arith::ConstantIntOp::create(node.builder, node.loc, first, 64);
  Value isHere = arith::CmpIOp::create(
      node.builder, node.loc, arith::CmpIPredicate::eq, axis, constant);
  return createBranch(
      node, isHere, [&] { return body(first); },
      [&] { return chooseAxis(node, axis, rank, first + 1, body); });
}

llvm::Expected<Values>
sluice::forEachAxis(NodeContext &node, Value axis, int64_t rank,
                    llvm::function_ref<llvm::Expected<Values>(int64_t)> body) {
  SLUICE_TRY(wide, node.cast(axis, node.builder.getI64Type()));
  SLUICE_TRY(scalar, node.reshape(wide, {}));
  Value number = extractScalar(node, scalar);
  OpBuilder &builder = node.builder;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(builder, node.loc, value, 64);
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(builder, node.loc, predicate, lhs, rhs);
  };
  Value isNegative = compare(arith::CmpIPredicate::slt, number, constant(0));
  Value fromEnd =
      arith::AddIOp::create(builder, node.loc, number, constant(rank));
  number =
      arith::SelectOp::create(builder, node.loc, isNegative, fromEnd, number);
  require(node, compare(arith::CmpIPredicate::ult, number, constant(rank)),
          "the axis is not within rank " + std::to_string(rank));
  return chooseAxis(node, number, rank, /*first=*/0, body);
}

void sluice::registerControlImports(ImportRegistry &registry) {
  registry.add("If", 1, importIf);
  registry.add("Loop", 0, importLoop);
  registry.add("Scan", 1, importScan, /*minOpset=*/9);
}
