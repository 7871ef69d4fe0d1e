// RUN: sluice-opt %s -split-input-file -verify-diagnostics

func.func @concat(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) -> tensor<2x6xf32> {
  // expected-error @+2 {{operands do not fit together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.concat %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @step(%a: tensor<2xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{step is zero}}
  %0 = sluice.slice %a {starts = array<i64: 0>, ends = array<i64: 1>, steps = array<i64: 0>} : (tensor<2xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @bounds(%a: tensor<2x2xf32>) -> tensor<?x2xf32> {
  // expected-error @+2 {{needs a start, end and step for each of 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.slice %a {starts = array<i64: 0>, ends = array<i64: 1>, steps = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// -----

func.func @pad(%a: tensor<2xf32>, %v: tensor<f32>) -> tensor<?xf32> {
  // expected-error @+2 {{cannot be padded by -2 and -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.pad %a, %v {low = array<i64: -2>, high = array<i64: -1>} : (tensor<2xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Negative widths cut first; nothing is left to repeat.
func.func @extend(%a: tensor<3xf32>) -> tensor<?xf32> {
  // expected-error @+2 {{an empty tensor has nothing to repeat}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.extend %a {low = array<i64: -3>, high = array<i64: 2>, mode = #sluice.extend<wrap>} : (tensor<3xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @range() -> tensor<?xi64> {
  %low = sluice.constant dense<-9223372036854775808> : tensor<i64>
  %high = sluice.constant dense<9223372036854775807> : tensor<i64>
  %one = sluice.constant dense<1> : tensor<i64>
  // expected-error @+2 {{the size overflows}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.range %low, %high, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @topk(%a: tensor<2xf32>) -> (tensor<?xf32>, tensor<?xi64>) {
  %k = sluice.constant dense<3> : tensor<1xi64>
  // expected-error @+2 {{k is 3, but the dimension's size is 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = sluice.top_k %a, %k {axis = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xi64>
}

// -----

func.func @gather(%a: tensor<2xf32>, %i: tensor<f32>) -> tensor<f32> {
  // expected-error @+2 {{indices must be integers}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.gather %a, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @element_of_scalar(%a: tensor<f32>, %i: index) -> tensor<f32> {
  // expected-error @+2 {{a scalar has no elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.element %a, %i : (tensor<f32>, index) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @set_other_rank(%a: tensor<4x2xf32>, %e: tensor<1x2xf32>, %i: index) -> tensor<4x2xf32> {
  // expected-error @+2 {{the element does not fit the list}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.set_element %a, %i, %e : (tensor<4x2xf32>, index, tensor<1x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @append_other_size(%a: tensor<4x2xf32>, %e: tensor<3xf32>) -> tensor<5x2xf32> {
  // expected-error @+2 {{the element does not fit the list}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.append %a, %e : (tensor<4x2xf32>, tensor<3xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}

// -----

// What an empty list says of its elements counts for nothing.
func.func @append_to_empty(%a: tensor<0x2xf32>, %e: tensor<3xf32>) -> tensor<1x3xf32> {
  %0 = sluice.append %a, %e : (tensor<0x2xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @interleave_other_sizes(%a: tensor<4x2xf32>, %b: tensor<4x3xf32>) -> tensor<4x5xf32> {
  // expected-error @+2 {{operands do not fit together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.interleave %a, %b : (tensor<4x2xf32>, tensor<4x3xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

func.func @interleave_scalars(%a: tensor<f32>) -> tensor<2xf32> {
  // expected-error @+2 {{operands do not fit together}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = sluice.interleave %a, %a : (tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
