// How rows are reduced: one task each, and within it whole vectors.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// Along the row: four vectors of sums side by side, which meet at the end, and no
// element on its own.
// CHECK-LABEL: kernel.func @along "
// CHECK:         scf.parallel (%[[ROW:.*]]) = (%c0) to (%c64)
// CHECK:           %[[SUMS:.*]]:4 = scf.for {{.*}} to %c31 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-NOT:         memref.load
// CHECK-COUNT-4:     vector.load {{.*}}, vector<8xf32>
// CHECK-NOT:         vector.load
// CHECK:             scf.yield
// CHECK:           arith.addf %[[SUMS]]#0, %[[SUMS]]#1
// CHECK:           arith.addf %[[SUMS]]#2, %[[SUMS]]#3
// The last eight of 1,000 elements are one more vector, then lanes are added in
// halves.
// CHECK:           vector.load
// CHECK:           vector.shuffle {{.*}} [4, 5, 6, 7]
// CHECK:           vector.shuffle {{.*}} [2, 3]
// CHECK-NOT:       memref.load
// CHECK:           memref.store {{.*}}, %arg2[%[[ROW]]]
// CHECK:         {{^  [}]}}
kernel.func @along "reduce" {
^bb0(%x: tensor<64x1000xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<64x1000xf32>) -> tensor<64xf32>
  kernel.yield %0 : tensor<64xf32>
}

// Down the columns: four vectors of columns a task, so that the rows are read in
// lines; nothing is added across lanes.
// CHECK-LABEL: kernel.func @down "
// CHECK:         scf.parallel {{.*}} to (%c32)
// CHECK:           %[[SUMS:.*]]:4 = scf.for {{.*}} to %c64
// CHECK-COUNT-4:     vector.load {{.*}}, vector<8xf32>
// CHECK-COUNT-4:   vector.store {{.*}}, vector<8xf32>
// CHECK-NOT:       vector.shuffle
// CHECK-NOT:       memref.load
// CHECK:         {{^  [}]}}
kernel.func @down "reduce" {
^bb0(%x: tensor<64x1000xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 0>} : (tensor<64x1000xf32>) -> tensor<1000xf32>
  kernel.yield %0 : tensor<1000xf32>
}

// Rows of any length: partial results of 64 vectors at a time are joined, however
// long the row; what is left are single vectors and one with lanes off, which count
// as the lowest value.
// CHECK-LABEL: kernel.func @any_length "
// CHECK-DAG:     %[[LOWEST:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK-DAG:     %[[LENGTH:.*]] = memref.dim %arg1, %c1
// CHECK:         scf.parallel (%[[ROW:.*]]) = (%c0) to (%{{.*}})
// CHECK:           arith.divui %[[LENGTH]], %c32
// CHECK:           arith.minsi {{.*}}, %c64 : index
// CHECK:           scf.for
// CHECK-COUNT-4:     vector.load
// CHECK-COUNT-4:   arith.maximumf {{.*}} : vector<8xf32>
// CHECK:           vector.create_mask
// CHECK:           %[[REST:.*]] = vector.maskedload
// CHECK:           arith.select {{.*}}, %[[REST]], %[[LOWEST]]
// CHECK-NOT:       memref.load
// CHECK:           memref.store {{.*}}, %arg2[%[[ROW]]]
// CHECK:         {{^  [}]}}
kernel.func @any_length "reduce" {
^bb0(%x: tensor<?x?xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<max>, axes = array<i64: 1>} : (tensor<?x?xf32>) -> tensor<?xf32>
  kernel.yield %0 : tensor<?xf32>
}

// Integers are added up in vectors too, several side by side.
// CHECK-LABEL: kernel.func @integers "
// CHECK:         %[[SUMS:.*]]:4 = scf.for {{.*}} -> (vector<8xi32>, vector<8xi32>, vector<8xi32>, vector<8xi32>)
// CHECK-COUNT-4:   vector.load {{.*}}, vector<8xi32>
// CHECK-NOT:     scf.if
// CHECK:         memref.store {{.*}} : memref<64xi32>
// CHECK:         {{^  [}]}}
kernel.func @integers "reduce" {
^bb0(%x: tensor<64x1000xi32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<64x1000xi32>) -> tensor<64xi32>
  kernel.yield %0 : tensor<64xi32>
}

// Bytes fill vectors; a mean adds up in 64 bits, of which fewer fit one.
// CHECK-LABEL: kernel.func @bytes "
// CHECK:         arith.maxui {{.*}} : vector<32xi8>
// CHECK-LABEL: kernel.func @mean "
// CHECK:         vector.load {{.*}}, vector<4xi32>
// CHECK:         arith.extsi {{.*}} : vector<4xi32> to vector<4xi64>
// CHECK:         arith.addi {{.*}} : vector<4xi64>
kernel.func @bytes "reduce" {
^bb0(%x: tensor<64x1024xui8>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<max>, axes = array<i64: 0>} : (tensor<64x1024xui8>) -> tensor<1024xui8>
  kernel.yield %0 : tensor<1024xui8>
}
kernel.func @mean "reduce" {
^bb0(%x: tensor<64x1024xi32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<mean>, axes = array<i64: 1>} : (tensor<64x1024xi32>) -> tensor<64xi32>
  kernel.yield %0 : tensor<64xi32>
}

// Truth values, of which lanes hold no whole bytes, are taken one by one.
// CHECK-LABEL: kernel.func @truths "
// CHECK-NOT:     vector
// CHECK:         {{^  [}]}}
kernel.func @truths "reduce" {
^bb0(%x: tensor<64x1024xi1>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<max>, axes = array<i64: 1>} : (tensor<64x1024xi1>) -> tensor<64xi1>
  kernel.yield %0 : tensor<64xi1>
}

// The place of the largest element: one pass that carries value and place and
// decides by selects.
// CHECK-LABEL: kernel.func @place "
// CHECK:         scf.for
// CHECK:           %[[BEST:.*]]:3 = scf.for {{.*}} to %c1000 {{.*}} -> (f32, index, i1)
// CHECK-COUNT-1:     memref.load
// CHECK-NOT:         scf.if
// CHECK:             arith.select {{.*}} : f32
// CHECK:             arith.select {{.*}} : index
// CHECK:           arith.index_cast %[[BEST]]#1 : index to i64
// CHECK:         {{^  [}]}}
kernel.func @place "arg_max" {
^bb0(%x: tensor<64x1000xf32>):
  %0 = sluice.arg_max %x {axis = 1 : i64} : (tensor<64x1000xf32>) -> tensor<64xi64>
  kernel.yield %0 : tensor<64xi64>
}
