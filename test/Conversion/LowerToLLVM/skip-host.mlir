// RUN: sluice-opt %s --sluice-lower-to-llvm --mlir-print-ir-before-all --mlir-disable-threading 2>&1 | FileCheck %s

// Conversions run on those functions of the host's that have something to
// convert, and on all others.
// CHECK:      IR Dump Before ConvertLinalgToLoopsPass
// CHECK-NEXT: func.func @kernel
// CHECK:      IR Dump Before ConvertLinalgToLoopsPass
// CHECK-NEXT: func.func @fill
// CHECK:      IR Dump Before SCFToControlFlowPass
// CHECK-NEXT: func.func @fill
// CHECK-NOT:  IR Dump Before ConvertLinalgToLoopsPass
// CHECK-NOT:  IR Dump Before SCFToControlFlowPass
// CHECK:      llvm.func @count
func.func @kernel(%a: index) -> index {
  return %a : index
}
func.func @fill(%to: memref<4xf32>) attributes {sluice.host} {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%to : memref<4xf32>)
  return
}
func.func @count(%a: index, %b: index) -> index attributes {sluice.host} {
  %0 = arith.muli %a, %b : index
  return %0 : index
}
