// RUN: sluice-opt %s --sluice-collapse-projections --canonicalize --sluice-merge-equal-ops | FileCheck %s
// RUN: sluice-opt %s --sluice-collapse-projections --remarks-filter=attention --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Keys and values are what they were projected from.
// CHECK-LABEL: @both
// CHECK-SAME: %[[X:.*]]: tensor<1x4x32xf32>, %[[Y:.*]]: tensor<1x50x8xf32>
// CHECK: %[[SCORES:.*]] = sluice.matmul %{{.*}}, %{{.*}} : (tensor<2x1x32x16xf32>, tensor<2x1x16x8xf32>) -> tensor<2x1x32x8xf32>
// CHECK: %[[TURNED:.*]] = sluice.transpose %[[SCORES]] {permutation = array<i64: 2, 0, 1, 3>}
// CHECK: %[[WEIGHTS:.*]] = sluice.reshape %[[TURNED]], {{.*}} -> tensor<32x16xf32>
// CHECK: %[[ROWS:.*]] = sluice.matmul %[[X]], %[[WEIGHTS]]
// CHECK: %[[BIAS:.*]] = sluice.reshape {{.*}} -> tensor<16xf32>
// CHECK: sluice.add %[[ROWS]], %[[BIAS]]
// CHECK: %[[SHARED:.*]] = sluice.reshape %[[Y]], {{.*}} -> tensor<1x50x1x8xf32>
// CHECK: %[[HEADS:.*]] = sluice.attention %{{.*}}, %[[SHARED]], %[[SHARED]] {{.*}} -> tensor<1x4x2x8xf32>
// CHECK: sluice.matmul {{.*}} : (tensor<2x1x8x16xf32>, tensor<2x1x16x24xf32>) -> tensor<2x1x8x24xf32>
// CHECK: %[[JOINED:.*]] = sluice.reshape %[[HEADS]], {{.*}} -> tensor<1x4x16xf32>
// CHECK: %[[RESULT:.*]] = sluice.matmul %[[JOINED]], {{.*}} -> tensor<1x4x24xf32>
// CHECK: %[[SHARES:.*]] = sluice.reduce {{.*}} -> tensor<24xf32>
// CHECK: sluice.add %[[RESULT]], %[[SHARES]]
// REMARK: weights of queries and keys, values and results are multiplied with each other: 9984 multiplications instead of 45568
func.func @both(%x: tensor<1x4x32xf32>, %y: tensor<1x50x8xf32>) -> tensor<1x4x24xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<8x32xf32>
  %wv = sluice.constant dense<3.0> : tensor<8x32xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x4x32xf32>, tensor<32x32xf32>) -> tensor<1x4x32xf32>
  %qb = sluice.constant dense<0.5> : tensor<32xf32>
  %q1 = sluice.add %q0, %qb : (tensor<1x4x32xf32>, tensor<32xf32>) -> tensor<1x4x32xf32>
  %qs = sluice.constant dense<[1, 4, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q1, %qs : (tensor<1x4x32xf32>, tensor<4xi64>) -> tensor<1x4x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x8xf32>, tensor<8x32xf32>) -> tensor<1x50x32xf32>
  %kb = sluice.constant dense<0.5> : tensor<32xf32>
  %k1 = sluice.add %k0, %kb : (tensor<1x50x32xf32>, tensor<32xf32>) -> tensor<1x50x32xf32>
  %ks = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %k = sluice.reshape %k1, %ks : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x8xf32>, tensor<8x32xf32>) -> tensor<1x50x32xf32>
  %vb = sluice.constant dense<0.5> : tensor<32xf32>
  %v1 = sluice.add %v0, %vb : (tensor<1x50x32xf32>, tensor<32xf32>) -> tensor<1x50x32xf32>
  %vs = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %v = sluice.reshape %v1, %vs : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x4x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>) -> tensor<1x4x2x16xf32>
  %rs = sluice.constant dense<[1, 4, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x4x2x16xf32>, tensor<3xi64>) -> tensor<1x4x32xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x4x32xf32>, tensor<32x24xf32>) -> tensor<1x4x24xf32>
  return %o : tensor<1x4x24xf32>
}

