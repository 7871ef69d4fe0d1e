// RUN: sluice-opt %s --sluice-infer-shapes -split-input-file | FileCheck %s

// Types follow through ops, to the function's results.
// CHECK-LABEL: @chain(
// CHECK-SAME: -> tensor<4x8xf32>
func.func @chain(%x: tensor<4x8xf32>) -> tensor<?x?xf32> {
  // CHECK: sluice.relu {{.*}} -> tensor<4x8xf32>
  %0 = sluice.relu %x : (tensor<4x8xf32>) -> tensor<?x?xf32>
  // CHECK: sluice.add {{.*}} -> tensor<4x8xf32>
  %1 = sluice.add %0, %x : (tensor<?x?xf32>, tensor<4x8xf32>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// -----

// What the old type knows is kept.
// CHECK-LABEL: @keeps_old(
func.func @keeps_old(%x: tensor<?x8xf32>) -> tensor<4x?xf32> {
  // CHECK: sluice.relu {{.*}} -> tensor<4x8xf32>
  %0 = sluice.relu %x : (tensor<?x8xf32>) -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

// Sizes that shape arithmetic computes.
// CHECK-LABEL: @reshape(
// CHECK-SAME: -> tensor<8x4xf32>
func.func @reshape(%x: tensor<4x8xf32>) -> tensor<?x?xf32> {
  %0 = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<4x8xf32>) -> tensor<1xi64>
  %1 = sluice.constant dense<[-1, 4]> : tensor<2xi64>
  // CHECK: sluice.reshape {{.*}} -> tensor<8x4xf32>
  %2 = sluice.reshape %x, %1 : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %2 : tensor<?x?xf32>
}

// -----

// Both branches have a size in common.
// CHECK-LABEL: @branches(
// CHECK-SAME: -> tensor<?x8xf32>
func.func @branches(%c: i1, %x: tensor<4x8xf32>, %y: tensor<2x8xf32>) -> tensor<?x?xf32> {
  // CHECK: scf.if {{.*}} -> (tensor<?x8xf32>)
  %0 = scf.if %c -> (tensor<?x?xf32>) {
    // CHECK: sluice.relu {{.*}} -> tensor<4x8xf32>
    // CHECK: tensor.cast {{.*}} : tensor<4x8xf32> to tensor<?x8xf32>
    %1 = sluice.relu %x : (tensor<4x8xf32>) -> tensor<?x?xf32>
    scf.yield %1 : tensor<?x?xf32>
  } else {
    %1 = sluice.relu %y : (tensor<2x8xf32>) -> tensor<?x?xf32>
    scf.yield %1 : tensor<?x?xf32>
  }
  return %0 : tensor<?x?xf32>
}

// -----

// A condition on sizes is decided, and what follows from it too.
// CHECK-LABEL: @decided(
// CHECK-SAME: -> tensor<4x8xf32>
func.func @decided(%x: tensor<4x8xf32>) -> tensor<?x?xf32> {
  // CHECK-NOT: scf.if
  // CHECK: sluice.neg {{.*}} -> tensor<4x8xf32>
  // CHECK: sluice.abs {{.*}} -> tensor<4x8xf32>
  %four = sluice.constant dense<4> : tensor<1xi64>
  %0 = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<4x8xf32>) -> tensor<1xi64>
  %1 = sluice.equal %0, %four : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  %zero = arith.constant 0 : index
  %c = tensor.extract %1[%zero] : tensor<1xi1>
  %2 = scf.if %c -> (tensor<?x?xf32>) {
    %3 = sluice.neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %4 = tensor.cast %3 : tensor<4x8xf32> to tensor<?x?xf32>
    scf.yield %4 : tensor<?x?xf32>
  } else {
    %3 = tensor.cast %x : tensor<4x8xf32> to tensor<?x?xf32>
    scf.yield %3 : tensor<?x?xf32>
  }
  %5 = sluice.abs %2 : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %5 : tensor<?x?xf32>
}

// -----

// Loops keep the types they carry, and so does what they start with: a cast in
// front of an scf.for would be folded into it.
// CHECK-LABEL: @loop(
func.func @loop(%n: index, %x: tensor<4xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: sluice.relu {{.*}} -> tensor<?xf32>
  // CHECK-NOT: tensor.cast
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<?xf32>
  // CHECK: scf.for {{.*}} -> (tensor<?xf32>)
  %1 = scf.for %i = %zero to %n step %one iter_args(%a = %0) -> (tensor<?xf32>) {
    %2 = sluice.exp %a : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %2 : tensor<?xf32>
  }
  return %1 : tensor<?xf32>
}

// -----

// An `if` within a branch of the same condition is decided; one behind it is
// not, nor one of another condition.
// CHECK-LABEL: @decided_by_the_branch(
// CHECK-SAME: %[[C:.*]]: i1, %[[D:.*]]: i1,
// CHECK: scf.if %[[C]]
// CHECK-NEXT: sluice.relu
// CHECK-NEXT: scf.yield
// CHECK-NEXT: } else {
// CHECK-NEXT: sluice.exp
// CHECK-NEXT: scf.if %[[D]]
// CHECK: scf.if %[[C]]
func.func @decided_by_the_branch(%c: i1, %d: i1, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = scf.if %c -> (tensor<4xf32>) {
    %1 = scf.if %c -> (tensor<4xf32>) {
      %2 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
      scf.yield %2 : tensor<4xf32>
    } else {
      %2 = sluice.neg %x : (tensor<4xf32>) -> tensor<4xf32>
      scf.yield %2 : tensor<4xf32>
    }
    scf.yield %1 : tensor<4xf32>
  } else {
    %1 = scf.if %c -> (tensor<4xf32>) {
      scf.yield %x : tensor<4xf32>
    } else {
      %2 = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
      %3 = scf.if %d -> (tensor<4xf32>) {
        scf.yield %2 : tensor<4xf32>
      } else {
        scf.yield %x : tensor<4xf32>
      }
      scf.yield %3 : tensor<4xf32>
    }
    scf.yield %1 : tensor<4xf32>
  }
  %4 = scf.if %c -> (tensor<4xf32>) {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %0 : tensor<4xf32>
  }
  return %0, %4 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A reader that demands another size keeps what it reads: the program stays
// valid, and a check ends the runs that come to it.
// CHECK-LABEL: @contradicted(
// CHECK: %[[R:.*]] = sluice.relu {{.*}} -> tensor<2x3xf32>
// CHECK: %[[HIDDEN:.*]] = tensor.cast %[[R]] : tensor<2x3xf32> to tensor<2x?xf32>
// CHECK: sluice.exp %[[R]]
// CHECK: sluice.matmul %[[HIDDEN]]
func.func @contradicted(%x: tensor<2x3xf32>, %w: tensor<4x5xf32>) -> (tensor<2x?xf32>, tensor<2x5xf32>) {
  %0 = sluice.relu %x : (tensor<2x3xf32>) -> tensor<2x?xf32>
  %1 = sluice.exp %0 : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %2 = sluice.matmul %0, %w : (tensor<2x?xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %1, %2 : tensor<2x?xf32>, tensor<2x5xf32>
}
