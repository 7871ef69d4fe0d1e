// Configurations that do not fit what they are for.
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --verify-diagnostics

// Weights in panels of 16 columns, read by a tile of 8.
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  %w = kernel.packed_constant dense<1.0> : tensor<8x16xf32> {packing = #kernel.panels<width = 16>} : tensor<128xf32>
  // expected-error @+1 {{the kernel's configuration reads panels of 8 columns, not #kernel.panels<width = 16>}}
  %0 = kernel.call @k ins(%x, %w : tensor<4x8xf32>, tensor<128xf32>) sizes() -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
kernel.func @k "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 16>} {
^bb0(%x: tensor<4x8xf32>, %w: tensor<128xf32>):
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<4x8xf32>, tensor<128xf32>) -> tensor<4x16xf32>
  kernel.yield %0 : tensor<4x16xf32>
}

// -----

func.func @main(%x: tensor<1x8x8x4xf32>) -> tensor<1x8x8x8xf32> {
  %w = kernel.packed_constant dense<1.0> : tensor<8x4x1x1xf32> {packing = #kernel.convolution_panels<width = 16>} : tensor<64xf32>
  // expected-error @+1 {{does not read weights in the order #kernel.convolution_panels<width = 16>}}
  %0 = kernel.call @k ins(%x, %w : tensor<1x8x8x4xf32>, tensor<64xf32>) sizes() -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}
kernel.func @k "packed_conv" attributes {config = #kernel.cpu_convolution<method = implicit, unit = float, lanes = 8, channel_block = 8>} {
^bb0(%x: tensor<1x8x8x4xf32>, %w: tensor<64xf32>):
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xf32>, tensor<64xf32>) -> tensor<1x8x8x8xf32>
  kernel.yield %0 : tensor<1x8x8x8xf32>
}

// -----

kernel.func @none "matmul" {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>):
  // expected-error @+1 {{its kernel has no configuration for it; sluice-choose-kernels writes one}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  kernel.yield %0 : tensor<4x16xf32>
}

// -----

kernel.func @unit "matmul" attributes {config = #kernel.cpu_contraction<unit = magic, lanes = 8, column_block = 8>} {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>):
  // expected-error @+1 {{there is no dot unit 'magic'}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  kernel.yield %0 : tensor<4x16xf32>
}

// -----

kernel.func @lanes "matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 16, column_block = 16>} {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>):
  // expected-error @+1 {{the target has no dot unit 'float' of 16 lanes for these elements}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  kernel.yield %0 : tensor<4x16xf32>
}

// -----

kernel.func @transposed "matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8>} {
^bb0(%x: tensor<64x8xf32>, %y: tensor<16x8xf32>):
  // expected-error @+1 {{does not fit: a transposed right-hand side must be put into panels in the run}}
  %0 = sluice.matmul %x, %y {transpose_rhs} : (tensor<64x8xf32>, tensor<16x8xf32>) -> tensor<64x16xf32>
  kernel.yield %0 : tensor<64x16xf32>
}

// -----

kernel.func @halves "matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8, depth_block = 4>} {
^bb0(%x: tensor<4x8xf16>, %y: tensor<8x16xf16>):
  // expected-error @+1 {{does not fit: blocks of the depth keep sums in the result, which has another type}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf16>, tensor<8x16xf16>) -> tensor<4x16xf16>
  kernel.yield %0 : tensor<4x16xf16>
}

// -----

kernel.func @method "packed_conv" attributes {config = #kernel.cpu_convolution<method = depthwise, unit = float, lanes = 8, channel_block = 8>} {
^bb0(%x: tensor<1x8x8x4xf32>, %w: tensor<32xf32>):
  // expected-error @+1 {{does not fit: depthwise convolutions, and no others, have that method}}
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xf32>, tensor<32xf32>) -> tensor<1x8x8x8xf32>
  kernel.yield %0 : tensor<1x8x8x8xf32>
}

// -----

kernel.func @copies_unit "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = magic, depth = 8>>} {
^bb0(%x: tensor<64x8xi8>, %w: tensor<128xi8>):
  // expected-error @+1 {{there is no dot unit 'magic'}}
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<64x8xi8>, tensor<128xi8>) -> tensor<64x16xi32>
  kernel.yield %0 : tensor<64x16xi32>
}

// -----

