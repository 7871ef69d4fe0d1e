// RUN: sluice-opt %s --pass-pipeline='builtin.module(func.func(sluice-decompose{only-unserved}))' --remarks-filter=fusion 2>&1 | FileCheck %s

// Attention in f64 has no kernel of its own, softmax has one.
// CHECK: no kernel computes this 'attention': several do
// CHECK-NOT: no kernel
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
