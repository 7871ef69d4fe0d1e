// RUN: sluice-opt %s --sluice-check-sizes --canonicalize --cse --canonicalize -split-input-file | FileCheck %s

// Types that say everything need no check.
// CHECK-LABEL: @static(
// CHECK-NOT: cf.assert
func.func @static(%x: tensor<4x3xf32>, %y: tensor<3xf32>) -> tensor<4x3xf32> {
  %0 = sluice.add %x, %y : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Equal sizes, or one of them 1.
// CHECK-LABEL: @broadcast(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<?xf32>)
// CHECK-DAG: %[[A:.*]] = tensor.dim %[[X]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[Y]]
// CHECK-DAG: arith.cmpi eq, %[[A]], %[[B]]
// CHECK-DAG: arith.cmpi eq, %[[A]], %c1
// CHECK-DAG: arith.cmpi eq, %[[B]], %c1
// CHECK: cf.assert {{.*}}, "the sizes of the operands do not broadcast"
// CHECK-NEXT: sluice.add
func.func @broadcast(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = sluice.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Dimensions of one name have one size.
// CHECK-LABEL: @named(
// CHECK-NOT: cf.assert
func.func @named(%x: tensor<?xf32> {sluice.dims = ["n"]}, %y: tensor<?xf32> {sluice.dims = ["n"]}) -> tensor<?xf32> {
  %0 = sluice.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Sizes are those of inputs, however far these are: nothing reads a size of the
// tensors between, and a sum with itself always fits.
// CHECK-LABEL: @chain(
// CHECK-NOT: tensor.dim {{.*}} : tensor<?x8xf32>
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK: sluice.exp
// CHECK: %[[FITS:.*]] = arith.cmpi eq, %[[K:.*]], %c8
// CHECK: cf.assert %[[FITS]], "the inner dimensions of the product differ"
// CHECK: sluice.matmul
// CHECK-NOT: cf.assert
func.func @chain(%x: tensor<?x?xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %0 = sluice.exp %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = sluice.matmul %0, %w : (tensor<?x?xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %2 = sluice.exp %1 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %3 = sluice.add %1, %2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// -----

// Channels, and a kernel that must not be larger than the image.
// CHECK-LABEL: @conv(
// CHECK: cf.assert {{.*}}, "the number of channels does not fit the weights"
// CHECK: cf.assert {{.*}}, "the kernel does not fit the padded dimension"
// CHECK: sluice.conv
func.func @conv(%x: tensor<1x?x?xf32>, %w: tensor<4x3x5xf32>) -> tensor<1x4x?xf32> {
  %0 = sluice.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x?x?xf32>, tensor<4x3x5xf32>) -> tensor<1x4x?xf32>
  return %0 : tensor<1x4x?xf32>
}

// -----

// A reshape that only splits a known dimension is right for every batch.
// CHECK-LABEL: @reshape_heads(
// CHECK-NOT: cf.assert
func.func @reshape_heads(%x: tensor<?x12xf32>) -> tensor<?x3x4xf32> {
  %0 = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x12xf32>) -> tensor<1xi64>
  %1 = sluice.constant dense<[3, 4]> : tensor<2xi64>
  %2 = sluice.concat %0, %1 {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
  %3 = sluice.reshape %x, %2 {allow_zero} : (tensor<?x12xf32>, tensor<3xi64>) -> tensor<?x3x4xf32>
  return %3 : tensor<?x3x4xf32>
}

// -----

// Other sizes must not be negative, and hold all elements without overflowing.
// CHECK-LABEL: @reshape(
// CHECK-COUNT-2: cf.assert
// CHECK: arith.mulsi_extended
// CHECK: cf.assert {{.*}}, "the tensor's elements do not fill the wanted shape"
// CHECK: sluice.reshape
func.func @reshape(%x: tensor<?xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = sluice.reshape %x, %s {allow_zero} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// What a loop collects starts empty; only that may differ in other dimensions.
// CHECK-LABEL: @collected(
// CHECK: scf.while
// CHECK: %[[LENGTH:.*]] = tensor.dim %{{.*}}, %c0
// CHECK: %[[EMPTY:.*]] = arith.cmpi eq, %[[LENGTH]], %c0
// CHECK: %[[FITS:.*]] = arith.ori %{{.*}}, %[[EMPTY]]
// CHECK: cf.assert %[[FITS]], "what a loop collects does not have the same sizes in every step"
func.func @collected(%x: tensor<?xf32>, %start: tensor<?x?xf32>, %on: i1) -> tensor<?x?xf32> {
  %0:2 = scf.while (%a = %on, %c = %start) : (i1, tensor<?x?xf32>) -> (i1, tensor<?x?xf32>) {
    scf.condition(%a) %a, %c : i1, tensor<?x?xf32>
  } do {
  ^bb0(%a: i1, %c: tensor<?x?xf32>):
    %row = sluice.relu %x : (tensor<?xf32>) -> tensor<?xf32>
    %next = sluice.append %c, %row : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
    scf.yield %a, %next : i1, tensor<?x?xf32>
  }
  return %0#1 : tensor<?x?xf32>
}

// -----

// A rounded-up window may reach over the end by less than its stride.
// CHECK-LABEL: @wide_pool(
// CHECK: %[[SIZE:.*]] = tensor.dim
// CHECK: %[[REACH:.*]] = arith.addi %[[SIZE]], %c4
// CHECK: arith.cmpi sge, %[[REACH]], %c9
// CHECK: cf.assert {{.*}}, "the kernel does not fit the padded dimension"
func.func @wide_pool(%x: tensor<1x2x?xf32>) -> tensor<1x2x?xf32> {
  %0 = sluice.max_pool %x {ceil_mode, kernel = array<i64: 9>, strides = array<i64: 5>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x2x?xf32>) -> tensor<1x2x?xf32>
  return %0 : tensor<1x2x?xf32>
}

// -----

// Numbers of the run must not overflow where sizes are added or multiplied.
// CHECK-LABEL: @extremes(
// CHECK: cf.assert {{.*}}, "negative repeats"
// CHECK: cf.assert {{.*}}, "the size overflows"
// CHECK: sluice.tile
// CHECK: cf.assert {{.*}}, "a pad is out of range"
// CHECK: cf.assert {{.*}}, "negative pads cut more than there is"
// CHECK: sluice.extend
func.func @extremes(%x: tensor<?xf32>, %n: tensor<1xi64>, %w: tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>) {
  %0 = sluice.tile %x, %n : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  %1 = sluice.extend %x, %w {low = array<i64>, high = array<i64>, mode = #sluice.extend<edge>} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}

// -----

// Matrices must be square.
// CHECK-LABEL: @determinants(
// CHECK: %[[SQUARE:.*]] = arith.cmpi eq
// CHECK: cf.assert %[[SQUARE]], "the matrices are not square"
// CHECK-NEXT: sluice.determinant
// CHECK: cf.assert {{.*}}, "the matrices are not square"
// CHECK: sluice.inverse
// CHECK-NOT: cf.assert
func.func @determinants(%x: tensor<?x?xf32>, %y: tensor<?x3xf32>, %z: tensor<?x3x3xf32>)
    -> (tensor<f32>, tensor<?x3xf32>, tensor<?x3x3xf32>) {
  %0 = sluice.determinant %x : (tensor<?x?xf32>) -> tensor<f32>
  %1 = sluice.inverse %y : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %2 = sluice.inverse %z : (tensor<?x3x3xf32>) -> tensor<?x3x3xf32>
  return %0, %1, %2 : tensor<f32>, tensor<?x3xf32>, tensor<?x3x3xf32>
}

// -----

// A shape of the run may not fit sizes that are known. Where it does, nothing
// is left to do.
// CHECK-LABEL: @known_sizes(
// CHECK: cf.assert {{.*}}, "the sizes of the operands do not broadcast"
// CHECK-NOT: sluice.broadcast
// CHECK: return %arg0
func.func @known_sizes(%x: tensor<6xf32>, %s: tensor<1xi64>) -> tensor<6xf32> {
  %0 = sluice.broadcast %x, %s : (tensor<6xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// The largest of nothing, unless nothing is asked for.
// CHECK-LABEL: @largest(
// CHECK: %[[FILLED:.*]] = arith.cmpi ne
// CHECK: %[[UNASKED:.*]] = arith.cmpi eq
// CHECK: %[[FITS:.*]] = arith.ori %[[FILLED]], %[[UNASKED]]
// CHECK: cf.assert %[[FITS]], "an empty dimension has no largest or smallest element"
// CHECK: sluice.arg_max
// CHECK-NOT: cf.assert
func.func @largest(%x: tensor<?x?xf32>, %y: tensor<3x?xf32>) -> (tensor<?xi64>, tensor<?xi64>) {
  %0 = sluice.arg_max %x {axis = 0 : i64} : (tensor<?x?xf32>) -> tensor<?xi64>
  %1 = sluice.arg_max %y {axis = 0 : i64} : (tensor<3x?xf32>) -> tensor<?xi64>
  return %0, %1 : tensor<?xi64>, tensor<?xi64>
}

// -----

// CHECK-LABEL: @route(
// CHECK-DAG: cf.assert {{.*}}, "there are fewer experts than k"
// CHECK-DAG: cf.assert {{.*}}, "the bias does not fit the experts"
// CHECK: sluice.route
func.func @route(%s: tensor<?x?xf32>, %b: tensor<?xf32>) -> tensor<?x3xi64> {
  %0:2 = sluice.route %s bias %b {k = 3} : (tensor<?x?xf32>, tensor<?xf32>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  return %0#1 : tensor<?x3xi64>
}

// -----

// CHECK-LABEL: @groups(
// CHECK-DAG: cf.assert {{.*}}, "the inner dimensions of the product differ"
// CHECK-DAG: cf.assert {{.*}}, "there is not a place for each row"
// CHECK-DAG: cf.assert {{.*}}, "there is not an offset for each group"
// CHECK-DAG: cf.assert {{.*}}, "the bias has not as many columns as the product"
// CHECK: sluice.grouped_matmul
func.func @groups(%x: tensor<?x?xf32>, %w: tensor<3x?x?xf32>, %o: tensor<?xi64>, %r: tensor<?xi64>, %p: tensor<?xi64>, %b: tensor<3x?xf32>) -> tensor<?x?xf32> {
  %0 = sluice.grouped_matmul %x, %w, %o rows %r places %p bias %b : (tensor<?x?xf32>, tensor<3x?x?xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<3x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
