// RUN: sluice-opt %s --split-input-file --sluice-emit-kernels | FileCheck %s

// What leaves the caches is written past them, in whole lines: sixteen rows
// side by side, and a fence behind each piece of the loop.
// CHECK-LABEL: kernel.func @large "
// CHECK:       memref.extract_aligned_pointer_as_index
// CHECK:       scf.if
// CHECK:       vector.store %{{.*}} {alignment = 64 : i64, nontemporal = true} : memref<{{.*}}xf32>, vector<16xf32>
// CHECK:       llvm.fence seq_cst
// CHECK:       } else {
// CHECK:       vector.store %{{.*}} : memref<{{.*}}xf32>, vector<8xf32>
kernel.func @large "map" {
^bb0(%x: tensor<256x65536xf32>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<256x65536xf32>) -> tensor<65536x256xf32>
  kernel.yield %0 : tensor<65536x256xf32>
}

// -----

// A line has 64 bytes, whatever the element type.
// CHECK-LABEL: kernel.func @bytes "
// CHECK:       nontemporal = true} : memref<{{.*}}xi8>, vector<64xi8>
kernel.func @bytes "map" {
^bb0(%x: tensor<256x262144xui8>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<256x262144xui8>) -> tensor<262144x256xui8>
  kernel.yield %0 : tensor<262144x256xui8>
}

// -----

// Where the sizes are not known, the run decides.
// CHECK-LABEL: kernel.func @dynamic "
// CHECK:       scf.if
// CHECK:       nontemporal = true
// CHECK:       } else {
// CHECK-NOT:   nontemporal
// CHECK:       {{^  [}]}}
kernel.func @dynamic "map" {
^bb0(%x: tensor<?x?xf32>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  kernel.yield %0 : tensor<?x?xf32>
}

// -----

// What stays in the caches is written into them.
// CHECK-LABEL: kernel.func @small "
// CHECK-NOT:   nontemporal
// CHECK-NOT:   llvm.fence
// CHECK:       vector.store %{{.*}}, vector<8xf32>
// CHECK-NOT:   nontemporal
// CHECK:       {{^  [}]}}
kernel.func @small "map" {
^bb0(%x: tensor<64x256xf32>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<64x256xf32>) -> tensor<256x64xf32>
  kernel.yield %0 : tensor<256x64xf32>
}

// -----

// Nor are lines that two rows of the result share written past them.
// CHECK-LABEL: kernel.func @odd "
// CHECK-NOT:   nontemporal
// CHECK:       {{^  [}]}}
kernel.func @odd "map" {
^bb0(%x: tensor<255x65536xf32>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<255x65536xf32>) -> tensor<65536x255xf32>
  kernel.yield %0 : tensor<65536x255xf32>
}

// -----

// Nor is anything where few columns would make the pieces of the loop short.
// CHECK-LABEL: kernel.func @narrow "
// CHECK-NOT:   nontemporal
// CHECK:       {{^  [}]}}
kernel.func @narrow "map" {
^bb0(%x: tensor<6291456x3xf32>):
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<6291456x3xf32>) -> tensor<3x6291456xf32>
  kernel.yield %0 : tensor<3x6291456xf32>
}
