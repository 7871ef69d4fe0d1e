// RUN: sluice-opt %s --sluice-fold-transposes -split-input-file | FileCheck %s

// CHECK-LABEL: @matmul(
// CHECK-SAME: %[[A:.*]]: tensor<2x6x5xf32>, %[[B:.*]]: tensor<2x7x5xf32>
func.func @matmul(%a: tensor<2x6x5xf32>, %b: tensor<2x7x5xf32>) -> tensor<2x6x7xf32> {
  // CHECK-NEXT: sluice.matmul %[[A]], %[[B]] {transpose_rhs}
  // CHECK-NEXT: return
  %0 = sluice.transpose %b {permutation = array<i64: 0, 2, 1>} : (tensor<2x7x5xf32>) -> tensor<2x5x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<2x6x5xf32>, tensor<2x5x7xf32>) -> tensor<2x6x7xf32>
  return %1 : tensor<2x6x7xf32>
}

// -----

// Attention's keys: the rest of the transpose copies whole rows.
// CHECK-LABEL: @batch(
func.func @batch(%q: tensor<2x3x6x4xf32>, %k: tensor<2x6x3x4xf32>) -> tensor<2x3x6x6xf32> {
  // CHECK-NEXT: sluice.transpose {{.*}} {permutation = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: sluice.matmul {{.*}} {transpose_rhs}
  %0 = sluice.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x6x3x4xf32>) -> tensor<2x3x4x6xf32>
  %1 = sluice.matmul %q, %0 : (tensor<2x3x6x4xf32>, tensor<2x3x4x6xf32>) -> tensor<2x3x6x6xf32>
  return %1 : tensor<2x3x6x6xf32>
}

// -----

// CHECK-LABEL: @result(
// CHECK-SAME: %[[A:.*]]: tensor<6x5xf32>, %[[B:.*]]: tensor<5x7xf32>
func.func @result(%a: tensor<6x5xf32>, %b: tensor<5x7xf32>) -> tensor<7x6xf32> {
  // CHECK-NEXT: sluice.matmul %[[B]], %[[A]] {transpose_lhs, transpose_rhs}
  // CHECK-NEXT: return
  %0 = sluice.matmul %a, %b : (tensor<6x5xf32>, tensor<5x7xf32>) -> tensor<6x7xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<6x7xf32>) -> tensor<7x6xf32>
  return %1 : tensor<7x6xf32>
}

// -----

// CHECK-LABEL: @reduction(
func.func @reduction(%x: tensor<2x3x4x5xf32>) -> (tensor<2x3xf32>, tensor<3x2xf32>) {
  // CHECK: %[[A:.*]] = sluice.reduce {{.*}}axes = array<i64: 2, 3>{{.*}} -> tensor<2x3xf32>
  // CHECK: %[[B:.*]] = sluice.reduce {{.*}}axes = array<i64: 2, 3>{{.*}} -> tensor<2x3xf32>
  // CHECK: %[[C:.*]] = sluice.transpose %[[B]] {permutation = array<i64: 1, 0>}
  // CHECK: return %[[A]], %[[C]]
  %0 = sluice.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x3x4x5xf32>) -> tensor<2x4x5x3xf32>
  %1 = sluice.reduce %0 {kind = #sluice.reduction<mean>, axes = array<i64: 1, 2>} : (tensor<2x4x5x3xf32>) -> tensor<2x3xf32>
  %2 = sluice.transpose %x {permutation = array<i64: 1, 0, 2, 3>} : (tensor<2x3x4x5xf32>) -> tensor<3x2x4x5xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<mean>, axes = array<i64: 2, 3>} : (tensor<3x2x4x5xf32>) -> tensor<3x2xf32>
  return %1, %3 : tensor<2x3xf32>, tensor<3x2xf32>
}

// -----

// The innermost dimension moves further than the flag says.
// CHECK-LABEL: @other(
func.func @other(%a: tensor<6x5xf32>, %b: tensor<5x3x7xf32>) -> tensor<3x6x7xf32> {
  // CHECK-NEXT: sluice.transpose
  // CHECK-NEXT: sluice.matmul %{{.*}}, %{{.*}} :
  %0 = sluice.transpose %b {permutation = array<i64: 1, 0, 2>} : (tensor<5x3x7xf32>) -> tensor<3x5x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<6x5xf32>, tensor<3x5x7xf32>) -> tensor<3x6x7xf32>
  return %1 : tensor<3x6x7xf32>
}
