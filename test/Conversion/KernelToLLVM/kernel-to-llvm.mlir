// RUN: sluice-opt %s --sluice-kernel-to-llvm | FileCheck %s

// CHECK-DAG:   llvm.mlir.global private constant {{.*}}"too small\00"
// CHECK-LABEL: func.func private @sluice_host
// The output's hook may fail: the marker is lowered to an early return later.
// CHECK:         llvm.call %{{.*}}(%arg0, {{.*}}) : !llvm.ptr, (!llvm.ptr, i32, i32, !llvm.ptr) -> !llvm.ptr
// CHECK:         llvm.call @sluice.guard
// CHECK:         call @kernel({{.*}}) : (!llvm.ptr, !llvm.ptr, index, !llvm.ptr, !llvm.ptr, index) -> ()
// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: index)
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK-LABEL: func.func @sluice_run(%arg0: !llvm.ptr) -> i32
// CHECK:         call @sluice_host
func.func @sluice_host(%frame: !llvm.ptr) {
  %in = kernel.input %frame 0 : memref<?xf32>
  %n = kernel.input_size %frame 0, 0
  %out = kernel.output %frame 0(%n) : memref<?xf32>
  %four = memref.alloca() : memref<4x2xf32>
  kernel.launch @kernel[0] (%frame) ins(%in, %four : memref<?xf32>, memref<4x2xf32>) outs(%out : memref<?xf32>)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<?xf32>, %four: memref<4x2xf32>, %out: memref<?xf32>) {
  %true = arith.constant true
  kernel.check %frame %true, "too small"
  return
}
