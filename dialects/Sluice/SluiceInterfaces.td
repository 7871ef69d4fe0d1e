//===- SluiceInterfaces.td - Interfaces of the sluice dialect -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_INTERFACES_TD
#define SLUICE_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op whose result element depends on one (broadcast) element of each
    operand. One definition of the body serves every code generator: map
    kernels, epilogues in registers, constant evaluation.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the body on scalars, or on vectors of one shape. `arguments` are
      in the compute types of the operands' element types and so is the result
      (see `getComputeType`): f16 and bf16 compute in f32, integers are
      signless whatever their signedness.
    }], "::mlir::Value", "buildBody", (ins
        "::mlir::OpBuilder &":$builder, "::mlir::Location":$location,
        "::mlir::ValueRange":$arguments)>
  ];
}

def OperandSizesOpInterface : OpInterface<"OperandSizesOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op that tells sizes backwards, from what it computes to what it reads.
    Type inference goes the other way.
  }];
  let methods = [
    InterfaceMethod<[{
      Calls `demand` for every size that an operand must have for the op to be
      legal, as far as the types of other operands and the result say: weights
      know the channels of an image. The size may be dynamic, which says
      nothing, and the operand may have it already.
    }], "void", "demandSizes", (ins
        "::llvm::function_ref<void(::sluice::OperandDimension, int64_t)>":
            $demand), "", "(void)demand;">,
    InterfaceMethod<[{
      The operand and its dimension that is as large as a dimension of the
      result, whatever the sizes are; none if there is no such dimension.
    }], "std::optional<::sluice::OperandDimension>", "getSizeSource", (ins
        "unsigned":$result, "int64_t":$dimension), "",
        "(void)result; (void)dimension; return std::nullopt;">
  ];
}

// For ops that have the second or both methods.
def TellsSizeSource
    : DeclareOpInterfaceMethods<OperandSizesOpInterface, ["getSizeSource"]>;
def DemandsSizes
    : DeclareOpInterfaceMethods<OperandSizesOpInterface, ["demandSizes"]>;
def TellsOperandSizes
    : DeclareOpInterfaceMethods<OperandSizesOpInterface,
                                ["demandSizes", "getSizeSource"]>;

def SizeConditionsOpInterface : OpInterface<"SizeConditionsOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op whose kernel relies on sizes that fit: equal ones, ones that are not
    negative. Type inference checks what types say; the rest is what this
    interface is for. Indices are data, and checked by kernels.

    Every op of the dialect has it, or the trait NoSizeConditions.
  }];
  let methods = [
    InterfaceMethod<[{
      Takes down what must hold of the sizes that the op meets, in terms of its
      operands' sizes and elements.
    }], "void", "requireSizes", (ins
        "::sluice::SizeConditions &":$conditions)>
  ];
}
def HasSizeConditions : DeclareOpInterfaceMethods<SizeConditionsOpInterface>;

def PermutableOpInterface : OpInterface<"PermutableOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op with one result that computes the same whatever the order of its
    dimensions is. A permutation is that of a transpose: dimension i of the new
    order is dimension permutation[i] of the old one (Permutation.h).
  }];
  let methods = [
    InterfaceMethod<[{
      Does this operand have the op's dimensions, or as in NumPy the last of
      them? The others stay as they are in any order.
    }], "bool", "hasDimensions", (ins "unsigned":$operand), "",
        "(void)operand; return true;">,
    InterfaceMethod<[{
      The permutation that the result has where the operands with dimensions
      have this one; none where the op cannot compute on these.
    }], "std::optional<::llvm::SmallVector<int64_t>>", "permuteResult", (ins
        "::llvm::ArrayRef<int64_t>":$permutation), "",
        "return ::llvm::SmallVector<int64_t>(permutation);">,
    InterfaceMethod<[{
      Brings the attributes into the new order, where there is a result. The
      caller sees to operands and the result's type.
    }], "void", "permuteAttributes", (ins
        "::llvm::ArrayRef<int64_t>":$permutation), "", "(void)permutation;">
  ];
}

// For ops that have these methods.
class Permutable<list<string> methods>
    : DeclareOpInterfaceMethods<PermutableOpInterface, methods>;

def BatchwiseOpInterface : OpInterface<"BatchwiseOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op with one result that computes each place of its leading dimensions
    from the same places of some operands and from the whole of the others. So
    places that nobody reads can be left out. Elementwise ops are so without
    these methods.
  }];
  let methods = [
    InterfaceMethod<[{
      Is it so for the first `count` dimensions, and does this operand have
      them, too?
    }], "bool", "hasBatch", (ins "unsigned":$operand, "int64_t":$count)>,
    InterfaceMethod<[{
      Builds the op on operands whose `count` leading dimensions have become
      one, of any size.
    }], "::mlir::Value", "cloneOnBatch", (ins
        "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$operands,
        "int64_t":$count)>
  ];
}
def Batchwise : DeclareOpInterfaceMethods<BatchwiseOpInterface>;

