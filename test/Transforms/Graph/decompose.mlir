// RUN: sluice-opt %s --sluice-decompose | FileCheck %s

// CHECK-LABEL: @softmax(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<2x?xf32>
// CHECK-NEXT:    %[[MAX:.*]] = sluice.reduce %[[X]] {axes = array<i64: 1>, keep_dims, kind = #sluice.reduction<max>}
// CHECK-NEXT:    %[[MOVED:.*]] = sluice.sub %[[X]], %[[MAX]]
// CHECK-NEXT:    %[[EXP:.*]] = sluice.exp %[[MOVED]]
// CHECK-NEXT:    %[[SUM:.*]] = sluice.reduce %[[EXP]] {axes = array<i64: 1>, keep_dims, kind = #sluice.reduction<sum>}
// CHECK-NEXT:    sluice.div %[[EXP]], %[[SUM]]
// CHECK-NEXT:    return
func.func @softmax(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// Sums of narrow numbers are computed in f32, and the parameters with them.
// CHECK-LABEL: @layer_norm(
// CHECK:         %[[WIDE:.*]] = sluice.cast %{{.*}} {to = f32}
// CHECK-NEXT:    %[[MEAN:.*]] = sluice.reduce %[[WIDE]] {axes = array<i64: 1, 2>, keep_dims, kind = #sluice.reduction<mean>}
// CHECK-NEXT:    %[[MOVED:.*]] = sluice.sub %[[WIDE]], %[[MEAN]]
// CHECK-NEXT:    sluice.mul %[[MOVED]], %[[MOVED]]
// CHECK:         sluice.sqrt
// CHECK:         sluice.cast %{{.*}} : (tensor<3x4xf16>) -> tensor<3x4xf32>
// CHECK:         %[[RESULT:.*]] = sluice.cast %{{.*}} {to = f16} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf16>
// CHECK-NEXT:    return %[[RESULT]]
func.func @layer_norm(%x: tensor<2x3x4xf16>, %scale: tensor<3x4xf16>) -> tensor<2x3x4xf16> {
  %0 = sluice.layer_norm %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f64} : (tensor<2x3x4xf16>, tensor<3x4xf16>) -> tensor<2x3x4xf16>
  return %0 : tensor<2x3x4xf16>
}

// What is no composite stays.
// CHECK-LABEL: @product(
// CHECK-NEXT:    sluice.matmul
// CHECK-NEXT:    sluice.gelu
// CHECK-NEXT:    return
func.func @product(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = sluice.matmul %x, %y : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = sluice.gelu %0 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
