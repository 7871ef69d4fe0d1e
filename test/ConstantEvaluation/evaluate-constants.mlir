// RUN: sluice-opt %s --sluice-evaluate-constants -split-input-file | FileCheck %s
// RUN: sluice-opt %s --sluice-evaluate-constants -split-input-file --remarks-filter=constants --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A chain becomes one constant; what also depends on an input stays.
// CHECK-LABEL: @chain(
func.func @chain(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2xf32>) {
  // CHECK-DAG: %[[SUM:.*]] = sluice.constant dense<{{\[\[}}4.000000e+00, 6.000000e+00], [6.000000e+00, 8.000000e+00]]> : tensor<2x2xf32>
  // CHECK-DAG: %[[ROWS:.*]] = sluice.constant dense<[1.000000e+01, 1.400000e+01]> : tensor<2xf32>
  // CHECK: %[[Y:.*]] = sluice.mul %{{.*}}, %[[SUM]]
  // CHECK: return %[[Y]], %[[ROWS]]
  %0 = sluice.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %1 = sluice.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %2 = sluice.add %0, %1 : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  %3 = sluice.reduce %2 {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<2x2xf32>) -> tensor<2xf32>
  %4 = sluice.mul %x, %2 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %4, %3 : tensor<2x2xf32>, tensor<2xf32>
}

// -----

// Weights outside the program's text, and results of many types.
// CHECK-LABEL: @resources(
func.func @resources() -> (tensor<2x3xf32>, tensor<3xi1>, tensor<3xi64>, tensor<3xf16>) {
  // CHECK: sluice.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]> : tensor<2x3xf32>
  // CHECK: sluice.constant dense<[false, false, true]> : tensor<3xi1>
  // CHECK: sluice.constant dense<[2, 4, 6]> : tensor<3xi64>
  // CHECK: sluice.constant dense<[2.000000e+00, 4.000000e+00, 6.000000e+00]> : tensor<3xf16>
  %0 = sluice.constant dense_resource<weights> : tensor<3x2xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %2 = sluice.reduce %1 {kind = #sluice.reduction<max>, axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<3xf32>
  %five = sluice.constant dense<5.0> : tensor<f32>
  %3 = sluice.greater %2, %five : (tensor<3xf32>, tensor<f32>) -> tensor<3xi1>
  %4 = sluice.cast %2 {to = i64} : (tensor<3xf32>) -> tensor<3xi64>
  %5 = sluice.cast %2 {to = f16} : (tensor<3xf32>) -> tensor<3xf16>
  return %1, %3, %4, %5 : tensor<2x3xf32>, tensor<3xi1>, tensor<3xi64>, tensor<3xf16>
}

{-#
  dialect_resources: {
    builtin: {
      weights: "0x040000000000803F0000004000004040000080400000A0400000C040"
    }
  }
#-}

// -----

// A splat that becomes large is left to the run.
// CHECK-LABEL: @large(
// REMARK: constant, but computed in every run: {{.*}}the result is much larger than what it is made of
// REMARK: constant, but computed in every run: {{.*}}it is made of another that is
func.func @large() -> tensor<1024x1024xf32> {
  // CHECK: sluice.broadcast
  // CHECK: sluice.exp
  %0 = sluice.constant dense<1.0> : tensor<f32>
  %1 = sluice.constant dense<[1024, 1024]> : tensor<2xi64>
  %2 = sluice.broadcast %0, %1 : (tensor<f32>, tensor<2xi64>) -> tensor<1024x1024xf32>
  %3 = sluice.exp %2 : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  return %3 : tensor<1024x1024xf32>
}

// -----

// Only the run finds out how large this is.
// CHECK-LABEL: @places(
// REMARK: constant, but computed in every run: {{.*}}how large the result is depends on the values
func.func @places() -> tensor<1x?xi64> {
  // CHECK: sluice.nonzero
  %0 = sluice.constant dense<[1.0, 0.0]> : tensor<2xf32>
  %1 = sluice.nonzero_count %0 : (tensor<2xf32>) -> tensor<1xi64>
  %2 = sluice.nonzero %0, %1 : (tensor<2xf32>, tensor<1xi64>) -> tensor<1x?xi64>
  return %2 : tensor<1x?xi64>
}

// -----

// Nothing to do.
// CHECK-LABEL: @nothing(
func.func @nothing(%x: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK-NEXT: sluice.relu
  %0 = sluice.relu %x : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
