// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s
// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels=emulate-dot-units --sluice-emit-kernels | FileCheck %s --check-prefix=EMULATED

// Halves are widened: the left-hand side once, in scratch memory, panels where
// they are loaded. Sums are rounded when they are stored.
// CHECK-LABEL: kernel.func @halves "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:  %[[WEIGHTS:[a-z0-9]+]]: memref<512xf16>
// CHECK:         vector.store {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK:         %[[PANEL:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<512xf16>, vector<8xf16>
// CHECK:         arith.extf %[[PANEL]] : vector<8xf16> to vector<8xf32>
// CHECK:         vector.fma {{.*}} : vector<8xf32>
// CHECK:         arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// EMULATED-LABEL: kernel.func @halves "
// EMULATED-NOT:     vector.fma
// EMULATED:         math.fma {{.*}} : f32
kernel.func @halves "packed_matmul" {
^bb0(%x: tensor<4x8xf16>, %w: tensor<512xf16>):
  %0 = kernel.packed_matmul %x, %w {columns = 64 : i64} : (tensor<4x8xf16>, tensor<512xf16>) -> tensor<4x64xf16>
  kernel.yield %0 : tensor<4x64xf16>
}

// -----

// Many rows: a part of a panel is widened on the stack, where all tiles of rows
// read it; their sums wait there for the next part.
// CHECK-LABEL: kernel.func @many_rows "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:  %[[WEIGHTS:[a-z0-9]+]]: memref<16000xf16>
// CHECK:         scf.parallel
// CHECK:           %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64} : memref<8000xf32>
// CHECK:           %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<{{.*}}xf32>
// CHECK:           scf.for
// CHECK:             scf.for
// CHECK:               %[[READ:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<16000xf16>, vector<8xf16>
// CHECK:               %[[WIDE:.*]] = arith.extf %[[READ]] : vector<8xf16> to vector<8xf32>
// CHECK:               vector.store %[[WIDE]], %[[PANEL]]
// CHECK:             scf.for
// CHECK:               scf.for
// CHECK-NOT:             arith.extf
// CHECK:                 vector.load %[[PANEL]]{{.*}} : memref<8000xf32>, vector<8xf32>
// CHECK-NOT:             arith.extf
// CHECK:                 vector.fma
// CHECK:               vector.load %[[SUMS]]
// CHECK:               vector.store {{.*}}, %[[SUMS]]
// CHECK:               arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// EMULATED-LABEL: kernel.func @many_rows "
// EMULATED:         math.fma {{.*}} : f32
kernel.func @many_rows "packed_matmul" {
^bb0(%x: tensor<60x1000xf16>, %w: tensor<16000xf16>):
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<60x1000xf16>, tensor<16000xf16>) -> tensor<60x16xf16>
  kernel.yield %0 : tensor<60x16xf16>
}

// -----

// Where only the run knows the rows, it chooses.
// CHECK-LABEL: kernel.func @any_rows "
// CHECK:         %[[FEW:.*]] = arith.cmpi slt, %{{.*}}, %c32
// CHECK:         scf.if %[[FEW]] {
// CHECK:           vector.load {{.*}} : memref<512xf16>, vector<8xf16>
// CHECK:           vector.fma
// CHECK:         } else {
// CHECK:           memref.alloca() {{.*}} : memref<128xf32>
kernel.func @any_rows "packed_matmul" {
^bb0(%x: tensor<?x8xf16>, %w: tensor<512xf16>):
  %0 = kernel.packed_matmul %x, %w {columns = 64 : i64} : (tensor<?x8xf16>, tensor<512xf16>) -> tensor<?x64xf16>
  kernel.yield %0 : tensor<?x64xf16>
}

// -----

