//===- ElementwiseOps.td - Elementwise ops ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ELEMENTWISE_OPS_TD
#define SLUICE_ELEMENTWISE_OPS_TD

include "dialects/Sluice/SluiceBase.td"

// `elementType` is a C++ expression for the result's element type.
class Sluice_ElementwiseOp<string mnemonic, string elementType,
                           list<Trait> traits = []>
    : Sluice_Op<mnemonic,
                !listconcat(traits, [DeclareOpInterfaceMethods<
                                         ElementwiseOpInterface>,
                                     DeclareOpInterfaceMethods<
                                         PermutableOpInterface,
                                         ["hasDimensions"]>,
                                     HasSizeConditions, TellsSizeSource])> {
  let results = (outs AnyRankedTensor:$result);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      (void)attributes;
      return ::sluice::inferElementwiseType(location, operands, }]
      # elementType # [{, types);
    }
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::sluice::reifyElementwiseShape(builder, getOperation(), shapes);
    }
    std::optional<::sluice::OperandDimension> $cppClass::getSizeSource(
        unsigned, int64_t dimension) {
      return ::sluice::getElementwiseSizeSource(getOperation(), dimension);
    }
    bool $cppClass::hasDimensions(unsigned operand) {
      return !::sluice::shapeOf(getOperation()->getOperand(operand)).empty();
    }
    void $cppClass::requireSizes(::sluice::SizeConditions &conditions) {
      conditions.requireBroadcast(getOperation());
    }
  }];
}

class Sluice_UnaryOp<string mnemonic, string summaryText,
                     list<Trait> traits = []>
    : Sluice_ElementwiseOp<mnemonic, "::sluice::elementTypeOf(operands[0])",
                           traits> {
  let summary = summaryText;
  let arguments = (ins AnyRankedTensor:$operand);
}
// Functions of real numbers.
class Sluice_RealOp<string mnemonic, string summaryText>
    : Sluice_UnaryOp<mnemonic, summaryText, [TakesFloats]>;
// Functions of real numbers that are functions of integers as well.
class Sluice_NumberOp<string mnemonic, string summaryText,
                      list<Trait> traits = []>
    : Sluice_UnaryOp<mnemonic, summaryText,
                     !listconcat(traits, [TakesNumbers])>;
class Sluice_PredicateOp<string mnemonic, string summaryText>
    : Sluice_ElementwiseOp<mnemonic, "::mlir::IntegerType::get(context, 1)",
                           [TakesFloats]> {
  let summary = summaryText;
  let arguments = (ins AnyRankedTensor:$operand);
}
class Sluice_BinaryOp<string mnemonic, string summaryText,
                      list<Trait> traits = []>
    : Sluice_ElementwiseOp<mnemonic, "::sluice::elementTypeOf(operands[0])",
                           !listconcat(traits, [SameElementTypes])> {
  let summary = summaryText;
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
}
class Sluice_CompareOp<string mnemonic, string summaryText,
                       list<Trait> traits = []>
    : Sluice_ElementwiseOp<mnemonic, "::mlir::IntegerType::get(context, 1)",
                           !listconcat(traits, [SameElementTypes])> {
  let summary = summaryText;
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
}

// Arithmetic.
def AbsOp : Sluice_NumberOp<"abs", "absolute value", [EvaluatesElement]>;
def NegOp : Sluice_NumberOp<"neg", "negation", [EvaluatesElement]>;
def SignOp : Sluice_NumberOp<"sign", "-1, 0 or 1; NaN stays NaN">;
def FloorOp : Sluice_NumberOp<"floor", "round down", [EvaluatesNumber]>;
def CeilOp : Sluice_NumberOp<"ceil", "round up", [EvaluatesNumber]>;
def RoundOp : Sluice_NumberOp<"round", "round to nearest, halves to even",
    [EvaluatesElement]>;
def SqrtOp : Sluice_RealOp<"sqrt", "square root">;
def ReciprocalOp : Sluice_RealOp<"reciprocal", "1 / x">;

