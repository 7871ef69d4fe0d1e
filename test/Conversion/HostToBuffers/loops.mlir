// RUN: sluice-opt %s --split-input-file --sluice-form-kernels --sluice-outline-kernels --sluice-emit-kernels --sluice-host-to-buffers --canonicalize --cse | FileCheck %s

// A kernel writes an element to its place in the model's output; the state is
// that element, so it needs no buffer of its own.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[OUT:.*]] = kernel.output %arg0 0() : memref<5x4xf32>
// CHECK:         scf.for %[[I:.*]] = {{.*}} iter_args(%[[STATE:[a-z0-9]*]] = %{{[a-z0-9]*}}) -> (memref<4xf32>)
// CHECK:           %[[OFFSET:.*]] = arith.muli %[[I]], %c4
// CHECK:           %[[IN:.*]] = kernel.subview %{{.*}}[%[[OFFSET]]] () : memref<5x4xf32> to memref<4xf32>
// CHECK:           kernel.launch @softmax[0] (%arg0) ins(%[[IN]] : memref<4xf32>)
// CHECK:           %[[PLACE:.*]] = kernel.subview %[[OUT]][%[[OFFSET]]] () : memref<5x4xf32> to memref<4xf32>
// CHECK:           kernel.launch @map[1] (%arg0) ins({{.*}}%[[STATE]]{{.*}}) outs(%[[PLACE]] : memref<4xf32>)
// CHECK-NOT:       kernel.copy
// CHECK:           scf.yield %[[PLACE]]
func.func @main(%s0: tensor<4xf32>, %a: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 5 : index
  %empty = tensor.empty() : tensor<5x4xf32>
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%s = %s0, %ys = %empty) -> (tensor<4xf32>, tensor<5x4xf32>) {
    %ai = sluice.element %a, %i : (tensor<5x4xf32>, index) -> tensor<4xf32>
    %p = sluice.softmax %ai {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
    %next = sluice.add %p, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %filled = sluice.set_element %ys, %i, %next : (tensor<5x4xf32>, index, tensor<4xf32>) -> tensor<5x4xf32>
    scf.yield %next, %filled : tensor<4xf32>, tensor<5x4xf32>
  }
  return %0#1 : tensor<5x4xf32>
}

// -----

