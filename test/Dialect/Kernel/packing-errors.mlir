// RUN: sluice-opt %s --split-input-file --verify-diagnostics

func.func @unknown(%frame: !llvm.ptr) {
  // expected-error@below {{attribute 'packing' failed to satisfy constraint: PackingAttrInterface instance}}
  %0 = kernel.weight %frame dense<1.0> : tensor<3x5xf32> {packing = "panels"} : memref<24xf32>
  return
}

// -----

// expected-error@below {{width is 0, but must be from 1 to 2147483648}}
func.func private @width() attributes {a = #kernel.panels<width = 0>}

// -----

// expected-error@below {{6 groups cannot be merged by 4}}
func.func private @merged() attributes {a = #kernel.convolution_panels<width = 8, groups = 6, merged_groups = 4>}

// -----

// expected-error@below {{the strides make 4 phases, not 1}}
func.func private @phases() attributes {a = #kernel.transposed_convolution<strides = [2, 2], dilations = [1, 1], pads_begin = [0, 0], phases = [#kernel.convolution_panels<width = 8>]>}

// -----

// expected-error@below {{a phase must be encoded as an ordinary convolution, not as #kernel.panels<width = 8>}}
func.func private @phase() attributes {a = #kernel.transposed_convolution<strides = [1], dilations = [1], pads_begin = [0], phases = [#kernel.panels<width = 8>]>}

// -----

// expected-error@below {{strides, dilations and pads_begin must have one entry for each dimension}}
func.func private @rank() attributes {a = #kernel.transposed_convolution<strides = [1, 1], dilations = [1], pads_begin = [0], phases = [#kernel.convolution_panels<width = 8>]>}

// -----

func.func @elements(%frame: !llvm.ptr) {
  // expected-error@below {{needs a buffer of 24 elements}}
  %0 = kernel.weight %frame dense<1.0> : tensor<3x5xf32> {packing = #kernel.panels<width = 8>} : memref<15xf32>
  return
}

// -----

func.func @element_type(%frame: !llvm.ptr) {
  // expected-error@below {{#kernel.panels<width = 8> does not pack elements of 'i1'}}
  %0 = kernel.weight %frame dense<true> : tensor<3x5xi1> {packing = #kernel.panels<width = 8>} : memref<24xi8>
  return
}

// -----

func.func @gates(%frame: !llvm.ptr) {
  // expected-error@below {{#kernel.gates<gates = 4, lanes = 8> needs a value of [directions, units, 4 * units], not 'tensor<1x5x15xf32>'}}
  %0 = kernel.weight %frame dense<1.0> : tensor<1x5x15xf32> {packing = #kernel.gates<gates = 4, lanes = 8>} : memref<120xf32>
  return
}

// -----

func.func @depthwise(%frame: !llvm.ptr) {
  // expected-error@below {{#kernel.channel_vectors<lanes = 8> needs one input channel, not 2}}
  %0 = kernel.weight %frame dense<1.0> : tensor<6x2x3xf32> {packing = #kernel.channel_vectors<lanes = 8>} : memref<24xf32>
  return
}

// -----

func.func @groups(%frame: !llvm.ptr) {
  // expected-error@below {{#kernel.convolution_panels<width = 8, groups = 4> cannot divide 6 channels among its groups}}
  %0 = kernel.weight %frame dense<1.0> : tensor<6x2x3xf32> {packing = #kernel.convolution_panels<width = 8, groups = 4>} : memref<24xf32>
  return
}

// -----

func.func @phase_of_weights(%frame: !llvm.ptr) {
  // expected-error@below {{#kernel.channel_vectors<lanes = 8> does not fit a phase of weights 'tensor<4x6x3xf32>' in 1 groups}}
  %0 = kernel.weight %frame dense<1.0> : tensor<4x6x3xf32> {packing = #kernel.transposed_convolution<strides = [1], dilations = [1], pads_begin = [0], phases = [#kernel.channel_vectors<lanes = 8>]>} : memref<96xf32>
  return
}

// -----

func.func @too_large(%frame: !llvm.ptr) {
  // expected-error@below {{the packed constant is too large}}
  %0 = kernel.weight %frame dense<1.0> : tensor<2147483648x5xf32> {packing = #kernel.panels<width = 2147483648>} : memref<24xf32>
  return
}
