// RUN: sluice-opt %s --sluice-form-kernels=maximum-ops=2 | FileCheck %s
// RUN: sluice-opt %s --sluice-form-kernels | FileCheck %s --check-prefix=DEFAULT

// A long chain is several kernels, whose results are written out.
// CHECK-LABEL: func.func @chain
// CHECK:         kernel.region "map"
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      sluice.exp
// CHECK-NEXT:      kernel.yield
// CHECK:         kernel.region "map"
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      sluice.neg
// CHECK-NEXT:      sluice.abs
// CHECK-NEXT:      kernel.yield
// CHECK:         kernel.region "map"
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      sluice.sigmoid
// CHECK-NEXT:      sluice.relu
// CHECK-NEXT:      kernel.yield
// CHECK-NOT:     kernel.region

// What models have is one.
// DEFAULT-LABEL: func.func @chain
// DEFAULT:         kernel.region "map"
// DEFAULT-NOT:     kernel.region
func.func @chain(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = sluice.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = sluice.neg %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = sluice.abs %1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = sluice.sigmoid %2 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = sluice.relu %3 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}
