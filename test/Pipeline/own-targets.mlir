// A part of a model may have a target of its own: its kernel is formed, its
// weights are packed and its code is made for it.
// RUN: sluice-opt %s --sluice-lower-to-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: sluice-opt %s --sluice-lower-to-kernels --sluice-emit-kernels --sluice-vectorize-loops | FileCheck %s --check-prefix=CODE
// RUN: sluice-opt %s --sluice-lower-to-kernels --sluice-lower-cpu | FileCheck %s --check-prefix=LLVM

// KERNELS-DAG: kernel.packed_constant {{.*}}width = 16
// KERNELS-DAG: kernel.packed_constant {{.*}}width = 64
// KERNELS-DAG: kernel.func @packed_matmul "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 8,
// KERNELS-DAG: kernel.func @packed_matmul_0 "packed_matmul" attributes {config = #kernel.cpu_contraction<unit = float, lanes = 16, {{.*}}kernel.target = #kernel.cpu_target<{{.*}}cpu = "x86-64-v4">}

// CODE:      kernel.func @packed_matmul "
// CODE-NOT:  vector<16xf32>
// CODE:      kernel.func @packed_matmul_0 "{{.*}}attributes {{.*}}kernel.target = #kernel.cpu_target<{{.*}}cpu = "x86-64-v4">
// CODE-NOT:  vector<8xf32>
// CODE:      vector<16xf32>

// All functions that the kernel becomes keep it.
// LLVM:      llvm.func {{.*}}@packed_matmul(
// LLVM-DAG:  llvm.func {{.*}}@packed_matmul_0({{.*}}kernel.target = #kernel.cpu_target<{{.*}}cpu = "x86-64-v4">
// LLVM-DAG:  llvm.func {{.*}}@packed_matmul_0_body({{.*}}kernel.target = #kernel.cpu_target<{{.*}}cpu = "x86-64-v4">
module attributes {kernel.target = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3">} {
  func.func @main(%x: tensor<64x256xf32>) -> (tensor<64x256xf32>, tensor<64x256xf32>) {
    %w = sluice.constant dense<0.5> : tensor<256x256xf32>
    %0 = sluice.matmul %x, %w : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
    %1 = sluice.matmul %x, %w {kernel.target = #kernel.cpu_target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4">} : (tensor<64x256xf32>, tensor<256x256xf32>) -> tensor<64x256xf32>
    return %0, %1 : tensor<64x256xf32>, tensor<64x256xf32>
  }
}
