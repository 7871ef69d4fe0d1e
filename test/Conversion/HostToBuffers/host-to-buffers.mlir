// RUN: sluice-opt %s --split-input-file --sluice-form-kernels --sluice-outline-kernels --sluice-emit-kernels --sluice-host-to-buffers | FileCheck %s

// A kernel writes the model's output directly.
// CHECK-LABEL: func.func @sluice_host(%arg0: !llvm.ptr)
// CHECK:         %[[IN:.*]] = kernel.input %arg0 0
// CHECK:         %[[OUT:.*]] = kernel.output %arg0 0
// CHECK:         kernel.launch @map[0] (%arg0) ins(%[[IN]] : memref<4xf32>) outs(%[[OUT]] : memref<4xf32>)
// CHECK-NOT:     kernel.copy
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// An input that is returned is copied.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.copy
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// Branches yield buffers.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         scf.if {{.*}} -> (memref<4xf32>)
// CHECK:           kernel.launch
// CHECK:           scf.yield
func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %condition = tensor.extract %c[] : tensor<i1>
  %0 = scf.if %condition -> (tensor<4xf32>) {
    %1 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    scf.yield %1 : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// A condition is checked once.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         kernel.check %arg0 %{{.*}}, "first"
// CHECK-NOT:     "second"
// CHECK:         kernel.launch
func.func @main(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %condition = tensor.extract %c[] : tensor<i1>
  cf.assert %condition, "first"
  cf.assert %condition, "second"
  %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// What a branch checked says nothing about what follows it.
// CHECK-LABEL: func.func @sluice_host
// CHECK:         "in the branch"
// CHECK:         "after the branch"
func.func @main(%c: tensor<i1>, %d: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %condition = tensor.extract %c[] : tensor<i1>
  %other = tensor.extract %d[] : tensor<i1>
  scf.if %other {
    cf.assert %condition, "in the branch"
  }
  cf.assert %condition, "after the branch"
  return %x : tensor<4xf32>
}
