// What a place of the result is made of is computed once for each axis, into
// scratch memory, in front of the loop over pixels, which divides nothing.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// Two places and two factors for each of 16 rows and 16 columns; then pixels, with
// vectors of channels.
// CHECK-LABEL: kernel.func @linear "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:    memref<?xi8>
// CHECK:         scf.for {{.*}} to %c16
// CHECK:           arith.divf {{.*}} : f64
// CHECK-COUNT-2:   memref.store {{.*}} : memref<32x{{.*}}>
// CHECK:         scf.for {{.*}} to %c16
// CHECK:           arith.divf {{.*}} : f64
// CHECK:         scf.parallel {{.*}} to (%c256)
// CHECK-NOT:       arith.divf
// CHECK-COUNT-4:   memref.load {{.*}} : memref<32xi32>
// CHECK-NOT:       arith.divf
// CHECK:           scf.for {{.*}} to %c8
// CHECK-NOT:         memref.load
// CHECK-COUNT-4:     vector.load {{.*}}, vector<8xf32>
// CHECK-NOT:         vector.load
// CHECK:             vector.store {{.*}}, vector<8xf32>
// CHECK:         {{^  [}]}}
kernel.func @linear "resize" {
^bb0(%x: tensor<1x8x8x64xf32>, %s: tensor<2xi64>):
  %0 = sluice.resize %x, %s {axes = array<i64: 1, 2>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 2.0>} : (tensor<1x8x8x64xf32>, tensor<2xi64>) -> tensor<1x16x16x64xf32>
  kernel.yield %0 : tensor<1x16x16x64xf32>
}

// With the channels apart: a task is a line of the result, whose row is looked up
// once, and a table of columns. Memory for tables of the run's sizes comes from its
// allocator.
// CHECK-LABEL: kernel.func @dynamic "
// CHECK:         kernel.allocate
// CHECK:         scf.for
// CHECK:           arith.divf
// CHECK:         scf.for
// CHECK:           arith.divf
// CHECK:         scf.parallel
// CHECK-NOT:       arith.divf
// CHECK-COUNT-2:   memref.load {{.*}} : memref<?xi32>
// CHECK:           scf.for
// CHECK-COUNT-2:     memref.load {{.*}} : memref<?xi32>
// CHECK-NOT:         arith.divf
// CHECK:             memref.store {{.*}} : memref<?xf32>
// CHECK:         {{^  [}]}}
kernel.func @dynamic "resize" {
^bb0(%x: tensor<?x3x?x?xf32>, %s: tensor<2xi64>):
  %0 = sluice.resize %x, %s {axes = array<i64: 2, 3>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<linear>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 2.0>} : (tensor<?x3x?x?xf32>, tensor<2xi64>) -> tensor<?x3x?x?xf32>
  kernel.yield %0 : tensor<?x3x?x?xf32>
}

// The nearest neighbour of integers: no factor, and one load for one store.
// CHECK-LABEL: kernel.func @nearest "
// CHECK:         scf.parallel {{.*}} to (%c48)
// CHECK-COUNT-1:   memref.load {{.*}} : memref<16xi32>
// CHECK:           scf.for {{.*}} to %c16
// CHECK-COUNT-1:     memref.load {{.*}} : memref<16xi32>
// CHECK:             %[[PIXEL:.*]] = memref.load {{.*}} : memref<192xi8>
// CHECK-NOT:         arith.mulf
// CHECK:             memref.store %[[PIXEL]]
// CHECK:         {{^  [}]}}
kernel.func @nearest "resize" {
^bb0(%x: tensor<1x3x8x8xui8>, %s: tensor<2xi64>):
  %0 = sluice.resize %x, %s {axes = array<i64: 2, 3>, cubic_coefficient = -0.75, extrapolation_value = 0.0, mode = #sluice.sample<nearest>, place = #sluice.place<half_pixel>, rounding = #sluice.rounding<floor>, scales = array<f64: 2.0, 2.0>} : (tensor<1x3x8x8xui8>, tensor<2xi64>) -> tensor<1x3x16x16xui8>
  kernel.yield %0 : tensor<1x3x16x16xui8>
}

// A grid names a place for each pixel: four elements, weighed by where it lies.
// CHECK-LABEL: kernel.func @grid "
// CHECK:         scf.parallel {{.*}} to (%c15)
// CHECK:           scf.for {{.*}} to %c6
// CHECK-COUNT-2:     memref.load %arg2
// CHECK-COUNT-4:     memref.load %arg1
// CHECK-NOT:         memref.load
// CHECK:             memref.store {{.*}}, %arg3
// CHECK:         {{^  [}]}}
kernel.func @grid "grid_sample" {
^bb0(%x: tensor<1x3x8x8xf32>, %g: tensor<1x5x6x2xf32>):
  %0 = sluice.grid_sample %x, %g {mode = #sluice.sample<linear>, border = #sluice.border<zeros>} : (tensor<1x3x8x8xf32>, tensor<1x5x6x2xf32>) -> tensor<1x3x5x6xf32>
  kernel.yield %0 : tensor<1x3x5x6xf32>
}
