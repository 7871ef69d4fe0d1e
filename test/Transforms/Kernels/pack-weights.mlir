// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-narrow-constants --sluice-form-kernels --sluice-choose-kernels --sluice-pack-weights | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-narrow-constants --sluice-form-kernels --sluice-choose-kernels --sluice-pack-weights --remarks-filter=packing --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: func.func @matmul
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 16>} : tensor<128xf32>
// CHECK:         kernel.packed_matmul {{.*}}columns = 16
func.func @matmul(%x: tensor<2x4x8xf32>) -> tensor<2x4x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  return %0 : tensor<2x4x16xf32>
}

// -----

// A transposed left-hand side is turned: packed weights are worth it.
// CHECK-LABEL: func.func @transposed
// CHECK:         %[[LHS:.*]] = kernel.region "transpose" ins(%arg0
// CHECK:           sluice.transpose %{{.*}} {permutation = array<i64: 0, 2, 1>} : (tensor<2x8x4xf32>) -> tensor<2x4x8xf32>
// CHECK:         kernel.region "packed_matmul" ins(%[[LHS]],
// CHECK:           kernel.packed_matmul {{.*}} -> tensor<2x4x16xf32>
func.func @transposed(%x: tensor<2x8x4xf32>) -> tensor<2x4x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w {transpose_lhs} : (tensor<2x8x4xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  return %0 : tensor<2x4x16xf32>
}

// -----

// One that is a single row or column takes no transpose for it.
// CHECK-LABEL: func.func @upright
// CHECK:         %[[LHS:.*]] = kernel.alias %arg0 {{.*}} : tensor<?x8x1xf32> -> tensor<?x1x8xf32>
// CHECK:         kernel.region "packed_matmul" ins(%[[LHS]],
func.func @upright(%x: tensor<?x8x1xf32>) -> tensor<?x1x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w {transpose_lhs} : (tensor<?x8x1xf32>, tensor<8x16xf32>) -> tensor<?x1x16xf32>
  return %0 : tensor<?x1x16xf32>
}

// -----

// Weights that are run-time values, and types that nothing multiplies, stay.
// REMARK: Remark="the weights are not packed: ", Remark="they are not constant"
// REMARK: Remark="the weights are not packed: ", Remark="there is no dot unit for their elements"
// CHECK-LABEL: func.func @run_time
// CHECK-NOT:     packed
func.func @run_time(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>, %y: tensor<4x8xi8>) -> (tensor<4x16xf32>, tensor<4x16xi8>) {
  %v = sluice.constant dense<1> : tensor<8x16xi8>
  %0 = sluice.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.matmul %y, %v : (tensor<4x8xi8>, tensor<8x16xi8>) -> tensor<4x16xi8>
  return %0, %1 : tensor<4x16xf32>, tensor<4x16xi8>
}

// -----

// Panels are as narrow as the constant, and as wide as the unit's sums want.
// CHECK-LABEL: func.func @element_types
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 16>} : tensor<512xf16>
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 16>} : tensor<512xbf16>
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 8>} : tensor<512xf64>
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 16>} : tensor<512xi32>
// Of integers the bytes that hold them all are kept.
// CHECK:         kernel.packed_constant dense<-128> : tensor<8x64xi8> {packing = #kernel.panels<width = 16>} : tensor<512xi8>
// CHECK:         kernel.packed_constant dense<128> : tensor<8x64xi16> {packing = #kernel.panels<width = 8>} : tensor<512xi16>
func.func @element_types(%a: tensor<4x8xf16>, %b: tensor<4x8xbf16>, %c: tensor<4x8xf64>, %d: tensor<4x8xi32>, %e: tensor<4x8xi64>) -> (tensor<4x64xf16>, tensor<4x64xbf16>, tensor<4x64xf64>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi64>) {
  %u = sluice.constant dense<1.0> : tensor<8x64xf16>
  %v = sluice.constant dense<1.0> : tensor<8x64xbf16>
  %w = sluice.constant dense<1.0> : tensor<8x64xf64>
  %x = sluice.constant dense<32768> : tensor<8x64xi32>
  %y = sluice.constant dense<-128> : tensor<8x64xi32>
  %z = sluice.constant dense<128> : tensor<8x64xi64>
  %0 = sluice.matmul %a, %u : (tensor<4x8xf16>, tensor<8x64xf16>) -> tensor<4x64xf16>
  %1 = sluice.matmul %b, %v : (tensor<4x8xbf16>, tensor<8x64xbf16>) -> tensor<4x64xbf16>
  %2 = sluice.matmul %c, %w : (tensor<4x8xf64>, tensor<8x64xf64>) -> tensor<4x64xf64>
  %3 = sluice.matmul %d, %x : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  %4 = sluice.matmul %d, %y : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  %5 = sluice.matmul %e, %z : (tensor<4x8xi64>, tensor<8x64xi64>) -> tensor<4x64xi64>
  return %0, %1, %2, %3, %4, %5 : tensor<4x64xf16>, tensor<4x64xbf16>, tensor<4x64xf64>, tensor<4x64xi32>, tensor<4x64xi32>, tensor<4x64xi64>
}