// Any numbers of queries and keys; two heads of queries to one of keys.
// CHECK-LABEL: @dynamic
// CHECK: sluice.attention {{.*}} : (tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>) -> tensor<1x?x2x16xf32>
// CHECK: sluice.matmul {{.*}} : (tensor<1x?x32xf32>, tensor<32x24xf32>) -> tensor<1x?x24xf32>
// REMARK: weights of queries and keys are multiplied with each other: 1024 a query, 0 a key and 32 a score multiplications instead of 1024 a query, 256 a key and 32 a score
func.func @dynamic(%x: tensor<1x?x32xf32>, %y: tensor<1x?x16xf32>) -> tensor<1x?x24xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<16x16xf32>
  %wv = sluice.constant dense<3.0> : tensor<16x16xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x?x32xf32>, tensor<32x32xf32>) -> tensor<1x?x32xf32>
  %qs = sluice.constant dense<[1, -1, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x?x32xf32>, tensor<4xi64>) -> tensor<1x?x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x?x16xf32>, tensor<16x16xf32>) -> tensor<1x?x16xf32>
  %ks = sluice.constant dense<[1, -1, 1, 16]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x?x16xf32>, tensor<4xi64>) -> tensor<1x?x1x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x?x16xf32>, tensor<16x16xf32>) -> tensor<1x?x16xf32>
  %vs = sluice.constant dense<[1, -1, 1, 16]> : tensor<4xi64>
  %v = sluice.reshape %v0, %vs : (tensor<1x?x16xf32>, tensor<4xi64>) -> tensor<1x?x1x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x16xf32>, tensor<1x?x1x16xf32>, tensor<1x?x1x16xf32>) -> tensor<1x?x2x16xf32>
  %rs = sluice.constant dense<[1, -1, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x?x2x16xf32>, tensor<3xi64>) -> tensor<1x?x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x?x32xf32>, tensor<32x24xf32>) -> tensor<1x?x24xf32>
  return %o : tensor<1x?x24xf32>
}

// Keys that are read elsewhere stay; there is one head of both.
// CHECK-LABEL: @kept_keys
// CHECK: sluice.attention {{.*}}(tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x8xf32>) -> tensor<1x4x2x8xf32>
// REMARK: weights of values and results are multiplied with each other: 4736 multiplications instead of 15872
func.func @kept_keys(%x: tensor<1x4x32xf32>, %y: tensor<1x50x8xf32>) -> (tensor<1x4x24xf32>, tensor<1x50x16xf32>) {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<8x16xf32>
  %wv = sluice.constant dense<3.0> : tensor<8x16xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x4x32xf32>, tensor<32x32xf32>) -> tensor<1x4x32xf32>
  %qs = sluice.constant dense<[1, 4, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x4x32xf32>, tensor<4xi64>) -> tensor<1x4x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %ks = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %vs = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %v = sluice.reshape %v0, %vs : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x16xf32>) -> tensor<1x4x2x16xf32>
  %rs = sluice.constant dense<[1, 4, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x4x2x16xf32>, tensor<3xi64>) -> tensor<1x4x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x4x32xf32>, tensor<32x24xf32>) -> tensor<1x4x24xf32>
  return %o, %k0 : tensor<1x4x24xf32>, tensor<1x50x16xf32>
}

// And so do values of more heads than one, as many as keys have.
// CHECK-LABEL: @kept_heads
// CHECK: sluice.attention {{.*}}(tensor<1x4x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>) -> tensor<1x4x2x16xf32>
func.func @kept_heads(%x: tensor<1x4x32xf32>, %y: tensor<1x50x8xf32>) -> (tensor<1x4x24xf32>, tensor<1x50x32xf32>) {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<8x32xf32>
  %wv = sluice.constant dense<3.0> : tensor<8x32xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x4x32xf32>, tensor<32x32xf32>) -> tensor<1x4x32xf32>
  %qs = sluice.constant dense<[1, 4, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x4x32xf32>, tensor<4xi64>) -> tensor<1x4x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x8xf32>, tensor<8x32xf32>) -> tensor<1x50x32xf32>
  %ks = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x8xf32>, tensor<8x32xf32>) -> tensor<1x50x32xf32>
  %vs = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %v = sluice.reshape %v0, %vs : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x4x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>) -> tensor<1x4x2x16xf32>
  %rs = sluice.constant dense<[1, 4, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x4x2x16xf32>, tensor<3xi64>) -> tensor<1x4x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x4x32xf32>, tensor<32x24xf32>) -> tensor<1x4x24xf32>
  return %o, %k0 : tensor<1x4x24xf32>, tensor<1x50x32xf32>
}