def ImageOpInterface : OpInterface<"ImageOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op whose first operand and results are images: [N, C, spatial...], or
    [N, spatial..., C] with the attribute `channels_last`.
  }];
  let methods = [
    InterfaceMethod<"Are channels the last dimension?",
        "bool", "getChannelsLast">,
    InterfaceMethod<"The images are to have the other layout.",
        "void", "setChannelsLast", (ins "bool":$value)>,
    InterfaceMethod<[{
      Which layout the op is best computed in (Permutation.h).
    }], "::sluice::ChannelsLastUse", "getChannelsLastUse", (ins), "",
        "return ::sluice::ChannelsLastUse::Follows;">
  ];
}

def WeightsOpInterface : OpInterface<"WeightsOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op that multiplies by weights. Where these are constant, its kernel may
    have them reordered when the artifact is written.
  }];
  let methods = [
    InterfaceMethod<"The operand with the weights.",
        "::mlir::OpOperand &", "getWeightsOperand">,
    InterfaceMethod<[{
      Why no kernel can have constant weights of this type in an order of its
      own, such as elements that nothing multiplies; empty where one can.
    }], "::llvm::StringRef", "explainUnpacked", (ins
        "::mlir::RankedTensorType":$weights)>
  ];
}
def HasWeights : DeclareOpInterfaceMethods<WeightsOpInterface>;

def LinearOpInterface
    : OpInterface<"LinearOpInterface", [WeightsOpInterface]> {
  let cppNamespace = "::sluice";
  let description = [{
    An op whose result is linear in its first operand and in its weights: what
    scales a channel of either may as well scale the weights.
  }];
  let methods = [
    InterfaceMethod<[{
      Where the channels are; none where the weights have no such dimensions.
    }], "std::optional<::sluice::LinearChannels>", "getLinearChannels">
  ];
}
def Linear : DeclareOpInterfaceMethods<LinearOpInterface>;

def AnchorOpInterface : OpInterface<"AnchorOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    What an op's kernel can do besides computing the op. One of an op without
    this interface, if that is not elementwise, does nothing else.
  }];
  let methods = [
    InterfaceMethod<[{
      Can elementwise ops behind the op run on its f32 accumulators, before
      they are stored?
    }], "bool", "takesEpilogue", (ins), "", "return false;">,
    InterfaceMethod<[{
      Does the kernel read each element of this operand once, wherever it comes
      from, so that it may as well be computed on the spot?
    }], "bool", "takesPrologue", (ins "unsigned":$operand), "",
        "(void)operand; return false;">,
    InterfaceMethod<[{
      The operand, of the result's sizes, that the result is an update of: the
      kernel can write the result over it, because it reads no element of it
      after it has written to its place. Null where there is none.
    }], "::mlir::OpOperand *", "findUpdatedOperand", (ins "unsigned":$result),
        "", "(void)result; return nullptr;">
  ];
}
def TakesEpilogue
    : DeclareOpInterfaceMethods<AnchorOpInterface, ["takesEpilogue"]>;
def TakesPrologue
    : DeclareOpInterfaceMethods<AnchorOpInterface, ["takesPrologue"]>;
def UpdatesOperand
    : DeclareOpInterfaceMethods<AnchorOpInterface, ["findUpdatedOperand"]>;

def PlacesOpInterface : OpInterface<"PlacesOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op with one result that tells where an element of it takes elements of
    the operands from: that follows from the element's own place. It can be part
    of a scan's body. Elementwise ops do so without these methods.
  }];
  let methods = [
    InterfaceMethod<"Is it so for these types and attributes?",
        "bool", "hasPlaces", (ins), "", "return true;">,
    InterfaceMethod<[{
      How many operands the op reads elements of: the first ones.
    }], "unsigned", "getReadOperandCount", (ins), "",
        "return $_op->getNumOperands();">,
    InterfaceMethod<[{
      The dimensions that the op reduces, as (operand, dimension).
    }], "::llvm::SmallVector<std::pair<unsigned, unsigned>>",
        "getReducedDimensions", (ins), "", "return {};">,
    InterfaceMethod<[{
      The place in an operand for a place in the result and, where the op
      reduces, places along the reduced dimensions. Dimensions of size one may
      have any index.
    }], "::llvm::SmallVector<::sluice::PlaceIndex>", "getOperandPlace", (ins
        "unsigned":$number, "::llvm::ArrayRef<::sluice::PlaceIndex>":$result,
        "::llvm::ArrayRef<::sluice::PlaceIndex>":$reduced), "",
        [{
          (void)reduced;
          size_t rank = ::sluice::shapeOf($_op->getOperand(number)).size();
          return ::llvm::to_vector(result.take_back(rank));
        }]>
  ];
}
class TellsPlaces<list<string> methods>
    : DeclareOpInterfaceMethods<PlacesOpInterface, methods>;

