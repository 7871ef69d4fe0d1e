// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-narrow-constants --sluice-form-kernels --sluice-choose-kernels | FileCheck %s

// All about the code is in the configuration, and the weights' order beside it.
// CHECK-LABEL: func.func @product
// CHECK:         kernel.region "matmul"
// CHECK-SAME:      config = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 4, tile_vectors = 2, unroll = 2,
// CHECK-SAME:      packing = [unit, #kernel.panels<width = 16>, unit]
// CHECK:           sluice.matmul
// CHECK:           sluice.add
func.func @product(%x: tensor<4x8xf32>, %r: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.add %0, %r : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// -----

// A tiling that is asked for takes the place of the choice.
// CHECK-LABEL: func.func @asked
// CHECK:         kernel.region "matmul"
// CHECK-SAME:      config = #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 3, unroll = 2,
// CHECK-SAME:      packing = [unit, #kernel.panels<width = 8>]
// CHECK-NOT:       kernel.tiling
func.func @asked(%x: tensor<6x8xf32>) -> tensor<6x32xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x32xf32>
  %0 = sluice.matmul %x, %w {kernel.tiling = #kernel.tiling<tile_rows = 3, tile_vectors = 1>} : (tensor<6x8xf32>, tensor<8x32xf32>) -> tensor<6x32xf32>
  return %0 : tensor<6x32xf32>
}

// -----

// Weights that are read elsewhere as well stay an input for that.
// CHECK-LABEL: func.func @twice
// CHECK:         kernel.region "matmul"
// CHECK-SAME:      packing = [unit, unit, #kernel.panels<width = 8>]
func.func @twice(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %w = sluice.constant dense<[[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]> : tensor<8x8xf32>
  %0 = sluice.matmul %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = sluice.add %0, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}

// -----

// Elementwise kernels, and others about which there is nothing to choose, have
// no configuration.
// CHECK-LABEL: func.func @others
// CHECK:         kernel.region "map"
// CHECK-NOT:     config
// CHECK:         kernel.region "softmax"
// CHECK-NOT:     config
func.func @others(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = sluice.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = sluice.softmax %x {axis = 1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// Integers are narrow before anything is chosen, so that the copies of panels are
// those of the unit that multiplies them; of 8 rows on, of pairs.
// CHECK-LABEL: func.func @narrow
// CHECK-SAME:  %[[X:[a-z0-9]+]]: tensor<40x64xi8>
// CHECK-NOT:     kernel.region "map"
// CHECK:         kernel.region "matmul" ins(%[[X]]
// CHECK-SAME:      copies = <unit = integer_pairs, fewest_rows = 8, depth = 64>
// CHECK:           %[[WIDE:.*]] = sluice.cast {{.*}} : (tensor<40x64xi8>) -> tensor<40x64xi32>
// CHECK:           sluice.matmul %[[WIDE]],
func.func @narrow(%x: tensor<40x64xi8>) -> tensor<40x64xi32> {
  %w = sluice.constant dense<7> : tensor<64x64xi32>
  %wide = sluice.cast %x {to = i32} : (tensor<40x64xi8>) -> tensor<40x64xi32>
  %0 = sluice.matmul %wide, %w : (tensor<40x64xi32>, tensor<64x64xi32>) -> tensor<40x64xi32>
  return %0 : tensor<40x64xi32>
}

// -----

// Halves are copied from 32 rows on, in parts that fit the stack; fewer rows, and
// weights as wide as the sums, make no copies.
// CHECK-LABEL: func.func @halves
// CHECK:         copies = <unit = float, fewest_rows = 32, depth = 512>
// CHECK:         kernel.region "matmul"
// CHECK-NOT:     copies
// CHECK:         return
func.func @halves(%x: tensor<40x1024xf16>, %y: tensor<8x1024xf16>, %z: tensor<40x1024xf32>) -> (tensor<40x64xf16>, tensor<8x64xf16>, tensor<40x64xf32>) {
  %w = sluice.constant dense<1.0> : tensor<1024x64xf16>
  %v = sluice.constant dense<1.0> : tensor<1024x64xf32>
  %0 = sluice.matmul %x, %w : (tensor<40x1024xf16>, tensor<1024x64xf16>) -> tensor<40x64xf16>
  %1 = sluice.matmul %y, %w : (tensor<8x1024xf16>, tensor<1024x64xf16>) -> tensor<8x64xf16>
  %2 = sluice.matmul %z, %v : (tensor<40x1024xf32>, tensor<1024x64xf32>) -> tensor<40x64xf32>
  return %0, %1, %2 : tensor<40x64xf16>, tensor<8x64xf16>, tensor<40x64xf32>
}

// -----

// A recurrent cell has its tiles in a configuration too, packed or not.
// CHECK-LABEL: func.func @cell
// CHECK:         kernel.region "recurrence"
// CHECK-SAME:      config = #kernel.cpu_recurrence<lanes = 8, tile_sequences = 3, sequence_block = 3, unroll = 2, fewest_sums = 8>
// CHECK-NOT:       packing
// CHECK-SAME:      ->
func.func @cell(%x: tensor<1x5x3x8xf32>, %w: tensor<1x8x8xf32>) -> tensor<5x1x3x8xf32> {
  %0:2 = sluice.recurrence %x, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>, cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<1x5x3x8xf32>, tensor<1x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return %0#0 : tensor<5x1x3x8xf32>
}

// -----

// So are those of a convolution, whose image is transposed as narrow as it
// comes; what another kernel reads too, stays.
// CHECK-LABEL: func.func @narrow_convolution
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x4x8x8xi8>
// CHECK:         %[[IMAGE:.*]] = kernel.region "transpose" ins(%[[X]]
// CHECK-SAME:      -> tensor<1x8x8x4xi8>
// CHECK:         kernel.region "conv"
// CHECK-SAME:      ins(%[[IMAGE]]
// CHECK-SAME:      unit = integer_pairs
// CHECK-SAME:      copy_weights = true
// CHECK:           sluice.cast {{.*}} : (tensor<1x8x8x4xi8>) -> tensor<1x8x8x4xi32>
// CHECK:           sluice.conv
func.func @narrow_convolution(%x: tensor<1x4x8x8xi8>) -> tensor<1x8x8x8xi32> {
  %w = sluice.constant dense<3> : tensor<8x4x3x3xi32>
  %0 = sluice.cast %x {to = i32} : (tensor<1x4x8x8xi8>) -> tensor<1x4x8x8xi32>
  %1 = sluice.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xi32>) -> tensor<1x8x8x4xi32>
  %2 = sluice.conv %1, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x4xi32>, tensor<8x4x3x3xi32>) -> tensor<1x8x8x8xi32>
  return %2 : tensor<1x8x8x8xi32>
}

// -----

// CHECK-LABEL: func.func @shared_image
// CHECK:         kernel.region "conv"
// CHECK-SAME:      unit = integer,
func.func @shared_image(%x: tensor<1x4x8x8xi8>) -> (tensor<1x8x8x8xi32>, tensor<1x8x8x4xi32>) {
  %w = sluice.constant dense<3> : tensor<8x4x3x3xi32>
  %0 = sluice.cast %x {to = i32} : (tensor<1x4x8x8xi8>) -> tensor<1x4x8x8xi32>
  %1 = sluice.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xi32>) -> tensor<1x8x8x4xi32>
  %2 = sluice.conv %1, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x4xi32>, tensor<8x4x3x3xi32>) -> tensor<1x8x8x8xi32>
  return %2, %1 : tensor<1x8x8x8xi32>, tensor<1x8x8x4xi32>
}

