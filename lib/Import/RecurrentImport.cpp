//===- RecurrentImport.cpp - LSTM, GRU and RNN ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

namespace {
/// What the three operators say alike.
struct RecurrentAttributes {
  RecurrentCell cell;
  int64_t gates, units, directions;
  bool batchFirst;
  SmallVector<bool> reverse;
  SmallVector<Attribute> activations;
  SmallVector<double> alphas, betas;
  float clip;
};

/// An activation's constants where the model does not give them; `alphas` and
/// `betas` say how many it takes.
struct ActivationDefaults {
  StringRef name;
  bool hasAlpha, hasBeta;
  double alpha, beta;
};
} // namespace

static const ActivationDefaults *findActivation(StringRef name) {
  static constexpr ActivationDefaults known[] = {
      {"affine", true, true, 1.0, 0.0},
      {"elu", true, false, 1.0, 0.0},
      {"hardsigmoid", true, true, 0.2, 0.5},
      {"leakyrelu", true, false, 0.01, 0.0},
      {"relu", false, false, 0.0, 0.0},
      {"scaledtanh", true, true, 1.0, 1.0},
      {"sigmoid", false, false, 0.0, 0.0},
      {"softplus", false, false, 0.0, 0.0},
      {"softsign", false, false, 0.0, 0.0},
      {"tanh", false, false, 0.0, 0.0},
      {"thresholdedrelu", true, false, 1.0, 0.0},
  };
  for (const ActivationDefaults &entry : known)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

/// The activations of all directions; the constants in `activation_alpha` and
/// `activation_beta` go to those that take one, in order.
static llvm::Error readActivations(NodeContext &node,
                                   ArrayRef<StringRef> fallback,
                                   RecurrentAttributes &result) {
  std::vector<std::string> names;
  if (node.node.hasAttribute("activations")) {
    SLUICE_TRY(given, node.node.getStrings("activations"));
    names = std::move(given);
  } else {
    for (int64_t i = 0; i < result.directions; ++i)
      names.insert(names.end(), fallback.begin(), fallback.end());
  }
  if (names.size() != fallback.size() * result.directions)
    return node.invalid("there must be " +
                        Twine(fallback.size() * result.directions) +
                        " activations");
  SLUICE_TRY(alphas, node.node.getFloats("activation_alpha", {}));
  SLUICE_TRY(betas, node.node.getFloats("activation_beta", {}));
  size_t nextAlpha = 0, nextBeta = 0;
  for (const std::string &name : names) {
    std::string lower = StringRef(name).lower();
    const ActivationDefaults *defaults = findActivation(lower);
    if (!defaults)
      return node.invalid("unknown activation '" + name + "'");
    result.activations.push_back(node.builder.getStringAttr(lower));
    bool givesAlpha = defaults->hasAlpha && nextAlpha < alphas.size();
    bool givesBeta = defaults->hasBeta && nextBeta < betas.size();
    result.alphas.push_back(givesAlpha ? alphas[nextAlpha++] : defaults->alpha);
    result.betas.push_back(givesBeta ? betas[nextBeta++] : defaults->beta);
  }
  return llvm::Error::success();
}

static llvm::Expected<RecurrentAttributes>
readRecurrent(NodeContext &node, RecurrentCell cell, int64_t gates,
              ArrayRef<StringRef> fallbackActivations) {
  RecurrentAttributes result;
  result.cell = cell;
  result.gates = gates;
  Value weights = node.input(1), recurrent = node.input(2);
  if (node.rank(node.input(0)) != 3 || node.rank(weights) != 3 ||
      node.rank(recurrent) != 3)
    return node.invalid("X, W and R must have rank 3");
  SLUICE_TRY(units, node.node.getInt("hidden_size", shapeOf(recurrent).back()));
  if (ShapedType::isDynamic(units))
    return node.unsupported("hidden_size is not known at compile time");
  if (units < 1)
    return node.invalid("hidden_size is " + Twine(units));
  if (units > (int64_t(1) << 24))
    return node.unsupported("hidden_size is " + Twine(units));
  result.units = units;
  SLUICE_TRY(direction, node.node.getString("direction", "forward"));
  if (direction == "forward")
    result.reverse = {false};
  else if (direction == "reverse")
    result.reverse = {true};
  else if (direction == "bidirectional")
    result.reverse = {false, true};
  else
    return node.invalid("unknown direction '" + direction + "'");
  result.directions = result.reverse.size();
  SLUICE_TRY(layout, node.node.getInt("layout", 0));
  SLUICE_TRY(clip, node.node.getFloat("clip", 0.0f));
  result.batchFirst = layout != 0;
  result.clip = clip;
  if (llvm::Error error = readActivations(node, fallbackActivations, result))
    return error;
  return result;
}

/// X * W^T + biases for all steps and directions: [D, S, B, G*H].
static Value projectInputs(Composition &ops, const RecurrentAttributes &cell,
                           Value bias) {
  NodeContext &node = ops.node;
  Value x = node.input(0);
  if (cell.batchFirst)
    x = ops.transpose(x, {1, 0, 2});
  if (ops.failed())
    return nullptr;
  // All steps in one product; one for each direction, because packed weights
  // are single matrices.
  Value rows = ops.reshapeCopying(x, {1, -1, 0});
  auto ofDirection = [&](Value value, int64_t direction) {
    return cell.directions == 1 ? value
                                : ops.slice(value, 0, direction, direction + 1);
  };
  SmallVector<Value> products;
  for (int64_t i = 0; i < cell.directions; ++i) {
    Value product = ops.make<MatmulOp>({rows, ofDirection(node.input(1), i)},
                                       node.flag("transpose_rhs"));
    products.push_back(
        bias ? ops.add(product, ops.unsqueeze(ofDirection(bias, i), {1}))
             : product);
  }
  Value product = cell.directions == 1 ? products[0] : ops.concat(products, 0);
  Value steps = ops.unwrap(sizeVector(node, x, 0));
  Value batch = ops.unwrap(sizeVector(node, x, 1));
  if (ops.failed())
    return nullptr;
  return ops.unwrap(
      reshapeTo(node, product,
                {node.constantVector(cell.directions), steps, batch,
                 node.constantVector(cell.gates * cell.units)}));
}

/// The op itself, and its results in the node's layout. Null operands are
/// absent.
static llvm::Expected<Values> finishRecurrent(Composition &ops,
                                              const RecurrentAttributes &cell,
                                              ArrayRef<Value> operands,
                                              ArrayRef<NamedAttribute> more) {
  NodeContext &node = ops.node;
  if (ops.failed())
    return ops.finish({});
  SmallVector<Value> given;
  SmallVector<int32_t> segments;
  for (Value operand : operands) {
    segments.push_back(operand ? 1 : 0);
    if (operand)
      given.push_back(operand);
  }
  OpBuilder &builder = node.builder;
  SmallVector<NamedAttribute> attributes = {
      node.attribute("cell",
                     RecurrentCellAttr::get(builder.getContext(), cell.cell)),
      node.attribute("reverse", builder.getDenseBoolArrayAttr(cell.reverse)),
      node.attribute("activations", builder.getArrayAttr(cell.activations)),
      node.attribute("alphas", builder.getDenseF64ArrayAttr(cell.alphas)),
      node.attribute("betas", builder.getDenseF64ArrayAttr(cell.betas)),
      node.real("clip", cell.clip),
      node.attribute("operandSegmentSizes",
                     builder.getDenseI32ArrayAttr(segments))};
  llvm::append_range(attributes, more);
  SLUICE_TRY(op, node.createOp<RecurrenceOp>(given, attributes));
  Values results = llvm::to_vector_of<Value>(op->getResults());
  if (cell.batchFirst) {
    results[0] = ops.transpose(results[0], {2, 0, 1, 3});
    for (Value &state : llvm::drop_begin(results))
      state = ops.transpose(state, {1, 0, 2});
  }
  return ops.finish(results);
}

/// An initial state as [D, B, H]; null if it is not given.
static Value initialState(Composition &ops, const RecurrentAttributes &cell,
                          size_t index) {
  if (!ops.node.hasInput(index))
    return nullptr;
  Value state = ops.node.input(index);
  return cell.batchFirst ? ops.transpose(state, {1, 0, 2}) : state;
}

/// Biases of the input and of the state, [D, 2 * G*H], as their sum [D, G*H].
static Value sumBiases(Composition &ops, const RecurrentAttributes &cell) {
  if (!ops.node.hasInput(3))
    return nullptr;
  Value halves = ops.reshape(ops.node.input(3),
                             {cell.directions, 2, cell.gates * cell.units});
  return ops.reduce(halves, ReductionKind::Sum, {1}, /*keepDims=*/false);
}

static llvm::Expected<Values> importLstm(NodeContext &node) {
  SLUICE_TRY(cell, readRecurrent(node, RecurrentCell::Lstm, 4,
                                 {"sigmoid", "tanh", "tanh"}));
  SLUICE_TRY(inputForget, node.node.getInt("input_forget", 0));
  SmallVector<NamedAttribute> attributes;
  if (inputForget)
    attributes.push_back(node.flag("input_forget"));
  Composition ops(node);
  Value projected = projectInputs(ops, cell, sumBiases(ops, cell));
  Value weights = ops.transpose(node.input(2), {0, 2, 1});
  return finishRecurrent(ops, cell,
                         {projected, weights, initialState(ops, cell, 5),
                          initialState(ops, cell, 6), node.optionalInput(4),
                          node.optionalInput(7), Value()},
                         attributes);
}

static llvm::Expected<Values> importRnn(NodeContext &node) {
  SLUICE_TRY(cell, readRecurrent(node, RecurrentCell::Rnn, 1, {"tanh"}));
  Composition ops(node);
  Value projected = projectInputs(ops, cell, sumBiases(ops, cell));
  Value weights = ops.transpose(node.input(2), {0, 2, 1});
  return finishRecurrent(ops, cell,
                         {projected, weights, initialState(ops, cell, 5),
                          Value(), node.optionalInput(4), Value(), Value()},
                         {});
}

/// With linear_before_reset the state's bias of gate h stays apart: it is reset
/// too. The others are summed.
static void splitGruBiases(Composition &ops, const RecurrentAttributes &cell,
                           Value &bias, Value &hiddenBias) {
  NodeContext &node = ops.node;
  int64_t units = cell.units;
  // [D, input or state, gate, H] times a mask that selects gate h of the state.
  Value parts;
  if (node.hasInput(3)) {
    parts = ops.reshape(node.input(3), {cell.directions, 2, 3, units});
  } else {
    auto type = RankedTensorType::get({cell.directions, 2, 3, units},
                                      elementTypeOf(node.input(0)));
    Attribute zero = node.builder.getZeroAttr(type.getElementType());
    parts = ConstantOp::create(node.builder, node.loc,
                               DenseElementsAttr::get(type, zero));
  }
  auto maskType = RankedTensorType::get({1, 2, 3, 1}, node.builder.getI1Type());
  Value isHidden = ConstantOp::create(
      node.builder, node.loc,
      DenseElementsAttr::get(
          maskType, ArrayRef<bool>{false, false, false, false, false, true}));
  Value zero = ops.number(parts, 0);
  hiddenBias = ops.reduce(ops.select(isHidden, parts, zero), ReductionKind::Sum,
                          {1, 2}, /*keepDims=*/false);
  bias = ops.reduce(ops.select(isHidden, zero, parts), ReductionKind::Sum, {1},
                    /*keepDims=*/false);
  bias = ops.reshape(bias, {cell.directions, 3 * units});
}

static llvm::Expected<Values> importGru(NodeContext &node) {
  SLUICE_TRY(cell,
             readRecurrent(node, RecurrentCell::Gru, 3, {"sigmoid", "tanh"}));
  SLUICE_TRY(linearBeforeReset, node.node.getInt("linear_before_reset", 0));
  SmallVector<NamedAttribute> attributes;
  Composition ops(node);
  Value bias, hiddenBias;
  if (linearBeforeReset) {
    attributes.push_back(node.flag("linear_before_reset"));
    splitGruBiases(ops, cell, bias, hiddenBias);
  } else {
    bias = sumBiases(ops, cell);
  }
  Value projected = projectInputs(ops, cell, bias);
  Value weights = ops.transpose(node.input(2), {0, 2, 1});
  return finishRecurrent(ops, cell,
                         {projected, weights, initialState(ops, cell, 5),
                          Value(), node.optionalInput(4), Value(), hiddenBias},
                         attributes);
}

void sluice::registerRecurrentImports(ImportRegistry &registry) {
  registry.add("GRU", {3, 6, 2}, importGru);
  registry.add("LSTM", {3, 8, 3}, importLstm);
  registry.add("RNN", {3, 6, 2}, importRnn);
}
