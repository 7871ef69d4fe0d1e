// Selections keep the candidates in a heap: rows are independent tasks, and an
// element that does not enter the heap costs one comparison.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// The five largest of 1,000: the first five are a heap in the results, whose worst
// one is at its top; the others are compared with that; then the heap is sorted.
// Nothing is allocated.
// CHECK-LABEL: kernel.func @largest "
// CHECK-NOT:     kernel.allocate
// CHECK:         kernel.check {{.*}} "k is larger than the dimension"
// CHECK:         scf.parallel (%[[ROW:.*]]) = (%c0) to (%c4)
// CHECK:           scf.for {{.*}} to %c5
// CHECK:             memref.store {{.*}}, %arg3[%[[ROW]], {{.*}}]
// CHECK:           scf.for {{.*}} to %c2
// CHECK:             scf.while
// CHECK:           scf.for {{.*}} to %c995
// CHECK:             memref.load %arg1[%[[ROW]], {{.*}}]
// CHECK:             memref.load %arg3[%[[ROW]], %c0]
// CHECK-NOT:         scf.while
// CHECK:             scf.if
// CHECK:               scf.while
// CHECK:           scf.for {{.*}} to %c4
// CHECK:             scf.while
// CHECK:         {{^  [}]}}
kernel.func @largest "top_k" {
^bb0(%x: tensor<4x1000xf32>, %k: tensor<1xi64>):
  %0:2 = sluice.top_k %x, %k {axis = 1 : i64} : (tensor<4x1000xf32>, tensor<1xi64>) -> (tensor<4x5xf32>, tensor<4x5xi64>)
  kernel.yield %0#0, %0#1 : tensor<4x5xf32>, tensor<4x5xi64>
}

// Integers of any number, sorted in whole: the same heap, of all that the result has
// room for.
// CHECK-LABEL: kernel.func @smallest "
// CHECK-NOT:     kernel.allocate
// CHECK:         scf.parallel (%[[ROW:.*]]) = (%c0) to (%dim{{.*}})
// CHECK:           scf.for {{.*}} to %dim
// CHECK:             memref.store {{.*}}, %arg3[%[[ROW]], {{.*}}] : memref<?x?xi32>
// CHECK-COUNT-3:   scf.for
// CHECK-NOT:       scf.for
// CHECK:         {{^  [}]}}
kernel.func @smallest "top_k" {
^bb0(%x: tensor<?x?xi32>, %k: tensor<1xi64>):
  %0:2 = sluice.top_k %x, %k {axis = 1 : i64, smallest} : (tensor<?x?xi32>, tensor<1xi64>) -> (tensor<?x?xi32>, tensor<?x?xi64>)
  kernel.yield %0#0, %0#1 : tensor<?x?xi32>, tensor<?x?xi64>
}

// Boxes: those above the threshold become a heap in memory of their number, of
// which the best is taken as long as there are any, and compared with those that
// were selected, until one overlaps.
// CHECK-LABEL: kernel.func @boxes "
// CHECK:         kernel.allocate
// CHECK:         scf.for {{.*}} to %c2
// CHECK:           scf.for {{.*}} to %c100
// CHECK:             memref.load %arg2
// CHECK:             scf.if
// CHECK:           scf.for
// CHECK:             scf.while
// CHECK:           scf.while
// CHECK:             scf.condition
// CHECK:             scf.if
// CHECK:               scf.while
// CHECK:             scf.while
// CHECK:               scf.if
// CHECK-COUNT-4:         memref.load %arg1
// CHECK:               scf.condition
// CHECK:             scf.if
// CHECK-COUNT-3:       memref.store {{.*}}, %arg7
// CHECK:         memref.store {{.*}}, %arg6
// CHECK:         {{^  [}]}}
kernel.func @boxes "non_max_suppression" {
^bb0(%b: tensor<1x100x4xf32>, %s: tensor<1x2x100xf32>, %m: tensor<1xi64>, %i: tensor<1xf32>, %t: tensor<1xf32>):
  %0:2 = sluice.non_max_suppression %b, %s, %m, %i, %t : (tensor<1x100x4xf32>, tensor<1x2x100xf32>, tensor<1xi64>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1xi64>, tensor<?x3xi64>)
  kernel.yield %0#0, %0#1 : tensor<1xi64>, tensor<?x3xi64>
}
