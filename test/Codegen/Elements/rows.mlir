// RUN: sluice-opt %s --split-input-file --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-set-target="cpu=x86-64-v4 triple=x86_64-pc-linux-gnu" --sluice-emit-kernels --sluice-vectorize-loops | FileCheck %s --check-prefix=LOOPS

// Rows in parts: those of one size are results of one op. What stays is copied.
// CHECK-LABEL: kernel.func @rotated
// CHECK-DAG:     memref.subview %arg1[0, 0] [4, 16] [1, 1]
// CHECK-DAG:     memref.subview %arg1[0, 16] [4, 16] [1, 1]
// CHECK:         linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : memref<4x16xf32, {{.*}}>, memref<4x16xf32, {{.*}}>)
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : memref<4x8xf32, {{.*}}>)
// CHECK-NEXT:    ^bb0(%[[IN:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:      linalg.yield %[[IN]]
kernel.func @rotated "map" {
^bb0(%x: tensor<4x40xf32>, %c: tensor<16xf32>):
  %0 = sluice.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 4, 16>, steps = array<i64: 1, 1>} : (tensor<4x40xf32>) -> tensor<4x16xf32>
  %1 = sluice.slice %x {starts = array<i64: 0, 16>, ends = array<i64: 4, 32>, steps = array<i64: 1, 1>} : (tensor<4x40xf32>) -> tensor<4x16xf32>
  %2 = sluice.slice %x {starts = array<i64: 0, 32>, ends = array<i64: 4, 40>, steps = array<i64: 1, 1>} : (tensor<4x40xf32>) -> tensor<4x8xf32>
  %3 = sluice.mul %0, %c : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %4 = sluice.neg %1 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  %5 = sluice.concat %4, %3, %2 {axis = 1 : i64} : (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x8xf32>) -> tensor<4x40xf32>
  kernel.yield %5 : tensor<4x40xf32>
}

// -----

// Every other element is a shuffle of two vectors, the second of which ends with
// the last; results in turns are stored as one vector.
// CHECK-LABEL: kernel.func @turned
// CHECK-DAG:     memref.subview %arg1[0, 0] [4, 32] [1, 2]
// CHECK-DAG:     memref.subview %arg1[0, 1] [4, 32] [1, 2]
// CHECK:         linalg.generic
// LOOPS-LABEL: kernel.func @turned
// LOOPS-NOT:     vector.gather
// LOOPS-COUNT-2: vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31]
// LOOPS-NOT:     vector.gather
// LOOPS:         vector.interleave {{.*}} : vector<16xf32> -> vector<32xf32>
// LOOPS-NEXT:    vector.store {{.*}} vector<32xf32>
kernel.func @turned "map" {
^bb0(%x: tensor<4x64xf32>):
  %0 = sluice.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 4, 64>, steps = array<i64: 1, 2>} : (tensor<4x64xf32>) -> tensor<4x32xf32>
  %1 = sluice.slice %x {starts = array<i64: 0, 1>, ends = array<i64: 4, 64>, steps = array<i64: 1, 2>} : (tensor<4x64xf32>) -> tensor<4x32xf32>
  %2 = sluice.neg %1 : (tensor<4x32xf32>) -> tensor<4x32xf32>
  %3 = sluice.interleave %2, %0 : (tensor<4x32xf32>, tensor<4x32xf32>) -> tensor<4x64xf32>
  kernel.yield %3 : tensor<4x64xf32>
}

// -----

// What only moves elements keeps its own kernel; rows of one element have no
// parts.
// CHECK-LABEL: kernel.func @moved
// CHECK-NOT:     memref.subview
// CHECK-LABEL: kernel.func @column
// CHECK-NOT:     memref.subview
kernel.func @moved "concat" {
^bb0(%x: tensor<4x16xf32>, %y: tensor<4x16xf32>):
  %0 = sluice.concat %x, %y {axis = 1 : i64} : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x32xf32>
  kernel.yield %0 : tensor<4x32xf32>
}
kernel.func @column "slice" {
^bb0(%x: tensor<4x16xf32>):
  %0 = sluice.slice %x {starts = array<i64: 0, 3>, ends = array<i64: 4, 4>, steps = array<i64: 1, 1>} : (tensor<4x16xf32>) -> tensor<4x1xf32>
  kernel.yield %0 : tensor<4x1xf32>
}
