// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @round_trip
// CHECK-DAG: sluice.constant dense<[1, -1]> : tensor<2xi64>
// CHECK: sluice.shape %arg0 {end = 2 : i64, start = 1 : i64} : (tensor<?x3xf32>) -> tensor<1xi64>
// CHECK: sluice.reshape %arg0, %{{.*}} {allow_zero} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<1x?xf32>
// CHECK: sluice.transpose %arg0 {permutation = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
// CHECK: sluice.unsqueeze %{{.*}} {axes = array<i64: 0, 2>} : (tensor<3x?xf32>) -> tensor<1x3x1x?xf32>
// CHECK: sluice.squeeze %{{.*}} {axes = array<i64: 0, 2>} : (tensor<1x3x1x?xf32>) -> tensor<3x?xf32>
func.func @round_trip(%a: tensor<?x3xf32>) -> (tensor<1xi64>, tensor<1x?xf32>, tensor<3x?xf32>) {
  %shape = sluice.constant dense<[1, -1]> : tensor<2xi64>
  %0 = sluice.shape %a {start = 1 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<1xi64>
  %1 = sluice.reshape %a, %shape {allow_zero} : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<1x?xf32>
  %2 = sluice.transpose %a {permutation = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %3 = sluice.unsqueeze %2 {axes = array<i64: 0, 2>} : (tensor<3x?xf32>) -> tensor<1x3x1x?xf32>
  %4 = sluice.squeeze %3 {axes = array<i64: 0, 2>} : (tensor<1x3x1x?xf32>) -> tensor<3x?xf32>
  return %0, %1, %4 : tensor<1xi64>, tensor<1x?xf32>, tensor<3x?xf32>
}

// The sizes are in the operand: -1 is what is left, 0 copies.
// CHECK-LABEL: @sizes
// CHECK: sluice.reshape %arg0, %{{.*}} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
// CHECK: sluice.broadcast %arg1, %{{.*}} : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
func.func @sizes(%a: tensor<2x3x4xf32>, %b: tensor<3x1xf32>) -> (tensor<2x12xf32>, tensor<2x3x4xf32>) {
  %copy = sluice.constant dense<[0, -1]> : tensor<2xi64>
  %wide = sluice.constant dense<[2, 1, 4]> : tensor<3xi64>
  %0 = sluice.reshape %a, %copy : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  %1 = sluice.broadcast %b, %wide : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  return %0, %1 : tensor<2x12xf32>, tensor<2x3x4xf32>
}

// -----

func.func @shape_range(%a: tensor<2x3xf32>) {
  // expected-error@below {{dimensions [1, 3) are not within rank 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.shape %a {start = 1 : i64, end = 3 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @reshape_rank(%a: tensor<2x3xf32>, %s: tensor<?xi64>) {
  // expected-error@below {{the number of result dimensions is not known at compile time}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @reshape_elements(%a: tensor<2x3xf32>) {
  %s = sluice.constant dense<[4, 2]> : tensor<2xi64>
  // expected-error@below {{cannot reshape 'tensor<2x3xf32>' to 8 elements}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return
}

// -----

func.func @reshape_rest(%a: tensor<2x3xf32>) {
  %s = sluice.constant dense<[4, -1]> : tensor<2xi64>
  // expected-error@below {{cannot reshape 'tensor<2x3xf32>' to 4 times a whole number of elements}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x?xf32>
  return
}

// -----

func.func @reshape_two_rests(%a: tensor<2x3xf32>) {
  %s = sluice.constant dense<-1> : tensor<2xi64>
  // expected-error@below {{more than one size is -1}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @reshape_negative(%a: tensor<2x3xf32>) {
  %s = sluice.constant dense<[-2]> : tensor<1xi64>
  // expected-error@below {{negative size -2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @reshape_copy(%a: tensor<6xf32>) {
  %s = sluice.constant dense<[6, 0]> : tensor<2xi64>
  // expected-error@below {{size 1 copies a dimension that the operand of rank 1 does not have}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<6x?xf32>
  return
}

// -----

func.func @reshape_overflow(%a: tensor<?xf32>) {
  %s = sluice.constant dense<[4611686018427387904, 4]> : tensor<2xi64>
  // expected-error@below {{the shape's size overflows}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return
}

// -----

func.func @permutation(%a: tensor<2x3xf32>) {
  // expected-error@below {{'sluice.transpose' op permutation must hold each dimension once}}
  %0 = sluice.transpose %a {permutation = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @permutation_rank(%a: tensor<2x3xf32>) {
  // expected-error@below {{not a permutation of 2 dimensions}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.transpose %a {permutation = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @unsqueeze_order(%a: tensor<2xf32>) {
  // expected-error@below {{axes must ascend within rank 3}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.unsqueeze %a {axes = array<i64: 1, 0>} : (tensor<2xf32>) -> tensor<1x1x2xf32>
  return
}

// -----

func.func @squeeze_axis(%a: tensor<1x2xf32>) {
  // expected-error@below {{axes must ascend within rank 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.squeeze %a {axes = array<i64: 2>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @squeeze_size(%a: tensor<1x2xf32>) {
  // expected-error@below {{cannot drop dimension 1 of size 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.squeeze %a {axes = array<i64: 1>} : (tensor<1x2xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @broadcast_shape(%a: tensor<2xf32>) {
  %s = sluice.constant dense<[2, 3]> : tensor<2xi64>
  // expected-error@below {{cannot broadcast 'tensor<2xf32>' to the wanted shape}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.broadcast %a, %s : (tensor<2xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_negative(%a: tensor<2xf32>) {
  %s = sluice.constant dense<[-1, 2]> : tensor<2xi64>
  // expected-error@below {{negative size -1}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.broadcast %a, %s : (tensor<2xf32>, tensor<2xi64>) -> tensor<?x2xf32>
  return
}
