//===- RandomImport.cpp - Random numbers, Dropout -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

/// The node's `seed` attribute, which is a float of most operators and an
/// integer of Dropout's; none where the context's seed is to be used.
static llvm::Expected<IntegerAttr> readSeed(NodeContext &node,
                                            bool isInteger = false) {
  if (!node.node.hasAttribute("seed"))
    return IntegerAttr();
  if (isInteger) {
    SLUICE_TRY(given, node.node.getInt("seed"));
    return node.builder.getI64IntegerAttr(given);
  }
  SLUICE_TRY(given, node.node.getFloat("seed"));
  // Different floats have different bits.
  return node.builder.getI64IntegerAttr(static_cast<int64_t>(
      llvm::APFloat(given).bitcastToAPInt().getZExtValue()));
}

/// Random numbers with the sizes in a vector.
static ExpectedValue random(NodeContext &node, Value shape, Type type,
                            RandomDistribution distribution, double offset,
                            double scale, IntegerAttr seed) {
  // Every node draws a key of its own.
  auto keyType = RankedTensorType::get({2}, node.builder.getI64Type());
  Value key = RandomKeyOp::create(node.builder, node.loc, keyType, seed);
  return node.create<RandomOp>(
      {key, shape},
      {node.attribute("distribution",
                      RandomDistributionAttr::get(node.builder.getContext(),
                                                  distribution)),
       node.real("offset", offset), node.real("scale", scale),
       node.attribute("element_type", TypeAttr::get(type))});
}

/// The element type that an attribute asks for; `otherwise` where it is not
/// given.
static llvm::Expected<Type> typeAttribute(NodeContext &node, Type otherwise) {
  if (!node.node.hasAttribute("dtype"))
    return otherwise;
  SLUICE_TRY(number, node.node.getInt("dtype"));
  Type type = node.elementType(number);
  if (!type)
    return node.unsupported("the element type");
  return type;
}

static llvm::Expected<Values> importDistribution(NodeContext &node, Value shape,
                                                 Type otherwise,
                                                 bool isNormal) {
  SLUICE_TRY(type, typeAttribute(node, otherwise));
  if (!isa<FloatType>(type))
    return node.invalid("random numbers are floating-point numbers");
  SLUICE_TRY(first, node.node.getFloat(isNormal ? "mean" : "low", 0.0f));
  SLUICE_TRY(second, node.node.getFloat(isNormal ? "scale" : "high", 1.0f));
  double offset = first, scale = isNormal ? second : second - offset;
  SLUICE_TRY(seed, readSeed(node));
  SLUICE_TRY(result, random(node, shape, type,
                            isNormal ? RandomDistribution::Normal
                                     : RandomDistribution::Uniform,
                            offset, scale, seed));
  return Values{result};
}

template <bool isNormal>
static llvm::Expected<Values> importRandom(NodeContext &node) {
  SLUICE_TRY(shape, node.node.getInts("shape"));
  for (int64_t size : shape)
    if (size < 0)
      return node.invalid("a size is negative");
  return importDistribution(node, node.constantVector(shape),
                            node.builder.getF32Type(), isNormal);
}

template <bool isNormal>
static llvm::Expected<Values> importRandomLike(NodeContext &node) {
  SLUICE_TRY(shape, node.shapeVector(node.input(0)));
  return importDistribution(node, shape, elementTypeOf(node.input(0)),
                            isNormal);
}

/// Uniform numbers in [0, 1).
static ExpectedValue uniform(NodeContext &node, Value shape, Type type,
                             IntegerAttr seed) {
  return random(node, shape, type, RandomDistribution::Uniform, 0, 1, seed);
}

static llvm::Expected<Values> importBernoulli(NodeContext &node) {
  Value chances = node.input(0);
  Type own = elementTypeOf(chances);
  if (!isa<FloatType>(own))
    return node.invalid("probabilities must be floating-point numbers");
  SLUICE_TRY(type, typeAttribute(node, own));
  SLUICE_TRY(shape, node.shapeVector(chances));
  // Small types cannot tell small probabilities apart.
  Type wide = own.isF64() ? own : node.builder.getF32Type();
  SLUICE_TRY(seed, readSeed(node));
  SLUICE_TRY(numbers, uniform(node, shape, wide, seed));
  Composition ops(node);
  Value drawn = ops.make<LessOp>({numbers, ops.cast(chances, wide)});
  return ops.finish({ops.cast(drawn, type)});
}

