// RUN: sluice-opt %s --sluice-fold-batch-norm -split-input-file | FileCheck %s --check-prefixes=CHECK,DEPLOY
// RUN: sluice-opt %s --sluice-fold-batch-norm=mode=tune -split-input-file | FileCheck %s --check-prefixes=CHECK,TUNE
// RUN: sluice-opt %s --sluice-fold-batch-norm=mode=eval -split-input-file | FileCheck %s --check-prefix=EVAL
// RUN: sluice-opt %s --sluice-fold-batch-norm -split-input-file --remarks-filter=convbn --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: @constant(
// CHECK-SAME: %[[X:.*]]: tensor<1x2x5x5xf32>
// EVAL-LABEL: @constant(
// REMARK: folded into the weights of the node in front of it
func.func @constant(%x: tensor<1x2x5x5xf32>) -> tensor<1x3x5x5xf32> {
  %w = sluice.constant dense<0.5> : tensor<3x2x3x3xf32>
  %b = sluice.constant dense<[[[1.0]], [[2.0]], [[3.0]]]> : tensor<3x1x1xf32>
  %scale = sluice.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %bias = sluice.constant dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
  %mean = sluice.constant dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %var = sluice.constant dense<[1.5, 2.5, 3.5]> : tensor<3xf32>
  // CHECK: %[[SUM:.*]] = sluice.add %{{.*}}, %{{.*}} : (tensor<3xf32>, tensor<f32>)
  // CHECK: %[[ROOT:.*]] = sluice.sqrt %[[SUM]]
  // CHECK: %[[FACTOR:.*]] = sluice.div %{{.*}}, %[[ROOT]]
  // CHECK: %[[SCALED:.*]] = sluice.mul {{.*}} : (tensor<1x3x1x1xf32>, tensor<1x3x2x9xf32>)
  // CHECK: %[[W:.*]] = sluice.reshape %[[SCALED]]
  // CHECK: %[[CONV:.*]] = sluice.conv %[[X]], %[[W]]
  // CHECK: %[[B:.*]] = sluice.reshape {{.*}} -> tensor<3x1x1xf32>
  // CHECK: sluice.add %[[CONV]], %[[B]]
  // CHECK-NOT: sluice.batch_norm
  // EVAL: sluice.batch_norm
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>}
    : (tensor<1x2x5x5xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x5x5xf32>
  %1 = sluice.add %0, %b : (tensor<1x3x5x5xf32>, tensor<3x1x1xf32>) -> tensor<1x3x5x5xf32>
  %2 = sluice.batch_norm %1, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f64}
    : (tensor<1x3x5x5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x5x5xf32>
  return %2 : tensor<1x3x5x5xf32>
}

// -----

// Statistics that are inputs: only tune scales the weights, in every run.
// CHECK-LABEL: @runtime(
// EVAL-LABEL: @runtime(
// REMARK: its parameters are not constant (--convbn=tune scales the weights at run time)
func.func @runtime(%x: tensor<1x2x5x5xf32>, %p: tensor<4xf32>) -> tensor<1x4x3x3xf32> {
  %w = sluice.constant dense<0.5> : tensor<4x1x3x3xf32>
  // TUNE: sluice.mul {{.*}} : (tensor<2x2x1x1xf32>, tensor<2x2x1x9xf32>)
  // TUNE-NOT: sluice.batch_norm
  // DEPLOY: sluice.batch_norm
  // EVAL: sluice.batch_norm
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
    : (tensor<1x2x5x5xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x3x3xf32>
  %1 = sluice.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x3x3xf32>
  return %1 : tensor<1x4x3x3xf32>
}

// -----

// The convolution's result has another reader.
// CHECK-LABEL: @two_readers(
// REMARK: the result in front of it is also used by other nodes
func.func @two_readers(%x: tensor<1x2x5xf32>) -> (tensor<1x2x3xf32>, tensor<1x2x3xf32>) {
  %w = sluice.constant dense<0.5> : tensor<2x2x3xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK: sluice.batch_norm
  %0 = sluice.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x2x5xf32>, tensor<2x2x3xf32>) -> tensor<1x2x3xf32>
  %1 = sluice.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x3xf32>
  return %0, %1 : tensor<1x2x3xf32>, tensor<1x2x3xf32>
}

// -----

// In front of a convolution without padding.
// CHECK-LABEL: @in_front(
// REMARK: folded into the weights of the node behind it
func.func @in_front(%x: tensor<1x2x5xf32>) -> tensor<1x3x3xf32> {
  %w = sluice.constant dense<0.5> : tensor<3x2x3xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK-NOT: sluice.batch_norm
  // CHECK: sluice.reduce {{.*}} (tensor<1x3x2x3xf32>) -> tensor<1x3xf32>
  // CHECK: sluice.mul {{.*}} : (tensor<1x1x2x1xf32>, tensor<1x3x2x3xf32>)
  // CHECK: sluice.conv
  // CHECK: sluice.add {{.*}} : (tensor<1x3x3xf32>, tensor<3x1xf32>)
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x5xf32>
  %1 = sluice.conv %0, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : (tensor<1x2x5xf32>, tensor<3x2x3xf32>) -> tensor<1x3x3xf32>
  return %1 : tensor<1x3x3xf32>
}

// -----

