// RUN: sluice-opt %s --sluice-recognise-attention -split-input-file | FileCheck %s
// RUN: sluice-opt %s --sluice-recognise-attention -split-input-file --remarks-filter=attention --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A scaled product, heads in the second dimension.
// CHECK-LABEL: @plain(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<2x4x8x16xf32>, %[[K:[a-z0-9]*]]: tensor<2x4x10x16xf32>, %[[V:[a-z0-9]*]]: tensor<2x4x10x12xf32>
func.func @plain(%q: tensor<2x4x8x16xf32>, %k: tensor<2x4x10x16xf32>, %v: tensor<2x4x10x12xf32>) -> tensor<2x4x8x12xf32> {
  // CHECK: %[[R:.*]] = sluice.attention %[[Q]], %[[K]], %[[V]] {scale = 2.500000e-01 : f64} :
  // CHECK-NEXT: return %[[R]]
  %c = sluice.constant dense<0.25> : tensor<f32>
  %0 = sluice.matmul %q, %k {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x10xf32>
  %1 = sluice.mul %0, %c : (tensor<2x4x8x10xf32>, tensor<f32>) -> tensor<2x4x8x10xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xf32>
  %3 = sluice.matmul %2, %v : (tensor<2x4x8x10xf32>, tensor<2x4x10x12xf32>) -> tensor<2x4x8x12xf32>
  return %3 : tensor<2x4x8x12xf32>
}

// -----

// Transposes on all sides become orders; half of the scale is on the queries,
// half on the keys, as a quotient.
// CHECK-LABEL: @transposed(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<2x8x4x16xf32>, %[[K:[a-z0-9]*]]: tensor<2x10x4x16xf32>, %[[V:[a-z0-9]*]]: tensor<2x10x64xf32>
func.func @transposed(%q: tensor<2x8x4x16xf32>, %k: tensor<2x10x4x16xf32>, %v: tensor<2x10x64xf32>) -> tensor<2x8x64xf32> {
  // CHECK-DAG: %[[SV:.*]] = sluice.reshape %[[V]], {{.*}} -> tensor<2x10x4x16xf32>
  // CHECK: %[[R:.*]] = sluice.attention %[[Q]], %[[K]], %[[SV]] {key_order = array<i64: 0, 2, 1, 3>, query_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>, scale = 2.500000e-01 : f64, value_order = array<i64: 0, 2, 1, 3>} :
  // CHECK-SAME: -> tensor<2x8x4x16xf32>
  // CHECK-NEXT: %[[M:.*]] = sluice.reshape %[[R]]
  // CHECK-NEXT: return %[[M]]
  %c = sluice.constant dense<0.5> : tensor<f32>
  %d = sluice.constant dense<2.0> : tensor<f32>
  %heads = sluice.constant dense<[2, 10, 4, 16]> : tensor<4xi64>
  %merged = sluice.constant dense<[2, 8, 64]> : tensor<3xi64>
  %0 = sluice.transpose %q {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x8x4x16xf32>) -> tensor<2x4x8x16xf32>
  %1 = sluice.mul %0, %c : (tensor<2x4x8x16xf32>, tensor<f32>) -> tensor<2x4x8x16xf32>
  %2 = sluice.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x10x4x16xf32>) -> tensor<2x4x16x10xf32>
  %3 = sluice.div %2, %d : (tensor<2x4x16x10xf32>, tensor<f32>) -> tensor<2x4x16x10xf32>
  %4 = sluice.matmul %1, %3 : (tensor<2x4x8x16xf32>, tensor<2x4x16x10xf32>) -> tensor<2x4x8x10xf32>
  %5 = sluice.softmax %4 {axis = 3 : i64} : (tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xf32>
  %6 = sluice.reshape %v, %heads {allow_zero} : (tensor<2x10x64xf32>, tensor<4xi64>) -> tensor<2x10x4x16xf32>
  %7 = sluice.transpose %6 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x10x4x16xf32>) -> tensor<2x4x10x16xf32>
  %8 = sluice.matmul %5, %7 : (tensor<2x4x8x10xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x16xf32>
  %9 = sluice.transpose %8 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x4x8x16xf32>) -> tensor<2x8x4x16xf32>
  %10 = sluice.reshape %9, %merged {allow_zero} : (tensor<2x8x4x16xf32>, tensor<3xi64>) -> tensor<2x8x64xf32>
  return %10 : tensor<2x8x64xf32>
}

