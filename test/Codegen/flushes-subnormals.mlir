// Products, convolutions and recurrences in f32 say that subnormals count as
// zero; what computes in other types, and other ops, do not.
// RUN: sluice-opt %s --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --sluice-choose-kernels --sluice-emit-kernels=keep-subnormals | FileCheck %s --check-prefix=KEEP
// KEEP-NOT: flushes_subnormals

// CHECK: kernel.func @product "
// CHECK-SAME: {{[{ ]}}sluice.flushes_subnormals}
kernel.func @product "matmul" {
^bb0(%x: tensor<6x7xf32>, %y: tensor<7x9xf32>):
  %z = sluice.matmul %x, %y : (tensor<6x7xf32>, tensor<7x9xf32>) -> tensor<6x9xf32>
  %r = sluice.relu %z : (tensor<6x9xf32>) -> tensor<6x9xf32>
  kernel.yield %r : tensor<6x9xf32>
}

// f16 is computed in f32.
// CHECK: kernel.func @half "
// CHECK-SAME: {{[{ ]}}sluice.flushes_subnormals,
kernel.func @half "matmul" {
^bb0(%x: tensor<6x7xf16>, %y: tensor<7x9xf16>):
  %z = sluice.matmul %x, %y : (tensor<6x7xf16>, tensor<7x9xf16>) -> tensor<6x9xf16>
  kernel.yield %z : tensor<6x9xf16>
}

// CHECK: kernel.func @double "
// CHECK-NOT: flushes_subnormals
kernel.func @double "matmul" {
^bb0(%x: tensor<6x7xf64>, %y: tensor<7x9xf64>):
  %z = sluice.matmul %x, %y : (tensor<6x7xf64>, tensor<7x9xf64>) -> tensor<6x9xf64>
  kernel.yield %z : tensor<6x9xf64>
}

// CHECK: kernel.func @sum "
kernel.func @sum "map" {
^bb0(%x: tensor<6x7xf32>, %y: tensor<6x7xf32>):
  %z = sluice.add %x, %y : (tensor<6x7xf32>, tensor<6x7xf32>) -> tensor<6x7xf32>
  kernel.yield %z : tensor<6x7xf32>
}
