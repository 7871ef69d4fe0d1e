// RUN: sluice-opt %s --sluice-outline-epilogues | FileCheck %s

// The loop becomes a function of what it uses; constants are not captured, and
// the room for the closure is outside all loops.
// CHECK-LABEL: func.func @tiles(
// CHECK:         %[[CLOSURE:.*]] = llvm.alloca {{.*}} x !llvm.struct<(ptr, i64, ptr)>
// CHECK:         scf.for
// CHECK:           llvm.store
// CHECK:           llvm.store
// CHECK:           llvm.store
// CHECK:           call @tiles_epilogue(%[[CLOSURE]]) : (!llvm.ptr) -> ()
// CHECK-NOT:     math.exp
// CHECK-LABEL: func.func private @tiles_epilogue(
// CHECK-SAME:    %{{.*}}: !llvm.ptr) attributes {llvm.linkage = #llvm.linkage<internal>, passthrough = ["noinline"]}
// CHECK-COUNT-3: llvm.load
// CHECK:         scf.for
// CHECK:           math.exp
// CHECK-NOT:     sluice.epilogue
func.func @tiles(%sums: memref<32xf32>, %y: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  scf.for %tile = %c0 to %c64 step %c32 {
    scf.for %i = %c0 to %c32 step %c1 {
      %sum = memref.load %sums[%i] : memref<32xf32>
      %e = math.exp %sum : f32
      %at = arith.addi %tile, %i : index
      memref.store %e, %y[%at] : memref<64xf32>
    } {sluice.epilogue}
  }
  return
}

// Other loops stay, and so do those that carry values.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     call
// CHECK:         scf.for
// CHECK:         scf.for
// CHECK-NOT:     call
// CHECK:         return
// CHECK-NOT:   func.func
func.func @others(%x: memref<32xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %c32 step %c1 {
    memref.store %zero, %x[%i] : memref<32xf32>
  }
  %sum = scf.for %i = %c0 to %c32 step %c1 iter_args(%so = %zero) -> (f32) {
    %v = memref.load %x[%i] : memref<32xf32>
    %next = arith.addf %so, %v : f32
    scf.yield %next : f32
  } {sluice.epilogue}
  return %sum : f32
}
