// RUN: sluice-opt %s --sluice-kernel-to-llvm -split-input-file | FileCheck %s

// CHECK-DAG:   llvm.mlir.global private constant {{.*}}"too small\00"
// The branch around the profiling hook is in one place.
// CHECK-LABEL: func.func private @sluice.profile(
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK:         scf.if
// CHECK:           llvm.call %{{.*}}(%arg0, %arg1, %arg2)
// CHECK-LABEL: func.func private @sluice_host
// The output's hook may fail: the marker is lowered to an early return later.
// CHECK:         llvm.call %{{.*}}(%arg0, {{.*}}) : !llvm.ptr, (!llvm.ptr, i32, i32, !llvm.ptr) -> !llvm.ptr
// CHECK:         llvm.call @sluice.guard
// CHECK-NOT:     scf.if
// CHECK:         call @sluice.profile(%arg0,
// CHECK:         call @kernel({{.*}}) : (!llvm.ptr, !llvm.ptr, index, !llvm.ptr, !llvm.ptr, index) -> ()
// CHECK:         call @sluice.profile(%arg0,
// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: index)
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK-LABEL: func.func @sluice_run(%arg0: !llvm.ptr) -> i32
// CHECK:         call @sluice_host
func.func @sluice_host(%frame: !llvm.ptr) {
  %in = kernel.input %frame 0 : memref<?xf32>
  %n = kernel.input_size %frame 0, 0
  %out = kernel.output %frame 0(%n) : memref<?xf32>
  %four = memref.alloca() : memref<4x2xf32>
  kernel.launch @kernel[0] (%frame) ins(%in, %four : memref<?xf32>, memref<4x2xf32>) outs(%out : memref<?xf32>)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<?xf32>, %four: memref<4x2xf32>, %out: memref<?xf32>) {
  %true = arith.constant true
  kernel.check %frame %true, "too small"
  return
}

// -----

// The host function ends where a check fails. The branch that reports it is in
// one place for all checks.
// CHECK-LABEL: func.func private @sluice.check(
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK:         %[[FAILED:.*]] = arith.xori %arg1
// CHECK:         scf.if %[[FAILED]]
// CHECK:           llvm.call %{{.*}}(%arg0, %{{.*}}, %arg2, %arg3)
// CHECK:         %[[STATUS:.*]] = llvm.load {{.*}} -> i32
// CHECK:         %[[GOOD:.*]] = llvm.icmp "eq" %[[STATUS]]
// CHECK:         %[[FRAME:.*]] = llvm.select %[[GOOD]], %arg0, %{{.*}}
// CHECK:         return %[[FRAME]]
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         %[[FITS:.*]] = arith.cmpi eq
// CHECK-NOT:     scf.if
// CHECK:         %[[FRAME:.*]] = call @sluice.check(%arg0, %[[FITS]], %{{.*}}, %{{.*}})
// CHECK-NEXT:    llvm.call @sluice.guard(%[[FRAME]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %c4 = arith.constant 4 : index
  %fits = arith.cmpi eq, %n, %c4 : index
  kernel.check %frame %fits, "too small"
  return
}

// -----

// Neighbouring checks end the function in one place, unless what is between
// them may only run where the first holds.
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         call @sluice.check
// CHECK:         arith.cmpi
// CHECK-NOT:     sluice.guard
// CHECK:         %[[FRAME:.*]] = call @sluice.check
// CHECK-NEXT:    llvm.call @sluice.guard(%[[FRAME]])
// CHECK:         arith.divsi
// CHECK:         call @sluice.check
// CHECK:         llvm.call @sluice.guard
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %m = kernel.input_size %frame 0, 1
  %c4 = arith.constant 4 : index
  %fits = arith.cmpi eq, %n, %c4 : index
  kernel.check %frame %fits, "too small"
  %positive = arith.cmpi sgt, %m, %c4 : index
  kernel.check %frame %positive, "too small"
  %ratio = arith.divsi %n, %m : index
  %even = arith.cmpi eq, %ratio, %c4 : index
  kernel.check %frame %even, "too small"
  return
}

// -----

// A kernel goes on: it may be in a parallel loop.
// CHECK-LABEL: func.func private @kernel
// CHECK:         scf.if
// CHECK-NOT:     sluice.guard
// CHECK:         return
func.func private @kernel(%frame: !llvm.ptr, %fits: i1) {
  kernel.check %frame %fits, "too small"
  return
}