// What a bias of keys adds is not the same for a sink, nor are weights beside it
// one together.
// CHECK-LABEL: @sinks
// CHECK: sluice.attention {{.*}}(tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x16xf32>, tensor<2xf32>) -> tensor<1x4x2x16xf32>
func.func @sinks(%x: tensor<1x4x32xf32>, %y: tensor<1x50x8xf32>, %s: tensor<2xf32>) -> tensor<1x4x24xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<8x16xf32>
  %wv = sluice.constant dense<3.0> : tensor<8x16xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x4x32xf32>, tensor<32x32xf32>) -> tensor<1x4x32xf32>
  %qb = sluice.constant dense<0.5> : tensor<32xf32>
  %q1 = sluice.add %q0, %qb : (tensor<1x4x32xf32>, tensor<32xf32>) -> tensor<1x4x32xf32>
  %qs = sluice.constant dense<[1, 4, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q1, %qs : (tensor<1x4x32xf32>, tensor<4xi64>) -> tensor<1x4x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %kb = sluice.constant dense<0.5> : tensor<16xf32>
  %k1 = sluice.add %k0, %kb : (tensor<1x50x16xf32>, tensor<16xf32>) -> tensor<1x50x16xf32>
  %ks = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %k = sluice.reshape %k1, %ks : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %vb = sluice.constant dense<0.5> : tensor<16xf32>
  %v1 = sluice.add %v0, %vb : (tensor<1x50x16xf32>, tensor<16xf32>) -> tensor<1x50x16xf32>
  %vs = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %v = sluice.reshape %v1, %vs : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %a = sluice.attention %q, %k, %v sinks %s {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x16xf32>, tensor<2xf32>) -> tensor<1x4x2x16xf32>
  %rs = sluice.constant dense<[1, 4, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x4x2x16xf32>, tensor<3xi64>) -> tensor<1x4x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x4x32xf32>, tensor<32x24xf32>) -> tensor<1x4x24xf32>
  return %o : tensor<1x4x24xf32>
}

// Scores that are capped see a bias of keys; a query that sees no key, none of
// values.
// CHECK-LABEL: @capped
// CHECK: sluice.attention {{.*}}(tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x16xf32>, tensor<4x50xi1>) -> tensor<1x4x2x16xf32>
func.func @capped(%x: tensor<1x4x32xf32>, %y: tensor<1x50x8xf32>, %m: tensor<4x50xi1>) -> tensor<1x4x24xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<8x16xf32>
  %wv = sluice.constant dense<3.0> : tensor<8x16xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x24xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x4x32xf32>, tensor<32x32xf32>) -> tensor<1x4x32xf32>
  %qb = sluice.constant dense<0.5> : tensor<32xf32>
  %q1 = sluice.add %q0, %qb : (tensor<1x4x32xf32>, tensor<32xf32>) -> tensor<1x4x32xf32>
  %qs = sluice.constant dense<[1, 4, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q1, %qs : (tensor<1x4x32xf32>, tensor<4xi64>) -> tensor<1x4x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %kb = sluice.constant dense<0.5> : tensor<16xf32>
  %k1 = sluice.add %k0, %kb : (tensor<1x50x16xf32>, tensor<16xf32>) -> tensor<1x50x16xf32>
  %ks = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %k = sluice.reshape %k1, %ks : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x8xf32>, tensor<8x16xf32>) -> tensor<1x50x16xf32>
  %vb = sluice.constant dense<0.5> : tensor<16xf32>
  %v1 = sluice.add %v0, %vb : (tensor<1x50x16xf32>, tensor<16xf32>) -> tensor<1x50x16xf32>
  %vs = sluice.constant dense<[1, 50, 1, 16]> : tensor<4xi64>
  %v = sluice.reshape %v1, %vs : (tensor<1x50x16xf32>, tensor<4xi64>) -> tensor<1x50x1x16xf32>
  %a = sluice.attention %q, %k, %v mask %m {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>, softcap = 9.0 : f64} : (tensor<1x4x2x16xf32>, tensor<1x50x1x16xf32>, tensor<1x50x1x16xf32>, tensor<4x50xi1>) -> tensor<1x4x2x16xf32>
  %rs = sluice.constant dense<[1, 4, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x4x2x16xf32>, tensor<3xi64>) -> tensor<1x4x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x4x32xf32>, tensor<32x24xf32>) -> tensor<1x4x24xf32>
  return %o : tensor<1x4x24xf32>
}

// Rows that are wider than heads, which is nearly worth it.
// CHECK-LABEL: @wide
// CHECK: sluice.attention {{.*}}(tensor<1x40x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>)
// REMARK: weights of queries and keys, values and results are not multiplied with each other: 501760 multiplications instead of 353280
func.func @wide(%x: tensor<1x40x32xf32>, %y: tensor<1x50x32xf32>) -> tensor<1x40x64xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<32x32xf32>
  %wv = sluice.constant dense<3.0> : tensor<32x32xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x64xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x40x32xf32>, tensor<32x32xf32>) -> tensor<1x40x32xf32>
  %qs = sluice.constant dense<[1, 40, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x40x32xf32>, tensor<4xi64>) -> tensor<1x40x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x32xf32>, tensor<32x32xf32>) -> tensor<1x50x32xf32>
  %ks = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x32xf32>, tensor<32x32xf32>) -> tensor<1x50x32xf32>
  %vs = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %v = sluice.reshape %v0, %vs : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x40x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>) -> tensor<1x40x2x16xf32>
  %rs = sluice.constant dense<[1, 40, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x40x2x16xf32>, tensor<3xi64>) -> tensor<1x40x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x40x32xf32>, tensor<32x64xf32>) -> tensor<1x40x64xf32>
  return %o : tensor<1x40x64xf32>
}

