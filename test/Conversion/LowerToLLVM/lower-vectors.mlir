// RUN: sluice-opt %s --sluice-lower-vectors | FileCheck %s
// RUN: sluice-opt %s --sluice-lower-to-llvm | FileCheck %s --check-prefix=LLVM

// LLVM-NOT: func.func
// LLVM-NOT: vector.

// CHECK-LABEL: func.func @contract
// CHECK-NOT: vector.contract
// CHECK-COUNT-4: vector.fma {{.*}} vector<8xf32>
// CHECK-NOT: vector.contract
// LLVM-LABEL: llvm.func @contract
// LLVM: llvm.intr.fmuladd
func.func @contract(%a: vector<2x2xf32>, %b: vector<2x8xf32>, %c: vector<2x8xf32>) -> vector<2x8xf32> {
  %r = vector.contract {
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                     affine_map<(m, n, k) -> (m, n)>],
    iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>}
    %a, %b, %c : vector<2x2xf32>, vector<2x8xf32> into vector<2x8xf32>
  return %r : vector<2x8xf32>
}

// CHECK-LABEL: func.func @transfer
// CHECK-NOT: vector.transfer
// CHECK-COUNT-4: vector.load {{.*}} vector<8xf32>
// CHECK-NOT: vector.transpose
// CHECK-COUNT-8: vector.store {{.*}} vector<4xf32>
// LLVM-LABEL: llvm.func @transfer
func.func @transfer(%x: memref<4x8xf32>, %y: memref<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %f = arith.constant 0.0 : f32
  %v = vector.transfer_read %x[%c0, %c0], %f {in_bounds = [true, true]} : memref<4x8xf32>, vector<4x8xf32>
  %t = vector.transpose %v, [1, 0] : vector<4x8xf32> to vector<8x4xf32>
  vector.transfer_write %t, %y[%c0, %c0] {in_bounds = [true, true]} : vector<8x4xf32>, memref<8x4xf32>
  return
}

// CHECK-LABEL: func.func @reduce
// CHECK-NOT: vector.multi_reduction
// CHECK: arith.maximumf {{.*}} vector<16xf32>
// LLVM-LABEL: llvm.func @reduce
func.func @reduce(%x: vector<4x16xf32>, %a: vector<16xf32>) -> vector<16xf32> {
  %r = vector.multi_reduction <maximumf>, %x, %a [0] : vector<4x16xf32> to vector<16xf32>
  return %r : vector<16xf32>
}

// The rounding of bf16 is spelled out; functions that stay are libm's.
// LLVM-LABEL: llvm.func @scalars
// LLVM-NOT: llvm.fptrunc
// LLVM: llvm.call @erff
func.func @scalars(%x: f32, %y: memref<bf16>) -> f32 {
  %b = arith.truncf %x : f32 to bf16
  memref.store %b, %y[] : memref<bf16>
  %r = math.erf %x : f32
  return %r : f32
}
