// RUN: sluice-opt %s --split-input-file --verify-diagnostics | sluice-opt --split-input-file | FileCheck %s

// CHECK-LABEL: @plain
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 1.250000e-01 : f64} : (tensor<2x4x8x64xf32>, tensor<2x4x9x64xf32>, tensor<2x4x9x32xf32>) -> tensor<2x4x8x32xf32>
func.func @plain(%q: tensor<2x4x8x64xf32>, %k: tensor<2x4x9x64xf32>, %v: tensor<2x4x9x32xf32>) -> tensor<2x4x8x32xf32> {
  %0 = sluice.attention %q, %k, %v {scale = 0.125 : f64} : (tensor<2x4x8x64xf32>, tensor<2x4x9x64xf32>, tensor<2x4x9x32xf32>) -> tensor<2x4x8x32xf32>
  return %0 : tensor<2x4x8x32xf32>
}

// -----

// Queries and keys as exporters split heads, four query heads on a key head,
// and all that can be said about keys.
// CHECK-LABEL: @everything
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} bias %{{.*}} mask %{{.*}} position %{{.*}} lengths %{{.*}} sinks %{{.*}} blocks %{{.*}} tiles %{{.*}} fallback %{{.*}} {block_sizes = array<i64: 4, 4>, keep_log_sum_exp, key_order = array<i64: 0, 2, 1, 3>, left = 7 : i64, masked_below = -1.000000e+04 : f64, query_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>, right = 0 : i64, softcap = 3.000000e+01 : f64, value_order = array<i64: 0, 2, 1, 3>}
// CHECK-SAME: -> (tensor<6x?x8x16xf16>, tensor<6x8x?xf32>)
func.func @everything(%q: tensor<6x?x8x32xf16>, %k: tensor<?x?x2x32xf16>, %v: tensor<?x?x2x16xf16>, %bias: tensor<3x1x?x?xf32>, %mask: tensor<?x?xi1>, %position: tensor<i64>, %lengths: tensor<?xi64>, %sinks: tensor<8xf16>, %blocks: tensor<1x1x?x?xi32>, %tiles: tensor<5x4x4xi1>, %fallback: tensor<f32>) -> (tensor<6x?x8x16xf16>, tensor<6x8x?xf32>) {
  %0:2 = sluice.attention %q, %k, %v bias %bias mask %mask position %position lengths %lengths sinks %sinks blocks %blocks tiles %tiles fallback %fallback {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>, softcap = 30.0 : f64, left = 7 : i64, right = 0 : i64, block_sizes = array<i64: 4, 4>, masked_below = -10000.0 : f64, keep_log_sum_exp} : (tensor<6x?x8x32xf16>, tensor<?x?x2x32xf16>, tensor<?x?x2x16xf16>, tensor<3x1x?x?xf32>, tensor<?x?xi1>, tensor<i64>, tensor<?xi64>, tensor<8xf16>, tensor<1x1x?x?xi32>, tensor<5x4x4xi1>, tensor<f32>) -> (tensor<6x?x8x16xf16>, tensor<6x8x?xf32>)
  return %0#0, %0#1 : tensor<6x?x8x16xf16>, tensor<6x8x?xf32>
}

// -----

func.func @heads(%q: tensor<1x5x8x4xf32>, %k: tensor<1x2x8x4xf32>) -> tensor<1x5x8x4xf32> {
  // expected-error @+1 {{the number of query heads, 5, is no multiple of that of key heads, 2}}
  %0 = sluice.attention %q, %k, %k : (tensor<1x5x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>) -> tensor<1x5x8x4xf32>
  return %0 : tensor<1x5x8x4xf32>
}

// -----

func.func @depth(%q: tensor<1x2x8x4xf32>, %k: tensor<1x2x8x5xf32>) -> tensor<1x2x8x5xf32> {
  // expected-error @+1 {{the sizes of query, key and value do not fit}}
  %0 = sluice.attention %q, %k, %k : (tensor<1x2x8x4xf32>, tensor<1x2x8x5xf32>, tensor<1x2x8x5xf32>) -> tensor<1x2x8x5xf32>
  return %0 : tensor<1x2x8x5xf32>
}

// -----

func.func @batch(%q: tensor<2x2x8x4xf32>, %k: tensor<3x2x8x4xf32>) -> tensor<2x2x8x4xf32> {
  // expected-error @+1 {{the sizes of query, key and value do not fit}}
  %0 = sluice.attention %q, %k, %k : (tensor<2x2x8x4xf32>, tensor<3x2x8x4xf32>, tensor<3x2x8x4xf32>) -> tensor<2x2x8x4xf32>
  return %0 : tensor<2x2x8x4xf32>
}

