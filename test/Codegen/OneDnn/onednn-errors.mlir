// REQUIRES: onednn, x86_64-host
// RUN: sluice-opt %s --split-input-file --sluice-emit-kernels --verify-diagnostics

kernel.func @dynamic "matmul" attributes {provider = #kernel.provider<onednn>} {
^bb0(%x: tensor<?x8xf32>, %y: tensor<8x16xf32>):
  // expected-error @+1 {{oneDNN cannot compute this kernel: a size is only known during the run}}
  %0 = sluice.matmul %x, %y : (tensor<?x8xf32>, tensor<8x16xf32>) -> tensor<?x16xf32>
  kernel.yield %0 : tensor<?x16xf32>
}

// -----

kernel.func @post_op "matmul" attributes {provider = #kernel.provider<onednn>} {
^bb0(%x: tensor<4x8xf32>, %y: tensor<8x16xf32>):
  // expected-error @+1 {{oneDNN cannot compute this kernel: oneDNN has no post-op like sluice.erf}}
  %0 = sluice.matmul %x, %y : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.erf %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  kernel.yield %1 : tensor<4x16xf32>
}

// -----

kernel.func @map "map" attributes {provider = #kernel.provider<onednn>} {
^bb0(%x: tensor<4x8xf32>):
  %0 = sluice.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @+1 {{oneDNN has no kernel like this}}
  kernel.yield %0 : tensor<4x8xf32>
}
