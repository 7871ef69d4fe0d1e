//===- ContractionTest.cpp - Matrix products against a plain loop ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "Codegen/GuardedBuffer.h"
#include "Codegen/HostCpus.h"
#include "Codegen/KernelHarness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace sluice;
using namespace sluice::testing;

namespace {

/// Which of the sizes (batch, rows, columns, depth) the kernel does not know.
enum Dynamic { None = 0, Rows = 1, All = 15 };

struct Case {
  int64_t batch, rows, columns, depth;
  bool transposeA = false, transposeB = false, packed = true;
  int dynamic = None;
  bool epilogue = true;
  ContractionTilingOverrides overrides = {};
  int64_t exactSteps = 0; ///< Makes the epilogue longer.
  bool isLarge = false;   ///< Is compiled as if its matrices left the caches.
};

/// max(sums + bias[column] + residual[same element], 0)
Value applyEpilogue(OpBuilder &builder, Location loc, Value sums, Value bias,
                    Value residual, const ResultPosition &position) {
  auto type = cast<VectorType>(sums.getType());
  int64_t lanes = type.getNumElements();
  sums = arith::AddFOp::create(
      builder, loc, sums,
      loadVector(builder, loc, bias, position.column, lanes, position.mask));
  sums =
      arith::AddFOp::create(builder, loc, sums,
                            loadVector(builder, loc, residual, position.element,
                                       lanes, position.mask));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return arith::MaximumFOp::create(builder, loc, sums, zero);
}

void fill(GuardedBuffer<float> &buffer, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < buffer.size(); ++i)
    buffer[i] = uniform(generator);
}

void runCase(const MachineModel &machine, const Case &test) {
  SCOPED_TRACE(::testing::Message()
               << machine.cpu << " " << test.batch << "x" << test.rows << "x"
               << test.columns << "x" << test.depth << " tA=" << test.transposeA
               << " tB=" << test.transposeB << " packed=" << test.packed
               << " dynamic=" << test.dynamic);
  std::array<int64_t, 4> sizes = {test.batch, test.rows, test.columns,
                                  test.depth};
  auto declared = [&](int i) {
    bool isDynamic = (i == 1 && test.dynamic == Rows) || test.dynamic == All;
    return isDynamic ? kDynamicSize : sizes[i];
  };
  ContractionSpec spec;
  spec.batch = declared(0);
  spec.rows = declared(1);
  spec.columns = declared(2);
  spec.depth = declared(3);
  spec.transposeA = test.transposeA;
  spec.transposeB = test.transposeB;
  spec.packedB = test.packed;
  ContractionTiling tiling =
      chooseContractionTiling(spec, machine, test.overrides);
  if (test.isLarge) {
    tiling.fetchRows = tiling.fetchResult = true;
    tiling.partialTiles = 3;
  }

  int64_t scratchBytes = 0;
  auto kernel = CompiledKernel::compile(
      machine, 6, 4,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange values) {
        auto size = [&](int i) -> OpFoldResult {
          if (declared(i) == kDynamicSize)
            return values[i];
          return builder.getIndexAttr(sizes[i]);
        };
        ContractionOperands operands;
        operands.a = buffers[0];
        operands.b = buffers[1];
        operands.c = buffers[2];
        operands.batch = size(0);
        operands.rows = size(1);
        operands.columns = size(2);
        operands.depth = size(3);
        operands.scratch = buffers[5];
        operands.residuals = {buffers[4]};
        auto epilogue = [&](OpBuilder &builder, Location loc, Value sums,
                            const ResultPosition &position) {
          sums = appendExactSteps(builder, loc, sums, test.exactSteps);
          return applyEpilogue(builder, loc, sums, buffers[3], buffers[4],
                               position);
        };
        emitContraction(builder, loc, spec, tiling, operands,
                        test.epilogue ? EpilogueFn(epilogue) : nullptr);
      });
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());

  if (tiling.packB)
    scratchBytes = 4 * test.batch *
                   getPackedElements(test.depth, test.columns, tiling.width());
  int64_t bBatch = test.packed ? 1 : test.batch;
  GuardedBuffer<float> a(test.batch * test.rows * test.depth);
  GuardedBuffer<float> b(bBatch * test.columns * test.depth);
  GuardedBuffer<float> c(test.batch * test.rows * test.columns);
  GuardedBuffer<float> bias(test.columns);
  GuardedBuffer<float> residual(c.size());
  GuardedBuffer<char> scratch((scratchBytes + 63) / 64 * 64);
  GuardedBuffer<float> packed(
      test.packed ? getPackedElements(test.depth, test.columns, tiling.width())
                  : 0);
  fill(a, 1);
  fill(b, 2);
  fill(c, 3);
  fill(bias, 4);
  fill(residual, 5);
  int64_t bDepthStride = test.transposeB ? 1 : test.columns;
  int64_t bColumnStride = test.transposeB ? test.depth : 1;
  int64_t panelSize = test.depth * tiling.width();
  for (int64_t panel = 0; panel * panelSize < int64_t(packed.size()); ++panel)
    packPanel({reinterpret_cast<const char *>(b.data()), test.depth,
               test.columns, bDepthStride, bColumnStride},
              sizeof(float), tiling.width(), panel,
              reinterpret_cast<char *>(packed.data() + panel * panelSize));
  GuardedBuffer<float> &bOperand = test.packed ? packed : b;
  (*kernel)->call({{a.data(), a.size()},
                   {bOperand.data(), bOperand.size()},
                   {c.data(), c.size()},
                   {bias.data(), bias.size()},
                   {residual.data(), residual.size()},
                   {scratch.data(), scratch.size()}},
                  sizes);

  int64_t aDepthStride = test.transposeA ? test.rows : 1;
  int64_t aRowStride = test.transposeA ? 1 : test.depth;
  for (int64_t n = 0; n < test.batch; ++n)
    for (int64_t i = 0; i < test.rows; ++i)
      for (int64_t j = 0; j < test.columns; ++j) {
        const float *aBase = a.data() + n * test.rows * test.depth;
        const float *bBase =
            b.data() + (test.packed ? 0 : n * test.columns * test.depth);
        double sum = 0, magnitude = 1;
        for (int64_t k = 0; k < test.depth; ++k) {
          double product =
              static_cast<double>(aBase[i * aRowStride + k * aDepthStride]) *
              bBase[k * bDepthStride + j * bColumnStride];
          sum += product;
          magnitude += std::abs(product);
        }
        int64_t element = (n * test.rows + i) * test.columns + j;
        if (test.epilogue)
          sum = std::max(sum + bias[j] + residual[element], 0.0);
        ASSERT_NEAR(c[element], sum, 3e-7 * magnitude)
            << n << " " << i << " " << j;
      }
}

