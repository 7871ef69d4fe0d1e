// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-form-kernels --sluice-choose-kernels --sluice-outline-kernels | FileCheck %s

// Kernels of one tiling share a function, those of another do not.
// CHECK-LABEL: func.func @main
// CHECK:         kernel.call @matmul ins
// CHECK:         kernel.call @matmul ins
// CHECK:         kernel.call @matmul_0 ins
// CHECK:       kernel.func @matmul "matmul" attributes {config = #kernel.cpu_contraction<{{.*}}tile_rows = 2,
// CHECK-NOT:     kernel.tiling
// CHECK:       kernel.func @matmul_0 "matmul" attributes {config = #kernel.cpu_contraction<{{.*}}tile_rows = 4,
func.func @main(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) {
  %0 = sluice.matmul %x, %y {kernel.tiling = #kernel.tiling<tile_rows = 2>} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.matmul %x, %y {kernel.tiling = #kernel.tiling<tile_rows = 2>} : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %2 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0, %1, %2 : tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>
}
