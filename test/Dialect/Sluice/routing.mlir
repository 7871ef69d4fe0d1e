// RUN: sluice-opt %s --split-input-file --verify-diagnostics | sluice-opt --split-input-file | FileCheck %s

// CHECK-LABEL: @plain
// CHECK: sluice.route %{{.*}} {k = 2 : i64} : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
func.func @plain(%s: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %0:2 = sluice.route %s {k = 2} : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return %0#0, %0#1 : tensor<?x2xf32>, tensor<?x2xi64>
}

// -----

// CHECK-LABEL: @everything
// CHECK: sluice.route %{{.*}} bias %{{.*}} activation sigmoid normalization sum group_score sum_of_two {epsilon = 9.9999999999999995E-21 : f64, group_limit = 2 : i64, groups = 4 : i64, k = 3 : i64, scale = 2.500000e+00 : f64} :
func.func @everything(%s: tensor<5x8xf16>, %b: tensor<?xf32>) -> (tensor<5x3xf16>, tensor<5x3xi64>) {
  %0:2 = sluice.route %s bias %b activation sigmoid normalization sum group_score sum_of_two {k = 3, groups = 4, group_limit = 2, scale = 2.5, epsilon = 1.0e-20} : (tensor<5x8xf16>, tensor<?xf32>) -> (tensor<5x3xf16>, tensor<5x3xi64>)
  return %0#0, %0#1 : tensor<5x3xf16>, tensor<5x3xi64>
}

// -----

func.func @rank(%s: tensor<2x5x8xf32>) {
  // expected-error @+1 {{scores must be [tokens, experts]}}
  %0:2 = sluice.route %s {k = 3} : (tensor<2x5x8xf32>) -> (tensor<5x3xf32>, tensor<5x3xi64>)
  return
}

// -----

func.func @too_many(%s: tensor<5x8xf32>) {
  // expected-error @+2 {{k is 9, but there are 8 experts}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = sluice.route %s {k = 9} : (tensor<5x8xf32>) -> (tensor<5x9xf32>, tensor<5x9xi64>)
  return
}

// -----

func.func @none(%s: tensor<5x8xf32>) {
  // expected-error @+2 {{k must be at least 1, not 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = sluice.route %s {k = 0} : (tensor<5x8xf32>) -> (tensor<5x0xf32>, tensor<5x0xi64>)
  return
}

// -----

func.func @integers(%s: tensor<5x8xi32>) {
  // expected-error @+1 {{scores must be floats}}
  %0:2 = sluice.route %s {k = 2} : (tensor<5x8xi32>) -> (tensor<5x2xi32>, tensor<5x2xi64>)
  return
}

// -----

func.func @bias_rank(%s: tensor<5x8xf32>, %b: tensor<1x8xf32>) {
  // expected-error @+1 {{the bias must be a vector of floats}}
  %0:2 = sluice.route %s bias %b {k = 2} : (tensor<5x8xf32>, tensor<1x8xf32>) -> (tensor<5x2xf32>, tensor<5x2xi64>)
  return
}

// -----

func.func @bias_size(%s: tensor<5x8xf32>, %b: tensor<7xf32>) {
  // expected-error @+1 {{has a bias of 7 for 8 experts}}
  %0:2 = sluice.route %s bias %b {k = 2} : (tensor<5x8xf32>, tensor<7xf32>) -> (tensor<5x2xf32>, tensor<5x2xi64>)
  return
}

// -----

func.func @limit(%s: tensor<5x8xf32>) {
  // expected-error @+1 {{cannot keep 5 of 4 groups}}
  %0:2 = sluice.route %s {k = 2, groups = 4, group_limit = 5} : (tensor<5x8xf32>) -> (tensor<5x2xf32>, tensor<5x2xi64>)
  return
}

// -----

func.func @uneven(%s: tensor<5x8xf32>) {
  // expected-error @+1 {{groups must be of the same, known size}}
  %0:2 = sluice.route %s {k = 2, groups = 3} : (tensor<5x8xf32>) -> (tensor<5x2xf32>, tensor<5x2xi64>)
  return
}

// -----

func.func @small(%s: tensor<5x8xf32>) {
  // expected-error @+1 {{k is 3, but 1 groups have 2 experts}}
  %0:2 = sluice.route %s {k = 3, groups = 4} : (tensor<5x8xf32>) -> (tensor<5x3xf32>, tensor<5x3xi64>)
  return
}

// -----

func.func @alone(%s: tensor<5x8xf32>) {
  // expected-error @+1 {{groups of one expert have no second}}
  %0:2 = sluice.route %s group_score sum_of_two {k = 2, groups = 8, group_limit = 4} : (tensor<5x8xf32>) -> (tensor<5x2xf32>, tensor<5x2xi64>)
  return
}