// -----

// Bytes that 64 bits do not hold, or of negative sizes, are told as -1.
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         "llvm.intr.smul.with.overflow"
// CHECK:         llvm.icmp "slt"
// CHECK:         %[[BYTES:.*]] = llvm.select
// CHECK:         llvm.call %{{.*}}(%arg0, %[[BYTES]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %0 = kernel.allocate %frame(%n, %n) : memref<?x?xf32>
  return
}

// -----

// What launches alone read needs no descriptors, and pointers of the frame are
// loaded once.
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         %[[WEIGHTS:.*]] = llvm.load
// CHECK-NOT:     llvm.load
// CHECK-NOT:     llvm.insertvalue
// CHECK:         %[[FIRST:.*]] = llvm.getelementptr %[[WEIGHTS]][0]
// CHECK:         %[[SECOND:.*]] = llvm.getelementptr %[[WEIGHTS]][64]
// CHECK:         call @kernel(%arg0, %[[FIRST]], %[[SECOND]])
func.func @sluice_host(%frame: !llvm.ptr) {
  %a = kernel.weight %frame dense<1.0> : tensor<4xf32> {offset = 0 : i64} : memref<4xf32>
  %b = kernel.weight %frame dense<2.0> : tensor<4xf32> {offset = 64 : i64} : memref<4xf32>
  %view = kernel.view %b() : memref<4xf32> to memref<2x2xf32>
  kernel.launch @kernel[0] (%frame) ins(%a : memref<4xf32>) outs(%view : memref<2x2xf32>)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<4xf32>, %out: memref<2x2xf32>) {
  return
}

// -----

// Offsets of more than 2^28 bytes do not fit into an instruction's index.
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         %[[FAR:.*]] = llvm.mlir.constant(268435456 : i64)
// CHECK:         llvm.getelementptr %{{.*}}[%[[FAR]]]
// CHECK:         llvm.getelementptr %{{.*}}[268435392]
func.func @sluice_host(%frame: !llvm.ptr) {
  %a = kernel.weight %frame dense<1.0> : tensor<4xf32> {offset = 268435456 : i64} : memref<4xf32>
  %b = kernel.weight %frame dense<2.0> : tensor<4xf32> {offset = 268435392 : i64} : memref<4xf32>
  kernel.launch @kernel[0] (%frame) ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<4xf32>, %out: memref<4xf32>) {
  return
}

// -----

// Anything else that reads a buffer has one.
// CHECK-LABEL: func.func private @sluice_host
// CHECK:         llvm.insertvalue
// CHECK:         memref.load
func.func @sluice_host(%frame: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %in = kernel.input %frame 0 : memref<4xf32>
  %first = memref.load %in[%c0] : memref<4xf32>
  return
}

// -----

// Parameters follow the buffers as they are.
// CHECK-LABEL: func.func private @sluice_host
// CHECK-DAG:     %[[OFFSET:.*]] = arith.constant 3 : index
// CHECK-DAG:     %[[FACTOR:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         call @kernel(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[OFFSET]], %[[FACTOR]]) : (!llvm.ptr, !llvm.ptr, index, !llvm.ptr, index, f32) -> ()
// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: f32)
func.func @sluice_host(%frame: !llvm.ptr) {
  %offset = arith.constant 3 : index
  %factor = arith.constant 0.5 : f32
  %a = kernel.input %frame 0 : memref<?xf32>
  %b = kernel.weight %frame dense<2.0> : tensor<4xf32> {offset = 64 : i64} : memref<4xf32>
  kernel.launch @kernel[0] (%frame) ins(%a : memref<?xf32>) outs(%b : memref<4xf32>) parameters(%offset, %factor : index, f32)
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<?xf32>, %out: memref<4xf32>, %offset: index, %factor: f32) {
  return
}

// -----

