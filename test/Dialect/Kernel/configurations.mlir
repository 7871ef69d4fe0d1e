// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// What is as usual is left out.
// CHECK-LABEL: kernel.func @contraction
// CHECK-SAME: config = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 6, tile_vectors = 2, row_block = 12, column_block = 32, depth_block = 64, rows_outer = true, block_cost = 1.250000e+01 : f64>
kernel.func @contraction "map" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 6, tile_vectors = 2, unroll = 1, row_block = 12, column_block = 32, depth_block = 64, rows_outer = true, block_cost = 12.5 : f64>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// CHECK-LABEL: kernel.func @copies
// CHECK-SAME: config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = integer_pairs, fewest_rows = 8, depth = 64>>
kernel.func @copies "map" attributes {config = #kernel.cpu_contraction<unit = integer, lanes = 8, column_block = 8, copies = <unit = integer_pairs, fewest_rows = 8, depth = 64>>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// CHECK-LABEL: kernel.func @recurrence
// CHECK-SAME: config = #kernel.cpu_recurrence<lanes = 8, tile_sequences = 3, sequence_block = 6, fewest_sums = 8>
kernel.func @recurrence "map" attributes {config = #kernel.cpu_recurrence<lanes = 8, tile_sequences = 3, sequence_block = 6, unroll = 1, fewest_sums = 8>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// CHECK-LABEL: kernel.func @attention
// CHECK-SAME: config = #kernel.cpu_attention<lanes = 8, tile_rows = 6, tile_vectors = 2, unroll = 4, query_block = 96, key_block = 128, few_rows = <lanes = 8, tile_vectors = 4, query_block = 8, key_block = 64, in_place = true, split = 512>>
kernel.func @attention "map" attributes {config = #kernel.cpu_attention<lanes = 8, tile_rows = 6, tile_vectors = 2, unroll = 4, query_block = 96, key_block = 128, in_place = false, split = 0, few_rows = #kernel.cpu_attention<lanes = 8, tile_vectors = 4, query_block = 8, key_block = 64, in_place = true, split = 512>>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// CHECK-LABEL: kernel.func @convolution
// CHECK-SAME: config = #kernel.cpu_convolution<method = phases, unit = float, lanes = 8, phases = [#kernel.cpu_convolution<method = implicit, unit = float, lanes = 8, emulated = true, channel_block = 8>]>
kernel.func @convolution "map" attributes {config = #kernel.cpu_convolution<method = phases, unit = float, lanes = 8, phases = [#kernel.cpu_convolution<method = implicit, unit = float, lanes = 8, emulated = true, channel_block = 8>]>} {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{tile_rows is 65, but must be from 1 to 64}}
#rows = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 65, row_block = 65, column_block = 8>

// -----

// expected-error @+1 {{row_block is 7, which is no multiple of the tile's 6}}
#block = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 6, row_block = 7, column_block = 8>

// -----

// expected-error @+1 {{column_block is 8, which is no multiple of the tile's 16}}
#columns = #kernel.cpu_contraction<unit = float, lanes = 8, tile_vectors = 2, column_block = 8>

// -----

// expected-error @+1 {{depth_block is 0, but must be from 1 to 2147483648}}
#depth = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8, depth_block = 0>

// -----

// expected-error @+1 {{block_cost is no time in nanoseconds as an f64}}
#cost = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8, block_cost = -1.0 : f64>

// -----

// expected-error @+1 {{fewest_rows is 0, but must be from 1 to 2147483648}}
#copies = #kernel.cpu_panel_copies<unit = float, fewest_rows = 0>

// -----

// expected-error @+1 {{copies of panels serve all rows of a block, which rows_outer does not allow}}
#outer = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8, rows_outer = true, copies = <unit = float, depth = 64>>

// -----

// expected-error @+1 {{fewest_sums is 65, but must be from 1 to 64}}
#sums = #kernel.cpu_recurrence<lanes = 8, fewest_sums = 65>

// -----

// expected-error @+1 {{sequence_block is 4, which is no multiple of the tile's 3}}
#sequences = #kernel.cpu_recurrence<lanes = 8, tile_sequences = 3, sequence_block = 4>

// -----

// expected-error @+1 {{there is no method 'magic'; there are: contraction, implicit, depthwise, phases}}
#method = #kernel.cpu_convolution<method = magic, unit = float, lanes = 8>

// -----

// expected-error @+1 {{the method contraction, and no other, needs a configuration of the product}}
#product = #kernel.cpu_convolution<method = contraction, unit = float, lanes = 8>

// -----

// expected-error @+1 {{the method phases, and no other, needs a configuration for each phase}}
#phases = #kernel.cpu_convolution<method = implicit, unit = float, lanes = 8, phases = []>

// -----

// expected-error @+1 {{a phase must be configured as an ordinary convolution, not as #kernel.plain}}
#phase = #kernel.cpu_convolution<method = phases, unit = float, lanes = 8, phases = [#kernel.plain]>

// -----

func.func @packing(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{needs a packing for each of its 1 inputs}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = []} -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    kernel.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @encoding(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{"panels" is no encoding}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = ["panels"]} -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    kernel.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @misfit(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{the kernel's configuration reads panels of 8 columns, not #kernel.plain}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = [#kernel.plain], config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8>} -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    kernel.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @gates(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{the kernel's configuration reads gates in vectors of 8 units, not #kernel.gates<gates = 4, lanes = 16>}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = [#kernel.gates<gates = 4, lanes = 16>], config = #kernel.cpu_recurrence<lanes = 8>} -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    kernel.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{key_block is 0, but must be from 1 to 2147483648}}
#keys = #kernel.cpu_attention<lanes = 8, key_block = 0>

// -----

// expected-error @+1 {{split is 96, which is no multiple of the tile's 64}}
#split = #kernel.cpu_attention<lanes = 8, key_block = 64, split = 96>

// -----

#few = #kernel.cpu_attention<lanes = 8, few_rows = <lanes = 8>>
// expected-error @+1 {{few_rows of few_rows are no fewer}}
#fewer = #kernel.cpu_attention<lanes = 8, few_rows = #few>

// -----

func.func @constant_attention(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{an attention reads no constants in #kernel.plain}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = [#kernel.plain], config = #kernel.cpu_attention<lanes = 8>} -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    kernel.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
