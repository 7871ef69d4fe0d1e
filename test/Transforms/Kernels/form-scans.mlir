// RUN: sluice-opt %s -split-input-file --sluice-form-scans --cse | FileCheck %s

// A selective scan: the output sums finished states, and is written from its
// end.
// CHECK-LABEL: @selective
// CHECK-NOT:     scf.for
// CHECK:         sluice.scan %arg0, %arg1, %arg2 {backwards = array<i1: false, false, true>
// CHECK-NEXT:    ^bb0(%[[H:.*]]: tensor<8x16xf32>, %[[A:.*]]: tensor<8x16xf32>, %[[C:.*]]: tensor<16xf32>):
// CHECK-NEXT:      %[[NEXT:.*]] = sluice.mul %[[H]], %[[A]]
// CHECK-NEXT:      %[[HC:.*]] = sluice.mul %[[NEXT]], %[[C]]
// CHECK-NEXT:      %[[Y:.*]] = sluice.reduce %[[HC]]
// CHECK-NEXT:      sluice.yield %[[NEXT]], %[[Y]]
func.func @selective(%h0: tensor<8x16xf32>, %a: tensor<5x8x16xf32>, %c: tensor<5x16xf32>) -> (tensor<8x16xf32>, tensor<5x8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %n = arith.constant 5 : index
  %empty = tensor.empty() : tensor<5x8xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%h = %h0, %ys = %empty) -> (tensor<8x16xf32>, tensor<5x8xf32>) {
    %ai = sluice.element %a, %i : (tensor<5x8x16xf32>, index) -> tensor<8x16xf32>
    %ci = sluice.element %c, %i : (tensor<5x16xf32>, index) -> tensor<16xf32>
    %next = sluice.mul %h, %ai : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    %hc = sluice.mul %next, %ci : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
    %y = sluice.reduce %hc {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<8x16xf32>) -> tensor<8xf32>
    %last = arith.subi %four, %i : index
    %filled = sluice.set_element %ys, %last, %y : (tensor<5x8xf32>, index, tensor<8xf32>) -> tensor<5x8xf32>
    scf.yield %next, %filled : tensor<8x16xf32>, tensor<5x8xf32>
  }
  return %0#0, %0#1 : tensor<8x16xf32>, tensor<5x8xf32>
}

// -----

// Sizes of one name are equal. What a step checks is checked in front of the
// loop, unless that runs no step; so are the lengths of sequences.
// CHECK-LABEL: @dynamic
// CHECK-DAG:     %[[N:.*]] = tensor.dim %arg0, %{{.*}} : tensor<?xf32>
// CHECK-DAG:     %[[M:.*]] = tensor.dim %arg1, %c1
// CHECK:         %[[SAME:.*]] = arith.cmpi eq, %[[N]], %[[M]]
// CHECK:         %[[HOLDS:.*]] = arith.ori %{{.*}}, %[[SAME]]
// CHECK:         cf.assert %[[HOLDS]], "fits"
// CHECK:         cf.assert %{{.*}}, "the scanned inputs have different lengths"
// CHECK:         sluice.scan %arg0, %arg1, %arg2 {{.*}}sizes = array<i64: 0, 0>
func.func @dynamic(%s0: tensor<?xf32> {sluice.dims = ["N"]}, %a: tensor<?x?xf32> {sluice.dims = ["T", "N"]},
                   %b: tensor<?x?xf32> {sluice.dims = ["U", "N"]}) -> tensor<?x?xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = tensor.dim %a, %zero : tensor<?x?xf32>
  %m = tensor.dim %a, %one : tensor<?x?xf32>
  %empty = tensor.empty(%n, %m) : tensor<?x?xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %ys = %empty) -> (tensor<?xf32>, tensor<?x?xf32>) {
    %ai = sluice.element %a, %i : (tensor<?x?xf32>, index) -> tensor<?xf32>
    %own = tensor.dim %s, %zero : tensor<?xf32>
    %other = tensor.dim %ai, %zero : tensor<?xf32>
    %same = arith.cmpi eq, %own, %other : index
    cf.assert %same, "fits"
    %bi = sluice.element %b, %i : (tensor<?x?xf32>, index) -> tensor<?xf32>
    %p = sluice.mul %s, %ai : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    %next = sluice.add %p, %bi : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    %filled = sluice.set_element %ys, %i, %next : (tensor<?x?xf32>, index, tensor<?xf32>) -> tensor<?x?xf32>
    scf.yield %next, %filled : tensor<?xf32>, tensor<?x?xf32>
  }
  return %0#1 : tensor<?x?xf32>
}

