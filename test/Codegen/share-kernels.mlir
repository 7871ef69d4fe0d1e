// RUN: sluice-opt %s --split-input-file --sluice-share-kernels=minimum-kernels=3 | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-share-kernels | FileCheck %s --check-prefix=FEW
// RUN: sluice-opt %s --split-input-file --sluice-share-kernels="minimum-kernels=3 maximum-parameters=1" | FileCheck %s --check-prefix=NARROW

// An offset, and a factor that occurs twice: two parameters. What is equal in
// all kernels stays a constant.
// CHECK-LABEL: func.func @calls
// CHECK:         %[[OFFSET:.*]] = arith.constant 1 : index
// CHECK:         %[[FACTOR:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         kernel.call @first ins(%{{.*}} : tensor<9xf32>) sizes() parameters(%[[OFFSET]], %[[FACTOR]] : index, f32) -> tensor<4xf32>
// CHECK:         %[[OFFSET:.*]] = arith.constant 2 : index
// CHECK:         %[[FACTOR:.*]] = arith.constant 2.500000e-01 : f32
// CHECK:         kernel.call @first ins(%{{.*}} : tensor<9xf32>) sizes() parameters(%[[OFFSET]], %[[FACTOR]] : index, f32) -> tensor<4xf32>
// CHECK:         %[[OFFSET:.*]] = arith.constant 2 : index
// CHECK:         %[[FACTOR:.*]] = arith.constant 1.250000e-01 : f32
// CHECK:         kernel.call @first ins(%{{.*}} : tensor<9xf32>) sizes() parameters(%[[OFFSET]], %[[FACTOR]] : index, f32) -> tensor<4xf32>
// CHECK:         kernel.func @first "map" {
// CHECK-NEXT:    ^bb0(%{{[a-z0-9]+}}: !llvm.ptr, %[[IN:[a-z0-9]+]]: memref<9xf32>, %{{[a-z0-9]+}}: memref<4xf32>, %[[OFFSET:[a-z0-9]+]]: index, %[[FACTOR:[a-z0-9]+]]: f32)
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step
// CHECK:           %[[PLACE:.*]] = arith.addi %[[I]], %[[OFFSET]]
// CHECK:           %[[X:.*]] = memref.load %[[IN]][%[[PLACE]]]
// CHECK:           %[[Y:.*]] = arith.mulf %[[X]], %[[FACTOR]]
// CHECK:           arith.addf %[[Y]], %[[FACTOR]]
// CHECK-NOT:     kernel.func

// FEW-LABEL: func.func @calls
// FEW:         kernel.call @first
// FEW:         kernel.call @second
// FEW:         kernel.call @third
// FEW-NOT:     parameters(

// NARROW-LABEL: func.func @calls
// NARROW:         kernel.call @first
// NARROW:         kernel.call @second
// NARROW:         kernel.call @third
// NARROW:       kernel.func @first "
// NARROW:       kernel.func @second "
// NARROW:       kernel.func @third "
func.func @calls(%x: tensor<9xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = kernel.call @first ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  %1 = kernel.call @second ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  %2 = kernel.call @third ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
kernel.func @first "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %offset = arith.constant 1 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.addi %i, %offset : index
    %x = memref.load %in[%place] : memref<9xf32>
    %factor = arith.constant 0.5 : f32
    %y = arith.mulf %x, %factor : f32
    %summand = arith.constant 0.5 : f32
    %z = arith.addf %y, %summand : f32
    memref.store %z, %out[%i] : memref<4xf32>
  }
}
kernel.func @second "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %offset = arith.constant 2 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.addi %i, %offset : index
    %x = memref.load %in[%place] : memref<9xf32>
    %factor = arith.constant 0.25 : f32
    %y = arith.mulf %x, %factor : f32
    %summand = arith.constant 0.25 : f32
    %z = arith.addf %y, %summand : f32
    memref.store %z, %out[%i] : memref<4xf32>
  }
}
kernel.func @third "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %offset = arith.constant 2 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.addi %i, %offset : index
    %x = memref.load %in[%place] : memref<9xf32>
    %factor = arith.constant 0.125 : f32
    %y = arith.mulf %x, %factor : f32
    %summand = arith.constant 0.125 : f32
    %z = arith.addf %y, %summand : f32
    memref.store %z, %out[%i] : memref<4xf32>
  }
}

// -----

// A divisor stays a constant, as does the end of a loop.
// CHECK-LABEL: func.func @other_code
// CHECK:         kernel.call @by_two
// CHECK:         kernel.call @by_three
// CHECK:         kernel.call @longer
// CHECK-NOT:     parameters(
func.func @other_code(%x: tensor<9xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = kernel.call @by_two ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  %1 = kernel.call @by_three ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  %2 = kernel.call @longer ins(%x : tensor<9xf32>) sizes() -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
kernel.func @by_two "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 3 : index
  %divisor = arith.constant 2 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.remui %i, %divisor : index
    %x = memref.load %in[%place] : memref<9xf32>
    memref.store %x, %out[%i] : memref<4xf32>
  }
}
kernel.func @by_three "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 3 : index
  %divisor = arith.constant 3 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.remui %i, %divisor : index
    %x = memref.load %in[%place] : memref<9xf32>
    memref.store %x, %out[%i] : memref<4xf32>
  }
}
kernel.func @longer "map" {
^bb0(%frame: !llvm.ptr, %in: memref<9xf32>, %out: memref<4xf32>):
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 4 : index
  %divisor = arith.constant 2 : index
  scf.for %i = %zero to %end step %one {
    %place = arith.remui %i, %divisor : index
    %x = memref.load %in[%place] : memref<9xf32>
    memref.store %x, %out[%i] : memref<4xf32>
  }
}

// -----

// Other operands or other types are another structure.
// CHECK-LABEL: func.func @other_structure
// CHECK:         kernel.call @plain
// CHECK:         kernel.call @turned
// CHECK:         kernel.call @integers
// CHECK-NOT:     parameters(
func.func @other_structure(%x: tensor<f32>, %n: tensor<i32>) -> (tensor<f32>, tensor<f32>, tensor<i32>) {
  %0 = kernel.call @plain ins(%x : tensor<f32>) sizes() -> tensor<f32>
  %1 = kernel.call @turned ins(%x : tensor<f32>) sizes() -> tensor<f32>
  %2 = kernel.call @integers ins(%n : tensor<i32>) sizes() -> tensor<i32>
  return %0, %1, %2 : tensor<f32>, tensor<f32>, tensor<i32>
}
kernel.func @plain "map" {
^bb0(%frame: !llvm.ptr, %in: memref<f32>, %out: memref<f32>):
  %number = arith.constant 1.0 : f32
  %x = memref.load %in[] : memref<f32>
  %y = arith.subf %x, %number : f32
  memref.store %y, %out[] : memref<f32>
}
kernel.func @turned "map" {
^bb0(%frame: !llvm.ptr, %in: memref<f32>, %out: memref<f32>):
  %number = arith.constant 2.0 : f32
  %x = memref.load %in[] : memref<f32>
  %y = arith.subf %number, %x : f32
  memref.store %y, %out[] : memref<f32>
}
kernel.func @integers "map" {
^bb0(%frame: !llvm.ptr, %in: memref<i32>, %out: memref<i32>):
  %number = arith.constant 3 : i32
  %x = memref.load %in[] : memref<i32>
  %y = arith.subi %x, %number : i32
  memref.store %y, %out[] : memref<i32>
}
