// RUN: sluice-opt %s --sluice-split-products --canonicalize --sluice-merge-equal-ops | FileCheck %s

// Queries, keys and values of one product: what is added is cut, too.
// CHECK-LABEL: @merged
// CHECK-NOT: tensor<2x?x192xf32>
// CHECK-COUNT-3: sluice.matmul %{{.*}} -> tensor<2x?x64xf32>
// CHECK: return
func.func @merged(%x: tensor<2x?x32xf32>) -> (tensor<2x?x64xf32>, tensor<2x?x64xf32>, tensor<2x?x64xf32>) {
  %w = sluice.constant dense<1.0> : tensor<32x192xf32>
  %b = sluice.constant dense<2.0> : tensor<192xf32>
  %0 = sluice.matmul %x, %w : (tensor<2x?x32xf32>, tensor<32x192xf32>) -> tensor<2x?x192xf32>
  %1 = sluice.add %b, %0 : (tensor<192xf32>, tensor<2x?x192xf32>) -> tensor<2x?x192xf32>
  %2 = sluice.slice %1 {ends = array<i64: 9223372036854775807, 9223372036854775807, 64>, starts = array<i64: 0, 0, 0>, steps = array<i64: 1, 1, 1>} : (tensor<2x?x192xf32>) -> tensor<2x?x64xf32>
  %3 = sluice.slice %1 {ends = array<i64: 9223372036854775807, 9223372036854775807, 128>, starts = array<i64: 0, 0, 64>, steps = array<i64: 1, 1, 1>} : (tensor<2x?x192xf32>) -> tensor<2x?x64xf32>
  %4 = sluice.slice %1 {ends = array<i64: 9223372036854775807, 9223372036854775807, 192>, starts = array<i64: 0, 0, -64>, steps = array<i64: 1, 1, 1>} : (tensor<2x?x192xf32>) -> tensor<2x?x64xf32>
  return %2, %3, %4 : tensor<2x?x64xf32>, tensor<2x?x64xf32>, tensor<2x?x64xf32>
}

// Dimensions are made of the columns, and turned.
// CHECK-LABEL: @turned
// CHECK: %[[W:.*]] = sluice.slice %{{.*}} {ends = array<i64: 32, 4, 1, 32>, starts = array<i64: 0, 0, 0, 0>
// CHECK: %[[FLAT:.*]] = sluice.reshape %[[W]], %{{.*}} -> tensor<32x128xf32>
// CHECK: %[[Q:.*]] = sluice.matmul %{{.*}}, %[[FLAT]] : {{.*}} -> tensor<?x9x128xf32>
// CHECK: %[[HEADS:.*]] = sluice.reshape %[[Q]], %{{.*}} -> tensor<?x9x4x1x32xf32>
// CHECK: sluice.transpose %[[HEADS]] {permutation = array<i64: 3, 0, 2, 1, 4>} : (tensor<?x9x4x1x32xf32>) -> tensor<1x?x4x9x32xf32>
// CHECK-NOT: tensor<2x?x4x9x32xf32>
func.func @turned(%x: tensor<?x9x32xf32>, %shape: tensor<5xi64>) -> (tensor<1x?x4x9x32xf32>, tensor<1x?x4x9x32xf32>) {
  %w = sluice.constant dense<1.0> : tensor<32x256xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x9x32xf32>, tensor<32x256xf32>) -> tensor<?x9x256xf32>
  %sizes = sluice.constant dense<[-1, 9, 4, 2, 32]> : tensor<5xi64>
  %1 = sluice.reshape %0, %sizes : (tensor<?x9x256xf32>, tensor<5xi64>) -> tensor<?x9x4x2x32xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 3, 0, 2, 1, 4>} : (tensor<?x9x4x2x32xf32>) -> tensor<2x?x4x9x32xf32>
  %3 = sluice.slice %2 {ends = array<i64: 1, 9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807>, starts = array<i64: 0, 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1, 1>} : (tensor<2x?x4x9x32xf32>) -> tensor<1x?x4x9x32xf32>
  %4 = sluice.slice %2 {ends = array<i64: 2, 9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807>, starts = array<i64: 1, 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1, 1>} : (tensor<2x?x4x9x32xf32>) -> tensor<1x?x4x9x32xf32>
  return %3, %4 : tensor<1x?x4x9x32xf32>, tensor<1x?x4x9x32xf32>
}

