// RUN: sluice-opt %s --split-input-file --verify-diagnostics | sluice-opt --split-input-file | FileCheck %s
// RUN: sluice-opt %s --split-input-file --verify-diagnostics --sluice-decompose | FileCheck %s --check-prefix=STEPS

// CHECK-LABEL: @rows
// CHECK: sluice.group_rows %{{.*}} {groups = 3 : i64} : (tensor<?xi32>) -> (tensor<?xi64>, tensor<4xi64>)
// STEPS-LABEL: @rows
// STEPS-NOT: sluice.group_rows
// STEPS: sluice.cumulate
// STEPS-SAME: tensor<4xi64>
// STEPS: sluice.scatter_elements
func.func @rows(%ids: tensor<?xi32>) -> (tensor<?xi64>, tensor<4xi64>) {
  %0:2 = sluice.group_rows %ids {groups = 3 : i64} : (tensor<?xi32>) -> (tensor<?xi64>, tensor<4xi64>)
  return %0#0, %0#1 : tensor<?xi64>, tensor<4xi64>
}

// -----

// CHECK-LABEL: @plain
// CHECK: sluice.grouped_matmul %{{.*}}, %{{.*}}, %{{[a-z0-9_]*}} : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
// STEPS-LABEL: @plain
// STEPS: %[[GROUP:.*]] = sluice.min
// STEPS: %[[WEIGHTS:.*]] = sluice.gather %{{.*}}, %[[GROUP]]
// STEPS: sluice.matmul %{{.*}}, %[[WEIGHTS]] : (tensor<6x1x4xf32>, tensor<6x4x5xf32>) -> tensor<6x1x5xf32>
// STEPS: sluice.select
// STEPS-NOT: sluice.scatter_nd
func.func @plain(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>) -> tensor<6x5xf32> {
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
  return %0 : tensor<6x5xf32>
}

// -----

// CHECK-LABEL: @everything
// CHECK: sluice.grouped_matmul %{{.*}}, %{{.*}}, %{{.*}} rows %{{.*}} places %{{.*}} bias %{{.*}} {repeat = 2 : i64, transpose_rhs} : (tensor<?x4xf16>, tensor<3x5x4xf16>, tensor<4xi32>, tensor<?xi64>, tensor<?xi64>, tensor<3x5xf16>) -> tensor<?x5xf16>
// STEPS-LABEL: @everything
// STEPS: sluice.div
// STEPS: sluice.matmul %{{.*}} {transpose_rhs} : (tensor<?x1x4xf32>, tensor<?x5x4xf32>) -> tensor<?x1x5xf32>
// STEPS: sluice.add
// STEPS: sluice.cast %{{.*}} {to = f16}
// STEPS: sluice.scatter_nd
func.func @everything(%x: tensor<?x4xf16>, %w: tensor<3x5x4xf16>, %o: tensor<4xi32>, %r: tensor<?xi64>, %b: tensor<3x5xf16>) -> tensor<?x5xf16> {
  %0 = sluice.grouped_matmul %x, %w, %o rows %r places %r bias %b {repeat = 2 : i64, transpose_rhs} : (tensor<?x4xf16>, tensor<3x5x4xf16>, tensor<4xi32>, tensor<?xi64>, tensor<?xi64>, tensor<3x5xf16>) -> tensor<?x5xf16>
  return %0 : tensor<?x5xf16>
}

// -----

func.func @ids(%ids: tensor<4xf32>) {
  // expected-error @+2 {{ids must be a list of 32- or 64-bit integers, not 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = sluice.group_rows %ids {groups = 3 : i64} : (tensor<4xf32>) -> (tensor<4xi64>, tensor<4xi64>)
  return
}

// -----

func.func @no_group(%ids: tensor<4xi64>) {
  // expected-error @+2 {{there must be a group, not 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = sluice.group_rows %ids {groups = 0 : i64} : (tensor<4xi64>) -> (tensor<4xi64>, tensor<1xi64>)
  return
}

// -----

func.func @ranks(%x: tensor<6x4xf32>, %w: tensor<4x5xf32>, %o: tensor<4xi64>) {
  // expected-error @+1 {{lhs must be a matrix, weights a matrix for each group}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xf32>, tensor<4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @unknown_groups(%x: tensor<6x4xf32>, %w: tensor<?x4x5xf32>, %o: tensor<4xi64>) {
  // expected-error @+1 {{the number of groups must be known, and not 0}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xf32>, tensor<?x4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @lists(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>, %r: tensor<7x1xi64>) {
  // expected-error @+1 {{offsets, rows and places must be lists of 32- or 64-bit integers, not 'tensor<7x1xi64>'}}
  %0 = sluice.grouped_matmul %x, %w, %o rows %r : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>, tensor<7x1xi64>) -> tensor<7x5xf32>
  return
}

// -----

func.func @depth(%x: tensor<6x3xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>) {
  // expected-error @+1 {{the inner dimensions of the product differ}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x3xf32>, tensor<3x4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @offsets(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<3xi64>) {
  // expected-error @+1 {{needs 4 offsets for 3 groups}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<3xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @places(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>, %p: tensor<7xi64>) {
  // expected-error @+1 {{there is not a place for each row}}
  %0 = sluice.grouped_matmul %x, %w, %o places %p : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>, tensor<7xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @bias(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{the bias has not as many columns as the product}}
  %0 = sluice.grouped_matmul %x, %w, %o bias %b : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>, tensor<3x4xf32>) -> tensor<6x5xf32>
  return
}

// -----

func.func @elements(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf16>, %o: tensor<4xi64>) {
  // expected-error @+1 {{lhs, weights and bias must have one element type}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xf32>, tensor<3x4x5xf16>, tensor<4xi64>) -> tensor<6x5xf32>
  return
}

// -----

func.func @bytes(%x: tensor<6x4xi8>, %w: tensor<3x4x5xi8>, %o: tensor<4xi64>) {
  // expected-error @+1 {{has no product of elements of 'i8'}}
  %0 = sluice.grouped_matmul %x, %w, %o : (tensor<6x4xi8>, tensor<3x4x5xi8>, tensor<4xi64>) -> tensor<6x5xi8>
  return
}

// -----

func.func @repeat(%x: tensor<6x4xf32>, %w: tensor<3x4x5xf32>, %o: tensor<4xi64>) {
  // expected-error @+1 {{repeat is of rows, of which there is no list}}
  %0 = sluice.grouped_matmul %x, %w, %o {repeat = 2 : i64} : (tensor<6x4xf32>, tensor<3x4x5xf32>, tensor<4xi64>) -> tensor<6x5xf32>
  return
}
