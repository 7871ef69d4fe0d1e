// RUN: sluice-opt %s --split-input-file --sluice-set-target=cpu=x86-64-v3 --sluice-emit-kernels | FileCheck %s

// Tasks are blocks of queries. What each keeps are panels of 32 keys, the scores
// and maxima of a tile and the sums of its rows: nothing of queries times keys,
// and no copy of the queries.
// CHECK-LABEL: kernel.func @blocks
// CHECK:         scf.parallel
// CHECK:           memref.alloca() {alignment = 64 : i64} : memref<2048xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<48xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<192xf32>
// CHECK-NEXT:      memref.alloca() {alignment = 64 : i64} : memref<3072xf32>
// Keys are copied for all tiles; sums start from those of the blocks before.
// CHECK:           scf.for %[[BLOCK:.*]] = %{{.*}} to %{{.*}} step %c32
// CHECK:             vector.shuffle
// CHECK:             vector.fma
// CHECK:             math.exp2 {{.*}} {sluice.not_positive} : vector<8xf32>
// CHECK:             vector.fma
// CHECK-NOT:     scf.parallel
kernel.func @blocks "attention" attributes {config = #kernel.cpu_attention<lanes = 8, tile_rows = 6, tile_vectors = 2, query_block = 48, key_block = 32>} {
^bb0(%q: tensor<1x2x96x64xf32>, %k: tensor<1x2x96x64xf32>, %v: tensor<1x2x96x64xf32>):
  %0 = sluice.attention %q, %k, %v {right = 0 : i64} : (tensor<1x2x96x64xf32>, tensor<1x2x96x64xf32>, tensor<1x2x96x64xf32>) -> tensor<1x2x96x64xf32>
  kernel.yield %0 : tensor<1x2x96x64xf32>
}

// -----

// Few rows: keys and values are fetched and read where they lie. Tasks are
// parts of the keys, whose sums a second loop merges.
// CHECK-LABEL: kernel.func @parts
// CHECK:         scf.parallel
// CHECK-NOT:       memref<2048xf32>
// CHECK:           memref.prefetch
// CHECK:           vector.load %{{.*}} : memref<65536xf32>, vector<8xf32>
// CHECK:         scf.parallel
kernel.func @parts "attention" attributes {config = #kernel.cpu_attention<lanes = 8, tile_rows = 4, tile_vectors = 2, query_block = 4, key_block = 32, in_place = true, split = 128>} {
^bb0(%q: tensor<1x8x1x64xf32>, %k: tensor<1x2x512x64xf32>, %v: tensor<1x2x512x64xf32>):
  %0 = sluice.attention %q, %k, %v : (tensor<1x8x1x64xf32>, tensor<1x2x512x64xf32>, tensor<1x2x512x64xf32>) -> tensor<1x8x1x64xf32>
  kernel.yield %0 : tensor<1x8x1x64xf32>
}

// -----

// A cache with room to grow is read with its strides.
// CHECK-LABEL: kernel.func @strided
// CHECK:         %{{.*}}: memref<1x2x?x64xf32, strided<[?, ?, 64, 1]>>, %{{.*}}: memref<1x2x?x64xf32, strided<[?, ?, 64, 1]>>
// CHECK:         memref.extract_strided_metadata
kernel.func @strided "attention" attributes {config = #kernel.cpu_attention<lanes = 8, tile_vectors = 2, key_block = 32, in_place = true>, strided = array<i64: -1, 2, 2>} {
^bb0(%q: tensor<1x2x1x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>):
  %0 = sluice.attention %q, %k, %v : (tensor<1x2x1x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>) -> tensor<1x2x1x64xf32>
  kernel.yield %0 : tensor<1x2x1x64xf32>
}
