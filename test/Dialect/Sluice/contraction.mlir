// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @matmul
// CHECK: sluice.matmul %arg0, %arg1 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
func.func @matmul(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = sluice.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: @batches
// CHECK: sluice.matmul %arg0, %arg1 : (tensor<5x1x?x3xf32>, tensor<6x3x4xf32>) -> tensor<5x6x?x4xf32>
func.func @batches(%a: tensor<5x1x?x3xf32>, %b: tensor<6x3x4xf32>) -> tensor<5x6x?x4xf32> {
  %0 = sluice.matmul %a, %b : (tensor<5x1x?x3xf32>, tensor<6x3x4xf32>) -> tensor<5x6x?x4xf32>
  return %0 : tensor<5x6x?x4xf32>
}

// CHECK-LABEL: @transposed
// CHECK: sluice.matmul %arg0, %arg1 {transpose_lhs, transpose_rhs} : (tensor<3x2xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
func.func @transposed(%a: tensor<3x2xf32>, %b: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = sluice.matmul %a, %b {transpose_lhs, transpose_rhs} : (tensor<3x2xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A depth that only one operand knows.
// CHECK-LABEL: @depth
// CHECK: sluice.matmul
func.func @depth(%a: tensor<2x?xf16>, %b: tensor<3x4xf16>) -> tensor<2x4xf16> {
  %0 = sluice.matmul %a, %b : (tensor<2x?xf16>, tensor<3x4xf16>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}

// -----

func.func @vector(%a: tensor<3xf32>, %b: tensor<3x4xf32>) {
  // expected-error@below {{operands must have rank two or more}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.matmul %a, %b : (tensor<3xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @depths_differ(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error@below {{inner dimensions differ: 3 and 4}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.matmul %a, %b : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @transposed_depths_differ(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error@below {{inner dimensions differ: 2 and 3}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.matmul %a, %b {transpose_lhs} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @batches_differ(%a: tensor<5x2x3xf32>, %b: tensor<6x3x4xf32>) {
  // expected-error@below {{batch dimensions do not broadcast}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.matmul %a, %b : (tensor<5x2x3xf32>, tensor<6x3x4xf32>) -> tensor<5x2x4xf32>
  return
}

// -----

func.func @element_types(%a: tensor<2x3xf32>, %b: tensor<3x4xf16>) {
  // expected-error@below {{'sluice.matmul' op operands must have one element type}}
  %0 = sluice.matmul %a, %b : (tensor<2x3xf32>, tensor<3x4xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @booleans(%a: tensor<2x2xi1>) {
  // expected-error@below {{takes numbers, not 'i1'}}
  %0 = sluice.matmul %a, %a : (tensor<2x2xi1>, tensor<2x2xi1>) -> tensor<2x2xi1>
  return
}
