// RUN: sluice-opt %s --sluice-block-masks --canonicalize | FileCheck %s

// A constant mask leaves where blocks say it all.
// CHECK-LABEL: @constant
// CHECK: %[[BLOCKS:.*]] = sluice.constant dense<1> : tensor<2x4xi32>
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} blocks %[[BLOCKS]] {block_sizes = array<i64: 64, 64>}
func.func @constant(%q: tensor<1x2x128x8xf32>, %k: tensor<1x2x200x8xf32>) -> tensor<1x2x128x8xf32> {
  %mask = sluice.constant dense<true> : tensor<128x200xi1>
  %0 = sluice.attention %q, %k, %k mask %mask : (tensor<1x2x128x8xf32>, tensor<1x2x200x8xf32>, tensor<1x2x200x8xf32>, tensor<128x200xi1>) -> tensor<1x2x128x8xf32>
  return %0 : tensor<1x2x128x8xf32>
}

// A bias of zeros and numbers that hide is a mask. Where it hides all keys of
// a row, the number is what the row gets.
// CHECK-LABEL: @constant_bias
// CHECK-DAG: %[[FILL:.*]] = sluice.constant dense<-1.000000e+04> : tensor<f32>
// CHECK-DAG: %[[NONE:.*]] = sluice.constant dense<0> : tensor<2x4xi32>
// CHECK-DAG: %[[ALL:.*]] = sluice.constant dense<1> : tensor<2x4xi32>
// CHECK-DAG: %[[MIXED:.*]] = sluice.constant dense<2> : tensor<2x4xi32>
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} blocks %[[NONE]] fallback %[[FILL]] {block_sizes
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} blocks %[[ALL]] {block_sizes
// CHECK: bias %{{.*}} blocks %[[MIXED]]
func.func @constant_bias(%q: tensor<1x2x128x8xf32>, %k: tensor<1x2x200x8xf32>) -> (tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>) {
  %hidden = sluice.constant dense<-1.0e4> : tensor<128x200xf32>
  %zero = sluice.constant dense<0.0> : tensor<128x200xf16>
  %added = sluice.constant dense<0.5> : tensor<128x200xf32>
  %0 = sluice.attention %q, %k, %k bias %hidden fallback %hidden {masked_below = -1.0e4 : f64} : (tensor<1x2x128x8xf32>, tensor<1x2x200x8xf32>, tensor<1x2x200x8xf32>, tensor<128x200xf32>, tensor<128x200xf32>) -> tensor<1x2x128x8xf32>
  %1 = sluice.attention %q, %k, %k bias %zero fallback %zero {masked_below = -1.0e4 : f64} : (tensor<1x2x128x8xf32>, tensor<1x2x200x8xf32>, tensor<1x2x200x8xf32>, tensor<128x200xf16>, tensor<128x200xf16>) -> tensor<1x2x128x8xf32>
  %2 = sluice.attention %q, %k, %k bias %added {masked_below = -1.0e4 : f64} : (tensor<1x2x128x8xf32>, tensor<1x2x200x8xf32>, tensor<1x2x200x8xf32>, tensor<128x200xf32>) -> tensor<1x2x128x8xf32>
  return %0, %1, %2 : tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>
}

// Masks of the run are looked at once, and stay for the blocks that are mixed.
// CHECK-LABEL: @in_the_run
// CHECK: %[[LIST:.*]] = sluice.mask_blocks %{{.*}} {block_sizes = array<i64: 64, 64>} : (tensor<?x1x1x?xi1>) -> tensor<?x1x1x?xi32>
// CHECK: mask %{{.*}} blocks %[[LIST]]
// CHECK: %[[BIASES:.*]] = sluice.mask_blocks %{{.*}} {block_sizes = array<i64: 64, 64>, masked_below = -1.000000e+04 : f64}
// CHECK: bias %{{.*}} blocks %[[BIASES]]
func.func @in_the_run(%q: tensor<?x2x?x8xf32>, %k: tensor<?x2x?x8xf32>, %mask: tensor<?x1x1x?xi1>, %bias: tensor<?x?xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) {
  %0 = sluice.attention %q, %k, %k mask %mask : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x1x1x?xi1>) -> tensor<?x2x?x8xf32>
  %1 = sluice.attention %q, %k, %k bias %bias {masked_below = -1.0e4 : f64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x?xf32>) -> tensor<?x2x?x8xf32>
  return %0, %1 : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
}

// A bias that is none of a mask, and what is within one block, have no list.
// CHECK-LABEL: @none
// CHECK-NOT: blocks
// CHECK: return
func.func @none(%q: tensor<1x2x128x8xf32>, %bias: tensor<128x128xf32>, %few: tensor<1x2x64x8xf32>, %mask: tensor<64x64xi1>) -> (tensor<1x2x128x8xf32>, tensor<1x2x64x8xf32>) {
  %0 = sluice.attention %q, %q, %q bias %bias : (tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<128x128xf32>) -> tensor<1x2x128x8xf32>
  %1 = sluice.attention %few, %few, %few mask %mask : (tensor<1x2x64x8xf32>, tensor<1x2x64x8xf32>, tensor<1x2x64x8xf32>, tensor<64x64xi1>) -> tensor<1x2x64x8xf32>
  return %0, %1 : tensor<1x2x128x8xf32>, tensor<1x2x64x8xf32>
}

