// RUN: sluice-opt %s --sluice-kernel-to-llvm | FileCheck %s

// The library's function gets a description, a place for what it keeps, the
// addresses of the buffers and the name of the node. Its declaration comes
// first, where every kernel finds it at once, and the data of all behind.
// CHECK-NOT:   llvm.mlir.global
// CHECK:       llvm.func @library_run(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr)
// CHECK-LABEL: func.func private @with_scratch(
// CHECK-SAME:    %[[FRAME:[^:]*]]: !llvm.ptr, %[[X:[^:]*]]: memref<4xf32>, %[[Y:[^:]*]]: memref<4xf32>, %[[S:[^:]*]]: memref<?xi8>)
// CHECK:         %[[DESCRIPTION:.*]] = llvm.mlir.addressof @with_scratch.description
// CHECK:         %[[STATE:.*]] = llvm.mlir.addressof @with_scratch.state
// CHECK:         %[[NODE:.*]] = llvm.mlir.addressof @with_scratch.node
// CHECK:         %[[COUNT:.*]] = llvm.mlir.constant(2 : i64)
// CHECK:         %[[ARRAY:.*]] = llvm.alloca %[[COUNT]] x !llvm.ptr
// CHECK:         memref.extract_aligned_pointer_as_index %[[X]]
// CHECK:         llvm.store
// CHECK:         memref.extract_aligned_pointer_as_index %[[Y]]
// CHECK:         llvm.store
// CHECK:         memref.extract_aligned_pointer_as_index %[[S]]
// CHECK:         %[[SCRATCH:.*]] = llvm.inttoptr
// CHECK:         %[[BYTES:.*]] = llvm.mlir.constant(64 : i64)
// CHECK:         llvm.call @library_run(%[[FRAME]], %[[DESCRIPTION]], %[[STATE]], %[[ARRAY]], %[[SCRATCH]], %[[BYTES]], %[[NODE]])
// CHECK:         return
kernel.func @with_scratch "matmul" {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>, %s: memref<?xi8>):
  kernel.library_call "library_run" [7, 8, 9](%frame) buffers(%x, %y : memref<4xf32>, memref<4xf32>) scratch 64 (%s : memref<?xi8>) loc("node")
}

// CHECK-LABEL: func.func private @without(
// CHECK:         %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK:         llvm.call @library_run({{.*}}, %[[NULL]], %{{.*}}, %{{.*}})
kernel.func @without "matmul" {
^bb0(%frame: !llvm.ptr):
  kernel.library_call "library_run" [1](%frame) buffers() scratch 0
}

// CHECK-NOT: llvm.func @library_run
// CHECK-DAG: llvm.mlir.global private constant @with_scratch.description(dense<[7, 8, 9]> : tensor<3xi64>) {{.*}}!llvm.array<3 x i64>
// CHECK-DAG: llvm.mlir.global private @with_scratch.state(0 : i64) {{.*}}: i64
// CHECK-DAG: llvm.mlir.global private constant @with_scratch.node("node\00")
// CHECK-DAG: llvm.mlir.global private constant @without.node("\00")