/// The first class whose cumulated probability is above a uniform number.
static llvm::Expected<Values> importMultinomial(NodeContext &node) {
  Value logits = node.input(0);
  if (node.rank(logits) != 2 || !isa<FloatType>(elementTypeOf(logits)))
    return node.invalid("the input must be [batch, classes] of floating-point "
                        "numbers");
  SLUICE_TRY(count, node.node.getInt("sample_size", 1));
  if (count < 1)
    return node.invalid("'sample_size' must be positive");
  SLUICE_TRY(type, typeAttribute(node, node.builder.getI32Type()));
  if (!type.isSignlessInteger(32) && !type.isSignlessInteger(64))
    return node.invalid("classes are 32-bit or 64-bit integers");
  SLUICE_TRY(seed, readSeed(node));
  Composition ops(node);
  Type wide = elementTypeOf(logits).isF64() ? elementTypeOf(logits)
                                            : node.builder.getF32Type();
  Value chances =
      ops.make<SoftmaxOp>(ops.cast(logits, wide), node.integer("axis", 1));
  Value sums = ops.make<CumulateOp>(
      chances,
      {node.integer("axis", 1),
       node.attribute("kind", CumulateKindAttr::get(node.builder.getContext(),
                                                    CumulateKind::Sum))});
  Value shape =
      ops.concat({ops.size(logits, 0), node.constantVector(count)}, 0);
  if (ops.failed())
    return ops.finish({});
  Value numbers = ops.unwrap(uniform(node, shape, wide, seed));
  Value isBelow = ops.make<LessEqualOp>(
      {ops.unsqueeze(sums, {1}), ops.unsqueeze(numbers, {2})});
  Value drawn = ops.reduce(ops.cast(isBelow, node.builder.getI64Type()),
                           ReductionKind::Sum, {2}, /*keepDims=*/false);
  // The sum of all may be rounded to less than one.
  Value last = ops.sub(ops.size(logits, 1), node.constantVector(1));
  return ops.finish({ops.cast(ops.make<MinOp>({drawn, last}), type)});
}

/// The mask of what training keeps, and the scaled input behind it.
static llvm::Expected<Values> dropInTraining(NodeContext &node, Value ratio,
                                             Value training) {
  Value operand = node.input(0);
  Type own = elementTypeOf(operand);
  Type wide = own.isF64() ? own : node.builder.getF32Type();
  SLUICE_TRY(shape, node.shapeVector(operand));
  SLUICE_TRY(seed, readSeed(node, /*isInteger=*/true));
  SLUICE_TRY(numbers, uniform(node, shape, wide, seed));
  Composition ops(node);
  ratio = ops.reshape(ops.cast(ratio, wide), {});
  Value keeps = ops.make<GreaterEqualOp>({numbers, ratio});
  Value scale =
      ops.div(ops.number(ratio, 1), ops.sub(ops.number(ratio, 1), ratio));
  Value scaled = ops.cast(ops.mul(ops.cast(operand, wide), scale), own);
  Value kept = ops.select(keeps, scaled, ops.number(operand, 0));
  if (training) {
    training = ops.reshape(training, {});
    kept = ops.select(training, kept, operand);
    keeps = ops.make<OrOp>({keeps, ops.make<NotOp>(training)});
  }
  return ops.finish({kept, keeps});
}

static llvm::Expected<Values> importDropout(NodeContext &node) {
  Value operand = node.input(0);
  if (!isa<FloatType>(elementTypeOf(operand)))
    return node.invalid("the input must have floating-point elements");
  if (node.hasInput(2)) {
    auto training = node.constantInts(2);
    Value ratio = node.hasInput(1)
                      ? node.input(1)
                      : node.scalar(node.builder.getF32Type(), 0.5);
    auto known = node.hasInput(1) ? node.constantFloat(1) : 0.5;
    bool mayDrop = !training || training->size() != 1 || training->front();
    if (mayDrop && !(known && *known == 0))
      return dropInTraining(node, ratio, training ? Value() : node.input(2));
  }
  if (!node.node.hasOutput(1))
    return Values{operand};
  Composition ops(node);
  // Before opset 10 the mask has the operand's type.
  Type type = node.opset() < 10 ? elementTypeOf(operand)
                                : Type(node.builder.getI1Type());
  Value mask =
      ops.make<BroadcastOp>({node.scalar(type, 1), ops.shape(operand)});
  return ops.finish({operand, mask});
}

void sluice::registerRandomImports(ImportRegistry &registry) {
  registry.add("Bernoulli", 1, importBernoulli, /*minOpset=*/15);
  registry.add("Dropout", {1, 3, 2}, importDropout);
  registry.add("Multinomial", 1, importMultinomial);
  registry.add("RandomNormal", 0, importRandom<true>, /*minOpset=*/1);
  registry.add("RandomNormalLike", 1, importRandomLike<true>, /*minOpset=*/1);
  registry.add("RandomUniform", 0, importRandom<false>, /*minOpset=*/1);
  registry.add("RandomUniformLike", 1, importRandomLike<false>,
               /*minOpset=*/1);
}
