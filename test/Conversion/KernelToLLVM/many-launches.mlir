// RUN: sluice-opt %s --sluice-kernel-to-llvm=many-launches=1 | FileCheck %s
// RUN: sluice-opt %s --sluice-kernel-to-llvm=many-launches=2 | FileCheck %s --check-prefix=FEW

// Of many launches each is one call, and the kernel calls the profiling hook
// with its place in the profile.
// CHECK-LABEL: func.func private @sluice_host
// CHECK-NOT:     call @sluice.profile
// CHECK:         %[[FIRST:.*]] = llvm.mlir.constant(3 : i32)
// CHECK:         call @kernel({{.*}}, %[[FIRST]]) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) -> ()
// CHECK:         %[[SECOND:.*]] = llvm.mlir.constant(4 : i32)
// CHECK:         call @kernel({{.*}}, %[[SECOND]]) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) -> ()
// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[FRAME:[a-z0-9]+]]: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[NUMBER:[a-z0-9]+]]: i32)
// CHECK:         call @sluice.profile(%[[FRAME]], %[[NUMBER]], %{{.*}})
// CHECK:         call @sluice.profile(%[[FRAME]], %[[NUMBER]], %{{.*}})
// CHECK-NEXT:    return

// FEW-LABEL: func.func private @sluice_host
// FEW-COUNT-4: call @sluice.profile
// FEW-LABEL: func.func private @kernel(
// FEW-NOT:     call @sluice.profile
// FEW:         return
func.func @sluice_host(%frame: !llvm.ptr) {
  %a = kernel.weight %frame dense<1.0> : tensor<4xf32> {offset = 0 : i64} : memref<4xf32>
  %b = kernel.weight %frame dense<2.0> : tensor<4xf32> {offset = 64 : i64} : memref<4xf32>
  kernel.launch @kernel[3] (%frame) ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
  kernel.launch @kernel[4] (%frame) ins(%b : memref<4xf32>) outs(%a : memref<4xf32>)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<4xf32>, %out: memref<4xf32>) {
  return
}
