//===- ReductionImport.cpp - Reductions, ArgMax and ArgMin ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

namespace {
/// The axes of a Reduce operator: known numbers, or a tensor of the run.
struct ReductionAxes {
  SmallVector<int64_t> known;
  Value tensor;
  bool keepDims = true;

  llvm::Expected<Value> reduce(NodeContext &node, Value operand,
                               ReductionKind kind) const {
    return reduce(node, operand, kind, keepDims);
  }
  llvm::Expected<Value> reduce(NodeContext &node, Value operand,
                               ReductionKind kind, bool keep) const {
    if (!tensor) {
      Composition ops(node);
      return ops.finishValue(ops.reduce(operand, kind, known, keep));
    }
    SmallVector<NamedAttribute> attributes = {node.attribute(
        "kind", ReductionKindAttr::get(node.builder.getContext(), kind))};
    if (keep)
      attributes.push_back(node.flag("keep_dims"));
    return node.create<ReduceAxesOp>({operand, tensor}, attributes);
  }
};
} // namespace

/// Axes are an attribute before opset `inputSince`, then an input. None means
/// all, unless `noop_with_empty_axes` is set.
static llvm::Expected<ReductionAxes> readAxes(NodeContext &node,
                                              int64_t inputSince) {
  ReductionAxes result;
  int64_t rank = node.rank(node.input(0));
  SLUICE_TRY(keepDims, node.node.getInt("keepdims", 1));
  SLUICE_TRY(noop, node.node.getInt("noop_with_empty_axes", 0));
  result.keepDims = keepDims != 0;
  SmallVector<int64_t> axes;
  if (node.opset() < inputSince) {
    SLUICE_TRY(given, node.node.getInts("axes", {}));
    axes.assign(given.begin(), given.end());
  } else if (node.hasInput(1)) {
    ArrayRef<int64_t> shape = shapeOf(node.input(1));
    if (shape.size() != 1 || !isa<IntegerType>(elementTypeOf(node.input(1))))
      return node.invalid("axes must be a vector of integers");
    auto known = node.constantInts(1);
    if (known) {
      axes = *known;
    } else if (shape[0] != 0) {
      if (ShapedType::isDynamic(shape[0]))
        return node.unsupported(
            "the number of axes is not known at compile time");
      result.tensor = node.input(1);
      return result;
    }
  }
  SLUICE_TRY(normalised, node.normaliseAxes(axes, rank));
  if (normalised.empty() && !noop)
    normalised = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  result.known = std::move(normalised);
  return result;
}

template <ReductionKind kind, int64_t inputSince>
static llvm::Expected<Values> importReduce(NodeContext &node) {
  SLUICE_TRY(axes, readAxes(node, inputSince));
  SLUICE_TRY(result, axes.reduce(node, node.input(0), kind));
  return Values{result};
}

// log(sum(exp(x))) as max + log(sum(exp(x - max))), which cannot overflow.
static llvm::Expected<Values> importReduceLogSumExp(NodeContext &node) {
  SLUICE_TRY(axes, readAxes(node, 18));
  Type given = elementTypeOf(node.input(0));
  // Integers go through f64, as the operator is defined.
  Type type = isa<FloatType>(given) ? given : node.builder.getF64Type();
  Composition ops(node);
  Value operand = ops.cast(node.input(0), type);
  // An infinite maximum (also of nothing) would make inf - inf.
  auto finiteMaximum = [&](bool keepDims) {
    Value largest =
        ops.unwrap(axes.reduce(node, operand, ReductionKind::Max, keepDims));
    return ops.select(ops.make<IsInfOp>(largest), node.scalar(type, 0),
                      largest);
  };
  Value shift = finiteMaximum(true);
  Value powers = ops.make<ExpOp>(ops.sub(operand, shift));
  if (ops.failed())
    return ops.finish({});
  Value sum = ops.unwrap(axes.reduce(node, powers, ReductionKind::Sum));
  if (!axes.keepDims)
    shift = finiteMaximum(false);
  Value result = ops.add(ops.make<LogOp>(sum), shift);
  return ops.finish({ops.cast(result, given)});
}

template <typename OpTy>
static llvm::Expected<Values> importArgument(NodeContext &node) {
  SLUICE_TRY(axis, node.node.getInt("axis", 0));
  SLUICE_TRY(keepDims, node.node.getInt("keepdims", 1));
  SLUICE_TRY(last, node.node.getInt("select_last_index", 0));
  SLUICE_TRY(place, node.normaliseAxis(axis, node.rank(node.input(0))));
  SmallVector<NamedAttribute> attributes = {node.integer("axis", place)};
  if (keepDims)
    attributes.push_back(node.flag("keep_dims"));
  if (last)
    attributes.push_back(node.flag("last"));
  SLUICE_TRY(result, node.create<OpTy>(node.input(0), attributes));
  return Values{result};
}

void sluice::registerReductionImports(ImportRegistry &registry) {
  registry.add("ArgMax", 1, importArgument<ArgMaxOp>, 1);
  registry.add("ArgMin", 1, importArgument<ArgMinOp>, 1);
  registry.add("ReduceL1", {1, 2}, importReduce<ReductionKind::L1, 18>, 1);
  registry.add("ReduceL2", {1, 2}, importReduce<ReductionKind::L2, 18>, 1);
  registry.add("ReduceLogSum", {1, 2}, importReduce<ReductionKind::LogSum, 18>,
               1);
  registry.add("ReduceLogSumExp", {1, 2}, importReduceLogSumExp, 1);
  registry.add("ReduceMax", {1, 2}, importReduce<ReductionKind::Max, 18>, 1);
  registry.add("ReduceMean", {1, 2}, importReduce<ReductionKind::Mean, 18>, 1);
  registry.add("ReduceMin", {1, 2}, importReduce<ReductionKind::Min, 18>, 1);
  registry.add("ReduceProd", {1, 2}, importReduce<ReductionKind::Prod, 18>, 1);
  registry.add("ReduceSum", {1, 2}, importReduce<ReductionKind::Sum, 13>, 1);
  registry.add("ReduceSumSquare", {1, 2},
               importReduce<ReductionKind::SumSquare, 18>, 1);
}
