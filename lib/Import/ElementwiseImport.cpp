//===- ElementwiseImport.cpp - Elementwise operators ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

template <typename OpTy>
static llvm::Expected<Values> importUnary(NodeContext &node) {
  SLUICE_TRY(result, node.create<OpTy>(node.input(0)));
  return Values{result};
}

template <typename OpTy>
static llvm::Expected<Values> importBinary(NodeContext &node) {
  SLUICE_TRY(result, node.create<OpTy>({node.input(0), node.input(1)}));
  return Values{result};
}

/// Sum, Max, Min and Mean of any number of operands.
template <typename OpTy>
static llvm::Expected<Values> importVariadic(NodeContext &node) {
  Value result = node.input(0);
  for (size_t i = 1; i < node.inputCount(); ++i) {
    SLUICE_TRY(next, node.create<OpTy>({result, node.input(i)}));
    result = next;
  }
  return Values{result};
}

static llvm::Expected<Values> importMean(NodeContext &node) {
  SLUICE_TRY(sum, importVariadic<AddOp>(node));
  Value count = node.scalar(elementTypeOf(sum[0]), node.inputCount());
  SLUICE_TRY(result, node.create<DivOp>({sum[0], count}));
  return Values{result};
}

/// Reads a float attribute `name` into the op's attribute of the same name.
static llvm::Error addFloat(NodeContext &node,
                            SmallVectorImpl<NamedAttribute> &attributes,
                            StringRef name, float fallback,
                            StringRef opAttribute = "") {
  SLUICE_TRY(number, node.node.getFloat(name, fallback));
  attributes.push_back(
      node.real(opAttribute.empty() ? name : opAttribute, number));
  return llvm::Error::success();
}

template <typename OpTy>
static llvm::Expected<Values> importWithAlpha(NodeContext &node,
                                              float fallback) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::Error error = addFloat(node, attributes, "alpha", fallback))
    return error;
  SLUICE_TRY(result, node.create<OpTy>(node.input(0), attributes));
  return Values{result};
}

static llvm::Expected<Values> importElu(NodeContext &node) {
  return importWithAlpha<EluOp>(node, 1.0f);
}
static llvm::Expected<Values> importCelu(NodeContext &node) {
  return importWithAlpha<CeluOp>(node, 1.0f);
}
static llvm::Expected<Values> importLeakyRelu(NodeContext &node) {
  return importWithAlpha<LeakyReluOp>(node, 0.01f);
}
static llvm::Expected<Values> importThresholdedRelu(NodeContext &node) {
  return importWithAlpha<ThresholdedReluOp>(node, 1.0f);
}
static llvm::Expected<Values> importSwish(NodeContext &node) {
  return importWithAlpha<SwishOp>(node, 1.0f);
}

/// Swish(A) * B.
static llvm::Expected<Values> importSwiGlu(NodeContext &node) {
  SLUICE_TRY(gate, importSwish(node));
  SLUICE_TRY(result, node.create<MulOp>({gate.front(), node.input(1)}));
  return Values{result};
}

static llvm::Expected<Values> importSelu(NodeContext &node) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::Error error =
          addFloat(node, attributes, "alpha", 1.67326319217681884765625f))
    return error;
  if (llvm::Error error =
          addFloat(node, attributes, "gamma", 1.05070102214813232421875f))
    return error;
  SLUICE_TRY(result, node.create<SeluOp>(node.input(0), attributes));
  return Values{result};
}

static llvm::Expected<Values> importHardSigmoid(NodeContext &node) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::Error error = addFloat(node, attributes, "alpha", 0.2f))
    return error;
  if (llvm::Error error = addFloat(node, attributes, "beta", 0.5f))
    return error;
  SLUICE_TRY(result, node.create<HardSigmoidOp>(node.input(0), attributes));
  return Values{result};
}

static llvm::Expected<Values> importShrink(NodeContext &node) {
  SmallVector<NamedAttribute> attributes;
  if (llvm::Error error = addFloat(node, attributes, "bias", 0.0f))
    return error;
  if (llvm::Error error = addFloat(node, attributes, "lambd", 0.5f, "lambda"))
    return error;
  SLUICE_TRY(result, node.create<ShrinkOp>(node.input(0), attributes));
  return Values{result};
}

static llvm::Expected<Values> importGelu(NodeContext &node) {
  SLUICE_TRY(approximate, node.node.getString("approximate", "none"));
  SmallVector<NamedAttribute> attributes;
  if (approximate == "tanh")
    attributes.push_back(node.flag("tanh_approximation"));
  else if (approximate != "none")
    return node.invalid("unknown approximation '" + approximate + "'");
  SLUICE_TRY(result, node.create<GeluOp>(node.input(0), attributes));
  return Values{result};
}