// Few columns; columns that are read twice; rows that are cut; a reader of the
// whole; weights of the run.
// CHECK-LABEL: @others
// CHECK-COUNT-5: sluice.matmul %{{.*}} -> tensor<9x128xf32>
// CHECK-NOT: sluice.matmul
// CHECK: return
func.func @others(%x: tensor<9x32xf32>, %v: tensor<32x128xf32>) -> (tensor<9x120xf32>, tensor<9x8xf32>, tensor<9x120xf32>, tensor<9x64xf32>, tensor<8x64xf32>, tensor<9x64xf32>, tensor<9x128xf32>, tensor<9x64xf32>, tensor<9x64xf32>, tensor<9x64xf32>, tensor<9x64xf32>) {
  %w0 = sluice.constant dense<0.0> : tensor<32x128xf32>
  %w1 = sluice.constant dense<1.0> : tensor<32x128xf32>
  %w2 = sluice.constant dense<2.0> : tensor<32x128xf32>
  %w3 = sluice.constant dense<3.0> : tensor<32x128xf32>
  %0 = sluice.matmul %x, %w0 : (tensor<9x32xf32>, tensor<32x128xf32>) -> tensor<9x128xf32>
  %1 = sluice.slice %0 {ends = array<i64: 9, 120>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x120xf32>
  %2 = sluice.slice %0 {ends = array<i64: 9, 128>, starts = array<i64: 0, 120>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x8xf32>
  %3 = sluice.matmul %x, %w1 : (tensor<9x32xf32>, tensor<32x128xf32>) -> tensor<9x128xf32>
  %4 = sluice.slice %3 {ends = array<i64: 9, 120>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x120xf32>
  %5 = sluice.slice %3 {ends = array<i64: 9, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  %6 = sluice.matmul %x, %w2 : (tensor<9x32xf32>, tensor<32x128xf32>) -> tensor<9x128xf32>
  %7 = sluice.slice %6 {ends = array<i64: 8, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<8x64xf32>
  %8 = sluice.slice %6 {ends = array<i64: 9, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  %9 = sluice.matmul %x, %w3 : (tensor<9x32xf32>, tensor<32x128xf32>) -> tensor<9x128xf32>
  %10 = sluice.slice %9 {ends = array<i64: 9, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  %11 = sluice.slice %9 {ends = array<i64: 9, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  %12 = sluice.matmul %x, %v : (tensor<9x32xf32>, tensor<32x128xf32>) -> tensor<9x128xf32>
  %13 = sluice.slice %12 {ends = array<i64: 9, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  %14 = sluice.slice %12 {ends = array<i64: 9, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<9x128xf32>) -> tensor<9x64xf32>
  return %1, %2, %4, %5, %7, %8, %9, %10, %11, %13, %14 : tensor<9x120xf32>, tensor<9x8xf32>, tensor<9x120xf32>, tensor<9x64xf32>, tensor<8x64xf32>, tensor<9x64xf32>, tensor<9x128xf32>, tensor<9x64xf32>, tensor<9x64xf32>, tensor<9x64xf32>, tensor<9x64xf32>
}

// Sizes that are data, of the product and of what is made of it, are those of a
// part and of columns; the shape of a reshape among them.
// CHECK-LABEL: @sizes
// CHECK-NOT: tensor<?x?x192xf32>
// CHECK-COUNT-3: sluice.matmul %{{.*}} -> tensor<?x?x64xf32>
// CHECK-NOT: sluice.matmul
// CHECK: return
func.func @sizes(%x: tensor<?x?x32xf32>) -> (tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<3xi64>, tensor<2xf32>) {
  %w = sluice.constant dense<1.0> : tensor<32x192xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x?x32xf32>, tensor<32x192xf32>) -> tensor<?x?x192xf32>
  %1 = sluice.shape %0 {start = 0 : i64, end = 3 : i64} : (tensor<?x?x192xf32>) -> tensor<3xi64>
  %2 = sluice.shape %0 {start = 0 : i64, end = 2 : i64} : (tensor<?x?x192xf32>) -> tensor<2xi64>
  %columns = sluice.constant dense<[3, 64]> : tensor<2xi64>
  %3 = sluice.concat %2, %columns {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %4 = sluice.reshape %0, %3 : (tensor<?x?x192xf32>, tensor<4xi64>) -> tensor<?x?x3x64xf32>
  %5 = sluice.shape %4 {start = 1 : i64, end = 3 : i64} : (tensor<?x?x3x64xf32>) -> tensor<2xi64>
  %6 = sluice.cast %5 {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %7 = sluice.slice %4 {ends = array<i64: 9223372036854775807, 9223372036854775807, 1, 64>, starts = array<i64: 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1>} : (tensor<?x?x3x64xf32>) -> tensor<?x?x1x64xf32>
  %8 = sluice.slice %4 {ends = array<i64: 9223372036854775807, 9223372036854775807, 2, 64>, starts = array<i64: 0, 0, 1, 0>, steps = array<i64: 1, 1, 1, 1>} : (tensor<?x?x3x64xf32>) -> tensor<?x?x1x64xf32>
  %9 = sluice.slice %4 {ends = array<i64: 9223372036854775807, 9223372036854775807, 3, 64>, starts = array<i64: 0, 0, 2, 0>, steps = array<i64: 1, 1, 1, 1>} : (tensor<?x?x3x64xf32>) -> tensor<?x?x1x64xf32>
  return %7, %8, %9, %1, %6 : tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>, tensor<3xi64>, tensor<2xf32>
}

// Weights of two products: both are split, or none is.
// CHECK-LABEL: @shared
// CHECK-COUNT-4: sluice.matmul %{{.*}} -> tensor<?x64xf32>
// CHECK-COUNT-2: sluice.matmul %{{.*}} -> tensor<?x128xf32>
// CHECK-NOT: sluice.matmul
// CHECK: return
func.func @shared(%x: tensor<?x32xf32>, %y: tensor<?x32xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x128xf32>) {
  %w = sluice.constant dense<1.0> : tensor<32x128xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x32xf32>, tensor<32x128xf32>) -> tensor<?x128xf32>
  %1 = sluice.slice %0 {ends = array<i64: 9223372036854775807, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %2 = sluice.slice %0 {ends = array<i64: 9223372036854775807, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %3 = sluice.matmul %y, %w : (tensor<?x32xf32>, tensor<32x128xf32>) -> tensor<?x128xf32>
  %4 = sluice.slice %3 {ends = array<i64: 9223372036854775807, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %5 = sluice.slice %3 {ends = array<i64: 9223372036854775807, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %q = sluice.constant dense<3> : tensor<32x128xi8>
  %v = sluice.cast %q {to = f32} : (tensor<32x128xi8>) -> tensor<32x128xf32>
  %u = sluice.neg %v : (tensor<32x128xf32>) -> tensor<32x128xf32>
  %6 = sluice.matmul %x, %u : (tensor<?x32xf32>, tensor<32x128xf32>) -> tensor<?x128xf32>
  %7 = sluice.slice %6 {ends = array<i64: 9223372036854775807, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %8 = sluice.slice %6 {ends = array<i64: 9223372036854775807, 128>, starts = array<i64: 0, 64>, steps = array<i64: 1, 1>} : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %9 = sluice.matmul %y, %v : (tensor<?x32xf32>, tensor<32x128xf32>) -> tensor<?x128xf32>
  return %1, %2, %4, %5, %7, %8, %9 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x128xf32>
}

// Columns of a number that a cast hides, and a size that is copied from them.
// CHECK-LABEL: @hidden
// CHECK-COUNT-2: sluice.matmul %{{.*}} -> tensor<256x128xf32>
// CHECK-NOT: sluice.matmul
// CHECK: return
func.func @hidden(%x: tensor<256x32xf32>) -> (tensor<256x64xf32>, tensor<256x64xf32>, tensor<2x128x64xf32>, tensor<2x128x64xf32>) {
  %w0 = sluice.constant dense<0.0> : tensor<32x128xf32>
  %w1 = sluice.constant dense<1.0> : tensor<32x128xf32>
  %0 = sluice.matmul %x, %w0 : (tensor<256x32xf32>, tensor<32x128xf32>) -> tensor<256x128xf32>
  %1 = tensor.cast %0 : tensor<256x128xf32> to tensor<256x?xf32>
  %2 = sluice.slice %1 {ends = array<i64: 256, 64>, starts = array<i64: 0, 0>, steps = array<i64: 1, 1>} : (tensor<256x?xf32>) -> tensor<256x64xf32>
  %3 = sluice.slice %1 {ends = array<i64: 256, 9223372036854775807>, starts = array<i64: 0, -64>, steps = array<i64: 1, 1>} : (tensor<256x?xf32>) -> tensor<256x64xf32>
  %4 = sluice.matmul %x, %w1 : (tensor<256x32xf32>, tensor<32x128xf32>) -> tensor<256x128xf32>
  %shape = sluice.constant dense<[-1, 0, 128]> : tensor<3xi64>
  %5 = sluice.reshape %4, %shape : (tensor<256x128xf32>, tensor<3xi64>) -> tensor<2x128x128xf32>
  %6 = sluice.slice %5 {ends = array<i64: 2, 128, 64>, starts = array<i64: 0, 0, 0>, steps = array<i64: 1, 1, 1>} : (tensor<2x128x128xf32>) -> tensor<2x128x64xf32>
  %7 = sluice.slice %5 {ends = array<i64: 2, 128, 128>, starts = array<i64: 0, 0, 64>, steps = array<i64: 1, 1, 1>} : (tensor<2x128x128xf32>) -> tensor<2x128x64xf32>
  return %2, %3, %6, %7 : tensor<256x64xf32>, tensor<256x64xf32>, tensor<2x128x64xf32>, tensor<2x128x64xf32>
}
