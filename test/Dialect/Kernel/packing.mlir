// RUN: sluice-opt %s | sluice-opt | FileCheck %s

// Each encoding says what decides about the order of the bytes; the sizes come
// from the value.
// CHECK-LABEL: @encodings
func.func @encodings(%frame: !llvm.ptr) {
  // CHECK: {packing = #kernel.panels<width = 8>} : memref<24xf16>
  %0 = kernel.weight %frame dense<1.0> : tensor<3x5xf16> {packing = #kernel.panels<width = 8, transposed = false>} : memref<24xf16>
  // CHECK: {packing = #kernel.panels<width = 4, transposed = true>} : memref<2x24xi8>
  %1 = kernel.weight %frame dense<1> : tensor<2x3x6xi8> {packing = #kernel.panels<width = 4, transposed = true>} : memref<2x24xi8>
  // CHECK: {packing = #kernel.gates<gates = 3, lanes = 4>} : memref<120xf64>
  %2 = kernel.weight %frame dense<1.0> : tensor<1x5x15xf64> {packing = #kernel.gates<gates = 3, lanes = 4>} : memref<120xf64>
  // CHECK: {packing = #kernel.convolution_panels<width = 16, groups = 4, merged_groups = 2>} : memref<768xf32>
  %3 = kernel.weight %frame dense<1.0> : tensor<12x4x3xf32> {packing = #kernel.convolution_panels<width = 16, groups = 4, merged_groups = 2>} : memref<768xf32>
  // CHECK: {packing = #kernel.channel_vectors<lanes = 8>} : memref<72xf32>
  %4 = kernel.weight %frame dense<1.0> : tensor<6x1x3x3xf32> {packing = #kernel.channel_vectors<lanes = 8>} : memref<72xf32>
  // CHECK: {packing = #kernel.transposed_convolution<strides = [2], dilations = [1], pads_begin = [1], phases = [#kernel.convolution_panels<width = 8>, #kernel.convolution_panels<width = 8>]>} : memref<96xf32>
  %5 = kernel.weight %frame dense<1.0> : tensor<4x6x3xf32> {packing = #kernel.transposed_convolution<strides = [2], dilations = [1], pads_begin = [1], phases = [#kernel.convolution_panels<width = 8>, #kernel.convolution_panels<width = 8>]>} : memref<96xf32>
  return
}
