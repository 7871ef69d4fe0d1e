// RUN: sluice-opt %s --sluice-recognise-softmax -split-input-file | FileCheck %s

// CHECK-LABEL: @softmax(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
func.func @softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: sluice.softmax %[[X]] {axis = 1 : i64}
  // CHECK-NEXT: return
  %0 = sluice.reduce %x {kind = #sluice.reduction<max>, axes = array<i64: 1>, keep_dims} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %1 = sluice.sub %x, %0 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %2 = sluice.exp %1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<sum>, axes = array<i64: 1>, keep_dims} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %4 = sluice.div %2, %3 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// Without the maximum, with an inverse, with dimensions inserted again; and
// its logarithm.
// CHECK-LABEL: @spellings(
func.func @spellings(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: sluice.log_softmax {{.*}} {axis = 0 : i64}
  // CHECK-NEXT: return
  %2 = sluice.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<sum>, axes = array<i64: 0>} : (tensor<4x8xf32>) -> tensor<8xf32>
  %4 = sluice.unsqueeze %3 {axes = array<i64: 0>} : (tensor<8xf32>) -> tensor<1x8xf32>
  %5 = sluice.reciprocal %4 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %6 = sluice.mul %5, %2 : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = sluice.log %6 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %7 : tensor<4x8xf32>
}

// -----

// The sum runs along another dimension than it is divided along.
// CHECK-LABEL: @not_kept(
func.func @not_kept(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // CHECK-NOT: sluice.softmax
  // CHECK: sluice.div
  %2 = sluice.exp %x : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<8x8xf32>) -> tensor<8xf32>
  %4 = sluice.div %2, %3 : (tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
  return %4 : tensor<8x8xf32>
}
