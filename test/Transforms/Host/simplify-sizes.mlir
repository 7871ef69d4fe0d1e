// RUN: sluice-opt %s --sluice-simplify-sizes -split-input-file | FileCheck %s

// The size of a buffer is the value it was made with; an input's is not
// negative, so that padding a row to no less than nothing keeps its size.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[N:.*]] = kernel.input_size %arg0 0, 0
// CHECK-NOT:     memref.dim
// CHECK-NOT:     arith.maxsi
// CHECK:         kernel.allocate %arg0(%[[N]])
// CHECK:         kernel.allocate %arg0(%[[N]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %in = kernel.input %frame 0 : memref<?xf32>
  %n = memref.dim %in, %c0 : memref<?xf32>
  %rows = arith.maxsi %n, %c0 : index
  %a = kernel.allocate %frame(%rows) : memref<?xf32>
  %again = memref.dim %a, %c0 : memref<?xf32>
  %more = arith.maxsi %again, %c0 : index
  %b = kernel.allocate %frame(%more) : memref<?xf32>
  kernel.launch @kernel[0] (%frame) ins(%in, %a : memref<?xf32>, memref<?xf32>) outs(%b : memref<?xf32>)
  return
}

// -----

// Differences may be negative, and sums may overflow.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[LESS:.*]] = arith.subi
// CHECK:         %[[NOTHING:.*]] = arith.maxsi %[[LESS]]
// CHECK:         %[[MORE:.*]] = arith.addi
// CHECK:         %[[SUM:.*]] = arith.maxsi %[[MORE]]
// CHECK:         kernel.allocate %arg0(%[[NOTHING]], %[[SUM]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = kernel.input_size %frame 0, 0
  %less = arith.subi %n, %c2 : index
  %nothing = arith.maxsi %less, %c0 : index
  %more = arith.addi %n, %c2 : index
  %sum = arith.maxsi %more, %c0 : index
  %a = kernel.allocate %frame(%nothing, %sum) : memref<?x?xf32>
  kernel.launch @kernel[0] (%frame) ins() outs(%a : memref<?x?xf32>)
  return
}

// -----

// A broadcast with what is part of the size already changes nothing; with
// another size it does.
// CHECK-LABEL: func.func @sluice_host
// CHECK-DAG:     %[[A:.*]] = kernel.input_size %arg0 0, 0
// CHECK-DAG:     %[[B:.*]] = kernel.input_size %arg0 1, 0
// CHECK-DAG:     %[[C:.*]] = kernel.input_size %arg0 2, 0
// CHECK:         %[[AB:.*]] = arith.select %{{.*}}, %[[B]], %[[A]]
// CHECK-NOT:     arith.select
// CHECK:         %[[IS:.*]] = arith.cmpi eq, %[[AB]]
// CHECK:         %[[ABC:.*]] = arith.select %[[IS]], %[[C]], %[[AB]]
// CHECK-NOT:     arith.select
// CHECK:         kernel.allocate %arg0(%[[AB]], %[[ABC]], %[[AB]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %c1 = arith.constant 1 : index
  %a = kernel.input_size %frame 0, 0
  %b = kernel.input_size %frame 1, 0
  %c = kernel.input_size %frame 2, 0
  %is0 = arith.cmpi eq, %a, %c1 : index
  %ab = arith.select %is0, %b, %a : index
  %is1 = arith.cmpi eq, %ab, %c1 : index
  %abb = arith.select %is1, %b, %ab : index
  %is2 = arith.cmpi eq, %abb, %c1 : index
  %abc = arith.select %is2, %c, %abb : index
  %is3 = arith.cmpi eq, %a, %c1 : index
  %aab = arith.select %is3, %ab, %a : index
  %0 = kernel.allocate %frame(%abb, %abc, %aab) : memref<?x?x?xf32>
  kernel.launch @kernel[0] (%frame) ins() outs(%0 : memref<?x?x?xf32>)
  return
}

// -----

// One check per condition, but for what another branch checks.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.check %arg0 %[[FITS:.*]], "first"
// CHECK-NOT:     "again"
// CHECK-NOT:     "always"
// CHECK:         scf.if
// CHECK:           kernel.check {{.*}}, "inside"
// CHECK:         }
// CHECK-NOT:     "below"
// CHECK:         kernel.check {{.*}}, "outside"
func.func @sluice_host(%frame: !llvm.ptr) {
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %n = kernel.input_size %frame 0, 0
  %fits = arith.cmpi eq, %n, %c4 : index
  kernel.check %frame %fits, "first"
  %m = kernel.input_size %frame 0, 0
  %same = arith.cmpi eq, %m, %c4 : index
  kernel.check %frame %same, "again"
  %always = arith.cmpi eq, %n, %m : index
  kernel.check %frame %always, "always"
  %five = arith.cmpi ne, %n, %c5 : index
  scf.if %fits {
    kernel.check %frame %five, "inside"
    kernel.check %frame %five, "below"
  }
  kernel.check %frame %five, "outside"
  return
}
