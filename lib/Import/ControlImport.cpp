//===- ControlImport.cpp - If, and what loops share with it ---------------===//
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

Value sluice::extractScalar(NodeContext &node, Value tensor) {
  SmallVector<Value> zeros;
  for (int64_t i = 0; i < node.rank(tensor); ++i)
    zeros.push_back(arith::ConstantIndexOp::create(node.builder, node.loc, 0));
  return tensor::ExtractOp::create(node.builder, node.loc, tensor, zeros);
}

Value sluice::castTo(NodeContext &node, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(node.builder, node.loc, type, value);
}

RankedTensorType sluice::joinTypes(Type lhs, Type rhs) {
  auto left = cast<RankedTensorType>(lhs), right = cast<RankedTensorType>(rhs);
  if (left.getRank() != right.getRank() ||
      left.getElementType() != right.getElementType())
    return nullptr;
  SmallVector<int64_t> shape;
  for (auto [a, b] : llvm::zip(left.getShape(), right.getShape()))
    shape.push_back(a == b ? a : ShapedType::kDynamic);
  return RankedTensorType::get(shape, left.getElementType());
}

bool sluice::isIncomplete(ArrayRef<Value> values) {
  return llvm::any_of(values, [](Value value) { return !value; });
}

ExpectedValue sluice::emptyTensor(NodeContext &node, RankedTensorType type,
                                  ArrayRef<int64_t> dynamicSizes) {
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
  registry.add("If", {1, 1, variadic}, importIf);
  registerLoopImports(registry);
}
