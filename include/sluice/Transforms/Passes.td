//===- Passes.td - Passes on graphs and kernels -------------*- tablegen -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TRANSFORMS_PASSES
#define SLUICE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"
include "sluice/Transforms/AttentionPasses.td"
include "sluice/Transforms/ExpertPasses.td"

def InferShapesPass : Pass<"sluice-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Refine result types";
  let description = [{
    Infers the result types of every op again, in order, and keeps what is
    known from both the old and the new type. Results of the function and of
    branches follow. A branch whose condition is known by now is replaced by
    the side it takes. Users that insist on the old type get a `tensor.cast`.
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def RefineOperandsPass
    : Pass<"sluice-refine-operands", "::mlir::func::FuncOp"> {
  let summary = "Find the sizes that values must have for what reads them";
  let description = [{
    The types of an op's operands tell sizes of each other: weights know the
    channels of the image and the depth of the product that they are for. Such
    a size is followed backwards, through ops that pass it on, to where no op
    can tell it, and a `tensor.cast` there gives it to everything behind. From
    the last op to the first; what only runs sometimes says nothing about
    values of the block around it. `sluice-infer-shapes` passes the sizes on
    and `sluice-check-sizes` checks them, in the name of the op that demands
    them.
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def FoldShapesPass : Pass<"sluice-fold-shapes", "::mlir::func::FuncOp"> {
  let summary = "Replace shape arithmetic whose outcome is known by constants";
  let description = [{
    Integer and bool tensors of at most 64 elements, all of which follow from
    constants and static sizes, become constants without running any code.
  }];
}

def FoldBatchNormPass
    : Pass<"sluice-fold-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "Move scales and shifts per channel into linear ops";
  let description = [{
    Batch normalisation behind a convolution, transposed convolution or matrix
    product becomes part of its weights and bias; so do products and sums with
    constants per channel. In front of one it does where that is exact: without
    padding.

    In mode `deploy` weights and statistics must be constant; constant
    evaluation then computes the new ones. In mode `tune` they need not be:
    what is not constant is scaled in every run, and one convolution runs. In
    mode `eval` nothing is folded.
  }];
  let options = [
    Option<"mode", "mode", "std::string", /*default=*/"\"deploy\"",
           "deploy, tune or eval">
  ];
}

def RecogniseActivationsPass
    : Pass<"sluice-recognise-activations", "::mlir::func::FuncOp"> {
  let summary = "Make one op of a spelled-out activation";
  let description = [{
    Sigmoid, softplus, relu, clipped relu, and x times a function of x: swish,
    hard_swish, mish, gelu with erf or tanh. What counts is what the formula
    computes, not how it is written.
  }];
}

def RecogniseSoftmaxPass
    : Pass<"sluice-recognise-softmax", "::mlir::func::FuncOp"> {
  let summary = "Make one op of exp(x - max) / sum";
  let description = [{
    A quotient, or a product with a reciprocal, of exponentials and their sum
    along one dimension becomes a `softmax`, which subtracts the maximum itself;
    the logarithm of one that nothing else reads becomes a `log_softmax`.
  }];
}

def RecogniseNormalizationsPass
    : Pass<"sluice-recognise-normalizations", "::mlir::func::FuncOp"> {
  let summary = "Make one op of a spelled-out layer_norm or rms_norm";
  let description = [{
    The mean may be a reduction or a sum with a factor, the deviation a
    divisor or an inverse. A factor and an addend behind the norm become its
    parameters.
  }];
}

def RecogniseLookupsPass
    : Pass<"sluice-recognise-lookups", "::mlir::func::FuncOp"> {
  let summary = "Make a gather of a product with one-hot rows";
  let description = [{
    The rows are a `one_hot`, or what comparing indices with 0, 1, 2, ... gives;
    the matrix is constant. An elementwise op behind the lookup of rows in a
    constant table, whose other operands are constant and the same for all rows,
    is done on the table. The other way round, ops that make a table of a
    smaller one are done on what is looked up: dequantisation, say.
  }];
}

def MoveTransposesPass
    : Pass<"sluice-move-transposes", "::mlir::func::FuncOp"> {
  let summary = "Cancel transposes across the ops between them";
  let description = [{
    Elementwise ops, reductions, softmax, concat, slice and pad compute on
    tensors in any order of dimensions. Where a region of them is between
    transposes, it is turned if that leaves fewer bytes to transpose.
  }];
}

def FoldTransposesPass
    : Pass<"sluice-fold-transposes", "::mlir::func::FuncOp"> {
  let summary = "Fold transposes into products, attention and reductions";
  let description = [{
    A product reads a matrix whose last two dimensions are swapped as it lies;
    where batch dimensions move as well, a transpose of whole rows is left. The
    transpose of a product swaps its operands. Attention reads and writes
    tensors in any order. A reduction reads the tensor in
    front of a transpose, and at most its smaller result is transposed.
  }];
}

def FoldBroadcastsPass
    : Pass<"sluice-fold-broadcasts", "::mlir::func::FuncOp"> {
  let summary = "Products and reductions of what repeats, without writing it";
  let description = [{
    A product broadcasts its batch itself: it reads the operand of a broadcast
    where its other operand surely has the sizes that are new. Where all rows of
    the left matrix are the same, or all columns of the right one, one of them
    is multiplied and the result broadcast, if the depth is at least 16: below,
    writing the result once more takes longer than the product. Where each
    matrix of an operand was repeated for a group of neighbours, by a broadcast
    and a reshape that joins the two dimensions of the batch, it is multiplied
    with the rows of the group at once. Reductions of tiles of known sizes read
    them as broadcasts along new dimensions.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def FoldPadsPass : Pass<"sluice-fold-pads", "::mlir::func::FuncOp"> {
  let summary = "Products of padded matrices without writing these";
  let description = [{
    Zeros along the depth are left out where the other matrix has zeros there
    too, or is a constant without infinities and NaN. Rows, columns and matrices
    of zeros are put around the product, if that halves the work or what is
    padded; they are NaN where zero was multiplied with infinity or NaN.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def DropBranchesPass : Pass<"sluice-drop-branches", "::mlir::func::FuncOp"> {
  let summary = "Branches whose gate is a constant zero are left out";
  let description = [{
    x + f(x) * gate becomes x where the gate is a constant of zeros and the
    branch does not make the sum larger.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def DecomposePass : Pass<"sluice-decompose", "::mlir::func::FuncOp"> {
  let summary = "Composite ops as the simpler ops that they are made of";
  let description = [{
    Softmax and the normalisations become elementwise ops and reductions,
    attention products and a softmax: the reference for their kernels. Pipelines
    run it on what there is no kernel for, attention in f64 for example. What
    these ops demand of sizes and types do not prove is asserted in front.
  }];
  let options = [
    Option<"onlyUnserved", "only-unserved", "bool", "false",
           "Leave ops that there is a kernel for">
  ];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "mlir::arith::ArithDialect",
                           "mlir::cf::ControlFlowDialect",
                           "mlir::tensor::TensorDialect"];
}

def ExpandBatchNormPass
    : Pass<"sluice-expand-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "Batch normalisations as a factor and an addend per channel";
  let description = [{
    x * f + (bias - mean * f) with f = scale / sqrt(variance + epsilon): what
    is left of batch normalisations that were not merged into a convolution.
    The factors are constants wherever the parameters are. What types do not
    prove of the number of channels is asserted in front.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "mlir::arith::ArithDialect",
                           "mlir::cf::ControlFlowDialect",
                           "mlir::tensor::TensorDialect"];
}

def DropUnitDimensionsPass
    : Pass<"sluice-drop-unit-dimensions", "::mlir::func::FuncOp"> {
  let summary = "Convolve along the dimensions that are larger than one";
  let description = [{
    Convolutions whose last spatial dimensions have size one in input, weight
    and result lose them. The views that this takes move behind elementwise ops
    and in front of transposes, to where they meet others and cancel.
  }];
}

def FormScansPass : Pass<"sluice-form-scans", "::mlir::func::FuncOp"> {
  let summary = "Make one op of a loop that computes element by element";
  let description = [{
    A loop over elements of tensors whose states only meet themselves, place by
    place, becomes a `sluice.scan`: linear recurrences, selective scans, gated
    linear attention. Its outputs may reduce the states, as products with a
    vector do. One kernel then runs over all steps, with its part of the states
    in the first-level cache, instead of a few kernels in each step. A loop
    whose steps have more operations than a kernel may have stays one, and its
    steps are several kernels: LLVM takes more than linear time for long blocks.
    Remarks of the kind `fusion` say why a loop stays one.
  }];
  let options = [
    Option<"maximumOps", "maximum-ops", "unsigned", /*default=*/"128",
           "The most ops in a step">
  ];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "mlir::cf::ControlFlowDialect"];
}

def FormLinearAttentionPass
    : Pass<"sluice-form-linear-attention", "::mlir::func::FuncOp"> {
  let summary = "Make linear attention of scans that are";
  let description = [{
    A `sluice.scan` whose state is a matrix for each head that decays and adds
    the product of a key and a value, or of a key and what a delta rule makes of
    the value, and that multiplies queries with it, becomes a
    `sluice.linear_attention`, which takes many tokens at once. That pays where
    the state of a head is too large for a scan to keep it in the target's
    first-level cache. Remarks of the kind `attention` say what it became, and
    why one stays a scan.
  }];
  let dependentDialects = ["::sluice::SluiceDialect",
                           "mlir::tensor::TensorDialect"];
}

def SplitConcatenationsPass
    : Pass<"sluice-split-concatenations", "::mlir::func::FuncOp"> {
  let summary = "Make concatenations of very many tensors in steps";
  let description = [{
    The kernel of a concatenation has a loop per operand. Those with more than
    `maximum-operands` become concatenations of 16 tensors each, whose kernels
    are shared. Runs after canonicalisation, which would join them again.
  }];
  let options = [
    Option<"maximumOperands", "maximum-operands", "unsigned", /*default=*/"64",
           "The most operands that stay in one concatenation">
  ];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def CountLoopsPass : Pass<"sluice-count-loops", "::mlir::func::FuncOp"> {
  let summary = "Count the steps of loops that grow tensors by concatenation";
  let description = [{
    A loop to a number that is known in front of it, whose steps each append
    one part to an empty tensor, becomes an `scf.for` that sets the elements of
    a list (`sluice.set_element`): what was appended is copied no more. Parts
    have static shapes.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::scf::SCFDialect",
                           "mlir::tensor::TensorDialect"];
}

def RecogniseElementsPass
    : Pass<"sluice-recognise-elements", "::mlir::func::FuncOp"> {
  let summary = "Read a step's part of a tensor as an element of a list";
  let description = [{
    A gather or slice at the number of a loop's step, counted from the first or
    the last one, becomes `sluice.element`, which is a view. Where that is not
    along the first dimension the tensor is transposed in front of the loop.
    All steps must be known to be within the dimension; others keep their op,
    which checks it.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect"];
}

def FoldLoopSizesPass
    : Pass<"sluice-fold-loop-sizes", "::mlir::func::FuncOp"> {
  let summary = "Read sizes that loops keep in front of them";
  let description = [{
    Where every step of a loop hands on a tensor of the sizes that it began
    with, these are the sizes of the tensor in the loop and behind it: buffers
    get their place before the run. Kernels must be formed, as they name the
    sizes of their results.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect"];
}

def FormKernelsPass : Pass<"sluice-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Group ops into kernels";
  let description = [{
    Every op that computes becomes part of a `kernel.region`. An op joins the
    kernel of its users when they all stand in one kernel that can take it:
    elementwise ops in front of and behind each other, and one anchor
    (contraction, convolution, ...) before its elementwise epilogue. Ops that
    only change the shape become `kernel.alias`. Dynamic sizes are computed
    from the sizes of the function's arguments wherever they follow from them.
    A kernel has a limited number of ops: LLVM takes more than linear time for
    long blocks, while a result that is written out costs little beside them.
    What an op asks about its kernel (`kernel.provider`, `kernel.tiling`,
    `kernel.target`) moves to the region.
  }];
  let options = [
    Option<"maximumOps", "maximum-ops", "unsigned", /*default=*/"128",
           "The most ops in one kernel">
  ];
  let dependentDialects = [
    "::sluice::kernel::KernelDialect", "mlir::arith::ArithDialect",
    "mlir::tensor::TensorDialect"
  ];
}

def OutlineKernelsPass : Pass<"sluice-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Give kernels names, and identical kernels one name";
  let description = [{
    Moves the body of every `kernel.region` to a `kernel.func` and puts a
    `kernel.call` in its place. Regions with the same body share one function.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect"];
}

def MergeEqualOpsPass : Pass<"sluice-merge-equal-ops"> {
  let summary = "Compute what is equal once, in linear time";
  let description = [{
    Ops without effects that have the same operands, attributes and regions
    become one, and ops that nothing uses go. Other than `cse`, it tells regions
    apart by what is in them before it compares them: kernels of one tensor, or
    branches on one condition, are many in a large graph, and comparing each
    with each takes quadratic time. Values of blocks that are not within each
    other are not merged.
  }];
}

def SimplifySizesPass : Pass<"sluice-simplify-sizes", "::mlir::ModuleOp"> {
  let summary = "Compute each size of the host function's buffers once";
  let description = [{
    Replaces questions for the sizes of buffers by the values that they were
    made with, and simplifies the arithmetic on sizes: minima and maxima of
    what is in order anyway (an input's size is not negative), broadcasts with
    what is part of the size already, and what was computed before. A check of
    a condition that was checked before goes. So equal sizes are one value
    wherever that can be seen, and a deep graph that keeps its sizes has a few
    sizes and checks, not some for each op.
  }];
  let dependentDialects = [
    "::sluice::kernel::KernelDialect", "mlir::arith::ArithDialect"
  ];
}

def PlanMemoryPass : Pass<"sluice-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every buffer of the host function a place";
  let description = [{
    Buffers whose sizes are known or follow from the inputs' sizes get places in
    one workspace. A kernel's result takes over the buffer of an input that dies
    there and has the same size, where the kernel allows it. The others are
    placed for sample sizes of the inputs, the largest first, each at the lowest
    offset where it meets no other that is in use at the same time (Pisarchyk
    and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020,
    greedy by size). What is kept of a placement is which buffer lies above
    which others; from that a run computes the offsets for its own sizes.
    Where no plan serves all samples the run chooses among a few.
    `sluice_plan` computes the total. What remains, sizes that depend on data,
    is left to the runtime's allocator.
  }];
  let dependentDialects = [
    "::sluice::kernel::KernelDialect", "mlir::arith::ArithDialect"
  ];
}

def SetTargetPass : Pass<"sluice-set-target", "::mlir::ModuleOp"> {
  let summary = "Say what code is made for";
  let description = [{
    Gives the module the attribute `kernel.target`. It describes the CPU
    completely, so that what follows does not ask the machine that compiles:
    `native` is resolved here. Passes on modules without a target work for this
    machine.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect"];
  let options = [
    Option<"triple", "triple", "std::string", "",
           "Target triple; empty for the host's">,
    Option<"cpu", "cpu", "std::string", "\"native\"",
           "Target CPU as LLVM names it, or native">
  ];
}

def ChooseKernelsPass : Pass<"sluice-choose-kernels", "::mlir::ModuleOp"> {
  let summary = "Say who makes the code of each kernel, and how";
  let description = [{
    Asks the provider `kernels`, or that of an op's attribute `kernel.provider`,
    about each kernel, and decides all that later passes only read: `provider`,
    the whole `config` of the code (#kernel.cpu_contraction, ...), and for each
    constant the order that the kernel wants it in (`packing`). A tiling that
    an op has (`kernel.tiling`) takes the place of the provider's choice. What
    follows an anchor and its provider declines is split off; what is declined
    altogether stays builtin, and a remark of the kind `providers` has the
    reason. Weights that are packed want the other operand's rows upright: it is
    transposed in front of the kernel. A channels-last convolution with fewer
    channels than half the lanes computes neighbouring pixels of a line as
    channels, with shifted copies of the weights, where that takes at most two
    thirds of the products. A table that a product has packed is looked up
    there, too. A product of 32-bit integers with narrow weights reads its other
    operand in 16 or 8 bits, where an elementwise kernel in front makes it of
    such integers for this product alone. Types of kernels must not change any
    more afterwards. Outlined kernels without a configuration get one as well.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect",
                           "::sluice::SluiceDialect",
                           "mlir::tensor::TensorDialect"];
  let options = [
    Option<"kernels", "kernels", "std::string", "\"builtin\"",
           "The provider's name">,
    Option<"emulateDotUnits", "emulate-dot-units", "bool", "false",
           "Spell dot units out in plain arithmetic, to test them on any CPU">
  ];
}

def CheckSizesPass : Pass<"sluice-check-sizes", "::mlir::func::FuncOp"> {
  let summary = "Fail where dynamic sizes do not fit";
  let description = [{
    Ops demand things of their operands' sizes: that they broadcast, that
    channels fit weights, that a reshape keeps the number of elements. Where
    types do not say it already, a `cf.assert` in front of the op does; a run
    that breaks it ends there. All sizes in conditions are computed from the
    sizes of inputs, so that no check keeps a tensor from being fused.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::cf::ControlFlowDialect",
                           "mlir::tensor::TensorDialect"];
}

def NarrowConstantsPass
    : Pass<"sluice-narrow-constants", "::mlir::func::FuncOp"> {
  let summary = "Keep integer weights in as few bits as hold them";
  let description = [{
    Constant weights of integer products and convolutions, quantised ones with
    their zero point among them, become `sluice.narrow_constant` where 8 or 16
    bits hold all of them and a kernel may read them like that.
  }];
  let dependentDialects = ["::sluice::SluiceDialect"];
}

def PackWeightsPass : Pass<"sluice-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Put constants in the orders that kernels read";
  let description = [{
    Where a kernel's `packing` asks for a constant in another order, the input
    becomes a `kernel.packed_constant` and the anchor its packed form
    (`kernel.packed_matmul`, ...). The constant is reordered when the artifact
    is written.
  }];
  let dependentDialects = ["::sluice::kernel::KernelDialect"];
}

def PropagateLayoutPass
    : Pass<"sluice-propagate-layout", "::mlir::func::FuncOp"> {
  let summary = "Keep images channels-last between convolutions";
  let description = [{
    Convolutions and pools work on [N, spatial..., C], where the channels of a
    pixel lie together and fill vectors. The layout spreads to all ops that can
    work in either; transposes remain where it begins and ends.
  }];
}

def LayoutWeightsPass : Pass<"sluice-layout-weights", "::mlir::ModuleOp"> {
  let summary = "Give every constant of the host function a place";
  let description = [{
    Equal constants share one place; places are aligned to 64 bytes. Each place
    is a `kernel.constant` of the module, which has the bytes that they all take
    in `sluice.weights_bytes`.
  }];
}

#endif // SLUICE_TRANSFORMS_PASSES
