// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v4 --sluice-expand-math | FileCheck %s --check-prefixes=CHECK,FMA
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64 --sluice-expand-math | FileCheck %s --check-prefixes=CHECK,PLAIN
// What was known of another target is forgotten.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v4 --sluice-expand-half --sluice-set-target=cpu=x86-64 --sluice-expand-math | FileCheck %s --check-prefixes=CHECK,PLAIN

// CHECK-LABEL: func.func @vector
// CHECK-NOT: math.exp
// FMA: math.fma {{.*}} vector<16xf32>
// PLAIN-NOT: math.fma
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %r = math.exp %x : vector<16xf32>
  return %r : vector<16xf32>
}

// A power of two in two factors, where the result may not be normal ...
// CHECK-LABEL: func.func @power
// CHECK-COUNT-2: arith.shli
// CHECK-NOT: arith.shli
func.func @power(%x: vector<16xf32>) -> vector<16xf32> {
  %r = math.exp2 %x : vector<16xf32>
  return %r : vector<16xf32>
}

// ... and in one where it is known to be, without a look at the range.
// CHECK-LABEL: func.func @normal_power
// CHECK-NOT: arith.cmpf
// CHECK: arith.shli
// CHECK-NOT: arith.shli
// CHECK-LABEL: func.func @scalar
func.func @normal_power(%x: vector<16xf32>) -> vector<16xf32> {
  %r = math.exp2 %x {sluice.normal_result} : vector<16xf32>
  return %r : vector<16xf32>
}

// CHECK-NOT: math.tanh
func.func @scalar(%x: f32) -> f32 {
  %r = math.tanh %x : f32
  return %r : f32
}

// CHECK-LABEL: func.func @narrow
// CHECK: arith.extf {{.*}} vector<8xbf16> to vector<8xf32>
// CHECK: arith.truncf {{.*}} vector<8xf32> to vector<8xbf16>
func.func @narrow(%x: vector<8xbf16>) -> vector<8xbf16> {
  %r = math.erf %x : vector<8xbf16>
  return %r : vector<8xbf16>
}

// Large arguments take a branch.
// CHECK-LABEL: func.func @circular
// CHECK: vector.reduction <or>
// CHECK: scf.if
func.func @circular(%x: vector<2x4xf32>) -> vector<2x4xf32> {
  %r = math.sin %x : vector<2x4xf32>
  return %r : vector<2x4xf32>
}

// f64 and operations that are instructions stay.
// CHECK-LABEL: func.func @others
// CHECK: math.exp {{.*}} f64
// CHECK: math.sqrt
func.func @others(%x: f64, %y: f32) -> (f64, f32) {
  %r = math.exp %x : f64
  %s = math.sqrt %y : f32
  return %r, %s : f64, f32
}

// Powers of integers: a loop over the bits of the exponents, or the products that
// a known exponent asks for. x^5 = (x^2)^2 x.
// CHECK-LABEL: func.func @integer_power
// CHECK-NOT: math.ipowi
// CHECK: scf.while
// CHECK: vector.reduction <or>
// CHECK: arith.shrui {{.*}} vector<2x4xi64>
// CHECK-COUNT-3: arith.muli {{.*}} i32
// CHECK-NOT: arith.muli
func.func @integer_power(%x: vector<2x4xi64>, %y: vector<2x4xi64>, %z: i32) -> (vector<2x4xi64>, i32) {
  %five = arith.constant 5 : i32
  %r = math.ipowi %x, %y : vector<2x4xi64>
  %s = math.ipowi %z, %five : i32
  return %r, %s : vector<2x4xi64>, i32
}
