//===- NormalizationImport.cpp - Softmax and normalisations ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Demands.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

static SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(first, rank));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// Before opset 13 these operators see the tensor as a matrix whose rows are
/// all dimensions from `axis` on. Applies `function` to the tensor, or to that
/// matrix, and the dimension it works along.
static llvm::Expected<Values>
overRows(NodeContext &node,
         llvm::function_ref<Value(Composition &, Value, int64_t)> function) {
  Value operand = node.input(0);
  ArrayRef<int64_t> shape = shapeOf(operand);
  int64_t rank = shape.size();
  bool flattens = node.opset() < 13;
  SLUICE_TRY(axis, node.node.getInt("axis", flattens ? 1 : -1));
  // The row of an old softmax may start after the last dimension.
  if (!flattens || axis != rank) {
    SLUICE_TRY(normalised, node.normaliseAxis(axis, rank));
    axis = normalised;
  }
  Composition ops(node);
  auto isOne = [](int64_t size) { return size == 1; };
  if (axis < rank &&
      (!flattens || llvm::all_of(shape.drop_front(axis + 1), isOne)))
    return ops.finish({function(ops, operand, axis)});
  Value rows = ops.unwrap(sizeProduct(node, operand, 0, axis));
  Value columns = ops.unwrap(sizeProduct(node, operand, axis, rank));
  if (ops.failed())
    return ops.finish({});
  Value matrix = ops.unwrap(reshapeTo(node, operand, {rows, columns}));
  return ops.finish({ops.reshapeLike(function(ops, matrix, 1), operand)});
}

template <typename OpTy>
static llvm::Expected<Values> importSoftmax(NodeContext &node) {
  return overRows(node, [](Composition &ops, Value rows, int64_t axis) {
    return ops.make<OpTy>(rows, ops.node.integer("axis", axis));
  });
}

/// 1 at the first largest element of each row, otherwise 0.
static llvm::Expected<Values> importHardmax(NodeContext &node) {
  return overRows(node, [](Composition &ops, Value rows, int64_t axis) {
    if (ops.failed())
      return Value();
    Value largest = ops.make<ArgMaxOp>(
        rows, {ops.node.integer("axis", axis), ops.node.flag("keep_dims")});
    Value place = ops.unwrap(positions(ops.node, rows, axis));
    return ops.cast(ops.make<EqualOp>({place, largest}), elementTypeOf(rows));
  });
}

//===----------------------------------------------------------------------===//
// Normalisations over trailing dimensions
//===----------------------------------------------------------------------===//

/// Does the parameter certainly have the sizes of the normalised dimensions?
static bool coversRow(Value parameter, Value operand, int64_t axis) {
  ArrayRef<int64_t> row = shapeOf(operand).drop_front(axis);
  return shapeOf(parameter) == row && llvm::none_of(row, ShapedType::isDynamic);
}

/// Normalises, scales and shifts; parameters that need broadcasting become
/// ordinary factors and addends.
template <typename OpTy>
static Value normalise(Composition &ops, Value operand, int64_t axis,
                       double epsilon, ArrayRef<Value> parameters) {
  SmallVector<NamedAttribute> attributes = {ops.node.integer("axis", axis),
                                            ops.node.real("epsilon", epsilon)};
  SmallVector<Value> operands = {operand};
  if (llvm::all_of(parameters, [&](Value parameter) {
        return coversRow(parameter, operand, axis);
      })) {
    llvm::append_range(operands, parameters);
    parameters = {};
  }
  Value result = ops.make<OpTy>(operands, attributes);
  Type type = elementTypeOf(operand);
  if (!parameters.empty())
    result = ops.mul(result, ops.cast(parameters[0], type));
  if (parameters.size() > 1)
    result = ops.add(result, ops.cast(parameters[1], type));
  return result;
}

static llvm::Expected<Values> importLayerNormalization(NodeContext &node) {
  Value operand = node.input(0);
  int64_t rank = node.rank(operand);
  SLUICE_TRY(declared, node.node.getInt("axis", -1));
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  SLUICE_TRY(axis, node.normaliseAxis(declared, rank));
  SmallVector<Value> parameters = {node.input(1)};
  if (node.hasInput(2))
    parameters.push_back(node.input(2));
  Composition ops(node);
  Value result =
      normalise<LayerNormOp>(ops, operand, axis, epsilon, parameters);
  if (!node.node.hasOutput(1) && !node.node.hasOutput(2))
    return ops.finish({result});
  // Training also wants what the normalisation is made of, in f32.
  Type elementType = elementTypeOf(operand);
  Value wide = elementType.isF64()
                   ? operand
                   : ops.cast(operand, node.builder.getF32Type());
  SmallVector<int64_t> axes = axesFrom(axis, rank);
  Value mean = ops.reduce(wide, ReductionKind::Mean, axes);
  Value centred = ops.sub(wide, mean);
  Value variance =
      ops.reduce(ops.mul(centred, centred), ReductionKind::Mean, axes);
  Value deviation =
      ops.make<SqrtOp>(ops.add(variance, ops.number(variance, epsilon)));
  return ops.finish({result, mean, ops.make<ReciprocalOp>(deviation)});
}

