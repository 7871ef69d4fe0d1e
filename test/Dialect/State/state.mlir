// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK: func.func @grow(%[[PAST:.*]]: tensor<1x2x?x8xf32> {state.pair = #state.pair<output = 0, axis = 2, capacity = 64>}
// CHECK: state.grow %[[PAST]], %{{.*}} {axis = 2 : i64} : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
func.func @grow(
    %past: tensor<1x2x?x8xf32> {state.pair = #state.pair<output = 0, axis = 2, capacity = 64>},
    %new: tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32> {
  %0 = state.grow %past, %new {axis = 2 : i64}
      : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
  return %0 : tensor<1x2x?x8xf32>
}

// CHECK: #state.pair<output = 3>
func.func private @replace(tensor<2xf32> {state.pair = #state.pair<output = 3>})

// -----

// expected-error@+1 {{a state without an axis has no capacity}}
func.func private @capacity(tensor<2xf32> {state.pair = #state.pair<output = 0, capacity = 4>})

// -----

// CHECK: #state.pair<output = 0, in_place = true>
func.func private @in_place(tensor<2xf32> {state.pair = #state.pair<output = 0, in_place = true>})

// -----

// expected-error@+1 {{a state that grows is not replaced in place}}
func.func private @grows_in_place(tensor<?xf32> {state.pair = #state.pair<output = 0, axis = 0, in_place = true>})

// -----

// expected-error@+1 {{a state has no negative numbers}}
func.func private @negative(tensor<?xf32> {state.pair = #state.pair<output = 0, axis = -1>})

// -----

func.func @axis(%past: tensor<?xf32>, %new: tensor<1xf32>) -> tensor<?xf32> {
  // expected-error@+2 {{axis 1 is not within rank 1}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = state.grow %past, %new {axis = 1 : i64} : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @sizes(%past: tensor<?x3xf32>, %new: tensor<1x4xf32>) -> tensor<?x3xf32> {
  // expected-error@+2 {{what is added does not fit the state}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = state.grow %past, %new {axis = 0 : i64} : (tensor<?x3xf32>, tensor<1x4xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @types(%past: tensor<?xf32>, %new: tensor<1xf16>) -> tensor<?xf32> {
  // expected-error@+2 {{what is added does not fit the state}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = state.grow %past, %new {axis = 0 : i64} : (tensor<?xf32>, tensor<1xf16>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