// -----

func.func @order(%q: tensor<1x2x8x4xf32>) -> tensor<1x2x8x4xf32> {
  // expected-error @+1 {{an order must have each of the dimensions 0 to 3 once}}
  %0 = sluice.attention %q, %q, %q {key_order = array<i64: 0, 1, 1, 3>} : (tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>) -> tensor<1x2x8x4xf32>
  return %0 : tensor<1x2x8x4xf32>
}

// -----

func.func @mask_rank(%q: tensor<1x2x8x4xf32>, %mask: tensor<1x1x1x8x8xi1>) -> tensor<1x2x8x4xf32> {
  // expected-error @+1 {{the mask has more than four dimensions}}
  %0 = sluice.attention %q, %q, %q mask %mask : (tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x1x1x8x8xi1>) -> tensor<1x2x8x4xf32>
  return %0 : tensor<1x2x8x4xf32>
}

// -----

func.func @mask_size(%q: tensor<1x2x8x4xf32>, %mask: tensor<8x7xi1>) -> tensor<1x2x8x4xf32> {
  // expected-error @+1 {{the mask does not broadcast to the scores: 7 and 8 in dimension 3}}
  %0 = sluice.attention %q, %q, %q mask %mask : (tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<8x7xi1>) -> tensor<1x2x8x4xf32>
  return %0 : tensor<1x2x8x4xf32>
}

// -----

func.func @batch_of_bias(%q: tensor<6x2x8x4xf32>, %bias: tensor<4x1x8x8xf32>) -> tensor<6x2x8x4xf32> {
  // expected-error @+1 {{the bias does not broadcast to the scores: 4 and 6 in dimension 0}}
  %0 = sluice.attention %q, %q, %q bias %bias : (tensor<6x2x8x4xf32>, tensor<6x2x8x4xf32>, tensor<6x2x8x4xf32>, tensor<4x1x8x8xf32>) -> tensor<6x2x8x4xf32>
  return %0 : tensor<6x2x8x4xf32>
}

// -----

func.func @tiles(%q: tensor<1x2x8x4xf32>, %blocks: tensor<2x2xi32>, %tiles: tensor<1x4x8xi1>) -> tensor<1x2x8x4xf32> {
  // expected-error @+1 {{tiles must be [n, 4, 4]}}
  %0 = sluice.attention %q, %q, %q blocks %blocks tiles %tiles {block_sizes = array<i64: 4, 4>} : (tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<2x2xi32>, tensor<1x4x8xi1>) -> tensor<1x2x8x4xf32>
  return %0 : tensor<1x2x8x4xf32>
}

// -----

func.func @element_types(%q: tensor<1x2x8x4xf32>, %k: tensor<1x2x8x4xf16>) -> tensor<1x2x8x4xf32> {
  // expected-error @+1 {{query, key and value must be floats of one type}}
  %0 = sluice.attention %q, %k, %k : (tensor<1x2x8x4xf32>, tensor<1x2x8x4xf16>, tensor<1x2x8x4xf16>) -> tensor<1x2x8x4xf32>
  return %0 : tensor<1x2x8x4xf32>
}

// -----

// A bias of distances: 3 + 5 - 1 of them.
// CHECK-LABEL: @relative
// CHECK: sluice.attention %{{.*}} bias %{{.*}} {relative_bias} : {{.*}} -> tensor<1x2x3x4xf32>
func.func @relative(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %bias: tensor<2x1x7xf32>) -> tensor<1x2x3x4xf32> {
  %0 = sluice.attention %q, %k, %k bias %bias {relative_bias} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<2x1x7xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

func.func @too_few_distances(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %bias: tensor<2x1x6xf32>) {
  // expected-error @+1 {{the bias does not broadcast to the scores: 6 and 7 in dimension 3}}
  %0 = sluice.attention %q, %k, %k bias %bias {relative_bias} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<2x1x6xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

func.func @distances_of_queries(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %bias: tensor<3x7xf32>) {
  // expected-error @+1 {{the bias does not broadcast to the scores: 3 and 1 in dimension 2}}
  %0 = sluice.attention %q, %k, %k bias %bias {relative_bias} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<3x7xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

func.func @no_bias(%q: tensor<1x2x3x4xf32>) {
  // expected-error @+1 {{relative_bias goes with a bias of two dimensions or more}}
  %0 = sluice.attention %q, %q, %q {relative_bias} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}
