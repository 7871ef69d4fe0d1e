// RUN: sluice-opt %s --split-input-file --sluice-cut-host='long-host=6 piece-ops=4' | FileCheck %s

// What a later piece reads lies in the state; constants, sizes of inputs and
// buffers with a known place are computed again.
// CHECK-LABEL: func.func private @sluice_host_0(
// CHECK-SAME:    %[[FRAME:.*]]: !llvm.ptr, %[[STATE:.*]]: !llvm.ptr)
// CHECK-SAME:    "noinline"{{.*}} sluice.host, sluice.long_host
// CHECK:         %[[ROWS:.*]] = kernel.input_size %[[FRAME]] 0, 0
// CHECK:         %[[SUM:.*]] = arith.addi %[[ROWS]]
// CHECK-NEXT:    kernel.workspace %[[FRAME]]
// CHECK-NOT:     kernel.launch
// CHECK:         %[[PLACE:.*]] = llvm.getelementptr %[[STATE]][0]
// CHECK:         %[[WORD:.*]] = arith.index_cast %[[SUM]] : index to i64
// CHECK:         llvm.store %[[WORD]], %[[PLACE]] : i64
// CHECK-NEXT:    return
// CHECK-LABEL: func.func private @sluice_host_1(
// CHECK-SAME:    %[[FRAME:.*]]: !llvm.ptr, %[[STATE:.*]]: !llvm.ptr)
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[PLACE:.*]] = llvm.getelementptr %[[STATE]][0]
// CHECK-DAG:     %[[WORD:.*]] = llvm.load %[[PLACE]] : !llvm.ptr -> i64
// CHECK-DAG:     %[[SUM:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK:         %[[BUFFER:.*]] = kernel.workspace %[[FRAME]][%[[C64]]] (%[[SUM]])
// CHECK:         kernel.launch @kernel[0] (%[[FRAME]]) {{.*}}outs(%[[BUFFER]] :
// CHECK:         kernel.launch @kernel[1] (%[[FRAME]])
// CHECK-LABEL: func.func @sluice_host(
// CHECK-SAME:    %[[FRAME:.*]]: !llvm.ptr)
// CHECK:         %[[WORDS:.*]] = llvm.mlir.constant(1 : i64)
// CHECK:         %[[STATE:.*]] = llvm.alloca %[[WORDS]] x i64
// CHECK-NEXT:    call @sluice_host_0(%[[FRAME]], %[[STATE]])
// CHECK-NEXT:    call @sluice_host_1(%[[FRAME]], %[[STATE]])
// CHECK-NEXT:    return
func.func private @kernel(!llvm.ptr, memref<?xf32>, memref<?xf32>)
func.func @sluice_host(%frame: !llvm.ptr) {
  %c64 = arith.constant 64 : index
  %rows = kernel.input_size %frame 0, 0
  %sum = arith.addi %rows, %rows : index
  %buffer = kernel.workspace %frame[%c64] (%sum) : memref<?xf32>
  %x = kernel.input %frame 0 : memref<?xf32>
  kernel.launch @kernel[0] (%frame) ins(%x : memref<?xf32>) outs(%buffer : memref<?xf32>)
  kernel.launch @kernel[1] (%frame) ins(%buffer : memref<?xf32>) outs(%buffer : memref<?xf32>)
  return
}

// -----

