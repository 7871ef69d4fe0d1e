// RUN: sluice-opt %s --pass-pipeline='builtin.module(func.func(sluice-decompose{only-unserved}))' --remarks-filter=fusion 2>&1 | FileCheck %s

// Attention in f64 has no kernel of its own, softmax has one.
// CHECK: no kernel computes this 'attention': several do
// CHECK-NOT: no kernel computes this 'softmax'
// CHECK-LABEL: @attention
// CHECK-NOT: sluice.attention
func.func @attention(%q: tensor<1x2x4x8xf64>) -> tensor<1x2x4x8xf64> {
  %0 = sluice.attention %q, %q, %q : (tensor<1x2x4x8xf64>, tensor<1x2x4x8xf64>, tensor<1x2x4x8xf64>) -> tensor<1x2x4x8xf64>
  return %0 : tensor<1x2x4x8xf64>
}

// CHECK-LABEL: @softmax
// CHECK: sluice.softmax
func.func @softmax(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// What it demands of sizes is asserted once, in terms of the function's inputs,
// and stays before the ops that it becomes. Nothing else is left of asking.
// CHECK-LABEL: @sizes
// CHECK-SAME: %[[Q:.*]]: tensor<1x2x?x8xf64>, %[[K:.*]]: tensor<1x2x?x8xf64>, %[[V:.*]]: tensor<1x2x?x8xf64>
// CHECK-DAG: %[[KEYS:.*]] = tensor.dim %[[K]],
// CHECK-DAG: %[[VALUES:.*]] = tensor.dim %[[V]],
// CHECK-NOT: tensor.dim
// CHECK: %[[FITS:.*]] = arith.cmpi eq, %[[VALUES]], %[[KEYS]]
// CHECK: cf.assert %[[FITS]], "there are not as many values as keys"
// CHECK-NOT: {{cf.assert|tensor.dim}}
// CHECK: sluice.matmul
// CHECK-NOT: {{cf.assert|tensor.dim}}
// CHECK: return
func.func @sizes(%q: tensor<1x2x?x8xf64>, %k: tensor<1x2x?x8xf64>, %v: tensor<1x2x?x8xf64>) -> tensor<1x2x?x8xf64> {
  %0 = sluice.exp %k : (tensor<1x2x?x8xf64>) -> tensor<1x2x?x8xf64>
  %1 = sluice.attention %q, %0, %v : (tensor<1x2x?x8xf64>, tensor<1x2x?x8xf64>, tensor<1x2x?x8xf64>) -> tensor<1x2x?x8xf64>
  return %1 : tensor<1x2x?x8xf64>
}

// Inputs of one name have one size.
// CHECK-LABEL: @named
// CHECK-NOT: {{cf.assert|tensor.dim}}
// CHECK: return
func.func @named(%q: tensor<1x2x?x8xf64>, %k: tensor<1x2x?x8xf64> {sluice.dims = ["", "", "n", ""]}, %v: tensor<1x2x?x8xf64> {sluice.dims = ["", "", "n", ""]}) -> tensor<1x2x?x8xf64> {
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x?x8xf64>, tensor<1x2x?x8xf64>, tensor<1x2x?x8xf64>) -> tensor<1x2x?x8xf64>
  return %0 : tensor<1x2x?x8xf64>
}
