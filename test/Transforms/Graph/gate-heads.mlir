// RUN: sluice-opt %s --sluice-gate-heads --canonicalize | FileCheck %s

// What was not chosen is zero; the order is [batch, queries, heads, elements].
// CHECK-LABEL: @chosen
// CHECK: %[[CHOSEN:.*]] = sluice.scatter_elements
// CHECK: %[[TURNED:.*]] = sluice.transpose %[[CHOSEN]] {permutation = array<i64: 0, 2, 1, 3>}
// CHECK: %[[ZERO:.*]] = sluice.equal %[[TURNED]]
// CHECK: %[[SEEN:.*]] = sluice.not %[[ZERO]]
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[SEEN]]
func.func @chosen(%gates: tensor<1x9x4x1xf32>, %places: tensor<1x9x2x1xi64>, %updates: tensor<1x9x2x1xf32>, %q: tensor<1x4x9x8xf32>) -> tensor<1x9x4x8xf32> {
  %zeros = sluice.constant dense<0.0> : tensor<1x9x4x1xf32>
  %0 = sluice.attention %q, %q, %q {result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) -> tensor<1x9x4x8xf32>
  %1 = sluice.scatter_elements %zeros, %places, %updates {axis = 2 : i64, mode = #sluice.scatter<replace>} : (tensor<1x9x4x1xf32>, tensor<1x9x2x1xi64>, tensor<1x9x2x1xf32>) -> tensor<1x9x4x1xf32>
  %2 = sluice.mul %0, %1 : (tensor<1x9x4x8xf32>, tensor<1x9x4x1xf32>) -> tensor<1x9x4x8xf32>
  return %2 : tensor<1x9x4x8xf32>
}

// CHECK-LABEL: @constant
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} mask
func.func @constant(%q: tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32> {
  %gates = sluice.constant dense<[[[1.0]], [[0.0]], [[2.0]], [[0.0]]]> : tensor<4x1x1xf32>
  %0 = sluice.attention %q, %q, %q : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  %1 = sluice.mul %gates, %0 : (tensor<4x1x1xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  return %1 : tensor<1x4x9x8xf32>
}

// Gates that are never zero; numbers for elements; a result that others read;
// queries without keys that give something.
// CHECK-LABEL: @others
// CHECK-NOT: sluice.equal
// CHECK: return
func.func @others(%q: tensor<1x4x9x8xf32>, %mask: tensor<9xi1>, %fill: tensor<f32>, %gate: tensor<4x1x1xf32>) -> (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) {
  %zeros = sluice.constant dense<[[[1.0]], [[0.0]], [[2.0]], [[0.0]]]> : tensor<4x1x1xf32>
  %elements = sluice.constant dense<0.0> : tensor<8xf32>
  %0 = sluice.attention %q, %q, %q : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  %1 = sluice.mul %gate, %0 : (tensor<4x1x1xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  %2 = sluice.attention %q, %q, %1 : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  %3 = sluice.mul %2, %elements : (tensor<1x4x9x8xf32>, tensor<8xf32>) -> tensor<1x4x9x8xf32>
  %4 = sluice.attention %q, %q, %3 : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>) -> tensor<1x4x9x8xf32>
  %5 = sluice.mul %4, %zeros : (tensor<1x4x9x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x9x8xf32>
  %6 = sluice.attention %q, %q, %q mask %mask fallback %fill : (tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<9xi1>, tensor<f32>) -> tensor<1x4x9x8xf32>
  %7 = sluice.mul %6, %zeros : (tensor<1x4x9x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x9x8xf32>
  return %1, %3, %4, %5, %7 : tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>, tensor<1x4x9x8xf32>
}
