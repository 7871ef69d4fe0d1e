// Packings that were not chosen for what they are on.
// RUN: sluice-opt %s --split-input-file --sluice-pack-weights --verify-diagnostics

func.func @variable(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> {
  // expected-error @+1 {{input 1 is no constant to pack}}
  %0 = kernel.region "matmul" ins(%x, %w : tensor<4x8xf32>, tensor<8x16xf32>) sizes() {packing = [unit, #kernel.panels<width = 16>]} -> tensor<4x16xf32> {
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>):
    %1 = sluice.matmul %a, %b : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
    kernel.yield %1 : tensor<4x16xf32>
  }
  return %0 : tensor<4x16xf32>
}

// -----

func.func @form(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{its anchor has no form with packed constants}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {packing = [#kernel.plain]} -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    kernel.yield %a : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

func.func @shared(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %w = sluice.constant dense<1.0> : tensor<8x8xf32>
  // expected-error @+1 {{a packed input is read by others than its anchor}}
  %0 = kernel.region "matmul" ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) sizes() {packing = [unit, #kernel.panels<width = 8>]} -> tensor<8x8xf32> {
  ^bb0(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>):
    %1 = sluice.matmul %a, %b : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %2 = sluice.add %1, %b : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    kernel.yield %2 : tensor<8x8xf32>
  }
  return %0 : tensor<8x8xf32>
}