// Padding is zero behind the normalisation: not exact.
// CHECK-LABEL: @in_front_of_padding(
// REMARK: the convolution behind it pads with zeros
func.func @in_front_of_padding(%x: tensor<1x2x5xf32>) -> tensor<1x3x5xf32> {
  %w = sluice.constant dense<0.5> : tensor<3x2x3xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK: sluice.batch_norm
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x5xf32>
  %1 = sluice.conv %0, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>}
    : (tensor<1x2x5xf32>, tensor<3x2x3xf32>) -> tensor<1x3x5xf32>
  return %1 : tensor<1x3x5xf32>
}

// -----

// Nor does every pixel behind a transposed convolution see all taps.
// CHECK-LABEL: @in_front_of_transposed(
// REMARK: the convolution behind it pads with zeros
func.func @in_front_of_transposed(%x: tensor<1x2x5xf32>) -> tensor<1x3x11xf32> {
  %w = sluice.constant dense<0.5> : tensor<2x3x3xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK: sluice.batch_norm
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x5xf32>
  %1 = sluice.conv_transpose %0, %w {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>}
    : (tensor<1x2x5xf32>, tensor<2x3x3xf32>) -> tensor<1x3x11xf32>
  return %1 : tensor<1x3x11xf32>
}

// -----

// Transposed convolutions have result channels in the second dimension.
// CHECK-LABEL: @transposed(
func.func @transposed(%x: tensor<1x4x5xf32>) -> tensor<1x6x10xf32> {
  %w = sluice.constant dense<0.5> : tensor<4x3x2xf32>
  %p = sluice.constant dense<0.5> : tensor<6xf32>
  // CHECK: sluice.mul {{.*}} : (tensor<2x1x3x1xf32>, tensor<2x2x3x2xf32>)
  // CHECK-NOT: sluice.batch_norm
  %0 = sluice.conv_transpose %x, %w {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>, groups = 2 : i64}
    : (tensor<1x4x5xf32>, tensor<4x3x2xf32>) -> tensor<1x6x10xf32>
  %1 = sluice.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<1x6x10xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<1x6x10xf32>
  return %1 : tensor<1x6x10xf32>
}

// -----

// Products and sums with constants per channel, behind a matrix product.
// CHECK-LABEL: @matmul(
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>
func.func @matmul(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %w = sluice.constant dense<0.5> : tensor<3x2xf32>
  %b = sluice.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %c = sluice.constant dense<[[4.0, 5.0, 6.0]]> : tensor<1x3xf32>
  // CHECK: sluice.matmul {{.*}}transpose_rhs
  // CHECK: %[[SUM:.*]] = sluice.add {{.*}} : (tensor<?x3xf32>, tensor<3xf32>)
  // CHECK-NEXT: return %[[SUM]]
  // EVAL: sluice.matmul
  // EVAL-NEXT: sluice.mul
  // EVAL-NEXT: sluice.add
  // EVAL-NEXT: sluice.sub
  %0 = sluice.matmul %x, %w {transpose_rhs} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %1 = sluice.mul %0, %c : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  %2 = sluice.add %b, %1 : (tensor<3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %3 = sluice.sub %2, %c : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
  return %3 : tensor<?x3xf32>
}

// -----

// A factor per row is none per channel.
// CHECK-LABEL: @rows(
func.func @rows(%x: tensor<3x2xf32>) -> tensor<3x3xf32> {
  %w = sluice.constant dense<0.5> : tensor<2x3xf32>
  %c = sluice.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  // CHECK: sluice.matmul
  // CHECK-NEXT: sluice.mul
  %0 = sluice.matmul %x, %w : (tensor<3x2xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
  %1 = sluice.mul %0, %c : (tensor<3x3xf32>, tensor<3x1xf32>) -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}

// -----

// Channels that a product sums over are those of the normalisation only where
// they are the same dimension.
// CHECK-LABEL: @in_front_of_columns(
// REMARK: folded into the weights of the node behind it
func.func @in_front_of_columns(%x: tensor<3x2x5xf32>) -> tensor<3x5x4xf32> {
  %w = sluice.constant dense<0.5> : tensor<4x2xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK-NOT: sluice.batch_norm
  // CHECK: sluice.mul {{.*}} : (tensor<1x1x2x1xf32>, tensor<1x4x2x1xf32>)
  // CHECK: sluice.matmul {{.*}}transpose_lhs, transpose_rhs
  // CHECK: sluice.add {{.*}} : (tensor<3x5x4xf32>, tensor<4xf32>)
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<3x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2x5xf32>
  %1 = sluice.matmul %0, %w {transpose_lhs, transpose_rhs} : (tensor<3x2x5xf32>, tensor<4x2xf32>) -> tensor<3x5x4xf32>
  return %1 : tensor<3x5x4xf32>
}

// -----

// CHECK-LABEL: @in_front_of_rows(
func.func @in_front_of_rows(%x: tensor<3x2x2xf32>) -> tensor<3x2x4xf32> {
  %w = sluice.constant dense<0.5> : tensor<2x4xf32>
  %p = sluice.constant dense<0.5> : tensor<2xf32>
  // CHECK: sluice.batch_norm
  // CHECK-NEXT: sluice.matmul
  %0 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64}
    : (tensor<3x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<3x2x2xf32>
  %1 = sluice.matmul %0, %w : (tensor<3x2x2xf32>, tensor<2x4xf32>) -> tensor<3x2x4xf32>
  return %1 : tensor<3x2x4xf32>
}
