// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64 --sluice-expand-half | FileCheck %s
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-expand-half | FileCheck %s --check-prefix=SAME
// RUN: sluice-opt %s --sluice-set-target="triple=aarch64-linux-gnu cpu=generic" --sluice-expand-half \
// RUN:   | FileCheck %s --check-prefixes=SAME,BRAIN
// RUN: sluice-opt %s --sluice-set-target=cpu=znver4 --sluice-expand-half | FileCheck %s --check-prefix=BRAIN
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-expand-half | FileCheck %s --check-prefix=BITS

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

// bf16 is the upper half of an f32; NaN does not become infinity where the
// lower half is cut off.
// BITS-LABEL: func.func @brain
// BITS: %[[NARROW:.*]] = arith.bitcast %{{.*}} : vector<8xbf16> to vector<8xi16>
// BITS: %[[WIDE:.*]] = arith.extui %[[NARROW]] : vector<8xi16> to vector<8xi32>
// BITS: arith.shli %[[WIDE]]
// BITS: %[[NAN:.*]] = arith.cmpf uno
// BITS: arith.select %[[NAN]]
// BITS: arith.bitcast %{{.*}} : vector<8xi16> to vector<8xbf16>
// BRAIN-LABEL: func.func @brain
// BRAIN: arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
// BRAIN: arith.truncf {{.*}} : vector<8xf32> to vector<8xbf16>
func.func @brain(%x: vector<8xbf16>, %y: vector<8xf32>) -> (vector<8xf32>, vector<8xbf16>) {
  %r = arith.extf %x : vector<8xbf16> to vector<8xf32>
  %s = arith.truncf %y : vector<8xf32> to vector<8xbf16>
  return %r, %s : vector<8xf32>, vector<8xbf16>
}

// BITS-LABEL: func.func @shuffle
// BITS: vector.shuffle {{.*}} : vector<2xi16>, vector<2xi16>
// BITS: vector.shuffle {{.*}} : vector<2xf16>, vector<2xf16>
// BRAIN-LABEL: func.func @shuffle
// BRAIN: vector.shuffle {{.*}} : vector<2xbf16>, vector<2xbf16>
func.func @shuffle(%x: vector<2xbf16>, %y: vector<2xf16>) -> (vector<2xbf16>, vector<2xf16>) {
  %r = vector.shuffle %x, %x [1, 0] : vector<2xbf16>, vector<2xbf16>
  %s = vector.shuffle %y, %y [1, 0] : vector<2xf16>, vector<2xf16>
  return %r, %s : vector<2xbf16>, vector<2xf16>
}

// Other conversions stay.
// CHECK-LABEL: func.func @others
// CHECK: arith.extf {{.*}} : f32 to f64
// CHECK: arith.truncf {{.*}} : f64 to bf16
func.func @others(%x: f32, %y: f64) -> (f64, bf16) {
  %r = arith.extf %x : f32 to f64
  %s = arith.truncf %y : f64 to bf16
  return %r, %s : f64, bf16
}

// What LLVM calls on its own account.
// CHECK-DAG: func.func @__truncsfbf2(%{{.*}}: f32) -> bf16 attributes {llvm.linkage = #llvm.linkage<weak_odr>}
// CHECK-DAG: func.func @__truncsfhf2(%{{.*}}: f32) -> f16
// CHECK-DAG: func.func @__extendhfsf2(%{{.*}}: f16) -> f32
