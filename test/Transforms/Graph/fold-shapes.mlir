// RUN: sluice-opt %s --sluice-fold-shapes -split-input-file | FileCheck %s

// CHECK-LABEL: @sizes(
func.func @sizes(%x: tensor<4x8xf32>) -> (tensor<2xi64>, tensor<1xi32>, tensor<i1>) {
  // CHECK-DAG: %[[A:.*]] = sluice.constant dense<[4, 8]> : tensor<2xi64>
  // CHECK-DAG: %[[B:.*]] = sluice.constant dense<5> : tensor<1xi32>
  // CHECK-DAG: %[[C:.*]] = sluice.constant dense<true> : tensor<i1>
  // CHECK: return %[[A]], %[[B]], %[[C]]
  %0 = sluice.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<4x8xf32>) -> tensor<2xi64>
  %1 = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<4x8xf32>) -> tensor<1xi64>
  %2 = sluice.cast %1 {to = i32} : (tensor<1xi64>) -> tensor<1xi32>
  %one = sluice.constant dense<1> : tensor<1xi32>
  %3 = sluice.add %2, %one : (tensor<1xi32>, tensor<1xi32>) -> tensor<1xi32>
  %four = sluice.constant dense<4> : tensor<i64>
  %4 = sluice.squeeze %1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %5 = sluice.equal %4, %four : (tensor<i64>, tensor<i64>) -> tensor<i1>
  return %0, %3, %5 : tensor<2xi64>, tensor<1xi32>, tensor<i1>
}

// -----

// Sizes that are not known, floats, and long vectors stay.
// CHECK-LABEL: @stays(
func.func @stays(%x: tensor<?x8xf32>) -> (tensor<2xi64>, tensor<2xf32>, tensor<100xi64>) {
  // CHECK: sluice.shape
  %0 = sluice.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  // CHECK: sluice.cast
  %1 = sluice.cast %0 {to = f32} : (tensor<2xi64>) -> tensor<2xf32>
  %2 = sluice.constant dense<1> : tensor<100xi64>
  // CHECK: sluice.add
  %3 = sluice.add %2, %2 : (tensor<100xi64>, tensor<100xi64>) -> tensor<100xi64>
  return %0, %1, %3 : tensor<2xi64>, tensor<2xf32>, tensor<100xi64>
}

// -----

// What leaves its type wraps or rounds, as the code of the run does it.
// CHECK-LABEL: @leaves_its_type(
func.func @leaves_its_type() -> (tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi64>, tensor<1xi32>) {
  %large = sluice.constant dense<4294967297> : tensor<1xi64>
  %top = sluice.constant dense<2147483647> : tensor<1xi32>
  %lowest = sluice.constant dense<-128> : tensor<1xi8>
  %odd = sluice.constant dense<16777217> : tensor<1xi64>
  // CHECK: sluice.cast
  %0 = sluice.cast %large {to = i32} : (tensor<1xi64>) -> tensor<1xi32>
  // CHECK: sluice.neg
  %1 = sluice.neg %lowest : (tensor<1xi8>) -> tensor<1xi8>
  // CHECK: sluice.add
  %2 = sluice.add %top, %top : (tensor<1xi32>, tensor<1xi32>) -> tensor<1xi32>
  // CHECK: sluice.cast {{.*}}to = f32
  %3 = sluice.cast %odd {to = f32} : (tensor<1xi64>) -> tensor<1xf32>
  %4 = sluice.cast %3 {to = i64} : (tensor<1xf32>) -> tensor<1xi64>
  // CHECK: sluice.constant dense<16777217> : tensor<1xi32>
  %5 = sluice.cast %odd {to = i32} : (tensor<1xi64>) -> tensor<1xi32>
  return %0, %1, %2, %4, %5 : tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi64>, tensor<1xi32>
}
