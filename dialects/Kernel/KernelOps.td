//===- KernelOps.td - The ops of the kernel dialect -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_OPS_TD
#define KERNEL_OPS_TD

include "dialects/Kernel/KernelAttributes.td"
include "dialects/Kernel/ConfigInterface.td"
include "dialects/Kernel/CpuConfigurations.td"
include "dialects/Kernel/PackedOps.td"
include "dialects/Kernel/PackingAttributes.td"
include "dialects/Kernel/PackingInterface.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_Frame : Type<
    CPred<"::llvm::isa<::mlir::LLVM::LLVMPointerType>($_self)">,
    "pointer to the frame of a run">,
  BuildableType<"::mlir::LLVM::LLVMPointerType::get($_builder.getContext())">;

def Kernel_Scalar
    : AnyTypeOf<[Index, AnySignlessInteger, F32, F64], "a number">;

def Kernel_DefaultProvider
    : DefaultValuedAttr<Kernel_ProviderAttr,
                        "::sluice::kernel::builtinProvider">;

def RegionOp : Kernel_Op<"region",
    [IsolatedFromAbove, Pure, AttrSizedOperandSegments,
     SingleBlockImplicitTerminator<"::sluice::kernel::YieldOp">]> {
  let summary = "ops that become one kernel";
  let description = [{
    The region's arguments are the inputs; it yields the results. `sizes` are
    the dynamic sizes of the results, in order. `anchor` names the op that
    decides how code is made ("matmul", ...), or "map" where all are
    elementwise. `reusable` names the inputs whose buffer a result of the same
    size may take over, should they die here. Once kernels are chosen,
    `provider` makes the code, as `config` says, and `packing` says for each
    input in which order it wants it: an encoding, or `unit` for the input as it is.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs,
                       Variadic<Index>:$sizes, StrAttr:$anchor,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$reusable,
                       Kernel_DefaultProvider:$provider,
                       OptionalAttr<KernelConfigAttrInterface>:$config,
                       OptionalAttr<ArrayAttr>:$packing);
  let results = (outs Variadic<AnyRankedTensor>);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $anchor `ins` `(` ($inputs^ `:` type($inputs))? `)` `sizes` `(` $sizes `)`
    attr-dict `->` type(results) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The op that `anchor` names; null where all are elementwise.
    ::mlir::Operation *findAnchor();
  }];
}

def AliasOp : Kernel_Op<"alias", [Pure]> {
  let summary = "the same elements under another shape, without a copy";
  let arguments = (ins AnyRankedTensor:$source, Variadic<Index>:$sizes);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $source `sizes` `(` $sizes `)` attr-dict `:` type($source) `->`
    type($result)
  }];
}

def YieldOp : Kernel_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "results of a kernel";
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
  let builders = [OpBuilder<(ins), "build($_builder, $_state, "
                                   "::mlir::ValueRange());">];
}

