// RUN: sluice-opt %s --split-input-file --sluice-form-kernels | FileCheck %s

// A product with its elementwise epilogue is one kernel.
// CHECK-LABEL: func.func @epilogue
// CHECK:         kernel.region "matmul" ins(%{{.*}}, %{{.*}}, %{{.*}} :
// CHECK:           sluice.matmul
// CHECK-NEXT:      sluice.add
// CHECK-NEXT:      sluice.relu
// CHECK-NEXT:      kernel.yield
// CHECK-NOT:     kernel.region
func.func @epilogue(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>, %b: tensor<16xf32>) -> tensor<4x16xf32> {
  %0 = sluice.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.add %0, %b : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %2 = sluice.relu %1 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// A result that is used twice is stored.
// CHECK-LABEL: func.func @two_users
// CHECK:         kernel.region "matmul"
// CHECK:         kernel.region "map"
// CHECK:         kernel.region "map"
func.func @two_users(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %0 = sluice.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = sluice.relu %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  %2 = sluice.neg %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1, %2 : tensor<4x16xf32>, tensor<4x16xf32>
}

// -----

// A value that is broadcast would be computed once per use.
// CHECK-LABEL: func.func @broadcast
// CHECK:         kernel.region "map"
// CHECK:           sluice.exp
// CHECK:         kernel.region "map"
// CHECK:           sluice.add
func.func @broadcast(%x: tensor<16xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %0 = sluice.exp %x : (tensor<16xf32>) -> tensor<16xf32>
  %1 = sluice.add %0, %y : (tensor<16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// -----

// Dimensions of one name are equal, so both operands can be computed in place.
// CHECK-LABEL: func.func @same_name
// CHECK:         kernel.region "map" ins(%arg0, %arg1
// CHECK-NOT:     kernel.region
func.func @same_name(%x: tensor<?xf32> {sluice.dims = ["n"]}, %y: tensor<?xf32> {sluice.dims = ["n"]}) -> tensor<?xf32> {
  %0 = sluice.exp %x : (tensor<?xf32>) -> tensor<?xf32>
  %1 = sluice.add %0, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// Without names either may be stretched.
// CHECK-LABEL: func.func @other_name
// CHECK:         kernel.region "map" ins(%arg0 :
// CHECK:         kernel.region "map"
func.func @other_name(%x: tensor<?xf32> {sluice.dims = ["n"]}, %y: tensor<?xf32> {sluice.dims = ["m"]}) -> tensor<?xf32> {
  %0 = sluice.exp %x : (tensor<?xf32>) -> tensor<?xf32>
  %1 = sluice.add %0, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// Shape arithmetic becomes index arithmetic; no kernel is left of it.
// CHECK-LABEL: func.func @shape_chain
// CHECK-NOT:     kernel.region
// CHECK:         %[[N:.*]] = tensor.dim %arg0
// CHECK:         kernel.alias %arg0 sizes(%[[N]])
// CHECK-NOT:     kernel.region
func.func @shape_chain(%x: tensor<?x4x4xf32>) -> tensor<?x16xf32> {
  %0 = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x4x4xf32>) -> tensor<1xi64>
  %1 = sluice.constant dense<16> : tensor<1xi64>
  %2 = sluice.concat %0, %1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %3 = sluice.reshape %x, %2 : (tensor<?x4x4xf32>, tensor<2xi64>) -> tensor<?x16xf32>
  return %3 : tensor<?x16xf32>
}

// -----

// A size is computed once, however often its tensor is used: two of the inputs,
// one of their sum, which the run alone knows, and none of what follows.
// CHECK-LABEL: func.func @used_twice
// CHECK-COUNT-2: tensor.dim
// CHECK-NOT:     tensor.dim
// CHECK:         %[[SIZE:.*]] = arith.select
// CHECK-NOT:     arith.select
// CHECK:         kernel.region "map" ins(%arg0, %arg1 : {{.*}}) sizes(%[[SIZE]])
// CHECK-NOT:     tensor.dim
func.func @used_twice(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = sluice.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %1 = sluice.neg %0 : (tensor<?xf32>) -> tensor<?xf32>
  %2 = sluice.mul %0, %1 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %3 = sluice.neg %2 : (tensor<?xf32>) -> tensor<?xf32>
  %4 = sluice.mul %2, %3 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %4 : tensor<?xf32>
}

// -----

// A reduction reads each element once: what is in front of it is computed
// meanwhile, broadcasts and one-hots included.
// CHECK-LABEL: func.func @in_front_of_reduction
// CHECK:         kernel.region "reduce" ins(%arg0, %arg1 :
// CHECK:           sluice.sub
// CHECK-NEXT:      sluice.mul
// CHECK-NEXT:      sluice.reduce
// CHECK-NOT:     kernel.region
func.func @in_front_of_reduction(%x: tensor<40x1x8xf32>, %y: tensor<1x50x8xf32>) -> tensor<40x50xf32> {
  %0 = sluice.sub %x, %y : (tensor<40x1x8xf32>, tensor<1x50x8xf32>) -> tensor<40x50x8xf32>
  %1 = sluice.mul %0, %0 : (tensor<40x50x8xf32>, tensor<40x50x8xf32>) -> tensor<40x50x8xf32>
  %2 = sluice.reduce %1 {axes = array<i64: 2>, kind = #sluice.reduction<sum>} : (tensor<40x50x8xf32>) -> tensor<40x50xf32>
  return %2 : tensor<40x50xf32>
}

// -----

// CHECK-LABEL: func.func @broadcast_in_front_of_reduction
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.broadcast
// CHECK-NEXT:      sluice.reduce
// CHECK-NOT:     kernel.region
func.func @broadcast_in_front_of_reduction(%x: tensor<4x1xi64>, %shape: tensor<2xi64>) -> tensor<4xi64> {
  %0 = sluice.broadcast %x, %shape : (tensor<4x1xi64>, tensor<2xi64>) -> tensor<4x9xi64>
  %1 = sluice.reduce %0 {axes = array<i64: 1>, kind = #sluice.reduction<sum>} : (tensor<4x9xi64>) -> tensor<4xi64>
  return %1 : tensor<4xi64>
}

// -----

// What is read elsewhere too, what is broadcast on the way, and integers, which
// a reduction takes one at a time, are stored.
// CHECK-LABEL: func.func @stored_in_front_of_reduction
// CHECK:         kernel.region "map"
// CHECK:           sluice.exp
// CHECK:         kernel.region "map"
// CHECK:           sluice.neg
// CHECK:         kernel.region "reduce"
// CHECK-NOT:       sluice.neg
// CHECK:           sluice.add
// CHECK-NEXT:      sluice.reduce
// CHECK:         kernel.region "map"
// CHECK:           sluice.abs
// CHECK:         kernel.region "reduce"
func.func @stored_in_front_of_reduction(%x: tensor<4x9xf32>, %row: tensor<9xf32>, %n: tensor<4x9xi64>) -> (tensor<4x9xf32>, tensor<4xf32>, tensor<4xi64>) {
  %0 = sluice.exp %x : (tensor<4x9xf32>) -> tensor<4x9xf32>
  %1 = sluice.neg %row : (tensor<9xf32>) -> tensor<9xf32>
  %2 = sluice.add %0, %1 : (tensor<4x9xf32>, tensor<9xf32>) -> tensor<4x9xf32>
  %3 = sluice.reduce %2 {axes = array<i64: 1>, kind = #sluice.reduction<max>} : (tensor<4x9xf32>) -> tensor<4xf32>
  %4 = sluice.abs %n : (tensor<4x9xi64>) -> tensor<4x9xi64>
  %5 = sluice.reduce %4 {axes = array<i64: 1>, kind = #sluice.reduction<sum>} : (tensor<4x9xi64>) -> tensor<4xi64>
  return %0, %3, %5 : tensor<4x9xf32>, tensor<4xf32>, tensor<4xi64>
}

// -----

// Moved elements are neighbours mostly, and pads and concatenations read each of
// theirs once, so what is in front of these is computed on the way as well.
// CHECK-LABEL: func.func @pad_in_front_of_reduction
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.exp
// CHECK-NEXT:      sluice.concat
// CHECK-NEXT:      sluice.pad
// CHECK-NEXT:      sluice.neg
// CHECK-NEXT:      sluice.reduce
// CHECK-NOT:     kernel.region
func.func @pad_in_front_of_reduction(%x: tensor<4x50xf32>, %y: tensor<4x9xf32>, %value: tensor<f32>) -> tensor<64xf32> {
  %0 = sluice.exp %x : (tensor<4x50xf32>) -> tensor<4x50xf32>
  %1 = sluice.concat %0, %y {axis = 1 : i64} : (tensor<4x50xf32>, tensor<4x9xf32>) -> tensor<4x59xf32>
  %2 = sluice.pad %1, %value {high = array<i64: 0, 2>, low = array<i64: 1, 3>} : (tensor<4x59xf32>, tensor<f32>) -> tensor<5x64xf32>
  %3 = sluice.neg %2 : (tensor<5x64xf32>) -> tensor<5x64xf32>
  %4 = sluice.reduce %3 {axes = array<i64: 0>, kind = #sluice.reduction<sum>} : (tensor<5x64xf32>) -> tensor<64xf32>
  return %4 : tensor<64xf32>
}

// -----

// What is read again and again is stored, what repeats it is not.
// CHECK-LABEL: func.func @repeats_in_front_of_reduction
// CHECK:         kernel.region "map"
// CHECK:           sluice.exp
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.tile
// CHECK-NEXT:      sluice.reduce
// CHECK:         kernel.region "map"
// CHECK:           sluice.tanh
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.extend
// CHECK-NEXT:      sluice.reduce
// CHECK-NOT:     kernel.region
func.func @repeats_in_front_of_reduction(%x: tensor<4x50xf32>, %repeats: tensor<2xi64>) -> (tensor<8xf32>, tensor<90xf32>) {
  %0 = sluice.exp %x : (tensor<4x50xf32>) -> tensor<4x50xf32>
  %1 = sluice.tile %0, %repeats : (tensor<4x50xf32>, tensor<2xi64>) -> tensor<8x100xf32>
  %2 = sluice.reduce %1 {axes = array<i64: 1>, kind = #sluice.reduction<sum>} : (tensor<8x100xf32>) -> tensor<8xf32>
  %3 = sluice.tanh %x : (tensor<4x50xf32>) -> tensor<4x50xf32>
  %4 = sluice.extend %3 {high = array<i64: 0, 20>, low = array<i64: 0, 20>, mode = #sluice.extend<reflect>} : (tensor<4x50xf32>) -> tensor<4x90xf32>
  %5 = sluice.reduce %4 {axes = array<i64: 0>, kind = #sluice.reduction<sum>} : (tensor<4x90xf32>) -> tensor<90xf32>
  return %2, %5 : tensor<8xf32>, tensor<90xf32>
}

// -----

// Each reduction has a copy of what it takes less to compute than to read, unless
// someone else reads it too.
// CHECK-LABEL: func.func @two_reductions
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.broadcast
// CHECK-NEXT:      sluice.reduce
// CHECK:         kernel.region "reduce"
// CHECK:           sluice.broadcast
// CHECK-NEXT:      sluice.reduce
// CHECK:         kernel.region "tile"
// CHECK:         kernel.region "reduce"
// CHECK-NOT:       sluice.tile
// CHECK:         kernel.region "softmax"
func.func @two_reductions(%x: tensor<4x1xf32>, %shape: tensor<2xi64>) -> (tensor<4xf32>, tensor<90xf32>, tensor<4xf32>, tensor<4x90xf32>) {
  %0 = sluice.broadcast %x, %shape : (tensor<4x1xf32>, tensor<2xi64>) -> tensor<4x90xf32>
  %1 = sluice.reduce %0 {axes = array<i64: 1>, kind = #sluice.reduction<sum>} : (tensor<4x90xf32>) -> tensor<4xf32>
  %2 = sluice.reduce %0 {axes = array<i64: 0>, kind = #sluice.reduction<max>} : (tensor<4x90xf32>) -> tensor<90xf32>
  %3 = sluice.tile %x, %shape : (tensor<4x1xf32>, tensor<2xi64>) -> tensor<4x90xf32>
  %4 = sluice.reduce %3 {axes = array<i64: 1>, kind = #sluice.reduction<sum>} : (tensor<4x90xf32>) -> tensor<4xf32>
  %5 = sluice.softmax %3 {axis = 1 : i64} : (tensor<4x90xf32>) -> tensor<4x90xf32>
  return %1, %2, %4, %5 : tensor<4xf32>, tensor<90xf32>, tensor<4xf32>, tensor<4x90xf32>
}

// -----

// A tensor without elements needs no kernel, also where other sizes of it are
// known in the run only; one that is made of such tensors does.
// CHECK-LABEL: func.func @empty
// CHECK-NOT:     kernel.region
// CHECK:         %[[EMPTY:.*]] = sluice.constant dense<> : tensor<0xf32>
// CHECK:         kernel.alias %[[EMPTY]] {{.*}} -> tensor<0x?xf32>
// CHECK:         kernel.region "reduce"
func.func @empty(%x: tensor<0x?xf32>) -> (tensor<0x?xf32>, tensor<?xf32>) {
  %0 = sluice.exp %x : (tensor<0x?xf32>) -> tensor<0x?xf32>
  %1 = sluice.reduce %0 {kind = #sluice.reduction<sum>, axes = array<i64: 0>} : (tensor<0x?xf32>) -> tensor<?xf32>
  return %0, %1 : tensor<0x?xf32>, tensor<?xf32>
}

// -----

// A reduction computes a few pads inside each other on the way. Its code has
// several ways to read each, so what is behind many is stored.
// CHECK-LABEL: func.func @nested_pads
// CHECK:         kernel.region "pad"
// CHECK:         kernel.region "reduce"
// CHECK-COUNT-4:   sluice.pad
// CHECK-NEXT:      sluice.reduce
func.func @nested_pads(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %v = sluice.constant dense<1.0> : tensor<f32>
  %p0 = sluice.pad %x, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x10xf32>
  %p1 = sluice.pad %p0, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x10xf32>, tensor<f32>) -> tensor<4x12xf32>
  %p2 = sluice.pad %p1, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x12xf32>, tensor<f32>) -> tensor<4x14xf32>
  %p3 = sluice.pad %p2, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x14xf32>, tensor<f32>) -> tensor<4x16xf32>
  %p4 = sluice.pad %p3, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x16xf32>, tensor<f32>) -> tensor<4x18xf32>
  %p5 = sluice.pad %p4, %v {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<4x18xf32>, tensor<f32>) -> tensor<4x20xf32>
  %r = sluice.reduce %p5 {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<4x20xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// Sums of floats take an epilogue of any floats, but not of integers.
// CHECK-LABEL: func.func @narrow_epilogue
// CHECK:         kernel.region "matmul"
// CHECK:           sluice.matmul
// CHECK:           sluice.add
// CHECK:           sluice.cast
// CHECK-NOT:     kernel.region
// CHECK:         return
func.func @narrow_epilogue(%x: tensor<4x8xf16>, %w: tensor<8x16xf16>, %b: tensor<16xf16>) -> tensor<4x16xf32> {
  %0 = sluice.matmul %x, %w : (tensor<4x8xf16>, tensor<8x16xf16>) -> tensor<4x16xf16>
  %1 = sluice.add %0, %b : (tensor<4x16xf16>, tensor<16xf16>) -> tensor<4x16xf16>
  %2 = sluice.cast %1 {to = f32} : (tensor<4x16xf16>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// -----

// CHECK-LABEL: func.func @not_of_integers
// CHECK:         kernel.region "matmul"
// CHECK:         kernel.region "map"
func.func @not_of_integers(%x: tensor<4x8xf16>, %w: tensor<8x16xf16>) -> tensor<4x16xi32> {
  %0 = sluice.matmul %x, %w : (tensor<4x8xf16>, tensor<8x16xf16>) -> tensor<4x16xf16>
  %1 = sluice.cast %0 {to = i32} : (tensor<4x16xf16>) -> tensor<4x16xi32>
  return %1 : tensor<4x16xi32>
}