// A mask that repeats a smaller one has that for a list: both dimensions at
// once, or one after the other, behind functions of elements.
// CHECK-LABEL: @expanded
// CHECK-SAME: %[[SMALL:[a-z0-9]*]]: tensor<1x2x4x4xf32>
// CHECK: %[[IS:.*]] = sluice.greater %[[SMALL]]
// CHECK: %[[CAST:.*]] = sluice.cast %[[IS]]
// CHECK: sluice.attention %{{.*}}, %{{.*}}, %{{.*}} blocks %[[CAST]] {block_sizes = array<i64: 32, 48>}
func.func @expanded(%small: tensor<1x2x4x4xf32>, %q: tensor<1x2x128x8xf32>, %k: tensor<1x2x192x8xf32>) -> tensor<1x2x128x8xf32> {
  %shape = sluice.constant dense<[1, 2, 4, 32, 4, 48]> : tensor<6xi64>
  %joined = sluice.constant dense<[1, 2, 128, 192]> : tensor<4xi64>
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %0 = sluice.unsqueeze %small {axes = array<i64: 3, 5>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x1x4x1xf32>
  %1 = sluice.broadcast %0, %shape : (tensor<1x2x4x1x4x1xf32>, tensor<6xi64>) -> tensor<1x2x4x32x4x48xf32>
  %2 = sluice.reshape %1, %joined : (tensor<1x2x4x32x4x48xf32>, tensor<4xi64>) -> tensor<1x2x128x192xf32>
  %mask = sluice.greater %2, %zero : (tensor<1x2x128x192xf32>, tensor<f32>) -> tensor<1x2x128x192xi1>
  %3 = sluice.attention %q, %k, %k mask %mask : (tensor<1x2x128x8xf32>, tensor<1x2x192x8xf32>, tensor<1x2x192x8xf32>, tensor<1x2x128x192xi1>) -> tensor<1x2x128x8xf32>
  return %3 : tensor<1x2x128x8xf32>
}

// CHECK-LABEL: @gathered
// CHECK-SAME: %[[SMALL:[a-z0-9]*]]: tensor<3x2xi1>
// CHECK: %[[CAST:.*]] = sluice.cast %[[SMALL]]
// CHECK: blocks %[[CAST]] {block_sizes = array<i64: 2, 64>}
func.func @gathered(%small: tensor<3x2xi1>, %q: tensor<1x2x5x8xf32>, %k: tensor<1x2x128x8xf32>) -> tensor<1x2x5x8xf32> {
  %rows = sluice.constant dense<[0, 0, 1, 1, 2]> : tensor<5xi64>
  %shape = sluice.constant dense<[5, 2, 64]> : tensor<3xi64>
  %joined = sluice.constant dense<[5, 128]> : tensor<2xi64>
  %0 = sluice.gather %small, %rows {axis = 0 : i64} : (tensor<3x2xi1>, tensor<5xi64>) -> tensor<5x2xi1>
  %1 = sluice.unsqueeze %0 {axes = array<i64: 2>} : (tensor<5x2xi1>) -> tensor<5x2x1xi1>
  %2 = sluice.broadcast %1, %shape : (tensor<5x2x1xi1>, tensor<3xi64>) -> tensor<5x2x64xi1>
  %3 = sluice.reshape %2, %joined : (tensor<5x2x64xi1>, tensor<2xi64>) -> tensor<5x128xi1>
  %4 = sluice.attention %q, %k, %k mask %3 : (tensor<1x2x5x8xf32>, tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<5x128xi1>) -> tensor<1x2x5x8xf32>
  return %4 : tensor<1x2x5x8xf32>
}

// Rows that are repeated as a whole ([0, 1, 0, 1]) are no blocks.
// CHECK-LABEL: @tiled
// CHECK: mask %{{.*}} blocks
func.func @tiled(%small: tensor<2x128xi1>, %q: tensor<1x2x4x8xf32>, %k: tensor<1x2x128x8xf32>) -> tensor<1x2x4x8xf32> {
  %rows = sluice.constant dense<[0, 1, 0, 1]> : tensor<4xi64>
  %0 = sluice.gather %small, %rows {axis = 0 : i64} : (tensor<2x128xi1>, tensor<4xi64>) -> tensor<4x128xi1>
  %1 = sluice.attention %q, %k, %k mask %0 : (tensor<1x2x4x8xf32>, tensor<1x2x128x8xf32>, tensor<1x2x128x8xf32>, tensor<4x128xi1>) -> tensor<1x2x4x8xf32>
  return %1 : tensor<1x2x4x8xf32>
}
