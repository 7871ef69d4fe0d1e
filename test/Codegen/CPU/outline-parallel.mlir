// RUN: sluice-opt %s --sluice-outline-parallel | FileCheck %s

// The buffer of static shape is captured as a pointer, the other one whole;
// constants are not captured.
// CHECK-LABEL: func.func @scale(
// CHECK-SAME: %[[FRAME:.*]]: !llvm.ptr
// CHECK: %[[CLOSURE:.*]] = llvm.alloca {{.*}} x !llvm.struct<(ptr, f32, struct<
// CHECK: llvm.store
// CHECK: %[[BODY:.*]] = constant @scale_body
// CHECK: %[[BODY_PTR:.*]] = builtin.unrealized_conversion_cast %[[BODY]]
// CHECK: llvm.getelementptr %[[FRAME]][48]
// CHECK: %[[HOOK:.*]] = llvm.load
// CHECK: %[[COST:.*]] = arith.constant 2.500000e+01 : f64
// CHECK: llvm.call %[[HOOK]](%[[FRAME]], %[[BODY_PTR]], %[[CLOSURE]], %{{.*}}, %[[COST]])
// CHECK-NOT: scf.parallel
// CHECK-LABEL: func.func private @scale_body(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK-NOT: flushes_subnormals
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.mulf
func.func @scale(%frame: !llvm.ptr, %factor: f32, %x: memref<8x4xf32>, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    scf.parallel (%j) = (%c0) to (%c4) step (%c1) {
      %v = memref.load %x[%i, %j] : memref<8x4xf32>
      %s = arith.mulf %v, %factor : f32
      memref.store %s, %y[%i, %j] : memref<?x?xf32>
    }
  } {sluice.cost = 25.0 : f64}
  return
}

// What flushes subnormals does so in its loops.
// CHECK-LABEL: func.func @flushing
// CHECK-LABEL: func.func private @flushing_body(
// CHECK-SAME: sluice.flushes_subnormals
func.func @flushing(%frame: !llvm.ptr, %x: memref<8xf32>) attributes {sluice.flushes_subnormals} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %f = arith.constant 1.0 : f32
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    memref.store %f, %x[%i] : memref<8xf32>
  }
  return
}

// Loops of two dimensions stay here.
// CHECK-LABEL: func.func @two_dimensions
// CHECK: scf.for
// CHECK: scf.for
// CHECK-NOT: llvm.call
func.func @two_dimensions(%x: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %f = arith.constant 1.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%c4, %c4) step (%c1, %c1) {
    memref.store %f, %x[%i, %j] : memref<8x4xf32>
  }
  return
}
