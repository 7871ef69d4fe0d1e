// RUN: sluice-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(sluice-merge-equal-ops))' | FileCheck %s

// CHECK-LABEL: func @equal_and_dead
//       CHECK:   %[[EXP:.*]] = sluice.exp %arg0
//  CHECK-NEXT:   %[[NEG:.*]] = sluice.neg %[[EXP]]
//  CHECK-NEXT:   return %[[NEG]], %[[NEG]]
func.func @equal_and_dead(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %dead = sluice.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = sluice.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = sluice.neg %1 : (tensor<4xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Branches are told apart by their ops, by the values from outside that these
// read, and by which of the values inside.

// CHECK-LABEL: func @branches
//       CHECK:   %[[FIRST:.*]] = scf.if
//       CHECK:   %[[OTHER:.*]] = scf.if
//       CHECK:   %[[INSIDE:.*]] = scf.if
//   CHECK-NOT:   scf.if
//       CHECK:   return %[[FIRST]], %[[FIRST]], %[[OTHER]], %[[INSIDE]]
func.func @branches(%c: i1, %x: tensor<4xf32>, %y: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = scf.if %c -> tensor<4xf32> {
    %a = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    %b = sluice.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    %s = sluice.sub %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %1 = scf.if %c -> tensor<4xf32> {
    %a = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    %b = sluice.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    %s = sluice.sub %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %2 = scf.if %c -> tensor<4xf32> {
    %a = sluice.exp %y : (tensor<4xf32>) -> tensor<4xf32>
    %b = sluice.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    %s = sluice.sub %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %3 = scf.if %c -> tensor<4xf32> {
    %a = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    %b = sluice.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    %s = sluice.sub %b, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %s : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// What a branch computes is not there outside of it; what is computed before
// it is there inside.

// CHECK-LABEL: func @scopes
//       CHECK:   %[[EXP:.*]] = sluice.exp
//       CHECK:   scf.if
//   CHECK-NOT:     sluice.exp
//       CHECK:     %[[INNER:.*]] = sluice.neg
//       CHECK:   %[[OUTER:.*]] = sluice.neg
//       CHECK:   return %{{.*}}, %[[OUTER]], %[[EXP]]
func.func @scopes(%c: i1, %x: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = scf.if %c -> tensor<4xf32> {
    %a = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    %b = sluice.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %b : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %2 = sluice.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Random numbers are new ones each time.

// CHECK-LABEL: func @effects
// CHECK-COUNT-2: sluice.random_key
func.func @effects() -> (tensor<2xi64>, tensor<2xi64>) {
  %0 = sluice.random_key : tensor<2xi64>
  %1 = sluice.random_key : tensor<2xi64>
  return %0, %1 : tensor<2xi64>, tensor<2xi64>
}
