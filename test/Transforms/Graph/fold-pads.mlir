// RUN: sluice-opt %s --sluice-fold-pads -split-input-file | FileCheck %s

// Both have zeros there; the rest of a pad stays.
// CHECK-LABEL: @both(
// CHECK-SAME: %[[A:.*]]: tensor<40x20xf32>, %[[B:.*]]: tensor<50x20xf32>
func.func @both(%a: tensor<40x20xf32>, %b: tensor<50x20xf32>) -> tensor<41x50xf32> {
  // CHECK: %[[ROWS:.*]] = sluice.pad %[[A]], {{.*}} {high = array<i64: 1, 0>, low = array<i64: 0, 0>}
  // CHECK: %[[Y:.*]] = sluice.matmul %[[ROWS]], %[[B]] {transpose_rhs}
  // CHECK-NEXT: return %[[Y]]
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.pad %a, %zero {high = array<i64: 1, 7>, low = array<i64: 0, 5>} : (tensor<40x20xf32>, tensor<f32>) -> tensor<41x32xf32>
  %1 = sluice.pad %b, %zero {high = array<i64: 0, 7>, low = array<i64: 0, 5>} : (tensor<50x20xf32>, tensor<f32>) -> tensor<50x32xf32>
  %2 = sluice.matmul %0, %1 {transpose_rhs} : (tensor<41x32xf32>, tensor<50x32xf32>) -> tensor<41x50xf32>
  return %2 : tensor<41x50xf32>
}

// -----

// A finite constant loses what is multiplied by zeros.
// CHECK-LABEL: @constant(
// CHECK-SAME: %[[A:.*]]: tensor<4x2xf32>
func.func @constant(%a: tensor<4x2xf32>) -> tensor<4x1xf32> {
  // CHECK-DAG: %[[W:.*]] = sluice.constant dense<{{.*}}1.000000e+00{{.*}}> : tensor<5x1xf32>
  // CHECK: %[[SLICE:.*]] = sluice.slice %[[W]] {ends = array<i64: 3, 1>, starts = array<i64: 1, 0>, steps = array<i64: 1, 1>}
  // CHECK: sluice.matmul %[[A]], %[[SLICE]]
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %w = sluice.constant dense<[[1.0], [2.0], [3.0], [4.0], [5.0]]> : tensor<5x1xf32>
  %0 = sluice.pad %a, %zero {high = array<i64: 0, 2>, low = array<i64: 0, 1>} : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x5xf32>
  %1 = sluice.matmul %0, %w : (tensor<4x5xf32>, tensor<5x1xf32>) -> tensor<4x1xf32>
  return %1 : tensor<4x1xf32>
}

// -----

// So does one of another type, but not one with an infinity.
// CHECK-LABEL: @constant_types(
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<4x2xf16>, %[[B:[a-z0-9]+]]: tensor<4x2xbf16>
func.func @constant_types(%a: tensor<4x2xf16>, %b: tensor<4x2xbf16>) -> (tensor<4x1xf16>, tensor<4x1xbf16>) {
  // CHECK: sluice.matmul %[[A]], {{.*}} : (tensor<4x2xf16>, tensor<2x1xf16>)
  // CHECK: %[[PADDED:.*]] = sluice.pad %[[B]]
  // CHECK: sluice.matmul %[[PADDED]], {{.*}} : (tensor<4x5xbf16>, tensor<5x1xbf16>)
  %zero = sluice.constant dense<0.0> : tensor<f16>
  %none = sluice.constant dense<0.0> : tensor<bf16>
  %w = sluice.constant dense<[[1.0], [2.0], [3.0], [4.0], [5.0]]> : tensor<5x1xf16>
  %v = sluice.constant dense<[[1.0], [2.0], [3.0], [4.0], [0x7F80]]> : tensor<5x1xbf16>
  %0 = sluice.pad %a, %zero {high = array<i64: 0, 2>, low = array<i64: 0, 1>} : (tensor<4x2xf16>, tensor<f16>) -> tensor<4x5xf16>
  %1 = sluice.matmul %0, %w : (tensor<4x5xf16>, tensor<5x1xf16>) -> tensor<4x1xf16>
  %2 = sluice.pad %b, %none {high = array<i64: 0, 2>, low = array<i64: 0, 1>} : (tensor<4x2xbf16>, tensor<bf16>) -> tensor<4x5xbf16>
  %3 = sluice.matmul %2, %v : (tensor<4x5xbf16>, tensor<5x1xbf16>) -> tensor<4x1xbf16>
  return %1, %3 : tensor<4x1xf16>, tensor<4x1xbf16>
}

// -----

