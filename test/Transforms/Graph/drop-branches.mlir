// RUN: sluice-opt %s --sluice-drop-branches --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @residual
// CHECK-NEXT: return %arg0
func.func @residual(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %gate = sluice.constant dense<0.0> : tensor<1xf32>
  %0 = sluice.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = sluice.mul %0, %gate : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %2 = sluice.add %1, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// -----

// Sizes that are not known are equal here.
// CHECK-LABEL: @dynamic
// CHECK-NEXT: return %arg0
func.func @dynamic(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %gate = sluice.constant dense<[0.0, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<8xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1 = sluice.mul %gate, %0 : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = sluice.add %x, %1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// A gate that has become part of the weights.
// CHECK-LABEL: @weights
// CHECK-NEXT: return %arg0
func.func @weights(%x: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  %zero = sluice.constant dense<0.0> : tensor<8x8xf32>
  %0 = sluice.matmul %x, %zero : (tensor<1x4x8xf32>, tensor<8x8xf32>) -> tensor<1x4x8xf32>
  %1 = sluice.add %x, %0 : (tensor<1x4x8xf32>, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %1 : tensor<1x4x8xf32>
}

// -----

// A gate that is not zero everywhere; a sum that only the branch makes so large,
// surely or perhaps; a product that is not added.
// CHECK-LABEL: @others
// CHECK-COUNT-3: sluice.mul
// CHECK: return
func.func @others(%x: tensor<4x8xf32>, %row: tensor<1x8xf32>, %rows: tensor<?x8xf32>, %shape: tensor<2xi64>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<?x8xf32>, tensor<4x8xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<1xf32>
  %some = sluice.constant dense<[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]> : tensor<8xf32>
  %0 = sluice.mul %x, %some : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %1 = sluice.add %x, %0 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = sluice.mul %x, %zero : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %3 = sluice.add %row, %2 : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = sluice.exp %rows : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %5 = sluice.reshape %4, %shape : (tensor<?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %6 = sluice.mul %5, %zero : (tensor<?x8xf32>, tensor<1xf32>) -> tensor<?x8xf32>
  %7 = sluice.add %rows, %6 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %1, %3, %7, %2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<?x8xf32>, tensor<4x8xf32>
}
