// RUN: sluice-opt %s --split-input-file --verify-diagnostics

func.func @sizes(%x: tensor<?xf32>) {
  // expected-error @+1 {{needs one size per dynamic result dimension}}
  %0 = kernel.region "map" ins(%x : tensor<?xf32>) sizes() -> tensor<?xf32> {
  ^bb0(%a: tensor<?xf32>):
    kernel.yield %a : tensor<?xf32>
  }
  return
}

// -----

func.func @arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{region arguments and inputs differ in type}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() -> tensor<5xf32> {
  ^bb0(%a: tensor<5xf32>):
    kernel.yield %a : tensor<5xf32>
  }
  return
}

// -----

func.func @results(%x: tensor<4xf32>) {
  // expected-error @+1 {{yielded values and results differ in type}}
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() -> tensor<5xf32> {
  ^bb0(%a: tensor<4xf32>):
    kernel.yield %a : tensor<4xf32>
  }
  return
}
