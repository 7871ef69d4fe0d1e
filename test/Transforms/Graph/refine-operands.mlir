// RUN: sluice-opt %s --sluice-refine-operands --sluice-infer-shapes --canonicalize --split-input-file | FileCheck %s
// RUN: sluice-opt %s --sluice-refine-operands --sluice-infer-shapes --canonicalize --sluice-check-sizes --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=CHECKED

// The weight tells the channels of the image, through ops that pass them on to
// the reshape, which does not know them. Its result gets them behind the check.
// CHECK-LABEL: @conv(
// CHECK: %[[R:.*]] = sluice.reshape {{.*}} -> tensor<?x?x8x8xf32>
// CHECK: %[[C:.*]] = tensor.cast %[[R]] : tensor<?x?x8x8xf32> to tensor<?x32x8x8xf32>
// CHECK: sluice.relu %[[C]] {{.*}} -> tensor<?x32x8x8xf32>
// CHECK: sluice.conv {{.*}} : (tensor<?x32x8x8xf32>, tensor<48x16x1x1xf32>)
// CHECKED-LABEL: @conv(
// CHECKED: cf.assert {{.*}}, "a size must be 32 to fit what else the node reads"
// CHECKED: %[[R:.*]] = sluice.reshape {{.*}} -> tensor<?x32x8x8xf32>
// CHECKED-NOT: tensor.cast
// CHECKED: sluice.relu %[[R]]
func.func @conv(%x: tensor<?x?x64xf32>) -> tensor<?x48x8x8xf32> {
  %s = sluice.constant dense<[0, -1, 8, 8]> : tensor<4xi64>
  %w = sluice.constant dense<0.5> : tensor<48x16x1x1xf32>
  %0 = sluice.reshape %x, %s : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x8x8xf32>
  %1 = sluice.relu %0 : (tensor<?x?x8x8xf32>) -> tensor<?x?x8x8xf32>
  %2 = sluice.conv %1, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64} : (tensor<?x?x8x8xf32>, tensor<48x16x1x1xf32>) -> tensor<?x48x8x8xf32>
  return %2 : tensor<?x48x8x8xf32>
}

// -----

// The depth of a product that is the columns of another; arguments are cast.
// CHECK-LABEL: @products(
// CHECK-DAG: %[[X:.*]] = tensor.cast %arg0 : tensor<?x?xf32> to tensor<?x7xf32>
// CHECK-DAG: %[[W:.*]] = tensor.cast %arg1 : tensor<7x?xf32> to tensor<7x5xf32>
// CHECK: sluice.matmul %[[X]], %[[W]] : {{.*}} -> tensor<?x5xf32>
// CHECK: sluice.matmul {{.*}} : (tensor<?x5xf32>, tensor<5x3xf32>)
// CHECKED-LABEL: @products(
// CHECKED-DAG: cf.assert {{.*}}, "a size must be 7 to fit what else the node reads"
// CHECKED-DAG: cf.assert {{.*}}, "a size must be 5 to fit what else the node reads"
func.func @products(%x: tensor<?x?xf32>, %w: tensor<7x?xf32>) -> tensor<?x3xf32> {
  %v = sluice.constant dense<0.5> : tensor<5x3xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x?xf32>, tensor<7x?xf32>) -> tensor<?x?xf32>
  %1 = sluice.matmul %0, %v : (tensor<?x?xf32>, tensor<5x3xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// -----

// Transposed operands, transposed convolutions, norms, what is squeezed.
// CHECK-LABEL: @others(
// CHECK-DAG: tensor.cast %arg0 : tensor<?x?xf32> to tensor<6x?xf32>
// CHECK-DAG: tensor.cast %arg2 : tensor<?x?x?xf32> to tensor<?x4x?xf32>
// CHECK-DAG: tensor.cast %arg3 : tensor<?x?xf32> to tensor<?x8xf32>
// CHECK-DAG: tensor.cast %arg4 : tensor<?x?xf32> to tensor<1x?xf32>
// CHECK: sluice.batch_norm {{.*}} : (tensor<?x4x?xf32>,
// CHECK: sluice.conv_transpose {{.*}} : (tensor<?x4x?xf32>,
// CHECK: sluice.layer_norm {{.*}} -> tensor<?x8xf32>
func.func @others(%a: tensor<?x?xf32>, %b: tensor<9x6xf32>, %x: tensor<?x?x?xf32>, %y: tensor<?x?xf32>, %z: tensor<?x?xf32>) -> (tensor<?x9xf32>, tensor<?x3x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
  %p = sluice.constant dense<1.0> : tensor<4xf32>
  %q = sluice.constant dense<1.0> : tensor<8xf32>
  %w = sluice.constant dense<0.5> : tensor<4x3x2xf32>
  %0 = sluice.matmul %a, %b {transpose_lhs, transpose_rhs} : (tensor<?x?xf32>, tensor<9x6xf32>) -> tensor<?x9xf32>
  %1 = sluice.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f64} : (tensor<?x?x?xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x?xf32>
  %2 = sluice.conv_transpose %1, %w {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 0>} : (tensor<?x?x?xf32>, tensor<4x3x2xf32>) -> tensor<?x3x?xf32>
  %3 = sluice.layer_norm %y, %q {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<?x?xf32>, tensor<8xf32>) -> tensor<?x?xf32>
  %4 = sluice.squeeze %z {axes = array<i64: 0>} : (tensor<?x?xf32>) -> tensor<?xf32>
  return %0, %2, %3, %4 : tensor<?x9xf32>, tensor<?x3x?xf32>, tensor<?x?xf32>, tensor<?xf32>
}

// -----

// Ops that pass a size on, each in its own way; a sum of two may broadcast.
// CHECK-LABEL: @sources(
// CHECK: tensor.cast %arg0 : tensor<?x?xf32> to tensor<5x?xf32>
// CHECK: sluice.unsqueeze {{.*}} -> tensor<5x1x?xf32>
// CHECK: sluice.transpose {{.*}} -> tensor<?x1x5xf32>
// CHECK: %[[SUM:.*]] = sluice.add {{.*}} -> tensor<?x1x?xf32>
// CHECK: tensor.cast %[[SUM]] : tensor<?x1x?xf32> to tensor<?x1x5xf32>
func.func @sources(%x: tensor<?x?xf32>, %y: tensor<?x1x?xf32>) -> (tensor<?x1x3xf32>, tensor<?x1x3xf32>) {
  %v = sluice.constant dense<0.5> : tensor<5x3xf32>
  %0 = sluice.unsqueeze %x {axes = array<i64: 1>} : (tensor<?x?xf32>) -> tensor<?x1x?xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 2, 1, 0>} : (tensor<?x1x?xf32>) -> tensor<?x1x?xf32>
  %2 = sluice.softmax %1 {axis = 2 : i64} : (tensor<?x1x?xf32>) -> tensor<?x1x?xf32>
  %3 = sluice.matmul %2, %v : (tensor<?x1x?xf32>, tensor<5x3xf32>) -> tensor<?x1x3xf32>
  %4 = sluice.exp %y : (tensor<?x1x?xf32>) -> tensor<?x1x?xf32>
  %5 = sluice.add %4, %y : (tensor<?x1x?xf32>, tensor<?x1x?xf32>) -> tensor<?x1x?xf32>
  %6 = sluice.matmul %5, %v : (tensor<?x1x?xf32>, tensor<5x3xf32>) -> tensor<?x1x3xf32>
  return %3, %6 : tensor<?x1x3xf32>, tensor<?x1x3xf32>
}

