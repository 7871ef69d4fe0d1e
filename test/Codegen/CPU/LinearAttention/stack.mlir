// RUN: sluice-opt %s --sluice-set-target=cpu=znver3 --sluice-emit-kernels | FileCheck %s

// The state, keys and their panel, queries and products of decays together
// take at most 224 KiB of the stack: a task has 40 columns.
// CHECK-LABEL: kernel.func @long_keys
// CHECK:         scf.parallel
// CHECK:           memref.alloca() {alignment = 64 : i64} : memref<20480xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<8192xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<8192xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<8192xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<640xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<256xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<8192xf32>
// CHECK-NOT:       memref.alloca
kernel.func @long_keys "linear_attention" {
^bb0(%s: tensor<2x512x160xf32>, %q: tensor<32x2x1x512xf32>, %k: tensor<32x2x512xf32>, %v: tensor<32x2x160xf32>, %a: tensor<32x2x512xf32>):
  %0:2 = sluice.linear_attention %s, %q, %k, %v decay %a : (tensor<2x512x160xf32>, tensor<32x2x1x512xf32>, tensor<32x2x512xf32>, tensor<32x2x160xf32>, tensor<32x2x512xf32>) -> (tensor<2x512x160xf32>, tensor<32x2x1x160xf32>)
  kernel.yield %0#0, %0#1 : tensor<2x512x160xf32>, tensor<32x2x1x160xf32>
}
