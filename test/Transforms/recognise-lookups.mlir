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
