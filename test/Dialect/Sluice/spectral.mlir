// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s
// RUN: sluice-opt %s -split-input-file -verify-diagnostics -canonicalize | FileCheck %s --check-prefix=CANONICAL

// CHECK-LABEL: @round_trip
func.func @round_trip(%x: tensor<12x1x?xf32>, %roots: tensor<12x2xf32>) -> tensor<7x2x?xf32> {
  // CHECK: sluice.fourier_transform %{{.*}}, %{{.*}} {onesided, radices = array<i64: 4, 3>}
  %0 = sluice.fourier_transform %x, %roots {onesided, radices = array<i64: 4, 3>}
    : (tensor<12x1x?xf32>, tensor<12x2xf32>) -> tensor<7x2x?xf32>
  return %0 : tensor<7x2x?xf32>
}

// -----

// A power of two that is known is split at compile time, others are not.
// CANONICAL-LABEL: @known_power
// CANONICAL: radices = array<i64: 4, 4, 2>
func.func @known_power(%x: tensor<32x2x5xf32>, %roots: tensor<32x2xf32>) -> tensor<32x2x5xf32> {
  %0 = sluice.fourier_transform %x, %roots {inverse, radices = array<i64>}
    : (tensor<32x2x5xf32>, tensor<32x2xf32>) -> tensor<32x2x5xf32>
  return %0 : tensor<32x2x5xf32>
}

// -----

// CANONICAL-LABEL: @unknown_power
// CANONICAL: radices = array<i64>
func.func @unknown_power(%x: tensor<?x2x5xf32>, %roots: tensor<?x2xf32>) -> tensor<?x2x5xf32> {
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64>}
    : (tensor<?x2x5xf32>, tensor<?x2xf32>) -> tensor<?x2x5xf32>
  return %0 : tensor<?x2x5xf32>
}

// -----

func.func @product(%x: tensor<12x2x5xf32>, %roots: tensor<12x2xf32>) {
  // expected-error@below {{has radices whose product is not n}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64: 4, 4>}
    : (tensor<12x2x5xf32>, tensor<12x2xf32>) -> tensor<12x2x5xf32>
  return
}

// -----

func.func @large_radix(%x: tensor<17x2x5xf32>, %roots: tensor<17x2xf32>) {
  // expected-error@below {{has no steps of radix 17}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64: 17>}
    : (tensor<17x2x5xf32>, tensor<17x2xf32>) -> tensor<17x2x5xf32>
  return
}

// -----

func.func @not_a_power(%x: tensor<12x2x5xf32>, %roots: tensor<12x2xf32>) {
  // expected-error@below {{without radices n must be a power of two}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64>}
    : (tensor<12x2x5xf32>, tensor<12x2xf32>) -> tensor<12x2x5xf32>
  return
}

// -----

func.func @parts(%x: tensor<12x3x5xf32>, %roots: tensor<12x2xf32>) {
  // expected-error@below {{the operand must be [n, 1, batch] or [n, 2, batch]}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64: 4, 3>}
    : (tensor<12x3x5xf32>, tensor<12x2xf32>) -> tensor<12x2x5xf32>
  return
}

// -----

func.func @roots(%x: tensor<12x2x5xf32>, %roots: tensor<13x2xf32>) {
  // expected-error@below {{roots must be [n, 2] of the operand's element type}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64: 4, 3>}
    : (tensor<12x2x5xf32>, tensor<13x2xf32>) -> tensor<12x2x5xf32>
  return
}

// -----

func.func @integers(%x: tensor<4x2x5xi32>, %roots: tensor<4x2xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.fourier_transform %x, %roots {radices = array<i64: 4>}
    : (tensor<4x2x5xi32>, tensor<4x2xi32>) -> tensor<4x2x5xi32>
  return
}
