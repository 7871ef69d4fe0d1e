// RUN: sluice-opt %s -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: func @flatten_concat
// CHECK: sluice.concat %arg0, %arg1, %arg0 {axis = 1 : i64}
func.func @flatten_concat(%a: tensor<2x3xf32>, %b: tensor<2x?xf32>,
                          %none: tensor<2x0xf32>) -> tensor<2x?xf32> {
  %0 = sluice.concat %b, %a {axis = 1 : i64} : (tensor<2x?xf32>, tensor<2x3xf32>) -> tensor<2x?xf32>
  %1 = sluice.concat %a, %none, %0 {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x0xf32>, tensor<2x?xf32>) -> tensor<2x?xf32>
  return %1 : tensor<2x?xf32>
}

// -----

// CHECK-LABEL: func @whole_slice
// CHECK-NEXT: return %arg0
func.func @whole_slice(%a: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %0 = sluice.slice %a {starts = array<i64: 0, -3>, ends = array<i64: 9223372036854775807, 3>, steps = array<i64: 1, 1>} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func @known_bounds
// CHECK: sluice.slice %arg0 {ends = array<i64: 4>, starts = array<i64: 1>, steps = array<i64: 2>} : (tensor<5xf32>) -> tensor<2xf32>
func.func @known_bounds(%a: tensor<5xf32>) -> tensor<2xf32> {
  %starts = sluice.constant dense<1> : tensor<1xi64>
  %ends = sluice.constant dense<4> : tensor<1xi64>
  %steps = sluice.constant dense<2> : tensor<1xi64>
  %0 = sluice.slice %a, %starts, %ends, %steps {starts = array<i64>, ends = array<i64>, steps = array<i64>} : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// CHECK-LABEL: func @known_widths
// CHECK: sluice.pad %arg0, %arg1 {high = array<i64: 0, 1>, low = array<i64: 2, -1>}
func.func @known_widths(%a: tensor<2x2xf32>, %v: tensor<f32>) -> tensor<4x2xf32> {
  %widths = sluice.constant dense<[2, -1, 0, 1]> : tensor<4xi64>
  %0 = sluice.pad %a, %v, %widths {low = array<i64>, high = array<i64>} : (tensor<2x2xf32>, tensor<f32>, tensor<4xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func @no_padding
// CHECK-NEXT: return %arg0
func.func @no_padding(%a: tensor<2x?xf32>, %v: tensor<f32>) -> tensor<2x?xf32> {
  %0 = sluice.pad %a, %v {low = array<i64: 0, 0>, high = array<i64: 0, 0>} : (tensor<2x?xf32>, tensor<f32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

// CHECK-LABEL: func @gather_one
// CHECK: %[[SLICE:.*]] = sluice.slice %arg0 {ends = array<i64: 9223372036854775807, 3>, starts = array<i64: 0, 2>, steps = array<i64: 1, 1>} : (tensor<4x3xf32>) -> tensor<4x1xf32>
// CHECK: sluice.reshape %[[SLICE]]
func.func @gather_one(%a: tensor<4x3xf32>) -> tensor<4xf32> {
  %i = sluice.constant dense<-1> : tensor<i64>
  %0 = sluice.gather %a, %i {axis = 1 : i64} : (tensor<4x3xf32>, tensor<i64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func @round_trip
// CHECK: sluice.extend %arg0 {high = array<i64: 1, 0>, low = array<i64: 0, 2>, mode = #sluice.extend<reflect>}
// CHECK: sluice.cumulate %arg0 {axis = 1 : i64, exclusive, kind = #sluice.cumulate<sum>}
func.func @round_trip(%a: tensor<3x3xf32>) -> (tensor<4x5xf32>, tensor<3x3xf32>) {
  %0 = sluice.extend %a {low = array<i64: 0, 2>, high = array<i64: 1, 0>, mode = #sluice.extend<reflect>} : (tensor<3x3xf32>) -> tensor<4x5xf32>
  %1 = sluice.cumulate %a {axis = 1 : i64, exclusive, kind = #sluice.cumulate<sum>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0, %1 : tensor<4x5xf32>, tensor<3x3xf32>
}

// -----

// CHECK-LABEL: func @lists
// CHECK: sluice.element %arg0, %arg2 : (tensor<4x?xf32>, index) -> tensor<?xf32>
// CHECK: sluice.set_element %arg0, %arg2, %arg1 : (tensor<4x?xf32>, index, tensor<?xf32>) -> tensor<4x?xf32>
// CHECK: sluice.append %arg0, %arg1 : (tensor<4x?xf32>, tensor<?xf32>) -> tensor<5x?xf32>
func.func @lists(%l: tensor<4x?xf32>, %e: tensor<?xf32>, %i: index) -> (tensor<?xf32>, tensor<4x?xf32>, tensor<5x?xf32>) {
  %0 = sluice.element %l, %i : (tensor<4x?xf32>, index) -> tensor<?xf32>
  %1 = sluice.set_element %l, %i, %e : (tensor<4x?xf32>, index, tensor<?xf32>) -> tensor<4x?xf32>
  %2 = sluice.append %l, %e : (tensor<4x?xf32>, tensor<?xf32>) -> tensor<5x?xf32>
  return %0, %1, %2 : tensor<?xf32>, tensor<4x?xf32>, tensor<5x?xf32>
}

// -----

// Zeros around an image are pads of the convolution.
// CHECK-LABEL: @pad_conv(
// CHECK-NOT: sluice.pad
// CHECK: sluice.conv %arg0, {{.*}}pads = array<i64: 1, 3, 1, 0>
func.func @pad_conv(%x: tensor<?x3x8x?xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<?x4x8x?xf32> {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.pad %x, %zero {low = array<i64: 0, 0, 1, 2>, high = array<i64: 0, 0, 1, 0>} : (tensor<?x3x8x?xf32>, tensor<f32>) -> tensor<?x3x10x?xf32>
  %1 = sluice.conv %0, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 0>} : (tensor<?x3x10x?xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x8x?xf32>
  return %1 : tensor<?x4x8x?xf32>
}

// -----

// Not other numbers, not other dimensions, and nothing that is cropped.
// CHECK-LABEL: @pad_conv_stays(
// CHECK-COUNT-3: sluice.pad
func.func @pad_conv_stays(%x: tensor<1x3x8xf32>, %w: tensor<4x4x3xf32>, %v: tensor<4x3x3xf32>) -> (tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x5xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %0 = sluice.pad %x, %one {low = array<i64: 0, 0, 1>, high = array<i64: 0, 0, 1>} : (tensor<1x3x8xf32>, tensor<f32>) -> tensor<1x3x10xf32>
  %1 = sluice.conv %0, %v {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x3x10xf32>, tensor<4x3x3xf32>) -> tensor<1x4x8xf32>
  %2 = sluice.pad %x, %zero {low = array<i64: 0, 1, 1>, high = array<i64: 0, 0, 1>} : (tensor<1x3x8xf32>, tensor<f32>) -> tensor<1x4x10xf32>
  %3 = sluice.conv %2, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x4x10xf32>, tensor<4x4x3xf32>) -> tensor<1x4x8xf32>
  %4 = sluice.pad %x, %zero {low = array<i64: 0, 0, -1>, high = array<i64: 0, 0, 0>} : (tensor<1x3x8xf32>, tensor<f32>) -> tensor<1x3x7xf32>
  %5 = sluice.conv %4, %v {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x3x7xf32>, tensor<4x3x3xf32>) -> tensor<1x4x5xf32>
  return %1, %3, %5 : tensor<1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x5xf32>
}

// -----

// Two tensors side by side in a new last dimension, which joins the one in
// front of it: elements in turns. Shapes that a run knows stay.
// CHECK-LABEL: func @stacked
// CHECK: %[[PAIRS:.*]] = sluice.interleave %arg0, %arg1 : (tensor<?x3x8xf32>, tensor<?x3x8xf32>) -> tensor<?x3x16xf32>
// CHECK: sluice.reshape %[[PAIRS]], %arg3 : (tensor<?x3x16xf32>, tensor<3xi64>) -> tensor<?x3x16xf32>
// CHECK: %[[KNOWN:.*]] = sluice.interleave %arg2, %arg2 : (tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<5x16xf32>
// CHECK: return %{{.*}}, %[[KNOWN]]
func.func @stacked(%a: tensor<?x3x8xf32>, %b: tensor<?x3x8xf32>, %c: tensor<5x8xf32>, %shape: tensor<3xi64>) -> (tensor<?x3x16xf32>, tensor<5x16xf32>) {
  %0 = sluice.unsqueeze %a {axes = array<i64: 3>} : (tensor<?x3x8xf32>) -> tensor<?x3x8x1xf32>
  %1 = sluice.unsqueeze %b {axes = array<i64: 3>} : (tensor<?x3x8xf32>) -> tensor<?x3x8x1xf32>
  %2 = sluice.concat %0, %1 {axis = 3 : i64} : (tensor<?x3x8x1xf32>, tensor<?x3x8x1xf32>) -> tensor<?x3x8x2xf32>
  %3 = sluice.reshape %2, %shape : (tensor<?x3x8x2xf32>, tensor<3xi64>) -> tensor<?x3x16xf32>
  %sizes = sluice.constant dense<[5, 16]> : tensor<2xi64>
  %4 = sluice.unsqueeze %c {axes = array<i64: 2>} : (tensor<5x8xf32>) -> tensor<5x8x1xf32>
  %5 = sluice.concat %4, %4 {axis = 2 : i64} : (tensor<5x8x1xf32>, tensor<5x8x1xf32>) -> tensor<5x8x2xf32>
  %6 = sluice.reshape %5, %sizes : (tensor<5x8x2xf32>, tensor<2xi64>) -> tensor<5x16xf32>
  return %3, %6 : tensor<?x3x16xf32>, tensor<5x16xf32>
}

// -----

// Not three tensors, not another dimension, and not what joins two others.
// CHECK-LABEL: func @not_stacked
// CHECK-NOT: sluice.interleave
func.func @not_stacked(%a: tensor<4x8x1xf32>, %b: tensor<4x8xf32>) -> (tensor<4x24xf32>, tensor<4x16xf32>, tensor<8x8xf32>) {
  %three = sluice.constant dense<[4, 24]> : tensor<2xi64>
  %rows = sluice.constant dense<[4, 16]> : tensor<2xi64>
  %square = sluice.constant dense<[8, 8]> : tensor<2xi64>
  %0 = sluice.unsqueeze %b {axes = array<i64: 2>} : (tensor<4x8xf32>) -> tensor<4x8x1xf32>
  %1 = sluice.concat %0, %0, %0 {axis = 2 : i64} : (tensor<4x8x1xf32>, tensor<4x8x1xf32>, tensor<4x8x1xf32>) -> tensor<4x8x3xf32>
  %2 = sluice.reshape %1, %three : (tensor<4x8x3xf32>, tensor<2xi64>) -> tensor<4x24xf32>
  %3 = sluice.unsqueeze %b {axes = array<i64: 1>} : (tensor<4x8xf32>) -> tensor<4x1x8xf32>
  %4 = sluice.concat %3, %3 {axis = 1 : i64} : (tensor<4x1x8xf32>, tensor<4x1x8xf32>) -> tensor<4x2x8xf32>
  %5 = sluice.reshape %4, %rows : (tensor<4x2x8xf32>, tensor<2xi64>) -> tensor<4x16xf32>
  %6 = sluice.concat %0, %0 {axis = 2 : i64} : (tensor<4x8x1xf32>, tensor<4x8x1xf32>) -> tensor<4x8x2xf32>
  %7 = sluice.reshape %6, %square : (tensor<4x8x2xf32>, tensor<2xi64>) -> tensor<8x8xf32>
  return %2, %5, %7 : tensor<4x24xf32>, tensor<4x16xf32>, tensor<8x8xf32>
}
