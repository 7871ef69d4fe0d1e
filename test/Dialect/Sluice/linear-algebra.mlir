// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @round_trip
func.func @round_trip(%x: tensor<?x3x3xf32>) -> (tensor<?xf32>, tensor<?x3x3xf32>) {
  // CHECK: sluice.determinant %{{.*}} : (tensor<?x3x3xf32>) -> tensor<?xf32>
  %0 = sluice.determinant %x : (tensor<?x3x3xf32>) -> tensor<?xf32>
  // CHECK: sluice.inverse %{{.*}} : (tensor<?x3x3xf32>) -> tensor<?x3x3xf32>
  %1 = sluice.inverse %x : (tensor<?x3x3xf32>) -> tensor<?x3x3xf32>
  return %0, %1 : tensor<?xf32>, tensor<?x3x3xf32>
}

// -----

func.func @not_square(%x: tensor<2x3xf32>) {
  // expected-error@below {{the matrices must be square, not 2x3}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.determinant %x : (tensor<2x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @vector(%x: tensor<3xf32>) {
  // expected-error@below {{the operand must be a matrix}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.inverse %x : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @integers(%x: tensor<3x3xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.determinant %x : (tensor<3x3xi32>) -> tensor<i32>
  return
}
