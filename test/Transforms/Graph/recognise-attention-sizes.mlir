// RUN: sluice-opt %s --sluice-recognise-attention -split-input-file | FileCheck %s
// RUN: sluice-opt %s --sluice-recognise-attention -split-input-file --remarks-filter=attention --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Scores broadcast to a mask of more batches, which the run alone knows: queries
// do so. They need not where sizes have one name, or are computed of such.
// CHECK-LABEL: @larger_batch(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<?x2x4x8xf32>
// REMARK: into one attention: a bias that may hide keys; its bias or mask may have more batches or rows than queries, which are copied for as many
func.func @larger_batch(%q: tensor<?x2x4x8xf32> {sluice.dims = ["b", "", "", ""]}, %m: tensor<?x1x4x4xf32> {sluice.dims = ["m", "", "", ""]}, %same: tensor<?x1x4x4xf32> {sluice.dims = ["b", "", "", ""]}) -> (tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>) {
  // CHECK: %[[SIZE:.*]] = sluice.shape %{{.*}} {end = 1 : i64, start = 0 : i64} : (tensor<?x1x4x4xf32>)
  // CHECK: %[[SHAPE:.*]] = sluice.concat %[[SIZE]]
  // CHECK: %[[MORE:.*]] = sluice.broadcast %[[Q]], %[[SHAPE]] : (tensor<?x2x4x8xf32>, tensor<4xi64>) -> tensor<?x2x4x8xf32>
  // CHECK: sluice.attention %[[MORE]], %[[Q]], %[[Q]] bias
  // CHECK: sluice.attention %[[Q]], %[[Q]], %[[Q]] bias
  // CHECK: sluice.attention %[[Q]], %[[Q]], %[[Q]] bias
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x4xf32>
  %1 = sluice.add %0, %m : (tensor<?x2x4x4xf32>, tensor<?x1x4x4xf32>) -> tensor<?x2x4x4xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %3 = sluice.matmul %2, %q : (tensor<?x2x4x4xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x8xf32>
  %second = sluice.matmul %q, %q {transpose_rhs} : (tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x4xf32>
  %4 = sluice.add %second, %same : (tensor<?x2x4x4xf32>, tensor<?x1x4x4xf32>) -> tensor<?x2x4x4xf32>
  %5 = sluice.softmax %4 {axis = 3 : i64} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %6 = sluice.matmul %5, %q : (tensor<?x2x4x4xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x8xf32>
  // The last of at most so many batches as there are.
  %batch = sluice.shape %q {end = 1 : i64, start = 0 : i64} : (tensor<?x2x4x8xf32>) -> tensor<1xi64>
  %first = sluice.neg %batch : (tensor<1xi64>) -> tensor<1xi64>
  %end = sluice.constant dense<9223372036854775807> : tensor<4xi64>
  %others = sluice.constant dense<0> : tensor<3xi64>
  %start = sluice.concat %first, %others {axis = 0 : i64} : (tensor<1xi64>, tensor<3xi64>) -> tensor<4xi64>
  %step = sluice.constant dense<1> : tensor<4xi64>
  %last = sluice.slice %same, %start, %end, %step {starts = array<i64>, ends = array<i64>, steps = array<i64>} : (tensor<?x1x4x4xf32>, tensor<4xi64>, tensor<4xi64>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  %third = sluice.matmul %q, %q {transpose_rhs} : (tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x4xf32>
  %7 = sluice.add %third, %last : (tensor<?x2x4x4xf32>, tensor<?x?x?x?xf32>) -> tensor<?x2x4x4xf32>
  %8 = sluice.softmax %7 {axis = 3 : i64} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
  %9 = sluice.matmul %8, %q : (tensor<?x2x4x4xf32>, tensor<?x2x4x8xf32>) -> tensor<?x2x4x8xf32>
  return %3, %6, %9 : tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>, tensor<?x2x4x8xf32>
}

// -----

// More heads would not share keys.
// CHECK-LABEL: @larger_heads(
// CHECK-NOT: sluice.attention
// REMARK: is not fused: a bias or mask may be larger than the scores, which broadcast to it in the run then
func.func @larger_heads(%q: tensor<2x1x4x8xf32>, %m: tensor<2x?x4x4xf32>) -> tensor<2x?x4x8xf32> {
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x1x4x8xf32>, tensor<2x1x4x8xf32>) -> tensor<2x1x4x4xf32>
  %1 = sluice.add %0, %m : (tensor<2x1x4x4xf32>, tensor<2x?x4x4xf32>) -> tensor<2x?x4x4xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<2x?x4x4xf32>) -> tensor<2x?x4x4xf32>
  %3 = sluice.matmul %2, %q : (tensor<2x?x4x4xf32>, tensor<2x1x4x8xf32>) -> tensor<2x?x4x8xf32>
  return %3 : tensor<2x?x4x8xf32>
}

// -----

// T5's bias with sizes of the run: a table read at a function of the distance,
// of which there are as many as queries and keys less one. Other
// functions of places have an element for each score.
// CHECK-LABEL: @distances(
// REMARK: into one attention: a bias of the distance
func.func @distances(%q: tensor<1x2x?x8xf32> {sluice.dims = ["", "", "s", ""]}, %k: tensor<1x2x?x8xf32> {sluice.dims = ["", "", "t", ""]}) -> (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) {
  // CHECK: %[[DISTANCE:.*]] = sluice.add {{.*}} : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  // CHECK: sluice.abs %[[DISTANCE]] : (tensor<?xi64>) -> tensor<?xi64>
  // CHECK: %[[READ:.*]] = sluice.gather %{{.*}} {axis = 0 : i64} : (tensor<5x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  // CHECK: %[[TURNED:.*]] = sluice.transpose %[[READ]] {permutation = array<i64: 1, 0>}
  // CHECK: %[[BIAS:.*]] = sluice.reshape %[[TURNED]], {{.*}} -> tensor<2x1x?xf32>
  // CHECK: sluice.attention %{{.*}} bias %[[BIAS]] {{{.*}}relative_bias
  // CHECK: sluice.attention %{{.*}} bias %{{.*}} {{{.*}}relative_bias
  // CHECK-NOT: relative_bias
  // CHECK: sluice.attention %{{.*}} bias
  %zero = sluice.constant dense<0> : tensor<i64>
  %one = sluice.constant dense<1> : tensor<i64>
  %most = sluice.constant dense<4> : tensor<i64>
  %weights = sluice.constant dense<[[0.5, 1.0], [1.5, 2.0], [2.5, 3.0], [3.5, 4.0], [4.5, 5.0]]> : tensor<5x2xf32>
  %flat = sluice.constant dense<> : tensor<0xi64>
  %sizeOfQ = sluice.shape %q {start = 2 : i64, end = 3 : i64} : (tensor<1x2x?x8xf32>) -> tensor<1xi64>
  %sizeOfK = sluice.shape %k {start = 2 : i64, end = 3 : i64} : (tensor<1x2x?x8xf32>) -> tensor<1xi64>
  %s = sluice.reshape %sizeOfQ, %flat {allow_zero} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %t = sluice.reshape %sizeOfK, %flat {allow_zero} : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %queries = sluice.range %zero, %s, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %keys = sluice.range %zero, %t, %one : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %column = sluice.unsqueeze %queries {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = sluice.unsqueeze %keys {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %d = sluice.sub %row, %column : (tensor<1x?xi64>, tensor<?x1xi64>) -> tensor<?x?xi64>
  %a = sluice.abs %d : (tensor<?x?xi64>) -> tensor<?x?xi64>
  %place = sluice.min %a, %most : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %read = sluice.gather %weights, %place {axis = 0 : i64} : (tensor<5x2xf32>, tensor<?x?xi64>) -> tensor<?x?x2xf32>
  %turned = sluice.transpose %read {permutation = array<i64: 2, 0, 1>} : (tensor<?x?x2xf32>) -> tensor<2x?x?xf32>
  %bias = sluice.unsqueeze %turned {axes = array<i64: 0>} : (tensor<2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %0 = sluice.matmul %q, %k {transpose_rhs} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x?xf32>
  %1 = sluice.add %0, %bias : (tensor<1x2x?x?xf32>, tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %3 = sluice.matmul %2, %k : (tensor<1x2x?x?xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  // Beside a mask.
  %tokens = sluice.greater %row, %one : (tensor<1x?xi64>, tensor<i64>) -> tensor<1x?xi1>
  %none = sluice.constant dense<0.0> : tensor<f32>
  %lowest = sluice.constant dense<-1.0e+30> : tensor<f32>
  %mask = sluice.select %tokens, %none, %lowest : (tensor<1x?xi1>, tensor<f32>, tensor<f32>) -> tensor<1x?xf32>
  %both = sluice.add %bias, %mask : (tensor<1x2x?x?xf32>, tensor<1x?xf32>) -> tensor<1x2x?x?xf32>
  %second = sluice.matmul %q, %k {transpose_rhs} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x?xf32>
  %4 = sluice.add %second, %both : (tensor<1x2x?x?xf32>, tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %5 = sluice.softmax %4 {axis = 3 : i64} : (tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %6 = sluice.matmul %5, %k : (tensor<1x2x?x?xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  // The sum of the places is no distance.
  %sum = sluice.add %row, %column : (tensor<1x?xi64>, tensor<?x1xi64>) -> tensor<?x?xi64>
  %other = sluice.min %sum, %most : (tensor<?x?xi64>, tensor<i64>) -> tensor<?x?xi64>
  %readOther = sluice.gather %weights, %other {axis = 0 : i64} : (tensor<5x2xf32>, tensor<?x?xi64>) -> tensor<?x?x2xf32>
  %turnedOther = sluice.transpose %readOther {permutation = array<i64: 2, 0, 1>} : (tensor<?x?x2xf32>) -> tensor<2x?x?xf32>
  %third = sluice.matmul %q, %k {transpose_rhs} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x?xf32>
  %7 = sluice.add %third, %turnedOther : (tensor<1x2x?x?xf32>, tensor<2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %8 = sluice.softmax %7 {axis = 3 : i64} : (tensor<1x2x?x?xf32>) -> tensor<1x2x?x?xf32>
  %9 = sluice.matmul %8, %k : (tensor<1x2x?x?xf32>, tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32>
  return %3, %6, %9 : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>
}