// Transcendental functions.
def ExpOp : Sluice_RealOp<"exp", "exponential">;
def LogOp : Sluice_RealOp<"log", "natural logarithm">;
def SinOp : Sluice_RealOp<"sin", "sine">;
def CosOp : Sluice_RealOp<"cos", "cosine">;
def TanOp : Sluice_RealOp<"tan", "tangent">;
def AsinOp : Sluice_RealOp<"asin", "arc sine">;
def AcosOp : Sluice_RealOp<"acos", "arc cosine">;
def AtanOp : Sluice_RealOp<"atan", "arc tangent">;
def SinhOp : Sluice_RealOp<"sinh", "hyperbolic sine">;
def CoshOp : Sluice_RealOp<"cosh", "hyperbolic cosine">;
def TanhOp : Sluice_RealOp<"tanh", "hyperbolic tangent">;
def AsinhOp : Sluice_RealOp<"asinh", "inverse hyperbolic sine">;
def AcoshOp : Sluice_RealOp<"acosh", "inverse hyperbolic cosine">;
def AtanhOp : Sluice_RealOp<"atanh", "inverse hyperbolic tangent">;
// ONNX defines it for integers too.
def ErfOp : Sluice_UnaryOp<"erf", "error function", [ComputesFloats]>;

// Activations.
def ReluOp : Sluice_NumberOp<"relu", "max(x, 0); NaN stays NaN">;
def SigmoidOp : Sluice_RealOp<"sigmoid", "1 / (1 + exp(-x))">;
def SoftplusOp : Sluice_RealOp<"softplus", "log(1 + exp(x))">;
def SoftsignOp : Sluice_RealOp<"softsign", "x / (1 + |x|)">;
def HardSwishOp : Sluice_RealOp<"hard_swish", "x * clip(x / 6 + 1/2, 0, 1)">;
def MishOp : Sluice_RealOp<"mish", "x * tanh(softplus(x))">;
def GeluOp : Sluice_RealOp<"gelu", "Gaussian error linear unit"> {
  let description = [{
    x/2 * (1 + erf(x / sqrt 2)), or with `tanh_approximation`
    x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
  }];
  let arguments = (ins AnyRankedTensor:$operand, UnitAttr:$tanh_approximation);
}
def SwishOp : Sluice_RealOp<"swish", "x * sigmoid(alpha * x)"> {
  let arguments = (ins AnyRankedTensor:$operand,
                       DefaultValuedAttr<F64Attr, "1.0">:$alpha);
}
def EluOp : Sluice_RealOp<"elu", "x > 0 ? x : alpha * (exp(x) - 1)"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha);
}
def SeluOp : Sluice_RealOp<"selu",
    "gamma * (x > 0 ? x : alpha * (exp(x) - 1))"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha,
                       F64Attr:$gamma);
}
def CeluOp : Sluice_RealOp<"celu",
    "max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha);
}
def LeakyReluOp : Sluice_RealOp<"leaky_relu", "x < 0 ? alpha * x : x"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha);
}
def HardSigmoidOp : Sluice_RealOp<"hard_sigmoid",
    "clip(alpha * x + beta, 0, 1)"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha,
                       F64Attr:$beta);
}
def ThresholdedReluOp : Sluice_RealOp<"thresholded_relu",
    "x > alpha ? x : 0"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$alpha);
}
def ShrinkOp : Sluice_NumberOp<"shrink",
    "x < -lambda ? x + bias : x > lambda ? x - bias : 0"> {
  let arguments = (ins AnyRankedTensor:$operand, F64Attr:$bias,
                       F64Attr:$lambda);
}
def PReluOp : Sluice_BinaryOp<"prelu", "x < 0 ? slope * x : x",
    [TakesNumbers]>;
def ClipOp : Sluice_ElementwiseOp<"clip",
    "::sluice::elementTypeOf(operands[0])",
    [TakesNumbers, SameElementTypes]> {
  let summary = "min(max(x, low), high); NaN stays NaN";
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$low,
                       AnyRankedTensor:$high);
}

// Binary arithmetic.
def AddOp : Sluice_BinaryOp<"add", "sum",
    [EvaluatesNumber, Commutative]> { let hasFolder = 1; }
def SubOp : Sluice_BinaryOp<"sub", "difference",
    [EvaluatesNumber]> { let hasFolder = 1; }
