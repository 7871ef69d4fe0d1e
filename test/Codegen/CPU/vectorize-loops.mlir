// RUN: sluice-opt %s --sluice-set-target="triple=x86_64-linux-gnu cpu=x86-64-v4" --sluice-vectorize-loops --split-input-file | FileCheck %s --check-prefixes=CHECK,MASK
// RUN: sluice-opt %s --sluice-set-target="triple=x86_64-linux-gnu cpu=x86-64-v3" --sluice-vectorize-loops --split-input-file | FileCheck %s --check-prefixes=CHECK,PLAIN

// Both dimensions become one; the 13 elements after 64 are masked or split.
// CHECK-LABEL: func.func @contiguous
// CHECK: memref.collapse_shape
// MASK: scf.for
// MASK: vector.load {{.*}} vector<16xf32>
// MASK: vector.store
// MASK: vector.create_mask
// MASK: vector.maskedload
// MASK: vector.maskedstore
// PLAIN: scf.for
// PLAIN: vector.load {{.*}} vector<8xf32>
// PLAIN: vector.load {{.*}} vector<4xf32>
// PLAIN: memref.load
// PLAIN: memref.store
func.func @contiguous(%x: memref<7x11xf32>, %y: memref<7x11xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<7x11xf32>) outs(%y : memref<7x11xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = arith.addf %u, %u : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// The scale does not change along the vector dimension: it is loaded once.
// CHECK-LABEL: func.func @broadcast
// CHECK: scf.for
// CHECK: %[[SCALE:.*]] = memref.load {{.*}} memref<4xf32>
// CHECK: scf.for
// CHECK: vector.broadcast %[[SCALE]]
// CHECK: arith.mulf
func.func @broadcast(%x: memref<4x64xf32>, %c: memref<4xf32>, %y: memref<4x64xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                     affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]}
    ins(%x, %c : memref<4x64xf32>, memref<4xf32>) outs(%y : memref<4x64xf32>) {
  ^bb0(%u: f32, %v: f32, %w: f32):
    %s = arith.mulf %u, %v : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Four accumulators along the row, joined pairwise.
// CHECK-LABEL: func.func @row_sum
// CHECK: scf.for {{.*}} iter_args({{.*}}, {{.*}}, {{.*}}, {{.*}})
// CHECK-COUNT-4: arith.addf {{.*}} vector<
// CHECK: scf.yield
// CHECK-COUNT-3: arith.addf {{.*}} vector<
// CHECK: vector.extract_strided_slice
// CHECK: memref.store
func.func @row_sum(%x: memref<8x256xf32>, %y: memref<8xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
    iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<8x256xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = arith.addf %u, %w : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// bf16 is computed in f32.
// CHECK-LABEL: func.func @bf16
// CHECK: arith.extf {{.*}} to vector<{{[0-9]+}}xf32>
// CHECK: arith.mulf {{.*}} : vector<{{[0-9]+}}xf32>
// CHECK: arith.truncf {{.*}} to vector<{{[0-9]+}}xbf16>
func.func @bf16(%x: memref<64xbf16>, %y: memref<64xbf16>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<64xbf16>) outs(%y : memref<64xbf16>) {
  ^bb0(%u: bf16, %w: bf16):
    %s = arith.mulf %u, %u : bf16
    linalg.yield %s : bf16
  }
  return
}

// -----

// Large work runs in parallel, and says what an iteration costs.
// CHECK-LABEL: func.func @large
// CHECK: scf.parallel
// CHECK: vector.store
// CHECK: sluice.cost = {{.*}} : f64
func.func @large(%x: memref<4000000xf32>, %y: memref<4000000xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<4000000xf32>) outs(%y : memref<4000000xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = arith.addf %u, %u : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A body that is not elementwise becomes scalar loops.
// CHECK-LABEL: func.func @control_flow
// CHECK: scf.for
// CHECK-NOT: vector
// CHECK: scf.if
func.func @control_flow(%x: memref<64xf32>, %y: memref<64xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%u: f32, %w: f32):
    %zero = arith.constant 0.0 : f32
    %c = arith.cmpf ogt, %u, %zero : f32
    %r = scf.if %c -> f32 {
      scf.yield %u : f32
    } else {
      scf.yield %zero : f32
    }
    linalg.yield %r : f32
  }
  return
}

// -----

// A long body runs on vectors of twice the width, of which the rest is a mask or
// split.
// CHECK-LABEL: func.func @long_body
// MASK: vector.load {{.*}} vector<32xf32>
// MASK: math.exp {{.*}} : vector<32xf32>
// MASK: vector.store {{.*}} vector<32xf32>
// MASK: vector.maskedload {{.*}} into vector<32xf32>
// PLAIN: vector.load {{.*}} vector<16xf32>
// PLAIN: math.exp {{.*}} : vector<16xf32>
// PLAIN: vector.store {{.*}} vector<16xf32>
// PLAIN: vector.load {{.*}} vector<8xf32>
// PLAIN: vector.load {{.*}} vector<4xf32>
// PLAIN: memref.load
func.func @long_body(%x: memref<109xf32>, %y: memref<109xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<109xf32>) outs(%y : memref<109xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = math.exp %u : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A size that is not known counts as a large one.
// CHECK-LABEL: func.func @long_body_dynamic
// MASK: math.exp {{.*}} : vector<32xf32>
// PLAIN: math.exp {{.*}} : vector<16xf32>
func.func @long_body_dynamic(%x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = math.exp %u : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// What does not fill two vectors is not worth a wide one.
// CHECK-LABEL: func.func @long_body_few_elements
// MASK-NOT: vector<32x
// MASK: math.exp {{.*}} : vector<16xf32>
// PLAIN-NOT: vector<16x
// PLAIN: math.exp {{.*}} : vector<8xf32>
// MASK-NOT: vector<32x
// PLAIN-NOT: vector<16x
// CHECK: return
func.func @long_body_few_elements(%x: memref<15xf32>, %y: memref<15xf32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
    iterator_types = ["parallel"]}
    ins(%x : memref<15xf32>) outs(%y : memref<15xf32>) {
  ^bb0(%u: f32, %w: f32):
    %s = math.exp %u : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Reductions have several accumulators instead.
// CHECK-LABEL: func.func @long_body_reduction
// MASK: scf.for {{.*}} iter_args({{.*}}, {{.*}}, {{.*}}, {{.*}})
// MASK-COUNT-4: math.exp {{.*}} : vector<16xf32>
// PLAIN: scf.for {{.*}} iter_args({{.*}}, {{.*}}, {{.*}}, {{.*}})
// PLAIN-COUNT-4: math.exp {{.*}} : vector<8xf32>
func.func @long_body_reduction(%x: memref<256xf32>, %y: memref<f32>) {
  linalg.generic {
    indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
    iterator_types = ["reduction"]}
    ins(%x : memref<256xf32>) outs(%y : memref<f32>) {
  ^bb0(%u: f32, %w: f32):
    %e = math.exp %u : f32
    %s = arith.addf %e, %w : f32
    linalg.yield %s : f32
  }
  return
}