// CHECK-LABEL: @many
// CHECK: sluice.attention {{.*}}(tensor<1x400x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>)
// REMARK-NOT: multiplied
func.func @many(%x: tensor<1x400x32xf32>, %y: tensor<1x50x64xf32>) -> tensor<1x400x64xf32> {
  %wq = sluice.constant dense<1.0> : tensor<32x32xf32>
  %wk = sluice.constant dense<2.0> : tensor<64x32xf32>
  %wv = sluice.constant dense<3.0> : tensor<64x32xf32>
  %wo = sluice.constant dense<4.0> : tensor<32x64xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x400x32xf32>, tensor<32x32xf32>) -> tensor<1x400x32xf32>
  %qs = sluice.constant dense<[1, 400, 2, 16]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x400x32xf32>, tensor<4xi64>) -> tensor<1x400x2x16xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x50x64xf32>, tensor<64x32xf32>) -> tensor<1x50x32xf32>
  %ks = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x50x64xf32>, tensor<64x32xf32>) -> tensor<1x50x32xf32>
  %vs = sluice.constant dense<[1, 50, 2, 16]> : tensor<4xi64>
  %v = sluice.reshape %v0, %vs : (tensor<1x50x32xf32>, tensor<4xi64>) -> tensor<1x50x2x16xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x400x2x16xf32>, tensor<1x50x2x16xf32>, tensor<1x50x2x16xf32>) -> tensor<1x400x2x16xf32>
  %rs = sluice.constant dense<[1, 400, 32]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x400x2x16xf32>, tensor<3xi64>) -> tensor<1x400x32xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x400x32xf32>, tensor<32x64xf32>) -> tensor<1x400x64xf32>
  return %o : tensor<1x400x64xf32>
}

// Weights of eight bits, and splats, are smaller than their product, which would
// be computed in every run.
// CHECK-LABEL: @dequantised
// CHECK: sluice.attention {{.*}}(tensor<1x8x8x64xf32>, tensor<1x256x1x64xf32>, tensor<1x256x1x64xf32>)
// REMARK-NOT: multiplied
func.func @dequantised(%x: tensor<1x8x512xf32>, %y: tensor<1x256x128xf32>) -> tensor<1x8x512xf32> {
  %wq0 = sluice.constant dense_resource<wq> : tensor<512x512xi8>
  %wq = sluice.cast %wq0 {to = f32} : (tensor<512x512xi8>) -> tensor<512x512xf32>
  %wk = sluice.constant dense_resource<wk> : tensor<128x64xf32>
  %wv = sluice.constant dense_resource<wv> : tensor<128x64xf32>
  %wo = sluice.constant dense<4.0> : tensor<512x512xf32>
  %q0 = sluice.matmul %x, %wq : (tensor<1x8x512xf32>, tensor<512x512xf32>) -> tensor<1x8x512xf32>
  %qs = sluice.constant dense<[1, 8, 8, 64]> : tensor<4xi64>
  %q = sluice.reshape %q0, %qs : (tensor<1x8x512xf32>, tensor<4xi64>) -> tensor<1x8x8x64xf32>
  %k0 = sluice.matmul %y, %wk : (tensor<1x256x128xf32>, tensor<128x64xf32>) -> tensor<1x256x64xf32>
  %ks = sluice.constant dense<[1, 256, 1, 64]> : tensor<4xi64>
  %k = sluice.reshape %k0, %ks : (tensor<1x256x64xf32>, tensor<4xi64>) -> tensor<1x256x1x64xf32>
  %v0 = sluice.matmul %y, %wv : (tensor<1x256x128xf32>, tensor<128x64xf32>) -> tensor<1x256x64xf32>
  %v = sluice.reshape %v0, %ks : (tensor<1x256x64xf32>, tensor<4xi64>) -> tensor<1x256x1x64xf32>
  %a = sluice.attention %q, %k, %v {query_order = array<i64: 0, 2, 1, 3>, key_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>} : (tensor<1x8x8x64xf32>, tensor<1x256x1x64xf32>, tensor<1x256x1x64xf32>) -> tensor<1x8x8x64xf32>
  %rs = sluice.constant dense<[1, 8, 512]> : tensor<3xi64>
  %r = sluice.reshape %a, %rs : (tensor<1x8x8x64xf32>, tensor<3xi64>) -> tensor<1x8x512xf32>
  %o = sluice.matmul %r, %wo : (tensor<1x8x512xf32>, tensor<512x512xf32>) -> tensor<1x8x512xf32>
  return %o : tensor<1x8x512xf32>
}
