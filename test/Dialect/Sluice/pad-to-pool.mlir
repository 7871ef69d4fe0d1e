// RUN: sluice-opt %s -canonicalize -split-input-file | FileCheck %s

// The lowest number is no maximum; zeros are none beside what a window surely
// has of the image, where that is not negative.
// CHECK-LABEL: @maximum(
// CHECK-NOT: sluice.pad
// CHECK: sluice.max_pool %arg0 {{.*}}pads = array<i64: 1, 3, 1, 3>
// CHECK: %[[X:.*]] = sluice.relu
// CHECK: sluice.max_pool %[[X]] {{.*}}pads = array<i64: 1, 2, 1, 1>
func.func @maximum(%x: tensor<1x5x5x2xf32>) -> (tensor<1x5x9x2xf32>, tensor<1x3x3x2xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %lowest = sluice.constant dense<0xFF800000> : tensor<f32>
  %0 = sluice.pad %x, %lowest {high = array<i64: 0, 1, 3, 0>, low = array<i64: 0, 1, 3, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x7x11x2xf32>
  %1 = sluice.max_pool %0 {channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x7x11x2xf32>) -> tensor<1x5x9x2xf32>
  %2 = sluice.relu %x : (tensor<1x5x5x2xf32>) -> tensor<1x5x5x2xf32>
  %3 = sluice.pad %2, %zero {high = array<i64: 0, 1, 1, 0>, low = array<i64: 0, 1, 1, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x7x7x2xf32>
  %4 = sluice.max_pool %3 {channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 1, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x7x7x2xf32>) -> tensor<1x3x3x2xf32>
  return %1, %4 : tensor<1x5x9x2xf32>, tensor<1x3x3x2xf32>
}

// -----

// Zeros beside negative numbers, windows of zeros alone, batches, windows that
// begin in the padding, and lines of one channel.
// CHECK-LABEL: @kept(
// CHECK-COUNT-5: sluice.pad
func.func @kept(%x: tensor<1x5x5x2xf32>) -> (tensor<1x7x7x2xf32>, tensor<1x9x9x2xf32>, tensor<2x5x5x2xf32>, tensor<1x3x4x2xf32>, tensor<1x5x5x2xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.pad %x, %zero {high = array<i64: 0, 2, 2, 0>, low = array<i64: 0, 2, 2, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x9x9x2xf32>
  %1 = sluice.max_pool %0 {channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x9x9x2xf32>) -> tensor<1x7x7x2xf32>
  %2 = sluice.relu %x : (tensor<1x5x5x2xf32>) -> tensor<1x5x5x2xf32>
  %3 = sluice.pad %2, %zero {high = array<i64: 0, 3, 3, 0>, low = array<i64: 0, 3, 3, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x11x11x2xf32>
  %4 = sluice.max_pool %3 {channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x11x11x2xf32>) -> tensor<1x9x9x2xf32>
  %5 = sluice.pad %2, %zero {high = array<i64: 1, 0, 0, 0>, low = array<i64: 0, 0, 0, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<2x5x5x2xf32>
  %6 = sluice.max_pool %5 {channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x5x5x2xf32>) -> tensor<2x5x5x2xf32>
  %7 = sluice.pad %2, %zero {high = array<i64: 0, 1, 2, 0>, low = array<i64: 0, 1, 2, 0>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x7x9x2xf32>
  %8 = sluice.max_pool %7 {ceil_mode, channels_last, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x7x9x2xf32>) -> tensor<1x3x4x2xf32>
  %9 = sluice.pad %2, %zero {high = array<i64: 0, 0, 0, 1>, low = array<i64: 0, 0, 0, 1>} : (tensor<1x5x5x2xf32>, tensor<f32>) -> tensor<1x5x5x4xf32>
  %10 = sluice.max_pool %9 {dilations = array<i64: 1, 1>, kernel = array<i64: 1, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x5x4xf32>) -> tensor<1x5x5x2xf32>
  return %1, %4, %6, %8, %10 : tensor<1x7x7x2xf32>, tensor<1x9x9x2xf32>, tensor<2x5x5x2xf32>, tensor<1x3x4x2xf32>, tensor<1x5x5x2xf32>
}
