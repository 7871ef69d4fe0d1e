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
