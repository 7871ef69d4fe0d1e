// RUN: sluice-opt %s --sluice-set-target="cpu=x86-64-v3 triple=x86_64-unknown-linux-gnu" --sluice-emit-kernels | FileCheck %s

// What threads are woken for: the operations and bytes of one iteration. To copy
// an element takes as long as its bytes are many, so wide ones cost more.

// A row of 320 elements of 4 bytes: 320 * (1 operation + 8 bytes).
// CHECK-LABEL: kernel.func @concat_f32 "
// CHECK: scf.parallel
// CHECK: sluice.cost = 9.600000e+01 : f64
kernel.func @concat_f32 "concat" {
^bb0(%x: tensor<64x320xf32>, %y: tensor<64x320xf32>):
  %0 = sluice.concat %x, %y {axis = 1 : i64} : (tensor<64x320xf32>, tensor<64x320xf32>) -> tensor<64x640xf32>
  kernel.yield %0 : tensor<64x640xf32>
}

// 320 * (1 operation + 16 bytes).
// CHECK-LABEL: kernel.func @concat_i64 "
// CHECK: scf.parallel
// CHECK: sluice.cost = 1.600000e+02 : f64
kernel.func @concat_i64 "concat" {
^bb0(%x: tensor<64x320xi64>, %y: tensor<64x320xi64>):
  %0 = sluice.concat %x, %y {axis = 1 : i64} : (tensor<64x320xi64>, tensor<64x320xi64>) -> tensor<64x640xi64>
  kernel.yield %0 : tensor<64x640xi64>
}

// An index, then a run of 16 bytes to read and to write.
// CHECK-LABEL: kernel.func @gather_i8 "
// CHECK: scf.parallel
// CHECK: sluice.cost = 5.800000e+00 : f64
kernel.func @gather_i8 "gather" {
^bb0(%x: tensor<100x16xi8>, %i: tensor<40xi64>):
  %0 = sluice.gather %x, %i {axis = 0 : i64} : (tensor<100x16xi8>, tensor<40xi64>) -> tensor<40x16xi8>
  kernel.yield %0 : tensor<40x16xi8>
}

// Five operations an element of a row.
// CHECK-LABEL: kernel.func @softmax "
// CHECK: scf.parallel
// CHECK: sluice.cost = 1.600000e+02 : f64
kernel.func @softmax "softmax" {
^bb0(%x: tensor<64x320xf32>):
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<64x320xf32>) -> tensor<64x320xf32>
  kernel.yield %0 : tensor<64x320xf32>
}
