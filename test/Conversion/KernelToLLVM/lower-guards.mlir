// RUN: sluice-opt %s --sluice-lower-guards | FileCheck %s

// CHECK-NOT:   sluice.guard
// CHECK-LABEL: llvm.func @f
// CHECK:         %[[NULL:.*]] = llvm.icmp "eq" %arg0
// CHECK:         llvm.cond_br %[[NULL]], ^[[LEAVE:.*]], ^[[ON:.*]]
// CHECK:       ^[[ON]]:
// CHECK:         llvm.store
// All guards of a function leave it in one place.
// CHECK:         %[[NULL:.*]] = llvm.icmp "eq" %arg1
// CHECK:         llvm.cond_br %[[NULL]], ^[[LEAVE]], ^[[END:.*]]
// CHECK:       ^[[END]]:
// CHECK:         llvm.store
// CHECK:       ^[[LEAVE]]:
// CHECK-NEXT:    llvm.return
llvm.func @sluice.guard(!llvm.ptr)
llvm.func @f(%p: !llvm.ptr, %q: !llvm.ptr) {
  llvm.call @sluice.guard(%p) : (!llvm.ptr) -> ()
  %0 = llvm.mlir.constant(1 : i32) : i32
  llvm.store %0, %p : i32, !llvm.ptr
  llvm.call @sluice.guard(%q) : (!llvm.ptr) -> ()
  llvm.store %0, %q : i32, !llvm.ptr
  llvm.return
}
