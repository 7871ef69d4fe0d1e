// RUN: sluice-opt %s --pass-pipeline="builtin.module(func.func(sluice-hoist-stack-buffers))" | FileCheck %s

// CHECK-LABEL: @in_loops
func.func @in_loops(%n: index, %out: memref<?xf32>) {
  // CHECK-NEXT: %[[A:.*]] = memref.alloca() {alignment = 64 : i64} : memref<8xf32>
  // CHECK-NEXT: %[[B:.*]] = memref.alloca() : memref<4xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for
  scf.for %i = %c0 to %n step %c1 {
    // CHECK-NOT: memref.alloca
    %a = memref.alloca() {alignment = 64} : memref<8xf32>
    // CHECK: scf.for
    scf.for %j = %c0 to %n step %c1 {
      %b = memref.alloca() : memref<4xf32>
      // CHECK-NEXT: memref.load %[[A]]
      %x = memref.load %a[%j] : memref<8xf32>
      // CHECK-NEXT: memref.store %{{.*}}, %[[B]]
      memref.store %x, %b[%c0] : memref<4xf32>
      %y = memref.load %b[%c0] : memref<4xf32>
      memref.store %y, %out[%i] : memref<?xf32>
    }
  }
  return
}

// A buffer whose size is computed in the loop stays there.
// CHECK-LABEL: @dynamic
func.func @dynamic(%n: index, %out: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for
  scf.for %i = %c0 to %n step %c1 {
    // CHECK: memref.alloca(%{{.*}}) : memref<?xf32>
    %a = memref.alloca(%i) : memref<?xf32>
    %x = memref.load %a[%c0] : memref<?xf32>
    memref.store %x, %out[%i] : memref<?xf32>
  }
  return
}