class ContractionTest : public ::testing::TestWithParam<const char *> {};

TEST_P(ContractionTest, PackedStatic) {
  MachineModel machine = hostMachine(GetParam());
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                         {6, 64, 16},
                         {7, 65, 17},
                         {5, 3, 2},
                         {13, 127, 31},
                         {97, 100, 64},
                         {3, 256, 33},
                         {0, 5, 5},
                         {5, 0, 5},
                         {4, 5, 0},
                         {101, 35, 128}})
    runCase(machine, Case{1, m, n, k});
}

TEST_P(ContractionTest, PackedDynamicRows) {
  MachineModel machine = hostMachine(GetParam());
  for (int64_t m : {0, 1, 2, 5, 6, 7, 14, 97, 150}) {
    Case test{1, m, 83, 29};
    test.dynamic = Rows;
    runCase(machine, test);
  }
}

// As for matrices that leave the caches: what lies beyond their ends is fetched
// too, and every number of rows has its tiles.
TEST_P(ContractionTest, LikeLargeOnes) {
  MachineModel machine = hostMachine(GetParam());
  for (int64_t m : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 97})
    for (int dynamic : {None, Rows}) {
      if (dynamic == None && m > 1 && m < 97)
        continue;
      Case test{1, m, 83, 29};
      test.dynamic = dynamic;
      test.isLarge = true;
      runCase(machine, test);
    }
}

TEST_P(ContractionTest, AllForms) {
  MachineModel machine = hostMachine(GetParam());
  for (bool transposeA : {false, true})
    for (bool transposeB : {false, true})
      for (int dynamic : {None, All})
        for (auto [batch, m, n, k] : {std::array<int64_t, 4>{1, 17, 65, 16},
                                      {3, 5, 7, 11},
                                      {2, 31, 128, 37},
                                      {2, 1, 1, 1},
                                      {0, 3, 3, 3},
                                      {2, 3, 9, 0}}) {
          Case test{batch, m, n, k, transposeA, transposeB, false, dynamic};
          runCase(machine, test);
        }
}

TEST_P(ContractionTest, FewRowsTimesTransposed) {
  MachineModel machine = hostMachine(GetParam());
  for (int dynamic : {None, Rows, All})
    for (auto [batch, m, n, k] : {std::array<int64_t, 4>{2, 1, 33, 40},
                                  {1, 3, 16, 7},
                                  {3, 1, 5, 64},
                                  {1, 1, 20, 0}}) {
      Case test{batch, m, n, k, false, true, false, dynamic};
      runCase(machine, test);
    }
}