// A buffer of the run's own and what a loop uses lie in the state as well.
// CHECK-LABEL: func.func private @sluice_host_0(
// CHECK:         %[[BUFFER:.*]] = kernel.allocate
// CHECK-DAG:     %[[WORDS:.*]] = builtin.unrealized_conversion_cast %[[BUFFER]]
// CHECK-DAG:     llvm.store %[[WORDS]], %{{.*}} : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
// CHECK-LABEL: func.func private @sluice_host_1(
// CHECK:         %[[WORDS:.*]] = llvm.load %{{.*}} -> !llvm.struct
// CHECK:         %[[BUFFER:.*]] = builtin.unrealized_conversion_cast %[[WORDS]] {{.*}} to memref<?xf32>
// CHECK:         scf.for
// CHECK:           kernel.launch @kernel[0] {{.*}}ins(%[[BUFFER]] :
// CHECK-LABEL: func.func @sluice_host(
// CHECK:         llvm.mlir.constant(6 : i64)
func.func private @kernel(!llvm.ptr, memref<?xf32>, memref<?xf32>)
func.func @sluice_host(%frame: !llvm.ptr) {
  %rows = kernel.input_size %frame 0, 0
  %sum = arith.addi %rows, %rows : index
  %buffer = kernel.allocate %frame (%sum) : memref<?xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %sum step %c1 {
    kernel.launch @kernel[0] (%frame) ins(%buffer : memref<?xf32>) outs(%buffer : memref<?xf32>)
  }
  %more = arith.addi %sum, %c1 : index
  %other = kernel.workspace %frame[%more] (%rows) : memref<?xf32>
  kernel.launch @kernel[1] (%frame) ins(%other : memref<?xf32>) outs(%other : memref<?xf32>)
  return
}

// -----

// What a function returns is read from the state, too. A word of the state
// serves again once nothing reads it.
// CHECK-LABEL: func.func private @sluice_plan_0(
// CHECK:         %[[SECOND:.*]] = llvm.getelementptr %arg1[1]
// CHECK:         llvm.store %{{.*}}, %[[SECOND]]
// CHECK-LABEL: func.func private @sluice_plan_1(
// CHECK:         %[[MOST:.*]] = arith.maxsi
// CHECK:         %[[SECOND:.*]] = llvm.getelementptr %arg1[1]
// CHECK-NEXT:    %[[WORD:.*]] = arith.index_cast %[[MOST]]
// CHECK-NEXT:    llvm.store %[[WORD]], %[[SECOND]]
// CHECK-LABEL: func.func @sluice_plan(
// CHECK:         llvm.mlir.constant(2 : i64)
// CHECK:         call @sluice_plan_1(
// CHECK-NEXT:    %[[PLACE:.*]] = llvm.getelementptr
// CHECK-NEXT:    %[[WORD:.*]] = llvm.load %[[PLACE]]
// CHECK-NEXT:    %[[BYTES:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK-NEXT:    return %[[BYTES]]
func.func @sluice_plan(%frame: !llvm.ptr) -> index {
  %0 = kernel.input_size %frame 0, 0
  %1 = kernel.input_size %frame 0, 1
  %2 = arith.muli %0, %1 : index
  %3 = arith.addi %2, %0 : index
  %4 = arith.addi %3, %1 : index
  %5 = arith.maxsi %4, %2 : index
  return %5 : index
}

// -----

// Short functions stay whole.
// CHECK-LABEL: func.func @sluice_host(
// CHECK-NEXT:    kernel.input_size
// CHECK-NEXT:    return
func.func @sluice_host(%frame: !llvm.ptr) {
  %rows = kernel.input_size %frame 0, 0
  return
}

// -----

// So do those that have memory on their stack, which ends with a piece, and
// those of several blocks.
// CHECK-LABEL: func.func @sluice_host(
// CHECK-NEXT:    memref.alloca
// CHECK-LABEL: func.func @sluice_plan(
// CHECK:         cf.br
func.func private @kernel(!llvm.ptr, memref<4xf32>)
func.func @sluice_host(%frame: !llvm.ptr) {
  %buffer = memref.alloca() : memref<4xf32>
  kernel.launch @kernel[0] (%frame) ins() outs(%buffer : memref<4xf32>)
  kernel.launch @kernel[1] (%frame) ins() outs(%buffer : memref<4xf32>)
  kernel.launch @kernel[2] (%frame) ins() outs(%buffer : memref<4xf32>)
  kernel.launch @kernel[3] (%frame) ins() outs(%buffer : memref<4xf32>)
  kernel.launch @kernel[4] (%frame) ins() outs(%buffer : memref<4xf32>)
  return
}
func.func @sluice_plan(%frame: !llvm.ptr) -> index {
  %0 = kernel.input_size %frame 0, 0
  %1 = kernel.input_size %frame 0, 1
  %2 = arith.muli %0, %1 : index
  cf.br ^on
^on:
  %3 = arith.addi %2, %0 : index
  %4 = arith.addi %3, %1 : index
  return %4 : index
}
