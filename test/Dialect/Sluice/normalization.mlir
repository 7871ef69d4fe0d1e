// RUN: sluice-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @norms
func.func @norms(%x: tensor<2x?x8xf16>, %scale: tensor<8xf16>) {
  // CHECK: sluice.softmax
  %0 = sluice.softmax %x {axis = 2 : i64} : (tensor<2x?x8xf16>) -> tensor<2x?x8xf16>
  // CHECK: sluice.log_softmax
  %1 = sluice.log_softmax %x {axis = 1 : i64} : (tensor<2x?x8xf16>) -> tensor<2x?x8xf16>
  // CHECK: sluice.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {
  %2 = sluice.layer_norm %x, %scale, %scale {axis = 2 : i64, epsilon = 1.0e-5}
    : (tensor<2x?x8xf16>, tensor<8xf16>, tensor<8xf16>) -> tensor<2x?x8xf16>
  // CHECK: sluice.layer_norm %{{[^,]*}} {
  %3 = sluice.layer_norm %x {axis = 1 : i64, epsilon = 1.0e-5}
    : (tensor<2x?x8xf16>) -> tensor<2x?x8xf16>
  // CHECK: sluice.rms_norm %{{.*}}, %{{.*}} {
  %4 = sluice.rms_norm %x, %scale {axis = 2 : i64, epsilon = 1.0e-5}
    : (tensor<2x?x8xf16>, tensor<8xf16>) -> tensor<2x?x8xf16>
  // CHECK: sluice.batch_norm
  %5 = sluice.batch_norm %x, %scale, %scale, %scale, %scale {epsilon = 1.0e-5, channels_last}
    : (tensor<2x?x8xf16>, tensor<8xf16>, tensor<8xf16>, tensor<8xf16>, tensor<8xf16>) -> tensor<2x?x8xf16>
  return
}

// -----

func.func @softmax_axis(%x: tensor<2x3xf32>) {
  // expected-error@below {{axis -1 is not a dimension of a tensor of rank 2}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.softmax %x {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @scale(%x: tensor<2x3xf32>, %scale: tensor<2xf32>) {
  // expected-error@below {{does not have the sizes of 'tensor<2x3xf32>' from dimension 1 on}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.rms_norm %x, %scale {axis = 1 : i64, epsilon = 1.0e-5}
    : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @channels(%x: tensor<2x3xf32>, %scale: tensor<2xf32>) {
  // expected-error@below {{parameters must be vectors of 3 elements}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.batch_norm %x, %scale, %scale, %scale, %scale {epsilon = 1.0e-5}
    : (tensor<2x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @integer_softmax(%x: tensor<2x3xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @integer_factors(%x: tensor<2x3xf32>, %scale: tensor<3xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.layer_norm %x, %scale {axis = 1 : i64, epsilon = 1.0e-05 : f64} : (tensor<2x3xf32>, tensor<3xi32>) -> tensor<2x3xf32>
  return
}