// -----

// Quantised values keep their bits: the kernel in front no longer makes 32 of
// them, or goes. What is not known to fit, or has other readers, stays.
// CHECK-LABEL: func.func @narrow_operands
// CHECK-SAME:  %[[A:[a-z0-9]+]]: tensor<40x8xi8>, %[[B:[a-z0-9]+]]: tensor<40x8xui8>
// CHECK:         kernel.region "packed_matmul" ins(%[[A]]
// CHECK:           kernel.packed_matmul {{.*}} : (tensor<40x8xi8>, tensor<512xi8>) -> tensor<40x64xi32>
// CHECK:         kernel.region "map" ins({{.*}}%[[B]]
// CHECK:           sluice.cast {{.*}} {to = i16} : (tensor<40x8xui8>) -> tensor<40x8xi16>
// CHECK:           sluice.sub {{.*}} -> tensor<40x8xi16>
// CHECK:           kernel.packed_matmul {{.*}} : (tensor<40x8xi16>, tensor<512xi8>) -> tensor<40x64xi32>
// CHECK:           kernel.packed_matmul {{.*}} : (tensor<40x8xi32>, tensor<512xi8>)
// CHECK:           kernel.packed_matmul {{.*}} : (tensor<40x8xi32>, tensor<512xi8>)
func.func @narrow_operands(%a: tensor<40x8xi8>, %b: tensor<40x8xui8>, %c: tensor<40x8xi32>, %d: tensor<40x8xi8>) -> (tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x8xi32>) {
  %w = sluice.constant dense<7> : tensor<8x64xi32>
  %a32 = sluice.cast %a {to = i32} : (tensor<40x8xi8>) -> tensor<40x8xi32>
  %0 = sluice.matmul %a32, %w : (tensor<40x8xi32>, tensor<8x64xi32>) -> tensor<40x64xi32>
  %b32 = sluice.cast %b {to = i32} : (tensor<40x8xui8>) -> tensor<40x8xi32>
  %zero32 = sluice.constant dense<128> : tensor<i32>
  %centred = sluice.sub %b32, %zero32 : (tensor<40x8xi32>, tensor<i32>) -> tensor<40x8xi32>
  %1 = sluice.matmul %centred, %w : (tensor<40x8xi32>, tensor<8x64xi32>) -> tensor<40x64xi32>
  %2 = sluice.matmul %c, %w : (tensor<40x8xi32>, tensor<8x64xi32>) -> tensor<40x64xi32>
  %d32 = sluice.cast %d {to = i32} : (tensor<40x8xi8>) -> tensor<40x8xi32>
  %3 = sluice.matmul %d32, %w : (tensor<40x8xi32>, tensor<8x64xi32>) -> tensor<40x64xi32>
  return %0, %1, %2, %3, %d32 : tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x64xi32>, tensor<40x8xi32>
}

// -----

// CHECK-LABEL: func.func @conv
// CHECK:         kernel.packed_conv {{.*}}kernel = array<i64: 3, 3>
func.func @conv(%x: tensor<1x8x8x3xf32>) -> tensor<1x8x8x4xf32> {
  %w = sluice.constant dense<1.0> : tensor<4x3x3x3xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last} : (tensor<1x8x8x3xf32>, tensor<4x3x3x3xf32>) -> tensor<1x8x8x4xf32>
  return %0 : tensor<1x8x8x4xf32>
}

// -----

