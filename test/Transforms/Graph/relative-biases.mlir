// RUN: sluice-opt %s --sluice-relative-biases --canonicalize --split-input-file | FileCheck %s

// A constant whose diagonals are constant: three distances of two queries and
// two keys.
// CHECK-LABEL: @constant
// CHECK: %[[TABLE:.*]] = sluice.constant dense<{{\[\[}}3.000000e+00, 1.000000e+00, 2.000000e+00]]> : tensor<1x3xf32>
// CHECK: sluice.attention {{.*}} bias %[[TABLE]] {relative_bias}
func.func @constant(%q: tensor<1x1x2x8xf32>) -> tensor<1x1x2x8xf32> {
  %bias = sluice.constant dense<[[1.0, 2.0], [3.0, 1.0]]> : tensor<2x2xf32>
  %0 = sluice.attention %q, %q, %q bias %bias : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>) -> tensor<1x1x2x8xf32>
  return %0 : tensor<1x1x2x8xf32>
}

// -----

// A table of the run, read at a function of the distance, as in T5.
// CHECK-LABEL: @table
// CHECK: %[[PLACES:.*]] = sluice.constant dense<{{\[\[}}2, 1, 0, 1]]> : tensor<1x4xi64>
// CHECK: %[[READ:.*]] = sluice.gather %arg1, %[[PLACES]] {axis = 0 : i64} : (tensor<5x2xf32>, tensor<1x4xi64>) -> tensor<1x4x2xf32>
// CHECK: %[[TURNED:.*]] = sluice.transpose %[[READ]] {permutation = array<i64: 2, 0, 1>} : (tensor<1x4x2xf32>) -> tensor<2x1x4xf32>
// CHECK: %[[BIAS:.*]] = sluice.reshape %[[TURNED]], %{{.*}} -> tensor<1x2x1x4xf32>
// CHECK: sluice.attention %arg0, {{.*}} bias %[[BIAS]] {relative_bias}
// CHECK: sluice.attention {{.*}} bias %{{.*}} {relative_bias}
func.func @table(%q: tensor<1x2x3x8xf32>, %table: tensor<5x2xf32>, %k: tensor<1x2x2x8xf32>) -> tensor<1x2x3x8xf32> {
  %places = sluice.constant dense<[[0, 1], [1, 0], [2, 1]]> : tensor<3x2xi64>
  %0 = sluice.gather %table, %places {axis = 0 : i64} : (tensor<5x2xf32>, tensor<3x2xi64>) -> tensor<3x2x2xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 2, 0, 1>} : (tensor<3x2x2xf32>) -> tensor<2x3x2xf32>
  %2 = sluice.unsqueeze %1 {axes = array<i64: 0>} : (tensor<2x3x2xf32>) -> tensor<1x2x3x2xf32>
  %shape = sluice.constant dense<[1, 2, 3, 2]> : tensor<4xi64>
  %same = sluice.reshape %1, %shape : (tensor<2x3x2xf32>, tensor<4xi64>) -> tensor<1x2x3x2xf32>
  %3 = sluice.attention %q, %k, %k bias %2 : (tensor<1x2x3x8xf32>, tensor<1x2x2x8xf32>, tensor<1x2x2x8xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x3x8xf32>
  %4 = sluice.attention %3, %k, %k bias %same : (tensor<1x2x3x8xf32>, tensor<1x2x2x8xf32>, tensor<1x2x2x8xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x3x8xf32>
  return %4 : tensor<1x2x3x8xf32>
}

// -----

// Beside what rows without a key give; a number for all pairs is one for all
// distances.
// CHECK-LABEL: @fallback
// CHECK: %[[ONE:.*]] = sluice.reshape %arg0, {{.*}} -> tensor<1x1xf32>
// CHECK: %[[BIAS:.*]] = sluice.min %[[ONE]], %{{.*}} : (tensor<1x1xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
// CHECK: sluice.attention {{.*}} bias %[[BIAS]] mask %{{.*}} fallback %{{.*}} {relative_bias}
func.func @fallback(%most: tensor<f32>, %q: tensor<1x1x2x8xf32>, %mask: tensor<1x1x1x2xi1>) -> tensor<1x1x2x8xf32> {
  %bias = sluice.constant dense<[[1.0, 2.0], [3.0, 1.0]]> : tensor<2x2xf32>
  %shape = sluice.constant dense<[2, 2]> : tensor<2xi64>
  %limits = sluice.broadcast %most, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<2x2xf32>
  %limited = sluice.min %bias, %limits : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %lowest = sluice.constant dense<-1.0e+30> : tensor<f32>
  %0 = sluice.attention %q, %q, %q bias %limited mask %mask fallback %lowest : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>, tensor<1x1x1x2xi1>, tensor<f32>) -> tensor<1x1x2x8xf32>
  return %0 : tensor<1x1x2x8xf32>
}

