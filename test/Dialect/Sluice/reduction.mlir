// RUN: sluice-opt %s -split-input-file -verify-diagnostics -canonicalize | FileCheck %s

// CHECK-LABEL: @reduce
func.func @reduce(%x: tensor<2x3x?xf32>) -> (tensor<2x1x1xf32>, tensor<2x?xf32>) {
  // CHECK: sluice.reduce %{{.*}} {axes = array<i64: 1, 2>, keep_dims, kind = #sluice.reduction<mean>}
  %0 = sluice.reduce %x {kind = #sluice.reduction<mean>, axes = array<i64: 1, 2>, keep_dims}
    : (tensor<2x3x?xf32>) -> tensor<2x1x1xf32>
  // CHECK: kind = #sluice.reduction<log_sum>
  %1 = sluice.reduce %x {kind = #sluice.reduction<log_sum>, axes = array<i64: 1>}
    : (tensor<2x3x?xf32>) -> tensor<2x?xf32>
  return %0, %1 : tensor<2x1x1xf32>, tensor<2x?xf32>
}

// CHECK-LABEL: @no_axes
func.func @no_axes(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64>}
    : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %[[SQUARES:.*]] = sluice.reduce %[[X:.*]] {axes = array<i64>, kind = #sluice.reduction<sum_square>}
  %1 = sluice.reduce %x {kind = #sluice.reduction<sum_square>, axes = array<i64>}
    : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: return %[[X]], %[[SQUARES]]
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}

// CHECK-LABEL: @constant_axes
func.func @constant_axes(%x: tensor<2x3x4xf32>) -> tensor<?xf32> {
  // CHECK: sluice.reduce %{{.*}} {axes = array<i64: 0, 2>, kind = #sluice.reduction<max>}
  %axes = sluice.constant dense<[-1, 0]> : tensor<2xi64>
  %0 = sluice.reduce_axes %x, %axes {kind = #sluice.reduction<max>}
    : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: @arguments
func.func @arguments(%x: tensor<2x3x4xui8>) -> (tensor<2x4xi64>, tensor<2x3x1xi64>) {
  // CHECK: sluice.arg_max
  %0 = sluice.arg_max %x {axis = 1 : i64, last} : (tensor<2x3x4xui8>) -> tensor<2x4xi64>
  // CHECK: sluice.arg_min
  %1 = sluice.arg_min %x {axis = 2 : i64, keep_dims} : (tensor<2x3x4xui8>) -> tensor<2x3x1xi64>
  return %0, %1 : tensor<2x4xi64>, tensor<2x3x1xi64>
}

// -----

func.func @axes(%x: tensor<2x3xf32>) {
  // expected-error@below {{axes must ascend within rank 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 1, 0>}
    : (tensor<2x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @too_many_axes_kept(%x: tensor<2x3xf32>, %axes: tensor<3xi64>) {
  // expected-error@below {{there are more axes than dimensions}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reduce_axes %x, %axes {kind = #sluice.reduction<sum>, keep_dims}
    : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @too_many_axes(%x: tensor<2x3xf32>, %axes: tensor<3xi64>) {
  // expected-error@below {{there are more axes than dimensions}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reduce_axes %x, %axes {kind = #sluice.reduction<sum>}
    : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<f32>
  return
}

// -----

func.func @argument_axis(%x: tensor<2x3xf32>) {
  // expected-error@below {{axis 2 is not a dimension of a tensor of rank 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.arg_max %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @argument_of_nothing(%x: tensor<2x0xf32>) {
  // expected-error@below {{an empty dimension has no largest or smallest element}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.arg_min %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @no_arguments_of_nothing(%x: tensor<0x0xf32>) {
  %0 = sluice.arg_min %x {axis = 1 : i64} : (tensor<0x0xf32>) -> tensor<0xi64>
  return
}
