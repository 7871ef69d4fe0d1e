// RUN: sluice-opt %s --split-input-file --sluice-count-loops | FileCheck %s

// A list that each step makes one longer, and a state.
// CHECK-LABEL: func.func @appended
// CHECK:         %[[EMPTY:.*]] = tensor.empty() : tensor<5x2x3xf32>
// CHECK:         %[[LOOP:.*]]:2 = scf.for %[[I:.*]] = %{{.*}} to %c5 step %{{.*}} iter_args(%[[S:.*]] = %arg0, %[[LIST:.*]] = %[[EMPTY]])
// CHECK:           %[[NEXT:.*]] = sluice.softmax %[[S]]
// CHECK:           %[[PART:.*]] = sluice.unsqueeze %[[NEXT]]
// CHECK-NOT:       concat
// CHECK:           %[[ELEMENT:.*]] = sluice.squeeze %[[PART]] {axes = array<i64: 0>}
// CHECK:           %[[SET:.*]] = sluice.set_element %[[LIST]], %[[I]], %[[ELEMENT]]
// CHECK:           scf.yield %[[NEXT]], %[[SET]]
// CHECK:         %[[ALL:.*]] = tensor.cast %[[LOOP]]#1 : tensor<5x2x3xf32> to tensor<?x2x3xf32>
// CHECK:         return %[[LOOP]]#0, %[[ALL]]
func.func @appended(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<?x2x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %none = sluice.constant dense<> : tensor<0x2x3xf32>
  %start = tensor.cast %none : tensor<0x2x3xf32> to tensor<?x2x3xf32>
  %0:3 = scf.while (%i = %c0, %s = %x, %list = %start) : (index, tensor<2x3xf32>, tensor<?x2x3xf32>) -> (index, tensor<2x3xf32>, tensor<?x2x3xf32>) {
    %goes = arith.cmpi slt, %i, %c5 : index
    scf.condition(%goes) %i, %s, %list : index, tensor<2x3xf32>, tensor<?x2x3xf32>
  } do {
  ^bb0(%i: index, %s: tensor<2x3xf32>, %list: tensor<?x2x3xf32>):
    %next = sluice.softmax %s {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %part = sluice.unsqueeze %next {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
    %longer = sluice.concat %list, %part {axis = 0 : i64} : (tensor<?x2x3xf32>, tensor<1x2x3xf32>) -> tensor<?x2x3xf32>
    %more = arith.addi %i, %c1 : index
    scf.yield %more, %next, %longer : index, tensor<2x3xf32>, tensor<?x2x3xf32>
  }
  return %0#1, %0#2 : tensor<2x3xf32>, tensor<?x2x3xf32>
}

// -----

// Along another axis, and as many steps as an input says, which may be less
// than none.
// CHECK-LABEL: func.func @along
// CHECK:         %[[COUNT:.*]] = arith.maxsi %arg1, %{{.*}}
// CHECK:         %[[EMPTY:.*]] = tensor.empty(%[[COUNT]]) : tensor<?x2x3xf32>
// CHECK:         %[[LOOP:.*]] = scf.for %{{.*}} = %{{.*}} to %[[COUNT]] step
// CHECK:           sluice.squeeze %{{.*}} {axes = array<i64: 1>}
// CHECK:         sluice.transpose %[[LOOP]] {permutation = array<i64: 1, 0, 2>} : (tensor<?x2x3xf32>) -> tensor<2x?x3xf32>
func.func @along(%x: tensor<2x1x3xf32>, %n: index) -> tensor<2x?x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = sluice.constant dense<> : tensor<2x0x3xf32>
  %start = tensor.cast %none : tensor<2x0x3xf32> to tensor<2x?x3xf32>
  %0:2 = scf.while (%i = %c0, %list = %start) : (index, tensor<2x?x3xf32>) -> (index, tensor<2x?x3xf32>) {
    %goes = arith.cmpi slt, %i, %n : index
    scf.condition(%goes) %i, %list : index, tensor<2x?x3xf32>
  } do {
  ^bb0(%i: index, %list: tensor<2x?x3xf32>):
    %longer = sluice.concat %list, %x {axis = 1 : i64} : (tensor<2x?x3xf32>, tensor<2x1x3xf32>) -> tensor<2x?x3xf32>
    %more = arith.addi %i, %c1 : index
    scf.yield %more, %longer : index, tensor<2x?x3xf32>
  }
  return %0#1 : tensor<2x?x3xf32>
}

// -----

// A list that a step also reads, one that begins with something, and one that
// grows at its front.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     scf.for
// CHECK-COUNT-3: scf.while
// CHECK-NOT:     scf.for
func.func @others(%x: tensor<1x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %none = sluice.constant dense<> : tensor<0x3xf32>
  %start = tensor.cast %none : tensor<0x3xf32> to tensor<?x3xf32>
  %some = tensor.cast %x : tensor<1x3xf32> to tensor<?x3xf32>
  %0:2 = scf.while (%i = %c0, %list = %start) : (index, tensor<?x3xf32>) -> (index, tensor<?x3xf32>) {
    %goes = arith.cmpi slt, %i, %c5 : index
    scf.condition(%goes) %i, %list : index, tensor<?x3xf32>
  } do {
  ^bb0(%i: index, %list: tensor<?x3xf32>):
    %sum = sluice.reduce %list {axes = array<i64: 0>, keep_dims, kind = #sluice.reduction<sum>} : (tensor<?x3xf32>) -> tensor<1x3xf32>
    %longer = sluice.concat %list, %sum {axis = 0 : i64} : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
    %more = arith.addi %i, %c1 : index
    scf.yield %more, %longer : index, tensor<?x3xf32>
  }
  %1:2 = scf.while (%i = %c0, %list = %some) : (index, tensor<?x3xf32>) -> (index, tensor<?x3xf32>) {
    %goes = arith.cmpi slt, %i, %c5 : index
    scf.condition(%goes) %i, %list : index, tensor<?x3xf32>
  } do {
  ^bb0(%i: index, %list: tensor<?x3xf32>):
    %longer = sluice.concat %list, %x {axis = 0 : i64} : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
    %more = arith.addi %i, %c1 : index
    scf.yield %more, %longer : index, tensor<?x3xf32>
  }
  %2:2 = scf.while (%i = %c0, %list = %start) : (index, tensor<?x3xf32>) -> (index, tensor<?x3xf32>) {
    %goes = arith.cmpi slt, %i, %c5 : index
    scf.condition(%goes) %i, %list : index, tensor<?x3xf32>
  } do {
  ^bb0(%i: index, %list: tensor<?x3xf32>):
    %longer = sluice.concat %x, %list {axis = 0 : i64} : (tensor<1x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
    %more = arith.addi %i, %c1 : index
    scf.yield %more, %longer : index, tensor<?x3xf32>
  }
  return %0#1, %1#1, %2#1 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}