// -----

// Many queries: tiles that fill the registers, in blocks that stay in caches.
// CHECK-LABEL: func.func @attention
// CHECK:         kernel.region "attention"
// CHECK-SAME:      config = #kernel.cpu_attention<lanes = 8, tile_rows = 6, tile_vectors = 2, unroll = 4, query_block = 258, key_block = 128>
func.func @attention(%q: tensor<1x12x512x64xf32>, %k: tensor<1x12x512x64xf32>, %v: tensor<1x12x512x64xf32>) -> tensor<1x12x512x64xf32> {
  %0 = sluice.attention %q, %k, %v {scale = 0.125 : f64} : (tensor<1x12x512x64xf32>, tensor<1x12x512x64xf32>, tensor<1x12x512x64xf32>) -> tensor<1x12x512x64xf32>
  return %0 : tensor<1x12x512x64xf32>
}

// -----

// Few rows that share keys: these are read where they lie, and split where
// there are few heads.
// CHECK-LABEL: func.func @few_queries
// CHECK:         kernel.region "attention"
// CHECK-SAME:      config = #kernel.cpu_attention<lanes = 8, tile_rows = 4, tile_vectors = 2, unroll = 2, query_block = 4, key_block = 64, in_place = true, split = 512>
func.func @few_queries(%q: tensor<1x32x1x128xf32>, %k: tensor<1x8x2048x128xf32>, %v: tensor<1x8x2048x128xf32>) -> tensor<1x32x1x128xf32> {
  %0 = sluice.attention %q, %k, %v {scale = 0.125 : f64} : (tensor<1x32x1x128xf32>, tensor<1x8x2048x128xf32>, tensor<1x8x2048x128xf32>) -> tensor<1x32x1x128xf32>
  return %0 : tensor<1x32x1x128xf32>
}