// Narrow integers on both sides are multiplied in pairs of 16 bits, which lie
// side by side in the copy of a panel; of an odd depth the last one's second
// half is zero.
// CHECK-LABEL: kernel.func @pairs "
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:  %[[WEIGHTS:[a-z0-9]+]]: memref<144xi8>
// CHECK:         arith.extsi {{.*}} : vector<8xi8> to vector<8xi16>
// CHECK:         vector.store {{.*}} : memref<?xi16>, vector<8xi16>
// CHECK:         %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<{{.*}}xi16>
// CHECK:         %[[EVEN:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<144xi8>, vector<8xi8>
// CHECK:         %[[ODD:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<144xi8>, vector<8xi8>
// CHECK:         %[[BOTH:.*]] = vector.shuffle %[[EVEN]], %[[ODD]] [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15]
// CHECK:         %[[WIDE:.*]] = arith.extsi %[[BOTH]] : vector<16xi8> to vector<16xi16>
// CHECK:         vector.store %[[WIDE]], %[[PANEL]]
// CHECK:         %[[RHS:.*]] = vector.load %[[PANEL]]{{.*}} vector<16xi16>
// CHECK:         %[[PAIR:.*]] = vector.load {{.*}} : memref<?xi16>, vector<2xi16>
// CHECK:         vector.bitcast %[[PAIR]] : vector<2xi16> to vector<1xi32>
// CHECK:         %[[LHS:.*]] = vector.bitcast {{.*}} : vector<8xi32> to vector<16xi16>
// CHECK:         llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[LHS]], {{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
// CHECK:         arith.addi {{.*}} : vector<8xi32>
// EMULATED-LABEL: kernel.func @pairs "
// EMULATED-NOT:     call_intrinsic
// EMULATED:         arith.extsi {{.*}} : i16 to i32
// EMULATED:         arith.muli {{.*}} : i32
// EMULATED-NOT:     call_intrinsic
kernel.func @pairs "packed_matmul" {
^bb0(%x: tensor<40x9xi8>, %w: tensor<144xi8>):
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<40x9xi8>, tensor<144xi8>) -> tensor<40x16xi32>
  kernel.yield %0 : tensor<40x16xi32>
}

// -----

// Few rows are multiplied in 32 bits.
// CHECK-LABEL: kernel.func @few_rows "
// CHECK-NOT:     call_intrinsic
// CHECK:         arith.muli {{.*}} : vector<8xi32>
// CHECK-NOT:     call_intrinsic
kernel.func @few_rows "packed_matmul" {
^bb0(%x: tensor<4x9xi8>, %w: tensor<144xi8>):
  %0 = kernel.packed_matmul %x, %w {columns = 16 : i64} : (tensor<4x9xi8>, tensor<144xi8>) -> tensor<4x16xi32>
  kernel.yield %0 : tensor<4x16xi32>
}

// -----

// Integers wrap.
// CHECK-LABEL: kernel.func @integers "
// CHECK-NOT:     memref.alloca
// CHECK:         arith.muli {{.*}} : vector<8xi32>
// CHECK:         arith.addi {{.*}} : vector<8xi32>
// EMULATED-LABEL: kernel.func @integers "
// EMULATED:         arith.muli {{.*}} : i32
kernel.func @integers "matmul" {
^bb0(%x: tensor<4x8xi32>, %w: tensor<8x64xi32>):
  %0 = sluice.matmul %x, %w : (tensor<4x8xi32>, tensor<8x64xi32>) -> tensor<4x64xi32>
  kernel.yield %0 : tensor<4x64xi32>
}

// -----

// CHECK-LABEL: kernel.func @doubles "
// CHECK:         vector.fma {{.*}} : vector<4xf64>
kernel.func @doubles "matmul" {
^bb0(%x: tensor<4x8xf64>, %w: tensor<8x64xf64>):
  %0 = sluice.matmul %x, %w : (tensor<4x8xf64>, tensor<8x64xf64>) -> tensor<4x64xf64>
  kernel.yield %0 : tensor<4x64xf64>
}

// -----

