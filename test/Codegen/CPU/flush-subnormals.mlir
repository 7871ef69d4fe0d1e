// RUN: sluice-opt %s --sluice-flush-subnormals="triple=x86_64-linux-gnu cpu=x86-64" | FileCheck %s --check-prefixes=CHECK,X86
// RUN: sluice-opt %s --sluice-flush-subnormals="triple=aarch64-linux-gnu cpu=generic" | FileCheck %s --check-prefixes=CHECK,ARM

// The body runs in a function that is not inlined, between two writes of the
// register.
// CHECK-LABEL: func.func private @sum_body(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>)
// X86: llvm.call_intrinsic "llvm.x86.sse.stmxcsr"(%[[READ:.*]]) :
// X86: %[[BEFORE:.*]] = llvm.load %[[READ]] : !llvm.ptr -> i32
// X86: llvm.mlir.constant(32832 : i32)
// X86: %[[SET:.*]] = llvm.or %[[BEFORE]],
// X86: llvm.store %[[SET]], %[[WRITE:.*]] : i32
// X86: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[WRITE]])
// ARM: %[[BEFORE:.*]] = llvm.call_intrinsic "llvm.aarch64.get.fpcr"() : () -> i64
// ARM: llvm.mlir.constant(16777216 : i64)
// ARM: %[[SET:.*]] = llvm.or %[[BEFORE]],
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[SET]])
// CHECK: call @sum_body_flushing(%[[X]], %[[BEFORE]])
// X86: llvm.store %[[BEFORE]], %[[BACK:.*]] : i32
// X86: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[BACK]])
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[BEFORE]])
// CHECK-NEXT: return
// CHECK-LABEL: func.func private @sum_body_flushing(
// CHECK-SAME: passthrough = ["noinline"]
// CHECK: arith.addf
// CHECK: return
func.func private @sum_body(%x: memref<4xf32>) attributes {sluice.flushes_subnormals} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.load %x[%c0] : memref<4xf32>
  %b = memref.load %x[%c1] : memref<4xf32>
  %s = arith.addf %a, %b : f32
  memref.store %s, %x[%c0] : memref<4xf32>
  return
}

// Hooks run with the register as it was.
// CHECK-LABEL: func.func @with_hook(
// CHECK: call @with_hook_flushing
// CHECK-LABEL: func.func private @with_hook_flushing(
// CHECK-SAME: %[[OUTSIDE:[a-z0-9]+]]: i{{32|64}})
// CHECK: arith.mulf
// X86: llvm.store %[[OUTSIDE]]
// X86: ldmxcsr
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[OUTSIDE]])
// CHECK-NEXT: llvm.call %{{.*}}(%{{.*}}) : !llvm.ptr, (!llvm.ptr) -> ()
// CHECK: llvm.or %[[OUTSIDE]]
// X86: ldmxcsr
// ARM: set.fpcr
// CHECK: call @sum_body
// CHECK: arith.mulf
func.func @with_hook(%frame: !llvm.ptr, %x: memref<4xf32>) attributes {sluice.flushes_subnormals} {
  %c0 = arith.constant 0 : index
  %a = memref.load %x[%c0] : memref<4xf32>
  %b = arith.mulf %a, %a : f32
  memref.store %b, %x[%c0] : memref<4xf32>
  %hook = llvm.load %frame : !llvm.ptr -> !llvm.ptr
  llvm.call %hook(%frame) : !llvm.ptr, (!llvm.ptr) -> ()
  call @sum_body(%x) : (memref<4xf32>) -> ()
  %c = memref.load %x[%c0] : memref<4xf32>
  %d = arith.mulf %c, %c : f32
  memref.store %d, %x[%c0] : memref<4xf32>
  return
}

// Nothing to flush: a function that only hands its loops on, and one that does
// not ask for it.
// CHECK-LABEL: func.func @no_floats(
// CHECK-NOT: call_intrinsic
// CHECK-NOT: flush
// CHECK: return
func.func @no_floats(%frame: !llvm.ptr, %x: memref<4xf32>) attributes {sluice.flushes_subnormals} {
  %cost = arith.constant 1.0 : f64
  %hook = llvm.load %frame : !llvm.ptr -> !llvm.ptr
  llvm.call %hook(%frame, %cost) : !llvm.ptr, (!llvm.ptr, f64) -> ()
  return
}

// CHECK-LABEL: func.func @keeps(
// CHECK-NOT: call_intrinsic
// CHECK: arith.mulf
// CHECK-NOT: func.func private @keeps
func.func @keeps(%x: f32) -> f32 {
  %y = arith.mulf %x, %x : f32
  return %y : f32
}
