//===- PackingAttributes.td - Orders of packed constants ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_PACKING_ATTRIBUTES_TD
#define KERNEL_PACKING_ATTRIBUTES_TD

include "dialects/Kernel/KernelBase.td"
include "mlir/IR/AttrTypeBase.td"

// The attributes are encodings (PackingInterface.td). What columns past the end
// would have is zero everywhere.

class Kernel_PackingAttr<string name, string attributeMnemonic>
    : AttrDef<Kernel_Dialect, name> {
  let mnemonic = attributeMnemonic;
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Kernel_PlainAttr : AttrDef<Kernel_Dialect, "Plain"> {
  let mnemonic = "plain";
  let summary = "all elements in one dimension, in the model's order";
}

def Kernel_PanelsAttr : Kernel_PackingAttr<"Panels", "panels"> {
  let summary = "matrices in panels of columns";
  let description = [{
    Of a value [..., depth, columns], or [..., columns, depth] where it is
    `transposed`, every matrix becomes [ceil(columns / width)][depth][width].

    ```mlir
    #kernel.panels<width = 64, transposed = true>
    ```
  }];
  let parameters = (ins "int64_t":$width,
                        DefaultValuedParameter<"bool", "false">:$transposed);
}

def Kernel_GatesAttr : Kernel_PackingAttr<"Gates", "gates"> {
  let summary = "recurrent weights with the gates side by side";
  let description = [{
    Of a value [directions][units][gates * units] every direction becomes
    [ceil(units / lanes)][units][gates][lanes].
  }];
  let parameters = (ins "int64_t":$gates, "int64_t":$lanes);
}

def Kernel_ConvolutionPanelsAttr
    : Kernel_PackingAttr<"ConvolutionPanels", "convolution_panels"> {
  let summary = "weights of a convolution in panels of output channels";
  let description = [{
    A value [outputs][inputs of a group][taps...] becomes, for each
    `merged_groups` of the `groups`, [ceil(outputs / width)][taps][inputs]
    [width]. Groups that are merged are blocks along the diagonal, with zeros
    beside them.
  }];
  let parameters = (ins "int64_t":$width,
                        DefaultValuedParameter<"int64_t", "1">:$groups,
                        DefaultValuedParameter<"int64_t", "1">:$merged_groups);
}

def Kernel_ChannelVectorsAttr
    : Kernel_PackingAttr<"ChannelVectors", "channel_vectors"> {
  let summary = "weights of a depthwise convolution, channels innermost";
  let description = [{
    A value [channels][1][taps...] becomes [taps][channels rounded up to whole
    vectors of `lanes`].
  }];
  let parameters = (ins "int64_t":$lanes);
}

def Kernel_TransposedConvolutionAttr
    : Kernel_PackingAttr<"TransposedConvolution", "transposed_convolution"> {
  let summary = "weights of a transposed convolution, phase by phase";
  let description = [{
    A value [inputs][outputs of a group][taps...] is cut into the weights of the
    ordinary convolutions that the phases of the strides are; each of them is
    packed as its entry of `phases`, the encoding of an ordinary convolution,
    says.
  }];
  let parameters = (ins "::mlir::DenseI64ArrayAttr":$strides,
                        "::mlir::DenseI64ArrayAttr":$dilations,
                        "::mlir::DenseI64ArrayAttr":$pads_begin,
                        DefaultValuedParameter<"int64_t", "1">:$groups,
                        "::mlir::ArrayAttr":$phases);
}

#endif // KERNEL_PACKING_ATTRIBUTES_TD
