// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-form-kernels --sluice-choose-kernels | FileCheck %s

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