// -----

// A reshape that only moves dimensions of one is no obstacle.
// CHECK-LABEL: @reshaped
// CHECK:         sluice.scan %arg0, %arg1 {
// CHECK-NOT:     sluice.element
// CHECK:           sluice.reshape {{.*}} -> tensor<4x1xf32>
func.func @reshaped(%s0: tensor<4x8xf32>, %a: tensor<5x1x4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %shape = sluice.constant dense<[4, 1]> : tensor<2xi64>
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<4x8xf32> {
    %ai = sluice.element %a, %i : (tensor<5x1x4xf32>, index) -> tensor<1x4xf32>
    %column = sluice.reshape %ai, %shape : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<4x1xf32>
    %next = sluice.mul %s, %column : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    scf.yield %next : tensor<4x8xf32>
  }
  return %0 : tensor<4x8xf32>
}

// -----

// A dimension of one has one place, whatever broadcasts along it.
// CHECK-LABEL: @batch_of_one
// CHECK:         sluice.scan %arg0, %arg1, %arg2
func.func @batch_of_one(%s0: tensor<1x8xf32>, %a: tensor<5x1x8xf32>, %w: tensor<8xf32>) -> tensor<1x8xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<1x8xf32> {
    %ai = sluice.element %a, %i : (tensor<5x1x8xf32>, index) -> tensor<1x8xf32>
    %kept = sluice.mul %s, %w : (tensor<1x8xf32>, tensor<8xf32>) -> tensor<1x8xf32>
    %next = sluice.add %kept, %ai : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
    scf.yield %next : tensor<1x8xf32>
  }
  return %0 : tensor<1x8xf32>
}

// -----

// Rows and columns that change places are more than such dimensions.
// CHECK-LABEL: @other_reshape
// CHECK-NOT:     sluice.scan
// CHECK:         scf.for
func.func @other_reshape(%s0: tensor<4x2xf32>, %a: tensor<5x2x4xf32>) -> tensor<4x2xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %shape = sluice.constant dense<[4, 2]> : tensor<2xi64>
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<4x2xf32> {
    %ai = sluice.element %a, %i : (tensor<5x2x4xf32>, index) -> tensor<2x4xf32>
    %rows = sluice.reshape %ai, %shape : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<4x2xf32>
    %next = sluice.mul %s, %rows : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
    scf.yield %next : tensor<4x2xf32>
  }
  return %0 : tensor<4x2xf32>
}

// -----

