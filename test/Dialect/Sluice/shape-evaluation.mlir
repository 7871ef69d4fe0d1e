// RUN: sluice-opt %s -canonicalize -resolve-ranked-shaped-type-result-dims -canonicalize -cse -split-input-file | FileCheck %s

// x.reshape(x.shape[0], -1) as exporters write it: the size that is copied
// cancels.
// CHECK-LABEL: func @gather_concat
// CHECK: %[[REST:.*]] = arith.constant 20 : index
// CHECK: return %[[REST]]
func.func @gather_concat(%x: tensor<?x4x5xf32>) -> index {
  %c1 = arith.constant 1 : index
  %zero = sluice.constant dense<0> : tensor<i64>
  %rest = sluice.constant dense<-1> : tensor<1xi64>
  %shape = sluice.shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x4x5xf32>) -> tensor<3xi64>
  %n = sluice.gather %shape, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %n1 = sluice.unsqueeze %n {axes = array<i64: 0>} : (tensor<i64>) -> tensor<1xi64>
  %sizes = sluice.concat %n1, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %y = sluice.reshape %x, %sizes {allow_zero} : (tensor<?x4x5xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %d = tensor.dim %y, %c1 : tensor<?x?xf32>
  return %d : index
}

// -----

// Twice the size, computed in floating point as Upsample's exporters do.
// CHECK-LABEL: func @float_sizes
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK: %[[M:.*]] = arith.muli %[[N]], %c2
// CHECK: return %[[M]]
func.func @float_sizes(%x: tensor<?xf32>, %v: tensor<f32>) -> index {
  %c0 = arith.constant 0 : index
  %two = sluice.constant dense<2.0> : tensor<1xf32>
  %shape = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
  %f = sluice.cast %shape {to = f32} : (tensor<1xi64>) -> tensor<1xf32>
  %m = sluice.mul %f, %two : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %r = sluice.floor %m : (tensor<1xf32>) -> tensor<1xf32>
  %i = sluice.cast %r {to = i64} : (tensor<1xf32>) -> tensor<1xi64>
  %y = sluice.broadcast %v, %i : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %d = tensor.dim %y, %c0 : tensor<?xf32>
  return %d : index
}
