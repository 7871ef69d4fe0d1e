// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-verify-packings --verify-diagnostics

// Weights in panels of 16 columns, read by a tile of 8.
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  %w = sluice.packed_constant dense<1.0> : tensor<8x16xf32> {packing = #kernel.panels<width = 16>} : tensor<128xf32>
  // expected-error @+1 {{the weights are packed for another tiling than that of kernel 'k'}}
  %0 = kernel.call @k ins(%x, %w : tensor<4x8xf32>, tensor<128xf32>) sizes() -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
kernel.func @k "packed_matmul" attributes {tiling = #kernel.tiling<tile_vectors = 1>} {
^bb0(%x: tensor<4x8xf32>, %w: tensor<128xf32>):
  %0 = sluice.packed_matmul %x, %w {columns = 16 : i64} : (tensor<4x8xf32>, tensor<128xf32>) -> tensor<4x16xf32>
  kernel.yield %0 : tensor<4x16xf32>
}