/// The smallest (or largest) number of an element type.
static Value extremeValue(NodeContext &node, Type type, bool largest) {
  auto tensorType = RankedTensorType::get({}, type);
  Attribute value;
  if (auto floatType = dyn_cast<FloatType>(type))
    value = node.builder.getFloatAttr(
        floatType, APFloat::getInf(floatType.getFloatSemantics(), !largest));
  else if (type.isUnsignedInteger())
    value = node.builder.getIntegerAttr(
        type, largest ? APInt::getMaxValue(type.getIntOrFloatBitWidth())
                      : APInt::getMinValue(type.getIntOrFloatBitWidth()));
  else
    value = node.builder.getIntegerAttr(
        type, largest ? APInt::getSignedMaxValue(type.getIntOrFloatBitWidth())
                      : APInt::getSignedMinValue(type.getIntOrFloatBitWidth()));
  return ConstantOp::create(node.builder, node.loc,
                            DenseElementsAttr::get(tensorType, value));
}

// Clip: bounds are attributes before opset 11, then optional scalars.
static llvm::Expected<Values> importClip(NodeContext &node) {
  Type type = elementTypeOf(node.input(0));
  Value low, high;
  if (node.opset() < 11) {
    SLUICE_TRY(minimum,
               node.node.getFloat("min", std::numeric_limits<float>::lowest()));
    SLUICE_TRY(maximum,
               node.node.getFloat("max", std::numeric_limits<float>::max()));
    low = node.scalar(type, minimum);
    high = node.scalar(type, maximum);
  } else {
    low = node.hasInput(1) ? node.input(1) : extremeValue(node, type, false);
    high = node.hasInput(2) ? node.input(2) : extremeValue(node, type, true);
  }
  for (Value *bound : {&low, &high}) {
    auto boundType = cast<RankedTensorType>(bound->getType());
    if (boundType.getElementType() != type)
      return node.invalid("a bound has another element type than the operand");
    if (boundType.getRank() == 0)
      continue;
    if (boundType.getNumElements() != 1 || !boundType.hasStaticShape())
      return node.invalid("a bound must be a scalar");
    SLUICE_TRY(scalar, node.reshape(*bound, {}));
    *bound = scalar;
  }
  SLUICE_TRY(result, node.create<ClipOp>({node.input(0), low, high}));
  return Values{result};
}

static llvm::Expected<Values> importMod(NodeContext &node) {
  SLUICE_TRY(fmod, node.node.getInt("fmod", 0));
  SmallVector<NamedAttribute> attributes;
  if (fmod)
    attributes.push_back(node.flag("fmod"));
  SLUICE_TRY(result,
             node.create<ModOp>({node.input(0), node.input(1)}, attributes));
  return Values{result};
}

static llvm::Expected<Values> importPow(NodeContext &node) {
  SLUICE_TRY(result, node.create<PowOp>({node.input(0), node.input(1)}));
  return Values{result};
}

static llvm::Expected<Values> importBitShift(NodeContext &node) {
  SLUICE_TRY(direction, node.node.getString("direction"));
  if (direction == "LEFT")
    return importBinary<ShiftLeftOp>(node);
  if (direction == "RIGHT")
    return importBinary<ShiftRightOp>(node);
  return node.invalid("direction must be LEFT or RIGHT");
}

static llvm::Expected<Values> importIsInf(NodeContext &node) {
  SLUICE_TRY(negative, node.node.getInt("detect_negative", 1));
  SLUICE_TRY(positive, node.node.getInt("detect_positive", 1));
  SLUICE_TRY(
      result,
      node.create<IsInfOp>(
          node.input(0),
          {node.attribute("negative", node.builder.getBoolAttr(negative != 0)),
           node.attribute("positive",
                          node.builder.getBoolAttr(positive != 0))}));
  return Values{result};
}

static llvm::Expected<Values> importWhere(NodeContext &node) {
  SLUICE_TRY(result, node.create<SelectOp>(
                         {node.input(0), node.input(1), node.input(2)}));
  return Values{result};
}

static llvm::Expected<Values> importCast(NodeContext &node) {
  SLUICE_TRY(to, node.node.getInt("to"));
  Type type = node.elementType(to);
  if (!type)
    return node.unsupported("cast to " + elementTypeName(OnnxElementType(to)));
  SLUICE_TRY(result, node.cast(node.input(0), type));
  return Values{result};
}

static llvm::Expected<Values> importBitCast(NodeContext &node) {
  SLUICE_TRY(to, node.node.getInt("to"));
  Type type = node.elementType(to);
  if (!type)
    return node.unsupported("bits as " + elementTypeName(OnnxElementType(to)));
  SLUICE_TRY(result,
             node.create<BitCastOp>(node.input(0),
                                    node.attribute("to", TypeAttr::get(type))));
  return Values{result};
}

