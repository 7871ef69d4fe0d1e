// RUN: sluice-opt %s --split-input-file --sluice-plan-memory --canonicalize --cse | FileCheck %s

// Smaller buffers share the place of a large one that is gone, although no size
// is known.
// CHECK-LABEL: func.func @sluice_host
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK:         kernel.workspace %arg0[%[[ZERO]]] ({{.*}}) : memref<?x32xf32>
// CHECK:         kernel.workspace %arg0[%[[BEHIND:.*]]] ({{.*}}) : memref<?x16xf32>
// CHECK:         kernel.workspace %arg0[%[[ZERO]]] ({{.*}}) : memref<?x16xf32>
// CHECK:         kernel.workspace %arg0[%[[SMALL:.*]]] ({{.*}}) : memref<?x16xf32>
// CHECK-NOT:     arith.select
// CHECK-LABEL: func.func @sluice_plan
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %in = kernel.input %frame 0 : memref<?x32xf32>
  %a = kernel.allocate %frame(%n) : memref<?x32xf32>
  kernel.launch @k[0] (%frame) ins(%in : memref<?x32xf32>) outs(%a : memref<?x32xf32>)
  %b = kernel.allocate %frame(%n) : memref<?x16xf32>
  kernel.launch @l[1] (%frame) ins(%a : memref<?x32xf32>) outs(%b : memref<?x16xf32>)
  %c = kernel.allocate %frame(%n) : memref<?x16xf32>
  kernel.launch @m[2] (%frame) ins(%b : memref<?x16xf32>) outs(%c : memref<?x16xf32>)
  %d = kernel.allocate %frame(%n) : memref<?x16xf32>
  kernel.launch @m[3] (%frame) ins(%b, %c : memref<?x16xf32>, memref<?x16xf32>) outs(%d : memref<?x16xf32>)
  %out = kernel.output %frame 0(%n) : memref<?x16xf32>
  kernel.launch @m[4] (%frame) ins(%c, %d : memref<?x16xf32>, memref<?x16xf32>) outs(%out : memref<?x16xf32>)
  return
}

// -----

// @same works in place: the sizes are equal. Those of @other may differ: a
// smaller input is broadcast.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.launch @first{{.*}} outs(%[[FIRST:.*]] : memref
// CHECK:         kernel.launch @same{{.*}} ins(%[[FIRST]] : {{.*}}) outs(%[[FIRST]] :
// CHECK:         %[[OTHER:.*]] = kernel.workspace %arg0[%{{[0-9]+}}]
// CHECK:         kernel.launch @other{{.*}} ins(%[[FIRST]] : {{.*}}) outs(%[[OTHER]] :
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %m = kernel.input_size %frame 0, 1
  %k = kernel.input_size %frame 1, 0
  %in = kernel.input %frame 0 : memref<?x?xf32>
  %a = kernel.allocate %frame(%n, %m) : memref<?x?xf32>
  kernel.launch @first[0] (%frame) ins(%in : memref<?x?xf32>) outs(%a : memref<?x?xf32>)
  %b = kernel.allocate %frame(%n, %m) : memref<?x?xf32>
  kernel.launch @same[1] (%frame) ins(%a : memref<?x?xf32>) outs(%b : memref<?x?xf32>) {reusable = array<i64: 0>}
  %c = kernel.allocate %frame(%k, %m) : memref<?x?xf32>
  kernel.launch @other[2] (%frame) ins(%b : memref<?x?xf32>) outs(%c : memref<?x?xf32>) {reusable = array<i64: 0>}
  %out = kernel.output %frame 0(%k, %m) : memref<?x?xf32>
  kernel.launch @last[3] (%frame) ins(%c : memref<?x?xf32>) outs(%out : memref<?x?xf32>)
  return
}

// -----

// What serves many rows costs a tenth more for few: a run takes the plan that
// needs less.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[FEWER:.*]] = arith.cmpi slt
// CHECK:         arith.select %[[FEWER]]
// CHECK-LABEL: func.func @sluice_plan
// CHECK:         %[[LESS:.*]] = arith.cmpi slt, %[[SECOND:.*]], %[[FIRST:.*]] : index
// CHECK:         arith.select %[[LESS]], %[[SECOND]], %[[FIRST]] : index
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %in = kernel.input %frame 0 : memref<?x64xf32>
  %a = kernel.allocate %frame() : memref<40960xi8>
  kernel.launch @first[0] (%frame) ins(%in : memref<?x64xf32>) outs(%a : memref<40960xi8>)
  %b = kernel.allocate %frame(%n) : memref<?x64xf32>
  kernel.launch @second[1] (%frame) ins(%in : memref<?x64xf32>) outs(%b : memref<?x64xf32>)
  %c = kernel.allocate %frame(%n) : memref<?x64xf32>
  kernel.launch @third[2] (%frame) ins(%a : memref<40960xi8>) outs(%c : memref<?x64xf32>)
  %d = kernel.allocate %frame(%n) : memref<?x64xf32>
  kernel.launch @fourth[3] (%frame) ins(%b : memref<?x64xf32>) outs(%d : memref<?x64xf32>)
  %e = kernel.allocate %frame() : memref<40960xi8>
  kernel.launch @fifth[4] (%frame) ins(%in : memref<?x64xf32>) outs(%e : memref<40960xi8>)
  %f = kernel.output %frame 0() : memref<40960xi8>
  kernel.launch @sixth[5] (%frame) ins(%e : memref<40960xi8>) outs(%f : memref<40960xi8>)
  %g = kernel.output %frame 1(%n) : memref<?x64xf32>
  kernel.launch @seventh[6] (%frame) ins(%c, %d : memref<?x64xf32>, memref<?x64xf32>) outs(%g : memref<?x64xf32>)
  return
}
