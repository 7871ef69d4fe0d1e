// RUN: sluice-opt %s --sluice-layout-weights -split-input-file | FileCheck %s

// Equal constants share a place; places are aligned.
// CHECK:       sluice.weights_bytes = 128 : i64
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 64
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:       kernel.constant @constant at 0 dense<1.000000e+00> : tensor<4xf32>
// CHECK:       kernel.constant @constant_0 at 64 dense<2.000000e+00> : tensor<4xf32>
// CHECK-NOT:   kernel.constant
func.func @sluice_host(%frame: !llvm.ptr) {
  %0 = kernel.weight %frame dense<1.0> : tensor<4xf32> : memref<4xf32>
  %1 = kernel.weight %frame dense<2.0> : tensor<4xf32> : memref<4xf32>
  %2 = kernel.weight %frame dense<1.0> : tensor<4xf32> : memref<4xf32>
  return
}

// -----

// So do constants that are packed in one order; other panels are another order.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 9216
// CHECK:       kernel.constant @constant at 0 {{.*}}packing = #kernel.convolution_panels<width = 16>
// CHECK:       kernel.constant @constant_0 at 9216 {{.*}}packing = #kernel.convolution_panels<width = 8>
func.func @sluice_host(%frame: !llvm.ptr) {
  %0 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = #kernel.convolution_panels<width = 16>} : memref<2304xf32>
  %1 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = #kernel.convolution_panels<width = 16, groups = 1, merged_groups = 1>} : memref<2304xf32>
  %2 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = #kernel.convolution_panels<width = 8>} : memref<2304xf32>
  return
}
