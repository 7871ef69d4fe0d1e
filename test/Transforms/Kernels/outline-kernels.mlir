// RUN: sluice-opt %s --sluice-form-kernels --sluice-outline-kernels | FileCheck %s

// Equal kernels share a function, others do not.
// CHECK-LABEL: func.func @main
// CHECK:         kernel.call @map ins
// CHECK:         kernel.call @map ins
// CHECK:         kernel.call @map_0 ins
// CHECK-LABEL: func.func @recurrence
// CHECK:         kernel.call {{.*}}flops = 5.120000e+03 : f64
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

// Profiles count what a recurrence computes: 5 steps of 2 sequences, 4 gates of
// 8 units each, 8 multiply-adds.
func.func @recurrence(%x: tensor<1x5x2x32xf32>, %r: tensor<1x8x32xf32>) -> tensor<5x1x2x8xf32> {
  %0:3 = sluice.recurrence %x, %r {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x32xf32>, tensor<1x8x32xf32>)
    -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>)
  return %0#0 : tensor<5x1x2x8xf32>
}
