// Configurations of recurrent cells that do not fit what they are for.
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --verify-diagnostics

// Vectors of 16 units, of which the kernel reads 8 at once.
func.func @main(%x: tensor<1x5x2x8xf32>) -> tensor<5x1x2x8xf32> {
  %w = kernel.packed_constant dense<1.0> : tensor<1x8x8xf32> {packing = #kernel.gates<gates = 1, lanes = 16>} : tensor<128xf32>
  // expected-error @+1 {{the kernel's configuration reads gates in vectors of 8 units, not #kernel.gates<gates = 1, lanes = 16>}}
  %0:2 = kernel.call @k ins(%x, %w : tensor<1x5x2x8xf32>, tensor<128xf32>) sizes() -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return %0#0 : tensor<5x1x2x8xf32>
}
kernel.func @k "packed_recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 8>} {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<128xf32>):
  %0:2 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<128xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @none "packed_recurrence" {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<64xf32>):
  // expected-error @+1 {{its kernel has no configuration for it; sluice-choose-kernels writes one}}
  %0:2 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<64xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @other "packed_recurrence" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8, column_block = 8>} {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<64xf32>):
  // expected-error @+1 {{its kernel has no configuration for it; sluice-choose-kernels writes one}}
  %0:2 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<64xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @lanes "packed_recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 16>} {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<64xf32>):
  // expected-error @+1 {{the target has no vectors of 16 of these elements}}
  %0:2 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<64xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @unpacked "recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 4>} {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<1x8x8xf32>):
  // expected-error @+1 {{the target has no vectors of 4 of these elements}}
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<1x8x8xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @count "packed_recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 8>} {
^bb0(%x: tensor<1x5x2x8xf32>, %r: tensor<128xf32>):
  // expected-error @+1 {{the configuration of its kernel does not fit: it reads 64 elements of packed weights, of which there are 128}}
  %0:2 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>, units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x8xf32>, tensor<128xf32>) -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
}

// -----

kernel.func @many "packed_recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 8>} {
^bb0(%x: tensor<2x5x2x8589934592xf32>, %r: tensor<0xf32>):
  // expected-error @+1 {{reads more packed weights than there can be}}
  %0:3 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<lstm>, reverse = array<i1: false, true>, activations = ["sigmoid", "tanh", "tanh", "sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>, units = 2147483648 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<2x5x2x8589934592xf32>, tensor<0xf32>) -> (tensor<5x2x2x2147483648xf32>, tensor<2x2x2147483648xf32>, tensor<2x2x2147483648xf32>)
  kernel.yield %0#0, %0#1, %0#2 : tensor<5x2x2x2147483648xf32>, tensor<2x2x2147483648xf32>, tensor<2x2x2147483648xf32>
}