def FuncOp : Kernel_Op<"func", [IsolatedFromAbove, FunctionOpInterface,
    AffineScope, AutomaticAllocationScope,
    SingleBlockImplicitTerminator<"::sluice::kernel::YieldOp">]> {
  let summary = "an outlined kernel";
  let description = [{
    At first the body is the region of the `kernel.region`s it was made from:
    tensors in, tensors out. Once its code is emitted the kernel takes the frame
    of the run, the buffers of its inputs and results, scratch memory, and
    `parameters` as in `kernel.call`, and yields nothing; its loops stay
    structured until the kernel becomes a function. `function_type` follows from
    the body and is not printed. `config` is all that was chosen about the code
    that `provider` makes.

    `strided` is the dimension along which each argument is the beginning of a
    state's memory, -1 for those that are contiguous. `ties` is as in
    `kernel.call`: a result that is tied has no buffer of its own.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$anchor,
                       Kernel_DefaultProvider:$provider,
                       OptionalAttr<KernelConfigAttrInterface>:$config,
                       TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs,
                       OptionalAttr<DenseI64ArrayAttr>:$strided,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$ties);
  let regions = (region SizedRegion<1>:$body);
  // A kernel that takes over the body of a region.
  let builders = [OpBuilder<(ins "::mlir::StringAttr":$name,
                                 "::mlir::StringAttr":$anchor,
                                 "::sluice::kernel::ProviderAttr":$provider,
                                 "::sluice::kernel::KernelConfigAttrInterface":$config,
                                 "::mlir::Region &":$body)>];
  let assemblyFormat = [{
    $sym_name $anchor attr-dict-with-keyword
    custom<KernelBody>($body, $function_type)
  }];
  let extraClassDeclaration = [{
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    /// Is its code there, on buffers?
    bool isEmitted();
    /// The op that `anchor` names, until the code is there; null where all are
    /// elementwise.
    ::mlir::Operation *findAnchor();
    /// The argument that a result is written over.
    std::optional<unsigned> findTie(unsigned result) {
      return ::sluice::kernel::findTie(getTies(), result);
    }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def CallOp : Kernel_Op<"call",
    [Pure, AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs an outlined kernel on tensors";
  let description = [{
    Operands are as in `kernel.region`. `parameters` are the numbers in which
    kernels differ that share their code. Packed constants must have the order
    that the kernel's configuration reads.

    `ties` says for each result which input it is written over, -1 for results
    with memory of their own; no result is tied where it is empty. Such an input
    is gone after the call: nothing may read it, or a view of it, from then on,
    and the call has it once. The kernel has the same ties.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee,
                       Variadic<AnyRankedTensor>:$inputs,
                       Variadic<Index>:$sizes,
                       Variadic<Kernel_Scalar>:$parameters,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$reusable,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$ties);
  let results = (outs Variadic<AnyRankedTensor>);
  let assemblyFormat = [{
    $callee `ins` `(` ($inputs^ `:` type($inputs))? `)` `sizes` `(` $sizes `)`
    (`parameters` `(` $parameters^ `:` type($parameters) `)`)?
    attr-dict `->` type(results)
  }];
  let extraClassDeclaration = [{
    /// The input that a result is written over.
    std::optional<unsigned> findTie(unsigned result) {
      return ::sluice::kernel::findTie(getTies(), result);
    }
  }];
  let hasVerifier = 1;
}

def LaunchOp : Kernel_Op<"launch",
    [AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel on buffers";
  let description = [{
    Inputs are read, outputs and scratch memory written, and so are the inputs
    that `updated` names. `reusable` is as in `kernel.region`, `parameters` as in
    `kernel.call`; `index` is the kernel's place in the profile.
  }];
  let arguments = (ins Kernel_Frame:$frame, FlatSymbolRefAttr:$callee,
                       Variadic<AnyMemRef>:$inputs,
                       Variadic<AnyMemRef>:$outputs,
                       Optional<AnyMemRef>:$scratch,
                       Variadic<Kernel_Scalar>:$parameters, I64Attr:$index,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$reusable,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$updated);
  let assemblyFormat = [{
    $callee `[` $index `]` `(` $frame `)`
    `ins` `(` ($inputs^ `:` type($inputs))? `)`
    `outs` `(` ($outputs^ `:` type($outputs))? `)`
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    (`parameters` `(` $parameters^ `:` type($parameters) `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def InputOp : Kernel_Op<"input", [Pure]> {
  let summary = "the buffer of a model input";
  let description = [{
    Along the dimension `room` the buffer has the size that there is memory for:
    the input is a state that grows there.
  }];
  let arguments = (ins Kernel_Frame:$frame, I64Attr:$index,
                       OptionalAttr<I64Attr>:$room);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$frame $index attr-dict `:` type($result)";
}

def InputSizeOp : Kernel_Op<"input_size", [Pure]> {
  let summary = "a size of a model input";
  let arguments = (ins Kernel_Frame:$frame, I64Attr:$index,
                       I64Attr:$dimension);
  let results = (outs Index:$result);
  let assemblyFormat = "$frame $index `,` $dimension attr-dict";
}

def ConstantOp : Kernel_Op<"constant", [Symbol]> {
  let summary = "a constant among the artifact's weights";
  let description = [{
    What the artifact has at `offset`, in bytes: `value`, reordered as `packing`
    says where that is given. Weights lie in the order of the module.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value,
                       OptionalAttr<PackingAttrInterface>:$packing,
                       I64Attr:$offset);
  let assemblyFormat = "$sym_name `at` $offset $value attr-dict";
}

def WeightOp : Kernel_Op<"weight", [Pure]> {
  let summary = "a constant in the artifact's weights";
  let description = [{
    `value` is what the buffer holds; `offset` is its place, in bytes, once
    the weights are laid out (`kernel.constant`). With `packing`, an encoding, the value is
    reordered first.
  }];
  let arguments = (ins Kernel_Frame:$frame, ElementsAttr:$value,
                       OptionalAttr<PackingAttrInterface>:$packing,
                       OptionalAttr<I64Attr>:$offset);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$frame $value attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def OutputOp : Kernel_Op<"output", [MemoryEffects<[MemAlloc]>]> {
  let summary = "the buffer of a model output, with its dynamic sizes";
  let arguments = (ins Kernel_Frame:$frame, I64Attr:$index,
                       Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $frame $index `(` $sizes `)` attr-dict `:` type($result)
  }];
}

def AllocateOp : Kernel_Op<"allocate", [MemoryEffects<[MemAlloc]>]> {
  let summary = "a buffer that lives during the run";
  let description = [{
    The memory planner gives it a place in the workspace where its size
    follows from the inputs' sizes, and leaves it to the runtime's allocator
    otherwise.
  }];
  let arguments = (ins Kernel_Frame:$frame, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$frame `(` $sizes `)` attr-dict `:` type($result)";
}

def WorkspaceOp : Kernel_Op<"workspace", [Pure]> {
  let summary = "a buffer at a byte offset of the workspace";
  let arguments = (ins Kernel_Frame:$frame, Index:$offset,
                       Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $frame `[` $offset `]` `(` $sizes `)` attr-dict `:` type($result)
  }];
}

def ViewOp : Kernel_Op<"view", [Pure]> {
  let summary = "the same contiguous buffer with other sizes";
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $source `(` $sizes `)` attr-dict `:` type($source) `to` type($result)
  }];
}

def SubviewOp : Kernel_Op<"subview", [Pure]> {
  let summary = "a contiguous part of a buffer";
  let description = [{
    The part begins `offset` elements behind the buffer's first one. `sizes`
    are its dynamic sizes.
  }];
  let arguments = (ins AnyMemRef:$source, Index:$offset,
                       Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $source `[` $offset `]` `(` $sizes `)` attr-dict `:` type($source) `to`
    type($result)
  }];
}

def LibraryCallOp : Kernel_Op<"library_call", [AttrSizedOperandSegments]> {
  let summary = "calls the function of a library that computes the kernel";
  let description = [{
    The C function `callee` gets the frame, `description` as an array of 64-bit
    numbers, the place of a 64-bit word that is the kernel's own and zero before
    the first run, an array of the buffers' addresses, the address of scratch
    memory (or null), its bytes, and the name of the kernel's first node.
  }];
  let arguments = (ins Kernel_Frame:$frame, StrAttr:$callee,
                       DenseI64ArrayAttr:$description,
                       Variadic<AnyMemRef>:$buffers,
                       Optional<AnyMemRef>:$scratch, I64Attr:$scratch_bytes);
  let assemblyFormat = [{
    $callee $description `(` $frame `)`
    `buffers` `(` ($buffers^ `:` type($buffers))? `)`
    `scratch` $scratch_bytes (`(` $scratch^ `:` type($scratch) `)`)? attr-dict
  }];
}

def CheckOp : Kernel_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "records a run-time failure where the condition is false";
  let description = [{
    The run goes on to its end and then reports the first failure, so code
    after a failed check must stay within its buffers.
  }];
  let arguments = (ins Kernel_Frame:$frame, I1:$condition, StrAttr:$message);
  let assemblyFormat = "$frame $condition `,` $message attr-dict";
}

def RandomKeyOp
    : Kernel_Op<"random_key", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "the run's seed, and the number of its next random sequence";
  let arguments = (ins Kernel_Frame:$frame);
  let results = (outs I64:$seed, I64:$draw);
  let assemblyFormat = "$frame attr-dict";
}

def CopyOp : Kernel_Op<"copy", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies a contiguous buffer to another of the same size";
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$target);
  let assemblyFormat = [{
    $source `to` $target attr-dict `:` type($source) `to` type($target)
  }];
}

#endif // KERNEL_OPS_TD
