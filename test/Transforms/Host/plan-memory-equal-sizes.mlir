// RUN: sluice-opt %s --sluice-plan-memory | FileCheck %s

// The bytes of buffers of the same sizes are counted once, and only the plan
// checks that 64 bits hold them: a run that it refuses does not begin.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         arith.muli {{.*}} : i64
// CHECK-NOT:     arith.muli {{.*}} : i64
// CHECK-NOT:     arith.mulsi_extended
// CHECK:         kernel.workspace
// CHECK:         kernel.workspace
// CHECK:         kernel.workspace
// CHECK-LABEL: func.func @sluice_plan
// CHECK:         arith.mulsi_extended
// CHECK-NOT:     arith.mulsi_extended
// CHECK:         arith.select
func.func @sluice_host(%frame: !llvm.ptr) {
  %n = kernel.input_size %frame 0, 0
  %in = kernel.input %frame 0 : memref<?xf32>
  %a = kernel.allocate %frame(%n) : memref<?xf32>
  %b = kernel.allocate %frame(%n) : memref<?xf32>
  %c = kernel.allocate %frame(%n) : memref<?xi32>
  kernel.launch @kernel[0] (%frame) ins(%in : memref<?xf32>) outs(%a : memref<?xf32>)
  kernel.launch @kernel[1] (%frame) ins(%a : memref<?xf32>) outs(%b : memref<?xf32>)
  kernel.launch @other[2] (%frame) ins(%a, %b : memref<?xf32>, memref<?xf32>) outs(%c : memref<?xi32>)
  return
}
