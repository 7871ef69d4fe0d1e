// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @broadcast
// CHECK: sluice.add %arg0, %arg1 : (tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>
// CHECK: sluice.less %arg0, %arg1 : (tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xi1>
// CHECK: sluice.select %{{.*}}, %arg0, %arg1 : (tensor<2x3x4xi1>, tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>
func.func @broadcast(%a: tensor<2x1x4xf32>, %b: tensor<3x1xf32>)
    -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>) {
  %0 = sluice.add %a, %b : (tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>
  %1 = sluice.less %a, %b : (tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xi1>
  %2 = sluice.select %1, %a, %b : (tensor<2x3x4xi1>, tensor<2x1x4xf32>, tensor<3x1xf32>) -> tensor<2x3x4xf32>
  return %0, %2 : tensor<2x3x4xf32>, tensor<2x3x4xf32>
}

// A size that is not known may be one; the static size beside it wins.
// CHECK-LABEL: @dynamic
// CHECK: sluice.mul %arg0, %arg1 : (tensor<?x?xf32>, tensor<4xf32>) -> tensor<?x4xf32>
func.func @dynamic(%a: tensor<?x?xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  %0 = sluice.mul %a, %b : (tensor<?x?xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @attributes
// CHECK: sluice.gelu %arg0 {tanh_approximation}
// CHECK: sluice.leaky_relu %{{.*}} {alpha = 1.000000e-01 : f64}
// CHECK: sluice.shrink %{{.*}} {bias = 1.000000e+00 : f64, lambda = 5.000000e-01 : f64}
// CHECK: sluice.mod %{{.*}}, %arg0 {fmod}
// CHECK: sluice.is_inf %{{.*}} {negative = false}
// CHECK: sluice.cast %{{.*}} {to = ui8} : (tensor<3xi1>) -> tensor<3xui8>
func.func @attributes(%a: tensor<3xf32>) -> tensor<3xui8> {
  %0 = sluice.gelu %a {tanh_approximation} : (tensor<3xf32>) -> tensor<3xf32>
  %1 = sluice.leaky_relu %0 {alpha = 0.1 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  %2 = sluice.shrink %1 {bias = 1.0 : f64, lambda = 0.5 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  %3 = sluice.mod %2, %a {fmod} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %4 = sluice.is_inf %3 {negative = false} : (tensor<3xf32>) -> tensor<3xi1>
  %5 = sluice.cast %4 {to = ui8} : (tensor<3xi1>) -> tensor<3xui8>
  return %5 : tensor<3xui8>
}

// -----

func.func @shapes(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error@below {{operand shapes do not broadcast}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.add %a, %b : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @element_types(%a: tensor<3xf32>, %b: tensor<3xi32>) {
  // expected-error@below {{'sluice.add' op the operands have different element types, 'f32' and 'i32'}}
  %0 = sluice.add %a, %b : (tensor<3xf32>, tensor<3xi32>) -> tensor<3xf32>
  return
}

// -----

func.func @signs(%a: tensor<3xi8>, %b: tensor<3xui8>) {
  // expected-error@below {{'sluice.shift_left' op the operands have different element types, 'i8' and 'ui8'}}
  %0 = sluice.shift_left %a, %b : (tensor<3xi8>, tensor<3xui8>) -> tensor<3xi8>
  return
}

// -----

func.func @compared_types(%a: tensor<3xf32>, %b: tensor<f64>) {
  // expected-error@below {{'sluice.less' op the operands have different element types, 'f32' and 'f64'}}
  %0 = sluice.less %a, %b : (tensor<3xf32>, tensor<f64>) -> tensor<3xi1>
  return
}

// -----

func.func @limit_types(%a: tensor<3xf32>, %b: tensor<f16>) {
  // expected-error@below {{'sluice.clip' op the operands have different element types, 'f32' and 'f16'}}
  %0 = sluice.clip %a, %b, %b : (tensor<3xf32>, tensor<f16>, tensor<f16>) -> tensor<3xf32>
  return
}

// -----

func.func @select_condition(%c: tensor<3xi32>, %a: tensor<3xf32>) {
  // expected-error@below {{'sluice.select' op the condition must be a boolean}}
  %0 = sluice.select %c, %a, %a : (tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @real_function(%a: tensor<3xi32>) {
  // expected-error@below {{'sluice.exp' op takes floating-point elements, not 'i32'}}
  %0 = sluice.exp %a : (tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @numbers(%a: tensor<3xi1>) {
  // expected-error@below {{'sluice.neg' op takes numbers, not 'i1'}}
  %0 = sluice.neg %a : (tensor<3xi1>) -> tensor<3xi1>
  return
}

// -----

func.func @power_of_bool(%a: tensor<3xf32>, %b: tensor<3xi1>) {
  // expected-error@below {{'sluice.pow' op takes numbers, not 'i1'}}
  %0 = sluice.pow %a, %b : (tensor<3xf32>, tensor<3xi1>) -> tensor<3xf32>
  return
}

// -----

func.func @bits(%a: tensor<3xf32>) {
  // expected-error@below {{'sluice.xor' op takes integers or booleans, not 'f32'}}
  %0 = sluice.xor %a, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @legal_but_not_compiled(%a: tensor<3xi32>) {
  // expected-error@below {{takes floating-point elements, not 'i32'}}
  %0 = sluice.erf %a : (tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @select_types(%c: tensor<3xi1>, %a: tensor<3xf32>, %b: tensor<3xi32>) {
  // expected-error@below {{'sluice.select' op the operands have different element types, 'f32' and 'i32'}}
  %0 = sluice.select %c, %a, %b : (tensor<3xi1>, tensor<3xf32>, tensor<3xi32>) -> tensor<3xf32>
  return
}

// -----

// An exponent may be of another type than what it is applied to.
func.func @exponent_type(%a: tensor<3xf32>, %b: tensor<i64>) -> tensor<3xf32> {
  %0 = sluice.pow %a, %b : (tensor<3xf32>, tensor<i64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @result_shape(%a: tensor<2x3xf32>) {
  // expected-error@below {{inferred type(s) 'tensor<2x3xf32>' are incompatible with return type(s) of operation 'tensor<3x2xf32>'}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.exp %a : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @comparison_gives_bool(%a: tensor<3xf32>) {
  // expected-error@below {{inferred type(s) 'tensor<3xi1>' are incompatible with return type(s) of operation 'tensor<3xf32>'}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.greater %a, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @select_shapes(%c: tensor<4xi1>, %a: tensor<3xf32>) {
  // expected-error@below {{operand shapes do not broadcast}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.select %c, %a, %a : (tensor<4xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @cast_type(%a: tensor<3xf32>) {
  // expected-error@below {{inferred type(s) 'tensor<3xi8>' are incompatible with return type(s) of operation 'tensor<3xi16>'}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.cast %a {to = i8} : (tensor<3xf32>) -> tensor<3xi16>
  return
}

// -----

func.func @rank(%a: tensor<*xf32>) {
  // expected-error@below {{'sluice.neg' op operand #0 must be ranked tensor of any type values}}
  %0 = "sluice.neg"(%a) : (tensor<*xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @missing(%a: tensor<3xf32>) {
  // expected-error@below {{'sluice.elu' op requires attribute 'alpha'}}
  %0 = sluice.elu %a : (tensor<3xf32>) -> tensor<3xf32>
  return
}
