// RUN: sluice-opt %s --sluice-narrow-constants | FileCheck %s

// Weights of products and convolutions take the bits that they need.
// CHECK-LABEL: func.func @weights
// CHECK:         %[[A:.*]] = sluice.narrow_constant dense<-128> : tensor<8x4xi8> as i32 : tensor<8x4xi32>
// CHECK:         sluice.matmul %arg0, %[[A]]
// CHECK:         %[[B:.*]] = sluice.narrow_constant dense<128> : tensor<8x4xi16> as i64 : tensor<8x4xi64>
// CHECK:         sluice.matmul %arg1, %[[B]]
// CHECK:         %[[C:.*]] = sluice.narrow_constant dense<1> : tensor<4x8x1xi8> as i32 : tensor<4x8x1xi32>
// CHECK:         sluice.conv %arg2, %[[C]]
func.func @weights(%a: tensor<2x8xi32>, %b: tensor<2x8xi64>, %c: tensor<1x5x8xi32>) -> (tensor<2x4xi32>, tensor<2x4xi64>, tensor<1x5x4xi32>) {
  %u = sluice.constant dense<-128> : tensor<8x4xi32>
  %v = sluice.constant dense<128> : tensor<8x4xi64>
  %w = sluice.constant dense<1> : tensor<4x8x1xi32>
  %0 = sluice.matmul %a, %u : (tensor<2x8xi32>, tensor<8x4xi32>) -> tensor<2x4xi32>
  %1 = sluice.matmul %b, %v : (tensor<2x8xi64>, tensor<8x4xi64>) -> tensor<2x4xi64>
  %2 = sluice.conv %c, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels_last} : (tensor<1x5x8xi32>, tensor<4x8x1xi32>) -> tensor<1x5x4xi32>
  return %0, %1, %2 : tensor<2x4xi32>, tensor<2x4xi64>, tensor<1x5x4xi32>
}

// Numbers that need all bits, matrices of each batch, values of the run and
// operands that are no weights stay.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     narrow_constant
func.func @others(%a: tensor<2x2x8xi32>, %b: tensor<8x4xi32>) -> (tensor<2x2x4xi32>, tensor<2x2x4xi32>, tensor<2x2x4xi32>, tensor<2x4xi32>) {
  %u = sluice.constant dense<32768> : tensor<8x4xi32>
  %v = sluice.constant dense<1> : tensor<2x8x4xi32>
  %w = sluice.constant dense<1> : tensor<2x8xi32>
  %0 = sluice.matmul %a, %u : (tensor<2x2x8xi32>, tensor<8x4xi32>) -> tensor<2x2x4xi32>
  %1 = sluice.matmul %a, %v : (tensor<2x2x8xi32>, tensor<2x8x4xi32>) -> tensor<2x2x4xi32>
  %2 = sluice.matmul %a, %b : (tensor<2x2x8xi32>, tensor<8x4xi32>) -> tensor<2x2x4xi32>
  %3 = sluice.matmul %w, %b : (tensor<2x8xi32>, tensor<8x4xi32>) -> tensor<2x4xi32>
  return %0, %1, %2, %3 : tensor<2x2x4xi32>, tensor<2x2x4xi32>, tensor<2x2x4xi32>, tensor<2x4xi32>
}
