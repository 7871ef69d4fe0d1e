// RUN: sluice-opt %s --sluice-layout-weights | FileCheck %s

// Equal constants share a place; places are aligned.
// CHECK:       sluice.weight_offsets = array<i64: 0, 64>
// CHECK-SAME:  sluice.weights_bytes = 128 : i64
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 64
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
func.func @sluice_host(%frame: !llvm.ptr) {
  %0 = kernel.weight %frame dense<1.0> : tensor<4xf32> : memref<4xf32>
  %1 = kernel.weight %frame dense<2.0> : tensor<4xf32> : memref<4xf32>
  %2 = kernel.weight %frame dense<1.0> : tensor<4xf32> : memref<4xf32>
  return
}
