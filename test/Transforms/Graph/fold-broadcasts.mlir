// RUN: sluice-opt %s --sluice-fold-broadcasts -split-input-file | FileCheck %s

// Products broadcast their batch themselves.
// CHECK-LABEL: @batch(
// CHECK-SAME: %[[A:.*]]: tensor<8x3x5x20xf32>, %[[B:.*]]: tensor<1x20x7xf32>
func.func @batch(%a: tensor<8x3x5x20xf32>, %b: tensor<1x20x7xf32>) -> tensor<8x3x5x7xf32> {
  // CHECK-NOT: sluice.broadcast
  // CHECK: %[[RESULT:.*]] = sluice.matmul %[[A]], %[[B]] : (tensor<8x3x5x20xf32>, tensor<1x20x7xf32>)
  // CHECK-NEXT: return %[[RESULT]]
  %shape = sluice.constant dense<[8, 3, 20, 7]> : tensor<4xi64>
  %0 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<4xi64>) -> tensor<8x3x20x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<8x3x5x20xf32>, tensor<8x3x20x7xf32>) -> tensor<8x3x5x7xf32>
  return %1 : tensor<8x3x5x7xf32>
}

// -----

// Nothing else has the size of the batch: it stays with one of the operands.
// CHECK-LABEL: @both(
// CHECK-SAME: %[[A:.*]]: tensor<1x5x20xf32>, %[[B:.*]]: tensor<1x20x7xf32>
func.func @both(%a: tensor<1x5x20xf32>, %b: tensor<1x20x7xf32>) -> tensor<4x5x7xf32> {
  // CHECK: %[[MANY:.*]] = sluice.broadcast %[[B]]
  // CHECK: sluice.matmul %[[A]], %[[MANY]] : (tensor<1x5x20xf32>, tensor<4x20x7xf32>)
  %shape = sluice.constant dense<[4, 1, 1]> : tensor<3xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x5x20xf32>, tensor<3xi64>) -> tensor<4x5x20xf32>
  %1 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<3xi64>) -> tensor<4x20x7xf32>
  %2 = sluice.matmul %0, %1 : (tensor<4x5x20xf32>, tensor<4x20x7xf32>) -> tensor<4x5x7xf32>
  return %2 : tensor<4x5x7xf32>
}

// -----

// Sizes of the run: what the other operand has may be one.
// CHECK-LABEL: @unknown(
func.func @unknown(%a: tensor<?x5x20xf32>, %b: tensor<1x20x7xf32>, %shape: tensor<3xi64>) -> tensor<?x5x7xf32> {
  // CHECK: sluice.broadcast
  %0 = sluice.broadcast %b, %shape : (tensor<1x20x7xf32>, tensor<3xi64>) -> tensor<?x20x7xf32>
  %1 = sluice.matmul %a, %0 : (tensor<?x5x20xf32>, tensor<?x20x7xf32>) -> tensor<?x5x7xf32>
  return %1 : tensor<?x5x7xf32>
}

// -----

// Equal rows are computed once, equal columns as well.
// CHECK-LABEL: @rows(
// CHECK-SAME: %[[A:.*]]: tensor<1x20xf32>, %[[B:.*]]: tensor<3x20x7xf32>
func.func @rows(%a: tensor<1x20xf32>, %b: tensor<3x20x7xf32>) -> tensor<3x90x7xf32> {
  // CHECK: %[[ROW:.*]] = sluice.matmul %[[A]], %[[B]] : (tensor<1x20xf32>, tensor<3x20x7xf32>) -> tensor<3x1x7xf32>
  // CHECK: %[[SHAPE:.*]] = sluice.constant dense<[90, 1]>
  // CHECK: %[[RESULT:.*]] = sluice.broadcast %[[ROW]], %[[SHAPE]] : {{.*}} -> tensor<3x90x7xf32>
  // CHECK-NEXT: return %[[RESULT]]
  %shape = sluice.constant dense<[90, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x20xf32>, tensor<2xi64>) -> tensor<90x20xf32>
  %1 = sluice.matmul %0, %b : (tensor<90x20xf32>, tensor<3x20x7xf32>) -> tensor<3x90x7xf32>
  return %1 : tensor<3x90x7xf32>
}

// CHECK-LABEL: @columns(
// CHECK-SAME: %[[A:.*]]: tensor<5x20xf32>, %[[B:.*]]: tensor<1x20xf32>
func.func @columns(%a: tensor<5x20xf32>, %b: tensor<1x20xf32>) -> tensor<5x70xf32> {
  // CHECK: %[[COLUMN:.*]] = sluice.matmul %[[A]], %[[B]] {transpose_rhs} : {{.*}} -> tensor<5x1xf32>
  // CHECK: %[[SHAPE:.*]] = sluice.constant dense<[1, 70]>
  // CHECK: sluice.broadcast %[[COLUMN]], %[[SHAPE]] : {{.*}} -> tensor<5x70xf32>
  %shape = sluice.constant dense<[70, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %b, %shape : (tensor<1x20xf32>, tensor<2xi64>) -> tensor<70x20xf32>
  %1 = sluice.matmul %a, %0 {transpose_rhs} : (tensor<5x20xf32>, tensor<70x20xf32>) -> tensor<5x70xf32>
  return %1 : tensor<5x70xf32>
}

// -----

// Along the depth the sum would be another one, and a product of little depth
// costs less than another pass over its result.
// CHECK-LABEL: @depth(
func.func @depth(%a: tensor<5x1xf32>, %b: tensor<20x7xf32>) -> tensor<5x7xf32> {
  // CHECK: sluice.broadcast
  // CHECK-NEXT: sluice.matmul
  %shape = sluice.constant dense<[5, 20]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<5x1xf32>, tensor<2xi64>) -> tensor<5x20xf32>
  %1 = sluice.matmul %0, %b : (tensor<5x20xf32>, tensor<20x7xf32>) -> tensor<5x7xf32>
  return %1 : tensor<5x7xf32>
}

