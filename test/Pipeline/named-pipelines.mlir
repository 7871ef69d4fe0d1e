// The pipelines of sluicec have names in sluice-opt, and run one after another.

// RUN: sluice-opt %s --sluice-optimize | FileCheck %s --check-prefix=OPTIMIZE
// RUN: sluice-opt %s --sluice-optimize --sluice-lower-to-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: sluice-opt %s --sluice-optimize --sluice-lower-to-kernels --sluice-lower-cpu | FileCheck %s --check-prefix=CPU
// RUN: sluice-opt %s --pass-pipeline='builtin.module(sluice-optimize,sluice-lower-to-kernels,sluice-lower-cpu)' | FileCheck %s --check-prefix=CPU
// RUN: sluice-opt --help | FileCheck %s --check-prefix=HELP

// HELP-DAG: --sluice-optimize {{ *}}- Optimise the graph
// HELP-DAG: --sluice-lower-to-kernels {{ *}}- Group ops into kernels and outline them
// HELP-DAG: --sluice-lower-cpu {{ *}}- Lower kernels and host function for a CPU

// The two transposes cancel, and what is constant is computed.
// OPTIMIZE: func.func @main(
// OPTIMIZE-NOT: sluice.transpose
// OPTIMIZE: %[[SUM:.*]] = sluice.constant dense<4.000000e+00> : tensor<2xf32>
// OPTIMIZE: %[[ADD:.*]] = sluice.add %arg0, %[[SUM]]
// OPTIMIZE: %[[RELU:.*]] = sluice.relu %[[ADD]]
// OPTIMIZE: return %[[RELU]]

// KERNELS: func.func @main(
// KERNELS: kernel.call @[[NAME:[a-z_]+]] ins(%arg0 :
// KERNELS-NOT: sluice.relu
// KERNELS: kernel.func @[[NAME]]
// KERNELS: sluice.add
// KERNELS: sluice.relu
// KERNELS: kernel.yield

// CPU: llvm.func @sluice_host(%{{.*}}: !llvm.ptr)
// CPU-NOT: {{(kernel|sluice|memref|scf|func)\.[a-z]+ [@%]}}
module {
  func.func @main(%x: tensor<3x2xf32> {sluice.dims = ["", ""], sluice.name = "x"})
      -> (tensor<3x2xf32> {sluice.dims = ["", ""], sluice.name = "y"}) {
    %a = sluice.constant dense<1.0> : tensor<2xf32>
    %b = sluice.constant dense<3.0> : tensor<2xf32>
    %c = sluice.add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %0 = sluice.transpose %x {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
    %1 = sluice.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
    %2 = sluice.add %1, %c : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
    %3 = sluice.relu %2 : (tensor<3x2xf32>) -> tensor<3x2xf32>
    return %3 : tensor<3x2xf32>
  }
}
