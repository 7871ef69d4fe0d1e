// REQUIRES: onednn, x86_64-host
// RUN: sluice-opt %s --sluice-emit-kernels | FileCheck %s

// The library gets a description, a place for what it keeps, the buffers and
// the name of the node; nothing else is left of the kernel.
// CHECK-NOT:   llvm.mlir.global
// CHECK:       llvm.func @sluice_onednn_run(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr)
// CHECK-LABEL: func.func private @onednn_matmul
// CHECK-SAME:    %[[FRAME:.*]]: !llvm.ptr, %[[X:[^:]*]]: memref<4x8xf32>, %[[Y:[^:]*]]: memref<8x16xf32>, %[[B:[^:]*]]: memref<16xf32>, %[[R:[^:]*]]: memref<4x16xf32>
// CHECK-DAG:     memref.extract_aligned_pointer_as_index %[[X]]
// CHECK-DAG:     memref.extract_aligned_pointer_as_index %[[Y]]
// CHECK-DAG:     memref.extract_aligned_pointer_as_index %[[R]]
// CHECK-DAG:     memref.extract_aligned_pointer_as_index %[[B]]
// CHECK:         llvm.call @sluice_onednn_run(%[[FRAME]],
// CHECK-NOT:     vector
// CHECK:         return
kernel.func @onednn_matmul "matmul" attributes {provider = #kernel.provider<onednn>} {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>, %b: tensor<16xf32>):
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.add %0, %b : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  kernel.yield %1 : tensor<4x16xf32>
}

// The function's declaration comes first, where every kernel finds it at once, and
// the data of all of them behind.
// CHECK-NOT:     llvm.func @sluice_onednn_run
// CHECK-DAG:     llvm.mlir.global private constant @onednn_matmul.onednn(dense<{{.*}}) {{.*}}!llvm.array<
// CHECK-DAG:     llvm.mlir.global private @onednn_matmul.onednn.state(0 : i64) {{.*}}: i64
