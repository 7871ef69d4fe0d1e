// RUN: sluice-opt %s | sluice-opt | FileCheck %s

// CHECK-LABEL: func.func @graph
// CHECK:         kernel.region "map" ins(%arg0 : tensor<?xf32>) sizes(%arg1) -> tensor<?xf32>
// CHECK:         kernel.call @k ins(%arg0 : tensor<?xf32>) sizes(%arg1) -> tensor<?xf32>
// CHECK:         kernel.alias %arg0 sizes(%arg1)
func.func @graph(%x: tensor<?xf32>, %n: index) {
  %0 = kernel.region "map" ins(%x : tensor<?xf32>) sizes(%n) -> tensor<?xf32> {
  ^bb0(%a: tensor<?xf32>):
    kernel.yield %a : tensor<?xf32>
  }
  %1 = kernel.call @k ins(%x : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
  %2 = kernel.alias %x sizes(%n) : tensor<?xf32> -> tensor<1x?xf32>
  return
}

// CHECK: kernel.func @k "map"
kernel.func @k "map" {
^bb0(%a: tensor<?xf32>):
  kernel.yield %a : tensor<?xf32>
}
