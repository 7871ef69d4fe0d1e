// RUN: sluice-opt %s -split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-form-scans --sluice-form-linear-attention | FileCheck %s

// What only looks like a delta rule stays a scan.

// The sum is of the state alone: the key in front of it is the row's own.
// CHECK-LABEL: @own_key
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @own_key(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %b: tensor<32x2x1xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %bi = sluice.element %b, %i : (tensor<32x2x1xf32>, index) -> tensor<2x1xf32>
    %b3 = sluice.unsqueeze %bi {axes = array<i64: 2>} : (tensor<2x1xf32>) -> tensor<2x1x1xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %k4 = sluice.unsqueeze %ki {axes = array<i64: 2, 3>} : (tensor<2x64xf32>) -> tensor<2x64x1x1xf32>
    %s4 = sluice.unsqueeze %s {axes = array<i64: 1>} : (tensor<2x64x128xf32>) -> tensor<2x1x64x128xf32>
    %p = sluice.mul %k4, %s4 : (tensor<2x64x1x1xf32>, tensor<2x1x64x128xf32>) -> tensor<2x64x64x128xf32>
    %r = sluice.reduce %p {axes = array<i64: 2>, kind = #sluice.reduction<sum>} : (tensor<2x64x64x128xf32>) -> tensor<2x64x128xf32>
    %new = sluice.mul %kv, %b3 : (tensor<2x64x128xf32>, tensor<2x1x1xf32>) -> tensor<2x64x128xf32>
    %kb = sluice.mul %k3, %b3 : (tensor<2x64x1xf32>, tensor<2x1x1xf32>) -> tensor<2x64x1xf32>
    %old = sluice.mul %kb, %r : (tensor<2x64x1xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %less = sluice.sub %s, %old : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %less, %new : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// The sum is of the key alone: the state in front of it is the row's own.
// CHECK-LABEL: @own_row
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @own_row(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %b: tensor<32x2x1xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %bi = sluice.element %b, %i : (tensor<32x2x1xf32>, index) -> tensor<2x1xf32>
    %b3 = sluice.unsqueeze %bi {axes = array<i64: 2>} : (tensor<2x1xf32>) -> tensor<2x1x1xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %k4 = sluice.unsqueeze %ki {axes = array<i64: 1, 3>} : (tensor<2x64xf32>) -> tensor<2x1x64x1xf32>
    %s4 = sluice.unsqueeze %s {axes = array<i64: 2>} : (tensor<2x64x128xf32>) -> tensor<2x64x1x128xf32>
    %p = sluice.mul %k4, %s4 : (tensor<2x1x64x1xf32>, tensor<2x64x1x128xf32>) -> tensor<2x64x64x128xf32>
    %r = sluice.reduce %p {axes = array<i64: 2>, kind = #sluice.reduction<sum>} : (tensor<2x64x64x128xf32>) -> tensor<2x64x128xf32>
    %new = sluice.mul %kv, %b3 : (tensor<2x64x128xf32>, tensor<2x1x1xf32>) -> tensor<2x64x128xf32>
    %kb = sluice.mul %k3, %b3 : (tensor<2x64x1xf32>, tensor<2x1x1xf32>) -> tensor<2x64x1xf32>
    %old = sluice.mul %kb, %r : (tensor<2x64x1xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %less = sluice.sub %s, %old : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %less, %new : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}
