// RUN: not sluice-opt %s --sluice-choose-kernels=kernels=magic 2>&1 | FileCheck %s
// CHECK: there is no kernel provider 'magic'; there are: builtin, onednn
func.func @main(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
