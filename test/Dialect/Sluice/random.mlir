// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s
// RUN: sluice-opt %s -split-input-file -verify-diagnostics -canonicalize -cse | FileCheck %s --check-prefix=CANONICAL

// Keys are drawn one after the other: none is the same as another.
// CANONICAL-LABEL: @keys
// CANONICAL-COUNT-2: sluice.random_key
// CHECK-LABEL: @keys
func.func @keys(%shape: tensor<2xi64>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  // CHECK: sluice.random_key {seed = 7 : i64} : tensor<2xi64>
  %0 = sluice.random_key {seed = 7 : i64} : tensor<2xi64>
  %1 = sluice.random_key {seed = 7 : i64} : tensor<2xi64>
  // CHECK: sluice.random %{{.*}}, %{{.*}} {distribution = #sluice.distribution<normal>
  %2 = sluice.random %0, %shape {distribution = #sluice.distribution<normal>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = f32}
    : (tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  %3 = sluice.random %1, %shape {distribution = #sluice.distribution<uniform>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = f32}
    : (tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return %2, %3 : tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// Noise that is multiplied by zero is not made.
// CANONICAL-LABEL: @silenced
// CANONICAL-NOT: sluice.random
// CANONICAL: sluice.broadcast
func.func @silenced(%shape: tensor<1xi64>) -> tensor<?xf32> {
  %key = sluice.random_key : tensor<2xi64>
  %noise = sluice.random %key, %shape {distribution = #sluice.distribution<normal>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = f32}
    : (tensor<2xi64>, tensor<1xi64>) -> tensor<?xf32>
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.mul %noise, %zero : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// CANONICAL-LABEL: @not_silenced
// CANONICAL: sluice.random %
// CANONICAL: sluice.mul
func.func @not_silenced(%shape: tensor<1xi64>, %factor: tensor<f32>) -> tensor<?xf32> {
  %key = sluice.random_key : tensor<2xi64>
  %noise = sluice.random %key, %shape {distribution = #sluice.distribution<normal>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = f32}
    : (tensor<2xi64>, tensor<1xi64>) -> tensor<?xf32>
  %0 = sluice.mul %noise, %factor : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @integers(%key: tensor<2xi64>, %shape: tensor<1xi64>) {
  // expected-error@below {{makes floating-point numbers, not 'i32'}}
  %0 = sluice.random %key, %shape {distribution = #sluice.distribution<uniform>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = i32}
    : (tensor<2xi64>, tensor<1xi64>) -> tensor<?xi32>
  return
}

// -----

func.func @key(%key: tensor<3xi64>, %shape: tensor<1xi64>) {
  // expected-error@below {{the key must be two 64-bit integers}}
  %0 = sluice.random %key, %shape {distribution = #sluice.distribution<uniform>,
      offset = 0.0 : f64, scale = 1.0 : f64, element_type = f32}
    : (tensor<3xi64>, tensor<1xi64>) -> tensor<?xf32>
  return
}