def RowMovementOpInterface : OpInterface<"RowMovementOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op with one result that moves parts of rows: elements that are neighbours
    along the last dimension, or a few apart, stay so. Kernels of elementwise
    ops read through it, and write what it puts together, instead of having its
    operands or its result in memory.
  }];
  let methods = [
    InterfaceMethod<[{
      Which parts go where (RowMovement.h); none where that does not follow from
      types and attributes.
    }], "std::optional<::sluice::RowMovement>", "getRowMovement">
  ];
}
def MovesRows : DeclareOpInterfaceMethods<RowMovementOpInterface>;

def WorkOpInterface : OpInterface<"WorkOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op that computes more, or less, than its operands and results tell: other
    ops take one operation for each element that they read or write, of which
    there are more (getWork in Work.h).
  }];
  let methods = [
    InterfaceMethod<[{
      Operations, two for a multiply-add and none for what only moves elements,
      and bytes of memory. The sizes of operands and results are static; none
      where that does not tell.
    }], "std::optional<::sluice::Work>", "getWork">
  ];
}
def TellsWork : DeclareOpInterfaceMethods<WorkOpInterface>;

def RecurrentCellOpInterface : OpInterface<"RecurrentCellOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    A recurrent cell over a sequence, whatever the order of its weights. The
    methods are the accessors of `Sluice_RecurrentArguments`; see RecurrenceOp
    for what they mean, and RecurrentCell.h for what follows from them.
  }];
  let methods = [
    InterfaceMethod<"", "::mlir::Value", "getProjected">,
    InterfaceMethod<"", "::mlir::Value", "getWeights">,
    InterfaceMethod<"", "::mlir::Value", "getHidden">,
    InterfaceMethod<"", "::mlir::Value", "getCellState">,
    InterfaceMethod<"", "::mlir::Value", "getLengths">,
    InterfaceMethod<"", "::mlir::Value", "getPeepholes">,
    InterfaceMethod<"", "::mlir::Value", "getHiddenBias">,
    InterfaceMethod<"", "::sluice::RecurrentCell", "getCell">,
    InterfaceMethod<"", "::llvm::ArrayRef<bool>", "getReverse">,
    InterfaceMethod<"", "::mlir::ArrayAttr", "getActivations">,
    InterfaceMethod<"", "::llvm::ArrayRef<double>", "getAlphas">,
    InterfaceMethod<"", "::llvm::ArrayRef<double>", "getBetas">,
    InterfaceMethod<"", "::llvm::APFloat", "getClip">,
    InterfaceMethod<"", "bool", "getInputForget">,
    InterfaceMethod<"", "bool", "getLinearBeforeReset">,
    InterfaceMethod<"Hidden units; dynamic where they are not known.",
        "int64_t", "getUnits">
  ];
}

def ElementsOpInterface : OpInterface<"ElementsOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    An op that exporters compute shapes with: one element of its result follows
    from few elements of its operands. So a reshape's sizes become constants or
    index arithmetic, instead of kernels on tiny tensors. `index` is row-major;
    the evaluator (ElementEvaluator.h) has the operands' elements. Views need no
    methods.
  }];
  let methods = [
    InterfaceMethod<[{
      Where the op takes the element from, if that is an element of an operand
      and is known.
    }], "std::optional<::sluice::ElementPlace>", "findSource", (ins
        "::sluice::ElementEvaluator &":$evaluator, "int64_t":$index), "",
        "(void)evaluator; (void)index; return std::nullopt;">,
    InterfaceMethod<[{
      The element, if there is no such place and it is a whole number: an
      attribute, or an index value; null where it depends on run-time data.
    }], "::mlir::OpFoldResult", "evaluateElement", (ins
        "::sluice::ElementEvaluator &":$evaluator, "int64_t":$index), "",
        "(void)evaluator; (void)index; return {};">,
    InterfaceMethod<[{
      The element of an f32 or f64 result, if there is no such place and the
      number is known.
    }], "std::optional<double>", "evaluateNumber", (ins
        "::sluice::ElementEvaluator &":$evaluator, "int64_t":$index), "",
        "(void)evaluator; (void)index; return std::nullopt;">
  ];
}
def FindsSource
    : DeclareOpInterfaceMethods<ElementsOpInterface, ["findSource"]>;
def EvaluatesElement
    : DeclareOpInterfaceMethods<ElementsOpInterface, ["evaluateElement"]>;
def EvaluatesNumber
    : DeclareOpInterfaceMethods<ElementsOpInterface,
                                ["evaluateElement", "evaluateNumber"]>;

def DecomposableOpInterface : OpInterface<"DecomposableOpInterface"> {
  let cppNamespace = "::sluice";
  let description = [{
    A composite op: passes reason about it as a whole, but simpler ops of the
    dialect say the same. They are the reference that its kernel is compared
    with, and stand in for it where there is none.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds ops that compute the op's results, and returns these: values of the
      results' types. What sums up f16 or bf16 does so in f32 and is rounded at
      the end.
    }], "::llvm::SmallVector<::mlir::Value>", "decompose", (ins
        "::mlir::OpBuilder &":$builder)>
  ];
}
def Decomposable : DeclareOpInterfaceMethods<DecomposableOpInterface>;

#endif // SLUICE_INTERFACES_TD
