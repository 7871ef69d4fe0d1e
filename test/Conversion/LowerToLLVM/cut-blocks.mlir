// RUN: sluice-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(sluice-cut-blocks{maximum-ops=2}))' | FileCheck %s

// Blocks end behind a branch once they are long enough.
// CHECK-LABEL: func.func @branches
// CHECK:         scf.if %arg0
// CHECK:         cf.br ^[[FIRST:.*]]
// CHECK:       ^[[FIRST]]:
// CHECK:         scf.if %arg1
// CHECK:         cf.br ^[[LAST:.*]]
// CHECK:       ^[[LAST]]:
// CHECK-NEXT:    return
func.func @branches(%a: i1, %b: i1, %m: memref<f32>) {
  %0 = arith.constant 1.0 : f32
  scf.if %a {
    memref.store %0, %m[] : memref<f32>
  }
  %1 = arith.constant 2.0 : f32
  scf.if %b {
    memref.store %1, %m[] : memref<f32>
  }
  return
}

// -----

// What has no structured control flow stays one block, however long.
// CHECK-LABEL: func.func @straight
// CHECK-NOT:     cf.br
// CHECK:         return
func.func @straight(%m: memref<f32>) {
  %0 = arith.constant 1.0 : f32
  %1 = arith.constant 2.0 : f32
  memref.store %0, %m[] : memref<f32>
  memref.store %1, %m[] : memref<f32>
  return
}