static llvm::Expected<Values> importCastLike(NodeContext &node) {
  SLUICE_TRY(result, node.cast(node.input(0), elementTypeOf(node.input(1))));
  return Values{result};
}

void sluice::registerElementwiseImports(ImportRegistry &registry) {
  registry.add("Abs", 1, importUnary<AbsOp>);
  registry.add("Acos", 1, importUnary<AcosOp>);
  registry.add("Acosh", 1, importUnary<AcoshOp>);
  registry.add("Add", 2, importBinary<AddOp>);
  registry.add("And", 2, importBinary<AndOp>);
  registry.add("Asin", 1, importUnary<AsinOp>);
  registry.add("Asinh", 1, importUnary<AsinhOp>);
  registry.add("Atan", 1, importUnary<AtanOp>);
  registry.add("Atanh", 1, importUnary<AtanhOp>);
  registry.add("BitCast", 1, importBitCast);
  registry.add("BitShift", 2, importBitShift);
  registry.add("BitwiseAnd", 2, importBinary<AndOp>);
  registry.add("BitwiseNot", 1, importUnary<NotOp>);
  registry.add("BitwiseOr", 2, importBinary<OrOp>);
  registry.add("BitwiseXor", 2, importBinary<XorOp>);
  registry.add("Cast", 1, importCast);
  registry.add("CastLike", 2, importCastLike);
  registry.add("Ceil", 1, importUnary<CeilOp>);
  registry.add("Celu", 1, importCelu);
  registry.add("Clip", {1, 3}, importClip);
  registry.add("Cos", 1, importUnary<CosOp>);
  registry.add("Cosh", 1, importUnary<CoshOp>);
  registry.add("Div", 2, importBinary<DivOp>);
  registry.add("Elu", 1, importElu);
  registry.add("Equal", 2, importBinary<EqualOp>);
  registry.add("Erf", 1, importUnary<ErfOp>);
  registry.add("Exp", 1, importUnary<ExpOp>);
  registry.add("Floor", 1, importUnary<FloorOp>);
  registry.add("Gelu", 1, importGelu);
  registry.add("Greater", 2, importBinary<GreaterOp>);
  registry.add("GreaterOrEqual", 2, importBinary<GreaterEqualOp>);
  registry.add("HardSigmoid", 1, importHardSigmoid);
  registry.add("HardSwish", 1, importUnary<HardSwishOp>);
  registry.add("IsInf", 1, importIsInf);
  registry.add("IsNaN", 1, importUnary<IsNanOp>);
  registry.add("LeakyRelu", 1, importLeakyRelu);
  registry.add("Less", 2, importBinary<LessOp>);
  registry.add("LessOrEqual", 2, importBinary<LessEqualOp>);
  registry.add("Log", 1, importUnary<LogOp>);
  registry.add("Max", {1, variadic}, importVariadic<MaxOp>);
  registry.add("Mean", {1, variadic}, importMean);
  registry.add("Min", {1, variadic}, importVariadic<MinOp>);
  registry.add("Mish", 1, importUnary<MishOp>);
  registry.add("Mod", 2, importMod);
  registry.add("Mul", 2, importBinary<MulOp>);
  registry.add("Neg", 1, importUnary<NegOp>);
  registry.add("Not", 1, importUnary<NotOp>);
  registry.add("Or", 2, importBinary<OrOp>);
  registry.add("PRelu", 2, importBinary<PReluOp>);
  registry.add("Pow", 2, importPow);
  registry.add("Reciprocal", 1, importUnary<ReciprocalOp>);
  registry.add("Relu", 1, importUnary<ReluOp>);
  registry.add("Round", 1, importUnary<RoundOp>);
  registry.add("Selu", 1, importSelu);
  registry.add("Shrink", 1, importShrink);
  registry.add("Sigmoid", 1, importUnary<SigmoidOp>);
  registry.add("Sign", 1, importUnary<SignOp>);
  registry.add("Sin", 1, importUnary<SinOp>);
  registry.add("Sinh", 1, importUnary<SinhOp>);
  registry.add("Softplus", 1, importUnary<SoftplusOp>);
  registry.add("Softsign", 1, importUnary<SoftsignOp>);
  registry.add("Sqrt", 1, importUnary<SqrtOp>);
  registry.add("Sub", 2, importBinary<SubOp>);
  registry.add("Sum", {1, variadic}, importVariadic<AddOp>);
  registry.add("SwiGLU", 2, importSwiGlu);
  registry.add("Swish", 1, importSwish);
  registry.add("Tan", 1, importUnary<TanOp>);
  registry.add("Tanh", 1, importUnary<TanhOp>);
  registry.add("ThresholdedRelu", 1, importThresholdedRelu);
  registry.add("Where", 3, importWhere);
  registry.add("Xor", 2, importBinary<XorOp>);
}