// -----

// As many as the run says: a form for each.
// CHECK-LABEL: func.func @any_queries
// CHECK:         kernel.region "attention"
// CHECK-SAME:      config = #kernel.cpu_attention<lanes = 8, tile_rows = 6, tile_vectors = 2, unroll = 4, query_block = {{[0-9]+}}, key_block = {{[0-9]+}}, few_rows = <lanes = 8, tile_rows = 4, tile_vectors = 2, unroll = 2, query_block = 64, key_block = 128, in_place = true, split = 512, few_rows = <lanes = 8, tile_vectors = 4, unroll = 2, key_block = 128, in_place = true, split = 512>>>
func.func @any_queries(%q: tensor<?x2x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32> {
  %0 = sluice.attention %q, %k, %v {right = 0 : i64} : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  return %0 : tensor<?x2x?x64xf32>
}

// -----

// Blocks are parts of those of a list.
// CHECK-LABEL: func.func @listed
// CHECK:         kernel.region "attention"
// CHECK-SAME:      query_block = 60, key_block = 64>
func.func @listed(%q: tensor<1x2x480x64xf32>, %k: tensor<1x2x512x64xf32>, %v: tensor<1x2x512x64xf32>, %b: tensor<8x8xi32>) -> tensor<1x2x480x64xf32> {
  %0 = sluice.attention %q, %k, %v blocks %b {block_sizes = array<i64: 60, 64>} : (tensor<1x2x480x64xf32>, tensor<1x2x512x64xf32>, tensor<1x2x512x64xf32>, tensor<8x8xi32>) -> tensor<1x2x480x64xf32>
  return %0 : tensor<1x2x480x64xf32>
}

// -----

// A matrix for each group: panels of one after the other.
// CHECK-LABEL: func.func @groups
// CHECK:         kernel.region "grouped_matmul"
// CHECK-SAME:      config = #kernel.cpu_contraction<unit = float, lanes = 8,
// CHECK-SAME:      packing = [unit, #kernel.panels<width = 16, transposed = true>, unit]
func.func @groups(%x: tensor<?x8xf32>, %o: tensor<4xi64>) -> tensor<?x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<3x16x8xf32>
  %0 = sluice.grouped_matmul %x, %w, %o {transpose_rhs} : (tensor<?x8xf32>, tensor<3x16x8xf32>, tensor<4xi64>) -> tensor<?x16xf32>
  %1 = sluice.relu %0 : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
