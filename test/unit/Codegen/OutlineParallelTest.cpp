//===- OutlineParallelTest.cpp - Runs outlined parallel loops -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/artifact_abi.h"
#include "gtest/gtest.h"

using namespace sluice;

namespace {

struct Call {
  int64_t count;
  double cost;
};
std::vector<Call> calls;

/// Runs a loop in pieces, from the last to the first.
void runBackwards(sluice_frame *, sluice_loop_body body, void *closure,
                  int64_t count, double cost) {
  calls.push_back({count, cost});
  for (int64_t end = count; end > 0; end -= 3)
    body(closure, std::max<int64_t>(end - 3, 0), end);
}

void run(llvm::StringRef text, float *x, float *y) {
  std::unique_ptr<Jit> jit =
      test::jitText(text, [](mlir::OpPassManager &manager) {
        manager.addPass(createVectorizeLoopsPass());
        manager.addPass(createOutlineParallelPass());
      });
  ASSERT_TRUE(jit);
  auto function =
      jit->lookupFunction<void(sluice_frame *, float *, float *)>("f");
  ASSERT_TRUE(bool(function));
  sluice_frame frame = {};
  frame.parallel_for = runBackwards;
  calls.clear();
  (*function)(&frame, x, y);
}

TEST(OutlineParallel, CapturesConstantsScalarsAndBuffers) {
  std::vector<float> x(40), y(40, -1.0f);
  for (int index = 0; index < 40; ++index)
    x[index] = index;
  run(R"mlir(
    func.func @f(%frame: !llvm.ptr, %x: memref<4x10xf32>,
                 %y: memref<4x10xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %c10 = arith.constant 10 : index
      %first = memref.load %x[%c0, %c2] : memref<4x10xf32>
      %dynamic = memref.cast %y : memref<4x10xf32> to memref<?x?xf32>
      scf.parallel (%j) = (%c1) to (%c10) step (%c2) {
        scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
          %v = memref.load %x[%i, %j] : memref<4x10xf32>
          %s = arith.addf %v, %first : f32
          memref.store %s, %dynamic[%i, %j] : memref<?x?xf32>
        }
      } {sluice.cost = 12.5 : f64}
      return
    }
  )mlir",
      x.data(), y.data());
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 10; ++j)
      EXPECT_EQ(y[i * 10 + j], j % 2 ? x[i * 10 + j] + 2.0f : -1.0f);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].count, 5);
  EXPECT_EQ(calls[0].cost, 12.5);
}

TEST(OutlineParallel, RunsLargeElementwiseWorkInParallel) {
  constexpr int rows = 300, columns = 1000;
  std::vector<float> x(rows * columns), y(rows * columns);
  for (int index = 0; index < rows * columns; ++index)
    x[index] = index % 251;
  run(R"mlir(
    func.func @f(%frame: !llvm.ptr, %x: memref<300x1000xf32>,
                 %y: memref<300x1000xf32>) {
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<300x1000xf32>) outs(%y : memref<300x1000xf32>) {
      ^bb0(%u: f32, %w: f32):
        %s = arith.addf %u, %u : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir",
      x.data(), y.data());
  for (int index = 0; index < rows * columns; ++index)
    ASSERT_EQ(y[index], 2 * x[index]);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_GT(calls[0].count, 1);
}

} // namespace
