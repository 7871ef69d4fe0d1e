// RUN: sluice-opt %s --sluice-recognise-lookups -split-input-file | FileCheck %s

// Indices compared with 0, 1, 2; what follows is done on the table.
// CHECK-LABEL: @compared(
// CHECK-SAME: %[[X:.*]]: tensor<1x9x1xi32>
func.func @compared(%x: tensor<1x9x1xi32>) -> tensor<1x9x2xf32> {
  // CHECK-DAG: %[[PLACES:.*]] = sluice.squeeze %[[X]] {axes = array<i64: 2>}
  // CHECK-DAG: %[[TABLE:.*]] = sluice.concat {{.*}} {axis = 0 : i64} : (tensor<3x2xf32>, tensor<1x2xf32>)
  // CHECK-DAG: %[[INSIDE:.*]] = sluice.and
  // CHECK-DAG: %[[ROWS:.*]] = sluice.select %[[INSIDE]], %[[PLACES]]
  // CHECK-DAG: %[[SUM:.*]] = sluice.add %[[TABLE]], {{.*}} : (tensor<4x2xf32>, tensor<2xf32>)
  // CHECK-DAG: %[[GELU:.*]] = sluice.gelu %[[SUM]]
  // CHECK: %[[Y:.*]] = sluice.gather %[[GELU]], %[[ROWS]] {axis = 0 : i64}
  // CHECK-NEXT: return %[[Y]]
  %i = sluice.constant dense<[[[0, 1, 2]]]> : tensor<1x1x3xi32>
  %w = sluice.constant dense<[[0.5, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xf32>
  %b = sluice.constant dense<[[[0.5, 1.0]]]> : tensor<1x1x2xf32>
  %0 = sluice.equal %x, %i : (tensor<1x9x1xi32>, tensor<1x1x3xi32>) -> tensor<1x9x3xi1>
  %1 = sluice.cast %0 {to = f32} : (tensor<1x9x3xi1>) -> tensor<1x9x3xf32>
  %2 = sluice.matmul %1, %w : (tensor<1x9x3xf32>, tensor<3x2xf32>) -> tensor<1x9x2xf32>
  %3 = sluice.add %2, %b : (tensor<1x9x2xf32>, tensor<1x1x2xf32>) -> tensor<1x9x2xf32>
  %4 = sluice.gelu %3 : (tensor<1x9x2xf32>) -> tensor<1x9x2xf32>
  return %4 : tensor<1x9x2xf32>
}

// -----

// Negative indices of one_hot count from the end.
// CHECK-LABEL: @one_hot(
func.func @one_hot(%x: tensor<?xi64>) -> tensor<?x2xf32> {
  // CHECK: sluice.less
  // CHECK: sluice.gather
  // CHECK-NOT: sluice.matmul
  %depth = sluice.constant dense<3> : tensor<1xi64>
  %values = sluice.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %w = sluice.constant dense<[[0.5, 2.0, 3.0], [1.0, 4.0, 2.0]]> : tensor<2x3xf32>
  %0 = sluice.one_hot %x, %depth, %values {axis = 1 : i64} : (tensor<?xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<?x3xf32>
  %1 = sluice.matmul %0, %w {transpose_rhs} : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// The numbers do not count from 0; zero times infinity is not zero.
// CHECK-LABEL: @others(
func.func @others(%x: tensor<9x1xi32>) -> (tensor<9x2xf32>, tensor<9x2xf32>) {
  // CHECK-COUNT-2: sluice.matmul
  // CHECK-NOT: sluice.gather
  %one = sluice.constant dense<[[1, 2, 3]]> : tensor<1x3xi32>
  %i = sluice.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %w = sluice.constant dense<[[0.5, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xf32>
  %inf = sluice.constant dense<0x7F800000> : tensor<3x2xf32>
  %0 = sluice.equal %x, %one : (tensor<9x1xi32>, tensor<1x3xi32>) -> tensor<9x3xi1>
  %1 = sluice.cast %0 {to = f32} : (tensor<9x3xi1>) -> tensor<9x3xf32>
  %2 = sluice.matmul %1, %w : (tensor<9x3xf32>, tensor<3x2xf32>) -> tensor<9x2xf32>
  %3 = sluice.equal %x, %i : (tensor<9x1xi32>, tensor<1x3xi32>) -> tensor<9x3xi1>
  %4 = sluice.cast %3 {to = f32} : (tensor<9x3xi1>) -> tensor<9x3xf32>
  %5 = sluice.matmul %4, %inf : (tensor<9x3xf32>, tensor<3x2xf32>) -> tensor<9x2xf32>
  return %2, %5 : tensor<9x2xf32>, tensor<9x2xf32>
}

// -----

// In every type; 0x7C00 is an infinity of f16, and a number of bf16.
// CHECK-LABEL: @types(
func.func @types(%x: tensor<9x1xi32>) -> (tensor<9x2xf16>, tensor<9x2xbf16>, tensor<9x2xf64>, tensor<9x2xi64>, tensor<9x2xf16>, tensor<9x2xf64>) {
  // CHECK-DAG: sluice.gather {{.*}} : (tensor<4x2xf16>, tensor<9xi32>) -> tensor<9x2xf16>
  // CHECK-DAG: sluice.gather {{.*}} : (tensor<4x2xbf16>, tensor<9xi32>) -> tensor<9x2xbf16>
  // CHECK-DAG: sluice.gather {{.*}} : (tensor<4x2xf64>, tensor<9xi32>) -> tensor<9x2xf64>
  // CHECK-DAG: sluice.gather {{.*}} : (tensor<4x2xi64>, tensor<9xi32>) -> tensor<9x2xi64>
  // CHECK-DAG: sluice.matmul {{.*}} -> tensor<9x2xf16>
  // CHECK-DAG: sluice.matmul {{.*}} -> tensor<9x2xf64>
  // CHECK: return
  %i = sluice.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %half = sluice.constant dense<[[0.5, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xf16>
  %brain = sluice.constant dense<[[0x7C00, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xbf16>
  %double = sluice.constant dense<[[0.5, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xf64>
  %long = sluice.constant dense<[[5, 1], [2, -1], [3, 1]]> : tensor<3x2xi64>
  %half_inf = sluice.constant dense<[[0x7C00, 1.0], [2.0, 1.0], [3.0, 1.0]]> : tensor<3x2xf16>
  %double_nan = sluice.constant dense<[[0.5, 1.0], [2.0, 1.0], [3.0, 0x7FF8000000000000]]> : tensor<3x2xf64>
  %marks = sluice.equal %x, %i : (tensor<9x1xi32>, tensor<1x3xi32>) -> tensor<9x3xi1>
  %h = sluice.cast %marks {to = f16} : (tensor<9x3xi1>) -> tensor<9x3xf16>
  %b = sluice.cast %marks {to = bf16} : (tensor<9x3xi1>) -> tensor<9x3xbf16>
  %d = sluice.cast %marks {to = f64} : (tensor<9x3xi1>) -> tensor<9x3xf64>
  %l = sluice.cast %marks {to = i64} : (tensor<9x3xi1>) -> tensor<9x3xi64>
  %0 = sluice.matmul %h, %half : (tensor<9x3xf16>, tensor<3x2xf16>) -> tensor<9x2xf16>
  %1 = sluice.matmul %b, %brain : (tensor<9x3xbf16>, tensor<3x2xbf16>) -> tensor<9x2xbf16>
  %2 = sluice.matmul %d, %double : (tensor<9x3xf64>, tensor<3x2xf64>) -> tensor<9x2xf64>
  %3 = sluice.matmul %l, %long : (tensor<9x3xi64>, tensor<3x2xi64>) -> tensor<9x2xi64>
  %4 = sluice.matmul %h, %half_inf : (tensor<9x3xf16>, tensor<3x2xf16>) -> tensor<9x2xf16>
  %5 = sluice.matmul %d, %double_nan : (tensor<9x3xf64>, tensor<3x2xf64>) -> tensor<9x2xf64>
  return %0, %1, %2, %3, %4, %5 : tensor<9x2xf16>, tensor<9x2xbf16>, tensor<9x2xf64>, tensor<9x2xi64>, tensor<9x2xf16>, tensor<9x2xf64>
}

// -----

// An addend per row that is read stays behind the lookup.
// CHECK-LABEL: @varies(
func.func @varies(%x: tensor<2xi32>) -> tensor<2x3xf32> {
  // CHECK: sluice.gather
  // CHECK: sluice.add
  %w = sluice.constant dense<[[0.5, 2.0, 3.0], [1.0, 4.0, 2.0]]> : tensor<2x3xf32>
  %b = sluice.constant dense<[[0.5], [1.0]]> : tensor<2x1xf32>
  %0 = sluice.gather %w, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  %1 = sluice.add %0, %b : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// A table that is much larger than what it is made of: only the rows that are
// read are computed. Scales per row are looked up too, those per column stay.
// CHECK-LABEL: @dequantised(
// CHECK-DAG: %[[T:.*]] = sluice.constant dense<3> : tensor<40000x64xi8>
// CHECK-DAG: %[[S:.*]] = sluice.constant dense<5.000000e-01> : tensor<40000x1xf32>
// CHECK-DAG: %[[ROWS:.*]] = sluice.gather %[[T]], %arg0 {axis = 0 : i64} {{.*}} -> tensor<?x2x64xi8>
// CHECK-DAG: %[[SCALES:.*]] = sluice.gather %[[S]], %arg0 {axis = 0 : i64} {{.*}} -> tensor<?x2x1xf32>
// CHECK-DAG: %[[F:.*]] = sluice.cast %[[ROWS]] {to = f32} : (tensor<?x2x64xi8>) -> tensor<?x2x64xf32>
// CHECK: %[[M:.*]] = sluice.mul %[[F]], %[[SCALES]]
// CHECK: sluice.add %[[M]], {{.*}} : (tensor<?x2x64xf32>, tensor<64xf32>) -> tensor<?x2x64xf32>
func.func @dequantised(%i: tensor<?x2xi64>) -> tensor<?x2x64xf32> {
  %t = sluice.constant dense<3> : tensor<40000x64xi8>
  %s = sluice.constant dense<0.5> : tensor<40000x1xf32>
  %b = sluice.constant dense<0.25> : tensor<64xf32>
  %0 = sluice.cast %t {to = f32} : (tensor<40000x64xi8>) -> tensor<40000x64xf32>
  %1 = sluice.mul %0, %s : (tensor<40000x64xf32>, tensor<40000x1xf32>) -> tensor<40000x64xf32>
  %2 = sluice.add %1, %b : (tensor<40000x64xf32>, tensor<64xf32>) -> tensor<40000x64xf32>
  %3 = sluice.gather %2, %i {axis = 0 : i64} : (tensor<40000x64xf32>, tensor<?x2xi64>) -> tensor<?x2x64xf32>
  return %3 : tensor<?x2x64xf32>
}

// -----

// Along another axis: what is the same for all entries gets a dimension of one
// for each of the indices'.
// CHECK-LABEL: @other_axis(
// CHECK-DAG: sluice.gather {{.*}} {axis = 1 : i64} : (tensor<64x40000xi8>, tensor<2x3xi64>) -> tensor<64x2x3xi8>
// CHECK: sluice.mul {{.*}} : (tensor<64x2x3xf32>, tensor<64x1x1xf32>) -> tensor<64x2x3xf32>
func.func @other_axis(%i: tensor<2x3xi64>) -> tensor<64x2x3xf32> {
  %t = sluice.constant dense<3> : tensor<64x40000xi8>
  %s = sluice.constant dense<0.5> : tensor<64x1xf32>
  %0 = sluice.cast %t {to = f32} : (tensor<64x40000xi8>) -> tensor<64x40000xf32>
  %1 = sluice.mul %0, %s : (tensor<64x40000xf32>, tensor<64x1xf32>) -> tensor<64x40000xf32>
  %2 = sluice.gather %1, %i {axis = 1 : i64} : (tensor<64x40000xf32>, tensor<2x3xi64>) -> tensor<64x2x3xf32>
  return %2 : tensor<64x2x3xf32>
}

// -----

// Each block of a row has its scale.
// CHECK-LABEL: @blocks(
// CHECK-DAG: sluice.gather {{.*}} : (tensor<40000x64xi8>, tensor<?xi64>) -> tensor<?x64xi8>
// CHECK-DAG: %[[S:.*]] = sluice.gather {{.*}} : (tensor<40000x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
// CHECK: %[[U:.*]] = sluice.unsqueeze %[[S]] {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
// CHECK: %[[B:.*]] = sluice.broadcast %[[U]], {{.*}} -> tensor<?x2x32xf32>
// CHECK: %[[R:.*]] = sluice.reshape %[[B]], {{.*}} -> tensor<?x64xf32>
// CHECK: sluice.mul {{.*}}, %[[R]] {{.*}} -> tensor<?x64xf32>
func.func @blocks(%i: tensor<?xi64>) -> tensor<?x64xf32> {
  %t = sluice.constant dense<3> : tensor<40000x64xi8>
  %s = sluice.constant dense<0.5> : tensor<40000x2xf32>
  %r = sluice.constant dense<[1, 1, 32]> : tensor<3xi64>
  %v = sluice.constant dense<[40000, 64]> : tensor<2xi64>
  %0 = sluice.unsqueeze %s {axes = array<i64: 2>} : (tensor<40000x2xf32>) -> tensor<40000x2x1xf32>
  %1 = sluice.broadcast %0, %r : (tensor<40000x2x1xf32>, tensor<3xi64>) -> tensor<40000x2x32xf32>
  %2 = sluice.reshape %1, %v : (tensor<40000x2x32xf32>, tensor<2xi64>) -> tensor<40000x64xf32>
  %3 = sluice.cast %t {to = f32} : (tensor<40000x64xi8>) -> tensor<40000x64xf32>
  %4 = sluice.mul %3, %2 : (tensor<40000x64xf32>, tensor<40000x64xf32>) -> tensor<40000x64xf32>
  %5 = sluice.gather %4, %i {axis = 0 : i64} : (tensor<40000x64xf32>, tensor<?xi64>) -> tensor<?x64xf32>
  return %5 : tensor<?x64xf32>
}

// -----

// The product needs the whole table, the lookup does not.
// CHECK-LABEL: @tied(
// CHECK: sluice.cast {{.*}} -> tensor<40000x64xf32>
// CHECK: sluice.gather {{.*}} : (tensor<40000x64xi8>,
// CHECK: sluice.cast {{.*}} -> tensor<2x64xf32>
// CHECK: sluice.matmul {{.*}} : (tensor<1x64xf32>, tensor<40000x64xf32>)
func.func @tied(%i: tensor<2xi64>, %x: tensor<1x64xf32>) -> (tensor<2x64xf32>, tensor<1x40000xf32>) {
  %t = sluice.constant dense<3> : tensor<40000x64xi8>
  %0 = sluice.cast %t {to = f32} : (tensor<40000x64xi8>) -> tensor<40000x64xf32>
  %1 = sluice.gather %0, %i {axis = 0 : i64} : (tensor<40000x64xf32>, tensor<2xi64>) -> tensor<2x64xf32>
  %2 = sluice.matmul %x, %0 {transpose_rhs} : (tensor<1x64xf32>, tensor<40000x64xf32>) -> tensor<1x40000xf32>
  return %1, %2 : tensor<2x64xf32>, tensor<1x40000xf32>
}

// -----

// A small table becomes a constant, and so does one that a product needs and
// that is not much larger than what it is made of. As many entries as there are
// in the table, or more, are no less work than the table.
// CHECK-LABEL: @stays(
// CHECK: sluice.gather {{.*}} : (tensor<9x64xf32>,
// CHECK: sluice.gather {{.*}} : (tensor<4000x64xf32>,
// CHECK: sluice.gather {{.*}} : (tensor<40000x64xf32>,
func.func @stays(%i: tensor<2xi64>, %j: tensor<40000xi64>, %x: tensor<1x64xf32>) -> (tensor<2x64xf32>, tensor<2x64xf32>, tensor<1x4000xf32>, tensor<40000x64xf32>) {
  %t = sluice.constant dense<3> : tensor<9x64xi8>
  %0 = sluice.cast %t {to = f32} : (tensor<9x64xi8>) -> tensor<9x64xf32>
  %1 = sluice.gather %0, %i {axis = 0 : i64} : (tensor<9x64xf32>, tensor<2xi64>) -> tensor<2x64xf32>
  %u = sluice.constant dense_resource<half> : tensor<4000x64xf16>
  %2 = sluice.cast %u {to = f32} : (tensor<4000x64xf16>) -> tensor<4000x64xf32>
  %3 = sluice.gather %2, %i {axis = 0 : i64} : (tensor<4000x64xf32>, tensor<2xi64>) -> tensor<2x64xf32>
  %4 = sluice.matmul %x, %2 {transpose_rhs} : (tensor<1x64xf32>, tensor<4000x64xf32>) -> tensor<1x4000xf32>
  %v = sluice.constant dense<3> : tensor<40000x64xi8>
  %5 = sluice.cast %v {to = f32} : (tensor<40000x64xi8>) -> tensor<40000x64xf32>
  %6 = sluice.gather %5, %j {axis = 0 : i64} : (tensor<40000x64xf32>, tensor<40000xi64>) -> tensor<40000x64xf32>
  return %1, %3, %4, %6 : tensor<2x64xf32>, tensor<2x64xf32>, tensor<1x4000xf32>, tensor<40000x64xf32>
}

// -----

// A larger constant that only the lookup needs.
// CHECK-LABEL: @half(
// CHECK: %[[ROWS:.*]] = sluice.gather {{.*}} : (tensor<4000x64xf16>, tensor<2xi64>) -> tensor<2x64xf16>
// CHECK: sluice.cast %[[ROWS]]
func.func @half(%i: tensor<2xi64>) -> tensor<2x64xf32> {
  %u = sluice.constant dense_resource<half> : tensor<4000x64xf16>
  %2 = sluice.cast %u {to = f32} : (tensor<4000x64xf16>) -> tensor<4000x64xf32>
  %3 = sluice.gather %2, %i {axis = 0 : i64} : (tensor<4000x64xf32>, tensor<2xi64>) -> tensor<2x64xf32>
  return %3 : tensor<2x64xf32>
}

// -----

// The last block is shorter than the others: what is too much of it is cut off
// the rows that are looked up.
// CHECK-LABEL: @short_block(
// CHECK: %[[S:.*]] = sluice.gather {{.*}} : (tensor<40000x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
// CHECK: sluice.slice {{.*}} -> tensor<?x60xf32>
// CHECK: sluice.mul {{.*}} -> tensor<?x60xf32>
func.func @short_block(%i: tensor<?xi64>) -> tensor<?x60xf32> {
  %t = sluice.constant dense<3> : tensor<40000x60xi8>
  %s = sluice.constant dense<0.5> : tensor<40000x2xf32>
  %r = sluice.constant dense<[1, 1, 32]> : tensor<3xi64>
  %v = sluice.constant dense<[40000, 64]> : tensor<2xi64>
  %0 = sluice.unsqueeze %s {axes = array<i64: 2>} : (tensor<40000x2xf32>) -> tensor<40000x2x1xf32>
  %1 = sluice.broadcast %0, %r : (tensor<40000x2x1xf32>, tensor<3xi64>) -> tensor<40000x2x32xf32>
  %2 = sluice.reshape %1, %v : (tensor<40000x2x32xf32>, tensor<2xi64>) -> tensor<40000x64xf32>
  %3 = sluice.slice %2 {starts = array<i64: 0, 0>, ends = array<i64: 9223372036854775807, 60>, steps = array<i64: 1, 1>} : (tensor<40000x64xf32>) -> tensor<40000x60xf32>
  %4 = sluice.cast %t {to = f32} : (tensor<40000x60xi8>) -> tensor<40000x60xf32>
  %5 = sluice.mul %4, %3 : (tensor<40000x60xf32>, tensor<40000x60xf32>) -> tensor<40000x60xf32>
  %6 = sluice.gather %5, %i {axis = 0 : i64} : (tensor<40000x60xf32>, tensor<?xi64>) -> tensor<?x60xf32>
  return %6 : tensor<?x60xf32>
}

// -----

// Through views of the table: the indices' dimensions are where the axis was.
// CHECK-LABEL: @views(
// CHECK: sluice.gather {{.*}} {axis = 0 : i64} : (tensor<40000x64xi8>, tensor<?x3xi64>) -> tensor<?x3x64xi8>
// CHECK: sluice.reshape {{.*}} -> tensor<?x3x8x8xf32>
// CHECK: sluice.transpose {{.*}} {permutation = array<i64: 3, 0, 1, 2>} {{.*}} -> tensor<8x?x3x8xf32>
func.func @views(%i: tensor<?x3xi64>) -> tensor<8x?x3x8xf32> {
  %t = sluice.constant dense<3> : tensor<40000x64xi8>
  %v = sluice.constant dense<[40000, 8, 8]> : tensor<3xi64>
  %0 = sluice.cast %t {to = f32} : (tensor<40000x64xi8>) -> tensor<40000x64xf32>
  %1 = sluice.reshape %0, %v : (tensor<40000x64xf32>, tensor<3xi64>) -> tensor<40000x8x8xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 2, 0, 1>} : (tensor<40000x8x8xf32>) -> tensor<8x40000x8xf32>
  %3 = sluice.gather %2, %i {axis = 1 : i64} : (tensor<8x40000x8xf32>, tensor<?x3xi64>) -> tensor<8x?x3x8xf32>
  return %3 : tensor<8x?x3x8xf32>
}

// -----

// Two dimensions have become the one that is indexed.
// CHECK-LABEL: @merged(
// CHECK: sluice.gather {{.*}} : (tensor<40000x64xf32>, tensor<2xi64>)
func.func @merged(%i: tensor<2xi64>) -> tensor<2x64xf32> {
  %t = sluice.constant dense<3> : tensor<200x200x64xi8>
  %v = sluice.constant dense<[40000, 64]> : tensor<2xi64>
  %0 = sluice.cast %t {to = f32} : (tensor<200x200x64xi8>) -> tensor<200x200x64xf32>
  %1 = sluice.reshape %0, %v : (tensor<200x200x64xf32>, tensor<2xi64>) -> tensor<40000x64xf32>
  %2 = sluice.gather %1, %i {axis = 0 : i64} : (tensor<40000x64xf32>, tensor<2xi64>) -> tensor<2x64xf32>
  return %2 : tensor<2x64xf32>
}

// -----

// A matrix of the run: columns with infinities or NaN elsewhere are NaN.
// CHECK-LABEL: @of_the_run(
// CHECK-SAME: %[[X:.*]]: tensor<?xi64>, %[[W:.*]]: tensor<16x?xf32>
func.func @of_the_run(%x: tensor<?xi64>, %w: tensor<16x?xf32>) -> tensor<?x?xf32> {
  // CHECK-NOT: sluice.matmul
  // CHECK: %[[ROWS:.*]] = sluice.gather %[[W]], {{.*}} {axis = 0 : i64}
  // CHECK: %[[INSIDE:.*]] = sluice.select {{.*}}, %[[ROWS]]
  // CHECK: %[[LOST:.*]] = sluice.reduce {{.*}} {axes = array<i64: 0>
  // CHECK: %[[MORE:.*]] = sluice.greater %[[LOST]]
  // CHECK: %[[Y:.*]] = sluice.select %[[MORE]], {{.*}}, %[[INSIDE]]
  // CHECK-NEXT: return %[[Y]]
  %depth = sluice.constant dense<16> : tensor<1xi64>
  %values = sluice.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %0 = sluice.one_hot %x, %depth, %values {axis = 1 : i64} : (tensor<?xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<?x16xf32>
  %1 = sluice.matmul %0, %w : (tensor<?x16xf32>, tensor<16x?xf32>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// -----

// Little depth, marks of other numbers, many matrices.
// CHECK-LABEL: @products_of_the_run(
func.func @products_of_the_run(%x: tensor<9xi64>, %w: tensor<4x5xf32>, %v: tensor<16x5xf32>, %m: tensor<2x16x5xf32>) -> (tensor<9x5xf32>, tensor<9x5xf32>, tensor<2x9x5xf32>) {
  // CHECK-COUNT-3: sluice.matmul
  // CHECK-NOT: sluice.gather
  %four = sluice.constant dense<4> : tensor<1xi64>
  %depth = sluice.constant dense<16> : tensor<1xi64>
  %values = sluice.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %others = sluice.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %0 = sluice.one_hot %x, %four, %values {axis = 1 : i64} : (tensor<9xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<9x4xf32>
  %1 = sluice.matmul %0, %w : (tensor<9x4xf32>, tensor<4x5xf32>) -> tensor<9x5xf32>
  %2 = sluice.one_hot %x, %depth, %others {axis = 1 : i64} : (tensor<9xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<9x16xf32>
  %3 = sluice.matmul %2, %v : (tensor<9x16xf32>, tensor<16x5xf32>) -> tensor<9x5xf32>
  %4 = sluice.one_hot %x, %depth, %values {axis = 1 : i64} : (tensor<9xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<9x16xf32>
  %5 = sluice.matmul %4, %m : (tensor<9x16xf32>, tensor<2x16x5xf32>) -> tensor<2x9x5xf32>
  return %1, %3, %5 : tensor<9x5xf32>, tensor<9x5xf32>, tensor<2x9x5xf32>
}
