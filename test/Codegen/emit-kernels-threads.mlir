// Kernels are emitted side by side. What comes out does not depend on how many
// threads do it.
// RUN: sluice-opt %s --mlir-disable-threading --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels --sluice-vectorize-loops -o %t.one
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels --sluice-vectorize-loops -o %t.many
// RUN: diff %t.one %t.many
// RUN: FileCheck %s < %t.many

// CHECK: kernel.func @map "map"
// CHECK: kernel.func @sums "reduce"
// CHECK: kernel.func @product "matmul"
// CHECK: kernel.func @shares "softmax"
// CHECK: kernel.func @rows "gather"
// CHECK-NOT: = sluice.
kernel.func @map "map" {
^bb0(%x: tensor<?x8xf32>):
  %0 = sluice.relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  kernel.yield %0 : tensor<?x8xf32>
}
kernel.func @sums "reduce" {
^bb0(%x: tensor<5x30xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<5x30xf32>) -> tensor<5xf32>
  kernel.yield %0 : tensor<5xf32>
}
kernel.func @product "matmul" {
^bb0(%x: tensor<?x7xf32>, %y: tensor<7x19xf32>):
  %0 = sluice.matmul %x, %y : (tensor<?x7xf32>, tensor<7x19xf32>) -> tensor<?x19xf32>
  kernel.yield %0 : tensor<?x19xf32>
}
kernel.func @shares "softmax" {
^bb0(%x: tensor<3x21xf32>):
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<3x21xf32>) -> tensor<3x21xf32>
  kernel.yield %0 : tensor<3x21xf32>
}
kernel.func @rows "gather" {
^bb0(%x: tensor<10x64xf32>, %i: tensor<4xi64>):
  %0 = sluice.gather %x, %i {axis = 0 : i64} : (tensor<10x64xf32>, tensor<4xi64>) -> tensor<4x64xf32>
  kernel.yield %0 : tensor<4x64xf32>
}