// A tiling decides about the panels, and becomes part of the configuration.
// CHECK-LABEL: func.func @tiled
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.panels<width = 8>} : tensor<144xf32>
// CHECK:         kernel.region "packed_matmul" {{.*}}config = #kernel.cpu_contraction<unit = float, lanes = 8,
// CHECK-NOT:     tile_vectors
// CHECK:           kernel.packed_matmul
func.func @tiled(%x: tensor<4x6xf32>) -> tensor<4x17xf32> {
  %w = sluice.constant dense<1.0> : tensor<6x17xf32>
  %0 = sluice.matmul %x, %w {kernel.tiling = #kernel.tiling<tile_vectors = 1>} : (tensor<4x6xf32>, tensor<6x17xf32>) -> tensor<4x17xf32>
  return %0 : tensor<4x17xf32>
}

// -----

// CHECK-LABEL: func.func @conv_transpose
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.transposed_convolution<strides = [2, 2], dilations = [1, 1], pads_begin = [0, 0], phases = [#kernel.convolution_panels<width = 8>, #kernel.convolution_panels<width = 8>, #kernel.convolution_panels<width = 8>, #kernel.convolution_panels<width = 8>]>} : tensor<96xf32>
// CHECK:         kernel.packed_conv_transpose {{.*}}kernel = array<i64: 2, 2>, output_channels = 4 : i64, output_padding = array<i64: 0, 0>
func.func @conv_transpose(%x: tensor<1x8x8x3xf32>) -> tensor<1x16x16x4xf32> {
  %w = sluice.constant dense<1.0> : tensor<3x4x2x2xf32>
  %0 = sluice.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, channels_last} : (tensor<1x8x8x3xf32>, tensor<3x4x2x2xf32>) -> tensor<1x16x16x4xf32>
  return %0 : tensor<1x16x16x4xf32>
}

// -----

// CHECK-LABEL: func.func @tiled_conv
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.convolution_panels<width = 24>} : tensor<1296xf32>
// CHECK:         kernel.region "packed_conv" {{.*}}tile_vectors = 3,
// CHECK-NOT:     kernel.tiling
// CHECK:           kernel.packed_conv
func.func @tiled_conv(%x: tensor<1x8x8x3xf32>) -> tensor<1x8x8x40xf32> {
  %w = sluice.constant dense<1.0> : tensor<40x3x3x3xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last, kernel.tiling = #kernel.tiling<tile_vectors = 3>} : (tensor<1x8x8x3xf32>, tensor<40x3x3x3xf32>) -> tensor<1x8x8x40xf32>
  return %0 : tensor<1x8x8x40xf32>
}

// -----

// Each phase is code of its own: large strides have too many.
// REMARK: Remark="the weights are not packed: ", Remark="the strides make too many phases"
// CHECK-LABEL: func.func @many_phases
// CHECK-NOT:     packed
func.func @many_phases(%x: tensor<1x8x8x3xf32>) -> tensor<1x64x64x4xf32> {
  %w = sluice.constant dense<1.0> : tensor<3x4x8x8xf32>
  %0 = sluice.conv_transpose %x, %w {strides = array<i64: 8, 8>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, channels_last} : (tensor<1x8x8x3xf32>, tensor<3x4x8x8xf32>) -> tensor<1x64x64x4xf32>
  return %0 : tensor<1x64x64x4xf32>
}

// -----

// The vectors of all gates lie side by side.
// CHECK-LABEL: func.func @lstm
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.gates<gates = 4, lanes = 8>} : tensor<512xf32>
// CHECK:         kernel.region "packed_recurrence" {{.*}}config = #kernel.cpu_recurrence<lanes = 8, tile_sequences = 2, sequence_block = 2, unroll = 2, fewest_sums = 8>
// CHECK:           kernel.packed_recurrence {{.*}}units = 8 : i64{{.*}}tensor<512xf32>
func.func @lstm(%x: tensor<2x5x3x32xf32>) -> tensor<5x2x3x8xf32> {
  %w = sluice.constant dense<0.5> : tensor<2x8x32xf32>
  %0:3 = sluice.recurrence %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>, cell = #sluice.cell<lstm>, reverse = array<i1: false, true>, activations = ["sigmoid", "tanh", "tanh", "sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>} : (tensor<2x5x3x32xf32>, tensor<2x8x32xf32>) -> (tensor<5x2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>)
  return %0#0 : tensor<5x2x3x8xf32>
}

// -----

// The last vector of each gate is filled up.
// CHECK-LABEL: func.func @odd_units
// CHECK:         kernel.packed_constant {{.*}}packing = #kernel.gates<gates = 1, lanes = 8>} : tensor<56xf32>
func.func @odd_units(%x: tensor<1x5x3x7xf32>) -> tensor<5x1x3x7xf32> {
  %w = sluice.constant dense<0.5> : tensor<1x7x7xf32>
  %0:2 = sluice.recurrence %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>, cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<1x5x3x7xf32>, tensor<1x7x7xf32>) -> (tensor<5x1x3x7xf32>, tensor<1x3x7xf32>)
  return %0#0 : tensor<5x1x3x7xf32>
}

// -----

// A table that is looked up and multiplied with is kept once.
// CHECK-LABEL: func.func @tied
// CHECK:         kernel.packed_gather {{.*}}columns = 20 : i64, depth = 8 : i64, width = 24 : i64
// CHECK:         kernel.packed_matmul
// CHECK-NOT:     sluice.gather
func.func @tied(%i: tensor<3xi64>) -> tensor<3x20xf32> {
  %w = sluice.constant dense<1.0> : tensor<20x8xf32>
  %0 = sluice.gather %w, %i {axis = 0 : i64} : (tensor<20x8xf32>, tensor<3xi64>) -> tensor<3x8xf32>
  %1 = sluice.matmul %0, %w {transpose_rhs} : (tensor<3x8xf32>, tensor<20x8xf32>) -> tensor<3x20xf32>
  return %1 : tensor<3x20xf32>
}

