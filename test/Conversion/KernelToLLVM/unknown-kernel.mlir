// RUN: sluice-opt %s --split-input-file --sluice-kernel-to-llvm --verify-diagnostics | FileCheck %s

// Launches are checked against the kernels that they name. One may know more
// about sizes than its kernel.
// CHECK-LABEL: func.func private @sluice_host
// CHECK: call @kernel
func.func private @kernel(%frame: !llvm.ptr, %x: memref<?xf32>) {
  return
}
func.func @sluice_host(%frame: !llvm.ptr) {
  %x = kernel.input %frame 0 : memref<4xf32>
  kernel.launch @kernel[0] (%frame) ins() outs(%x : memref<4xf32>)
  return
}

// -----

func.func @sluice_host(%frame: !llvm.ptr) {
  %x = kernel.input %frame 0 : memref<4xf32>
  // expected-error @below {{there is no kernel 'missing'}}
  kernel.launch @missing[0] (%frame) ins() outs(%x : memref<4xf32>)
  return
}

// -----

func.func private @kernel(%frame: !llvm.ptr, %x: memref<4xf32>) {
  return
}
func.func @sluice_host(%frame: !llvm.ptr) {
  %x = kernel.input %frame 0 : memref<4xf32>
  // expected-error @below {{the kernel 'kernel' takes 2 operands, not 3}}
  kernel.launch @kernel[0] (%frame) ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}

// -----

func.func private @kernel(%frame: !llvm.ptr, %x: memref<4xf32>) {
  return
}
func.func @sluice_host(%frame: !llvm.ptr) {
  %x = kernel.input %frame 0 : memref<5xf32>
  // expected-error @below {{the kernel 'kernel' takes 'memref<4xf32>', not 'memref<5xf32>'}}
  kernel.launch @kernel[0] (%frame) ins() outs(%x : memref<5xf32>)
  return
}
