// RUN: sluice-opt %s --sluice-set-target="triple=x86_64-linux-gnu cpu=x86-64" --sluice-flush-subnormals | FileCheck %s --check-prefixes=CHECK,X86
// RUN: sluice-opt %s --sluice-set-target="triple=aarch64-linux-gnu cpu=generic" --sluice-flush-subnormals | FileCheck %s --check-prefixes=CHECK,ARM

// The body runs in a function that is not inlined, between two writes of the
// register.
// CHECK-LABEL: func.func private @sum_body(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>)
// X86: llvm.call_intrinsic "llvm.x86.sse.stmxcsr"(%[[KEPT:.*]]) :
// X86: %[[BEFORE:.*]] = llvm.load %[[KEPT]] : !llvm.ptr -> i32
// X86: llvm.mlir.constant(32832 : i32)
// X86: %[[SET:.*]] = llvm.or %[[BEFORE]],
// X86: llvm.store %[[SET]], %[[FLUSHING:.*]] : i32
// X86: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[FLUSHING]])
// ARM: %[[BEFORE:.*]] = llvm.call_intrinsic "llvm.aarch64.get.fpcr"() : () -> i64
// ARM: llvm.mlir.constant(16777216 : i64)
// ARM: %[[SET:.*]] = llvm.or %[[BEFORE]],
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[SET]])
// CHECK: call @sum_body_flushing(%[[X]], %[[BEFORE]])
// X86: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[KEPT]])
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[BEFORE]])
// CHECK-NEXT: return
// CHECK-LABEL: func.func private @sum_body_flushing(
// CHECK-SAME: passthrough = ["noinline"]
// CHECK: arith.addf
// CHECK: return
func.func @task() -> ((memref<4xf32>) -> ()) {
  %body = func.constant @sum_body : (memref<4xf32>) -> ()
  return %body : (memref<4xf32>) -> ()
}
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
// X86: llvm.store %[[OUTSIDE]], %[[KEPT:.*]] : i32
// CHECK: %[[SET:.*]] = llvm.or %[[OUTSIDE]]
// X86: llvm.store %[[SET]], %[[FLUSHING:.*]] : i32
// CHECK: arith.mulf
// X86: ldmxcsr"(%[[KEPT]])
// ARM: set.fpcr"(%[[OUTSIDE]])
// CHECK-NEXT: llvm.call %{{.*}}(%{{.*}}) : !llvm.ptr, (!llvm.ptr) -> ()
// X86-NEXT: ldmxcsr"(%[[FLUSHING]])
// ARM-NEXT: set.fpcr"(%[[SET]])
// CHECK-NEXT: call @sum_body_flushing(%{{.*}}, %[[OUTSIDE]])
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

// A function that is only called switches nothing itself: its callers do, with
// one switch for calls with nothing between them that could tell,
// such as sizes and functions that say so; another where a float is computed, or a
// function is called that may want subnormals.
// CHECK-LABEL: func.func @neighbours(
// X86: stmxcsr"(%[[KEPT:.*]]) :
// X86: llvm.store %{{.*}}, %[[FLUSHING:.*]] : i32
// ARM: %[[KEPT:.*]] = llvm.call_intrinsic "llvm.aarch64.get.fpcr"
// ARM: %[[FLUSHING:.*]] = llvm.or %[[KEPT]],
// CHECK: [[WRITE:ldmxcsr|set.fpcr]]"(%[[FLUSHING]])
// CHECK-NEXT: call @twice
// CHECK-NEXT: arith.addi
// CHECK-NEXT: call @profile
// CHECK-NEXT: call @twice
// CHECK-NEXT: [[WRITE]]"(%[[KEPT]])
// CHECK-NEXT: arith.addf
// CHECK-NEXT: [[WRITE]]"(%[[FLUSHING]])
// CHECK-NEXT: call @twice
// CHECK-NEXT: [[WRITE]]"(%[[KEPT]])
// CHECK-NEXT: call @other
// CHECK-NEXT: scf.if
// CHECK-NEXT: [[WRITE]]"(%[[FLUSHING]])
// CHECK-NEXT: call @twice
// CHECK-NEXT: [[WRITE]]"(%[[KEPT]])
// CHECK-NEXT: }
// CHECK-NEXT: return
// CHECK: func.func private @twice(
// CHECK: arith.addf
// CHECK-NOT: @twice
func.func @neighbours(%x: memref<4xf32>, %n: index, %y: f32, %c: i1) -> f32 {
  call @twice(%x) : (memref<4xf32>) -> ()
  %m = arith.addi %n, %n : index
  call @profile(%m) : (index) -> ()
  call @twice(%x) : (memref<4xf32>) -> ()
  %z = arith.addf %y, %y : f32
  call @twice(%x) : (memref<4xf32>) -> ()
  call @other() : () -> ()
  scf.if %c {
    func.call @twice(%x) : (memref<4xf32>) -> ()
  }
  return %z : f32
}
func.func private @profile(index) attributes {sluice.ignores_subnormals}
func.func private @other()
func.func private @twice(%x: memref<4xf32>) attributes {sluice.flushes_subnormals} {
  %c0 = arith.constant 0 : index
  %a = memref.load %x[%c0] : memref<4xf32>
  %s = arith.addf %a, %a : f32
  memref.store %s, %x[%c0] : memref<4xf32>
  return
}
