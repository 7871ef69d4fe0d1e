// RUN: sluice-opt %s --sluice-recognise-experts --canonicalize -split-input-file | FileCheck %s
// RUN: sluice-opt %s --sluice-recognise-experts --remarks-filter=experts -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A list of tokens for each expert, whose results are added at their places.
// The numbers of experts are those that some token chose, in their order; there
// must be as many as experts.
// CHECK-LABEL: @lists(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32> {{.*}}, %[[S:.*]]: tensor<?x2xf32>
// CHECK: %{{.*}}, %[[IDS:.*]] = sluice.top_k
// CHECK: %[[FLAT:.*]] = sluice.reshape %[[IDS]]
// CHECK: %[[ORDER:.*]], %[[OFFSETS:.*]] = sluice.group_rows %[[FLAT]] {groups = 2 : i64}
// CHECK: %[[UP:.*]] = sluice.grouped_matmul %[[X]], %{{.*}}, %[[OFFSETS]] rows %[[ORDER]] {repeat = 2 : i64}
// CHECK: %[[ACT:.*]] = sluice.relu %[[UP]]
// CHECK: %[[DOWN:.*]] = sluice.grouped_matmul %[[ACT]], %{{.*}}, %[[OFFSETS]] places %[[ORDER]] bias %{{.*}}
// CHECK: %[[SCALED:.*]] = sluice.mul %[[DOWN]], %{{.*}}
// CHECK: %[[SLOTS:.*]] = sluice.reshape %[[SCALED]], %{{.*}} -> tensor<?x2x8xf32>
// CHECK: %[[SUM:.*]] = sluice.reduce %[[SLOTS]]
// CHECK-NOT: sluice.nonzero %
// CHECK: return %[[SUM]]
// REMARK: remark: {{.*}}2 experts, 2 for each token: 2 products with a matrix for each expert
func.func @lists(%x: tensor<?x8xf32> {sluice.dims = ["n", ""]}, %s: tensor<?x2xf32> {sluice.dims = ["n", ""]}) -> tensor<?x8xf32> {
  %k = sluice.constant dense<2> : tensor<1xi64>
  %e0 = sluice.constant dense<0> : tensor<1xi64>
  %e1 = sluice.constant dense<1> : tensor<1xi64>
  %two = sluice.constant dense<2> : tensor<i64>
  %marks = sluice.constant dense<[0, 1]> : tensor<2xi64>
  %columns = sluice.constant dense<8> : tensor<1xi64>
  %one = sluice.constant dense<[-1, 1]> : tensor<2xi64>
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %u0 = sluice.constant dense<0.5> : tensor<8x16xf32>
  %u1 = sluice.constant dense<0.25> : tensor<8x16xf32>
  %d0 = sluice.constant dense<0.5> : tensor<16x8xf32>
  %d1 = sluice.constant dense<0.25> : tensor<16x8xf32>
  %b0 = sluice.constant dense<1.5> : tensor<8xf32>
  %b1 = sluice.constant dense<2.5> : tensor<8xf32>
  %w, %ids = sluice.top_k %s, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %hot = sluice.one_hot %ids, %two, %marks {axis = 2 : i64} : (tensor<?x2xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x2x2xi64>
  %mask = sluice.transpose %hot {permutation = array<i64: 2, 1, 0>} : (tensor<?x2x2xi64>) -> tensor<2x2x?xi64>
  %flat = sluice.reshape %w, %one : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %rows = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
  %shape = sluice.concat %rows, %columns {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros = sluice.broadcast %zero, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m0 = sluice.gather %mask, %e0 {axis = 0 : i64} : (tensor<2x2x?xi64>, tensor<1xi64>) -> tensor<1x2x?xi64>
  %s0 = sluice.squeeze %m0 {axes = array<i64: 0>} : (tensor<1x2x?xi64>) -> tensor<2x?xi64>
  %c0 = sluice.nonzero_count %s0 : (tensor<2x?xi64>) -> tensor<1xi64>
  %l0 = sluice.nonzero %s0, %c0 : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<2x?xi64>
  %slot0 = sluice.gather %l0, %e0 {axis = 0 : i64} : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %slots0 = sluice.squeeze %slot0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %token0 = sluice.gather %l0, %e1 {axis = 0 : i64} : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %tokens0 = sluice.squeeze %token0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %x0 = sluice.gather %x, %tokens0 {axis = 0 : i64} : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %h0 = sluice.matmul %x0, %u0 : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %a0 = sluice.relu %h0 : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %p0 = sluice.matmul %a0, %d0 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %y0 = sluice.add %p0, %b0 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %t0 = sluice.mul %tokens0, %k : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %f0 = sluice.add %slots0, %t0 : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  %w0 = sluice.gather %flat, %f0 {axis = 0 : i64} : (tensor<?x1xf32>, tensor<?xi64>) -> tensor<?x1xf32>
  %z0 = sluice.mul %y0, %w0 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %i0 = sluice.unsqueeze %tokens0 {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %n0 = sluice.shape %z0 {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %r0 = sluice.broadcast %i0, %n0 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x8xi64>
  %o0 = sluice.scatter_elements %zeros, %r0, %z0 {axis = 0 : i64, mode = #sluice.scatter<add>} : (tensor<?x8xf32>, tensor<?x8xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = sluice.gather %mask, %e1 {axis = 0 : i64} : (tensor<2x2x?xi64>, tensor<1xi64>) -> tensor<1x2x?xi64>
  %s1 = sluice.squeeze %m1 {axes = array<i64: 0>} : (tensor<1x2x?xi64>) -> tensor<2x?xi64>
  %c1 = sluice.nonzero_count %s1 : (tensor<2x?xi64>) -> tensor<1xi64>
  %l1 = sluice.nonzero %s1, %c1 : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<2x?xi64>
  %slot1 = sluice.gather %l1, %e0 {axis = 0 : i64} : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %slots1 = sluice.squeeze %slot1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %token1 = sluice.gather %l1, %e1 {axis = 0 : i64} : (tensor<2x?xi64>, tensor<1xi64>) -> tensor<1x?xi64>
  %tokens1 = sluice.squeeze %token1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %x1 = sluice.gather %x, %tokens1 {axis = 0 : i64} : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %h1 = sluice.matmul %x1, %u1 : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  %a1 = sluice.relu %h1 : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %p1 = sluice.matmul %a1, %d1 : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %y1 = sluice.add %p1, %b1 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %t1 = sluice.mul %tokens1, %k : (tensor<?xi64>, tensor<1xi64>) -> tensor<?xi64>
  %f1 = sluice.add %slots1, %t1 : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  %w1 = sluice.gather %flat, %f1 {axis = 0 : i64} : (tensor<?x1xf32>, tensor<?xi64>) -> tensor<?x1xf32>
  %z1 = sluice.mul %y1, %w1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %i1 = sluice.unsqueeze %tokens1 {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %n1 = sluice.shape %z1 {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %r1 = sluice.broadcast %i1, %n1 : (tensor<?x1xi64>, tensor<2xi64>) -> tensor<?x8xi64>
  %o1 = sluice.scatter_elements %o0, %r1, %z1 {axis = 0 : i64, mode = #sluice.scatter<add>} : (tensor<?x8xf32>, tensor<?x8xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %o1 : tensor<?x8xf32>
}

// -----

// Gates that are zero where an expert was not chosen.
// CHECK-LABEL: @dense(
// CHECK-SAME: %[[X:.*]]: tensor<6x8xf32>, %[[S:.*]]: tensor<6x2xf32>)
// CHECK: %[[W:.*]], %[[IDS:.*]] = sluice.top_k
// CHECK: sluice.group_rows {{.*}} {groups = 2 : i64}
// CHECK: sluice.grouped_matmul %[[X]]
// CHECK: sluice.grouped_matmul
// CHECK: sluice.mul
// REMARK: remark: {{.*}}2 experts, 1 for each token: 2 products with a matrix for each expert
func.func @dense(%x: tensor<6x8xf32>, %s: tensor<6x2xf32>) -> tensor<6x8xf32> {
  %k = sluice.constant dense<1> : tensor<1xi64>
  %zeros = sluice.constant dense<0.0> : tensor<6x2xf32>
  %u0 = sluice.constant dense<0.5> : tensor<8x16xf32>
  %u1 = sluice.constant dense<0.25> : tensor<8x16xf32>
  %d0 = sluice.constant dense<0.5> : tensor<16x8xf32>
  %d1 = sluice.constant dense<0.25> : tensor<16x8xf32>
  %w, %ids = sluice.top_k %s, %k {axis = 1 : i64} : (tensor<6x2xf32>, tensor<1xi64>) -> (tensor<6x1xf32>, tensor<6x1xi64>)
  %gates = sluice.scatter_elements %zeros, %ids, %w {axis = 1 : i64, mode = #sluice.scatter<replace>} : (tensor<6x2xf32>, tensor<6x1xi64>, tensor<6x1xf32>) -> tensor<6x2xf32>
  %g0 = sluice.slice %gates {starts = array<i64: 0, 0>, ends = array<i64: 6, 1>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %g1 = sluice.slice %gates {starts = array<i64: 0, 1>, ends = array<i64: 6, 2>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %h0 = sluice.matmul %x, %u0 : (tensor<6x8xf32>, tensor<8x16xf32>) -> tensor<6x16xf32>
  %a0 = sluice.relu %h0 : (tensor<6x16xf32>) -> tensor<6x16xf32>
  %y0 = sluice.matmul %a0, %d0 : (tensor<6x16xf32>, tensor<16x8xf32>) -> tensor<6x8xf32>
  %h1 = sluice.matmul %x, %u1 : (tensor<6x8xf32>, tensor<8x16xf32>) -> tensor<6x16xf32>
  %a1 = sluice.relu %h1 : (tensor<6x16xf32>) -> tensor<6x16xf32>
  %y1 = sluice.matmul %a1, %d1 : (tensor<6x16xf32>, tensor<16x8xf32>) -> tensor<6x8xf32>
  %z0 = sluice.mul %g0, %y0 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %z1 = sluice.mul %g1, %y1 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %sum = sluice.add %z0, %z1 : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  return %sum : tensor<6x8xf32>
}

// -----

// All experts count.
// CHECK-LABEL: @soft(
// CHECK-NOT: sluice.group_rows
// REMARK: remark: {{.*}}experts for all tokens: gates are not known to be zero for experts that were not chosen
func.func @soft(%x: tensor<6x8xf32>, %s: tensor<6x2xf32>) -> tensor<6x8xf32> {
  %u0 = sluice.constant dense<0.5> : tensor<8x8xf32>
  %u1 = sluice.constant dense<0.25> : tensor<8x8xf32>
  %gates = sluice.softmax %s {axis = 1 : i64} : (tensor<6x2xf32>) -> tensor<6x2xf32>
  %g0 = sluice.slice %gates {starts = array<i64: 0, 0>, ends = array<i64: 6, 1>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %g1 = sluice.slice %gates {starts = array<i64: 0, 1>, ends = array<i64: 6, 2>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %y0 = sluice.matmul %x, %u0 : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %y1 = sluice.matmul %x, %u1 : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %z0 = sluice.mul %g0, %y0 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %z1 = sluice.mul %g1, %y1 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %sum = sluice.add %z0, %z1 : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  return %sum : tensor<6x8xf32>
}

// -----

// Zero times what an expert that was not chosen makes of a token may be NaN.
// CHECK-LABEL: @infinite(
// CHECK-NOT: sluice.group_rows
// REMARK: remark: {{.*}}experts for all tokens: the experts' weights are not finite constants of the same shape
func.func @infinite(%x: tensor<6x8xf32>, %s: tensor<6x2xf32>) -> tensor<6x8xf32> {
  %k = sluice.constant dense<1> : tensor<1xi64>
  %zeros = sluice.constant dense<0.0> : tensor<6x2xf32>
  %u0 = sluice.constant dense<0.5> : tensor<8x8xf32>
  %u1 = sluice.constant dense<0x7F800000> : tensor<8x8xf32>
  %w, %ids = sluice.top_k %s, %k {axis = 1 : i64} : (tensor<6x2xf32>, tensor<1xi64>) -> (tensor<6x1xf32>, tensor<6x1xi64>)
  %gates = sluice.scatter_elements %zeros, %ids, %w {axis = 1 : i64, mode = #sluice.scatter<replace>} : (tensor<6x2xf32>, tensor<6x1xi64>, tensor<6x1xf32>) -> tensor<6x2xf32>
  %g0 = sluice.slice %gates {starts = array<i64: 0, 0>, ends = array<i64: 6, 1>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %g1 = sluice.slice %gates {starts = array<i64: 0, 1>, ends = array<i64: 6, 2>, steps = array<i64: 1, 1>} : (tensor<6x2xf32>) -> tensor<6x1xf32>
  %y0 = sluice.matmul %x, %u0 : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %y1 = sluice.matmul %x, %u1 : (tensor<6x8xf32>, tensor<8x8xf32>) -> tensor<6x8xf32>
  %z0 = sluice.mul %g0, %y0 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %z1 = sluice.mul %g1, %y1 : (tensor<6x1xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  %sum = sluice.add %z0, %z1 : (tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<6x8xf32>
  return %sum : tensor<6x8xf32>
}
