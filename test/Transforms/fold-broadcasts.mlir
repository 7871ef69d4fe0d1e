// RUN: sluice-opt %s --sluice-fold-broadcasts -split-input-file | FileCheck %s

// Products broadcast their batch themselves.
// CHECK-LABEL: @batch(
// CHECK-SAME: %[[A:.*]]: tensor<8x3x5x20xf32>, %[[B:.*]]: tensor<1x20x7xf32>
func.func @batch(%a: tensor<8x3x5x20xf32>, %b: tensor<1x20x7xf32>) -> tensor<8x3x5x7xf32> {
  // CHECK-NOT: sluice.broadcast
  // CHECK: %[[RESULT:.*]] = sluice.matmul %[[A]], %[[B]] : (tensor<8x3x5x20xf32>, tensor<1x20x7xf32>)
  // CHECK-NEXT: return %[[RESULT]]
  %shape = sluice.constant dense<[8, 3, 20, 7]> : tensor<4xi64>
  %0 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<4xi64>) -> tensor<8x3x20x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<8x3x5x20xf32>, tensor<8x3x20x7xf32>) -> tensor<8x3x5x7xf32>
  return %1 : tensor<8x3x5x7xf32>
}

// -----

// Nothing else has the size of the batch: it stays with one of the operands.
// CHECK-LABEL: @both(
// CHECK-SAME: %[[A:.*]]: tensor<1x5x20xf32>, %[[B:.*]]: tensor<1x20x7xf32>
func.func @both(%a: tensor<1x5x20xf32>, %b: tensor<1x20x7xf32>) -> tensor<4x5x7xf32> {
  // CHECK: %[[MANY:.*]] = sluice.broadcast %[[B]]
  // CHECK: sluice.matmul %[[A]], %[[MANY]] : (tensor<1x5x20xf32>, tensor<4x20x7xf32>)
  %shape = sluice.constant dense<[4, 1, 1]> : tensor<3xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x5x20xf32>, tensor<3xi64>) -> tensor<4x5x20xf32>
  %1 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<3xi64>) -> tensor<4x20x7xf32>
  %2 = sluice.matmul %0, %1 : (tensor<4x5x20xf32>, tensor<4x20x7xf32>) -> tensor<4x5x7xf32>
  return %2 : tensor<4x5x7xf32>
}

// -----

// Sizes of the run: what the other operand has may be one.
// CHECK-LABEL: @unknown(
func.func @unknown(%a: tensor<?x5x20xf32>, %b: tensor<1x20x7xf32>, %shape: tensor<3xi64>) -> tensor<?x5x7xf32> {
  // CHECK: sluice.broadcast
  %0 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<3xi64>) -> tensor<?x20x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<?x5x20xf32>, tensor<?x20x7xf32>) -> tensor<?x5x7xf32>
  return %1 : tensor<?x5x7xf32>
}

// -----

// Equal rows are computed once, equal columns as well.
// CHECK-LABEL: @rows(
// CHECK-SAME: %[[A:.*]]: tensor<1x20xf32>, %[[B:.*]]: tensor<3x20x7xf32>
func.func @rows(%a: tensor<1x20xf32>, %b: tensor<3x20x7xf32>) -> tensor<3x90x7xf32> {
  // CHECK: %[[ROW:.*]] = sluice.matmul %[[A]], %[[B]] : (tensor<1x20xf32>, tensor<3x20x7xf32>) -> tensor<3x1x7xf32>
  // CHECK: %[[SHAPE:.*]] = sluice.constant dense<[90, 1]>
  // CHECK: %[[RESULT:.*]] = sluice.broadcast %[[ROW]], %[[SHAPE]] : {{.*}} -> tensor<3x90x7xf32>
  // CHECK-NEXT: return %[[RESULT]]
  %shape = sluice.constant dense<[90, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x20xf32>, tensor<2xi64>) -> tensor<90x20xf32>
  %1 = sluice.matmul %0, %b : (tensor<90x20xf32>, tensor<3x20x7xf32>) -> tensor<3x90x7xf32>
  return %1 : tensor<3x90x7xf32>
}

// CHECK-LABEL: @columns(
// CHECK-SAME: %[[A:.*]]: tensor<5x20xf32>, %[[B:.*]]: tensor<1x20xf32>
func.func @columns(%a: tensor<5x20xf32>, %b: tensor<1x20xf32>) -> tensor<5x70xf32> {
  // CHECK: %[[COLUMN:.*]] = sluice.matmul %[[A]], %[[B]] {transpose_rhs} : {{.*}} -> tensor<5x1xf32>
  // CHECK: %[[SHAPE:.*]] = sluice.constant dense<[1, 70]>
  // CHECK: sluice.broadcast %[[COLUMN]], %[[SHAPE]] : {{.*}} -> tensor<5x70xf32>
  %shape = sluice.constant dense<[70, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %b, %shape : (tensor<1x20xf32>, tensor<2xi64>) -> tensor<70x20xf32>
  %1 = sluice.matmul %a, %0 {transpose_rhs} : (tensor<5x20xf32>, tensor<70x20xf32>) -> tensor<5x70xf32>
  return %1 : tensor<5x70xf32>
}

// -----

// Along the depth the sum would be another one, and a product of little depth
// costs less than another pass over its result.
// CHECK-LABEL: @depth(
func.func @depth(%a: tensor<5x1xf32>, %b: tensor<20x7xf32>) -> tensor<5x7xf32> {
  // CHECK: sluice.broadcast
  // CHECK-NEXT: sluice.matmul
  %shape = sluice.constant dense<[5, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<5x1xf32>, tensor<2xi64>) -> tensor<5x20xf32>
  %1 = sluice.matmul %0, %b : (tensor<5x20xf32>, tensor<20x7xf32>) -> tensor<5x7xf32>
  return %1 : tensor<5x7xf32>
}

// CHECK-LABEL: @shallow(
func.func @shallow(%a: tensor<1x3xf32>, %b: tensor<3x7xf32>) -> tensor<90x7xf32> {
  // CHECK: sluice.broadcast
  // CHECK-NEXT: sluice.matmul
  %shape = sluice.constant dense<[90, 3]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<90x3xf32>
  %1 = sluice.matmul %0, %b : (tensor<90x3xf32>, tensor<3x7xf32>) -> tensor<90x7xf32>
  return %1 : tensor<90x7xf32>
}
