//===- NormalizationOps.td - Softmax and normalisations -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_NORMALIZATION_OPS_TD
#define SLUICE_NORMALIZATION_OPS_TD

include "dialects/Sluice/SluiceBase.td"

// Ops whose result has the type of their first operand.
class Sluice_SameShapeOp<string mnemonic, list<Trait> traits>
    : Sluice_Op<mnemonic, !listconcat(traits, [TakesFloats])> {
  let results = (outs AnyRankedTensor:$result);
  code sameShapeDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder,
        ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      shapes.push_back(::sluice::getDimensions(builder, getLoc(),
                                               getOperation()->getOperand(0)));
      return ::mlir::success();
    }
    std::optional<::sluice::OperandDimension> $cppClass::getSizeSource(
        unsigned, int64_t dimension) {
      return ::sluice::OperandDimension{&getOperation()->getOpOperand(0),
                                        dimension};
    }
  }];
  let extraClassDefinition = sameShapeDefinition;
}

class Sluice_SoftmaxOp<string mnemonic, string summaryText>
    : Sluice_SameShapeOp<mnemonic,
                         [NoSizeConditions, Decomposable, Batchwise,
                          TellsSizeSource, Permutable<["permuteAttributes"]>]> {
  let summary = summaryText;
  let arguments = (ins AnyRankedTensor:$operand, I64Attr:$axis);
}
def SoftmaxOp : Sluice_SoftmaxOp<"softmax",
    "exp(x - max) / sum of exp(x - max) along a dimension">;
def LogSoftmaxOp : Sluice_SoftmaxOp<"log_softmax",
    "the logarithm of softmax along a dimension">;

class Sluice_NormOp<string mnemonic>
    : Sluice_SameShapeOp<mnemonic, [HasSizeConditions, Decomposable, Batchwise,
                                    TellsOperandSizes]> {
  let arguments = (ins AnyRankedTensor:$operand,
                       Variadic<AnyRankedTensor>:$parameters, I64Attr:$axis,
                       F64Attr:$epsilon);
  let extraClassDeclaration = baseDeclaration # [{
    /// The factors and addends, or null.
    ::mlir::Value getScale() {
      return getParameters().empty() ? ::mlir::Value() : getParameters()[0];
    }
    ::mlir::Value getBias() {
      return getParameters().size() < 2 ? ::mlir::Value() : getParameters()[1];
    }
  }];
}

def LayerNormOp : Sluice_NormOp<"layer_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) over trailing dimensions";
  let description = [{
    Mean and variance are taken over the dimensions from `axis` on, in f32 at
    least. `parameters` are factors and then addends, both optional, with the
    sizes of these dimensions.
  }];
}

def RmsNormOp : Sluice_NormOp<"rms_norm"> {
  let summary = "x / sqrt(mean of x^2 + epsilon) over trailing dimensions";
  let description = [{
    As `layer_norm` without the mean; `parameters` are the optional factors.
  }];
}

def BatchNormOp : Sluice_SameShapeOp<"batch_norm",
    [HasSizeConditions, Decomposable, ImageOpInterface,
     TellsOperandSizes]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias";
  let description = [{
    The parameters have one element per channel; channels are dimension 1, or
    the last one with `channels_last`.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$scale,
                       AnyRankedTensor:$bias, AnyRankedTensor:$mean,
                       AnyRankedTensor:$variance, F64Attr:$epsilon,
                       UnitAttr:$channels_last);
}

#endif // SLUICE_NORMALIZATION_OPS_TD
