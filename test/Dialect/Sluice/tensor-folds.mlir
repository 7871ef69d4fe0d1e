// RUN: sluice-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @same_shape
// CHECK-NEXT: return %arg0, %arg0, %arg0, %arg0, %arg0
func.func @same_shape(%a: tensor<2x3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %s = sluice.constant dense<[2, 3]> : tensor<2xi64>
  %0 = sluice.reshape %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = sluice.transpose %a {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = sluice.unsqueeze %a {axes = array<i64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = sluice.squeeze %a {axes = array<i64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = sluice.broadcast %a, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0, %1, %2, %3, %4 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// One type may stand for two shapes where two sizes are not known.
// CHECK-LABEL: @unknown_sizes
// CHECK: sluice.reshape
// CHECK: sluice.broadcast
func.func @unknown_sizes(%a: tensor<?x?xf32>, %s: tensor<2xi64>) -> tensor<?x?xf32> {
  %0 = sluice.reshape %a, %s : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %1 = sluice.broadcast %0, %s : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// Neither does a vector's type say that a shape of the run fits it; all that is
// left over always does.
// CHECK-LABEL: @shapes_of_the_run
// CHECK-SAME: %[[A:.*]]: tensor<?xf32>, %[[B:.*]]: tensor<6xf32>, %[[S:.*]]: tensor<1xi64>
// CHECK: %[[X:.*]] = sluice.reshape %[[A]], %[[S]]
// CHECK: %[[Y:.*]] = sluice.reshape %[[B]], %[[S]]
// CHECK: %[[Z:.*]] = sluice.broadcast %[[B]], %[[S]]
// CHECK: return %[[X]], %[[A]], %[[Y]], %[[Z]]
func.func @shapes_of_the_run(%a: tensor<?xf32>, %b: tensor<6xf32>, %s: tensor<1xi64>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<6xf32>, tensor<6xf32>) {
  %rest = sluice.constant dense<-1> : tensor<1xi64>
  %0 = sluice.reshape %a, %s : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  %1 = sluice.reshape %a, %rest : (tensor<?xf32>, tensor<1xi64>) -> tensor<?xf32>
  %2 = sluice.reshape %b, %s : (tensor<6xf32>, tensor<1xi64>) -> tensor<6xf32>
  %3 = sluice.broadcast %b, %s : (tensor<6xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %0, %1, %2, %3 : tensor<?xf32>, tensor<?xf32>, tensor<6xf32>, tensor<6xf32>
}

// A shape of the run between two others is looked at.
// CHECK-LABEL: @shape_between
// CHECK-COUNT-2: sluice.reshape
func.func @shape_between(%a: tensor<6xf32>, %s: tensor<2xi64>) -> tensor<3x2xf32> {
  %wanted = sluice.constant dense<[3, 2]> : tensor<2xi64>
  %0 = sluice.reshape %a, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %1 = sluice.reshape %0, %wanted : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// A broadcast that makes anything larger stays.
// CHECK-LABEL: @larger
// CHECK-DAG: %[[ROWS:.*]] = sluice.broadcast %arg0, %{{.*}} -> tensor<2x3xf32>
// CHECK-DAG: %[[DIMENSION:.*]] = sluice.broadcast %arg0, %{{.*}} -> tensor<1x1x3xf32>
// CHECK: return %[[ROWS]], %[[DIMENSION]], %arg0
func.func @larger(%a: tensor<1x3xf32>) -> (tensor<2x3xf32>, tensor<1x1x3xf32>, tensor<1x3xf32>) {
  %rows = sluice.constant dense<[2, 1]> : tensor<2xi64>
  %dimension = sluice.constant dense<[1, 1, 1]> : tensor<3xi64>
  %fewer = sluice.constant dense<[1]> : tensor<1xi64>
  %0 = sluice.broadcast %a, %rows : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = sluice.broadcast %a, %dimension : (tensor<1x3xf32>, tensor<3xi64>) -> tensor<1x1x3xf32>
  %2 = sluice.broadcast %a, %fewer : (tensor<1x3xf32>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<1x1x3xf32>, tensor<1x3xf32>
}

// CHECK-LABEL: @two_reshapes
// CHECK-NEXT: %[[SHAPE:.*]] = sluice.constant dense<[3, 2]> : tensor<2xi64>
// CHECK-NEXT: %[[RESULT:.*]] = sluice.reshape %arg0, %[[SHAPE]] {allow_zero}
// CHECK-NEXT: return %[[RESULT]]
func.func @two_reshapes(%a: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %flat = sluice.constant dense<[6]> : tensor<1xi64>
  %copied = sluice.constant dense<[-1, 2]> : tensor<2xi64>
  %0 = sluice.reshape %a, %flat : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  %1 = sluice.reshape %0, %copied : (tensor<6xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// CHECK-LABEL: @constants
// CHECK-DAG: %[[FLAT:.*]] = sluice.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
// CHECK-DAG: %[[DEEP:.*]] = sluice.constant dense<{{\[\[\[}}1, 2], [3, 4]]]> : tensor<1x2x2xi32>
// CHECK: return %[[FLAT]], %[[DEEP]]
func.func @constants() -> (tensor<4xi32>, tensor<1x2x2xi32>) {
  %c = sluice.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %flat = sluice.constant dense<[-1]> : tensor<1xi64>
  %0 = sluice.reshape %c, %flat : (tensor<2x2xi32>, tensor<1xi64>) -> tensor<4xi32>
  %1 = sluice.unsqueeze %c {axes = array<i64: 0>} : (tensor<2x2xi32>) -> tensor<1x2x2xi32>
  return %0, %1 : tensor<4xi32>, tensor<1x2x2xi32>
}

// CHECK-LABEL: @two_transposes
// CHECK-NEXT: %[[RESULT:.*]] = sluice.transpose %arg0 {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x?xf32>) -> tensor<?x2x3xf32>
// CHECK-NEXT: return %[[RESULT]], %arg0
func.func @two_transposes(%a: tensor<2x3x?xf32>) -> (tensor<?x2x3xf32>, tensor<2x3x?xf32>) {
  %0 = sluice.transpose %a {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x?xf32>) -> tensor<3x?x2xf32>
  %1 = sluice.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<3x?x2xf32>) -> tensor<?x2x3xf32>
  %2 = sluice.transpose %1 {permutation = array<i64: 1, 2, 0>} : (tensor<?x2x3xf32>) -> tensor<2x3x?xf32>
  return %1, %2 : tensor<?x2x3xf32>, tensor<2x3x?xf32>
}

// Nothing moves in memory where only dimensions of size one change places.
// CHECK-LABEL: @unit_dimensions
// CHECK-NOT: sluice.transpose
// CHECK: sluice.reshape %arg0, %{{.*}} {allow_zero} : (tensor<2x1x3xf32>, tensor<3xi64>) -> tensor<1x2x3xf32>
// CHECK: sluice.transpose %arg0 {permutation = array<i64: 2, 1, 0>}
func.func @unit_dimensions(%a: tensor<2x1x3xf32>) -> (tensor<1x2x3xf32>, tensor<3x1x2xf32>) {
  %0 = sluice.transpose %a {permutation = array<i64: 1, 0, 2>} : (tensor<2x1x3xf32>) -> tensor<1x2x3xf32>
  %1 = sluice.transpose %a {permutation = array<i64: 2, 1, 0>} : (tensor<2x1x3xf32>) -> tensor<3x1x2xf32>
  return %0, %1 : tensor<1x2x3xf32>, tensor<3x1x2xf32>
}

// CHECK-LABEL: @views
// CHECK-DAG: sluice.reshape %arg0, %{{.*}} {allow_zero} : (tensor<2x1xf32>, tensor<3xi64>) -> tensor<1x2x1xf32>
// CHECK-DAG: sluice.reshape %arg0, %{{.*}} {allow_zero} : (tensor<2x1xf32>, tensor<1xi64>) -> tensor<2xf32>
// CHECK-DAG: sluice.squeeze %arg1
func.func @views(%a: tensor<2x1xf32>, %b: tensor<?x1xf32>) -> (tensor<1x2x1xf32>, tensor<2xf32>, tensor<?xf32>) {
  %0 = sluice.unsqueeze %a {axes = array<i64: 0>} : (tensor<2x1xf32>) -> tensor<1x2x1xf32>
  %1 = sluice.squeeze %a {axes = array<i64: 1>} : (tensor<2x1xf32>) -> tensor<2xf32>
  %2 = sluice.squeeze %b {axes = array<i64: 1>} : (tensor<?x1xf32>) -> tensor<?xf32>
  return %0, %1, %2 : tensor<1x2x1xf32>, tensor<2xf32>, tensor<?xf32>
}
