// RUN: sluice-opt %s --sluice-set-target=cpu=x86-64-v3 --sluice-choose-kernels --sluice-emit-kernels | FileCheck %s

// Ten rows of one vector, three steps at once.
// CHECK-LABEL: kernel.func @tile "
// CHECK:         scf.for {{.*}} step %c10
// CHECK:         %{{.*}}:10 = scf.for {{.*}} step %c3
// CHECK-COUNT-30: vector.fma {{.*}} : vector<8xf32>
// CHECK:         scf.yield
kernel.func @tile "matmul" attributes {kernel.tiling = #kernel.tiling<tile_rows = 10, tile_vectors = 1, unroll = 3>} {
^bb0(%x: tensor<20x9xf32>, %y: tensor<9x16xf32>):
  %0 = sluice.matmul %x, %y : (tensor<20x9xf32>, tensor<9x16xf32>) -> tensor<20x16xf32>
  kernel.yield %0 : tensor<20x16xf32>
}

// Blocks of the depth keep partial sums in the result.
// CHECK-LABEL: kernel.func @depth "
// CHECK:         scf.for {{.*}} step %c64
kernel.func @depth "matmul" attributes {kernel.tiling = #kernel.tiling<depth_block = 64>} {
^bb0(%x: tensor<20x256xf32>, %y: tensor<256x16xf32>):
  %0 = sluice.matmul %x, %y : (tensor<20x256xf32>, tensor<256x16xf32>) -> tensor<20x16xf32>
  kernel.yield %0 : tensor<20x16xf32>
}
