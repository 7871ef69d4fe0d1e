// Configurations of attentions that do not fit what they are for.
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels --verify-diagnostics

kernel.func @none "attention" {
^bb0(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>):
  // expected-error @+1 {{its kernel has no configuration for it; sluice-choose-kernels writes one}}
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  kernel.yield %0 : tensor<1x2x4x8xf32>
}

// -----

kernel.func @lanes "attention" attributes {config = #kernel.cpu_attention<lanes = 16>} {
^bb0(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>):
  // expected-error @+1 {{the target has no vectors of 16 of these elements}}
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  kernel.yield %0 : tensor<1x2x4x8xf32>
}

// -----

kernel.func @stack "attention" attributes {config = #kernel.cpu_attention<lanes = 8, query_block = 100000>} {
^bb0(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>):
  // expected-error @+1 {{the configuration of its kernel does not fit: its blocks take too much of the stack}}
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  kernel.yield %0 : tensor<1x2x4x8xf32>
}

// -----

kernel.func @list "attention" attributes {config = #kernel.cpu_attention<lanes = 8, query_block = 48, key_block = 64>} {
^bb0(%q: tensor<1x2x64x8xf32>, %k: tensor<1x2x64x8xf32>, %v: tensor<1x2x64x8xf32>, %b: tensor<1x1xi32>):
  // expected-error @+1 {{the configuration of its kernel does not fit: blocks of queries and keys are no parts of those that its list names}}
  %0 = sluice.attention %q, %k, %v blocks %b {block_sizes = array<i64: 64, 64>} : (tensor<1x2x64x8xf32>, tensor<1x2x64x8xf32>, tensor<1x2x64x8xf32>, tensor<1x1xi32>) -> tensor<1x2x64x8xf32>
  kernel.yield %0 : tensor<1x2x64x8xf32>
}

// -----

kernel.func @turned "attention" attributes {config = #kernel.cpu_attention<lanes = 8, key_block = 8, in_place = true>} {
^bb0(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x8x4xf32>, %v: tensor<1x2x4x8xf32>):
  // expected-error @+1 {{the configuration of its kernel does not fit: keys and values whose elements are no neighbours are copied}}
  %0 = sluice.attention %q, %k, %v {key_order = array<i64: 0, 1, 3, 2>} : (tensor<1x2x4x8xf32>, tensor<1x2x8x4xf32>, tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  kernel.yield %0 : tensor<1x2x4x8xf32>
}

// -----

kernel.func @sinks "attention" attributes {config = #kernel.cpu_attention<lanes = 8, key_block = 8, in_place = true, split = 8>} {
^bb0(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x8xf32>, %v: tensor<1x2x4x8xf32>, %s: tensor<2xf32>):
  // expected-error @+1 {{the configuration of its kernel does not fit: with sinks and fallbacks, keys are not split}}
  %0 = sluice.attention %q, %k, %v sinks %s : (tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<2xf32>) -> tensor<1x2x4x8xf32>
  kernel.yield %0 : tensor<1x2x4x8xf32>
}

// -----

kernel.func @wide "attention" attributes {config = #kernel.cpu_attention<lanes = 8>} {
^bb0(%q: tensor<1x2x4x8xf64>, %k: tensor<1x2x4x8xf64>, %v: tensor<1x2x4x8xf64>):
  // expected-error @+1 {{no kernel computes such an attention; sluice-decompose takes it apart}}
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x4x8xf64>, tensor<1x2x4x8xf64>, tensor<1x2x4x8xf64>) -> tensor<1x2x4x8xf64>
  kernel.yield %0 : tensor<1x2x4x8xf64>
}
