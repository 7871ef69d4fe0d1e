// Names of providers that a compilation does not have.
// RUN: not sluice-opt %s --split-input-file --sluice-form-kernels --sluice-choose-kernels 2>&1 | FileCheck %s
// RUN: not sluice-opt %s --split-input-file --sluice-emit-kernels 2>&1 | FileCheck %s --check-prefix=EMIT

// CHECK: error: there is no kernel provider 'magic'; there are: builtin, onednn
func.func @graph(%x: tensor<4x8xf32>, %w: tensor<8x4xf32>) -> tensor<4x4xf32> {
  %0 = sluice.matmul %x, %w {kernel.provider = #kernel.provider<magic>} : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

// EMIT: error: there is no kernel provider 'magic'; there are: builtin, onednn
kernel.func @magic_map "map" attributes {provider = #kernel.provider<magic>} {
^bb0(%x: tensor<4xf32>):
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
