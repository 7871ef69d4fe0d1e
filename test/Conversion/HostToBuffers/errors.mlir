// RUN: sluice-opt %s --split-input-file --sluice-host-to-buffers --verify-diagnostics

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has no form on buffers}}
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// The memory of an input that is no state is the caller's.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{input 0 cannot be written over: it is not the run's own}}
  %0 = kernel.call @update ins(%x : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
kernel.func @update "map" attributes {ties = array<i64: 0>} {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>):
}

// -----

// expected-error @+1 {{input 0 has no output of its type that updates it in place}}
func.func @main(%x: tensor<4xf32> {state.pair = #state.pair<output = 7, in_place = true>}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{input 0 has no output of its type that updates it in place}}
func.func @main(%x: tensor<4xf32> {state.pair = #state.pair<output = 0, in_place = true>}, %y: tensor<8xf64>) -> tensor<8xf64> {
  return %y : tensor<8xf64>
}
