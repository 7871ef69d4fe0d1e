// RUN: sluice-opt %s -split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-form-scans --sluice-form-linear-attention --cse | FileCheck %s
// RUN: sluice-opt %s -split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-form-scans --sluice-form-linear-attention --remarks-filter=attention --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A gate for each element of a key, whose sigmoid each step computes.
// REMARK: linear attention takes many tokens at once
// CHECK-LABEL: @gated
// CHECK:         %[[G:.*]] = sluice.sigmoid %arg4 : (tensor<32x2x64xf32>)
// CHECK-NOT:     sluice.scan
// CHECK:         sluice.linear_attention %arg0, %{{.*}}, %arg2, %arg3 decay %{{.*}} : (tensor<2x64x128xf32>, tensor<32x2x1x64xf32>, tensor<32x2x64xf32>, tensor<32x2x128xf32>, tensor<32x2x64xf32>)
func.func @gated(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %a: tensor<32x2x64xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %ai = sluice.element %a, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %g = sluice.sigmoid %ai : (tensor<2x64xf32>) -> tensor<2x64xf32>
    %g3 = sluice.unsqueeze %g {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kept = sluice.mul %s, %g3 : (tensor<2x64x128xf32>, tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %kv, %kept : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// A decay of each head, and a state [values, keys] that is summed up without a
// product.
// CHECK-LABEL: @retention
// CHECK:         sluice.transpose %arg0
// CHECK:         %[[LAST:.*]], %{{.*}} = sluice.linear_attention %{{.*}}, %{{.*}}, %arg2, %arg3 decay %{{.*}} : {{.*}} -> (tensor<2x64x128xf32>, tensor<32x2x1x128xf32>)
// CHECK:         sluice.transpose %[[LAST]]
func.func @retention(%s0: tensor<2x128x64xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %gamma: tensor<2x1x1xf32>) -> (tensor<2x128x64xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x128x64xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %kept = sluice.mul %s, %gamma : (tensor<2x128x64xf32>, tensor<2x1x1xf32>) -> tensor<2x128x64xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 2>} : (tensor<2x128xf32>) -> tensor<2x128x1xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x1x64xf32>, tensor<2x128x1xf32>) -> tensor<2x128x64xf32>
    %next = sluice.add %kept, %kv : (tensor<2x128x64xf32>, tensor<2x128x64xf32>) -> tensor<2x128x64xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %qs = sluice.mul %q3, %next : (tensor<2x1x64xf32>, tensor<2x128x64xf32>) -> tensor<2x128x64xf32>
    %o = sluice.reduce %qs {axes = array<i64: 2>, kind = #sluice.reduction<sum>} : (tensor<2x128x64xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x128x64xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x128x64xf32>, tensor<32x2x128xf32>
}

// -----

// S - b k k' S + b k v.
// CHECK-LABEL: @delta
// CHECK:         sluice.linear_attention %arg0, %{{.*}}, %arg2, %arg3 rate %arg4
func.func @delta(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %b: tensor<32x2x1xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %bi = sluice.element %b, %i : (tensor<32x2x1xf32>, index) -> tensor<2x1xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kr = sluice.unsqueeze %ki {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %b3 = sluice.unsqueeze %bi {axes = array<i64: 2>} : (tensor<2x1xf32>) -> tensor<2x1x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kb = sluice.mul %k3, %b3 : (tensor<2x64x1xf32>, tensor<2x1x1xf32>) -> tensor<2x64x1xf32>
    %r = sluice.matmul %kr, %s : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %old = sluice.mul %kb, %r : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %new = sluice.mul %kb, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
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

// What is corrected is the decayed state.
// CHECK-LABEL: @gated_delta
// CHECK:         sluice.linear_attention %arg0, %{{.*}}, %arg2, %arg3 decay %arg5 rate %arg4
func.func @gated_delta(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %b: tensor<32x2x1xf32>, %a: tensor<32x2x64xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %bi = sluice.element %b, %i : (tensor<32x2x1xf32>, index) -> tensor<2x1xf32>
    %ai = sluice.element %a, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kr = sluice.unsqueeze %ki {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %b3 = sluice.unsqueeze %bi {axes = array<i64: 2>} : (tensor<2x1xf32>) -> tensor<2x1x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %a3 = sluice.unsqueeze %ai {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kept = sluice.mul %s, %a3 : (tensor<2x64x128xf32>, tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
    %r = sluice.matmul %kr, %kept : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %d = sluice.sub %v3, %r : (tensor<2x1x128xf32>, tensor<2x1x128xf32>) -> tensor<2x1x128xf32>
    %u = sluice.mul %d, %b3 : (tensor<2x1x128xf32>, tensor<2x1x1xf32>) -> tensor<2x1x128xf32>
    %new = sluice.mul %k3, %u : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %kept, %new : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// The op knows less of the tokens than the scan.
// CHECK-LABEL: @unknown_tokens
// CHECK:         %{{.*}}, %[[OUTPUT:.*]] = sluice.linear_attention
// CHECK:         %[[ARRANGED:.*]] = sluice.squeeze %[[OUTPUT]] {{.*}} -> tensor<?x2x128xf32>
// CHECK:         tensor.cast %[[ARRANGED]] : tensor<?x2x128xf32> to tensor<32x2x128xf32>
func.func @unknown_tokens(%s0: tensor<2x64x128xf32>, %q: tensor<?x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<?x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %kv, %s : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// Keys and values are one cast, which nothing else reads.
// CHECK-LABEL: @cast_twice
// CHECK-NOT:     sluice.cast
// CHECK:         sluice.linear_attention %arg0, %{{.*}}, %arg2, %arg2 :
// CHECK-NOT:     sluice.cast
func.func @cast_twice(%s0: tensor<2x128x128xf32>, %q: tensor<32x2x128xf32>, %x: tensor<32x2x128xf16>) -> (tensor<2x128x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %k = sluice.cast %x {to = f32} : (tensor<32x2x128xf16>) -> tensor<32x2x128xf32>
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x128x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %vi = sluice.element %k, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x128xf32>) -> tensor<2x128x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x128x1xf32>, tensor<2x1x128xf32>) -> tensor<2x128x128xf32>
    %next = sluice.add %kv, %s : (tensor<2x128x128xf32>, tensor<2x128x128xf32>) -> tensor<2x128x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x128xf32>, tensor<2x128x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x128x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x128x128xf32>, tensor<32x2x128xf32>
}

// -----

// The correction knows nothing of the decay: no delta rule of the op.
// CHECK-LABEL: @undecayed
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @undecayed(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %b: tensor<32x2x1xf32>, %a: tensor<32x2x64xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %bi = sluice.element %b, %i : (tensor<32x2x1xf32>, index) -> tensor<2x1xf32>
    %ai = sluice.element %a, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kr = sluice.unsqueeze %ki {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %b3 = sluice.unsqueeze %bi {axes = array<i64: 2>} : (tensor<2x1xf32>) -> tensor<2x1x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %a3 = sluice.unsqueeze %ai {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kept = sluice.mul %s, %a3 : (tensor<2x64x128xf32>, tensor<2x64x1xf32>) -> tensor<2x64x128xf32>
    %r = sluice.matmul %kr, %s : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %d = sluice.sub %v3, %r : (tensor<2x1x128xf32>, tensor<2x1x128xf32>) -> tensor<2x1x128xf32>
    %u = sluice.mul %d, %b3 : (tensor<2x1x128xf32>, tensor<2x1x1xf32>) -> tensor<2x1x128xf32>
    %new = sluice.mul %k3, %u : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %kept, %new : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// Columns of the state decay.
// CHECK-LABEL: @columns
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @columns(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>, %a: tensor<32x2x128xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %ai = sluice.element %a, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %a3 = sluice.unsqueeze %ai {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kept = sluice.mul %s, %a3 : (tensor<2x64x128xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %kept, %kv : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// Outputs read the state before the step.
// CHECK-LABEL: @before
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @before(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.add %s, %kv : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %s : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}

// -----

// A scan keeps the state of a head in the first-level cache.
// REMARK: linear attention takes one token after another: {{.*}}the 16384 bytes of a head's state stay in the first-level cache
// CHECK-LABEL: @small
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @small(%s0: tensor<2x64x64xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x64xf32>, %a: tensor<32x2x64xf32>) -> (tensor<2x64x64xf32>, tensor<32x2x64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x64xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x64xf32>, tensor<32x2x64xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ai = sluice.element %a, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %g = sluice.sigmoid %ai : (tensor<2x64xf32>) -> tensor<2x64xf32>
    %g3 = sluice.unsqueeze %g {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %kept = sluice.mul %s, %g3 : (tensor<2x64x64xf32>, tensor<2x64x1xf32>) -> tensor<2x64x64xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x64xf32>) -> tensor<2x64x64xf32>
    %next = sluice.add %kv, %kept : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x64xf32>) -> tensor<2x1x64xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x64xf32>) -> tensor<2x64xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x64xf32>, index, tensor<2x64xf32>) -> tensor<32x2x64xf32>
    scf.yield %next, %filled : tensor<2x64x64xf32>, tensor<32x2x64xf32>
  }
  return %0#0, %0#1 : tensor<2x64x64xf32>, tensor<32x2x64xf32>
}

// -----

// The state is more than a sum.
// REMARK-NOT: remark:
// CHECK-LABEL: @saturated
// CHECK-NOT:     sluice.linear_attention
// CHECK:         sluice.scan
func.func @saturated(%s0: tensor<2x64x128xf32>, %q: tensor<32x2x64xf32>, %k: tensor<32x2x64xf32>, %v: tensor<32x2x128xf32>) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 32 : index
  %empty = tensor.empty() : tensor<32x2x128xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x64x128xf32>, tensor<32x2x128xf32>) {
    %qi = sluice.element %q, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %ki = sluice.element %k, %i : (tensor<32x2x64xf32>, index) -> tensor<2x64xf32>
    %vi = sluice.element %v, %i : (tensor<32x2x128xf32>, index) -> tensor<2x128xf32>
    %k3 = sluice.unsqueeze %ki {axes = array<i64: 2>} : (tensor<2x64xf32>) -> tensor<2x64x1xf32>
    %v3 = sluice.unsqueeze %vi {axes = array<i64: 1>} : (tensor<2x128xf32>) -> tensor<2x1x128xf32>
    %kv = sluice.mul %k3, %v3 : (tensor<2x64x1xf32>, tensor<2x1x128xf32>) -> tensor<2x64x128xf32>
    %sum = sluice.add %s, %kv : (tensor<2x64x128xf32>, tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %next = sluice.tanh %sum : (tensor<2x64x128xf32>) -> tensor<2x64x128xf32>
    %q3 = sluice.unsqueeze %qi {axes = array<i64: 1>} : (tensor<2x64xf32>) -> tensor<2x1x64xf32>
    %o3 = sluice.matmul %q3, %next : (tensor<2x1x64xf32>, tensor<2x64x128xf32>) -> tensor<2x1x128xf32>
    %o = sluice.squeeze %o3 {axes = array<i64: 1>} : (tensor<2x1x128xf32>) -> tensor<2x128xf32>
    %filled = sluice.set_element %os, %i, %o : (tensor<32x2x128xf32>, index, tensor<2x128xf32>) -> tensor<32x2x128xf32>
    scf.yield %next, %filled : tensor<2x64x128xf32>, tensor<32x2x128xf32>
  }
  return %0#0, %0#1 : tensor<2x64x128xf32>, tensor<32x2x128xf32>
}
