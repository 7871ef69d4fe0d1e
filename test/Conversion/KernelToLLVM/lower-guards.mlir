// RUN: sluice-opt %s --sluice-lower-guards | FileCheck %s

// CHECK-NOT:   sluice.guard
// CHECK-LABEL: llvm.func @f
// CHECK:         %[[NULL:.*]] = llvm.icmp "eq" %arg0
// CHECK:         llvm.cond_br %[[NULL]], ^[[LEAVE:.*]], ^[[ON:.*]]
// CHECK:       ^[[ON]]:
// CHECK:         llvm.store
llvm.func @sluice.guard(!llvm.ptr)
llvm.func @f(%p: !llvm.ptr) {
  llvm.call @sluice.guard(%p) : (!llvm.ptr) -> ()
  %0 = llvm.mlir.constant(1 : i32) : i32
  llvm.store %0, %p : i32, !llvm.ptr
  llvm.return
}
