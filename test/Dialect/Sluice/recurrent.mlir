// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @lstm
func.func @lstm(%x: tensor<1x?x2x16xf32>, %r: tensor<1x4x16xf32>, %h: tensor<1x2x4xf32>,
                %lengths: tensor<2xi32>) -> tensor<?x1x2x4xf32> {
  // CHECK: sluice.recurrence
  // CHECK-SAME: cell = #sluice.cell<lstm>
  %0:3 = sluice.recurrence %x, %r, %h, %h, %lengths {
      cell = #sluice.cell<lstm>, reverse = array<i1: true>,
      activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0>}
    : (tensor<1x?x2x16xf32>, tensor<1x4x16xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<2xi32>)
    -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return %0#0 : tensor<?x1x2x4xf32>
}

// -----

func.func @gates(%x: tensor<1x5x2x16xf32>, %r: tensor<1x4x12xf32>, %h: tensor<1x2x4xf32>) {
  // expected-error@below {{projected inputs must be [directions, steps, batch, 3 * units]}}
  %0:2 = sluice.recurrence %x, %r, %h {
      cell = #sluice.cell<gru>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh"],
      alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<1x4x12xf32>, tensor<1x2x4xf32>)
    -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @cell_state(%x: tensor<1x5x2x4xf32>, %r: tensor<1x4x4xf32>, %h: tensor<1x2x4xf32>) {
  // expected-error@below {{only an LSTM has a cell state}}
  %0:2 = sluice.recurrence %x, %r, %h {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 0, 0>}
    : (tensor<1x5x2x4xf32>, tensor<1x4x4xf32>, tensor<1x2x4xf32>)
    -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @mixed_types(%x: tensor<1x5x2x4xf32>, %r: tensor<1x4x4xi8>) {
  // expected-error@below {{operands must have one element type}}
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x4xf32>, tensor<1x4x4xi8>)
    -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

// CHECK-LABEL: @scan
// CHECK: sluice.scan %arg0, %arg1 {backwards = array<i1: false, true>
// CHECK: sluice.yield %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>
func.func @scan(%s: tensor<4xf32>, %x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0:2 = sluice.scan %s, %x {backwards = array<i1: false, true>, sizes = array<i64>,
                             operandSegmentSizes = array<i32: 1, 1, 0>}
      : (tensor<4xf32>, tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %sum = sluice.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    sluice.yield %sum, %a : tensor<4xf32>, tensor<4xf32>
  }
  return %0#1 : tensor<?x4xf32>
}

// -----

func.func @scan_directions(%s: tensor<4xf32>, %x: tensor<?x4xf32>) -> tensor<4xf32> {
  // expected-error@below {{must know a direction for each sequence and output}}
  %0 = sluice.scan %s, %x {backwards = array<i1: false, true>, sizes = array<i64>,
                           operandSegmentSizes = array<i32: 1, 1, 0>}
      : (tensor<4xf32>, tensor<?x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    sluice.yield %b : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @scan_sequence(%s: tensor<4xf32>, %x: tensor<?x4xf32>) -> tensor<4xf32> {
  // expected-error@below {{has a body that does not fit the sequences}}
  %0 = sluice.scan %s, %x {backwards = array<i1: false>, sizes = array<i64>,
                           operandSegmentSizes = array<i32: 1, 1, 0>}
      : (tensor<4xf32>, tensor<?x4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<1x4xf32>):
    sluice.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @scan_sizes(%s: tensor<?xf32>, %x: tensor<3x?xf32>) -> tensor<3x?xf32> {
  // expected-error@below {{takes sizes from dimensions that do not exist}}
  %0:2 = sluice.scan %s, %x {backwards = array<i1: false, false>, sizes = array<i64: 1, 2>,
                             operandSegmentSizes = array<i32: 1, 1, 0>}
      : (tensor<?xf32>, tensor<3x?xf32>) -> (tensor<?xf32>, tensor<3x?xf32>) {
  ^bb0(%a: tensor<?xf32>, %b: tensor<?xf32>):
    sluice.yield %a, %b : tensor<?xf32>, tensor<?xf32>
  }
  return %0#1 : tensor<3x?xf32>
}
