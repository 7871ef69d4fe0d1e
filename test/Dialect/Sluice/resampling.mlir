// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @resize
// CHECK: sluice.resize %arg0, %{{.*}} {{[{].*}}axes = array<i64: 2, 3>{{.*}}mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64>} : (tensor<?x3x4x4xf32>, tensor<2xi64>) -> tensor<?x3x8x6xf32>
func.func @resize(%a: tensor<?x3x4x4xf32>) -> tensor<?x3x8x6xf32> {
  %sizes = sluice.constant dense<[8, 6]> : tensor<2xi64>
  %0 = sluice.resize %a, %sizes {axes = array<i64: 2, 3>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<?x3x4x4xf32>, tensor<2xi64>) -> tensor<?x3x8x6xf32>
  return %0 : tensor<?x3x8x6xf32>
}

// The scales, then the region, come at run time.
// CHECK-LABEL: @resize_vectors
// CHECK: sluice.resize %arg0, %arg1, %arg2, %arg3 {{[{].*}}dynamic_scales{{.*}}place = #sluice.place<tf_crop_and_resize>
func.func @resize_vectors(%a: tensor<4xf32>, %sizes: tensor<1xi64>, %scales: tensor<1xf32>, %region: tensor<2xf32>) -> tensor<?xf32> {
  %0 = sluice.resize %a, %sizes, %scales, %region {axes = array<i64: 0>, scales = array<f64>, dynamic_scales, mode = #sluice.sample<cubic>, place = #sluice.place<tf_crop_and_resize>, rounding = #sluice.rounding<ceil>, cubic_coefficient = -0.5 : f64, extrapolation_value = 1.0 : f64, exclude_outside}
    : (tensor<4xf32>, tensor<1xi64>, tensor<1xf32>, tensor<2xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: @samples
// CHECK: sluice.grid_sample %arg0, %arg1 {align_corners, border = #sluice.border<reflection>, mode = #sluice.sample<nearest>} : (tensor<1x3x4x4xf32>, tensor<1x?x5x2xf32>) -> tensor<1x3x?x5xf32>
// CHECK: sluice.roi_align %arg0, %arg2, %arg3 {{[{].*}}height = 2 : i64, maximum{{.*}}width = 3 : i64} : (tensor<1x3x4x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x3x2x3xf32>
func.func @samples(%a: tensor<1x3x4x4xf32>, %grid: tensor<1x?x5x2xf32>, %rois: tensor<?x4xf32>, %batches: tensor<?xi64>)
    -> (tensor<1x3x?x5xf32>, tensor<?x3x2x3xf32>) {
  %0 = sluice.grid_sample %a, %grid {mode = #sluice.sample<nearest>, border = #sluice.border<reflection>, align_corners} : (tensor<1x3x4x4xf32>, tensor<1x?x5x2xf32>) -> tensor<1x3x?x5xf32>
  %1 = sluice.roi_align %a, %rois, %batches {height = 2 : i64, width = 3 : i64, sampling_ratio = 0 : i64, spatial_scale = 1.0 : f64, maximum}
    : (tensor<1x3x4x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x3x2x3xf32>
  return %0, %1 : tensor<1x3x?x5xf32>, tensor<?x3x2x3xf32>
}

// CHECK-LABEL: @columns
// CHECK: sluice.columns_to_image %arg0, %{{.*}} {{[{].*}}block = array<i64: 2, 2>{{.*}} : (tensor<2x12x9xf32>, tensor<2xi64>) -> tensor<2x3x4x4xf32>
func.func @columns(%a: tensor<2x12x9xf32>) -> tensor<2x3x4x4xf32> {
  %image = sluice.constant dense<4> : tensor<2xi64>
  %0 = sluice.columns_to_image %a, %image {block = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
    : (tensor<2x12x9xf32>, tensor<2xi64>) -> tensor<2x3x4x4xf32>
  return %0 : tensor<2x3x4x4xf32>
}

// -----

func.func @size_count(%a: tensor<4x4xf32>, %sizes: tensor<1xi64>) {
  // expected-error@below {{needs a size for each axis}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes {axes = array<i64: 0, 1>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<4x4xf32>, tensor<1xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @region_missing(%a: tensor<4xf32>, %sizes: tensor<1xi64>) {
  // expected-error@below {{scales or region are missing}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes {axes = array<i64: 0>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<tf_crop_and_resize>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<4xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @region_length(%a: tensor<4xf32>, %sizes: tensor<1xi64>, %region: tensor<1xf32>) {
  // expected-error@below {{scales or region do not fit the axes}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes, %region {axes = array<i64: 0>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<tf_crop_and_resize>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<4xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @scale(%a: tensor<4xf32>, %sizes: tensor<1xi64>) {
  // expected-error@below {{scales must be positive}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes {axes = array<i64: 0>, scales = array<f64: 0.0>, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<4xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @axis(%a: tensor<4xf32>, %sizes: tensor<1xi64>) {
  // expected-error@below {{axis 1 is outside the rank}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes {axes = array<i64: 1>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<4xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @nothing_to_interpolate(%a: tensor<0xf32>) {
  %sizes = sluice.constant dense<4> : tensor<1xi64>
  // expected-error@below {{an empty tensor has no elements to interpolate}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.resize %a, %sizes {axes = array<i64: 0>, scales = array<f64>, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, cubic_coefficient = -0.75 : f64, extrapolation_value = 0.0 : f64}
    : (tensor<0xf32>, tensor<1xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @grid(%a: tensor<1x3x4x4xf32>, %grid: tensor<1x5x5x3xf32>) {
  // expected-error@below {{image and grid do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.grid_sample %a, %grid {mode = #sluice.sample<linear>, border = #sluice.border<zeros>} : (tensor<1x3x4x4xf32>, tensor<1x5x5x3xf32>) -> tensor<1x3x5x5xf32>
  return
}

// -----

func.func @regions(%a: tensor<1x3x4x4xf32>, %rois: tensor<2x4xf32>, %batches: tensor<3xi64>) {
  // expected-error@below {{image and regions do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.roi_align %a, %rois, %batches {height = 2 : i64, width = 2 : i64, sampling_ratio = 0 : i64, spatial_scale = 1.0 : f64}
    : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<3xi64>) -> tensor<2x3x2x2xf32>
  return
}

// -----

func.func @height(%a: tensor<1x3x4x4xf32>, %rois: tensor<2x4xf32>, %batches: tensor<2xi64>) {
  // expected-error@below {{sizes must not be negative}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.roi_align %a, %rois, %batches {height = -1 : i64, width = 2 : i64, sampling_ratio = 0 : i64, spatial_scale = 1.0 : f64}
    : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x?x2xf32>
  return
}

// -----

func.func @ratio(%a: tensor<1x3x4x4xf32>, %rois: tensor<2x4xf32>, %batches: tensor<2xi64>) {
  // expected-error@below {{sizes must not be negative}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.roi_align %a, %rois, %batches {height = 2 : i64, width = 2 : i64, sampling_ratio = -1 : i64, spatial_scale = 1.0 : f64}
    : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x2x2xf32>
  return
}

// -----

func.func @blocks(%a: tensor<2x11x9xf32>, %image: tensor<2xi64>) {
  // expected-error@below {{rows do not fit the blocks}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.columns_to_image %a, %image {block = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
    : (tensor<2x11x9xf32>, tensor<2xi64>) -> tensor<2x?x?x?xf32>
  return
}

// -----

func.func @block_strides(%a: tensor<2x12x9xf32>, %image: tensor<2xi64>) {
  // expected-error@below {{attributes must be positive}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.columns_to_image %a, %image {block = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 0>}
    : (tensor<2x12x9xf32>, tensor<2xi64>) -> tensor<2x3x?x?xf32>
  return
}
