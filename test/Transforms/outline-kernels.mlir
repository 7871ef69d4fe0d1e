// RUN: sluice-opt %s --sluice-form-kernels --sluice-outline-kernels | FileCheck %s

// Equal kernels share a function, others do not.
// CHECK-LABEL: func.func @main
// CHECK:         kernel.call @map ins
// CHECK:         kernel.call @map ins
// CHECK:         kernel.call @map_0 ins
// CHECK:       kernel.func @map "map"
// CHECK:         sluice.relu
// CHECK:       kernel.func @map_0 "map"
// CHECK:         sluice.neg
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.relu %y : (tensor<4xf32>) -> tensor<4xf32>
  %2 = sluice.neg %y : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
