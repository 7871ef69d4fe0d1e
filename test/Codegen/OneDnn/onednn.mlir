// REQUIRES: onednn, x86_64-host
// RUN: sluice-opt %s --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --sluice-emit-kernels --sluice-kernel-to-llvm | FileCheck %s --check-prefix=LLVM

// All that is left of the kernel is a call with a description.
// CHECK-LABEL: kernel.func @onednn_matmul "matmul"
// CHECK-NEXT:  ^bb0(%[[FRAME:.*]]: !llvm.ptr, %[[X:[^:]*]]: memref<4x8xf32>, %[[Y:[^:]*]]: memref<8x16xf32>, %[[B:[^:]*]]: memref<16xf32>, %[[R:[^:]*]]: memref<4x16xf32>
// CHECK:         kernel.library_call "sluice_onednn_run" [{{.*}}](%[[FRAME]]) buffers(%[[X]], %[[Y]], %[[R]], %[[B]]
// CHECK-NEXT:  {{^  [}]}}
kernel.func @onednn_matmul "matmul" attributes {provider = #kernel.provider<onednn>} {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>, %b: tensor<16xf32>):
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.add %0, %b : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  kernel.yield %1 : tensor<4x16xf32>
}

// LLVM: llvm.func @sluice_onednn_run(!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr)
