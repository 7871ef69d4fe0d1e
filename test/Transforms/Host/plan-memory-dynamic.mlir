// RUN: sluice-opt %s --sluice-form-kernels --sluice-outline-kernels --sluice-emit-kernels --sluice-host-to-buffers --canonicalize --sluice-layout-weights --sluice-simplify-sizes --sluice-plan-memory | FileCheck %s

// Sizes that follow from the inputs are planned by a formula.
// CHECK:       module attributes {{.*}}sluice.workspace_bytes = -1 : i64
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.input_size %arg0 0, 0
// CHECK-NOT:     kernel.allocate
// CHECK:         kernel.workspace
// CHECK-LABEL: func.func @sluice_plan
// CHECK:         kernel.input_size %arg0 0, 0
// Bytes that 64 bits do not hold are told as negative.
// CHECK:         arith.mulsi_extended
// CHECK:         %[[BYTES:.*]] = arith.select %{{.*}}, %{{.*}}, %c-1
// CHECK:         return %[[BYTES]]
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = sluice.softmax %0 {axis = 1 : i64} : (tensor<?x16xf32>) -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