// -----

// Products of [batch * heads, ...], in f16 around a softmax in f32.
// CHECK-LABEL: @merged_batch(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<2x8x4x16xf16>, %[[K:[a-z0-9]*]]: tensor<2x10x4x16xf16>, %[[V:[a-z0-9]*]]: tensor<2x10x4x16xf16>
func.func @merged_batch(%q: tensor<2x8x4x16xf16>, %k: tensor<2x10x4x16xf16>, %v: tensor<2x10x4x16xf16>) -> tensor<2x8x4x16xf16> {
  // CHECK: sluice.attention %[[Q]], %[[K]], %[[V]] {key_order = array<i64: 0, 2, 1, 3>, query_order = array<i64: 0, 2, 1, 3>, result_order = array<i64: 0, 2, 1, 3>, value_order = array<i64: 0, 2, 1, 3>} :
  // CHECK-NEXT: return
  %s = sluice.constant dense<[8, 8, 16]> : tensor<3xi64>
  %t = sluice.constant dense<[8, 10, 16]> : tensor<3xi64>
  %r = sluice.constant dense<[2, 4, 8, 16]> : tensor<4xi64>
  %0 = sluice.transpose %q {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x8x4x16xf16>) -> tensor<2x4x8x16xf16>
  %1 = sluice.reshape %0, %s {allow_zero} : (tensor<2x4x8x16xf16>, tensor<3xi64>) -> tensor<8x8x16xf16>
  %2 = sluice.transpose %k {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x10x4x16xf16>) -> tensor<2x4x10x16xf16>
  %3 = sluice.reshape %2, %t {allow_zero} : (tensor<2x4x10x16xf16>, tensor<3xi64>) -> tensor<8x10x16xf16>
  %4 = sluice.transpose %v {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x10x4x16xf16>) -> tensor<2x4x10x16xf16>
  %5 = sluice.reshape %4, %t {allow_zero} : (tensor<2x4x10x16xf16>, tensor<3xi64>) -> tensor<8x10x16xf16>
  %6 = sluice.matmul %1, %3 {transpose_rhs} : (tensor<8x8x16xf16>, tensor<8x10x16xf16>) -> tensor<8x8x10xf16>
  %7 = sluice.cast %6 {to = f32} : (tensor<8x8x10xf16>) -> tensor<8x8x10xf32>
  %8 = sluice.softmax %7 {axis = 2 : i64} : (tensor<8x8x10xf32>) -> tensor<8x8x10xf32>
  %9 = sluice.cast %8 {to = f16} : (tensor<8x8x10xf32>) -> tensor<8x8x10xf16>
  %10 = sluice.matmul %9, %5 : (tensor<8x8x10xf16>, tensor<8x10x16xf16>) -> tensor<8x8x16xf16>
  %11 = sluice.reshape %10, %r {allow_zero} : (tensor<8x8x16xf16>, tensor<4xi64>) -> tensor<2x4x8x16xf16>
  %12 = sluice.transpose %11 {permutation = array<i64: 0, 2, 1, 3>} : (tensor<2x4x8x16xf16>) -> tensor<2x8x4x16xf16>
  return %12 : tensor<2x8x4x16xf16>
}

// -----

