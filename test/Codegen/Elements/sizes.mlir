// RUN: sluice-opt %s --split-input-file --sluice-emit-kernels | FileCheck %s

// A dynamic size is computed once, at the function's start, however often it is
// asked for; and so is an element of a value that is used twice. Otherwise each
// link of the chain would double the code.
// CHECK-LABEL: kernel.func @chain "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>, %[[OUT:[a-z0-9]+]]: memref<?xf32>
// CHECK-COUNT-3: memref.dim
// CHECK-NOT:     memref.dim
// CHECK:         %[[SIZE:.*]] = arith.select
// CHECK-NOT:     arith.select
// CHECK:         scf.if
// CHECK:           linalg.generic
// CHECK:         } else {
// CHECK-COUNT-2:   memref.load
// CHECK-NOT:       memref.load
// CHECK-COUNT-3:   arith.mulf
// CHECK-NOT:       arith.mulf
// CHECK-NOT:       memref.dim
// CHECK:         {{^  [}]}}
kernel.func @chain "map" {
^bb0(%x: tensor<?xf32>, %y: tensor<?xf32>):
  %0 = sluice.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %1 = sluice.neg %0 : (tensor<?xf32>) -> tensor<?xf32>
  %2 = sluice.mul %0, %1 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %3 = sluice.neg %2 : (tensor<?xf32>) -> tensor<?xf32>
  %4 = sluice.mul %2, %3 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %5 = sluice.neg %4 : (tensor<?xf32>) -> tensor<?xf32>
  %6 = sluice.mul %4, %5 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  kernel.yield %6 : tensor<?xf32>
}
