// Several sequences read a few cache lines each of what comes from the inputs:
// these are fetched before the sums over the hidden units. One sequence reads
// streams, which the CPU fetches by itself.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// Two sequences, four gates; whole vectors of eight units lie in one line.
// CHECK-LABEL: kernel.func @two "
// CHECK-COUNT-8: memref.prefetch {{.*}}, read, locality<3>, data
// CHECK-NOT:     memref.prefetch
// CHECK:         vector.fma
kernel.func @two "recurrence" {
^bb0(%x: tensor<1x5x2x32xf32>, %r: tensor<1x8x32xf32>):
  %0:3 = sluice.recurrence %x, %r {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x32xf32>, tensor<1x8x32xf32>)
    -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1, %0#2 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// Twelve units are a vector and half of one: vectors cross lines.
// CHECK-LABEL: kernel.func @crossing "
// CHECK-COUNT-4: memref.prefetch
// CHECK-NOT:     memref.prefetch
// CHECK:         vector.fma
kernel.func @crossing "recurrence" {
^bb0(%x: tensor<1x5x2x12xf32>, %r: tensor<1x12x12xf32>):
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x12xf32>, tensor<1x12x12xf32>)
    -> (tensor<5x1x2x12xf32>, tensor<1x2x12xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x12xf32>, tensor<1x2x12xf32>
}

// CHECK-LABEL: kernel.func @one "
// CHECK-NOT:     memref.prefetch
// CHECK:         {{^  [}]}}
kernel.func @one "recurrence" {
^bb0(%x: tensor<1x5x1x8xf32>, %r: tensor<1x8x8xf32>):
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x1x8xf32>, tensor<1x8x8xf32>)
    -> (tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
}
