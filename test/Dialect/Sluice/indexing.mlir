// RUN: sluice-opt %s -split-input-file -verify-diagnostics | sluice-opt -split-input-file | FileCheck %s

// CHECK-LABEL: @gathers
// CHECK: sluice.gather %arg0, %arg1 {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<5x2xi64>) -> tensor<2x5x2x4xf32>
// CHECK: sluice.gather_elements %arg0, %arg2 {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<2x7x3xi32>) -> tensor<2x7x3xf32>
// CHECK: sluice.gather_nd %arg0, %arg1 {batch_dims = 0 : i64} : (tensor<2x?x4xf32>, tensor<5x2xi64>) -> tensor<5x4xf32>
func.func @gathers(%a: tensor<2x?x4xf32>, %i: tensor<5x2xi64>, %e: tensor<2x7x3xi32>)
    -> (tensor<2x5x2x4xf32>, tensor<2x7x3xf32>, tensor<5x4xf32>) {
  %0 = sluice.gather %a, %i {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<5x2xi64>) -> tensor<2x5x2x4xf32>
  %1 = sluice.gather_elements %a, %e {axis = 1 : i64} : (tensor<2x?x4xf32>, tensor<2x7x3xi32>) -> tensor<2x7x3xf32>
  %2 = sluice.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<2x?x4xf32>, tensor<5x2xi64>) -> tensor<5x4xf32>
  return %0, %1, %2 : tensor<2x5x2x4xf32>, tensor<2x7x3xf32>, tensor<5x4xf32>
}

