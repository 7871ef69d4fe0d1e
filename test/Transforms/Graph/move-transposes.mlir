// RUN: sluice-opt %s --sluice-move-transposes --canonicalize -split-input-file | FileCheck %s

// Two transposes that are each other's inverse, across many kinds of ops.
// CHECK-LABEL: @cancel(
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4x5xf32>
func.func @cancel(%x: tensor<2x3x4x5xf32>) -> tensor<2x6x2x5xf32> {
  // CHECK-NOT: sluice.transpose %[[X]]
  // CHECK: sluice.relu %[[X]]
  // CHECK: sluice.softmax {{.*}} {axis = 1 : i64}
  // CHECK: sluice.concat {{.*}} {axis = 1 : i64}
  // CHECK: sluice.slice {{.*}} {ends = array<i64: 2, 6, 3, 5>, starts = array<i64: 0, 0, 1, 0>, steps = array<i64: 1, 1, 1, 1>}
  // CHECK-NEXT: return
  %c = sluice.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x3x4x5xf32>) -> tensor<2x4x5x3xf32>
  %1 = sluice.relu %0 : (tensor<2x4x5x3xf32>) -> tensor<2x4x5x3xf32>
  %2 = sluice.mul %1, %c : (tensor<2x4x5x3xf32>, tensor<3xf32>) -> tensor<2x4x5x3xf32>
  %3 = sluice.softmax %2 {axis = 3 : i64} : (tensor<2x4x5x3xf32>) -> tensor<2x4x5x3xf32>
  %4 = sluice.concat %3, %1 {axis = 3 : i64} : (tensor<2x4x5x3xf32>, tensor<2x4x5x3xf32>) -> tensor<2x4x5x6xf32>
  %5 = sluice.slice %4 {starts = array<i64: 0, 1, 0, 0>, ends = array<i64: 2, 3, 5, 6>, steps = array<i64: 1, 1, 1, 1>} : (tensor<2x4x5x6xf32>) -> tensor<2x2x5x6xf32>
  %6 = sluice.transpose %5 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<2x2x5x6xf32>) -> tensor<2x6x2x5xf32>
  return %6 : tensor<2x6x2x5xf32>
}

// -----

// Nothing to gain: the transpose would only move behind the op.
// CHECK-LABEL: @stays(
func.func @stays(%x: tensor<2x3x4xf32>) -> tensor<2x4x3xf32> {
  // CHECK-NEXT: sluice.transpose
  // CHECK-NEXT: sluice.relu
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = sluice.relu %0 : (tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  return %1 : tensor<2x4x3xf32>
}

// -----

// The reduction makes the tensor small: transpose behind it.
// CHECK-LABEL: @behind_reduction(
func.func @behind_reduction(%x: tensor<2x3x4xf32>) -> tensor<2x1x3xf32> {
  // CHECK-NOT: sluice.transpose
  // CHECK: sluice.relu
  // CHECK-NEXT: sluice.reduce {{.*}}axes = array<i64: 2>
  // CHECK: return
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = sluice.relu %0 : (tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  %2 = sluice.reduce %1 {kind = #sluice.reduction<sum>, axes = array<i64: 1>, keep_dims} : (tensor<2x4x3xf32>) -> tensor<2x1x3xf32>
  return %2 : tensor<2x1x3xf32>
}

// -----

// A tensor of lower rank that is no constant would have to be reshaped.
// CHECK-LABEL: @lower_rank(
func.func @lower_rank(%x: tensor<2x3x4xf32>, %y: tensor<3xf32>) -> tensor<2x3x4xf32> {
  // CHECK-NEXT: sluice.transpose
  // CHECK-NEXT: sluice.mul
  // CHECK-NEXT: sluice.transpose
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %1 = sluice.mul %0, %y : (tensor<2x4x3xf32>, tensor<3xf32>) -> tensor<2x4x3xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 0, 2, 1>} : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32>
  return %2 : tensor<2x3x4xf32>
}

// -----

// A resize computes as well on channels-last images, but not the other way
// round: what it interpolates stays apart from the innermost dimension.
// CHECK-LABEL: @resize(
func.func @resize(%x: tensor<1x8x8x4xf32>, %sizes: tensor<2xi64>) -> tensor<1x16x16x4xf32> {
  // CHECK-NEXT: sluice.resize %arg0, %arg1 {axes = array<i64: 1, 2>
  // CHECK-NEXT: return
  %0 = sluice.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.resize %0, %sizes {axes = array<i64: 2, 3>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 2.0>} : (tensor<1x4x8x8xf32>, tensor<2xi64>) -> tensor<1x4x16x16xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x16x16xf32>) -> tensor<1x16x16x4xf32>
  return %2 : tensor<1x16x16x4xf32>
}

// -----

// CHECK-LABEL: @resize_channels_last(
func.func @resize_channels_last(%x: tensor<1x4x8x8xf32>, %sizes: tensor<2xi64>) -> tensor<1x4x16x16xf32> {
  // CHECK-NEXT: sluice.transpose
  // CHECK-NEXT: sluice.resize
  // CHECK-NEXT: sluice.transpose
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x8x8x4xf32>
  %1 = sluice.resize %0, %sizes {axes = array<i64: 1, 2>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 2.0>} : (tensor<1x8x8x4xf32>, tensor<2xi64>) -> tensor<1x16x16x4xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x16x16x4xf32>) -> tensor<1x4x16x16xf32>
  return %2 : tensor<1x4x16x16xf32>
}
