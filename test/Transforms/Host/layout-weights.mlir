// RUN: sluice-opt %s --sluice-layout-weights -split-input-file | FileCheck %s

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

// -----

// So do constants that are packed in one order for images of several sizes;
// other tiles need another order.
// CHECK:       sluice.weight_offsets = array<i64: 0, 9216>
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 0
// CHECK:         kernel.weight %arg0 {{.*}}offset = 9216
func.func @sluice_host(%frame: !llvm.ptr) {
  %0 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = {batch = 1 : i64, cpu = "x86-64-v3", dilations = array<i64: 1, 1>, groups = 1 : i64, input_channels = 16 : i64, input_sizes = array<i64: 28, 28>, kernel = array<i64: 3, 3>, kind = "convolution", order = array<i64: 0, 1, 16>, output_channels = 16 : i64, output_sizes = array<i64: 28, 28>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>, transposed = false, triple = "x86_64-linux-gnu", tiling = #kernel.tiling<tile_vectors = 2>}} : memref<2304xf32>
  %1 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = {batch = 1 : i64, cpu = "x86-64-v3", dilations = array<i64: 1, 1>, groups = 1 : i64, input_channels = 16 : i64, input_sizes = array<i64: 14, 14>, kernel = array<i64: 3, 3>, kind = "convolution", order = array<i64: 0, 1, 16>, output_channels = 16 : i64, output_sizes = array<i64: 14, 14>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>, transposed = false, triple = "x86_64-linux-gnu", tiling = #kernel.tiling<tile_vectors = 2>}} : memref<2304xf32>
  %2 = kernel.weight %frame dense<1.0> : tensor<16x16x3x3xf32> {packing = {batch = 1 : i64, cpu = "x86-64-v3", dilations = array<i64: 1, 1>, groups = 1 : i64, input_channels = 16 : i64, input_sizes = array<i64: 28, 28>, kernel = array<i64: 3, 3>, kind = "convolution", order = array<i64: 0, 1, 8>, output_channels = 16 : i64, output_sizes = array<i64: 28, 28>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>, transposed = false, triple = "x86_64-linux-gnu", tiling = #kernel.tiling<tile_vectors = 1>}} : memref<2304xf32>
  return
}
