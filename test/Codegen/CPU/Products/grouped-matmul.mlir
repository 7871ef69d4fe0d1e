// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v4 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// Lists are checked once. A task is a group and a block of its columns; no more
// rows than a tile are one tile of as many, which read theirs by the list and
// stream the panel; more rows fetch parts of the next one. The bias of the group
// is added in front of the epilogue. Rows of no group get what it makes of zero.
// CHECK-LABEL: kernel.func @source "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:    [[X:%arg[0-9]+]]: memref<?x64xf32>, [[W:%arg[0-9]+]]: memref<16384xf32>, [[OFFSETS:%arg[0-9]+]]: memref<5xi64>, [[ROWS:%arg[0-9]+]]: memref<?xi64>, [[BIAS:%arg[0-9]+]]: memref<4x64xf32>
// CHECK:         the offsets of groups do not ascend
// CHECK:         the number of a row is outside
// CHECK:         scf.parallel {{.*}} to (%c4{{[_0-9]*}}) step
// CHECK:           memref.load [[OFFSETS]]
// CHECK:           memref.load [[OFFSETS]]
// CHECK:           scf.for
// CHECK:             memref.load [[ROWS]]
// CHECK-NOT:         memref.prefetch
// CHECK:             vector.fma
// CHECK:             memref.prefetch {{.*}} locality<2>
// CHECK:         scf.parallel
// CHECK-NOT:       vector.fma
// CHECK:           vector.store
kernel.func @source "packed_grouped_matmul" {
^bb0(%x: tensor<?x64xf32>, %w: tensor<16384xf32>, %o: tensor<5xi64>, %r: tensor<?xi64>, %b: tensor<4x64xf32>):
  %0 = kernel.packed_grouped_matmul %x, %w, %o rows %r bias %b {columns = 64 : i64, groups = 4 : i64, repeat = 2 : i64} : (tensor<?x64xf32>, tensor<16384xf32>, tensor<5xi64>, tensor<?xi64>, tensor<4x64xf32>) -> tensor<?x64xf32>
  %1 = sluice.relu %0 : (tensor<?x64xf32>) -> tensor<?x64xf32>
  kernel.yield %1 : tensor<?x64xf32>
}

// Neighbouring tasks are of different groups. What leaves the cache is not
// fetched for the epilogue, as tiles of other products do.
// CHECK-LABEL: kernel.func @large "
// CHECK:         scf.parallel ([[TASK:%arg[0-9]+]]) = {{.*}} to (%c16{{[_0-9]*}}) step
// CHECK:           [[GROUP:%.+]] = arith.remui [[TASK]], %c4{{[_0-9]*}} :
// CHECK-NEXT:      memref.load %arg{{[0-9]+}}{{\[}}[[GROUP]]] : memref<5xi64>
// CHECK-NOT:       locality<3>
kernel.func @large "packed_grouped_matmul" {
^bb0(%x: tensor<?x64xf32>, %w: tensor<262144xf32>, %o: tensor<5xi64>):
  %0 = kernel.packed_grouped_matmul %x, %w, %o {columns = 1024 : i64, groups = 4 : i64} : (tensor<?x64xf32>, tensor<262144xf32>, tensor<5xi64>) -> tensor<?x1024xf32>
  kernel.yield %0 : tensor<?x1024xf32>
}

// Of f16, groups of many rows multiply with copies of panels, the others do not.
// CHECK-LABEL: kernel.func @halves "
// CHECK:         the place of a row is outside
// CHECK-COUNT-2: scf.parallel {{.*}} to (%c4{{[_0-9]*}}) step
kernel.func @halves "packed_grouped_matmul" {
^bb0(%x: tensor<?x64xf16>, %w: tensor<16384xf16>, %o: tensor<5xi64>, %p: tensor<?xi64>):
  %0 = kernel.packed_grouped_matmul %x, %w, %o places %p {columns = 64 : i64, groups = 4 : i64} : (tensor<?x64xf16>, tensor<16384xf16>, tensor<5xi64>, tensor<?xi64>) -> tensor<?x64xf16>
  kernel.yield %0 : tensor<?x64xf16>
}
