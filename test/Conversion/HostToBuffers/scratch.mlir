// RUN: sluice-opt %s --split-input-file --sluice-host-to-buffers | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-host-to-buffers --remarks-filter=memory --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The host computes the size of what a kernel allocates from the sizes of its
// buffers and from its parameters, for each launch, and hands over a buffer of
// the factors, whose bytes are counted with care; known ones are one number.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[X:.*]] = kernel.input %arg0 0 : memref<?x3xf32>
// CHECK:         %[[N:.*]] = arith.constant 5 : index
// CHECK:         kernel.output %arg0 0
// CHECK:         %[[ROWS:.*]] = memref.dim %[[X]], %{{.*}} : memref<?x3xf32>
// CHECK:         %[[MORE:.*]] = arith.addi %[[ROWS]], %[[N]]
// CHECK:         %[[MEMORY:.*]] = kernel.allocate %arg0(%[[MORE]], %[[ROWS]]) : memref<?x?x12xi8>
// CHECK:         %[[BYTES:.*]] = kernel.view %[[MEMORY]](%{{.*}}) : memref<?x?x12xi8> to memref<?xi8>
// CHECK:         kernel.launch @needs[0] (%arg0) ins(%[[X]] : memref<?x3xf32>) outs(%{{.*}} : memref<?x3xf32>) scratch(%[[BYTES]] : memref<?xi8>) parameters(%[[N]] : index)
// CHECK-LABEL: kernel.func @needs "map" {
// CHECK-NEXT:  ^bb0(%{{[a-z0-9]+}}: !llvm.ptr, %{{[a-z0-9]+}}: memref<?x3xf32>, %[[OUT:[a-z0-9]+]]: memref<?x3xf32>, %[[S:[a-z0-9]+]]: memref<?xi8>, %{{[a-z0-9]+}}: index):
// CHECK-NOT:     kernel.allocate
// CHECK:         memref.load %[[S]]
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %zero = arith.constant 0 : index
  %five = arith.constant 5 : index
  %size = tensor.dim %x, %zero : tensor<?x3xf32>
  %0 = kernel.call @needs ins(%x : tensor<?x3xf32>) sizes(%size) parameters(%five : index) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
kernel.func @needs "map" {
^bb0(%frame: !llvm.ptr, %x: memref<?x3xf32>, %y: memref<?x3xf32>, %n: index):
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %four = arith.constant 4 : index
  %rows = memref.dim %x, %zero : memref<?x3xf32>
  %more = arith.addi %rows, %n : index
  %some = arith.muli %more, %three : index
  %others = arith.muli %four, %rows : index
  %bytes = arith.muli %some, %others : index
  %0 = kernel.allocate %frame(%bytes) : memref<?xi8>
  %1 = memref.load %0[%zero] : memref<?xi8>
  memref.store %1, %0[%zero] : memref<?xi8>
}

// -----

// Several pieces, and what is known, are one buffer, each at a whole cache line.
// What depends on data stays in the kernel, as does what a loop allocates.
// REMARK-COUNT-2: every run allocates memory for a kernel of the kind
// REMARK-NOT: every run allocates
// CHECK-LABEL: func.func @sluice_host
// CHECK:         %[[TOTAL:.*]] = arith.addi
// CHECK:         %[[MEMORY:.*]] = kernel.allocate %arg0(%{{.*}}) : memref<?xi8>
// CHECK:         kernel.launch @pieces[0] {{.*}} scratch(%[[MEMORY]] : memref<?xi8>)
// CHECK:         kernel.launch @pieces[1] {{.*}} scratch(
// CHECK-LABEL: kernel.func @pieces "map" {
// CHECK-NEXT:  ^bb0(%[[FRAME:[a-z0-9]+]]: !llvm.ptr, %{{[a-z0-9]+}}: memref<?xf32>, %{{[a-z0-9]+}}: memref<?xf32>, %[[S:[a-z0-9]+]]: memref<?xi8>):
// CHECK:         %[[FIRST:.*]] = memref.view %[[S]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xi8>
// CHECK:         %[[SECOND:.*]] = memref.view %[[S]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xi8>
// CHECK:         memref.store %{{.*}}, %[[S]]
// CHECK:         memref.copy %[[FIRST]], %[[SECOND]]
// CHECK:         kernel.allocate %[[FRAME]](
// CHECK:         scf.for
// CHECK:           kernel.allocate %[[FRAME]](
func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : tensor<?xf32>
  %m = tensor.dim %y, %zero : tensor<?xf32>
  %0 = kernel.call @pieces ins(%x : tensor<?xf32>) sizes(%n) -> tensor<?xf32>
  %1 = kernel.call @pieces ins(%y : tensor<?xf32>) sizes(%m) -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}
kernel.func @pieces "map" attributes {sluice.scratch = 100 : i64} {
^bb0(%frame: !llvm.ptr, %x: memref<?xf32>, %y: memref<?xf32>, %known: memref<?xi8>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %eight = arith.constant 8 : index
  %byte = arith.constant 3 : i8
  memref.store %byte, %known[%zero] : memref<?xi8>
  %rows = memref.dim %y, %zero : memref<?xf32>
  %bytes = arith.muli %rows, %eight : index
  %0 = kernel.allocate %frame(%bytes) : memref<?xi8>
  %1 = kernel.allocate %frame(%bytes) : memref<?xi8>
  memref.copy %0, %1 : memref<?xi8> to memref<?xi8>
  %loaded = memref.load %x[%zero] : memref<?xf32>
  %integer = arith.fptosi %loaded : f32 to i64
  %count = arith.index_cast %integer : i64 to index
  %2 = kernel.allocate %frame(%count) : memref<?xi8>
  memref.store %byte, %2[%zero] : memref<?xi8>
  scf.for %i = %zero to %rows step %one {
    %3 = kernel.allocate %frame(%rows) : memref<?xi8>
    memref.store %byte, %3[%zero] : memref<?xi8>
  }
}