// Behind a piece of the host function, the function ends where the run has
// failed; in the plan's nothing can fail.
// CHECK-LABEL: func.func private @sluice_host_0(
// CHECK-NOT:     sluice.guard
// CHECK-LABEL: func.func private @sluice_host(
// CHECK-NEXT:    call @sluice_host_0
// CHECK:         %[[STATUS:.*]] = llvm.load {{.*}} -> i32
// CHECK:         %[[GOOD:.*]] = llvm.icmp "eq" %[[STATUS]]
// CHECK:         %[[FRAME:.*]] = llvm.select %[[GOOD]], %arg0, %{{.*}}
// CHECK:         llvm.call @sluice.guard(%[[FRAME]])
// CHECK:         return
// CHECK-LABEL: func.func private @sluice_plan(
// CHECK-NOT:     sluice.guard
// CHECK:         return
func.func private @sluice_host_0(%frame: !llvm.ptr) attributes {sluice.host, sluice.long_host} {
  return
}
func.func @sluice_host(%frame: !llvm.ptr) {
  call @sluice_host_0(%frame) : (!llvm.ptr) -> ()
  return
}
func.func private @sluice_plan_0(%frame: !llvm.ptr) attributes {sluice.host, sluice.long_host} {
  return
}
func.func @sluice_plan(%frame: !llvm.ptr) -> index {
  %0 = kernel.input_size %frame 0, 0
  call @sluice_plan_0(%frame) : (!llvm.ptr) -> ()
  return %0 : index
}

// -----

// Loops and branches pass buffers on as addresses and dynamic sizes.
// CHECK-LABEL: func.func private @sluice_host
// CHECK-NOT:     llvm.insertvalue
// CHECK:         %[[LOOP:.*]]:3 = scf.for %{{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[N:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) -> (!llvm.ptr, index, !llvm.ptr)
// CHECK:           %[[CHOICE:.*]]:2 = scf.if %{{.*}} -> (!llvm.ptr, index) {
// CHECK-NEXT:        scf.yield %[[A]], %[[N]] : !llvm.ptr, index
// CHECK:           } else {
// CHECK:             scf.yield %[[B]], %{{.*}} : !llvm.ptr, index
// CHECK:           call @kernel(%arg0, %[[CHOICE]]#0, %[[CHOICE]]#1, %[[B]])
// CHECK:           scf.yield %[[CHOICE]]#0, %[[CHOICE]]#1, %[[B]]
// CHECK:         call @kernel(%arg0, %[[LOOP]]#0, %[[LOOP]]#1, %[[LOOP]]#2)
// CHECK:         %[[WHILE:.*]]:2 = scf.while (%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) : (!llvm.ptr, index) -> (!llvm.ptr, index)
// CHECK:           scf.condition(%{{.*}}) %{{.*}}, %{{.*}} : !llvm.ptr, index
// CHECK:           scf.yield %{{.*}}, %{{.*}} : !llvm.ptr, index
// CHECK:         arith.cmpi eq, %[[WHILE]]#1
// CHECK-NOT:     memref.dim
func.func @sluice_host(%frame: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %a = kernel.input %frame 0 : memref<?xf32>
  %b = kernel.weight %frame dense<2.0> : tensor<4xf32> {offset = 64 : i64} : memref<4xf32>
  %0:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%s = %a, %t = %b) -> (memref<?xf32>, memref<4xf32>) {
    %size = memref.dim %s, %c0 : memref<?xf32>
    %same = arith.cmpi eq, %size, %i : index
    %choice = scf.if %same -> (memref<?xf32>) {
      scf.yield %s : memref<?xf32>
    } else {
      %wide = memref.cast %t : memref<4xf32> to memref<?xf32>
      scf.yield %wide : memref<?xf32>
    }
    kernel.launch @kernel[0] (%frame) ins(%choice : memref<?xf32>) outs(%t : memref<4xf32>)
    scf.yield %choice, %t : memref<?xf32>, memref<4xf32>
  }
  kernel.launch @kernel[1] (%frame) ins(%0#0 : memref<?xf32>) outs(%0#1 : memref<4xf32>)
  %1 = scf.while (%s = %0#0) : (memref<?xf32>) -> memref<?xf32> {
    %size = memref.dim %s, %c0 : memref<?xf32>
    %goes = arith.cmpi slt, %size, %c3 : index
    scf.condition(%goes) %s : memref<?xf32>
  } do {
  ^bb0(%s: memref<?xf32>):
    kernel.launch @kernel[2] (%frame) ins(%s : memref<?xf32>) outs(%b : memref<4xf32>)
    scf.yield %s : memref<?xf32>
  }
  %size = memref.dim %1, %c0 : memref<?xf32>
  %right = arith.cmpi eq, %size, %c3 : index
  kernel.check %frame %right, "three"
  return
}
func.func private @kernel(%frame: !llvm.ptr, %in: memref<?xf32>, %out: memref<4xf32>) {
  return
}
