// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v4 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// A result that leaves the cache, and the residual that is added: while a tile
// multiplies, it fetches its places in both.
// CHECK-LABEL: kernel.func @large "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:    [[Z:%arg[0-9]+]]: memref<1x56x56x256xf32>, [[Y:%arg[0-9]+]]: memref<1x56x56x256xf32>
// CHECK:         [[RESULT:%.*]] = memref.collapse_shape [[Y]]
// CHECK:         [[RESIDUAL:%.*]] = memref.collapse_shape [[Z]]
// CHECK:         scf.for {{.*}} iter_args
// CHECK:         memref.prefetch [[RESULT]]{{.*}}, read, locality<3>, data
// CHECK:         memref.prefetch [[RESIDUAL]]{{.*}}, read, locality<3>, data
// CHECK:         vector.fma
kernel.func @large "packed_conv" {
^bb0(%x: tensor<1x56x56x64xf32>, %w: tensor<16384xf32>, %z: tensor<1x56x56x256xf32>):
  %0 = kernel.packed_conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, kernel = array<i64: 1, 1>, output_channels = 256 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x56x56x64xf32>, tensor<16384xf32>) -> tensor<1x56x56x256xf32>
  %1 = sluice.add %0, %z : (tensor<1x56x56x256xf32>, tensor<1x56x56x256xf32>) -> tensor<1x56x56x256xf32>
  kernel.yield %1 : tensor<1x56x56x256xf32>
}

// With strides.
// CHECK-LABEL: kernel.func @strided "
// CHECK:         memref.prefetch {{.*}}, read, locality<3>, data
kernel.func @strided "packed_conv" {
^bb0(%x: tensor<1x56x56x64xf32>, %w: tensor<32768xf32>):
  %0 = kernel.packed_conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, kernel = array<i64: 1, 1>, output_channels = 512 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x56x56x64xf32>, tensor<32768xf32>) -> tensor<1x28x28x512xf32>
  kernel.yield %0 : tensor<1x28x28x512xf32>
}

// A small one is in the cache, and so is its residual.
// CHECK-LABEL: kernel.func @small "
// CHECK-NOT:     locality<3>
kernel.func @small "packed_conv" {
^bb0(%x: tensor<1x7x7x64xf32>, %w: tensor<4096xf32>, %z: tensor<1x7x7x64xf32>):
  %0 = kernel.packed_conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, kernel = array<i64: 1, 1>, output_channels = 64 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x7x7x64xf32>, tensor<4096xf32>) -> tensor<1x7x7x64xf32>
  %1 = sluice.add %0, %z : (tensor<1x7x7x64xf32>, tensor<1x7x7x64xf32>) -> tensor<1x7x7x64xf32>
  kernel.yield %1 : tensor<1x7x7x64xf32>
}
