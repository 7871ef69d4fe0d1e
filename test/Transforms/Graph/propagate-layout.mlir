// RUN: sluice-opt %s --split-input-file --sluice-propagate-layout --canonicalize | FileCheck %s

// Between two convolutions there is no transpose; constants follow.
// CHECK-LABEL: func.func @between
// CHECK:         sluice.transpose %arg0 {permutation = array<i64: 0, 2, 3, 1>}
// CHECK-NEXT:    sluice.conv {{.*}}channels_last
// CHECK-NEXT:    sluice.add {{.*}}tensor<1x1x1x4xf32>
// CHECK-NEXT:    sluice.relu
// CHECK-NEXT:    sluice.conv {{.*}}channels_last
// CHECK-NEXT:    sluice.transpose {{.*}}permutation = array<i64: 0, 3, 1, 2>
func.func @between(%x: tensor<1x3x8x8xf32>, %b: tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %w = sluice.constant dense<1.0> : tensor<4x3x1x1xf32>
  %v = sluice.constant dense<1.0> : tensor<4x4x1x1xf32>
  %bias = sluice.constant dense<[[[0.1]], [[0.2]], [[0.3]], [[0.4]]]> : tensor<4x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.add %0, %bias : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = sluice.relu %1 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %3 = sluice.conv %2, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %3 : tensor<1x4x8x8xf32>
}

// -----

// An op that knows only one layout keeps it.
// CHECK-LABEL: func.func @reshape
// CHECK-NOT:     sluice.transpose
func.func @reshape(%x: tensor<1x3x8x8xf32>) -> tensor<1x192xf32> {
  %s = sluice.constant dense<[1, 192]> : tensor<2xi64>
  %0 = sluice.relu %x : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %1 = sluice.reshape %0, %s : (tensor<1x3x8x8xf32>, tensor<2xi64>) -> tensor<1x192xf32>
  return %1 : tensor<1x192xf32>
}

// -----

// Transposed convolutions take part.
// CHECK-LABEL: func.func @conv_transpose
// CHECK:         sluice.conv {{.*}}channels_last
// CHECK-NEXT:    sluice.conv_transpose {{.*}}channels_last
// CHECK-NEXT:    sluice.transpose {{.*}}permutation = array<i64: 0, 3, 1, 2>
func.func @conv_transpose(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<4x3x1x1xf32>
  %v = sluice.constant dense<1.0> : tensor<4x4x2x2xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.conv_transpose %0, %v {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>} : (tensor<1x4x8x8xf32>, tensor<4x4x2x2xf32>) -> tensor<1x4x16x16xf32>
  return %1 : tensor<1x4x16x16xf32>
}

// -----

// A resized image has its channels last too, unless they are resized.
// CHECK-LABEL: func.func @resize
// CHECK:         %[[CONV:.*]] = sluice.conv {{.*}}channels_last
// CHECK:         sluice.resize %[[CONV]], {{.*}} {axes = array<i64: 1, 2>, {{.*}} -> tensor<1x16x24x4xf32>
// CHECK-NEXT:    sluice.transpose {{.*}}permutation = array<i64: 0, 3, 1, 2>
// CHECK:         sluice.resize {{.*}} {axes = array<i64: 1>, {{.*}} -> tensor<1x8x16x24xf32>
func.func @resize(%x: tensor<1x3x8x8xf32>, %sizes: tensor<2xi64>, %channels: tensor<1xi64>) -> tensor<1x8x16x24xf32> {
  %w = sluice.constant dense<1.0> : tensor<4x3x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.resize %0, %sizes {axes = array<i64: 2, 3>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 3.0>} : (tensor<1x4x8x8xf32>, tensor<2xi64>) -> tensor<1x4x16x24xf32>
  %2 = sluice.resize %1, %channels {axes = array<i64: 1>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<nearest>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0>} : (tensor<1x4x16x24xf32>, tensor<1xi64>) -> tensor<1x8x16x24xf32>
  return %2 : tensor<1x8x16x24xf32>
}

// -----

// Pools follow what they read, and so do reductions: what is left of an image
// is in one order either way. Places of largest elements are another result in
// another layout.
// CHECK-LABEL: func.func @pools
// CHECK:         %[[CONV:.*]] = sluice.conv {{.*}}channels_last
// CHECK:         sluice.max_pool %[[CONV]] {channels_last
// CHECK:         sluice.reduce %[[CONV]] {axes = array<i64: 1, 2>, kind = #sluice.reduction<mean>} : {{.*}} -> tensor<1x4xf32>
// CHECK:         sluice.max_pool_indices
// CHECK-NOT:     channels_last
func.func @pools(%x: tensor<1x3x8x8xf32>) -> (tensor<1x4x7x7xf32>, tensor<1x4xf32>, tensor<1x4x7x7xi64>) {
  %w = sluice.constant dense<1.0> : tensor<4x3x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
  %2 = sluice.reduce %0 {kind = #sluice.reduction<mean>, axes = array<i64: 2, 3>} : (tensor<1x4x8x8xf32>) -> tensor<1x4xf32>
  %3 = sluice.max_pool_indices %0 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xi64>
  return %1, %2, %3 : tensor<1x4x7x7xf32>, tensor<1x4xf32>, tensor<1x4x7x7xi64>
}

// -----

// A convolution whose weights are computed, or which has no dot unit,
// stays as it is.
// CHECK-LABEL: func.func @other_convolutions
// CHECK-NOT:     channels_last
func.func @other_convolutions(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>, %y: tensor<1x3x8x8xi8>) -> (tensor<1x4x8x8xf32>, tensor<1x4x8x8xi8>) {
  %v = sluice.constant dense<1> : tensor<4x3x1x1xi8>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.conv %y, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xi8>, tensor<4x3x1x1xi8>) -> tensor<1x4x8x8xi8>
  return %0, %1 : tensor<1x4x8x8xf32>, tensor<1x4x8x8xi8>
}
