// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @conv
func.func @conv(%x: tensor<1x8x10x12xf32>, %w: tensor<6x4x3x5xf32>)
    -> tensor<1x6x5x12xf32> {
  // CHECK: sluice.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, groups = 2 : i64
  %0 = sluice.conv %x, %w {strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 2, 1, 2>, groups = 2 : i64}
    : (tensor<1x8x10x12xf32>, tensor<6x4x3x5xf32>) -> tensor<1x6x5x12xf32>
  return %0 : tensor<1x6x5x12xf32>
}

// CHECK-LABEL: @conv_channels_last
func.func @conv_channels_last(%x: tensor<1x10x8xf32>, %w: tensor<6x8x3xf32>)
    -> tensor<1x4x6xf32> {
  // CHECK: channels_last
  %0 = sluice.conv %x, %w {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels_last}
    : (tensor<1x10x8xf32>, tensor<6x8x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// CHECK-LABEL: @conv_transpose
func.func @conv_transpose(%x: tensor<?x8x5x5xf32>, %w: tensor<8x3x2x2xf32>)
    -> tensor<?x3x10x10xf32> {
  // CHECK: sluice.conv_transpose
  %0 = sluice.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
    : (tensor<?x8x5x5xf32>, tensor<8x3x2x2xf32>) -> tensor<?x3x10x10xf32>
  return %0 : tensor<?x3x10x10xf32>
}

// -----

func.func @channels(%x: tensor<1x8x10xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error@below {{the input has 8 channels, the weight takes 4 in 1 groups}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x8x10xf32>, tensor<6x4x3xf32>) -> tensor<1x6x8xf32>
  return
}

// -----

func.func @kernel(%x: tensor<1x4x2xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error@below {{a kernel of size 3 does not fit a padded dimension of size 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x4x2xf32>, tensor<6x4x3xf32>) -> tensor<1x6x1xf32>
  return
}

// -----

func.func @strides(%x: tensor<1x4x2xf32>, %w: tensor<6x4x1xf32>) {
  // expected-error@below {{strides and dilations must be positive, not 0}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.conv %x, %w {strides = array<i64: 0>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x4x2xf32>, tensor<6x4x1xf32>) -> tensor<1x6x1xf32>
  return
}
