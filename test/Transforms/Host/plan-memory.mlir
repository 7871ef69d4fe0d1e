// RUN: sluice-opt %s --sluice-form-kernels --sluice-outline-kernels --sluice-emit-kernels --sluice-host-to-buffers --sluice-layout-weights --sluice-plan-memory | FileCheck %s

// Four buffers in a chain: two places serve all, and the elementwise one works
// in place. The plan meets the lower bound.
// CHECK:       module attributes {sluice.liveness_bound = 2048 : i64
// CHECK-SAME:    sluice.workspace_bytes = 2048 : i64
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[OFFSET:.*]] = arith.constant 0 : index
// CHECK:         kernel.workspace %arg0[%[[OFFSET]]]
// CHECK-NOT:     kernel.allocate
// CHECK:         kernel.output %arg0 0
func.func @main(%x: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<16x16xf32>) -> tensor<16x16xf32>
  %1 = sluice.softmax %0 {axis = 1 : i64} : (tensor<16x16xf32>) -> tensor<16x16xf32>
  %2 = sluice.exp %1 : (tensor<16x16xf32>) -> tensor<16x16xf32>
  %3 = sluice.softmax %2 {axis = 1 : i64} : (tensor<16x16xf32>) -> tensor<16x16xf32>
  return %3 : tensor<16x16xf32>
}