static llvm::Expected<Values> importRmsNormalization(NodeContext &node) {
  SLUICE_TRY(declared, node.node.getInt("axis", -1));
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  SLUICE_TRY(axis, node.normaliseAxis(declared, node.rank(node.input(0))));
  Composition ops(node);
  return ops.finish(
      {normalise<RmsNormOp>(ops, node.input(0), axis, epsilon, node.input(1))});
}

/// result * scale + bias with one factor and addend per channel (dimension 1).
static Value scaleChannels(Composition &ops, Value value, Value scale,
                           Value bias, int64_t rank) {
  SmallVector<int64_t> axes = axesFrom(1, rank - 1);
  demandShape(ops, scale, ops.size(value, 1), "the scale");
  demandShape(ops, bias, ops.size(value, 1), "the bias");
  return ops.add(ops.mul(value, ops.unsqueeze(scale, axes)),
                 ops.unsqueeze(bias, axes));
}

static llvm::Expected<Values> importInstanceNormalization(NodeContext &node) {
  Value operand = node.input(0);
  int64_t rank = node.rank(operand);
  if (rank < 3)
    return node.invalid("the input must have rank three or more");
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  Composition ops(node);
  Value normalised = ops.make<LayerNormOp>(
      operand, {node.integer("axis", 2), node.real("epsilon", epsilon)});
  return ops.finish(
      {scaleChannels(ops, normalised, node.input(1), node.input(2), rank)});
}

static llvm::Expected<Values> importGroupNormalization(NodeContext &node) {
  Value operand = node.input(0);
  int64_t rank = node.rank(operand);
  if (rank < 2)
    return node.invalid("the input must have rank two or more");
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  SLUICE_TRY(groups, node.node.getInt("num_groups"));
  if (groups < 1)
    return node.invalid("num_groups must be positive");
  int64_t channels = node.inputType(0).getDimSize(1);
  if (!ShapedType::isDynamic(channels) && channels % groups != 0)
    return node.invalid(Twine(channels) + " channels are no multiple of " +
                        Twine(groups) + " groups");
  Composition ops(node);
  // [N, C, ...] as [N, groups, C / groups, ...], which fails in the run unless
  // the groups are equal.
  Value count = node.constantVector({groups});
  SmallVector<Value> sizes = {ops.size(operand, 0), count,
                              ops.div(ops.size(operand, 1), count)};
  for (int64_t i = 2; i < rank; ++i)
    sizes.push_back(ops.size(operand, i));
  Value grouped = ops.reshapeTo(operand, sizes);
  Value normalised = ops.make<LayerNormOp>(
      grouped, {node.integer("axis", 2), node.real("epsilon", epsilon)});
  Value scale = node.input(1), bias = node.input(2);
  // Opset 18 has one factor and addend per group.
  if (node.opset() < 21)
    return ops.finish({ops.reshapeLike(
        scaleChannels(ops, normalised, scale, bias, rank + 1), operand)});
  Value result = ops.reshapeLike(normalised, operand);
  return ops.finish({scaleChannels(ops, result, scale, bias, rank)});
}

//===----------------------------------------------------------------------===//
// BatchNormalization
//===----------------------------------------------------------------------===//

/// In training, mean and variance are those of the batch, and the running ones
/// move towards them.
static llvm::Expected<Values> importTrainingBatchNorm(NodeContext &node,
                                                      float epsilon) {
  SLUICE_TRY(momentum, node.node.getFloat("momentum", 0.9f));
  Value operand = node.input(0);
  int64_t rank = node.rank(operand);
  SmallVector<int64_t> axes = axesFrom(2, rank);
  axes.insert(axes.begin(), 0);
  Composition ops(node);
  Value mean = ops.reduce(operand, ReductionKind::Mean, axes);
  Value centred = ops.sub(operand, mean);
  Value variance =
      ops.reduce(ops.mul(centred, centred), ReductionKind::Mean, axes);
  Value deviation =
      ops.make<SqrtOp>(ops.add(variance, ops.number(variance, epsilon)));
  Value result = scaleChannels(ops, ops.div(centred, deviation), node.input(1),
                               node.input(2), rank);
  auto moved = [&](Value running, Value current) {
    Value squeezed = ops.squeeze(current, axes);
    if (ops.failed())
      return Value();
    squeezed = ops.cast(squeezed, elementTypeOf(running));
    return ops.add(ops.mul(running, ops.number(running, momentum)),
                   ops.mul(squeezed, ops.number(running, 1.0f - momentum)));
  };
  return ops.finish(
      {result, moved(node.input(3), mean), moved(node.input(4), variance)});
}

