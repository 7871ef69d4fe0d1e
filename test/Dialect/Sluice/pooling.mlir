// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @pools
func.func @pools(%x: tensor<2x3x7x7xf32>) {
  // CHECK: sluice.max_pool %{{.*}} -> tensor<2x3x3x3xf32>
  %0 = sluice.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x3x3xf32>
  // CHECK: sluice.max_pool_indices %{{.*}} -> tensor<2x3x3x3xi64>
  %1 = sluice.max_pool_indices %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x3x3xi64>
  // CHECK: sluice.average_pool %{{.*}} -> tensor<2x3x4x4xf32>
  %2 = sluice.average_pool %x {ceil_mode, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, count_padding}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x4x4xf32>
  // A last window that would start in the end padding does not count.
  // CHECK: sluice.lp_pool %{{.*}} -> tensor<2x3x4x4xf32>
  %3 = sluice.lp_pool %x {ceil_mode, kernel = array<i64: 1, 1>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, p = 3 : i64}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x4x4xf32>
  // CHECK: sluice.max_pool %{{.*}}channels_last{{.*}} -> tensor<2x6x3x7xf32>
  %4 = sluice.max_pool %x {channels_last, kernel = array<i64: 2, 3>, strides = array<i64: 1, 3>, dilations = array<i64: 1, 1>, pads = array<i64: 2, 1, 2, 1>}
    : (tensor<2x3x7x7xf32>) -> tensor<2x6x3x7xf32>
  // Rounded up, a window that reaches over the end by less than a stride is one.
  // CHECK: sluice.average_pool %{{.*}} -> tensor<2x3x1x1xf32>
  %5 = sluice.average_pool %x {ceil_mode, kernel = array<i64: 320, 8>, strides = array<i64: 320, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @wide_kernel(%x: tensor<2x3x7xf32>) {
  // expected-error@below {{a kernel of size 9 does not fit a padded dimension of size 7}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.max_pool %x {ceil_mode, kernel = array<i64: 9>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<2x3x7xf32>) -> tensor<2x3x1xf32>
  return
}

// -----

func.func @kernel_rank(%x: tensor<2x3x7x7xf32>) {
  // expected-error@below {{the kernel must have 2 sizes}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.max_pool %x {kernel = array<i64: 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<2x3x7x7xf32>) -> tensor<2x3x3x3xf32>
  return
}

// -----

func.func @empty_kernel(%x: tensor<2x3x7xf32>) {
  // expected-error@below {{a kernel of size 0}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.average_pool %x {kernel = array<i64: 0>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<2x3x7xf32>) -> tensor<2x3x3xf32>
  return
}

// -----

func.func @integer_average(%x: tensor<1x1x4xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.average_pool %x {kernel = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x1x4xi32>) -> tensor<1x1x3xi32>
  return
}
