// RUN: sluice-opt %s | sluice-opt | FileCheck %s
// RUN: sluice-opt %s --mlir-print-op-generic | FileCheck %s --check-prefix=TYPE

// The type follows from the body, on tensors and on buffers.
// CHECK-LABEL: kernel.func @tensors "map" {
// CHECK-NEXT:  ^bb0(%[[X:.*]]: tensor<4xf32>):
// CHECK-NEXT:    kernel.yield %[[X]] : tensor<4xf32>
// TYPE: anchor = "map", function_type = (tensor<4xf32>) -> tensor<4xf32>, {{.*}}sym_name = "tensors"
kernel.func @tensors "map" {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// CHECK-LABEL: kernel.func @buffers "map" attributes {sluice.flushes_subnormals} {
// CHECK-NEXT:  ^bb0(%{{.*}}: !llvm.ptr, %[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>, %{{.*}}: index):
// CHECK-NEXT:    memref.copy %[[X]], %[[Y]]
// CHECK-NEXT:  }
// TYPE: anchor = "map", function_type = (!llvm.ptr, memref<4xf32>, memref<4xf32>, index) -> (), {{.*}}sym_name = "buffers"
kernel.func @buffers "map" attributes {sluice.flushes_subnormals} {
^bb0(%frame: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>, %offset: index):
  memref.copy %x, %y : memref<4xf32> to memref<4xf32>
}