// -----

// A branch that may not run says nothing about what is computed in front of it;
// nor does a weight that does not know its depth.
// CHECK-LABEL: @branch(
// CHECK: %[[R:.*]] = sluice.relu {{.*}} -> tensor<?x?xf32>
// CHECK: scf.if
// CHECK-NEXT: tensor.cast %[[R]] : tensor<?x?xf32> to tensor<?x5xf32>
// CHECK: sluice.matmul %[[R]], {{.*}} : (tensor<?x?xf32>, tensor<?x3xf32>)
// CHECK: sluice.matmul %[[R]], {{.*}} : (tensor<?x?xf32>, tensor<?x3xf32>)
func.func @branch(%c: i1, %x: tensor<?x?xf32>, %w: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %v = sluice.constant dense<0.5> : tensor<5x3xf32>
  %0 = sluice.relu %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = scf.if %c -> tensor<?x3xf32> {
    %3 = sluice.matmul %0, %v : (tensor<?x?xf32>, tensor<5x3xf32>) -> tensor<?x3xf32>
    scf.yield %3 : tensor<?x3xf32>
  } else {
    %4 = sluice.matmul %0, %w : (tensor<?x?xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
    scf.yield %4 : tensor<?x3xf32>
  }
  %2 = sluice.matmul %0, %w : (tensor<?x?xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %1, %2 : tensor<?x3xf32>, tensor<?x3xf32>
}

// -----

// What is returned changes the function's type, and a branch yields what its op
// has the type of.
// CHECK-LABEL: func.func @returned
// CHECK-SAME:    -> (tensor<2x?xf32>, tensor<?x?xf32>, tensor<?x64xf32>)
func.func @returned(%x: tensor<?x?xf32>, %w: tensor<64x2xf32>, %s: tensor<2xi64>, %c: i1) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x64xf32>) {
  %0 = sluice.matmul %x, %w {transpose_lhs, transpose_rhs} : (tensor<?x?xf32>, tensor<64x2xf32>) -> tensor<?x64xf32>
  // CHECK: scf.if {{.*}} -> (tensor<?x?xf32>)
  // CHECK:   %[[SHAPED:.*]] = sluice.reshape
  // CHECK:   scf.yield %{{.*}} : tensor<?x?xf32>
  %1 = scf.if %c -> tensor<?x?xf32> {
    %2 = sluice.reshape %x, %s : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
    %3 = sluice.matmul %2, %w {transpose_lhs, transpose_rhs} : (tensor<?x?xf32>, tensor<64x2xf32>) -> tensor<?x64xf32>
    %4 = sluice.softmax %3 {axis = 1 : i64} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    scf.yield %2 : tensor<?x?xf32>
  } else {
    scf.yield %x : tensor<?x?xf32>
  }
  return %x, %1, %0 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x64xf32>
}

// -----

// Readers that demand different sizes: one tells its size to all that it fits,
// the other keeps what it reads. Each has its check.
// CHECK-LABEL: @contradicting(
// CHECK: %[[FOUR:.*]] = tensor.cast %arg0 : tensor<2x?xf32> to tensor<2x4xf32>
// CHECK: sluice.exp %[[FOUR]]
// CHECK: sluice.matmul %arg0, %arg1
// CHECK: sluice.matmul %[[FOUR]], %arg2
// CHECKED-LABEL: @contradicting(
// CHECKED: cf.assert {{.*}}, "a size must be 4 to fit what else the node reads"
// CHECKED: cf.assert
// CHECKED: sluice.matmul %arg0, %arg1
func.func @contradicting(%x: tensor<2x?xf32>, %v: tensor<3x2xf32>, %w: tensor<4x2xf32>) -> (tensor<2x?xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %e = sluice.exp %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %0 = sluice.matmul %x, %v : (tensor<2x?xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
  %1 = sluice.matmul %x, %w : (tensor<2x?xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return %e, %0, %1 : tensor<2x?xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
