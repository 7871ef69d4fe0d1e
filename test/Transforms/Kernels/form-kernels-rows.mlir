// RUN: sluice-opt %s --split-input-file --sluice-form-kernels | FileCheck %s

// Halves of rows that are turned into each other, in another order of
// dimensions: one kernel, behind that of the product. A shared operand is read
// in other places than it would be written to, so it is not reused.
// CHECK-LABEL: func.func @halves
// CHECK:         kernel.region "matmul"
// CHECK:         kernel.region "map"
// CHECK-NOT:     reusable
// CHECK-COUNT-2:   sluice.slice
// CHECK:           sluice.concat
// CHECK:           sluice.add
// CHECK-NEXT:      kernel.yield
// CHECK-NOT:     kernel.region
func.func @halves(%x: tensor<?x24xf32>, %w: tensor<24x32xf32>, %cos: tensor<?x32xf32>, %sin: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = sluice.matmul %x, %w : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %1 = sluice.slice %0 {starts = array<i64: 0, 0>, ends = array<i64: 9223372036854775807, 16>, steps = array<i64: 1, 1>} : (tensor<?x32xf32>) -> tensor<?x16xf32>
  %2 = sluice.slice %0 {starts = array<i64: 0, -16>, ends = array<i64: 9223372036854775807, 9223372036854775807>, steps = array<i64: 1, 1>} : (tensor<?x32xf32>) -> tensor<?x16xf32>
  %3 = sluice.neg %2 : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %4 = sluice.concat %3, %1 {axis = 1 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x32xf32>
  %5 = sluice.mul %0, %cos : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %6 = sluice.mul %4, %sin : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %7 = sluice.add %5, %6 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %7 : tensor<?x32xf32>
}

// -----

// Neighbours in turns, and a part of the rows that stays: the kernel ends with
// what puts them together.
// CHECK-LABEL: func.func @pairs
// CHECK:         kernel.region "map" ins(%arg0, %arg1 :
// CHECK:           sluice.transpose
// CHECK:           sluice.interleave
// CHECK:           sluice.concat
// CHECK-NEXT:      kernel.yield
// CHECK-NOT:     kernel.region
func.func @pairs(%x: tensor<2x5x40xf32>, %a: tensor<5x1x16xf32>) -> tensor<5x2x40xf32> {
  %0 = sluice.transpose %x {permutation = array<i64: 1, 0, 2>} : (tensor<2x5x40xf32>) -> tensor<5x2x40xf32>
  %1 = sluice.slice %0 {starts = array<i64: 0, 0, 0>, ends = array<i64: 5, 2, 32>, steps = array<i64: 1, 1, 2>} : (tensor<5x2x40xf32>) -> tensor<5x2x16xf32>
  %2 = sluice.slice %0 {starts = array<i64: 0, 0, 1>, ends = array<i64: 5, 2, 32>, steps = array<i64: 1, 1, 2>} : (tensor<5x2x40xf32>) -> tensor<5x2x16xf32>
  %3 = sluice.slice %0 {starts = array<i64: 0, 0, 32>, ends = array<i64: 5, 2, 40>, steps = array<i64: 1, 1, 1>} : (tensor<5x2x40xf32>) -> tensor<5x2x8xf32>
  %4 = sluice.mul %1, %a : (tensor<5x2x16xf32>, tensor<5x1x16xf32>) -> tensor<5x2x16xf32>
  %5 = sluice.neg %2 : (tensor<5x2x16xf32>) -> tensor<5x2x16xf32>
  %6 = sluice.interleave %5, %4 : (tensor<5x2x16xf32>, tensor<5x2x16xf32>) -> tensor<5x2x32xf32>
  %7 = sluice.concat %6, %3 {axis = 2 : i64} : (tensor<5x2x32xf32>, tensor<5x2x8xf32>) -> tensor<5x2x40xf32>
  return %7 : tensor<5x2x40xf32>
}

// -----

// Not short pieces, not other dimensions, not every third element, and not what
// moves along rows. What is computed is not computed once for each part, and an
// epilogue stays with its product.
// CHECK-LABEL: func.func @apart
// CHECK:         kernel.region "slice"
// CHECK:         kernel.region "slice"
// CHECK:         kernel.region "slice"
// CHECK:         kernel.region "transpose"
// CHECK:         kernel.region "map"
// CHECK-COUNT-4:   sluice.neg
func.func @apart(%x: tensor<32x32xf32>) -> (tensor<32x4xf32>, tensor<9x32xf32>, tensor<32x11xf32>, tensor<32x32xf32>) {
  %0 = sluice.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 32, 4>, steps = array<i64: 1, 1>} : (tensor<32x32xf32>) -> tensor<32x4xf32>
  %1 = sluice.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 9, 32>, steps = array<i64: 1, 1>} : (tensor<32x32xf32>) -> tensor<9x32xf32>
  %2 = sluice.slice %x {starts = array<i64: 0, 0>, ends = array<i64: 32, 32>, steps = array<i64: 1, 3>} : (tensor<32x32xf32>) -> tensor<32x11xf32>
  %3 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<32x32xf32>) -> tensor<32x32xf32>
  %4 = sluice.neg %0 : (tensor<32x4xf32>) -> tensor<32x4xf32>
  %5 = sluice.neg %1 : (tensor<9x32xf32>) -> tensor<9x32xf32>
  %6 = sluice.neg %2 : (tensor<32x11xf32>) -> tensor<32x11xf32>
  %7 = sluice.neg %3 : (tensor<32x32xf32>) -> tensor<32x32xf32>
  return %4, %5, %6, %7 : tensor<32x4xf32>, tensor<9x32xf32>, tensor<32x11xf32>, tensor<32x32xf32>
}

// -----

// CHECK-LABEL: func.func @computed_once
// CHECK:         kernel.region "map"
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      sluice.exp
// CHECK-NEXT:      kernel.yield
// CHECK:         kernel.region "map"
// CHECK-COUNT-2:   sluice.slice
// CHECK:         kernel.region "matmul"
// CHECK:           sluice.relu
// CHECK:         kernel.region "transpose"
func.func @computed_once(%x: tensor<4x6x32xf32>, %w: tensor<32x32xf32>) -> (tensor<4x6x16xf32>, tensor<6x4x32xf32>) {
  %0 = sluice.exp %x : (tensor<4x6x32xf32>) -> tensor<4x6x32xf32>
  %1 = sluice.slice %0 {starts = array<i64: 0, 0, 0>, ends = array<i64: 4, 6, 16>, steps = array<i64: 1, 1, 1>} : (tensor<4x6x32xf32>) -> tensor<4x6x16xf32>
  %2 = sluice.slice %0 {starts = array<i64: 0, 0, 8>, ends = array<i64: 4, 6, 24>, steps = array<i64: 1, 1, 1>} : (tensor<4x6x32xf32>) -> tensor<4x6x16xf32>
  %3 = sluice.mul %1, %2 : (tensor<4x6x16xf32>, tensor<4x6x16xf32>) -> tensor<4x6x16xf32>
  %4 = sluice.matmul %x, %w : (tensor<4x6x32xf32>, tensor<32x32xf32>) -> tensor<4x6x32xf32>
  %5 = sluice.relu %4 : (tensor<4x6x32xf32>) -> tensor<4x6x32xf32>
  %6 = sluice.transpose %5 {permutation = array<i64: 1, 0, 2>} : (tensor<4x6x32xf32>) -> tensor<6x4x32xf32>
  return %3, %6 : tensor<4x6x16xf32>, tensor<6x4x32xf32>
}