// -----

// One that is only looked up stays.
// CHECK-LABEL: func.func @lookup
// CHECK:         sluice.gather
func.func @lookup(%i: tensor<3xi64>) -> tensor<3x8xf32> {
  %w = sluice.constant dense<1.0> : tensor<20x8xf32>
  %0 = sluice.gather %w, %i {axis = 0 : i64} : (tensor<20x8xf32>, tensor<3xi64>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// Nobody knows the channels.
// REMARK: Remark="the weights are not packed: ", Remark="the number of channels is not known"
// CHECK-LABEL: func.func @channels
// CHECK-NOT:     packed
func.func @channels(%x: tensor<1x8x8x?xf32>) -> tensor<1x8x8x4xf32> {
  %w = sluice.constant dense<1.0> : tensor<4x3x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x8x8x?xf32>, tensor<4x3x1x1xf32>) -> tensor<1x8x8x4xf32>
  return %0 : tensor<1x8x8x4xf32>
}

// -----

// Quantised weights stay bytes; their zero point is subtracted here, not in
// every run.
// CHECK-LABEL: func.func @quantised
// CHECK:         kernel.packed_constant dense<-1> : tensor<8x64xi8> {packing = #kernel.panels<width = 16>} : tensor<512xi8>
// CHECK:         kernel.packed_constant dense<200> : tensor<8x64xi16> {packing = #kernel.panels<width = 16>} : tensor<512xi16>
func.func @quantised(%x: tensor<4x8xi32>) -> (tensor<4x64xi32>, tensor<4x64xi32>) {
  %w = sluice.constant dense<-3> : tensor<8x64xi8>
  %zero = sluice.constant dense<-2> : tensor<i8>
  %wide = sluice.cast %w {to = i32} : (tensor<8x64xi8>) -> tensor<8x64xi32>
  %wide_zero = sluice.cast %zero {to = i32} : (tensor<i8>) -> tensor<i32>
  %centred = sluice.sub %wide, %wide_zero : (tensor<8x64xi32>, tensor<i32>) -> tensor<8x64xi32>
  %0 = sluice.matmul %x, %centred : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  %v = sluice.constant dense<200> : tensor<8x64xui8>
  %other = sluice.cast %v {to = i32} : (tensor<8x64xui8>) -> tensor<8x64xi32>
  %1 = sluice.matmul %x, %other : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  return %0, %1 : tensor<4x64xi32>, tensor<4x64xi32>
}

// -----

// Weights that are read once more, as what is added, are an input for that too.
// CHECK-LABEL: func.func @twice
// CHECK:         %[[W:.*]] = sluice.constant
// CHECK:         %[[P:.*]] = kernel.packed_constant
// CHECK:         kernel.region "packed_matmul" ins(%arg0, %[[W]], %[[P]] :
// CHECK:         ^bb0(%[[X:.*]]: tensor<2x2xf32>, %[[PLAIN:.*]]: tensor<2x2xf32>, %[[PACKED:.*]]: tensor<16xf32>):
// CHECK:           %[[SUM:.*]] = kernel.packed_matmul %[[X]], %[[PACKED]]
// CHECK:           sluice.add %[[SUM]], %[[PLAIN]]
func.func @twice(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = sluice.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = sluice.matmul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = sluice.add %0, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// A matrix times itself: only one of the two is packed.
// CHECK-LABEL: func.func @square
// CHECK:         %[[W:.*]] = sluice.constant
// CHECK:         %[[P:.*]] = kernel.packed_constant
// CHECK:         kernel.region "packed_matmul" ins(%[[W]], %[[P]] :
// CHECK:           kernel.packed_matmul {{.*}} : (tensor<2x2xf32>, tensor<16xf32>) -> tensor<2x2xf32>
func.func @square() -> tensor<2x2xf32> {
  %w = sluice.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = sluice.matmul %w, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// The same, where the first has to be transposed for it.
// CHECK-LABEL: func.func @gram
// CHECK:         %[[W:.*]] = sluice.constant
// CHECK:         %[[T:.*]] = kernel.region "transpose" ins(%[[W]] :
// CHECK:         %[[P:.*]] = kernel.packed_constant
// CHECK:         kernel.region "packed_matmul" ins(%[[P]], %[[T]] :
func.func @gram() -> tensor<2x2xf32> {
  %w = sluice.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = sluice.matmul %w, %w {transpose_lhs} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
