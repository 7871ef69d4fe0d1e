// RUN: sluice-opt %s | sluice-opt | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK:         kernel.call @update ins(%{{.*}}) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
// CHECK:         kernel.func @update "map" attributes {ties = array<i64: 0>} {
// What is read in front of the call, and sizes, are no obstacle; nor is it when
// the call reads another tensor of the same type.
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, index) {
  %zero = arith.constant 0 : index
  %read = kernel.call @copy ins(%x : tensor<4xf32>) sizes() -> tensor<4xf32>
  %updated = kernel.call @update ins(%x, %y : tensor<4xf32>, tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  %size = tensor.dim %x, %zero : tensor<4xf32>
  return %read, %updated, %size : tensor<4xf32>, tensor<4xf32>, index
}
kernel.func @copy "map" {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}
kernel.func @update "map" attributes {ties = array<i64: 0>} {
^bb0(%x: tensor<4xf32>, %y: tensor<4xf32>):
  %0 = sluice.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