// What all steps compute alike is computed once.
// CHECK-LABEL: @hoisted
// CHECK:         %[[W:.*]] = sluice.exp %arg1
// CHECK:         sluice.scan %arg0, %arg2, %[[W]]
func.func @hoisted(%s0: tensor<4xf32>, %w: tensor<4xf32>, %a: tensor<5x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<4xf32> {
    %ai = sluice.element %a, %i : (tensor<5x4xf32>, index) -> tensor<4xf32>
    %factor = sluice.exp %w : (tensor<4xf32>) -> tensor<4xf32>
    %p = sluice.mul %s, %factor : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %next = sluice.add %p, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// Sizes without names may broadcast.
// CHECK-LABEL: @unknown_sizes
// CHECK-NOT:     sluice.scan
// CHECK:         scf.for
func.func @unknown_sizes(%s0: tensor<?xf32>, %a: tensor<?x?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = tensor.dim %a, %zero : tensor<?x?xf32>
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<?xf32> {
    %ai = sluice.element %a, %i : (tensor<?x?xf32>, index) -> tensor<?xf32>
    %next = sluice.mul %s, %ai : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %next : tensor<?xf32>
  }
  return %0 : tensor<?xf32>
}

// -----

// A product of the state with a matrix needs all of the state.
// CHECK-LABEL: @recurrent_layer
// CHECK-NOT:     sluice.scan
// CHECK:         scf.for
func.func @recurrent_layer(%s0: tensor<2x4xf32>, %w: tensor<4x4xf32>, %a: tensor<5x2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<2x4xf32> {
    %ai = sluice.element %a, %i : (tensor<5x2x4xf32>, index) -> tensor<2x4xf32>
    %p = sluice.matmul %s, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
    %next = sluice.add %p, %ai : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    scf.yield %next : tensor<2x4xf32>
  }
  return %0 : tensor<2x4xf32>
}

// -----

// A delta rule: what a state knows of a key is a sum over the state before the
// step, and each lane has its own.
// CHECK-LABEL: @delta_rule
// CHECK-NOT:     scf.for
// CHECK:         sluice.scan
func.func @delta_rule(%s0: tensor<2x4x8xf32>, %k: tensor<5x2x1x4xf32>, %kt: tensor<5x2x4x1xf32>, %v: tensor<5x2x1x8xf32>) -> (tensor<2x4x8xf32>, tensor<5x2x1x8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %empty = tensor.empty() : tensor<5x2x1x8xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %os = %empty) -> (tensor<2x4x8xf32>, tensor<5x2x1x8xf32>) {
    %ki = sluice.element %k, %i : (tensor<5x2x1x4xf32>, index) -> tensor<2x1x4xf32>
    %kti = sluice.element %kt, %i : (tensor<5x2x4x1xf32>, index) -> tensor<2x4x1xf32>
    %vi = sluice.element %v, %i : (tensor<5x2x1x8xf32>, index) -> tensor<2x1x8xf32>
    %known = sluice.matmul %ki, %s : (tensor<2x1x4xf32>, tensor<2x4x8xf32>) -> tensor<2x1x8xf32>
    %new = sluice.sub %vi, %known : (tensor<2x1x8xf32>, tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
    %added = sluice.mul %kti, %new : (tensor<2x4x1xf32>, tensor<2x1x8xf32>) -> tensor<2x4x8xf32>
    %next = sluice.add %s, %added : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
    %filled = sluice.set_element %os, %i, %known : (tensor<5x2x1x8xf32>, index, tensor<2x1x8xf32>) -> tensor<5x2x1x8xf32>
    scf.yield %next, %filled : tensor<2x4x8xf32>, tensor<5x2x1x8xf32>
  }
  return %0#0, %0#1 : tensor<2x4x8xf32>, tensor<5x2x1x8xf32>
}

// -----

// An output that sums up all of a state from before the step comes too late.
// CHECK-LABEL: @sums_before
// CHECK-NOT:     sluice.scan
// CHECK:         scf.for
func.func @sums_before(%s0: tensor<2x4xf32>, %a: tensor<5x2x4xf32>) -> tensor<5x2xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %empty = tensor.empty() : tensor<5x2xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %ys = %empty) -> (tensor<2x4xf32>, tensor<5x2xf32>) {
    %ai = sluice.element %a, %i : (tensor<5x2x4xf32>, index) -> tensor<2x4xf32>
    %y = sluice.reduce %s {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<2x4xf32>) -> tensor<2xf32>
    %next = sluice.add %s, %ai : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    %filled = sluice.set_element %ys, %i, %y : (tensor<5x2xf32>, index, tensor<2xf32>) -> tensor<5x2xf32>
    scf.yield %next, %filled : tensor<2x4xf32>, tensor<5x2xf32>
  }
  return %0#1 : tensor<5x2xf32>
}
