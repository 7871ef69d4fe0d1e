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

// -----

// expected-error @+1 {{unknown CPU 'pentium9' for x86_64}}
func.func private @cpu() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "pentium9">}

// -----

// expected-error @+1 {{unknown CPU 'native' for x86_64}}
func.func private @native() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "native">}

// -----

// expected-error @+1 {{unknown CPU 'neoverse-n1' for x86_64}}
func.func private @cpu_of_others() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "neoverse-n1">}

// -----

// expected-error @+1 {{unsupported target triple 'riscv64-linux-gnu': only x86_64 and aarch64 are supported}}
func.func private @triple() attributes {x = #kernel.cpu_target<triple = "riscv64-linux-gnu", cpu = "generic">}

// -----

// expected-error @+1 {{only Linux is supported}}
func.func private @system() attributes {x = #kernel.cpu_target<triple = "x86_64-windows-msvc", cpu = "x86-64">}

// -----

// expected-error @+1 {{unknown feature 'avx9' for x86_64; known are sse3}}
func.func private @feature() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = ["avx9"]>}

// -----

// expected-error @+1 {{features must be names}}
func.func private @feature_type() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = [4]>}

// -----

// expected-error @+1 {{the features do not fit: code for sse3, ssse3, sse4.1, sse4.2, avx2 needs 'avx' too}}
func.func private @lacking() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = ["sse3", "ssse3", "sse4.1", "sse4.2", "avx2"]>}

// -----

// expected-error @+1 {{needs 'avx512vl' too}}
func.func private @half_avx512() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = ["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "f16c", "fma", "avx2", "avx512f"]>}

// -----

// expected-error @+1 {{l1_bytes is 10, but must be from 1024 to 1099511627776}}
func.func private @cache() attributes {x = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", l1_bytes = 10>}

// -----

// expected-error @+1 {{kernel.target must be a target, such as a #kernel.cpu_target}}
func.func private @no_target() attributes {kernel.target = "x86-64"}

// -----

module attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64">} {
  // expected-error @+1 {{kernel.target cannot be in one object file with that of the module around it}}
  func.func private @two_triples() attributes {kernel.target = #kernel.cpu_target<triple = "aarch64-linux-gnu", cpu = "generic">}
}
