// RUN: sluice-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @identities
// CHECK-NEXT: return %arg0, %arg0, %arg0, %arg0, %arg0, %arg1
func.func @identities(%a: tensor<2x3xf32>, %i: tensor<2xi32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2xi32>) {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<3xf32>
  %lowest = sluice.constant dense<0xFF800000> : tensor<f32>
  %highest = sluice.constant dense<0x7F800000> : tensor<f32>
  %none = sluice.constant dense<0> : tensor<i32>
  %0 = sluice.sub %a, %zero : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %1 = sluice.mul %one, %a : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = sluice.div %a, %one : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %3 = sluice.max %a, %lowest : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %4 = sluice.min %a, %highest : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %5 = sluice.add %i, %none : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  return %0, %1, %2, %3, %4, %5 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2xi32>
}

// -0 + 0 is 0, so adding zero is no identity of floats; neither is
// subtracting -0.
// CHECK-LABEL: @signed_zero
// CHECK: sluice.add
// CHECK: sluice.sub
func.func @signed_zero(%a: tensor<2xf32>) -> tensor<2xf32> {
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %negative = sluice.constant dense<-0.0> : tensor<f32>
  %0 = sluice.add %a, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = sluice.sub %0, %negative : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// The other operand may make the result larger.
// CHECK-LABEL: @broadcasting
// CHECK: sluice.mul
// CHECK: sluice.div
func.func @broadcasting(%a: tensor<1xf32>, %b: tensor<?xf32>) -> (tensor<4xf32>, tensor<?xf32>) {
  %ones = sluice.constant dense<1.0> : tensor<4xf32>
  %one = sluice.constant dense<1.0> : tensor<1xf32>
  %0 = sluice.mul %a, %ones : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.div %b, %one : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<4xf32>, tensor<?xf32>
}

// CHECK-LABEL: @other_operand
// CHECK: sluice.sub
// CHECK: sluice.div
func.func @other_operand(%a: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = sluice.constant dense<0.0> : tensor<2xf32>
  %one = sluice.constant dense<1.0> : tensor<2xf32>
  %0 = sluice.sub %zero, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = sluice.div %one, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// An infinity of the other sign is the result, the largest finite number is no
// limit to an infinity, and integers have none.
// CHECK-LABEL: @other_limits
// CHECK-COUNT-3: sluice.max
// CHECK-COUNT-3: sluice.min
func.func @other_limits(%a: tensor<2xf32>, %i: tensor<2xi32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi32>) {
  %lowest = sluice.constant dense<0xFF800000> : tensor<f32>
  %highest = sluice.constant dense<0x7F800000> : tensor<f32>
  %least = sluice.constant dense<0xFF7FFFFF> : tensor<f32>
  %largest = sluice.constant dense<0x7F7FFFFF> : tensor<f32>
  %first = sluice.constant dense<-2147483648> : tensor<i32>
  %last = sluice.constant dense<2147483647> : tensor<i32>
  %0 = sluice.max %a, %highest : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = sluice.max %a, %least : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %2 = sluice.max %i, %first : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %3 = sluice.min %a, %lowest : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %4 = sluice.min %a, %largest : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %5 = sluice.min %i, %last : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  return %0, %1, %2, %3, %4, %5 : tensor<2xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi32>
}

// The limit may make the result larger; on either side it is one.
// CHECK-LABEL: @broadcast_limits
// CHECK-DAG: %[[MAX:.*]] = sluice.max %arg0
// CHECK-DAG: %[[MIN:.*]] = sluice.min %arg1
// CHECK: return %[[MAX]], %[[MIN]], %arg0, %arg0
func.func @broadcast_limits(%a: tensor<1xf32>, %b: tensor<?xf32>)
    -> (tensor<4xf32>, tensor<?xf32>, tensor<1xf32>, tensor<1xf32>) {
  %lowest = sluice.constant dense<0xFF800000> : tensor<f32>
  %lows = sluice.constant dense<0xFF800000> : tensor<4xf32>
  %highest = sluice.constant dense<0x7F800000> : tensor<1xf32>
  %0 = sluice.max %a, %lows : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.min %b, %highest : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  %2 = sluice.max %lowest, %a : (tensor<f32>, tensor<1xf32>) -> tensor<1xf32>
  %3 = sluice.min %highest, %a : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<?xf32>, tensor<1xf32>, tensor<1xf32>
}

// CHECK-LABEL: @cast
// CHECK-NEXT: %[[CAST:.*]] = sluice.cast %arg0 {to = f16}
// CHECK-NEXT: return %arg0, %[[CAST]]
func.func @cast(%a: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf16>) {
  %0 = sluice.cast %a {to = f32} : (tensor<?xf32>) -> tensor<?xf32>
  %1 = sluice.cast %a {to = f16} : (tensor<?xf32>) -> tensor<?xf16>
  return %0, %1 : tensor<?xf32>, tensor<?xf16>
}

// CHECK-LABEL: @powers
// CHECK-DAG: %[[SQUARE:.*]] = sluice.mul %arg0, %arg0
// CHECK-DAG: %[[ROOT:.*]] = sluice.sqrt %arg0
// CHECK-DAG: %[[CUBE:.*]] = sluice.pow %arg0
// CHECK: return %[[SQUARE]], %[[ROOT]], %arg0, %[[CUBE]]
func.func @powers(%a: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %two = sluice.constant dense<2> : tensor<1xi64>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %three = sluice.constant dense<3.0> : tensor<f32>
  %0 = sluice.pow %a, %two : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x3xf32>
  %1 = sluice.pow %a, %half : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %2 = sluice.pow %a, %one : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %3 = sluice.pow %a, %three : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  return %0, %1, %2, %3 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}

// Integers have no roots, and an exponent that broadcasts enlarges the result.
// CHECK-LABEL: @other_powers
// CHECK-COUNT-3: sluice.pow
func.func @other_powers(%i: tensor<3xi32>, %a: tensor<3xf32>) -> (tensor<3xi32>, tensor<1x3xf32>, tensor<3xf32>) {
  %whole = sluice.constant dense<2> : tensor<i32>
  %two = sluice.constant dense<2.0> : tensor<1x1xf32>
  %0 = sluice.pow %i, %whole : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
  %1 = sluice.pow %a, %two : (tensor<3xf32>, tensor<1x1xf32>) -> tensor<1x3xf32>
  %none = sluice.constant dense<0> : tensor<i64>
  %2 = sluice.pow %a, %none : (tensor<3xf32>, tensor<i64>) -> tensor<3xf32>
  return %0, %1, %2 : tensor<3xi32>, tensor<1x3xf32>, tensor<3xf32>
}
