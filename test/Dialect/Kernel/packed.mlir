// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// The value stays as the model has it; the type has the packed size.
// CHECK-LABEL: @matmul
// CHECK: %[[WEIGHTS:.*]] = kernel.packed_constant dense<1.000000e+00> : tensor<3x5xf32> {packing = #kernel.panels<width = 8>} : tensor<24xf32>
// CHECK: kernel.packed_matmul %arg0, %[[WEIGHTS]] {columns = 5 : i64} : (tensor<2x?x3xf32>, tensor<24xf32>) -> tensor<2x?x5xf32>
func.func @matmul(%a: tensor<2x?x3xf32>) -> tensor<2x?x5xf32> {
  %w = kernel.packed_constant dense<1.0> : tensor<3x5xf32> {packing = #kernel.panels<width = 8>} : tensor<24xf32>
  %0 = kernel.packed_matmul %a, %w {columns = 5 : i64} : (tensor<2x?x3xf32>, tensor<24xf32>) -> tensor<2x?x5xf32>
  return %0 : tensor<2x?x5xf32>
}

// CHECK-LABEL: @conv
// CHECK: kernel.packed_conv %arg0, %arg1 {{.*}}kernel = array<i64: 3, 3>, output_channels = 6 : i64{{.*}} : (tensor<?x10x12x4xf32>, tensor<216xf32>) -> tensor<?x5x12x6xf32>
func.func @conv(%a: tensor<?x10x12x4xf32>, %w: tensor<216xf32>) -> tensor<?x5x12x6xf32> {
  %0 = kernel.packed_conv %a, %w {kernel = array<i64: 3, 3>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, output_channels = 6 : i64}
    : (tensor<?x10x12x4xf32>, tensor<216xf32>) -> tensor<?x5x12x6xf32>
  return %0 : tensor<?x5x12x6xf32>
}

// CHECK-LABEL: @conv_transpose
// CHECK: kernel.packed_conv_transpose %arg0, %arg1 {{.*}} : (tensor<1x5x4xf32>, tensor<48xf32>) -> tensor<1x12x6xf32>
func.func @conv_transpose(%a: tensor<1x5x4xf32>, %w: tensor<48xf32>) -> tensor<1x12x6xf32> {
  %0 = kernel.packed_conv_transpose %a, %w {kernel = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64: 1>, groups = 1 : i64, output_channels = 6 : i64}
    : (tensor<1x5x4xf32>, tensor<48xf32>) -> tensor<1x12x6xf32>
  return %0 : tensor<1x12x6xf32>
}

// CHECK-LABEL: @gather
// CHECK: kernel.packed_gather %arg0, %arg1 {columns = 30 : i64, depth = 8 : i64, width = 16 : i64} : (tensor<256xf32>, tensor<2x?xi64>) -> tensor<2x?x8xf32>
func.func @gather(%w: tensor<256xf32>, %i: tensor<2x?xi64>) -> tensor<2x?x8xf32> {
  %0 = kernel.packed_gather %w, %i {depth = 8 : i64, columns = 30 : i64, width = 16 : i64} : (tensor<256xf32>, tensor<2x?xi64>) -> tensor<2x?x8xf32>
  return %0 : tensor<2x?x8xf32>
}

// CHECK-LABEL: @recurrence
// CHECK: kernel.packed_recurrence %arg0, %arg1, %arg2, %arg2 {{.*}}cell = #sluice.cell<lstm>, {{.*}}units = 4 : i64{{.*}} : (tensor<1x?x2x16xf32>, tensor<128xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
func.func @recurrence(%x: tensor<1x?x2x16xf32>, %w: tensor<128xf32>, %h: tensor<1x2x4xf32>) -> tensor<?x1x2x4xf32> {
  %0:3 = kernel.packed_recurrence %x, %w, %h, %h {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 4 : i64,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>}
    : (tensor<1x?x2x16xf32>, tensor<128xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> (tensor<?x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return %0#0 : tensor<?x1x2x4xf32>
}

// -----

func.func @constant_type() {
  // expected-error@below {{must be 'tensor<24xf32>', not 'tensor<23xf32>'}}
  %w = kernel.packed_constant dense<1.0> : tensor<3x5xf32> {packing = #kernel.panels<width = 8>} : tensor<23xf32>
  return
}

// -----

func.func @unfitting_packing() {
  // expected-error@below {{#kernel.gates<gates = 4, lanes = 8> needs a value of rank 3 or more, not 'tensor<3x5xf32>'}}
  %w = kernel.packed_constant dense<1.0> : tensor<3x5xf32> {packing = #kernel.gates<gates = 4, lanes = 8>} : tensor<24xf32>
  return
}

// -----

func.func @matmul_rank(%a: tensor<2x3xf32>, %w: tensor<3x5xf32>) {
  // expected-error@below {{needs a matrix and packed weights of rank one}}
  %0 = kernel.packed_matmul %a, %w {columns = 5 : i64} : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @conv_kernel(%a: tensor<1x10x4xf32>, %w: tensor<48xf32>) {
  // expected-error@below {{needs one kernel size per dimension}}
  %0 = kernel.packed_conv %a, %w {kernel = array<i64: 3, 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, output_channels = 4 : i64}
    : (tensor<1x10x4xf32>, tensor<48xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

func.func @conv_size(%a: tensor<1x2x4xf32>, %w: tensor<48xf32>) {
  // expected-error@below {{the kernel does not fit the input}}
  %0 = kernel.packed_conv %a, %w {kernel = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, output_channels = 4 : i64}
    : (tensor<1x2x4xf32>, tensor<48xf32>) -> tensor<1x1x4xf32>
  return
}

// -----

func.func @conv_pads(%a: tensor<1x10x4xf32>, %w: tensor<48xf32>) {
  // expected-error@below {{strides, dilations and pads do not fit 1 spatial dimensions}}
  %0 = kernel.packed_conv %a, %w {kernel = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0>, groups = 1 : i64, output_channels = 4 : i64}
    : (tensor<1x10x4xf32>, tensor<48xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

func.func @output_padding(%a: tensor<1x5x4xf32>, %w: tensor<48xf32>) {
  // expected-error@below {{output_padding must hold 1 sizes}}
  %0 = kernel.packed_conv_transpose %a, %w {kernel = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64>, groups = 1 : i64, output_channels = 6 : i64}
    : (tensor<1x5x4xf32>, tensor<48xf32>) -> tensor<1x11x6xf32>
  return
}

// -----

func.func @transposed_pads(%a: tensor<1x2x4xf32>, %w: tensor<48xf32>) {
  // expected-error@below {{the pads exceed the result, or a size is out of range}}
  %0 = kernel.packed_conv_transpose %a, %w {kernel = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 2, 2>, output_padding = array<i64: 0>, groups = 1 : i64, output_channels = 6 : i64}
    : (tensor<1x2x4xf32>, tensor<48xf32>) -> tensor<1x?x6xf32>
  return
}

// -----

func.func @indices(%w: tensor<256xf32>, %i: tensor<2xf32>) {
  // expected-error@below {{needs packed weights of rank one and integer indices}}
  %0 = kernel.packed_gather %w, %i {depth = 8 : i64, columns = 30 : i64, width = 16 : i64} : (tensor<256xf32>, tensor<2xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @width(%w: tensor<256xf32>, %i: tensor<2xi64>) {
  // expected-error@below {{depth, columns and width must be positive}}
  %0 = kernel.packed_gather %w, %i {depth = 8 : i64, columns = 30 : i64, width = 0 : i64} : (tensor<256xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  return
}

// -----

func.func @panels(%w: tensor<240xf32>, %i: tensor<2xi64>) {
  // expected-error@below {{needs whole panels of 16 columns as weights}}
  %0 = kernel.packed_gather %w, %i {depth = 8 : i64, columns = 30 : i64, width = 16 : i64} : (tensor<240xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  return
}

// -----

func.func @recurrence_rank(%x: tensor<1x5x2x16xf32>, %w: tensor<1x4x16xf32>) {
  // expected-error@below {{needs projected inputs of rank four and packed weights of rank one}}
  %0:3 = kernel.packed_recurrence %x, %w {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 4 : i64,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<1x4x16xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @recurrence_units(%x: tensor<1x5x2x16xf32>, %w: tensor<128xf32>) {
  // expected-error@below {{needs hidden units}}
  %0:3 = kernel.packed_recurrence %x, %w {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 0 : i64,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<128xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @recurrence_width(%x: tensor<1x5x2x16xf32>, %w: tensor<128xf32>) {
  // expected-error@below {{projected inputs must be [directions, steps, batch, 4 * units]}}
  %0:3 = kernel.packed_recurrence %x, %w {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 5 : i64,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<128xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @recurrence_results(%x: tensor<1x5x2x16xf32>, %w: tensor<128xf32>) {
  // expected-error@below {{has other results than its operands make}}
  %0:2 = kernel.packed_recurrence %x, %w {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 4 : i64,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<128xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @recurrence_types(%x: tensor<1x5x2x16xf32>, %w: tensor<128xf16>) {
  // expected-error@below {{operands must have one element type}}
  %0:3 = kernel.packed_recurrence %x, %w {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>,
      betas = array<f64: 0.0, 0.0, 0.0>, units = 4 : i64,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x16xf32>, tensor<128xf16>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

// CHECK-LABEL: @groups
// CHECK: kernel.packed_grouped_matmul %{{.*}}, %{{.*}}, %{{.*}} rows %{{.*}} bias %{{.*}} {columns = 5 : i64, groups = 2 : i64, repeat = 3 : i64} : (tensor<2x3xf32>, tensor<48xf32>, tensor<3xi64>, tensor<?xi64>, tensor<2x5xf32>) -> tensor<?x5xf32>
func.func @groups(%a: tensor<2x3xf32>, %w: tensor<48xf32>, %o: tensor<3xi64>, %r: tensor<?xi64>, %b: tensor<2x5xf32>) -> tensor<?x5xf32> {
  %0 = kernel.packed_grouped_matmul %a, %w, %o rows %r bias %b {columns = 5 : i64, groups = 2 : i64, repeat = 3 : i64} : (tensor<2x3xf32>, tensor<48xf32>, tensor<3xi64>, tensor<?xi64>, tensor<2x5xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// -----

func.func @groups_result(%a: tensor<2x3xf32>, %w: tensor<48xf32>, %o: tensor<3xi64>) {
  // expected-error@below {{has a result of 'tensor<2x6xf32>', but its operands make [2, 5]}}
  %0 = kernel.packed_grouped_matmul %a, %w, %o {columns = 5 : i64, groups = 2 : i64} : (tensor<2x3xf32>, tensor<48xf32>, tensor<3xi64>) -> tensor<2x6xf32>
  return
}

// -----

func.func @groups_offsets(%a: tensor<2x3xf32>, %w: tensor<48xf32>, %o: tensor<4xi64>) {
  // expected-error@below {{has offsets or a bias of another number of groups}}
  %0 = kernel.packed_grouped_matmul %a, %w, %o {columns = 5 : i64, groups = 2 : i64} : (tensor<2x3xf32>, tensor<48xf32>, tensor<4xi64>) -> tensor<2x5xf32>
  return
}

// -----

func.func @no_groups(%a: tensor<2x3xf32>, %w: tensor<48xf32>, %o: tensor<1xi64>) {
  // expected-error@below {{groups, columns and repeat must be positive}}
  %0 = kernel.packed_grouped_matmul %a, %w, %o {columns = 5 : i64, groups = 0 : i64} : (tensor<2x3xf32>, tensor<48xf32>, tensor<1xi64>) -> tensor<2x5xf32>
  return
}
