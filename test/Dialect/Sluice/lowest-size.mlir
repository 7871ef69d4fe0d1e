// RUN: sluice-opt %s -split-input-file -verify-diagnostics

// The lowest number is no size, although types take it for one that is not
// known.

func.func @reshape(%a: tensor<?xf32>) {
  %s = sluice.constant dense<-9223372036854775808> : tensor<1xi64>
  // expected-error@below {{negative size -9223372036854775808}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.reshape %a, %s : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @broadcast(%a: tensor<f32>) {
  %s = sluice.constant dense<-9223372036854775808> : tensor<1xi64>
  // expected-error@below {{negative size -9223372036854775808}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.broadcast %a, %s : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @top_k(%a: tensor<8xf32>) {
  %k = sluice.constant dense<-9223372036854775808> : tensor<1xi64>
  // expected-error@below {{negative k -9223372036854775808}}
  // expected-error@below {{failed to infer returned types}}
  %0:2 = sluice.top_k %a, %k {axis = 0 : i64} : (tensor<8xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @one_hot(%i: tensor<3xi64>, %values: tensor<2xf32>) {
  %depth = sluice.constant dense<-9223372036854775808> : tensor<i64>
  // expected-error@below {{negative depth -9223372036854775808}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.one_hot %i, %depth, %values {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @columns(%a: tensor<1x4x9xf32>) {
  %image = sluice.constant dense<[4, -9223372036854775808]> : tensor<2xi64>
  // expected-error@below {{negative size -9223372036854775808}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.columns_to_image %a, %image {block = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x9xf32>, tensor<2xi64>) -> tensor<1x1x4x?xf32>
  return
}
