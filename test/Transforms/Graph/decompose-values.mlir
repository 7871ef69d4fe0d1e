// REQUIRES: python-onnx
// Kernels and decompositions of composite ops agree, with each other and with
// formulas in f64.
// RUN: sluice-opt %s --sluice-evaluate-constants > %t.direct
// RUN: sluice-opt %s --sluice-decompose --sluice-evaluate-constants > %t.decomposed
// RUN: %python %S/Inputs/check_composites.py %s %t.direct %t.decomposed

func.func @softmax() -> tensor<2x5xf32> {
  %x = sluice.constant dense<[[0.5, -1.25, 3.0, 2.75, -80.0], [90.0, 89.5, 0.0, -4.0, 88.0]]> : tensor<2x5xf32>
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<2x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}
func.func @softmax_columns() -> tensor<2x3xf16> {
  %x = sluice.constant dense<[[0.5, -1.25, 3.0], [2.0, 8.5, -0.25]]> : tensor<2x3xf16>
  %0 = sluice.softmax %x {axis = 0 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}
func.func @log_softmax() -> tensor<2x5xf64> {
  %x = sluice.constant dense<[[0.5, -1.25, 3.0, 2.75, -80.0], [900.0, 899.5, 0.0, -4.0, 880.0]]> : tensor<2x5xf64>
  %0 = sluice.log_softmax %x {axis = 1 : i64} : (tensor<2x5xf64>) -> tensor<2x5xf64>
  return %0 : tensor<2x5xf64>
}
func.func @layer_norm() -> tensor<2x2x3xf32> {
  %x = sluice.constant dense<[[[0.5, -1.25, 3.0], [2.0, 8.5, -0.25]], [[100.5, 101.0, 99.0], [98.5, 102.0, 100.25]]]> : tensor<2x2x3xf32>
  %scale = sluice.constant dense<[[1.5, -0.5, 2.0], [0.25, 1.0, 3.0]]> : tensor<2x3xf32>
  %bias = sluice.constant dense<[[0.5, 0.75, -1.0], [2.0, 0.0, -3.5]]> : tensor<2x3xf32>
  %0 = sluice.layer_norm %x, %scale, %bias {axis = 1 : i64, epsilon = 1.0e-02 : f64} : (tensor<2x2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2x3xf32>
  return %0 : tensor<2x2x3xf32>
}
func.func @rms_norm() -> tensor<2x4xf16> {
  %x = sluice.constant dense<[[0.5, -1.25, 3.0, 60.0], [200.0, 8.5, -0.25, 180.0]]> : tensor<2x4xf16>
  %scale = sluice.constant dense<[1.5, -0.5, 2.0, 0.125]> : tensor<4xf16>
  %0 = sluice.rms_norm %x, %scale {axis = 1 : i64, epsilon = 1.0e-02 : f64} : (tensor<2x4xf16>, tensor<4xf16>) -> tensor<2x4xf16>
  return %0 : tensor<2x4xf16>
}
func.func @batch_norm() -> tensor<1x2x3xf32> {
  %x = sluice.constant dense<[[[0.5, -1.25, 3.0], [2.0, 8.5, -0.25]]]> : tensor<1x2x3xf32>
  %scale = sluice.constant dense<[1.5, -0.5]> : tensor<2xf32>
  %bias = sluice.constant dense<[0.25, 4.0]> : tensor<2xf32>
  %mean = sluice.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %variance = sluice.constant dense<[0.5, 6.0]> : tensor<2xf32>
  %0 = sluice.batch_norm %x, %scale, %bias, %mean, %variance {epsilon = 1.0e-02 : f64} : (tensor<1x2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x3xf32>
  return %0 : tensor<1x2x3xf32>
}
