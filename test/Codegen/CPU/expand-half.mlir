// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64 --sluice-expand-half | FileCheck %s
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-expand-half | FileCheck %s --check-prefix=SAME
// RUN: sluice-opt %s --sluice-set-target="triple=aarch64-linux-gnu cpu=generic" --sluice-expand-half \
// RUN:   | FileCheck %s --check-prefix=SAME

// CHECK-LABEL: func.func @extend
// CHECK-NOT: arith.extf
// CHECK: arith.bitcast {{.*}} : vector<8xf16> to vector<8xi16>
// CHECK: arith.bitcast {{.*}} : vector<8xi32> to vector<8xf32>
// SAME-LABEL: func.func @extend
// SAME: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
func.func @extend(%x: vector<8xf16>) -> vector<8xf32> {
  %r = arith.extf %x : vector<8xf16> to vector<8xf32>
  return %r : vector<8xf32>
}

// CHECK-LABEL: func.func @truncate
// CHECK-NOT: arith.truncf
// CHECK: arith.bitcast {{.*}} : i16 to f16
// SAME-LABEL: func.func @truncate
// SAME: arith.truncf {{.*}} : f32 to f16
func.func @truncate(%x: f32) -> f16 {
  %r = arith.truncf %x : f32 to f16
  return %r : f16
}

// f64 goes through f32.
// CHECK-LABEL: func.func @wide
// CHECK: arith.extf {{.*}} : f32 to f64
// CHECK: arith.truncf {{.*}} : f64 to f32
func.func @wide(%x: f16, %y: f64) -> (f64, f16) {
  %r = arith.extf %x : f16 to f64
  %s = arith.truncf %y : f64 to f16
  return %r, %s : f64, f16
}

// Other conversions stay.
// CHECK-LABEL: func.func @others
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK: arith.truncf {{.*}} : f64 to f32
func.func @others(%x: bf16, %y: f64) -> (f32, f32) {
  %r = arith.extf %x : bf16 to f32
  %s = arith.truncf %y : f64 to f32
  return %r, %s : f32, f32
}

// What LLVM calls on its own account.
// CHECK-DAG: func.func @__truncsfbf2(%{{.*}}: f32) -> bf16 attributes {llvm.linkage = #llvm.linkage<weak_odr>}
// CHECK-DAG: func.func @__truncsfhf2(%{{.*}}: f32) -> f16
// CHECK-DAG: func.func @__extendhfsf2(%{{.*}}: f16) -> f32
