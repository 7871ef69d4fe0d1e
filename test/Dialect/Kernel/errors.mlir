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

// -----

// expected-error @+1 {{tile_rows is 0, but must be from 1 to 32}}
func.func private @rows() attributes {x = #kernel.tiling<tile_rows = 0>}

// -----

// expected-error @+1 {{tile_vectors is 9, but must be from 1 to 8}}
func.func private @vectors() attributes {x = #kernel.tiling<tile_vectors = 9>}

// -----

// expected-error @+1 {{depth_block is -4, but must be from 1 to 2147483648}}
func.func private @depth() attributes {x = #kernel.tiling<depth_block = -4>}

// -----

func.func @tiling(%x: tensor<4xf32>) {
  // expected-error @+1 {{kernel.tiling must be a #kernel.tiling}}
  %0 = sluice.relu %x {kernel.tiling = 4 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @provider(%x: tensor<4xf32>) {
  // expected-error @+1 {{kernel.provider must be a #kernel.provider}}
  %0 = sluice.relu %x {kernel.provider = "onednn"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}
