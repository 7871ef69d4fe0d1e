// RUN: sluice-opt %s --split-input-file --sluice-pack-tokens --canonicalize | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-pack-tokens --remarks-filter=attention --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A layer whose first token is read: products, norms and functions work on the
// rows that exist, attention on all.
// CHECK-LABEL: @pooled
// CHECK: %[[PLACES:.*]] = sluice.nonzero %
// CHECK: %[[INDEX:.*]] = sluice.{{squeeze|reshape}} %[[PLACES]]
// CHECK: %[[ROWS:.*]] = sluice.gather %{{.*}}, %[[INDEX]] {axis = 0 : i64} : (tensor<36x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
// CHECK: sluice.matmul %[[ROWS]], %{{.*}} : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
// CHECK: sluice.attention
// CHECK-SAME: -> tensor<4x9x2x16xf32>
// CHECK: sluice.layer_norm {{.*}} {axis = 1 : i64
// CHECK-SAME: tensor<?x32xf32>
// CHECK: %[[ALL:.*]] = sluice.reshape {{.*}} -> tensor<4x9x32xf32>
// CHECK: sluice.slice %[[ALL]]
func.func @pooled(%x: tensor<4x9x32xf32>, %mask: tensor<4x1x1x9xi1>, %w: tensor<32x32xf32>, %scale: tensor<32xf32>) -> tensor<4x32xf32> {
  %heads = sluice.constant dense<[0, 0, 2, 16]> : tensor<4xi64>
  %joined = sluice.constant dense<[0, 0, 32]> : tensor<3xi64>
  %first = sluice.constant dense<0> : tensor<i64>
  %0 = sluice.matmul %x, %w : (tensor<4x9x32xf32>, tensor<32x32xf32>) -> tensor<4x9x32xf32>
  %1 = sluice.reshape %0, %heads : (tensor<4x9x32xf32>, tensor<4xi64>) -> tensor<4x9x2x16xf32>
  %t = sluice.squeeze %mask {axes = array<i64: 1, 2>} : (tensor<4x1x1x9xi1>) -> tensor<4x9xi1>
  %tokens = sluice.unsqueeze %t {axes = array<i64: 1, 2>} : (tensor<4x9xi1>) -> tensor<4x1x1x9xi1>
  %2 = sluice.attention %1, %1, %1 mask %tokens {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x1x1x9xi1>) -> tensor<4x9x2x16xf32>
  %3 = sluice.reshape %2, %joined : (tensor<4x9x2x16xf32>, tensor<3xi64>) -> tensor<4x9x32xf32>
  %4 = sluice.add %3, %0 : (tensor<4x9x32xf32>, tensor<4x9x32xf32>) -> tensor<4x9x32xf32>
  %5 = sluice.layer_norm %4, %scale {axis = 2 : i64, epsilon = 1.0e-05 : f64} : (tensor<4x9x32xf32>, tensor<32xf32>) -> tensor<4x9x32xf32>
  %6 = sluice.gather %5, %first {axis = 1 : i64} : (tensor<4x9x32xf32>, tensor<i64>) -> tensor<4x32xf32>
  return %6 : tensor<4x32xf32>
}

// -----

// The whole of the last layer is a result.
// CHECK-LABEL: @last_hidden_state
// CHECK-NOT: sluice.nonzero
// CHECK: return
// REMARK: reads padded tokens
func.func @last_hidden_state(%x: tensor<4x9x32xf32>, %mask: tensor<4x1x1x9xi1>, %w: tensor<32x32xf32>) -> tensor<4x9x2x16xf32> {
  %heads = sluice.constant dense<[4, 9, 2, 16]> : tensor<4xi64>
  %0 = sluice.matmul %x, %w : (tensor<4x9x32xf32>, tensor<32x32xf32>) -> tensor<4x9x32xf32>
  %1 = sluice.reshape %0, %heads : (tensor<4x9x32xf32>, tensor<4xi64>) -> tensor<4x9x2x16xf32>
  %2 = sluice.attention %1, %1, %1 mask %mask {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x1x1x9xi1>) -> tensor<4x9x2x16xf32>
  return %2 : tensor<4x9x2x16xf32>
}

// -----

// A slice from one end to the other may be nearly all tokens.
// CHECK-LABEL: @all_but_the_last
// CHECK-NOT: sluice.nonzero
// CHECK: return
func.func @all_but_the_last(%x: tensor<4x9x32xf32>, %mask: tensor<4x1x1x9xi1>, %w: tensor<32x32xf32>) -> tensor<4x8x2x16xf32> {
  %heads = sluice.constant dense<[4, 9, 2, 16]> : tensor<4xi64>
  %0 = sluice.matmul %x, %w : (tensor<4x9x32xf32>, tensor<32x32xf32>) -> tensor<4x9x32xf32>
  %1 = sluice.reshape %0, %heads : (tensor<4x9x32xf32>, tensor<4xi64>) -> tensor<4x9x2x16xf32>
  %2 = sluice.attention %1, %1, %1 mask %mask {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x9x2x16xf32>, tensor<4x1x1x9xi1>) -> tensor<4x9x2x16xf32>
  %3 = sluice.slice %2 {starts = array<i64: 0, 0, 0, 0>, ends = array<i64: 9223372036854775807, -1, 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1, 1, 1>} : (tensor<4x9x2x16xf32>) -> tensor<4x8x2x16xf32>
  return %3 : tensor<4x8x2x16xf32>
}

// -----

// One sequence has no padding worth the while.
// CHECK-LABEL: @single
// CHECK-NOT: sluice.nonzero
// CHECK: return
func.func @single(%q: tensor<1x9x2x16xf32>, %mask: tensor<1x1x1x9xi1>) -> tensor<1x9x2x16xf32> {
  %0 = sluice.attention %q, %q, %q mask %mask {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>, tensor<1x9x2x16xf32>, tensor<1x1x1x9xi1>) -> tensor<1x9x2x16xf32>
  return %0 : tensor<1x9x2x16xf32>
}
