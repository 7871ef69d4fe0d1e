// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// An image larger than the second-level cache is streamed line by line, and
// the line below is fetched ahead.
// CHECK-LABEL: kernel.func @large "
// CHECK:         memref.prefetch {{.*}}, read, locality<2>, data
kernel.func @large "packed_conv" {
^bb0(%x: tensor<1x112x112x64xf32>, %w: tensor<576xf32>):
  %0 = kernel.packed_conv %x, %w {dilations = array<i64: 1, 1>, groups = 64 : i64, kernel = array<i64: 3, 3>, output_channels = 64 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x112x112x64xf32>, tensor<576xf32>) -> tensor<1x112x112x64xf32>
  kernel.yield %0 : tensor<1x112x112x64xf32>
}

// A small one is not.
// CHECK-LABEL: kernel.func @small "
// CHECK-NOT:     memref.prefetch
kernel.func @small "packed_conv" {
^bb0(%x: tensor<1x14x14x64xf32>, %w: tensor<576xf32>):
  %0 = kernel.packed_conv %x, %w {dilations = array<i64: 1, 1>, groups = 64 : i64, kernel = array<i64: 3, 3>, output_channels = 64 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x14x14x64xf32>, tensor<576xf32>) -> tensor<1x14x14x64xf32>
  kernel.yield %0 : tensor<1x14x14x64xf32>
}