// -----

// Slopes of heads times places of keys less those of queries: ALiBi.
// CHECK-LABEL: @slopes
// CHECK: %[[DISTANCES:.*]] = sluice.constant dense<{{\[\[}}-2.000000e+00, -1.000000e+00, 0.000000e+00, 1.000000e+00, 2.000000e+00]]> : tensor<1x5xf32>
// CHECK: %[[BIAS:.*]] = sluice.mul %arg1, %[[DISTANCES]] : (tensor<2x1x1xf32>, tensor<1x5xf32>) -> tensor<2x1x5xf32>
// CHECK: bias %[[BIAS]] {relative_bias, right = 0 : i64}
func.func @slopes(%q: tensor<1x2x3x8xf32>, %slopes: tensor<2x1x1xf32>) -> tensor<1x2x3x8xf32> {
  %keys = sluice.constant dense<[0.0, 1.0, 2.0]> : tensor<3xf32>
  %queries = sluice.constant dense<[[0.0], [1.0], [2.0]]> : tensor<3x1xf32>
  %0 = sluice.sub %keys, %queries : (tensor<3xf32>, tensor<3x1xf32>) -> tensor<3x3xf32>
  %1 = sluice.mul %slopes, %0 : (tensor<2x1x1xf32>, tensor<3x3xf32>) -> tensor<2x3x3xf32>
  %2 = sluice.attention %q, %q, %q bias %1 {right = 0 : i64} : (tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<1x2x3x8xf32>, tensor<2x3x3xf32>) -> tensor<1x2x3x8xf32>
  return %2 : tensor<1x2x3x8xf32>
}

// -----

// No function of the distance: one diagonal differs; a bias of the run; places
// of keys in unequal steps; numbers that hide keys, of which blocks are made.
// CHECK-LABEL: @others
// CHECK-NOT: relative_bias
// CHECK: return
func.func @others(%q: tensor<1x1x2x8xf32>, %given: tensor<2x2xf32>) -> (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>) {
  %bias = sluice.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = sluice.attention %q, %q, %q bias %bias : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>) -> tensor<1x1x2x8xf32>
  %1 = sluice.attention %q, %q, %q bias %given : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>) -> tensor<1x1x2x8xf32>
  %keys = sluice.constant dense<[0.0, 2.0]> : tensor<2xf32>
  %queries = sluice.constant dense<[[0.0], [1.0]]> : tensor<2x1xf32>
  %2 = sluice.sub %keys, %queries : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %3 = sluice.attention %q, %q, %q bias %2 : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>) -> tensor<1x1x2x8xf32>
  %mask = sluice.constant dense<[[0.0, 0xFF800000], [0.0, 0.0]]> : tensor<2x2xf32>
  %4 = sluice.attention %q, %q, %q bias %mask : (tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<2x2xf32>) -> tensor<1x1x2x8xf32>
  return %0, %1, %3, %4 : tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>
}