TEST(CrossCompilation, ContractionForAArch64) {
  MachineModel machine =
      llvm::cantFail(getMachineModel("aarch64-linux-gnu", "generic"));
  ContractionSpec spec;
  spec.columns = 50;
  spec.depth = 70;
  spec.packedB = true;
  auto size = CompiledKernel::getObjectSize(
      machine, 4, 1,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange sizes) {
        ContractionOperands operands;
        operands.a = buffers[0];
        operands.b = buffers[1];
        operands.c = buffers[2];
        operands.batch = builder.getIndexAttr(1);
        operands.rows = sizes[0];
        operands.columns = builder.getIndexAttr(spec.columns);
        operands.depth = builder.getIndexAttr(spec.depth);
        emitContraction(builder, loc, spec,
                        chooseContractionTiling(spec, machine), operands,
                        nullptr);
      });
  ASSERT_TRUE(static_cast<bool>(size)) << llvm::toString(size.takeError());
  EXPECT_GT(*size, 0u);
}

TEST_P(ContractionTest, LongEpilogue) {
  MachineModel machine = hostMachine(GetParam());
  for (int dynamic : {None, Rows, All})
    for (auto [m, n] : {std::array<int64_t, 2>{19, 70}, {1, 64}, {2, 7}}) {
      Case test{2, m, n, 11};
      test.batch = dynamic == All ? 2 : 1;
      test.packed = dynamic != All;
      test.dynamic = dynamic;
      test.exactSteps = 60;
      runCase(machine, test);
    }
  Case blocks{1, 9, 40, 50};
  blocks.overrides.depthBlock = 16;
  blocks.exactSteps = 60;
  runCase(machine, blocks);
}

TEST(CrossCompilation, LongEpilogueIsNotRepeated) {
  MachineModel machine =
      llvm::cantFail(getMachineModel("x86_64-linux-gnu", "x86-64-v3"));
  ContractionSpec spec;
  spec.batch = 1;
  spec.rows = 24;
  spec.columns = 64;
  spec.depth = 32;
  spec.packedB = true;
  auto getSize = [&](int64_t exactSteps) {
    return CompiledKernel::getObjectSize(
        machine, 4, 0,
        [&](OpBuilder &builder, Location loc, ValueRange buffers, ValueRange) {
          ContractionOperands operands;
          operands.a = buffers[0];
          operands.b = buffers[1];
          operands.c = buffers[2];
          operands.batch = builder.getIndexAttr(spec.batch);
          operands.rows = builder.getIndexAttr(spec.rows);
          operands.columns = builder.getIndexAttr(spec.columns);
          operands.depth = builder.getIndexAttr(spec.depth);
          auto epilogue = [&](OpBuilder &builder, Location loc, Value sums,
                              const ResultPosition &) {
            return appendExactSteps(builder, loc, sums, exactSteps);
          };
          emitContraction(builder, loc, spec,
                          chooseContractionTiling(spec, machine), operands,
                          epilogue);
        });
  };
  auto little = getSize(1), much = getSize(200);
  ASSERT_TRUE(static_cast<bool>(little)) << llvm::toString(little.takeError());
  ASSERT_TRUE(static_cast<bool>(much)) << llvm::toString(much.takeError());
  // 400 multiplications of at most 9 bytes, and a loop instead of stores.
  EXPECT_LT(*much, *little + 400 * 9 + 1000);
}

TEST_P(ContractionTest, DepthBlocks) {
  MachineModel machine = hostMachine(GetParam());
  for (int dynamic : {None, Rows, All}) {
    Case test{1, 19, 70, 100};
    test.dynamic = dynamic;
    test.packed = dynamic != All;
    test.overrides.depthBlock = 32;
    runCase(machine, test);
    test.epilogue = false;
    test.overrides.rowsOuter = true;
    runCase(machine, test);
  }
}

// The sizes that the compiler itself cuts the depth of, and fetches panels for.
TEST_P(ContractionTest, LongDepths) {
  MachineModel machine = hostMachine(GetParam());
  for (auto [m, n, k] : {std::array<int64_t, 3>{7, 150, 1300},
                         {16, 40, 2600},
                         {170, 24, 5001}}) {
    Case test{1, m, n, k};
    runCase(machine, test);
    test.dynamic = Rows;
    test.epilogue = false;
    runCase(machine, test);
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, ContractionTest, hostCpus(), nameOfTest);

} // namespace
