// RUN: sluice-opt %s --sluice-fold-loop-sizes | FileCheck %s

// A loop that keeps the sizes it begins with, and one within it: all sizes are
// those of the function's argument.
// CHECK-LABEL: func.func @kept
// CHECK-DAG:     %[[N:.*]] = tensor.dim %arg0, %c0{{(_[0-9]+)?}}
// CHECK-NOT:     tensor.dim
// CHECK:         scf.for
// CHECK:           kernel.call @k ins(%{{.*}} : tensor<?xf32>) sizes(%[[N]])
// CHECK:           scf.for
// CHECK:             kernel.call @k ins(%{{.*}} : tensor<?xf32>) sizes(%[[N]])
// CHECK-NOT:     tensor.dim
// CHECK:         return %{{.*}}, %[[N]] : tensor<?xf32>, index
func.func @kept(%x: tensor<?xf32>, %count: index) -> (tensor<?xf32>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %count step %c1 iter_args(%s = %x) -> (tensor<?xf32>) {
    %n = tensor.dim %s, %c0 : tensor<?xf32>
    %1 = kernel.call @k ins(%s : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
    %2 = scf.for %j = %c0 to %count step %c1 iter_args(%t = %1) -> (tensor<?xf32>) {
      %m = tensor.dim %t, %c0 : tensor<?xf32>
      %3 = kernel.call @k ins(%t : tensor<?xf32>) sizes(%m) -> tensor<?xf32>
      scf.yield %3 : tensor<?xf32>
    }
    scf.yield %2 : tensor<?xf32>
  }
  %n = tensor.dim %0, %c0 : tensor<?xf32>
  return %0, %n : tensor<?xf32>, index
}

// The first dimension grows, the second one stays.
// CHECK-LABEL: func.func @grown
// CHECK-DAG:     %[[KEPT:.*]] = tensor.dim %arg0, %c1{{(_[0-9]+)?}}
// CHECK:         scf.for {{.*}} iter_args(%[[S:.*]] = %arg0)
// CHECK:           %[[N:.*]] = tensor.dim %[[S]], %c0{{(_[0-9]+)?}}
// CHECK:           %[[MORE:.*]] = arith.addi %[[N]], %{{.*}}
// CHECK:           kernel.call @k ins(%{{.*}}) sizes(%[[MORE]], %[[KEPT]])
func.func @grown(%x: tensor<?x?xf32>, %count: index) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %count step %c1 iter_args(%s = %x) -> (tensor<?x?xf32>) {
    %n = tensor.dim %s, %c0 : tensor<?x?xf32>
    %m = tensor.dim %s, %c1 : tensor<?x?xf32>
    %more = arith.addi %n, %c1 : index
    %1 = kernel.call @k ins(%s : tensor<?x?xf32>) sizes(%more, %m) -> tensor<?x?xf32>
    scf.yield %1 : tensor<?x?xf32>
  }
  return %0 : tensor<?x?xf32>
}

// Two states that change places keep no sizes, unless they have the same.
// CHECK-LABEL: func.func @swapped
// CHECK-DAG:     %[[SAME:.*]] = tensor.dim %arg0, %c0{{(_[0-9]+)?}}
// CHECK:         scf.for {{.*}} iter_args(%[[S:.*]] = %arg0, %{{.*}} = %arg1)
// CHECK:           %[[N:.*]] = tensor.dim %[[S]], %c0{{(_[0-9]+)?}}
// CHECK:           kernel.call @k ins(%{{.*}}) sizes(%[[N]])
// CHECK:         scf.for
// CHECK:           kernel.call @k ins(%{{.*}}) sizes(%[[SAME]])
func.func @swapped(%x: tensor<?xf32>, %y: tensor<?xf32>, %count: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:2 = scf.for %i = %c0 to %count step %c1 iter_args(%s = %x, %t = %y) -> (tensor<?xf32>, tensor<?xf32>) {
    %n = tensor.dim %s, %c0 : tensor<?xf32>
    %1 = kernel.call @k ins(%s : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
    scf.yield %t, %1 : tensor<?xf32>, tensor<?xf32>
  }
  %2:2 = scf.for %i = %c0 to %count step %c1 iter_args(%s = %x, %t = %x) -> (tensor<?xf32>, tensor<?xf32>) {
    %n = tensor.dim %s, %c0 : tensor<?xf32>
    %1 = kernel.call @k ins(%s : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
    scf.yield %t, %1 : tensor<?xf32>, tensor<?xf32>
  }
  return %0#0, %2#0 : tensor<?xf32>, tensor<?xf32>
}

// What a condition forwards is what the loop carries, or made in front of it:
// of that nothing is known outside.
// CHECK-LABEL: func.func @until
// CHECK-DAG:     %[[N:.*]] = tensor.dim %arg0, %c0{{(_[0-9]+)?}}
// CHECK:         scf.while
// CHECK:           kernel.call @k ins(%{{.*}}) sizes(%[[N]])
// CHECK:         %[[MADE:.*]] = tensor.dim %{{.*}}#1, %c0{{(_[0-9]+)?}}
// CHECK:         return %{{.*}}, %[[N]], %[[MADE]]
func.func @until(%x: tensor<?xf32>, %go: i1) -> (tensor<?xf32>, index, index) {
  %c0 = arith.constant 0 : index
  %0:2 = scf.while (%s = %x) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
    %m = func.call @size() : () -> index
    %1 = kernel.call @k ins(%s : tensor<?xf32>) sizes(%m) -> tensor<?xf32>
    scf.condition(%go) %s, %1 : tensor<?xf32>, tensor<?xf32>
  } do {
  ^bb0(%s: tensor<?xf32>, %t: tensor<?xf32>):
    %n = tensor.dim %s, %c0 : tensor<?xf32>
    %1 = kernel.call @k ins(%t : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
    scf.yield %1 : tensor<?xf32>
  }
  %n = tensor.dim %0#0, %c0 : tensor<?xf32>
  %m = tensor.dim %0#1, %c0 : tensor<?xf32>
  return %0#0, %n, %m : tensor<?xf32>, index, index
}

func.func private @size() -> index
