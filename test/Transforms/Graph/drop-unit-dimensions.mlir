// RUN: sluice-opt %s --sluice-drop-unit-dimensions -split-input-file | FileCheck %s

// The views meet those around and cancel, across a transpose and a sum.
// CHECK-LABEL: @sequence(
// CHECK-SAME: %[[X:.*]]: tensor<1x9x4xf32>, %[[W:.*]]: tensor<8x4x3x1xf32>
func.func @sequence(%x: tensor<1x9x4xf32>, %w: tensor<8x4x3x1xf32>) -> tensor<1x8x7xf32> {
  // CHECK-DAG: %[[T:.*]] = sluice.transpose %[[X]] {permutation = array<i64: 0, 2, 1>}
  // CHECK-DAG: %[[NARROW:.*]] = sluice.reshape %[[W]], {{.*}} -> tensor<8x4x3xf32>
  // CHECK: %[[Y:.*]] = sluice.conv %[[T]], %[[NARROW]] {{.*}}pads = array<i64: 0, 0>, strides = array<i64: 1>
  // CHECK: %[[B:.*]] = sluice.reshape {{.*}} -> tensor<1x8x1xf32>
  // CHECK: %[[SUM:.*]] = sluice.add %[[Y]], %[[B]]
  // CHECK-NEXT: %[[RELU:.*]] = sluice.relu %[[SUM]]
  // CHECK-NEXT: return %[[RELU]]
  %s4 = sluice.constant dense<[1, 9, 1, 4]> : tensor<4xi64>
  %s3 = sluice.constant dense<[1, 8, 7]> : tensor<3xi64>
  %b = sluice.constant dense_resource<bias> : tensor<1x8x1x1xf32>
  %0 = sluice.reshape %x, %s4 : (tensor<1x9x4xf32>, tensor<4xi64>) -> tensor<1x9x1x4xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x9x1x4xf32>) -> tensor<1x4x9x1xf32>
  %2 = sluice.conv %1, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x9x1xf32>, tensor<8x4x3x1xf32>) -> tensor<1x8x7x1xf32>
  %3 = sluice.add %2, %b : (tensor<1x8x7x1xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x7x1xf32>
  %4 = sluice.relu %3 : (tensor<1x8x7x1xf32>) -> tensor<1x8x7x1xf32>
  %5 = sluice.reshape %4, %s3 : (tensor<1x8x7x1xf32>, tensor<3xi64>) -> tensor<1x8x7xf32>
  return %5 : tensor<1x8x7xf32>
}

{-#
  dialect_resources: {
    builtin: {
      bias: "0x040000000000803F000000400000404000008040000080400000A0400000C0400000E040"
    }
  }
#-}

// -----

// Between dynamic sizes too.
// CHECK-LABEL: @dynamic(
func.func @dynamic(%x: tensor<?x4x?x1xf32>, %w: tensor<4x4x3x1xf32>) -> tensor<?x4x?xf32> {
  // CHECK: %[[IN:.*]] = sluice.squeeze {{.*}} -> tensor<?x4x?xf32>
  // CHECK: %[[Y:.*]] = sluice.conv %[[IN]], {{.*}}pads = array<i64: 1, 2>
  // CHECK-NEXT: %[[Z:.*]] = sluice.relu %[[Y]]
  // CHECK-NEXT: return %[[Z]]
  %0 = sluice.conv %x, %w {dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 2, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x?x1xf32>, tensor<4x4x3x1xf32>) -> tensor<?x4x?x1xf32>
  %1 = sluice.relu %0 : (tensor<?x4x?x1xf32>) -> tensor<?x4x?x1xf32>
  %2 = sluice.squeeze %1 {axes = array<i64: 3>} : (tensor<?x4x?x1xf32>) -> tensor<?x4x?xf32>
  return %2 : tensor<?x4x?xf32>
}

// -----

// One line is convolved as it is, and so are single pixels and padded ones.
// CHECK-LABEL: @others(
func.func @others(%line: tensor<1x4x1x9xf32>, %pixel: tensor<1x4x1x1xf32>, %column: tensor<1x4x9x1xf32>, %w: tensor<8x4x1x1xf32>, %w3: tensor<8x4x1x3xf32>)
    -> (tensor<1x8x1x9xf32>, tensor<1x8x1x1xf32>, tensor<1x8x9x1xf32>) {
  // CHECK-COUNT-3: sluice.conv {{.*}}strides = array<i64: 1, 1>
  // CHECK-NEXT: return
  %0 = sluice.conv %line, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x1x9xf32>, tensor<8x4x1x1xf32>) -> tensor<1x8x1x9xf32>
  %1 = sluice.conv %pixel, %w {dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x1x1xf32>, tensor<8x4x1x1xf32>) -> tensor<1x8x1x1xf32>
  %2 = sluice.conv %column, %w3 {dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 1>} : (tensor<1x4x9x1xf32>, tensor<8x4x1x3xf32>) -> tensor<1x8x9x1xf32>
  return %0, %1, %2 : tensor<1x8x1x9xf32>, tensor<1x8x1x1xf32>, tensor<1x8x9x1xf32>
}