// CHECK-LABEL: @shallow(
func.func @shallow(%a: tensor<1x3xf32>, %b: tensor<3x7xf32>) -> tensor<90x7xf32> {
  // CHECK: sluice.broadcast
  // CHECK-NEXT: sluice.matmul
  %shape = sluice.constant dense<[90, 3]> : tensor<2xi64>
  %0 = sluice.broadcast %a, %shape : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<90x3xf32>
  %1 = sluice.matmul %0, %b : (tensor<90x3xf32>, tensor<3x7xf32>) -> tensor<90x7xf32>
  return %1 : tensor<90x7xf32>
}

// -----

// Each head of keys serves three of the queries, whose rows lie one after the
// other. The factor stays with the product, the mask has heads of its own.
// CHECK-LABEL: @grouped_keys(
// CHECK-SAME: %[[Q:.*]]: tensor<2x6x5x20xf32>, %[[K:.*]]: tensor<2x2x7x20xf32>
func.func @grouped_keys(%q: tensor<2x6x5x20xf32>, %k: tensor<2x2x7x20xf32>, %scale: tensor<f32>, %mask: tensor<2x6x5x7xf32>) -> tensor<2x6x5x7xf32> {
  // CHECK-NOT: sluice.broadcast
  // CHECK-DAG: %[[ROWS:.*]] = sluice.reshape %[[Q]], {{.*}} -> tensor<2x2x15x20xf32>
  // CHECK-DAG: %[[ONE:.*]] = sluice.unsqueeze %[[K]]
  // CHECK-DAG: %[[KEYS:.*]] = sluice.squeeze %[[ONE]]
  // CHECK: %[[PRODUCT:.*]] = sluice.matmul %[[ROWS]], %[[KEYS]] {transpose_rhs}
  // CHECK: %[[SCALED:.*]] = sluice.mul %[[PRODUCT]]
  // CHECK-NEXT: %[[HEADS:.*]] = sluice.reshape %[[SCALED]], {{.*}} -> tensor<2x6x5x7xf32>
  // CHECK-NEXT: sluice.add %[[HEADS]]
  %shape = sluice.constant dense<[2, 2, 3, 7, 20]> : tensor<5xi64>
  %heads = sluice.constant dense<[2, 6, 7, 20]> : tensor<4xi64>
  %0 = sluice.unsqueeze %k {axes = array<i64: 2>} : (tensor<2x2x7x20xf32>) -> tensor<2x2x1x7x20xf32>
  %1 = sluice.broadcast %0, %shape : (tensor<2x2x1x7x20xf32>, tensor<5xi64>) -> tensor<2x2x3x7x20xf32>
  %2 = sluice.reshape %1, %heads : (tensor<2x2x3x7x20xf32>, tensor<4xi64>) -> tensor<2x6x7x20xf32>
  %3 = sluice.matmul %q, %2 {transpose_rhs} : (tensor<2x6x5x20xf32>, tensor<2x6x7x20xf32>) -> tensor<2x6x5x7xf32>
  %4 = sluice.mul %3, %scale : (tensor<2x6x5x7xf32>, tensor<f32>) -> tensor<2x6x5x7xf32>
  %5 = sluice.add %4, %mask : (tensor<2x6x5x7xf32>, tensor<2x6x5x7xf32>) -> tensor<2x6x5x7xf32>
  return %5 : tensor<2x6x5x7xf32>
}

// -----

