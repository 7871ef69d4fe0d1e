// RUN: sluice-opt %s --split-input-file --sluice-host-to-buffers --canonicalize | FileCheck %s

// A state that is updated in place: the output is the memory of the input, and
// the kernel has one buffer for both.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[STATE:.*]] = kernel.output %arg0 0() : memref<4xf32>
// CHECK:         %[[NEW:.*]] = kernel.input %arg0 1 : memref<4xf32>
// CHECK:         kernel.launch @update[0] (%arg0) ins(%[[STATE]], %[[NEW]] : memref<4xf32>, memref<4xf32>) outs() {updated = array<i64: 0>}
// CHECK-NOT:     kernel.copy
// CHECK:         return
func.func @main(%x: tensor<4xf32> {state.pair = #state.pair<output = 0, in_place = true>}, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = kernel.call @update ins(%x, %y : tensor<4xf32>, tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
kernel.func @update "map" attributes {ties = array<i64: 0>} {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>):
  memref.copy %y, %x : memref<4xf32> to memref<4xf32>
}

// -----

// A loop carries it in one buffer, copied once.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[START:.*]] = kernel.input %arg0 0 : memref<4xf32>
// CHECK:         %[[BUFFER:.*]] = kernel.output %arg0 0() : memref<4xf32>
// CHECK:         kernel.copy %[[START]] to %[[BUFFER]]
// CHECK:         scf.for
// CHECK-NOT:       iter_args
// CHECK-NEXT:      kernel.launch @update[0] (%arg0) ins(%[[BUFFER]] : memref<4xf32>) outs() {updated = array<i64: 0>}
// CHECK-NEXT:    }
// CHECK-NEXT:    return
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 3 : index
  %last = scf.for %i = %zero to %end step %one iter_args(%carried = %x) -> tensor<4xf32> {
    %0 = kernel.call @update ins(%carried : tensor<4xf32>) sizes() {ties = array<i64: 0>} -> tensor<4xf32>
    scf.yield %0 : tensor<4xf32>
  }
  return %last : tensor<4xf32>
}
kernel.func @update "map" attributes {ties = array<i64: 0>} {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>):
  %zero = arith.constant 0 : index
  %0 = memref.load %x[%zero] : memref<4xf32>
  %1 = arith.addf %0, %0 : f32
  memref.store %1, %x[%zero] : memref<4xf32>
}
