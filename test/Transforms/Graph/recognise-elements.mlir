// RUN: sluice-opt %s --split-input-file --sluice-recognise-elements --canonicalize | FileCheck %s

// Along the first dimension, along another one, of a longer tensor, and from
// the last step down.
// CHECK-LABEL: func.func @gathered
// CHECK-DAG:     %[[TURNED:.*]] = sluice.transpose %arg1 {permutation = array<i64: 1, 0>} : (tensor<3x5xf32>) -> tensor<5x3xf32>
// CHECK-DAG:     %[[PART:.*]] = sluice.slice %arg2 {ends = array<i64: 5, 9223372036854775807>
// CHECK:         scf.for %[[I:.*]] = %c0 to %c5
// CHECK-NOT:       gather
// CHECK:           sluice.element %arg0, %[[I]] : (tensor<5x3xf32>, index) -> tensor<3xf32>
// CHECK:           sluice.element %[[TURNED]], %[[I]]
// CHECK:           sluice.element %[[PART]], %[[I]]
// CHECK:           %[[BACK:.*]] = arith.subi %c4, %[[I]]
// CHECK:           sluice.element %arg0, %[[BACK]]
// CHECK-NOT:       gather
// CHECK:           scf.yield
func.func @gathered(%a: tensor<5x3xf32>, %b: tensor<3x5xf32>, %c: tensor<9x3xf32>, %x: tensor<3xf32>) -> tensor<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %last = sluice.constant dense<4> : tensor<i64>
  %0 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %x) -> (tensor<3xf32>) {
    %integer = arith.index_cast %i : index to i64
    %number = tensor.from_elements %integer : tensor<i64>
    %back = sluice.sub %last, %number : (tensor<i64>, tensor<i64>) -> tensor<i64>
    %ai = sluice.gather %a, %number {axis = 0 : i64} : (tensor<5x3xf32>, tensor<i64>) -> tensor<3xf32>
    %bi = sluice.gather %b, %number {axis = 1 : i64} : (tensor<3x5xf32>, tensor<i64>) -> tensor<3xf32>
    %ci = sluice.gather %c, %number {axis = 0 : i64} : (tensor<9x3xf32>, tensor<i64>) -> tensor<3xf32>
    %di = sluice.gather %a, %back {axis = 0 : i64} : (tensor<5x3xf32>, tensor<i64>) -> tensor<3xf32>
    %1 = sluice.add %s, %ai : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %2 = sluice.add %1, %bi : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %3 = sluice.add %2, %ci : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %4 = sluice.add %3, %di : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    scf.yield %4 : tensor<3xf32>
  }
  return %0 : tensor<3xf32>
}

// -----

// x[i:i+1] without its first dimension, in a loop over that dimension.
// CHECK-LABEL: func.func @sliced
// CHECK:         %[[N:.*]] = tensor.dim %arg0, %c0
// CHECK:         scf.for %[[I:.*]] = %c0 to %[[N]]
// CHECK-NEXT:      %[[ELEMENT:.*]] = sluice.element %arg0, %[[I]] : (tensor<?x3xf32>, index) -> tensor<3xf32>
// CHECK-NEXT:      sluice.add %{{.*}}, %[[ELEMENT]]
func.func @sliced(%a: tensor<?x3xf32>, %x: tensor<3xf32>) -> tensor<3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %a, %c0 : tensor<?x3xf32>
  %shape = sluice.constant dense<1> : tensor<1xi64>
  %ones = sluice.constant dense<1> : tensor<2xi64>
  %one = sluice.constant dense<1> : tensor<i64>
  %zero = sluice.constant dense<0> : tensor<1xi64>
  %whole = sluice.constant dense<9223372036854775807> : tensor<1xi64>
  %wanted = sluice.constant dense<3> : tensor<1xi64>
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> (tensor<3xf32>) {
    %integer = arith.index_cast %i : index to i64
    %number = tensor.from_elements %integer : tensor<i64>
    %next = sluice.add %number, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
    %from = sluice.unsqueeze %number {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
    %to = sluice.unsqueeze %next {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
    %starts = sluice.concat %from, %zero {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
    %ends = sluice.concat %to, %whole {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
    %part = sluice.slice %a, %starts, %ends, %ones {starts = array<i64>, ends = array<i64>, steps = array<i64>} : (tensor<?x3xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x3xf32>
    %ai = sluice.reshape %part, %wanted : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<3xf32>
    %1 = sluice.add %s, %ai : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    scf.yield %1 : tensor<3xf32>
  }
  return %0 : tensor<3xf32>
}

// -----

// Steps that may be outside, of a dimension that is too short or not known to
// be long enough; a tensor that changes; another number than the step's.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     sluice.element
// CHECK-COUNT-4: sluice.gather
// CHECK-NOT:     sluice.element
func.func @others(%a: tensor<4x3xf32>, %b: tensor<?x3xf32>, %c: tensor<9x3xf32>) -> tensor<9x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %two = sluice.constant dense<2> : tensor<i64>
  %0 = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %c) -> (tensor<9x3xf32>) {
    %integer = arith.index_cast %i : index to i64
    %number = tensor.from_elements %integer : tensor<i64>
    %after = sluice.add %number, %two : (tensor<i64>, tensor<i64>) -> tensor<i64>
    %ai = sluice.gather %a, %number {axis = 0 : i64} : (tensor<4x3xf32>, tensor<i64>) -> tensor<3xf32>
    %bi = sluice.gather %b, %number {axis = 0 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<3xf32>
    %si = sluice.gather %s, %number {axis = 0 : i64} : (tensor<9x3xf32>, tensor<i64>) -> tensor<3xf32>
    %ci = sluice.gather %c, %after {axis = 0 : i64} : (tensor<9x3xf32>, tensor<i64>) -> tensor<3xf32>
    %1 = sluice.add %s, %ai : (tensor<9x3xf32>, tensor<3xf32>) -> tensor<9x3xf32>
    %2 = sluice.add %1, %bi : (tensor<9x3xf32>, tensor<3xf32>) -> tensor<9x3xf32>
    %3 = sluice.add %2, %si : (tensor<9x3xf32>, tensor<3xf32>) -> tensor<9x3xf32>
    %4 = sluice.add %3, %ci : (tensor<9x3xf32>, tensor<3xf32>) -> tensor<9x3xf32>
    scf.yield %4 : tensor<9x3xf32>
  }
  return %0 : tensor<9x3xf32>
}
