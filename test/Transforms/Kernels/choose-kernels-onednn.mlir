// REQUIRES: onednn, x86_64-host
// RUN: sluice-opt %s --split-input-file --sluice-form-kernels --sluice-choose-kernels=kernels=onednn | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-form-kernels --sluice-choose-kernels | FileCheck %s --check-prefix=BUILTIN
// RUN: sluice-opt %s --split-input-file --sluice-form-kernels --sluice-choose-kernels=kernels=onednn --remarks-filter=providers --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// BUILTIN-NOT: provider

// REMARK: "computed by ", Remark=oneDNN, Remark=" (", Remark=
// CHECK-LABEL: func.func @matmul
// CHECK:         kernel.region "matmul" {{.*}}provider = #kernel.provider<onednn>
func.func @matmul(%x: tensor<2x4x8xf32>) -> tensor<2x4x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w : (tensor<2x4x8xf32>, tensor<8x16xf32>) -> tensor<2x4x16xf32>
  return %0 : tensor<2x4x16xf32>
}

// -----

// REMARK: "computed by ", Remark=oneDNN, Remark=" (", Remark=
// CHECK-LABEL: func.func @run_time_operands
// CHECK:         kernel.region "matmul" {{.*}}provider = #kernel.provider<onednn>
func.func @run_time_operands(%x: tensor<12x4x8xf32>, %y: tensor<12x16x8xf32>) -> tensor<12x4x16xf32> {
  %0 = sluice.matmul %x, %y {transpose_rhs} : (tensor<12x4x8xf32>, tensor<12x16x8xf32>) -> tensor<12x4x16xf32>
  return %0 : tensor<12x4x16xf32>
}

// -----

// REMARK: "computed by ", Remark=oneDNN, Remark=" (", Remark=
// CHECK-LABEL: func.func @conv
// CHECK:         kernel.region "conv" {{.*}}provider = #kernel.provider<onednn>
func.func @conv(%x: tensor<1x8x8x16xf32>) -> tensor<1x8x8x32xf32> {
  %w = sluice.constant dense<1.0> : tensor<32x16x3x3xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last} : (tensor<1x8x8x16xf32>, tensor<32x16x3x3xf32>) -> tensor<1x8x8x32xf32>
  return %0 : tensor<1x8x8x32xf32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}a size is only known during the run
// CHECK-LABEL: func.func @dynamic
// CHECK-NOT:     provider
func.func @dynamic(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x16xf32>
  %0 = sluice.matmul %x, %w : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}its elements are not f32
// CHECK-LABEL: func.func @integers
// CHECK-NOT:     provider
func.func @integers(%x: tensor<4x8xi32>, %y: tensor<8x16xi32>) -> tensor<4x16xi32> {
  %0 = sluice.matmul %x, %y : (tensor<4x8xi32>, tensor<8x16xi32>) -> tensor<4x16xi32>
  return %0 : tensor<4x16xi32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}its weights are not constant
// CHECK-LABEL: func.func @run_time_weights
// CHECK-NOT:     provider
func.func @run_time_weights(%x: tensor<1x8x8x16xf32>, %w: tensor<32x16x3x3xf32>) -> tensor<1x8x8x32xf32> {
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last} : (tensor<1x8x8x16xf32>, tensor<32x16x3x3xf32>) -> tensor<1x8x8x32xf32>
  return %0 : tensor<1x8x8x32xf32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}its channels are not last
// CHECK-LABEL: func.func @channels_first
// CHECK-NOT:     provider
func.func @channels_first(%x: tensor<1x16x8x8xf32>) -> tensor<1x32x8x8xf32> {
  %w = sluice.constant dense<1.0> : tensor<32x16x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x16x8x8xf32>, tensor<32x16x1x1xf32>) -> tensor<1x32x8x8xf32>
  return %0 : tensor<1x32x8x8xf32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}its negative padding crops the image
// CHECK-LABEL: func.func @crop
// CHECK-NOT:     provider
func.func @crop(%x: tensor<1x8x8x16xf32>) -> tensor<1x6x8x32xf32> {
  %w = sluice.constant dense<1.0> : tensor<32x16x1x1xf32>
  %0 = sluice.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: -1, 0, -1, 0>, channels_last} : (tensor<1x8x8x16xf32>, tensor<32x16x1x1xf32>) -> tensor<1x6x8x32xf32>
  return %0 : tensor<1x6x8x32xf32>
}

// -----

// REMARK: "not computed by ", Remark=oneDNN, {{.*}}a tensor is empty
// CHECK-LABEL: func.func @empty
// CHECK-NOT:     provider
func.func @empty(%x: tensor<4x0xf32>, %y: tensor<0x16xf32>) -> tensor<4x16xf32> {
  %0 = sluice.matmul %x, %y : (tensor<4x0xf32>, tensor<0x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
