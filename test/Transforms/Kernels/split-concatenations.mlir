// RUN: sluice-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(sluice-split-concatenations{maximum-operands=16}))' | FileCheck %s
// RUN: sluice-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(sluice-split-concatenations))' | FileCheck %s --check-prefix=DEFAULT

// Sixteen tensors at a time; a single one that is left over stays as it is, and
// the order of the elements does as well.
// CHECK-LABEL: func.func @wide
// CHECK:         %[[FIRST:.*]] = sluice.concat %arg0, %arg1, %arg0, {{.*}} {axis = 1 : i64} : ({{.*}}) -> tensor<?x24xf32>
// CHECK:         %[[ALL:.*]] = sluice.concat %[[FIRST]], %arg0 {axis = 1 : i64} : (tensor<?x24xf32>, tensor<?x1xf32>) -> tensor<?x25xf32>
// CHECK-NEXT:    return %[[ALL]]

// So few are one kernel.
// DEFAULT-LABEL: func.func @wide
// DEFAULT-COUNT-1: sluice.concat
// DEFAULT-NEXT:    return
func.func @wide(%x: tensor<?x1xf32>, %y: tensor<?x2xf32>) -> tensor<?x25xf32> {
  %0 = sluice.concat %x, %y, %x, %y, %x, %y, %x, %y, %x, %y, %x, %y, %x, %y, %x, %y, %x {axis = 1 : i64}
    : (tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x2xf32>,
       tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x2xf32>,
       tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x25xf32>
  return %0 : tensor<?x25xf32>
}

// -----

// CHECK-LABEL: func.func @narrow
// CHECK-COUNT-1: sluice.concat
// CHECK-NEXT:    return
func.func @narrow(%x: tensor<?x1xf32>, %y: tensor<?x2xf32>) -> tensor<?x4xf32> {
  %0 = sluice.concat %x, %y, %x {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