// Two buffers of a state change places.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[A:.*]] = kernel.allocate %arg0() : memref<4xf32>
// CHECK:         kernel.copy %{{.*}} to %[[A]]
// CHECK:         scf.for {{.*}} iter_args(%[[NOW:[a-z0-9]*]] = %[[A]], %[[SPARE:[a-z0-9]*]] = %{{[a-z0-9]*}}) -> (memref<4xf32>, memref<4xf32>)
// CHECK-NEXT:      kernel.launch @softmax[0] (%arg0) ins(%[[NOW]] : memref<4xf32>) outs(%[[SPARE]] : memref<4xf32>)
// CHECK-NEXT:      scf.yield %[[SPARE]], %[[NOW]]
func.func @main(%s0: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %0 = scf.for %i = %zero to %five step %one iter_args(%s = %s0) -> tensor<4xf32> {
    %next = sluice.softmax %s {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// States that change places keep their buffers; nothing is copied in a step.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.for {{.*}} iter_args(%[[P:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[SPARE:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[Q:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[OTHER:[a-z0-9]*]] = %{{[a-z0-9]*}})
// CHECK-NEXT:      kernel.launch @softmax[0] (%arg0) ins(%[[P]] : memref<4xf32>) outs(%[[OTHER]] : memref<4xf32>)
// CHECK-NEXT:      scf.yield %[[Q]], %[[P]], %[[OTHER]], %[[SPARE]]
func.func @main(%p0: tensor<4xf32>, %q0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %0:2 = scf.for %i = %zero to %five step %one iter_args(%p = %p0, %q = %q0) -> (tensor<4xf32>, tensor<4xf32>) {
    %next = sluice.softmax %p {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %q, %next : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// One value for two states is copied for the second.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.for {{.*}} iter_args(%[[P:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[SPARE:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[Q:[a-z0-9]*]] = %{{[a-z0-9]*}}, %[[OTHER:[a-z0-9]*]] = %{{[a-z0-9]*}})
// CHECK-NEXT:      kernel.launch @map[0] (%arg0) ins({{.*}}) outs(%[[SPARE]] : memref<4xf32>)
// CHECK-NEXT:      kernel.copy %[[SPARE]] to %[[OTHER]]
// CHECK-NEXT:      scf.yield %[[SPARE]], %[[P]], %[[OTHER]], %[[Q]]
func.func @main(%p0: tensor<4xf32>, %q0: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %0:2 = scf.for %i = %zero to %five step %one iter_args(%p = %p0, %q = %q0) -> (tensor<4xf32>, tensor<4xf32>) {
    %next = sluice.sub %p, %q : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next, %next : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A list takes twice the memory when it is full. A state of dynamic size gets
// new memory where its size changes.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.while
// CHECK:         do
// CHECK:           %[[FITS:.*]] = arith.cmpi slt
// CHECK:           %[[MEMORY:.*]] = scf.if
// CHECK:             kernel.allocate {{.*}}{fresh} : memref<?x4xf32>
// CHECK:             kernel.copy
// CHECK:           %[[LONGER:.*]] = kernel.view %[[MEMORY]]
// CHECK:           %[[PLACE:.*]] = kernel.subview %[[MEMORY]]
// CHECK:           kernel.launch @softmax[0] {{.*}} outs(%[[PLACE]] : memref<4xf32>)
// CHECK:           scf.yield {{.*}}%[[LONGER]], %[[MEMORY]]
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<?x4xf32> {
  %condition = tensor.extract %c[] : tensor<i1>
  %empty = tensor.empty() : tensor<0x4xf32>
  %start = tensor.cast %empty : tensor<0x4xf32> to tensor<?x4xf32>
  %0:2 = scf.while (%on = %condition, %list = %start) : (i1, tensor<?x4xf32>) -> (i1, tensor<?x4xf32>) {
    scf.condition(%on) %on, %list : i1, tensor<?x4xf32>
  } do {
  ^bb0(%on: i1, %list: tensor<?x4xf32>):
    %element = sluice.softmax %x {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
    %next = sluice.append %list, %element : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    scf.yield %on, %next : i1, tensor<?x4xf32>
  }
  return %0#1 : tensor<?x4xf32>
}

// -----

// A state that keeps its dynamic sizes needs no new memory.
// CHECK-LABEL: func.func @sluice_host
// CHECK-NOT:     fresh
// CHECK:         scf.for {{.*}} iter_args(%[[NOW:.*]] = %{{.*}}, %[[SPARE:.*]] = %{{.*}})
// CHECK-NEXT:      kernel.launch @softmax[0] (%arg0) ins(%[[NOW]] : memref<?xf32>) outs(%[[SPARE]] : memref<?xf32>)
// CHECK-NEXT:      scf.yield %[[SPARE]], %[[NOW]]
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %0 = scf.for %i = %zero to %five step %one iter_args(%p = %x) -> (tensor<?xf32>) {
    %next = sluice.softmax %p {axis = 0 : i64} : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %next : tensor<?xf32>
  }
  return %0 : tensor<?xf32>
}

// -----

// States of other sizes may come to have each other's memory.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.for
// CHECK:           scf.if
// CHECK:             kernel.allocate {{.*}}{fresh}
func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %0:2 = scf.for %i = %zero to %five step %one iter_args(%p = %x, %q = %y) -> (tensor<?xf32>, tensor<?xf32>) {
    %next = sluice.softmax %p {axis = 0 : i64} : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %q, %next : tensor<?xf32>, tensor<?xf32>
  }
  return %0#0, %0#1 : tensor<?xf32>, tensor<?xf32>
}

// -----

// A branch makes the next state in the spare buffer, or leaves both as they are.
// What another state takes over is copied: which buffer is left, only the run
// knows.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.for {{.*}} iter_args(%[[NOW:[a-z0-9]+]] = {{.*}}, %[[SPARE:[a-z0-9]+]] = {{.*}}, %[[OTHER:[a-z0-9]+]] = {{.*}}, %[[ROOM:[a-z0-9]+]] = {{.*}})
// CHECK-DAG:       %[[NEXT:.*]] = arith.select %{{.*}}, %[[SPARE]], %[[NOW]] : memref<4xf32>
// CHECK-DAG:       %[[LEFT:.*]] = arith.select %{{.*}}, %[[NOW]], %[[SPARE]] : memref<4xf32>
// CHECK:           scf.if
// CHECK-NEXT:        kernel.launch @softmax[0] (%arg0) ins(%[[NOW]] : memref<4xf32>) outs(%[[SPARE]] : memref<4xf32>)
// CHECK-NOT:       kernel.copy %{{.*}} to %[[SPARE]]
// CHECK:           kernel.copy %[[NOW]] to %[[ROOM]]
// CHECK-NEXT:      scf.yield %[[NEXT]], %[[LEFT]], %[[ROOM]], %[[OTHER]]
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>, %c: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %five = arith.constant 5 : index
  %condition = tensor.extract %c[] : tensor<i1>
  %0:2 = scf.for %i = %zero to %five step %one iter_args(%p = %x, %q = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    %made = scf.if %condition -> (tensor<4xf32>) {
      %next = sluice.softmax %p {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
      scf.yield %next : tensor<4xf32>
    } else {
      scf.yield %p : tensor<4xf32>
    }
    scf.yield %made, %p : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