// CHECK-LABEL: @batched_tuples
// CHECK: sluice.gather_nd %arg0, %arg1 {batch_dims = 1 : i64} : (tensor<2x3x4xf32>, tensor<2x1xi64>) -> tensor<2x4xf32>
func.func @batched_tuples(%a: tensor<2x3x4xf32>, %i: tensor<2x1xi64>) -> tensor<2x4xf32> {
  %0 = sluice.gather_nd %a, %i {batch_dims = 1 : i64} : (tensor<2x3x4xf32>, tensor<2x1xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: @scatters
// CHECK: sluice.scatter_elements %arg0, %arg1, %arg2 {axis = 0 : i64, mode = #sluice.scatter<add>}
// CHECK: sluice.scatter_nd %{{.*}}, %arg1, %arg3 {mode = #sluice.scatter<replace>}
func.func @scatters(%a: tensor<4x3xf32>, %i: tensor<5x1xi64>, %u: tensor<5x1xf32>, %rows: tensor<5x3xf32>) -> tensor<4x3xf32> {
  %0 = sluice.scatter_elements %a, %i, %u {axis = 0 : i64, mode = #sluice.scatter<add>} : (tensor<4x3xf32>, tensor<5x1xi64>, tensor<5x1xf32>) -> tensor<4x3xf32>
  %1 = sluice.scatter_nd %0, %i, %rows {mode = #sluice.scatter<replace>} : (tensor<4x3xf32>, tensor<5x1xi64>, tensor<5x3xf32>) -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// CHECK-LABEL: @tensor_scatters
// CHECK: sluice.tensor_scatter %arg0, %arg1 {axis = 1 : i64} : (tensor<?x8x4xf16>, tensor<?x3x4xf16>) -> tensor<?x8x4xf16>
// CHECK: sluice.tensor_scatter %{{.*}}, %arg1, %arg2 {axis = 1 : i64, circular} : (tensor<?x8x4xf16>, tensor<?x3x4xf16>, tensor<?xi64>) -> tensor<?x8x4xf16>
func.func @tensor_scatters(%a: tensor<?x8x4xf16>, %u: tensor<?x3x4xf16>, %at: tensor<?xi64>) -> tensor<?x8x4xf16> {
  %0 = sluice.tensor_scatter %a, %u {axis = 1 : i64} : (tensor<?x8x4xf16>, tensor<?x3x4xf16>) -> tensor<?x8x4xf16>
  %1 = sluice.tensor_scatter %0, %u, %at {axis = 1 : i64, circular} : (tensor<?x8x4xf16>, tensor<?x3x4xf16>, tensor<?xi64>) -> tensor<?x8x4xf16>
  return %1 : tensor<?x8x4xf16>
}

// CHECK-LABEL: @chosen
// CHECK: sluice.one_hot %arg0, %{{.*}}, %arg1 {axis = 1 : i64} : (tensor<?xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<?x4xf32>
// CHECK: sluice.top_k %{{.*}}, %{{.*}} {axis = 1 : i64, smallest} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
func.func @chosen(%i: tensor<?xi64>, %values: tensor<2xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
  %depth = sluice.constant dense<4> : tensor<1xi64>
  %k = sluice.constant dense<2> : tensor<1xi64>
  %0 = sluice.one_hot %i, %depth, %values {axis = 1 : i64} : (tensor<?xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<?x4xf32>
  %1:2 = sluice.top_k %0, %k {axis = 1 : i64, smallest} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  return %1#0, %1#1 : tensor<?x2xf32>, tensor<?x2xi64>
}

// CHECK-LABEL: @counted
// CHECK: %[[COUNT:.*]] = sluice.nonzero_count %arg0 : (tensor<2x3xf32>) -> tensor<1xi64>
// CHECK: sluice.nonzero %arg0, %[[COUNT]] : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x?xi64>
// CHECK: sluice.unique %arg0 {sorted} : (tensor<2x3xf32>) -> (tensor<1xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>)
func.func @counted(%a: tensor<2x3xf32>) -> (tensor<2x?xi64>, tensor<2xi64>) {
  %0 = sluice.nonzero_count %a : (tensor<2x3xf32>) -> tensor<1xi64>
  %1 = sluice.nonzero %a, %0 : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x?xi64>
  %2:4 = sluice.unique %a {sorted} : (tensor<2x3xf32>) -> (tensor<1xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>)
  return %1, %2#2 : tensor<2x?xi64>, tensor<2xi64>
}

// CHECK-LABEL: @boxes
// CHECK: sluice.non_max_suppression %arg0, %arg1, %arg2, %arg3, %arg3 {center_point} : ({{.*}}) -> (tensor<1xi64>, tensor<?x3xi64>)
func.func @boxes(%boxes: tensor<1x?x4xf32>, %scores: tensor<1x2x?xf32>, %most: tensor<1xi64>, %threshold: tensor<1xf32>) -> tensor<?x3xi64> {
  %0:2 = sluice.non_max_suppression %boxes, %scores, %most, %threshold, %threshold {center_point}
    : (tensor<1x?x4xf32>, tensor<1x2x?xf32>, tensor<1xi64>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1xi64>, tensor<?x3xi64>)
  return %0#1 : tensor<?x3xi64>
}

// -----

func.func @gather_axis(%a: tensor<2xf32>, %i: tensor<1xi64>) {
  // expected-error@below {{axis 1 is not within rank 1}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather %a, %i {axis = 1 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

func.func @elements_rank(%a: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error@below {{data and indices differ in rank}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather_elements %a, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @elements_size(%a: tensor<2x3xf32>, %i: tensor<2x4xi64>) {
  // expected-error@below {{indices are larger than the data}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather_elements %a, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @tuple_length(%a: tensor<2x3xf32>, %i: tensor<5x3xi64>) {
  // expected-error@below {{index tuples are longer than the rank}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<2x3xf32>, tensor<5x3xi64>) -> tensor<5xf32>
  return
}

// -----

func.func @tuple_unknown(%a: tensor<2x3xf32>, %i: tensor<5x?xi64>) {
  // expected-error@below {{the length of the index tuples is not known at compile time}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<2x3xf32>, tensor<5x?xi64>) -> tensor<5xf32>
  return
}

// -----

func.func @tuple_batch(%a: tensor<2x3xf32>, %i: tensor<4x1xi64>) {
  // expected-error@below {{batch dimensions do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.gather_nd %a, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @update_shape(%a: tensor<4xf32>, %i: tensor<2xi64>, %u: tensor<3xf32>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.scatter_elements %a, %i, %u {axis = 0 : i64, mode = #sluice.scatter<max>} : (tensor<4xf32>, tensor<2xi64>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update_type(%a: tensor<4xf32>, %i: tensor<2x1xi64>, %u: tensor<2xf64>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.scatter_nd %a, %i, %u {mode = #sluice.scatter<min>} : (tensor<4xf32>, tensor<2x1xi64>, tensor<2xf64>) -> tensor<4xf32>
  return
}

// -----

func.func @scatter_tuples(%a: tensor<4xf32>, %i: tensor<2x2xi64>, %u: tensor<2xf32>) {
  // expected-error@below {{index tuples do not fit the rank}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.scatter_nd %a, %i, %u {mode = #sluice.scatter<mul>} : (tensor<4xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @depth(%i: tensor<3xi64>, %values: tensor<2xf32>) {
  %depth = sluice.constant dense<-4> : tensor<i64>
  // expected-error@below {{negative depth}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.one_hot %i, %depth, %values {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @values(%i: tensor<3xi64>, %depth: tensor<i64>, %values: tensor<3xf32>) {
  // expected-error@below {{needs one depth and two values}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.one_hot %i, %depth, %values {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @one_k(%a: tensor<4xf32>, %k: tensor<2xi64>) {
  // expected-error@below {{k must be one element}}
  // expected-error@below {{failed to infer returned types}}
  %0:2 = sluice.top_k %a, %k {axis = 0 : i64} : (tensor<4xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @count(%a: tensor<4xf32>, %count: tensor<2xi64>) {
  // expected-error@below {{count must be one element}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.nonzero %a, %count : (tensor<4xf32>, tensor<2xi64>) -> tensor<1x?xi64>
  return
}

// -----

func.func @rows(%a: tensor<4xf32>) {
  // expected-error@below {{needs a matrix}}
  // expected-error@below {{failed to infer returned types}}
  %0:4 = sluice.unique %a : (tensor<4xf32>) -> (tensor<1xi64>, tensor<4xi64>, tensor<4xi64>, tensor<4xi64>)
  return
}

// -----

func.func @box_count(%boxes: tensor<1x5x4xf32>, %scores: tensor<1x2x6xf32>, %most: tensor<1xi64>, %threshold: tensor<1xf32>) {
  // expected-error@below {{boxes and scores do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0:2 = sluice.non_max_suppression %boxes, %scores, %most, %threshold, %threshold
    : (tensor<1x5x4xf32>, tensor<1x2x6xf32>, tensor<1xi64>, tensor<1xf32>, tensor<1xf32>) -> (tensor<1xi64>, tensor<?x3xi64>)
  return
}

// -----

func.func @tensor_scatter_axis(%a: tensor<2x8x4xf32>, %u: tensor<2x3x4xf32>) {
  // expected-error@below {{axis 3 is not within rank 3}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 3 : i64} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_batch(%a: tensor<2x8x4xf32>, %u: tensor<1x8x4xf32>) {
  // expected-error@below {{the first dimension is the batch}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 0 : i64} : (tensor<2x8x4xf32>, tensor<1x8x4xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_rank(%a: tensor<2x8x4xf32>, %u: tensor<2x3xf32>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x3xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_length(%a: tensor<2x8x4xf32>, %u: tensor<2x9x4xf32>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x9x4xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_size(%a: tensor<2x8x4xf32>, %u: tensor<2x3x5xf32>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x3x5xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_type(%a: tensor<2x8x4xf32>, %u: tensor<2x3x4xf16>) {
  // expected-error@below {{updates do not fit}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x3x4xf16>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_places(%a: tensor<2x8x4xf32>, %u: tensor<2x3x4xf32>, %at: tensor<3xi64>) {
  // expected-error@below {{needs a place for each of the batch}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u, %at {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<3xi64>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @tensor_scatter_floats(%a: tensor<2x8x4xf32>, %u: tensor<2x3x4xf32>, %at: tensor<2xf32>) {
  // expected-error@below {{indices must be integers}}
  // expected-error@below {{failed to infer returned types}}
  %0 = sluice.tensor_scatter %a, %u, %at {axis = 1 : i64} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<2xf32>) -> tensor<2x8x4xf32>
  return
}