// Rows are zero, or not a number where zero is multiplied with what is not finite.
// CHECK-LABEL: @rows(
// CHECK-SAME: %[[A:.*]]: tensor<8x20xf32>, %[[B:.*]]: tensor<6x20xf32>
func.func @rows(%a: tensor<8x20xf32>, %b: tensor<6x20xf32>) -> tensor<30x6xf32> {
  // CHECK: %[[PRODUCT:.*]] = sluice.matmul %[[A]], %[[B]] {transpose_rhs}
  // CHECK: %[[PADDED:.*]] = sluice.pad %[[PRODUCT]], {{.*}} {high = array<i64: 18, 0>, low = array<i64: 4, 0>}
  // CHECK: %[[ZEROS:.*]] = sluice.mul %[[B]]
  // CHECK: %[[SUMS:.*]] = sluice.reduce %[[ZEROS]] {axes = array<i64: 1>, keep_dims
  // CHECK: %[[ROW:.*]] = sluice.reshape %[[SUMS]], {{.*}} -> tensor<1x6xf32>
  // CHECK: sluice.select {{.*}}, %[[ROW]], %[[PADDED]] : (tensor<30x1xi1>
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.pad %a, %zero {high = array<i64: 18, 0>, low = array<i64: 4, 0>} : (tensor<8x20xf32>, tensor<f32>) -> tensor<30x20xf32>
  %1 = sluice.matmul %0, %b {transpose_rhs} : (tensor<30x20xf32>, tensor<6x20xf32>) -> tensor<30x6xf32>
  return %1 : tensor<30x6xf32>
}

// -----

// Integers are finite; one matrix serves all that were padded.
// CHECK-LABEL: @integers(
// CHECK-SAME: %[[A:.*]]: tensor<2x8x20xi32>, %[[B:.*]]: tensor<20x6xi32>
func.func @integers(%a: tensor<2x8x20xi32>, %b: tensor<20x6xi32>) -> tensor<9x8x6xi32> {
  // CHECK: %[[PRODUCT:.*]] = sluice.matmul %[[A]], %[[B]]
  // CHECK: %[[PADDED:.*]] = sluice.pad %[[PRODUCT]], {{.*}} {high = array<i64: 7, 0, 0>, low = array<i64: 0, 0, 0>}
  // CHECK-NEXT: return %[[PADDED]]
  %zero = sluice.constant dense<0> : tensor<i32>
  %0 = sluice.pad %a, %zero {high = array<i64: 7, 0, 0>, low = array<i64: 0, 0, 0>} : (tensor<2x8x20xi32>, tensor<i32>) -> tensor<9x8x20xi32>
  %1 = sluice.matmul %0, %b : (tensor<9x8x20xi32>, tensor<20x6xi32>) -> tensor<9x8x6xi32>
  return %1 : tensor<9x8x6xi32>
}

// -----

// Zeros of the depth against numbers of the run, few rows, ones, and a matrix of
// its own for each that was padded.
// CHECK-LABEL: @kept(
// CHECK-COUNT-4: sluice.pad
// CHECK-NOT: sluice.pad
func.func @kept(%a: tensor<8x20xf32>, %b: tensor<25x6xf32>, %c: tensor<20x20xf32>, %x: tensor<1x8x20xf32>, %m: tensor<4x20x6xf32>) -> (tensor<8x6xf32>, tensor<9x20xf32>, tensor<40x20xf32>, tensor<4x8x6xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %0 = sluice.pad %a, %zero {high = array<i64: 0, 5>, low = array<i64: 0, 0>} : (tensor<8x20xf32>, tensor<f32>) -> tensor<8x25xf32>
  %1 = sluice.matmul %0, %b : (tensor<8x25xf32>, tensor<25x6xf32>) -> tensor<8x6xf32>
  %2 = sluice.pad %a, %zero {high = array<i64: 1, 0>, low = array<i64: 0, 0>} : (tensor<8x20xf32>, tensor<f32>) -> tensor<9x20xf32>
  %3 = sluice.matmul %2, %c : (tensor<9x20xf32>, tensor<20x20xf32>) -> tensor<9x20xf32>
  %4 = sluice.pad %a, %one {high = array<i64: 32, 0>, low = array<i64: 0, 0>} : (tensor<8x20xf32>, tensor<f32>) -> tensor<40x20xf32>
  %5 = sluice.matmul %4, %c : (tensor<40x20xf32>, tensor<20x20xf32>) -> tensor<40x20xf32>
  %6 = sluice.pad %x, %zero {high = array<i64: 3, 0, 0>, low = array<i64: 0, 0, 0>} : (tensor<1x8x20xf32>, tensor<f32>) -> tensor<4x8x20xf32>
  %7 = sluice.matmul %6, %m : (tensor<4x8x20xf32>, tensor<4x20x6xf32>) -> tensor<4x8x6xf32>
  return %1, %3, %5, %7 : tensor<8x6xf32>, tensor<9x20xf32>, tensor<40x20xf32>, tensor<4x8x6xf32>
}