// Columns of a group do not lie one after the other: the product broadcasts its
// batch.
// CHECK-LABEL: @grouped_left(
// CHECK-SAME: %[[K:.*]]: tensor<4x2x1x7x20xf32>, %[[Q:.*]]: tensor<4x6x20x5xf32>
func.func @grouped_left(%k: tensor<4x2x1x7x20xf32>, %q: tensor<4x6x20x5xf32>) -> tensor<4x6x7x5xf32> {
  // CHECK-NOT: sluice.broadcast
  // CHECK: %[[GROUPS:.*]] = sluice.reshape %[[Q]], {{.*}} -> tensor<4x2x3x20x5xf32>
  // CHECK: %[[PRODUCT:.*]] = sluice.matmul %[[K]], %[[GROUPS]] : {{.*}} -> tensor<4x2x3x7x5xf32>
  // CHECK: sluice.reshape %[[PRODUCT]], {{.*}} -> tensor<4x6x7x5xf32>
  %one = sluice.constant dense<[1, 1, 3, 1, 1]> : tensor<5xi64>
  %heads = sluice.constant dense<[4, 6, 7, 20]> : tensor<4xi64>
  %0 = sluice.broadcast %k, %one : (tensor<4x2x1x7x20xf32>, tensor<5xi64>) -> tensor<4x2x3x7x20xf32>
  %1 = sluice.reshape %0, %heads {allow_zero} : (tensor<4x2x3x7x20xf32>, tensor<4xi64>) -> tensor<4x6x7x20xf32>
  %2 = sluice.matmul %1, %q : (tensor<4x6x7x20xf32>, tensor<4x6x20x5xf32>) -> tensor<4x6x7x5xf32>
  return %2 : tensor<4x6x7x5xf32>
}

// -----

// All heads one after the other, then all of them again: no neighbours. And
// queries of one head, which are broadcast.
// CHECK-LABEL: @not_grouped(
func.func @not_grouped(%q: tensor<6x5x20xf32>, %k: tensor<1x2x7x20xf32>, %one: tensor<1x5x20xf32>, %l: tensor<2x1x7x20xf32>) -> (tensor<6x5x7xf32>, tensor<6x5x7xf32>) {
  // CHECK-COUNT-2: sluice.broadcast
  %shape = sluice.constant dense<[3, 2, 7, 20]> : tensor<4xi64>
  %turned = sluice.constant dense<[2, 3, 7, 20]> : tensor<4xi64>
  %heads = sluice.constant dense<[6, 7, 20]> : tensor<3xi64>
  %0 = sluice.broadcast %k, %shape : (tensor<1x2x7x20xf32>, tensor<4xi64>) -> tensor<3x2x7x20xf32>
  %1 = sluice.reshape %0, %heads : (tensor<3x2x7x20xf32>, tensor<3xi64>) -> tensor<6x7x20xf32>
  %2 = sluice.matmul %q, %1 {transpose_rhs} : (tensor<6x5x20xf32>, tensor<6x7x20xf32>) -> tensor<6x5x7xf32>
  %3 = sluice.broadcast %l, %turned : (tensor<2x1x7x20xf32>, tensor<4xi64>) -> tensor<2x3x7x20xf32>
  %4 = sluice.reshape %3, %heads : (tensor<2x3x7x20xf32>, tensor<3xi64>) -> tensor<6x7x20xf32>
  %5 = sluice.matmul %one, %4 {transpose_rhs} : (tensor<1x5x20xf32>, tensor<6x7x20xf32>) -> tensor<6x5x7xf32>
  return %2, %5 : tensor<6x5x7xf32>, tensor<6x5x7xf32>
}

// -----

// Tiles in front of reductions are broadcasts of new dimensions.
// CHECK-LABEL: @reduced_tile(
// CHECK-SAME: %[[X:.*]]: tensor<4x3x1xf32>
func.func @reduced_tile(%x: tensor<4x3x1xf32>) -> (tensor<1x9x1xf32>, tensor<4x9x5xf32>) {
  // CHECK: %[[TILE:.*]] = sluice.tile %[[X]]
  // CHECK: %[[NARROW:.*]] = sluice.reshape %[[X]], {{.*}} -> tensor<4x1x3x1xf32>
  // CHECK: %[[WIDE:.*]] = sluice.broadcast %[[NARROW]], {{.*}} -> tensor<4x3x3x5xf32>
  // CHECK: %[[SUM:.*]] = sluice.reduce %[[WIDE]] {axes = array<i64: 0, 3>, kind = #sluice.reduction<sum>} : {{.*}} -> tensor<3x3xf32>
  // CHECK: %[[Y:.*]] = sluice.reshape %[[SUM]], {{.*}} -> tensor<1x9x1xf32>
  // CHECK: return %[[Y]], %[[TILE]]
  %repeats = sluice.constant dense<[1, 3, 5]> : tensor<3xi64>
  %0 = sluice.tile %x, %repeats : (tensor<4x3x1xf32>, tensor<3xi64>) -> tensor<4x9x5xf32>
  %1 = sluice.reduce %0 {axes = array<i64: 0, 2>, keep_dims, kind = #sluice.reduction<sum>} : (tensor<4x9x5xf32>) -> tensor<1x9x1xf32>
  return %1, %0 : tensor<1x9x1xf32>, tensor<4x9x5xf32>
}

// -----

// CHECK-LABEL: @reduced_tile_of_the_run(
func.func @reduced_tile_of_the_run(%x: tensor<?x3xf32>) -> tensor<3xf32> {
  // CHECK: sluice.tile
  // CHECK-NOT: sluice.broadcast
  %repeats = sluice.constant dense<[5, 1]> : tensor<2xi64>
  %0 = sluice.tile %x, %repeats : (tensor<?x3xf32>, tensor<2xi64>) -> tensor<?x3xf32>
  %1 = sluice.reduce %0 {axes = array<i64: 0>, kind = #sluice.reduction<sum>} : (tensor<?x3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}
