// How a recurrent cell is computed: steps one after the other; in each the sums of
// all gates in registers, of some sequences at once, then the activations on them.
// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels --canonicalize --cse | FileCheck %s

// Two sequences of an LSTM with eight units: eight vectors of sums, for which each
// vector of weights is loaded once; hidden units are broadcast, the only elements
// that are loaded on their own.
// CHECK-LABEL: kernel.func @lstm "
// CHECK-NOT:     kernel.allocate
// CHECK:         scf.for {{.*}} to %c2
// CHECK-COUNT-2:   vector.store %{{.*}}, vector<8xf32>
// CHECK:         scf.for {{.*}} to %c5
// CHECK:           %[[SUMS:.*]]:8 = scf.for {{.*}} to %c4
// CHECK-COUNT-4:     vector.load
// CHECK-NOT:         vector.load
// CHECK:             memref.load
// CHECK-NEXT:        vector.broadcast
// CHECK-COUNT-4:     vector.fma {{.*}} : vector<8xf32>
// CHECK:             memref.load
// CHECK-NEXT:        vector.broadcast
// CHECK-COUNT-4:     vector.fma {{.*}} : vector<8xf32>
// CHECK:             scf.yield
// CHECK-COUNT-8:   vector.store %[[SUMS]]
// CHECK:           scf.for {{.*}} to %c2
// CHECK-NOT:         memref.load
// CHECK:             math.tanh {{.*}} : vector<8xf32>
// CHECK:             vector.store {{.*}}, vector<8xf32>
// CHECK-NOT:     memref.load
// CHECK:         {{^  [}]}}
kernel.func @lstm "recurrence" {
^bb0(%x: tensor<1x5x2x32xf32>, %r: tensor<1x8x32xf32>):
  %0:3 = sluice.recurrence %x, %r {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x32xf32>, tensor<1x8x32xf32>)
    -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1, %0#2 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// A GRU in two directions over sequences of any number: directions and groups of
// sequences are tasks, whose steps follow each other within them; six sequences of
// two gates fill the registers.
// CHECK-LABEL: kernel.func @gru "
// CHECK:         scf.parallel
// CHECK-NOT:       scf.parallel
// CHECK:           scf.for {{.*}} to %dim
// CHECK:             %[[SUMS:.*]]:12 = scf.for
// CHECK-COUNT-24:      vector.fma {{.*}} : vector<8xf32>
// CHECK-NOT:           vector.fma
// CHECK:               scf.yield
// CHECK-COUNT-12:    vector.store %[[SUMS]]
// CHECK-NOT:     scf.parallel
// CHECK:         {{^  [}]}}
kernel.func @gru "recurrence" {
^bb0(%x: tensor<2x?x?x48xf32>, %r: tensor<2x16x48xf32>):
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<gru>, reverse = array<i1: false, true>, activations = ["sigmoid", "tanh", "sigmoid", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<2x?x?x48xf32>, tensor<2x16x48xf32>)
    -> (tensor<?x2x?x16xf32>, tensor<2x?x16xf32>)
  kernel.yield %0#0, %0#1 : tensor<?x2x?x16xf32>, tensor<2x?x16xf32>
}

// Packed weights lie in the order in which they are read: vectors of all gates side
// by side, so that each step of the sums reads on. The tile is that of the
// configuration.
// CHECK-LABEL: kernel.func @packed "
// CHECK:           %[[SUMS:.*]]:4 = scf.for
// CHECK-COUNT-4:     vector.fma {{.*}} : vector<8xf32>
// CHECK:             scf.yield
kernel.func @packed "packed_recurrence" attributes {config = #kernel.cpu_recurrence<lanes = 8, unroll = 1, fewest_sums = 4>} {
^bb0(%x: tensor<1x5x2x32xf32>, %r: tensor<256xf32>):
  %0:3 = kernel.packed_recurrence %x, %r {
      cell = #sluice.cell<lstm>, reverse = array<i1: false>,
      activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>,
      units = 8 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x2x32xf32>, tensor<256xf32>)
    -> (tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>)
  kernel.yield %0#0, %0#1, %0#2 : tensor<5x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
}

// Halves: products read the hidden units in f32, of which the kernel keeps a
// copy.
// CHECK-LABEL: kernel.func @halves "
// CHECK:         scf.for {{.*}} to %c5
// CHECK:           vector.load {{.*}}, vector<8xf16>
// CHECK:           %[[UNIT:.*]] = memref.load {{.*}} : memref<16xf32>
// CHECK-NEXT:      vector.broadcast %[[UNIT]] : f32 to vector<8xf32>
// CHECK:         {{^  [}]}}
kernel.func @halves "recurrence" {
^bb0(%x: tensor<1x5x1x16xf16>, %r: tensor<1x16x16xf16>):
  %0:2 = sluice.recurrence %x, %r {
      cell = #sluice.cell<rnn>, reverse = array<i1: false>, activations = ["tanh"],
      alphas = array<f64: 0.0>, betas = array<f64: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<1x5x1x16xf16>, tensor<1x16x16xf16>)
    -> (tensor<5x1x1x16xf16>, tensor<1x1x16xf16>)
  kernel.yield %0#0, %0#1 : tensor<5x1x1x16xf16>, tensor<1x1x16xf16>
}