// A convolution of many pixels widens its weights once, into scratch memory.
// CHECK-LABEL: kernel.func @convolution "
// CHECK-SAME:    copy_weights = true
// CHECK-NEXT:    ^bb0(
// CHECK-SAME:  %[[WEIGHTS:[a-z0-9]+]]: memref<288xf16>
// CHECK:         %[[COPY:.*]] = memref.view %{{.*}}[%c1024]{{.*}} : memref<?xi8> to memref<?xf32>
// CHECK:         scf.for
// CHECK:           %[[READ:.*]] = vector.load %[[WEIGHTS]]{{.*}} : memref<288xf16>, vector<8xf16>
// CHECK:           %[[WIDE:.*]] = arith.extf %[[READ]] : vector<8xf16> to vector<8xf32>
// CHECK:           vector.store %[[WIDE]], %[[COPY]]
// CHECK-NOT:     arith.extf
// CHECK:         vector.load %[[COPY]]{{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT:     arith.extf
// CHECK:         vector.fma
// CHECK:         arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// EMULATED-LABEL: kernel.func @convolution "
// EMULATED-SAME:    emulated = true
// EMULATED-NOT:     vector.fma
// EMULATED:         math.fma {{.*}} : f32
kernel.func @convolution "packed_conv" {
^bb0(%x: tensor<1x8x8x4xf16>, %w: tensor<288xf16>):
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xf16>, tensor<288xf16>) -> tensor<1x8x8x8xf16>
  kernel.yield %0 : tensor<1x8x8x8xf16>
}

// -----

// One of integers multiplies pairs of channels.
// CHECK-LABEL: kernel.func @convolution_of_pairs "
// CHECK-SAME:    unit = integer_pairs
// CHECK:         %[[IMAGE:.*]] = memref.view {{.*}} : memref<?xi8> to memref<?xi16>
// CHECK:         vector.store {{.*}}, %[[IMAGE]]
// CHECK:         %[[COPY:.*]] = memref.view %{{.*}}[%c512]{{.*}} : memref<?xi8> to memref<?xi16>
// CHECK:         vector.shuffle {{.*}} : vector<8xi8>, vector<8xi8>
// CHECK:         vector.store {{.*}}, %[[COPY]]{{.*}} : memref<?xi16>, vector<16xi16>
// CHECK:         vector.load %[[COPY]]{{.*}} : memref<?xi16>, vector<16xi16>
// CHECK:         vector.load %[[IMAGE]]{{.*}} : memref<?xi16>, vector<2xi16>
// CHECK:         llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// EMULATED-LABEL: kernel.func @convolution_of_pairs "
// EMULATED-SAME:    unit = integer_pairs
// EMULATED-NOT:     llvm.call_intrinsic
// EMULATED:         arith.muli {{.*}} : i32
kernel.func @convolution_of_pairs "packed_conv" {
^bb0(%x: tensor<1x8x8x4xi8>, %w: tensor<32xi8>):
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x4xi8>, tensor<32xi8>) -> tensor<1x8x8x8xi32>
  kernel.yield %0 : tensor<1x8x8x8xi32>
}

// -----

// Few pixels read the weights as they are.
// CHECK-LABEL: kernel.func @few_pixels "
// CHECK-NOT:     copy_weights
kernel.func @few_pixels "packed_conv" {
^bb0(%x: tensor<1x2x2x4xf16>, %w: tensor<32xf16>):
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x2x2x4xf16>, tensor<32xf16>) -> tensor<1x2x2x8xf16>
  kernel.yield %0 : tensor<1x2x2x8xf16>
}

// -----

// No pairs of three channels.
// CHECK-LABEL: kernel.func @odd_channels "
// CHECK-SAME:    unit = integer,
// CHECK-SAME:    copy_weights = true
// CHECK-NOT:     llvm.call_intrinsic
kernel.func @odd_channels "packed_conv" {
^bb0(%x: tensor<1x8x8x3xi8>, %w: tensor<24xi8>):
  %0 = kernel.packed_conv %x, %w {kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, output_channels = 8 : i64} : (tensor<1x8x8x3xi8>, tensor<24xi8>) -> tensor<1x8x8x8xi32>
  kernel.yield %0 : tensor<1x8x8x8xi32>
}
