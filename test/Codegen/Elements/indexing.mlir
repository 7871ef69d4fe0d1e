// Lookups and scatters: an index is read and checked once for all that lies behind
// it, and code goes on within its buffers where one is wrong.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// CHECK-LABEL: kernel.func @rows "
// CHECK:         scf.parallel {{.*}} to (%c7)
// CHECK:           memref.load {{.*}} : memref<7xi64>
// CHECK:           kernel.check %arg0 %[[INSIDE:.*]], "an index lies outside
// CHECK:           scf.if %[[INSIDE]]
// CHECK:             scf.for {{.*}} to %c64
// CHECK-NOT:           kernel.check
// CHECK:               %[[ELEMENT:.*]] = memref.load
// CHECK-NOT:           memref.load
// CHECK:               memref.store %[[ELEMENT]]
// CHECK:           } else {
// CHECK-NOT:         memref.load
// CHECK:             memref.store
// CHECK:         {{^  [}]}}
kernel.func @rows "gather" {
^bb0(%x: tensor<100x64xf32>, %i: tensor<7xi64>):
  %0 = sluice.gather %x, %i {axis = 0 : i64} : (tensor<100x64xf32>, tensor<7xi64>) -> tensor<7x64xf32>
  kernel.yield %0 : tensor<7x64xf32>
}

// A scatter copies in parallel, then sets slices in their order, as several may go
// to one place.
// CHECK-LABEL: kernel.func @slices "
// CHECK:         scf.parallel
// CHECK:           scf.for
// CHECK-NEXT:        {{.*}} = arith.addi
// CHECK-NEXT:        %[[OLD:.*]] = memref.load
// CHECK-NEXT:        memref.store %[[OLD]]
// CHECK-NOT:     scf.parallel
// CHECK:         scf.for {{.*}} to %c4
// CHECK:           memref.load {{.*}} : memref<4xi64>
// CHECK:           kernel.check %arg0 %[[INSIDE:.*]], "an index lies outside
// CHECK:           scf.if %[[INSIDE]]
// CHECK:             scf.for {{.*}} to %c64
// CHECK:               memref.store
// CHECK:         {{^  [}]}}
kernel.func @slices "scatter_nd" {
^bb0(%x: tensor<10x64xf32>, %i: tensor<4x1xi64>, %u: tensor<4x64xf32>):
  %0 = sluice.scatter_nd %x, %i, %u {mode = #sluice.scatter<replace>} : (tensor<10x64xf32>, tensor<4x1xi64>, tensor<4x64xf32>) -> tensor<10x64xf32>
  kernel.yield %0 : tensor<10x64xf32>
}

// Sums of integers, of any number of rows.
// CHECK-LABEL: kernel.func @sums "
// CHECK:         scf.parallel
// CHECK:           scf.for
// CHECK:         kernel.check {{.*}} "updates and indices differ in size"
// CHECK-NOT:     scf.parallel
// CHECK:         scf.for
// CHECK:           scf.for {{.*}} to %c8
// CHECK:             kernel.check %arg0 %[[INSIDE:.*]], "an index lies outside
// CHECK:             scf.if %[[INSIDE]]
// CHECK:               %[[UPDATE:.*]] = memref.load %arg3
// CHECK:               %[[BEFORE:.*]] = memref.load %arg4
// CHECK:               arith.addi %[[BEFORE]], %[[UPDATE]] : i32
// CHECK:               memref.store
// CHECK:         {{^  [}]}}
kernel.func @sums "scatter_elements" {
^bb0(%x: tensor<?x8xi32>, %i: tensor<?x8xi64>, %u: tensor<?x8xi32>):
  %0 = sluice.scatter_elements %x, %i, %u {axis = 0 : i64, mode = #sluice.scatter<add>} : (tensor<?x8xi32>, tensor<?x8xi64>, tensor<?x8xi32>) -> tensor<?x8xi32>
  kernel.yield %0 : tensor<?x8xi32>
}
