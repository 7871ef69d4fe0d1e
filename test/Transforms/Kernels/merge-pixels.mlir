// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-form-kernels --sluice-choose-kernels | FileCheck %s

// Eight pixels at once: eight copies of the weights, each one tap further.
// CHECK-LABEL: func.func @one_channel
// CHECK:         %[[WIDE:.*]] = kernel.region "conv"
// CHECK:           sluice.conv {{.*}} {channels_last, {{.*}}pads = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 8>} : (tensor<1x90x88x16xf32>, tensor<8x16x1x10xf32>) -> tensor<1x90x11x8xf32>
// CHECK:         kernel.alias %[[WIDE]] {{.*}} -> tensor<1x90x88x1xf32>
func.func @one_channel(%x: tensor<1x90x88x16xf32>) -> tensor<1x90x88x1xf32> {
  %w = sluice.constant dense<1.0> : tensor<1x16x1x3xf32>
  %0 = sluice.conv %x, %w {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<1x16x1x3xf32>) -> tensor<1x90x88x1xf32>
  return %0 : tensor<1x90x88x1xf32>
}

// -----

// The weights of the second pixel start one stride later.
// CHECK-LABEL: func.func @weights
// CHECK:         sluice.constant dense<{{.*}}[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 0.000000e+00, 0.000000e+00]
// CHECK-SAME:      [0.000000e+00, 0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00]
// CHECK-SAME:      : tensor<8x1x8xf32>
// CHECK:         sluice.conv {{.*}}strides = array<i64: 4>} {{.*}} -> tensor<9x5000x8xf32>
func.func @weights(%x: tensor<9x20004x1xf32>) -> tensor<9x10000x4xf32> {
  %w = sluice.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]]> : tensor<4x1x6xf32>
  %0 = sluice.conv %x, %w {channels_last, dilations = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 2>} : (tensor<9x20004x1xf32>, tensor<4x1x6xf32>) -> tensor<9x10000x4xf32>
  return %0 : tensor<9x10000x4xf32>
}

// -----

// Pixels beyond the end of a line see zeros and are dropped.
// CHECK-LABEL: func.func @rest
// CHECK:         sluice.conv {{.*}}pads = array<i64: 0, 8>, strides = array<i64: 16>} : (tensor<?x5734x1xf32>, tensor<8x1x270xf32>) -> tensor<?x343x8xf32>
// CHECK:         kernel.alias {{.*}} -> tensor<?x2744x1xf32>
// CHECK:         sluice.slice {{.*}}ends = array<i64: 9223372036854775807, 2740, 9223372036854775807>{{.*}} -> tensor<?x2740x1xf32>
func.func @rest(%x: tensor<?x5734x1xf32>) -> tensor<?x2740x1xf32> {
  %w = sluice.constant dense<1.0> : tensor<1x1x256xf32>
  %0 = sluice.conv %x, %w {channels_last, dilations = array<i64: 1>, pads = array<i64: 0, 0>, strides = array<i64: 2>} : (tensor<?x5734x1xf32>, tensor<1x1x256xf32>) -> tensor<?x2740x1xf32>
  return %0 : tensor<?x2740x1xf32>
}

// -----

// Enough channels, single taps, tiles given by hand, weights known at run time,
// lines of unknown length and little work: all stay.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     kernel.alias
func.func @others(%x: tensor<1x90x88x16xf32>, %w: tensor<1x16x3x3xf32>, %y: tensor<1x90x?x16xf32>, %z: tensor<1x9x8x16xf32>) -> (tensor<1x90x88x5xf32>, tensor<1x90x88x1xf32>, tensor<1x90x88x1xf32>, tensor<1x90x88x1xf32>, tensor<1x90x?x1xf32>, tensor<1x9x8x1xf32>) {
  %w5 = sluice.constant dense<1.0> : tensor<5x16x3x3xf32>
  %w1 = sluice.constant dense<1.0> : tensor<1x16x3x3xf32>
  %single = sluice.constant dense<1.0> : tensor<1x16x1x1xf32>
  %0 = sluice.conv %x, %w5 {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<5x16x3x3xf32>) -> tensor<1x90x88x5xf32>
  %1 = sluice.conv %x, %single {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<1x16x1x1xf32>) -> tensor<1x90x88x1xf32>
  %2 = sluice.conv %x, %w1 {channels_last, dilations = array<i64: 1, 1>, kernel.tiling = #kernel.tiling<tile_rows = 2>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<1x16x3x3xf32>) -> tensor<1x90x88x1xf32>
  %3 = sluice.conv %x, %w {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<1x16x3x3xf32>) -> tensor<1x90x88x1xf32>
  %4 = sluice.conv %y, %w1 {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x?x16xf32>, tensor<1x16x3x3xf32>) -> tensor<1x90x?x1xf32>
  %5 = sluice.conv %z, %w1 {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x9x8x16xf32>, tensor<1x16x3x3xf32>) -> tensor<1x9x8x1xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<1x90x88x5xf32>, tensor<1x90x88x1xf32>, tensor<1x90x88x1xf32>, tensor<1x90x88x1xf32>, tensor<1x90x?x1xf32>, tensor<1x9x8x1xf32>
}

// -----

// What follows reads pixels: it becomes a kernel of its own.
// CHECK-LABEL: func.func @epilogue
// CHECK:         kernel.region "conv"
// CHECK-NOT:       sluice.relu
// CHECK:         %[[NARROW:.*]] = kernel.alias
// CHECK:         kernel.region "map" ins(%[[NARROW]]
// CHECK:           sluice.relu
func.func @epilogue(%x: tensor<1x90x88x16xf32>) -> tensor<1x90x88x1xf32> {
  %w = sluice.constant dense<1.0> : tensor<1x16x1x3xf32>
  %0 = sluice.conv %x, %w {channels_last, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 1>} : (tensor<1x90x88x16xf32>, tensor<1x16x1x3xf32>) -> tensor<1x90x88x1xf32>
  %1 = sluice.relu %0 : (tensor<1x90x88x1xf32>) -> tensor<1x90x88x1xf32>
  return %1 : tensor<1x90x88x1xf32>
}
