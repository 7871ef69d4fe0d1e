// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels=emulate-dot-units --sluice-emit-kernels | FileCheck %s --check-prefix=EMULATED

// Halves are widened: the left-hand side once, in scratch memory, panels where
// they are loaded. Sums are rounded when they are stored.
// CHECK-LABEL: kernel.func @halves "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:  %[[WEIGHTS:[a-z0-9]+]]: memref<512xf16>
// CHECK:         vector.store {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK:         %[[PANEL:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<512xf16>, vector<8xf16>
// CHECK:         arith.extf %[[PANEL]] : vector<8xf16> to vector<8xf32>
// CHECK:         vector.fma {{.*}} : vector<8xf32>
// CHECK:         arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// EMULATED-LABEL: kernel.func @halves "
// EMULATED-NOT:     vector.fma
// EMULATED:         math.fma {{.*}} : f32
kernel.func @halves "packed_matmul" {
^bb0(%x: tensor<4x8xf16>, %w: tensor<512xf16>):
  %0 = kernel.packed_matmul %x, %w {columns = 64 : i64} : (tensor<4x8xf16>, tensor<512xf16>) -> tensor<4x64xf16>
  kernel.yield %0 : tensor<4x64xf16>
}

// -----

// Integers wrap.
// CHECK-LABEL: kernel.func @integers "
// CHECK-NOT:     memref.alloca
// CHECK:         arith.muli {{.*}} : vector<8xi32>
// CHECK:         arith.addi {{.*}} : vector<8xi32>
// EMULATED-LABEL: kernel.func @integers "
// EMULATED:         arith.muli {{.*}} : i32
kernel.func @integers "matmul" {
^bb0(%x: tensor<4x8xi32>, %w: tensor<8x64xi32>):
  %0 = sluice.matmul %x, %w : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  kernel.yield %0 : tensor<4x64xi32>
}

// -----

// CHECK-LABEL: kernel.func @doubles "
// CHECK:         vector.fma {{.*}} : vector<4xf64>
kernel.func @doubles "matmul" {
^bb0(%x: tensor<4x8xf64>, %w: tensor<8x64xf64>):
  %0 = sluice.matmul %x, %w : (tensor<4x8xf64>, tensor<8x64xf64>) -> tensor<4x64xf64>
  kernel.yield %0 : tensor<4x64xf64>
}