// Heads that share keys: these are not repeated. A softcap, and causal from
// positions that are compared at run time.
// CHECK-LABEL: @grouped(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<?x4x?x16xf32> {{.*}}, %[[K:[a-z0-9]*]]: tensor<?x2x?x16xf32> {{{[^}]*}}}, %[[V:[a-z0-9]*]]: tensor<?x2x?x16xf32>
func.func @grouped(%q: tensor<?x4x?x16xf32> {sluice.dims = ["b", "", "s", ""]}, %k: tensor<?x2x?x16xf32> {sluice.dims = ["b", "", "s", ""]}, %v: tensor<?x2x?x16xf32> {sluice.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x16xf32> {
  // REMARK: into one attention: heads that share keys, a softcap, causal
  // CHECK: sluice.attention %[[Q]], %[[K]], %[[V]] {right = 0 : i64, scale = 2.500000e-01 : f64, softcap = 3.000000e+01 : f64} :
  // CHECK-NEXT: return
  %scale = sluice.constant dense<0.25> : tensor<f32>
  %cap = sluice.constant dense<30.0> : tensor<f32>
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %low = sluice.constant dense<0xFF800000> : tensor<f32>
  %two = sluice.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %b = sluice.shape %k {start = 0 : i64, end = 1 : i64} : (tensor<?x2x?x16xf32>) -> tensor<1xi64>
  %t = sluice.shape %k {start = 2 : i64, end = 3 : i64} : (tensor<?x2x?x16xf32>) -> tensor<1xi64>
  %four = sluice.constant dense<4> : tensor<1xi64>
  %depth = sluice.constant dense<16> : tensor<1xi64>
  %whole = sluice.concat %b, %four, %t, %depth {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %0 = sluice.unsqueeze %k {axes = array<i64: 2>} : (tensor<?x2x?x16xf32>) -> tensor<?x2x1x?x16xf32>
  %1 = sluice.broadcast %0, %two : (tensor<?x2x1x?x16xf32>, tensor<5xi64>) -> tensor<?x2x2x?x16xf32>
  %2 = sluice.reshape %1, %whole {allow_zero} : (tensor<?x2x2x?x16xf32>, tensor<4xi64>) -> tensor<?x4x?x16xf32>
  %3 = sluice.unsqueeze %v {axes = array<i64: 2>} : (tensor<?x2x?x16xf32>) -> tensor<?x2x1x?x16xf32>
  %4 = sluice.broadcast %3, %two : (tensor<?x2x1x?x16xf32>, tensor<5xi64>) -> tensor<?x2x2x?x16xf32>
  %5 = sluice.reshape %4, %whole {allow_zero} : (tensor<?x2x2x?x16xf32>, tensor<4xi64>) -> tensor<?x4x?x16xf32>
  %6 = sluice.matmul %q, %2 {transpose_rhs} : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x?xf32>
  %7 = sluice.mul %6, %scale : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %8 = sluice.div %7, %cap : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %9 = sluice.tanh %8 : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %10 = sluice.mul %9, %cap : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %keys = sluice.iota %k {dimension = 2 : i64} : (tensor<?x2x?x16xf32>) -> tensor<?xi64>
  %rows = sluice.unsqueeze %keys {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %sees = sluice.less_equal %keys, %rows : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<?x?xi1>
  %bias = sluice.select %sees, %zero, %low : (tensor<?x?xi1>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  %11 = sluice.add %10, %bias : (tensor<?x4x?x?xf32>, tensor<?x?xf32>) -> tensor<?x4x?x?xf32>
  %12 = sluice.softmax %11 {axis = 3 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %13 = sluice.matmul %12, %5 : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %13 : tensor<?x4x?x16xf32>
}

// -----

// Tokens that are padding, as 1 - m times the lowest number: a mask, and a
// softmax over all keys where none counts.
// CHECK-LABEL: @padding(
// CHECK-SAME: %{{.*}}, %[[M:[a-z0-9]*]]: tensor<2x10xi64>
func.func @padding(%q: tensor<2x4x8x16xf32>, %k: tensor<2x4x10x16xf32>, %m: tensor<2x10xi64>) -> tensor<2x4x8x16xf32> {
  // CHECK: %[[B:.*]] = sluice.cast {{.*}} {to = i1}
  // CHECK: %[[F:.*]] = sluice.constant dense<-3.40282347E+38> : tensor<f32>
  // CHECK: sluice.attention {{.*}} mask {{.*}} fallback %[[F]] :
  %one = sluice.constant dense<1.0> : tensor<f32>
  %low = sluice.constant dense<-3.40282347E+38> : tensor<f32>
  %0 = sluice.unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<2x10xi64>) -> tensor<2x1x1x10xi64>
  %1 = sluice.cast %0 {to = f32} : (tensor<2x1x1x10xi64>) -> tensor<2x1x1x10xf32>
  %2 = sluice.sub %one, %1 : (tensor<f32>, tensor<2x1x1x10xf32>) -> tensor<2x1x1x10xf32>
  %3 = sluice.mul %2, %low : (tensor<2x1x1x10xf32>, tensor<f32>) -> tensor<2x1x1x10xf32>
  %4 = sluice.matmul %q, %k {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x10xf32>
  %5 = sluice.add %4, %3 : (tensor<2x4x8x10xf32>, tensor<2x1x1x10xf32>) -> tensor<2x4x8x10xf32>
  %6 = sluice.softmax %5 {axis = 3 : i64} : (tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xf32>
  %7 = sluice.matmul %6, %k : (tensor<2x4x8x10xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x16xf32>
  return %7 : tensor<2x4x8x16xf32>
}

// -----

// A constant matrix of zeros and -inf: causal, with a window of four.
// CHECK-LABEL: @constant_window(
func.func @constant_window(%q: tensor<1x1x4x16xf32>) -> tensor<1x1x4x16xf32> {
  // CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} {left = 1 : i64, right = 0 : i64} :
  %m = sluice.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 0.0, 0xFF800000], [0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<4x4xf32>
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<1x1x4x16xf32>, tensor<1x1x4x16xf32>) -> tensor<1x1x4x4xf32>
  %1 = sluice.add %0, %m : (tensor<1x1x4x4xf32>, tensor<4x4xf32>) -> tensor<1x1x4x4xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %3 = sluice.matmul %2, %q : (tensor<1x1x4x4xf32>, tensor<1x1x4x16xf32>) -> tensor<1x1x4x16xf32>
  return %3 : tensor<1x1x4x16xf32>
}

// -----

// Scores that a condition replaces; NaN becomes zero.
// CHECK-LABEL: @guarded(
// CHECK-SAME: %[[M:[a-z0-9]*]]: tensor<2x1x8x10xi1>
func.func @guarded(%q: tensor<2x4x8x16xf32>, %k: tensor<2x4x10x16xf32>, %m: tensor<2x1x8x10xi1>) -> tensor<2x4x8x16xf32> {
  // CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[M]] :
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %low = sluice.constant dense<0xFF800000> : tensor<f32>
  %0 = sluice.matmul %q, %k {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x10xf32>
  %1 = sluice.select %m, %0, %low : (tensor<2x1x8x10xi1>, tensor<2x4x8x10xf32>, tensor<f32>) -> tensor<2x4x8x10xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xf32>
  %3 = sluice.is_nan %2 : (tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xi1>
  %4 = sluice.select %3, %zero, %2 : (tensor<2x4x8x10xi1>, tensor<f32>, tensor<2x4x8x10xf32>) -> tensor<2x4x8x10xf32>
  %5 = sluice.matmul %4, %k : (tensor<2x4x8x10xf32>, tensor<2x4x10x16xf32>) -> tensor<2x4x8x16xf32>
  return %5 : tensor<2x4x8x16xf32>
}

// -----

// Windows repeat their bias: batch 2 * 3 of windows, a bias for each of three.
// CHECK-LABEL: @windows(
// CHECK-SAME: %[[Q:[a-z0-9]*]]: tensor<6x4x8x16xf32>, %[[B:[a-z0-9]*]]: tensor<3x1x8x8xf32>
func.func @windows(%q: tensor<6x4x8x16xf32>, %b: tensor<3x1x8x8xf32>) -> tensor<6x4x8x16xf32> {
  // CHECK: %[[F:.*]] = sluice.reshape {{.*}} -> tensor<3x1x8x8xf32>
  // CHECK: sluice.attention %[[Q]], %[[Q]], %[[Q]] bias %[[F]]
  %five = sluice.constant dense<[1, 3, 1, 8, 8]> : tensor<5xi64>
  %split = sluice.constant dense<[2, 3, 4, 8, 8]> : tensor<5xi64>
  %joined = sluice.constant dense<[6, 4, 8, 8]> : tensor<4xi64>
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<6x4x8x16xf32>, tensor<6x4x8x16xf32>) -> tensor<6x4x8x8xf32>
  %1 = sluice.reshape %0, %split {allow_zero} : (tensor<6x4x8x8xf32>, tensor<5xi64>) -> tensor<2x3x4x8x8xf32>
  %2 = sluice.reshape %b, %five {allow_zero} : (tensor<3x1x8x8xf32>, tensor<5xi64>) -> tensor<1x3x1x8x8xf32>
  %3 = sluice.add %1, %2 : (tensor<2x3x4x8x8xf32>, tensor<1x3x1x8x8xf32>) -> tensor<2x3x4x8x8xf32>
  %4 = sluice.reshape %3, %joined {allow_zero} : (tensor<2x3x4x8x8xf32>, tensor<4xi64>) -> tensor<6x4x8x8xf32>
  %5 = sluice.softmax %4 {axis = 3 : i64} : (tensor<6x4x8x8xf32>) -> tensor<6x4x8x8xf32>
  %6 = sluice.matmul %5, %q : (tensor<6x4x8x8xf32>, tensor<6x4x8x16xf32>) -> tensor<6x4x8x16xf32>
  return %6 : tensor<6x4x8x16xf32>
}

// -----

// A column of scores without values.
// CHECK-LABEL: @sinks(
// CHECK-SAME: %[[S:[a-z0-9]*]]: tensor<4xf32>
func.func @sinks(%q: tensor<2x4x8x16xf32>, %s: tensor<4xf32>) -> tensor<2x4x8x16xf32> {
  // CHECK: sluice.attention {{.*}} sinks %{{.*}} :
  %shape = sluice.constant dense<[2, 4, 8, 1]> : tensor<4xi64>
  %0 = sluice.unsqueeze %s {axes = array<i64: 0, 2, 3>} : (tensor<4xf32>) -> tensor<1x4x1x1xf32>
  %1 = sluice.broadcast %0, %shape : (tensor<1x4x1x1xf32>, tensor<4xi64>) -> tensor<2x4x8x1xf32>
  %2 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %3 = sluice.concat %2, %1 {axis = 3 : i64} : (tensor<2x4x8x8xf32>, tensor<2x4x8x1xf32>) -> tensor<2x4x8x9xf32>
  %4 = sluice.reduce %3 {axes = array<i64: 3>, keep_dims, kind = #sluice.reduction<max>} : (tensor<2x4x8x9xf32>) -> tensor<2x4x8x1xf32>
  %5 = sluice.sub %3, %4 : (tensor<2x4x8x9xf32>, tensor<2x4x8x1xf32>) -> tensor<2x4x8x9xf32>
  %6 = sluice.softmax %5 {axis = 3 : i64} : (tensor<2x4x8x9xf32>) -> tensor<2x4x8x9xf32>
  %7 = sluice.slice %6 {ends = array<i64: 2, 4, 8, -1>, starts = array<i64: 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1>} : (tensor<2x4x8x9xf32>) -> tensor<2x4x8x8xf32>
  %8 = sluice.matmul %7, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %8 : tensor<2x4x8x16xf32>
}

// -----

// Somebody reads the probabilities.
// CHECK-LABEL: @read(
func.func @read(%q: tensor<2x4x8x16xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x8xf32>) {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: the probabilities are also read by
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = sluice.softmax %0 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %2 = sluice.matmul %1, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %2, %1 : tensor<2x4x8x16xf32>, tensor<2x4x8x8xf32>
}

// -----

// The softmax is over queries.
// CHECK-LABEL: @over_queries(
func.func @over_queries(%q: tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32> {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: the softmax is not along the last dimension
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = sluice.softmax %0 {axis = 2 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %2 = sluice.matmul %1, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %2 : tensor<2x4x8x16xf32>
}

// -----

// A bias inside the tanh, and scores that become a number which is no mask.
// CHECK-LABEL: @other_functions(
func.func @other_functions(%q: tensor<2x4x8x16xf32>, %b: tensor<4x8x8xf32>, %m: tensor<8x8xi1>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: something is added to the scores in front of tanh
  // REMARK: is not fused: scores are replaced by a number above -1e4
  %low = sluice.constant dense<-100.0> : tensor<f32>
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = sluice.add %0, %b : (tensor<2x4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %2 = sluice.tanh %1 : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %3 = sluice.softmax %2 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %4 = sluice.matmul %3, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %5 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %6 = sluice.select %m, %5, %low : (tensor<8x8xi1>, tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x8xf32>
  %7 = sluice.softmax %6 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %8 = sluice.matmul %7, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %4, %8 : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
}

// -----

// Each branch has a softmax of the same scores: one of them runs.
// CHECK-LABEL: @in_branches(
func.func @in_branches(%q: tensor<2x4x8x16xf32>, %b: tensor<4x8x8xf32>, %c: i1) -> tensor<2x4x8x16xf32> {
  // CHECK-NOT: sluice.matmul
  // CHECK: scf.if
  // CHECK-NEXT: sluice.attention
  // CHECK: else
  // CHECK: sluice.attention
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = scf.if %c -> tensor<2x4x8x16xf32> {
    %2 = sluice.softmax %0 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
    %3 = sluice.matmul %2, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
    scf.yield %3 : tensor<2x4x8x16xf32>
  } else {
    %2 = sluice.add %0, %b : (tensor<2x4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<2x4x8x8xf32>
    %3 = sluice.softmax %2 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
    %4 = sluice.matmul %3, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
    scf.yield %4 : tensor<2x4x8x16xf32>
  }
  return %1 : tensor<2x4x8x16xf32>
}

// -----

// A branch makes the scores.
// CHECK-LABEL: @decided_in_the_run(
func.func @decided_in_the_run(%q: tensor<2x4x8x16xf32>, %b: tensor<2x4x8x8xf32>, %c: i1) -> tensor<2x4x8x16xf32> {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: a condition of the run decides the scores: scf.if
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = scf.if %c -> tensor<2x4x8x8xf32> {
    %3 = sluice.add %0, %b : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
    scf.yield %3 : tensor<2x4x8x8xf32>
  } else {
    scf.yield %0 : tensor<2x4x8x8xf32>
  }
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %4 = sluice.matmul %2, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %4 : tensor<2x4x8x16xf32>
}

// -----

// Scores, and then probabilities, as small integers.
// CHECK-LABEL: @quantised(
func.func @quantised(%q: tensor<2x4x8x16xf32>) -> (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: the scores are quantised in front of sluice.cast
  // REMARK: is not fused: the probabilities are quantised in sluice.mul
  %scale = sluice.constant dense<0.1> : tensor<f32>
  %inverse = sluice.constant dense<10.0> : tensor<f32>
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = sluice.mul %0, %inverse : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x8xf32>
  %2 = sluice.round %1 : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %3 = sluice.cast %2 {to = i8} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xi8>
  %4 = sluice.cast %3 {to = f32} : (tensor<2x4x8x8xi8>) -> tensor<2x4x8x8xf32>
  %5 = sluice.mul %4, %scale : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x8xf32>
  %6 = sluice.softmax %5 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %7 = sluice.matmul %6, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  %8 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %9 = sluice.softmax %8 {axis = 3 : i64} : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %10 = sluice.mul %9, %inverse : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x8xf32>
  %11 = sluice.round %10 : (tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %12 = sluice.mul %11, %scale : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x8xf32>
  %13 = sluice.matmul %12, %q : (tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x16xf32>
  return %7, %13 : tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>
}

// -----

// Bands of scores are put into a tensor of another shape, behind which comes a
// sum.
// CHECK-LABEL: @put_together(
func.func @put_together(%q: tensor<2x4x8x16xf32>, %b: tensor<2x4x8x12xf32>, %v: tensor<2x4x12x16xf32>) -> tensor<2x4x8x16xf32> {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: the scores are put together by sluice.pad
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x8x8xf32>
  %1 = sluice.pad %0, %zero {high = array<i64: 0, 0, 0, 2>, low = array<i64: 0, 0, 0, 2>} : (tensor<2x4x8x8xf32>, tensor<f32>) -> tensor<2x4x8x12xf32>
  %2 = sluice.add %1, %b : (tensor<2x4x8x12xf32>, tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %3 = sluice.softmax %2 {axis = 3 : i64} : (tensor<2x4x8x12xf32>) -> tensor<2x4x8x12xf32>
  %4 = sluice.matmul %3, %v : (tensor<2x4x8x12xf32>, tensor<2x4x12x16xf32>) -> tensor<2x4x8x16xf32>
  return %4 : tensor<2x4x8x16xf32>
}

// -----

// A mask of more batches than the scores have.
// CHECK-LABEL: @larger_mask(
func.func @larger_mask(%q: tensor<1x4x8x16xf32>, %b: tensor<3x1x8x8xf32>) -> tensor<3x4x8x16xf32> {
  // CHECK-NOT: sluice.attention
  // REMARK: is not fused: the scores are broadcast in sluice.add
  %0 = sluice.matmul %q, %q {transpose_rhs} : (tensor<1x4x8x16xf32>, tensor<1x4x8x16xf32>) -> tensor<1x4x8x8xf32>
  %1 = sluice.add %0, %b : (tensor<1x4x8x8xf32>, tensor<3x1x8x8xf32>) -> tensor<3x4x8x8xf32>
  %2 = sluice.softmax %1 {axis = 3 : i64} : (tensor<3x4x8x8xf32>) -> tensor<3x4x8x8xf32>
  %3 = sluice.matmul %2, %q : (tensor<3x4x8x8xf32>, tensor<1x4x8x16xf32>) -> tensor<3x4x8x16xf32>
  return %3 : tensor<3x4x8x16xf32>
}

// -----

// Keys and values whose pasts are as long, which the product with the values
// says and no name, share heads both.
// CHECK-LABEL: @named_apart(
// CHECK-DAG: %[[KEYS:.*]] = sluice.concat %arg1, %arg3
// CHECK-DAG: %[[VALUES:.*]] = sluice.concat %arg2, %arg4
// CHECK: sluice.attention %arg0, %[[KEYS]], %[[VALUES]]
func.func @named_apart(%query: tensor<1x4x1x12xf32>, %keys: tensor<1x2x?x12xf32> {sluice.dims = ["", "", "p", ""]}, %values: tensor<1x2x?x12xf32> {sluice.dims = ["", "", "q", ""]}, %key: tensor<1x2x1x12xf32>, %value: tensor<1x2x1x12xf32>) -> tensor<1x4x1x12xf32> {
  %one = sluice.constant dense<1> : tensor<1xi64>
  %two = sluice.constant dense<2> : tensor<1xi64>
  %four = sluice.constant dense<4> : tensor<1xi64>
  %size = sluice.constant dense<12> : tensor<1xi64>
  %p = sluice.shape %keys {end = 3 : i64, start = 2 : i64} : (tensor<1x2x?x12xf32>) -> tensor<1xi64>
  %k_length = sluice.add %p, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %q = sluice.shape %values {end = 3 : i64, start = 2 : i64} : (tensor<1x2x?x12xf32>) -> tensor<1xi64>
  %v_length = sluice.add %q, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %all_keys = sluice.concat %keys, %key {axis = 2 : i64} : (tensor<1x2x?x12xf32>, tensor<1x2x1x12xf32>) -> tensor<1x2x?x12xf32>
  %all_values = sluice.concat %values, %value {axis = 2 : i64} : (tensor<1x2x?x12xf32>, tensor<1x2x1x12xf32>) -> tensor<1x2x?x12xf32>
  %k0 = sluice.unsqueeze %all_keys {axes = array<i64: 2>} : (tensor<1x2x?x12xf32>) -> tensor<1x2x1x?x12xf32>
  %k_wide = sluice.concat %one, %two, %two, %k_length, %size {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %k1 = sluice.broadcast %k0, %k_wide : (tensor<1x2x1x?x12xf32>, tensor<5xi64>) -> tensor<1x2x2x?x12xf32>
  %k_shape = sluice.concat %one, %four, %k_length, %size {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %k2 = sluice.reshape %k1, %k_shape : (tensor<1x2x2x?x12xf32>, tensor<4xi64>) -> tensor<1x4x?x12xf32>
  %v0 = sluice.unsqueeze %all_values {axes = array<i64: 2>} : (tensor<1x2x?x12xf32>) -> tensor<1x2x1x?x12xf32>
  %v_wide = sluice.concat %one, %two, %two, %v_length, %size {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi64>
  %v1 = sluice.broadcast %v0, %v_wide : (tensor<1x2x1x?x12xf32>, tensor<5xi64>) -> tensor<1x2x2x?x12xf32>
  %v_shape = sluice.concat %one, %four, %v_length, %size {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %v2 = sluice.reshape %v1, %v_shape : (tensor<1x2x2x?x12xf32>, tensor<4xi64>) -> tensor<1x4x?x12xf32>
  %scores = sluice.matmul %query, %k2 {transpose_rhs} : (tensor<1x4x1x12xf32>, tensor<1x4x?x12xf32>) -> tensor<1x4x1x?xf32>
  %weights = sluice.softmax %scores {axis = 3 : i64} : (tensor<1x4x1x?xf32>) -> tensor<1x4x1x?xf32>
  %result = sluice.matmul %weights, %v2 : (tensor<1x4x1x?xf32>, tensor<1x4x?x12xf32>) -> tensor<1x4x1x12xf32>
  return %result : tensor<1x4x1x12xf32>
}
