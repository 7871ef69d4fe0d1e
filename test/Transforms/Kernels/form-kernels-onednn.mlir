// REQUIRES: onednn, x86_64-host
// RUN: sluice-opt %s --split-input-file --sluice-lower-to-kernels=kernels=onednn | FileCheck %s

// Bias, activation and a residual are post-ops; weights keep their order.
// CHECK-LABEL: func.func @main
// CHECK:         kernel.packed_constant
// CHECK-NOT:     packing
// CHECK-SAME:    : tensor<4608xf32>
// CHECK:         kernel.call @onednn_packed_conv ins
// CHECK-NOT:     kernel.call
// CHECK:       kernel.func @onednn_packed_conv "packed_conv" attributes {provider = #kernel.provider<onednn>}
// CHECK:         kernel.packed_conv
// CHECK-NOT:     kernel.provider
// CHECK:         sluice.add
// CHECK:         sluice.add
// CHECK:         sluice.relu
func.func @main(%x: tensor<1x8x8x16xf32>, %r: tensor<1x8x8x32xf32>) -> tensor<1x8x8x32xf32> {
  %w = sluice.constant dense<1.0> : tensor<32x16x3x3xf32>
  %b = sluice.constant dense<"0x000000000000803F0000004000004040000080400000A0400000C0400000E0400000004100001041000020410000304100004041000050410000604100007041000080410000884100009041000098410000A0410000A8410000B0410000B8410000C0410000C8410000D0410000D8410000E0410000E8410000F0410000F841"> : tensor<32xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last} : (tensor<1x8x8x16xf32>, tensor<32x16x3x3xf32>) -> tensor<1x8x8x32xf32>
  %1 = sluice.add %0, %b : (tensor<1x8x8x32xf32>, tensor<32xf32>) -> tensor<1x8x8x32xf32>
  %2 = sluice.add %1, %r : (tensor<1x8x8x32xf32>, tensor<1x8x8x32xf32>) -> tensor<1x8x8x32xf32>
  %3 = sluice.relu %2 : (tensor<1x8x8x32xf32>) -> tensor<1x8x8x32xf32>
  return %3 : tensor<1x8x8x32xf32>
}

// -----

// A transposed matrix of weights is turned when the artifact is written.
// CHECK-LABEL: func.func @main
// CHECK:         packing = #kernel.panels<width = 16, transposed = true>
// CHECK:         kernel.call @onednn_packed_matmul ins
func.func @main(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<16x8xf32>
  %0 = sluice.matmul %x, %w {transpose_rhs} : (tensor<4x8xf32>, tensor<16x8xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

// What oneDNN has no post-op for is a kernel of its own.
// CHECK-LABEL: func.func @main
// CHECK:         kernel.call @onednn_matmul ins
// CHECK:         kernel.call @map ins
// CHECK:       kernel.func @onednn_matmul
// CHECK-NOT:     sluice.erf
// CHECK:       kernel.func @map "map" {
// CHECK:         sluice.erf
func.func @main(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.erf %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}
