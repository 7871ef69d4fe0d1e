// RUN: sluice-opt %s --sluice-form-scans=maximum-ops=2 --remarks-filter=fusion --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: sluice-opt %s --sluice-form-scans | FileCheck %s --check-prefix=DEFAULT

// Steps of many operations are several kernels each.
// CHECK:       a step has 3 operations, and one kernel takes at most 2
// CHECK-LABEL: @three
// CHECK-NOT:     sluice.scan
// CHECK:         scf.for
// DEFAULT-LABEL: @three
// DEFAULT:         sluice.scan
func.func @three(%s0: tensor<4xf32>, %a: tensor<5x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<4xf32> {
    %ai = sluice.element %a, %i : (tensor<5x4xf32>, index) -> tensor<4xf32>
    %p = sluice.mul %s, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %q = sluice.tanh %p : (tensor<4xf32>) -> tensor<4xf32>
    %next = sluice.add %q, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @two
// CHECK-NOT:     scf.for
// CHECK:         sluice.scan
func.func @two(%s0: tensor<4xf32>, %a: tensor<5x4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %0 = scf.for %i = %zero to %n step %one iter_args(%s = %s0) -> tensor<4xf32> {
    %ai = sluice.element %a, %i : (tensor<5x4xf32>, index) -> tensor<4xf32>
    %p = sluice.mul %s, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %next = sluice.add %p, %ai : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