kernel.func @copies_types "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = integer_pairs, depth = 8>>} {
^bb0(%x: tensor<64x8xi32>, %w: tensor<128xi8>):
  // expected-error @+1 {{the target has no dot unit 'integer_pairs' for copies of these elements}}
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<64x8xi32>, tensor<128xi8>) -> tensor<64x16xi32>
  kernel.yield %0 : tensor<64x16xi32>
}

// -----

kernel.func @copies_pairs "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = integer_pairs, depth = 3>>} {
^bb0(%x: tensor<64x8xi8>, %w: tensor<128xi8>):
  // expected-error @+1 {{does not fit: a copy of a panel ends within what its dot unit multiplies at once}}
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<64x8xi8>, tensor<128xi8>) -> tensor<64x16xi32>
  kernel.yield %0 : tensor<64x16xi32>
}

// -----

kernel.func @copies_stack "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = integer, depth = 4096>>} {
^bb0(%x: tensor<64x4096xi8>, %w: tensor<65536xi8>):
  // expected-error @+1 {{does not fit: a copy of a panel takes more than 32 KiB of the stack}}
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<64x4096xi8>, tensor<65536xi8>) -> tensor<64x16xi32>
  kernel.yield %0 : tensor<64x16xi32>
}

// -----

kernel.func @copies_sums "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, row_block = 4096, column_block = 8, copies = <unit = integer, depth = 4>>} {
^bb0(%x: tensor<64x8xi8>, %w: tensor<128xi8>):
  // expected-error @+1 {{does not fit: the sums between copies of a panel take more than 64 KiB of the stack}}
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<64x8xi8>, tensor<128xi8>) -> tensor<64x16xi32>
  kernel.yield %0 : tensor<64x16xi32>
}

// -----

kernel.func @copies_of_run "matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8, copies = <unit = float, depth = 8>>} {
^bb0(%x: tensor<4x8xf16>, %y: tensor<8x16xf16>):
  // expected-error @+1 {{does not fit: only panels of packed weights are copied}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf16>, tensor<8x16xf16>) -> tensor<4x16xf16>
  kernel.yield %0 : tensor<4x16xf16>
}

// -----

kernel.func @depthwise "packed_conv" attributes {config = #kernel.cpu_convolution<method = depthwise, unit = float, lanes = 8, copy_weights = true, channel_block = 8>} {
^bb0(%x: tensor<1x8x8x8xf16>, %w: tensor<8xf16>):
  // expected-error @+1 {{does not fit: depthwise convolutions read their weights as they lie}}
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 8 : i64, output_channels = 8 : i64} : (tensor<1x8x8x8xf16>, tensor<8xf16>) -> tensor<1x8x8x8xf16>
  kernel.yield %0 : tensor<1x8x8x8xf16>
}

// -----

kernel.func @pairs "packed_conv" attributes {config = #kernel.cpu_convolution<method = implicit, unit = integer_pairs, lanes = 8, copy_weights = true, channel_block = 8>} {
^bb0(%x: tensor<1x8x8x3xi8>, %w: tensor<24xi8>):
  // expected-error @+1 {{does not fit: the dot unit takes more neighbours than there are channels}}
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x3xi8>, tensor<24xi8>) -> tensor<1x8x8x8xi32>
  kernel.yield %0 : tensor<1x8x8x8xi32>
}

// -----

kernel.func @no_copies "packed_conv" attributes {config = #kernel.cpu_convolution<method = implicit, unit = integer_pairs, lanes = 8, channel_block = 8>} {
^bb0(%x: tensor<1x8x8x4xi8>, %w: tensor<32xi8>):
  // expected-error @+1 {{the target has no dot unit 'integer_pairs' of 8 lanes for these elements}}
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xi8>, tensor<32xi8>) -> tensor<1x8x8x8xi32>
  kernel.yield %0 : tensor<1x8x8x8xi32>
}

// -----

kernel.func @part_copied "packed_conv" attributes {config = #kernel.cpu_convolution<method = contraction, unit = integer, lanes = 8, contraction = <unit = integer, lanes = 8, column_block = 8, copies = <unit = integer, depth = 4>>>} {
^bb0(%x: tensor<1x8x8x4xi8>, %w: tensor<32xi8>):
  // expected-error @+1 {{does not fit: a convolution copies all of its weights, or none}}
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xi8>, tensor<32xi8>) -> tensor<1x8x8x8xi32>
  kernel.yield %0 : tensor<1x8x8x8xi32>
}
