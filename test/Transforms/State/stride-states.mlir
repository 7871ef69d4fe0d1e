// RUN: sluice-opt %s --sluice-stride-states | FileCheck %s

// A product reads the cache where it lies, and calls that agree share its
// kernel; a product of what is no state keeps the contiguous one. Softmax reads
// a copy.
// CHECK-LABEL: func.func @main
// CHECK: kernel.call @[[STRIDED:product_[0-9]+]]
// CHECK: kernel.call @[[STRIDED]]
// CHECK: kernel.call @product ins
// CHECK: kernel.call @softmax
// CHECK: kernel.func @product "matmul" {
// CHECK: kernel.func @[[STRIDED]] "matmul" attributes {strided = array<i64: -1, 2>}
// CHECK: kernel.func @softmax "softmax" {
func.func @main(
    %q: tensor<1x2x1x8xf32>,
    %past: tensor<1x2x?x8xf32> {state.pair = #state.pair<output = 0, axis = 2>},
    %new: tensor<1x2x1x8xf32>, %other: tensor<1x2x?x8xf32>)
    -> (tensor<1x2x?x8xf32>, tensor<1x2x1x?xf32>, tensor<1x2x1x?xf32>,
        tensor<1x2x1x?xf32>, tensor<1x2x?x8xf32>) {
  %c2 = arith.constant 2 : index
  %grown = state.grow %past, %new {axis = 2 : i64}
      : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
  %size = tensor.dim %grown, %c2 : tensor<1x2x?x8xf32>
  %a = kernel.call @product ins(%q, %grown : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>) sizes(%size) -> tensor<1x2x1x?xf32>
  %before = tensor.dim %past, %c2 : tensor<1x2x?x8xf32>
  %b = kernel.call @product ins(%q, %past : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>) sizes(%before) -> tensor<1x2x1x?xf32>
  %count = tensor.dim %other, %c2 : tensor<1x2x?x8xf32>
  %c = kernel.call @product ins(%q, %other : tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>) sizes(%count) -> tensor<1x2x1x?xf32>
  %d = kernel.call @softmax ins(%grown : tensor<1x2x?x8xf32>) sizes(%size) -> tensor<1x2x?x8xf32>
  return %grown, %a, %b, %c, %d : tensor<1x2x?x8xf32>, tensor<1x2x1x?xf32>,
      tensor<1x2x1x?xf32>, tensor<1x2x1x?xf32>, tensor<1x2x?x8xf32>
}
kernel.func @product "matmul" {
^bb0(%a: tensor<1x2x1x8xf32>, %b: tensor<1x2x?x8xf32>):
  %0 = sluice.matmul %a, %b {transpose_rhs} : (tensor<1x2x1x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x1x?xf32>
  kernel.yield %0 : tensor<1x2x1x?xf32>
}
kernel.func @softmax "softmax" {
^bb0(%a: tensor<1x2x?x8xf32>):
  %0 = sluice.softmax %a {axis = 3 : i64} : (tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  kernel.yield %0 : tensor<1x2x?x8xf32>
}
