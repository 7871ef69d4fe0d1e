// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// A long epilogue takes both vectors of a row at once.
// CHECK-LABEL: kernel.func @long "
// CHECK-COUNT-6: vector.shuffle {{.*}} : vector<8xf32>, vector<8xf32>
// CHECK-NOT:     math.erf {{.*}} : vector<8xf32>
kernel.func @long "matmul" {
^bb0(%x: tensor<12x64xf32>, %y: tensor<64x32xf32>):
  %0 = sluice.matmul %x, %y : (tensor<12x64xf32>, tensor<64x32xf32>) -> tensor<12x32xf32>
  %1 = sluice.erf %0 : (tensor<12x32xf32>) -> tensor<12x32xf32>
  kernel.yield %1 : tensor<12x32xf32>
}

// A longer one runs from a loop over the rows of the tile, which is marked to
// become a function.
// CHECK-LABEL: kernel.func @longer "
// CHECK:         memref.alloca() {{.*}}memref<96xf32>
// CHECK:         scf.for
// CHECK:           vector.load {{.*}} vector<16xf32>
// CHECK-COUNT-2:   math.erf {{.*}} : vector<16xf32>
// CHECK-NOT:       math.erf
// CHECK:         } {sluice.epilogue}
kernel.func @longer "matmul" {
^bb0(%x: tensor<12x64xf32>, %y: tensor<64x32xf32>):
  %0 = sluice.matmul %x, %y : (tensor<12x64xf32>, tensor<64x32xf32>) -> tensor<12x32xf32>
  %1 = sluice.erf %0 : (tensor<12x32xf32>) -> tensor<12x32xf32>
  %2 = sluice.erf %1 : (tensor<12x32xf32>) -> tensor<12x32xf32>
  kernel.yield %2 : tensor<12x32xf32>
}

// A short one runs on the accumulators as they are.
// CHECK-LABEL: kernel.func @short "
// CHECK-NOT:     memref.alloca
// CHECK-NOT:     vector<16xf32>
// CHECK-NOT:     sluice.epilogue
// CHECK-COUNT-12: arith.negf {{.*}} : vector<8xf32>
kernel.func @short "matmul" {
^bb0(%x: tensor<12x64xf32>, %y: tensor<64x32xf32>):
  %0 = sluice.matmul %x, %y : (tensor<12x64xf32>, tensor<64x32xf32>) -> tensor<12x32xf32>
  %1 = sluice.neg %0 : (tensor<12x32xf32>) -> tensor<12x32xf32>
  kernel.yield %1 : tensor<12x32xf32>
}

// Where the last vector of a row is partial, vectors go one by one.
// CHECK-LABEL: kernel.func @partial "
// CHECK-NOT:     vector<16xf32>
// CHECK:         math.erf {{.*}} : vector<8xf32>
// CHECK-NOT:     vector<16xf32>
kernel.func @partial "matmul" {
^bb0(%x: tensor<6x64xf32>, %y: tensor<64x13xf32>):
  %0 = sluice.matmul %x, %y : (tensor<6x64xf32>, tensor<64x13xf32>) -> tensor<6x13xf32>
  %1 = sluice.erf %0 : (tensor<6x13xf32>) -> tensor<6x13xf32>
  kernel.yield %1 : tensor<6x13xf32>
}
