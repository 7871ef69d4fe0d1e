// Pools with the channels of a pixel side by side: a task is a pixel of the result,
// its window is found once, and vectors of channels go over it.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// CHECK-LABEL: kernel.func @max "
// CHECK:         scf.parallel {{.*}} to (%c128)
// CHECK-COUNT-6:   arith.maxsi {{.*}} : index
// CHECK:           scf.for {{.*}} to %c8
// CHECK-NOT:         arith.maxsi
// CHECK:             %[[MAX:.*]] = scf.for {{.*}} -> (vector<8xf32>)
// CHECK:               scf.for {{.*}} -> (vector<8xf32>)
// CHECK:                 vector.load
// CHECK:             vector.store %[[MAX]]
// CHECK-NOT:         memref.load
// CHECK:         {{^  [}]}}
kernel.func @max "max_pool" {
^bb0(%x: tensor<2x16x16x64xf32>):
  %0 = sluice.max_pool %x {channels_last, kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<2x16x16x64xf32>) -> tensor<2x8x8x64xf32>
  kernel.yield %0 : tensor<2x8x8x64xf32>
}

// Of sizes of the run, and with the mean, whose divisor is the window's, not a
// vector's.
// CHECK-LABEL: kernel.func @average "
// CHECK:         scf.parallel
// CHECK-COUNT-6:   arith.maxsi {{.*}} : index
// CHECK:           scf.for {{.*}} to %c8
// CHECK:             %[[SUM:.*]] = scf.for {{.*}} -> (vector<8xf32>)
// CHECK:               scf.for {{.*}} -> (vector<8xf32>)
// CHECK:                 %[[PART:.*]] = vector.load
// CHECK-NEXT:            arith.addf {{.*}}, %[[PART]] : vector<8xf32>
// CHECK:             %[[MEAN:.*]] = arith.divf %[[SUM]], {{.*}} : vector<8xf32>
// CHECK:             vector.store %[[MEAN]]
// CHECK-NOT:         memref.load
// CHECK:         {{^  [}]}}
kernel.func @average "average_pool" {
^bb0(%x: tensor<?x?x?x64xf32>):
  %0 = sluice.average_pool %x {channels_last, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
  kernel.yield %0 : tensor<?x?x?x64xf32>
}

// Bytes: the same tasks, with more channels in a vector.
// CHECK-LABEL: kernel.func @integers "
// CHECK:         scf.parallel {{.*}} to (%c128)
// CHECK:           scf.for {{.*}} to %c2
// CHECK:             %[[MAX:.*]] = scf.for {{.*}} -> (vector<32xi8>)
// CHECK:               scf.for {{.*}} -> (vector<32xi8>)
// CHECK:                 arith.cmpi sgt, {{.*}} : vector<32xi8>
// CHECK:             vector.store %[[MAX]]
// CHECK-NOT:         memref.load
// CHECK:         {{^  [}]}}
kernel.func @integers "max_pool" {
^bb0(%x: tensor<2x16x16x64xi8>):
  %0 = sluice.max_pool %x {channels_last, kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<2x16x16x64xi8>) -> tensor<2x8x8x64xi8>
  kernel.yield %0 : tensor<2x8x8x64xi8>
}