def MulOp : Sluice_BinaryOp<"mul", "product", [EvaluatesNumber, Commutative]> {
  let hasFolder = 1;
}
def DivOp : Sluice_BinaryOp<"div",
    "quotient; integers truncate, and a zero divisor gives zero",
    [EvaluatesNumber, TakesNumbers]> {
  let hasFolder = 1;
}
def ModOp : Sluice_BinaryOp<"mod",
    "remainder with the sign of the divisor, or of the dividend with `fmod`",
    [EvaluatesElement, TakesNumbers]> {
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs,
                       UnitAttr:$fmod);
}
def PowOp : Sluice_ElementwiseOp<"pow",
    "::sluice::elementTypeOf(operands[0])", [TakesNumbers]> {
  let summary = "power; the exponent may have another element type";
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let hasCanonicalizer = 1;
}
def MaxOp : Sluice_BinaryOp<"max", "maximum; NaN wins",
    [EvaluatesNumber, Commutative]> {
  let hasFolder = 1;
}
def MinOp : Sluice_BinaryOp<"min", "minimum; NaN wins",
    [EvaluatesNumber, Commutative]> {
  let hasFolder = 1;
}

// Logic and bits.
def AndOp : Sluice_BinaryOp<"and", "conjunction, bit by bit",
    [EvaluatesElement, TakesIntegers, Commutative]>;
def OrOp : Sluice_BinaryOp<"or", "disjunction, bit by bit",
    [EvaluatesElement, TakesIntegers, Commutative]>;
def XorOp : Sluice_BinaryOp<"xor", "exclusive or, bit by bit",
    [EvaluatesElement, TakesIntegers, Commutative]>;
def NotOp : Sluice_UnaryOp<"not", "complement, bit by bit",
    [EvaluatesElement, TakesIntegers]>;
def ShiftLeftOp : Sluice_BinaryOp<"shift_left",
    "shift left; zero from the width on", [TakesIntegers]>;
def ShiftRightOp : Sluice_BinaryOp<"shift_right",
    "shift right; copies of a signed operand's sign move in",
    [TakesIntegers]>;

// Comparison and choice.
def EqualOp : Sluice_CompareOp<"equal", "lhs == rhs",
    [EvaluatesElement, Commutative]>;
def LessOp : Sluice_CompareOp<"less", "lhs < rhs", [EvaluatesElement]>;
def LessEqualOp : Sluice_CompareOp<"less_equal", "lhs <= rhs",
    [EvaluatesElement]>;
def GreaterOp : Sluice_CompareOp<"greater", "lhs > rhs", [EvaluatesElement]>;
def GreaterEqualOp : Sluice_CompareOp<"greater_equal", "lhs >= rhs",
    [EvaluatesElement]>;
def IsNanOp : Sluice_PredicateOp<"is_nan", "is x a NaN?">;
def IsInfOp : Sluice_PredicateOp<"is_inf", "is x infinite?"> {
  let arguments = (ins AnyRankedTensor:$operand,
                       DefaultValuedAttr<BoolAttr, "true">:$negative,
                       DefaultValuedAttr<BoolAttr, "true">:$positive);
}
def SelectOp : Sluice_ElementwiseOp<"select",
    "::sluice::elementTypeOf(operands[1])", [EvaluatesElement]> {
  let summary = "condition ? on_true : on_false";
  let arguments = (ins AnyRankedTensor:$condition, AnyRankedTensor:$on_true,
                       AnyRankedTensor:$on_false);
  let hasVerifier = 1;
}

def CastOp : Sluice_ElementwiseOp<"cast",
    "Adaptor(operands, attributes, properties, regions).getTo()",
    [EvaluatesNumber]> {
  let summary = "conversion to another element type";
  let description = [{
    To bool: x != 0. Float to integer truncates; out of range saturates with
    `saturate`, and otherwise wraps as the C conversion through a wider
    integer does where that is defined.
  }];
  let arguments = (ins AnyRankedTensor:$operand, TypeAttr:$to);
  let hasFolder = 1;
}

def BitCastOp : Sluice_ElementwiseOp<"bit_cast",
    "Adaptor(operands, attributes, properties, regions).getTo()"> {
  let summary = "the same bits as another element type of the same width";
  let description = [{ A bool is a byte of 0 or 1; other bytes are true. }];
  let arguments = (ins AnyRankedTensor:$operand, TypeAttr:$to);
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // SLUICE_ELEMENTWISE_OPS_TD
