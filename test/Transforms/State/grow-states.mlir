// RUN: sluice-opt %s -split-input-file --pass-pipeline='builtin.module(func.func(sluice-grow-states))' | FileCheck %s

// CHECK-LABEL: func.func @two
// CHECK-SAME: %[[PAST:[a-z0-9]+]]: tensor<1x2x?x8xf32>
// CHECK: %[[GROWN:.+]] = state.grow %[[PAST]], %{{.+}} {axis = 2 : i64}
// CHECK: sluice.neg %[[GROWN]]
// CHECK: return %{{.+}}, %[[GROWN]]
func.func @two(
    %past: tensor<1x2x?x8xf32> {state.pair = #state.pair<output = 1, axis = 2>},
    %new: tensor<1x2x1x8xf32>) -> (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) {
  %0 = sluice.concat %past, %new {axis = 2 : i64}
      : (tensor<1x2x?x8xf32>, tensor<1x2x1x8xf32>) -> tensor<1x2x?x8xf32>
  %1 = sluice.neg %0 : (tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  return %1, %0 : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>
}

// -----

// Of three, the last two are what is added.
// CHECK-LABEL: func.func @three
// CHECK-SAME: %[[PAST:[a-z0-9]+]]: tensor<?xf32> {{.*}}, %[[A:[a-z0-9]+]]: tensor<1xf32>, %[[B:[a-z0-9]+]]: tensor<2xf32>
// CHECK: %[[ADDED:.+]] = sluice.concat %[[A]], %[[B]] {axis = 0 : i64}
// CHECK: state.grow %[[PAST]], %[[ADDED]] {axis = 0 : i64}
func.func @three(%past: tensor<?xf32> {state.pair = #state.pair<output = 0, axis = 0>},
                 %a: tensor<1xf32>, %b: tensor<2xf32>) -> tensor<?xf32> {
  %0 = sluice.concat %past, %a, %b {axis = 0 : i64}
      : (tensor<?xf32>, tensor<1xf32>, tensor<2xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Not behind the state, along another axis, of another argument, and not asked
// for.
// CHECK-LABEL: func.func @none
// CHECK-NOT: state.grow
func.func @none(%past: tensor<?x?xf32> {state.pair = #state.pair<output = 0, axis = 0>},
                %other: tensor<?x?xf32> {state.pair = #state.pair<output = 1, axis = 0>},
                %third: tensor<?x?xf32> {state.pair = #state.pair<output = 2, axis = 0>},
                %last: tensor<?x?xf32>)
    -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) {
  %0 = sluice.concat %last, %past {axis = 0 : i64}
      : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = sluice.concat %other, %last {axis = 1 : i64}
      : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %2 = sluice.concat %past, %last {axis = 0 : i64}
      : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %3 = sluice.concat %last, %last {axis = 0 : i64}
      : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0, %1, %2, %3
      : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}
