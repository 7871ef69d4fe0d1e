// States that are matrices: a step passes over some vectors of lanes once, and
// once before where the next states need sums over the states.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels | FileCheck %s

// CHECK-LABEL: @delta
// CHECK:         scf.parallel
// What the states know of the key, in four vectors.
// CHECK:           :4 = scf.for {{.*}} to %c16{{.*}} iter_args
// CHECK-NOT:         vector.store
// CHECK:             scf.yield {{.*}}vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
// The next states, and the outputs in registers. What is added for the key is
// computed in front.
// CHECK-COUNT-4:   arith.subf
// CHECK:           :4 = scf.for {{.*}} to %c16{{.*}} iter_args
// CHECK-NOT:         arith.subf
// CHECK-COUNT-4:     vector.store
// CHECK-NOT:         vector.store
// CHECK:             scf.yield {{.*}}vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
// CHECK-COUNT-4:   vector.store
// CHECK-NOT:       scf.for
kernel.func @delta "scan" {
^bb0(%s0: tensor<1x2x16x32xf32>, %q: tensor<5x1x2x1x16xf32>, %k: tensor<5x1x2x1x16xf32>, %kt: tensor<5x1x2x16x1xf32>, %v: tensor<5x1x2x1x32xf32>):
  %0:2 = sluice.scan %s0, %q, %k, %kt, %v {backwards = array<i1: false, false, false, false, false>, operandSegmentSizes = array<i32: 1, 4, 0>, sizes = array<i64>}
    : (tensor<1x2x16x32xf32>, tensor<5x1x2x1x16xf32>, tensor<5x1x2x1x16xf32>, tensor<5x1x2x16x1xf32>, tensor<5x1x2x1x32xf32>) -> (tensor<1x2x16x32xf32>, tensor<5x1x2x1x32xf32>) {
  ^bb0(%s: tensor<1x2x16x32xf32>, %qt: tensor<1x2x1x16xf32>, %ki: tensor<1x2x1x16xf32>, %kti: tensor<1x2x16x1xf32>, %vi: tensor<1x2x1x32xf32>):
    %known = sluice.matmul %ki, %s : (tensor<1x2x1x16xf32>, tensor<1x2x16x32xf32>) -> tensor<1x2x1x32xf32>
    %new = sluice.sub %vi, %known : (tensor<1x2x1x32xf32>, tensor<1x2x1x32xf32>) -> tensor<1x2x1x32xf32>
    %added = sluice.mul %kti, %new : (tensor<1x2x16x1xf32>, tensor<1x2x1x32xf32>) -> tensor<1x2x16x32xf32>
    %next = sluice.add %s, %added : (tensor<1x2x16x32xf32>, tensor<1x2x16x32xf32>) -> tensor<1x2x16x32xf32>
    %o = sluice.matmul %qt, %next : (tensor<1x2x1x16xf32>, tensor<1x2x16x32xf32>) -> tensor<1x2x1x32xf32>
    sluice.yield %next, %o : tensor<1x2x16x32xf32>, tensor<1x2x1x32xf32>
  }
  kernel.yield %0#0, %0#1 : tensor<1x2x16x32xf32>, tensor<5x1x2x1x32xf32>
}
