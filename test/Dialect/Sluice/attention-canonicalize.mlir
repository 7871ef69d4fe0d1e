// RUN: sluice-opt %s --canonicalize | FileCheck %s

// Each query sees the first key.
// CHECK-LABEL: @causal
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} {right = 0 : i64}
func.func @causal(%q: tensor<1x2x?x4xf32>, %fill: tensor<f32>) -> tensor<1x2x?x4xf32> {
  %0 = sluice.attention %q, %q, %q fallback %fill {right = 0 : i64} : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>, tensor<f32>) -> tensor<1x2x?x4xf32>
  return %0 : tensor<1x2x?x4xf32>
}

// A mask may hide them all, and so may a window from keys that are too few.
// CHECK-LABEL: @masked
// CHECK: fallback
// CHECK: fallback
func.func @masked(%q: tensor<1x2x9x4xf32>, %k: tensor<1x2x8x4xf32>, %mask: tensor<8xi1>, %fill: tensor<f32>) -> (tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>) {
  %0 = sluice.attention %q, %k, %k mask %mask fallback %fill : (tensor<1x2x9x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<8xi1>, tensor<f32>) -> tensor<1x2x9x4xf32>
  %1 = sluice.attention %q, %k, %k fallback %fill {left = 0 : i64, right = 0 : i64} : (tensor<1x2x9x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>, tensor<f32>) -> tensor<1x2x9x4xf32>
  return %0, %1 : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>
}
