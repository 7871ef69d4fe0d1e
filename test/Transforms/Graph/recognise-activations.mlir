// RUN: sluice-opt %s --sluice-recognise-activations -split-input-file | FileCheck %s

// CHECK-LABEL: @gelu_erf(
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
func.func @gelu_erf(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = sluice.gelu %[[X]] :
  // CHECK-NEXT: return %[[Y]]
  %root = sluice.constant dense<1.41421354> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %0 = sluice.div %x, %root : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %1 = sluice.erf %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = sluice.add %1, %one : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %3 = sluice.mul %x, %2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = sluice.mul %3, %half : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @gelu_erf_half_first(
func.func @gelu_erf_half_first(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: sluice.gelu %{{.*}} :
  // CHECK-NEXT: return
  %inverse = sluice.constant dense<0.707106769> : tensor<1xf32>
  %one = sluice.constant dense<1.0> : tensor<1x1xf32>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %0 = sluice.mul %inverse, %x : (tensor<1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = sluice.erf %0 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = sluice.add %one, %1 : (tensor<1x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %3 = sluice.mul %half, %x : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %4 = sluice.mul %2, %3 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// -----

// x/2 * (1 + tanh(0.79788 * (x + 0.044715 * x^3))).
// CHECK-LABEL: @gelu_tanh(
func.func @gelu_tanh(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: sluice.gelu %{{.*}} {tanh_approximation}
  // CHECK-NEXT: return
  %three = sluice.constant dense<3.0> : tensor<f32>
  %a = sluice.constant dense<4.471500e-02> : tensor<f32>
  %b = sluice.constant dense<0.797884583> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %0 = sluice.pow %x, %three : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %1 = sluice.mul %0, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %2 = sluice.add %x, %1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = sluice.mul %2, %b : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %4 = sluice.tanh %3 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = sluice.add %4, %one : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %6 = sluice.mul %x, %half : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %7 = sluice.mul %6, %5 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %7 : tensor<4x8xf32>
}

// -----

// x * (0.5 + 0.5 * tanh(0.79788 * x * (1 + 0.044715 * x * x))).
// CHECK-LABEL: @gelu_tanh_factored(
func.func @gelu_tanh_factored(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: sluice.gelu %{{.*}} {tanh_approximation}
  // CHECK-NEXT: return
  %a = sluice.constant dense<4.471500e-02> : tensor<f32>
  %b = sluice.constant dense<0.797884583> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %0 = sluice.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = sluice.mul %0, %a : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %2 = sluice.add %1, %one : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %3 = sluice.mul %x, %b : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %4 = sluice.mul %3, %2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = sluice.tanh %4 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = sluice.mul %5, %half : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %7 = sluice.add %6, %half : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %8 = sluice.mul %x, %7 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %8 : tensor<4x8xf32>
}

// -----

// Another factor, another function.
// CHECK-LABEL: @not_gelu(
func.func @not_gelu(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NOT: sluice.gelu
  // CHECK: sluice.erf
  %factor = sluice.constant dense<0.71> : tensor<f32>
  %one = sluice.constant dense<1.0> : tensor<f32>
  %half = sluice.constant dense<0.5> : tensor<f32>
  %0 = sluice.mul %x, %factor : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %1 = sluice.erf %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = sluice.add %1, %one : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %3 = sluice.mul %x, %2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = sluice.mul %3, %half : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// -----

// CHECK-LABEL: @swish(
func.func @swish(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: sluice.swish %{{.*}} : (tensor<4xf32>)
  // CHECK: sluice.swish %{{.*}} {alpha = 1.70{{.*}} : f64}
  // CHECK: sluice.mul
  // CHECK-NEXT: return
  %0 = sluice.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %c = sluice.constant dense<1.702> : tensor<f32>
  %2 = sluice.mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = sluice.sigmoid %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = sluice.mul %x, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = sluice.mul %y, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %4, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// x * clip(x + 3, 0, 6) / 6, and x * hard_sigmoid(x).
// CHECK-LABEL: @hard_swish(
func.func @hard_swish(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: sluice.hard_swish
  // CHECK: sluice.hard_swish
  // CHECK: %[[OTHER:.*]] = sluice.mul
  // CHECK-NEXT: return
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %three = sluice.constant dense<3.0> : tensor<f32>
  %six = sluice.constant dense<6.0> : tensor<f32>
  %0 = sluice.add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = sluice.clip %0, %zero, %six : (tensor<4xf32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  %2 = sluice.mul %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = sluice.div %2, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = sluice.hard_sigmoid %x {alpha = 0.1666667 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %5 = sluice.mul %x, %4 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = sluice.hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64} : (tensor<4xf32>) -> tensor<4xf32>
  %7 = sluice.mul %x, %6 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3, %5, %7 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @mish(
func.func @mish(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: sluice.mish
  // CHECK-NEXT: return
  %one = sluice.constant dense<1.0> : tensor<f32>
  %0 = sluice.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.add %0, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = sluice.log %1 : (tensor<4xf32>) -> tensor<4xf32>
  %3 = sluice.tanh %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = sluice.mul %3, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @sigmoid(
func.func @sigmoid(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: sluice.sigmoid
  // CHECK: sluice.sigmoid
  // CHECK-NEXT: return
  %one = sluice.constant dense<1.0> : tensor<f32>
  %0 = sluice.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = sluice.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = sluice.add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = sluice.reciprocal %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = sluice.div %one, %2 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %3, %4 : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @relu(
func.func @relu(%x: tensor<4xf32>, %i: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xi32>) {
  // CHECK: sluice.relu
  // CHECK: sluice.clip %{{.*}}, %{{.*}}, %{{.*}}
  // CHECK: sluice.max
  %zero = sluice.constant dense<0.0> : tensor<f32>
  %six = sluice.constant dense<6.0> : tensor<f32>
  %none = sluice.constant dense<0> : tensor<i32>
  %0 = sluice.max %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = sluice.min %0, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = sluice.max %i, %none : (tensor<4xi32>, tensor<i32>) -> tensor<4xi32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xi32>
}
