// RUN: sluice-opt %s --split-input-file --verify-diagnostics | sluice-opt --split-input-file | FileCheck %s

// CHECK-LABEL: @plain
// CHECK: sluice.linear_attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x8xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
func.func @plain(%s: tensor<8x16xf32>, %q: tensor<9x1x8xf32>, %k: tensor<9x8xf32>, %v: tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>) {
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x8xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return %0#0, %0#1 : tensor<8x16xf32>, tensor<9x1x16xf32>
}

// -----

// CHECK-LABEL: @everything
// CHECK: sluice.linear_attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} decay %{{.*}} rate %{{.*}} {scale = 2.500000e-01 : f64}
func.func @everything(%s: tensor<?x4x8x16xf32>, %q: tensor<?x?x4x3x8xf16>, %k: tensor<?x?x1x8xf16>, %v: tensor<?x?x4x16xf16>, %a: tensor<1x1x4x1xf32>, %b: tensor<?x?x1x1xf32>) -> (tensor<?x4x8x16xf32>, tensor<?x?x4x3x16xf32>) {
  %0:2 = sluice.linear_attention %s, %q, %k, %v decay %a rate %b {scale = 0.25 : f64} : (tensor<?x4x8x16xf32>, tensor<?x?x4x3x8xf16>, tensor<?x?x1x8xf16>, tensor<?x?x4x16xf16>, tensor<1x1x4x1xf32>, tensor<?x?x1x1xf32>) -> (tensor<?x4x8x16xf32>, tensor<?x?x4x3x16xf32>)
  return %0#0, %0#1 : tensor<?x4x8x16xf32>, tensor<?x?x4x3x16xf32>
}

// -----

func.func @ranks(%s: tensor<8x16xf32>, %q: tensor<9x8xf32>, %k: tensor<9x8xf32>, %v: tensor<9x16xf32>) {
  // expected-error @+1 {{initial must be [heads..., D, V], query one dimension more}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x8xf32>, tensor<9x8xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}

// -----

func.func @key_rank(%s: tensor<8x16xf32>, %q: tensor<9x1x8xf32>, %k: tensor<9x1x8xf32>, %v: tensor<9x16xf32>) {
  // expected-error @+1 {{key, value, decay and rate must have as many dimensions as initial}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x1x8xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}

// -----

func.func @depth(%s: tensor<8x16xf32>, %q: tensor<9x1x8xf32>, %k: tensor<9x7xf32>, %v: tensor<9x16xf32>) {
  // expected-error @+1 {{key has 7 where there are 8 in dimension 1}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x7xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}

// -----

func.func @tokens(%s: tensor<8x16xf32>, %q: tensor<9x1x8xf32>, %k: tensor<9x8xf32>, %v: tensor<1x16xf32>) {
  // expected-error @+1 {{value has 1 where there are 9 in dimension 0}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x8xf32>, tensor<1x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}

// -----

func.func @rate(%s: tensor<8x16xf32>, %q: tensor<9x1x8xf32>, %k: tensor<9x8xf32>, %v: tensor<9x16xf32>, %b: tensor<9x16xf32>) {
  // expected-error @+1 {{rate has 16 where there are 1 in dimension 1}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v rate %b : (tensor<8x16xf32>, tensor<9x1x8xf32>, tensor<9x8xf32>, tensor<9x16xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}

// -----

func.func @integers(%s: tensor<8x16xf32>, %q: tensor<9x1x8xi32>, %k: tensor<9x8xf32>, %v: tensor<9x16xf32>) {
  // expected-error @+1 {{operands must be floats}}
  %0:2 = sluice.linear_attention %s, %q, %k, %v : (tensor<8x16xf32>, tensor<9x1x8xi32>, tensor<9x8xf32>, tensor<9x16xf32>) -> (tensor<8x16xf32>, tensor<9x1x16xf32>)
  return
}
