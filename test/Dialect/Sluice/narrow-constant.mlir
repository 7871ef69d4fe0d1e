// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @narrow
// CHECK: sluice.narrow_constant dense<-3> : tensor<2x4xi8> as i32 : tensor<2x4xi32>
func.func @narrow() -> tensor<2x4xi32> {
  %w = sluice.narrow_constant dense<-3> : tensor<2x4xi8> as i32 : tensor<2x4xi32>
  return %w : tensor<2x4xi32>
}

// -----

func.func @wide() {
  // expected-error @+1 {{must hold narrower integers than 'i8'}}
  %w = sluice.narrow_constant dense<-3> : tensor<4xi16> as i8 : tensor<4xi8>
  return
}

// -----

func.func @floats() {
  // expected-error @+1 {{must hold narrower integers than 'f32'}}
  %w = sluice.narrow_constant dense<-3> : tensor<4xi16> as f32 : tensor<4xf32>
  return
}