static llvm::Expected<Values> importBatchNormalization(NodeContext &node) {
  SLUICE_TRY(epsilon, node.node.getFloat("epsilon", 1e-5f));
  SLUICE_TRY(training, node.node.getInt("training_mode", 0));
  SLUICE_TRY(spatial, node.node.getInt("spatial", 1));
  if (node.opset() < 9 && !spatial)
    return node.unsupported("one mean per element (spatial = 0)");
  if (node.rank(node.input(0)) < 2)
    return node.invalid("the input must have rank two or more");
  if (node.opset() >= 14 && training)
    return importTrainingBatchNorm(node, epsilon);
  SmallVector<Value> operands;
  for (size_t i = 0; i < 5; ++i)
    operands.push_back(node.input(i));
  SLUICE_TRY(result,
             node.create<BatchNormOp>(operands, node.real("epsilon", epsilon)));
  return Values{result};
}

//===----------------------------------------------------------------------===//
// Compositions
//===----------------------------------------------------------------------===//

// x / (bias + alpha / size * sum of squares over neighbouring channels)^beta.
// The mean over the window is an average pool whose first spatial dimension
// are the channels.
static llvm::Expected<Values> importLrn(NodeContext &node) {
  Value operand = node.input(0);
  int64_t rank = node.rank(operand);
  if (rank < 2)
    return node.invalid("the input must have rank two or more");
  SLUICE_TRY(size, node.node.getInt("size"));
  SLUICE_TRY(alpha, node.node.getFloat("alpha", 1e-4f));
  SLUICE_TRY(beta, node.node.getFloat("beta", 0.75f));
  SLUICE_TRY(bias, node.node.getFloat("bias", 1.0f));
  if (size < 1)
    return node.invalid("size must be positive");
  SmallVector<int64_t> ones(rank - 1, 1), kernel(ones), pads(2 * (rank - 1), 0);
  kernel[0] = size;
  pads[0] = (size - 1) / 2;
  pads[rank - 1] = size / 2;
  Composition ops(node);
  Value squares = ops.unsqueeze(ops.mul(operand, operand), {1});
  Value mean = ops.make<AveragePoolOp>(
      squares, {node.ints("kernel", kernel), node.ints("strides", ones),
                node.ints("dilations", ones), node.ints("pads", pads),
                node.flag("count_padding")});
  mean = ops.squeeze(mean, {1});
  Value base =
      ops.add(ops.mul(mean, ops.number(mean, alpha)), ops.number(mean, bias));
  Value power = ops.make<PowOp>({base, ops.number(base, beta)});
  return ops.finish({ops.div(operand, power)});
}

// x / norm; a row of zeros stays as it is.
static llvm::Expected<Values> importLpNormalization(NodeContext &node) {
  Value operand = node.input(0);
  SLUICE_TRY(declared, node.node.getInt("axis", -1));
  SLUICE_TRY(p, node.node.getInt("p", 2));
  if (p != 1 && p != 2)
    return node.invalid("p must be 1 or 2");
  SLUICE_TRY(axis, node.normaliseAxis(declared, node.rank(operand)));
  Composition ops(node);
  Value norm =
      ops.reduce(operand, p == 1 ? ReductionKind::L1 : ReductionKind::L2, axis);
  Value isZero = ops.make<EqualOp>({norm, ops.number(norm, 0)});
  Value divisor = ops.select(isZero, ops.number(norm, 1), norm);
  return ops.finish({ops.div(operand, divisor)});
}

// (x - mean) / (sqrt(mean of squares - mean^2) + 1e-9).
static llvm::Expected<Values>
importMeanVarianceNormalization(NodeContext &node) {
  Value operand = node.input(0);
  SLUICE_TRY(declared, node.node.getInts("axes", {0, 2, 3}));
  SLUICE_TRY(axes, node.normaliseAxes(declared, node.rank(operand)));
  Composition ops(node);
  Value centred =
      ops.sub(operand, ops.reduce(operand, ReductionKind::Mean, axes));
  Value variance =
      ops.reduce(ops.mul(centred, centred), ReductionKind::Mean, axes);
  Value deviation = ops.make<SqrtOp>(variance);
  return ops.finish(
      {ops.div(centred, ops.add(deviation, ops.number(deviation, 1e-9)))});
}

void sluice::registerNormalizationImports(ImportRegistry &registry) {
  registry.add("BatchNormalization", {5, 5, 5}, importBatchNormalization);
  registry.add("GroupNormalization", 3, importGroupNormalization);
  registry.add("Hardmax", 1, importHardmax, 1);
  registry.add("InstanceNormalization", 3, importInstanceNormalization, 6);
  registry.add("LRN", 1, importLrn, 1);
  registry.add("LayerNormalization", {2, 3, 3}, importLayerNormalization);
  registry.add("LogSoftmax", 1, importSoftmax<LogSoftmaxOp>, 1);
  registry.add("LpNormalization", 1, importLpNormalization, 1);
  registry.add("MeanVarianceNormalization", 1, importMeanVarianceNormalization);
  registry.add("RMSNormalization", 2, importRmsNormalization);
  // ONNX Runtime's spelling from before there was a standard operator.
  registry.add("SimplifiedLayerNormalization", {2, 2, 3},
               importRmsNormalization, 1);
  registry.add("Softmax", 1, importSoftmax<SoftmaxOp>, 1);
}
