// RUN: sluice-opt %s --pass-pipeline='builtin.module(func.func(sluice-expand-batch-norm))' | FileCheck %s

// CHECK-LABEL: @channels_second
// CHECK-SAME: %[[X:.*]]: tensor<?x8x4x4xf32>, %[[SCALE:[a-z0-9]*]]: {{.*}}, %[[BIAS:[a-z0-9]*]]: {{.*}}, %[[MEAN:[a-z0-9]*]]: {{.*}}, %[[VARIANCE:[a-z0-9]*]]: tensor
func.func @channels_second(%x: tensor<?x8x4x4xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>,
                           %mean: tensor<8xf32>, %variance: tensor<8xf32>) -> tensor<?x8x4x4xf32> {
  // CHECK-NOT: cf.assert
  // CHECK: %[[EPSILON:.*]] = sluice.constant dense<1.000000e-03>
  // CHECK: %[[SHIFTED:.*]] = sluice.add %[[VARIANCE]], %[[EPSILON]]
  // CHECK: %[[DEVIATION:.*]] = sluice.sqrt %[[SHIFTED]]
  // CHECK: %[[FACTOR:.*]] = sluice.div %[[SCALE]], %[[DEVIATION]]
  // CHECK: %[[MOVED:.*]] = sluice.mul %[[MEAN]], %[[FACTOR]]
  // CHECK: %[[ADDEND:.*]] = sluice.sub %[[BIAS]], %[[MOVED]]
  // CHECK: %[[F:.*]] = sluice.unsqueeze %[[FACTOR]] {axes = array<i64: 1, 2>}
  // CHECK: %[[PRODUCT:.*]] = sluice.mul %[[X]], %[[F]]
  // CHECK: %[[A:.*]] = sluice.unsqueeze %[[ADDEND]] {axes = array<i64: 1, 2>}
  // CHECK: sluice.add %[[PRODUCT]], %[[A]]
  %0 = sluice.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 1.0e-3}
    : (tensor<?x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8x4x4xf32>
  return %0 : tensor<?x8x4x4xf32>
}

// CHECK-LABEL: @channels_last_f16
func.func @channels_last_f16(%x: tensor<2x4x8xf16>, %p: tensor<8xf32>) -> tensor<2x4x8xf16> {
  // The factors are computed in the parameters' type.
  // CHECK: sluice.div {{.*}} -> tensor<8xf32>
  // CHECK: sluice.cast {{.*}} {to = f16}
  // CHECK-NOT: sluice.unsqueeze
  // CHECK: sluice.add {{.*}} -> tensor<2x4x8xf16>
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-3, channels_last}
    : (tensor<2x4x8xf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x4x8xf16>
  return %0 : tensor<2x4x8xf16>
}

// Parameters of one channel would broadcast.
// CHECK-LABEL: @unknown_channels
func.func @unknown_channels(%x: tensor<2x?xf32>, %p: tensor<?xf32>) -> tensor<2x?xf32> {
  // CHECK: %[[FITS:.*]] = arith.cmpi eq
  // CHECK: cf.assert %[[FITS]], "the number of channels does not fit the weights"
  // CHECK: sluice.mul
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-3}
    : (tensor<2x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}
