// RUN: sluice-opt %s --sluice-recognise-normalizations -split-input-file | FileCheck %s

// As PyTorch exports it.
// CHECK-LABEL: @layer_norm(
// CHECK-SAME: %[[X:.*]]: tensor<?x4x8xf32>, %[[G:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>
func.func @layer_norm(%x: tensor<?x4x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x4x8xf32> {
  // CHECK-NEXT: sluice.layer_norm %[[X]], %[[G]], %[[B]] {axis = 2 : i64, epsilon = 9.99{{.*}}E-6 : f64}
  // CHECK-NEXT: return
  %two = sluice.constant dense<2.0> : tensor<f32>
  %epsilon = sluice.constant dense<1.0e-5> : tensor<f32>
  %0 = sluice.reduce %x {kind = #sluice.reduction<mean>, axes = array<i64: 2>, keep_dims} : (tensor<?x4x8xf32>) -> tensor<?x4x1xf32>
  %1 = sluice.sub %x, %0 : (tensor<?x4x8xf32>, tensor<?x4x1xf32>) -> tensor<?x4x8xf32>
  %2 = sluice.pow %1, %two : (tensor<?x4x8xf32>, tensor<f32>) -> tensor<?x4x8xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<mean>, axes = array<i64: 2>, keep_dims} : (tensor<?x4x8xf32>) -> tensor<?x4x1xf32>
  %4 = sluice.add %3, %epsilon : (tensor<?x4x1xf32>, tensor<f32>) -> tensor<?x4x1xf32>
  %5 = sluice.sqrt %4 : (tensor<?x4x1xf32>) -> tensor<?x4x1xf32>
  %6 = sluice.div %1, %5 : (tensor<?x4x8xf32>, tensor<?x4x1xf32>) -> tensor<?x4x8xf32>
  %7 = sluice.mul %6, %g : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  %8 = sluice.add %7, %b : (tensor<?x4x8xf32>, tensor<8xf32>) -> tensor<?x4x8xf32>
  return %8 : tensor<?x4x8xf32>
}

// -----

// Means as sums times 1/n, an inverse deviation, over two dimensions.
// CHECK-LABEL: @sums(
func.func @sums(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  // CHECK: sluice.layer_norm %{{.*}} {axis = 1 : i64
  // CHECK-NEXT: return
  %epsilon = sluice.constant dense<1.0e-5> : tensor<f32>
  %part = sluice.constant dense<3.125000e-02> : tensor<f32>
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 1, 2>, keep_dims} : (tensor<2x4x8xf32>) -> tensor<2x1x1xf32>
  %1 = sluice.mul %0, %part : (tensor<2x1x1xf32>, tensor<f32>) -> tensor<2x1x1xf32>
  %2 = sluice.sub %x, %1 : (tensor<2x4x8xf32>, tensor<2x1x1xf32>) -> tensor<2x4x8xf32>
  %3 = sluice.mul %2, %2 : (tensor<2x4x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %4 = sluice.reduce %3 {kind = #sluice.reduction<sum>, axes = array<i64: 1, 2>, keep_dims} : (tensor<2x4x8xf32>) -> tensor<2x1x1xf32>
  %5 = sluice.mul %4, %part : (tensor<2x1x1xf32>, tensor<f32>) -> tensor<2x1x1xf32>
  %6 = sluice.add %5, %epsilon : (tensor<2x1x1xf32>, tensor<f32>) -> tensor<2x1x1xf32>
  %7 = sluice.sqrt %6 : (tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %8 = sluice.reciprocal %7 : (tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %9 = sluice.mul %8, %2 : (tensor<2x1x1xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %9 : tensor<2x4x8xf32>
}

// -----

// CHECK-LABEL: @rms_norm(
func.func @rms_norm(%x: tensor<2x8xf32>, %g: tensor<8xf32>) -> tensor<2x8xf32> {
  // CHECK: sluice.rms_norm %{{.*}}, %{{.*}} {axis = 1 : i64
  // CHECK-NEXT: return
  %epsilon = sluice.constant dense<1.0e-5> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %0 = sluice.mul %x, %x : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = sluice.reduce %0 {kind = #sluice.reduction<mean>, axes = array<i64: 1>, keep_dims} : (tensor<2x8xf32>) -> tensor<2x1xf32>
  %2 = sluice.add %1, %epsilon : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %3 = sluice.sqrt %2 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %4 = sluice.div %one, %3 : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %5 = sluice.mul %x, %4 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %6 = sluice.mul %g, %5 : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %6 : tensor<2x8xf32>
}

// -----

// Leading dimensions are no layer norm; a parameter per row is none.
// CHECK-LABEL: @others(
func.func @others(%x: tensor<8x8xf32>, %rows: tensor<8x1xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  // CHECK-NOT: sluice.layer_norm
  %epsilon = sluice.constant dense<1.0e-5> : tensor<f32>
  %0 = sluice.mul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = sluice.reduce %0 {kind = #sluice.reduction<mean>, axes = array<i64: 0>, keep_dims} : (tensor<8x8xf32>) -> tensor<1x8xf32>
  %2 = sluice.add %1, %epsilon : (tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
  %3 = sluice.sqrt %2 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  // CHECK: sluice.div
  %4 = sluice.div %x, %3 : (tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<8x8xf32>
  // CHECK: sluice.rms_norm
  // CHECK: sluice.mul
  %5 = sluice.rms_norm %x {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %6 = sluice.mul %5, %rows : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  return %4, %6 : tensor<8x8xf32>, tensor<8x8xf32>
}
