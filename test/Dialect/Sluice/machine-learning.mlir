// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @round_trip
func.func @round_trip(%x: tensor<?x5xf32>, %nodes: tensor<9xi32>, %trees: tensor<1x3xi32>,
                      %columns: tensor<2xi32>, %leaves: tensor<6xi32>, %p: tensor<?x3xf32>) {
  // CHECK: sluice.tree_ensemble %{{.*}} {features = 4 : i64, kind = #sluice.reduction<max>, negated = 1 : i64, targets = 2 : i64} : (tensor<?x5xf32>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>, tensor<6xi32>) -> tensor<?x2xf32>
  %0 = sluice.tree_ensemble %x, %nodes, %trees, %columns, %leaves {kind = #sluice.reduction<max>, targets = 2 : i64, features = 4 : i64, negated = 1 : i64} : (tensor<?x5xf32>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>, tensor<6xi32>) -> tensor<?x2xf32>
  // CHECK: sluice.pairwise_coupling %{{.*}} {classes = 3 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = sluice.pairwise_coupling %p {classes = 3 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @too_few_features(%x: tensor<?x3xf32>, %nodes: tensor<9xi32>, %trees: tensor<1x3xi32>, %columns: tensor<2xi32>) {
  // expected-error@below {{the trees look at 4 features, but a row has 3}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tree_ensemble %x, %nodes, %trees, %columns {kind = #sluice.reduction<sum>, targets = 1 : i64, features = 4 : i64} : (tensor<?x3xf32>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @narrow_words(%x: tensor<?x3xf64>, %nodes: tensor<9xi32>, %trees: tensor<1x3xi32>, %columns: tensor<2xi32>) {
  // expected-error@below {{tables must have static shapes and elements of 'i64'}}
  %0 = sluice.tree_ensemble %x, %nodes, %trees, %columns {kind = #sluice.reduction<sum>, targets = 1 : i64, features = 2 : i64} : (tensor<?x3xf64>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>) -> tensor<?x1xf64>
  return
}

// -----

func.func @mean(%x: tensor<?x3xf32>, %nodes: tensor<9xi32>, %trees: tensor<1x3xi32>, %columns: tensor<2xi32>) {
  // expected-error@below {{joins weights by sum, min or max}}
  %0 = sluice.tree_ensemble %x, %nodes, %trees, %columns {kind = #sluice.reduction<mean>, targets = 1 : i64, features = 2 : i64} : (tensor<?x3xf32>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @columns(%x: tensor<?x3xf32>, %nodes: tensor<9xi32>, %trees: tensor<1x3xi32>, %columns: tensor<2xi32>) {
  // expected-error@below {{does not have the columns that it says}}
  %0 = sluice.tree_ensemble %x, %nodes, %trees, %columns {kind = #sluice.reduction<sum>, targets = 1 : i64, features = 2 : i64, negated = 3 : i64} : (tensor<?x3xf32>, tensor<9xi32>, tensor<1x3xi32>, tensor<2xi32>) -> tensor<?x1xf32>
  return
}

// -----

func.func @pairs(%x: tensor<?x4xf32>) {
  // expected-error@below {{there must be a column for each pair of 3 classes}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.pairwise_coupling %x {classes = 3 : i64} : (tensor<?x4xf32>) -> tensor<?x3xf32>
  return
}
