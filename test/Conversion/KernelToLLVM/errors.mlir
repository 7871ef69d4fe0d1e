// RUN: sluice-opt %s --split-input-file --sluice-kernel-to-llvm --verify-diagnostics

// expected-error @+1 {{the kernel has not been emitted}}
kernel.func @tensors "map" {
^bb0(%x: tensor<4xf32>):
  kernel.yield %x : tensor<4xf32>
}

// -----

func.func @sluice_host(%frame: !llvm.ptr) {
  // expected-error @+1 {{there is no kernel 'missing'}}
  kernel.launch @missing[0] (%frame) ins() outs()
  return
}
