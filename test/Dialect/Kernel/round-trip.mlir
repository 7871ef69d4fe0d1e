// RUN: sluice-opt %s | sluice-opt | FileCheck %s

// CHECK-LABEL: func.func @graph
// CHECK:         kernel.region "map" ins(%arg0 : tensor<?xf32>) sizes(%arg1) -> tensor<?xf32>
// CHECK:         kernel.call @k ins(%arg0 : tensor<?xf32>) sizes(%arg1) -> tensor<?xf32>
// CHECK:         kernel.call @k ins(%arg0 : tensor<?xf32>) sizes(%arg1) parameters(%arg1, %arg2 : index, f32) -> tensor<?xf32>
// CHECK:         kernel.alias %arg0 sizes(%arg1)
func.func @graph(%x: tensor<?xf32>, %n: index, %factor: f32) {
  %0 = kernel.region "map" ins(%x : tensor<?xf32>) sizes(%n) -> tensor<?xf32> {
  ^bb0(%a: tensor<?xf32>):
    kernel.yield %a : tensor<?xf32>
  }
  %1 = kernel.call @k ins(%x : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
  %3 = kernel.call @k ins(%x : tensor<?xf32>) sizes(%n) parameters(%n, %factor : index, f32) -> tensor<?xf32>
  %2 = kernel.alias %x sizes(%n) : tensor<?xf32> -> tensor<1x?xf32>
  return
}

// CHECK: kernel.func @k "map"
kernel.func @k "map" {
^bb0(%a: tensor<?xf32>):
  kernel.yield %a : tensor<?xf32>
}

// CHECK: kernel.func @tiled "matmul" attributes {provider = #kernel.provider<onednn>, tiling = #kernel.tiling<tile_rows = 6, unroll = 4, rows_outer = true>}
kernel.func @tiled "matmul" attributes {provider = #kernel.provider<onednn>, tiling = #kernel.tiling<tile_rows = 6, rows_outer = true, unroll = 4>} {
^bb0(%a: tensor<?xf32>):
  kernel.yield %a : tensor<?xf32>
}

// CHECK-LABEL: func.func @attributes
// CHECK:         kernel.region "map" ins(%arg0 : tensor<4xf32>) sizes() {provider = #kernel.provider<onednn>, tiling = #kernel.tiling<copy_padded = false>}
// CHECK:         sluice.relu {{.*}}kernel.provider = #kernel.provider<builtin>, kernel.tiling = #kernel.tiling<line_block = 2>
func.func @attributes(%x: tensor<4xf32>) {
  %0 = kernel.region "map" ins(%x : tensor<4xf32>) sizes() {provider = #kernel.provider<onednn>, tiling = #kernel.tiling<copy_padded = false>} -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    kernel.yield %a : tensor<4xf32>
  }
  %1 = sluice.relu %x {kernel.provider = #kernel.provider<builtin>, kernel.tiling = #kernel.tiling<line_block = 2>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @subview
// CHECK:         kernel.subview %arg0[%arg1] (%arg2) : memref<?x?xf32> to memref<?xf32>
func.func @subview(%buffer: memref<?x?xf32>, %offset: index, %size: index) -> memref<?xf32> {
  %0 = kernel.subview %buffer[%offset](%size) : memref<?x?xf32> to memref<?xf32>
  return %0 : memref<?xf32>
}

// CHECK-LABEL: module @targets attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4">}
module @targets attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4">} {
  // CHECK: kernel.func @own "map" attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "znver4", features = ["sse3", "ssse3"], l1_bytes = 49152, l2_bytes = 2097152, l3_bytes = 1048576>}
  kernel.func @own "map" attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "znver4", features = ["sse3", "ssse3"], l3_bytes = 1048576, l2_bytes = 2097152, l1_bytes = 49152>} {
  ^bb0(%a: tensor<4xf32>):
    kernel.yield %a : tensor<4xf32>
  }
}
