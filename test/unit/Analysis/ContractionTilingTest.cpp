//===- ContractionTilingTest.cpp - Tests of the tiles of contractions -----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What must hold for any choice. Which choice is fast, benchmarks tell.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/ContractionTiling.h"
#include "TestMachines.h"
#include "gtest/gtest.h"

using namespace sluice;

namespace {

ContractionSpec packedProduct(int64_t rows, int64_t columns, int64_t depth) {
  ContractionSpec spec;
  spec.rows = rows;
  spec.columns = columns;
  spec.depth = depth;
  spec.packedB = true;
  return spec;
}

std::vector<ContractionSpec> specs() {
  std::vector<ContractionSpec> result;
  for (int64_t rows : {int64_t(1), int64_t(7), int64_t(384), kDynamicSize})
    for (int64_t columns :
         {int64_t(1), int64_t(10), int64_t(768), kDynamicSize})
      for (int64_t depth :
           {int64_t(0), int64_t(3), int64_t(4096), kDynamicSize})
        for (bool packed : {false, true})
          for (bool transposed : {false, true}) {
            if (packed && (transposed || columns == kDynamicSize))
              continue;
            ContractionSpec spec = packedProduct(rows, columns, depth);
            spec.packedB = packed;
            spec.transposeB = transposed;
            result.push_back(spec);
          }
  return result;
}

auto choices() {
  return test::makeChoices(specs(), [](const auto &spec, const auto &machine) {
    return chooseContractionTiling(spec, machine);
  });
}

DotUnitModel floatUnit(const MachineModel &machine) {
  return chooseDotUnit(ProductTypes(), machine);
}

TEST(ContractionTiling, TilesFitTheRegisters) {
  for (const auto &[machine, spec, tiling] : choices()) {
    EXPECT_EQ(tiling.lanes, machine.lanes(32));
    EXPECT_EQ(tiling.unit.fused, machine.hasFma);
    EXPECT_GE(tiling.tileRows, 1);
    EXPECT_GE(tiling.tileVectors, 1);
    EXPECT_GE(tiling.unroll, 1);
    // The sums, a row of B and a broadcast element of A.
    EXPECT_LE(tiling.tileRows * tiling.tileVectors + tiling.tileVectors + 1,
              machine.vectorRegisters);
    if (spec.rows != kDynamicSize)
      EXPECT_LE(tiling.tileRows, std::max<int64_t>(spec.rows, 1));
  }
}

TEST(ContractionTiling, BlocksAreWholeTiles) {
  for (const auto &[machine, spec, tiling] : choices()) {
    EXPECT_GE(tiling.rowBlock, 1);
    EXPECT_EQ(tiling.rowBlock % tiling.tileRows, 0);
    EXPECT_GE(tiling.columnBlock, 1);
    EXPECT_EQ(tiling.columnBlock % tiling.width(), 0);
    EXPECT_GE(tiling.blockCost, 0);
  }
}

TEST(ContractionTiling, PackedPanelsHaveTheWidthOfTheTile) {
  for (const MachineModel &machine : test::machines())
    for (int64_t columns : {1, 5, 16, 17, 100, 1000}) {
      int64_t width = choosePanelWidth(columns, floatUnit(machine), machine);
      EXPECT_GE(width, machine.lanes(32));
      EXPECT_EQ(width % machine.lanes(32), 0u);
      // However many rows read it.
      for (int64_t rows : {int64_t(1), int64_t(512), kDynamicSize}) {
        ContractionSpec spec = packedProduct(rows, columns, 64);
        EXPECT_EQ(chooseContractionTiling(spec, machine).width(), width);
      }
    }
}

TEST(ContractionTiling, PanelsOfThreeVectorsWhereTheyWasteNothing) {
  for (const MachineModel &machine : test::machines()) {
    int64_t lanes = machine.lanes(32);
    bool isShort = machine.vectorRegisters < 32;
    EXPECT_EQ(choosePanelWidth(96 * lanes, floatUnit(machine), machine),
              (isShort ? 3 : 4) * lanes);
    EXPECT_EQ(choosePanelWidth(512 * lanes, floatUnit(machine), machine),
              (isShort ? 3 : 4) * lanes);
    EXPECT_EQ(choosePanelWidth(8 * lanes, floatUnit(machine), machine),
              (isShort ? 2 : 4) * lanes);
    EXPECT_EQ(choosePanelWidth(32 * lanes, floatUnit(machine), machine),
              (isShort ? 2 : 4) * lanes);
    EXPECT_EQ(choosePanelWidth(kDynamicSize, floatUnit(machine), machine),
              (isShort ? 2 : 4) * lanes);
  }
}

TEST(ContractionTiling, TilesStayInRegisters) {
  for (const MachineModel &machine : test::machines())
    for (int64_t vectors = 1; vectors <= 4; ++vectors) {
      int64_t rows = getRegisterRows(vectors, machine);
      EXPECT_GE(rows, 1);
      EXPECT_LE(rows * vectors + vectors + 1, machine.vectorRegisters);
      // A broadcast that is used once may become the sum.
      if (vectors == 1 && machine.vectorRegisters < 32)
        EXPECT_LE(2 * rows + 2, machine.vectorRegisters);
    }
}

constexpr int64_t wholeDepth = std::numeric_limits<int64_t>::max();

int64_t countRowTiles(const ContractionSpec &spec,
                      const ContractionTiling &tiling) {
  int64_t rows = std::min(spec.rows, tiling.rowBlock);
  return (rows + tiling.tileRows - 1) / tiling.tileRows;
}

/// Products of language and vision models, with weights.
std::vector<ContractionSpec> modelProducts() {
  std::vector<ContractionSpec> result;
  for (auto [depth, columns] : {std::pair<int64_t, int64_t>{768, 768},
                                {768, 3072},
                                {3072, 768},
                                {768, 50257},
                                {2048, 5632},
                                {5632, 2048},
                                {2048, 32000},
                                {4096, 11008},
                                {11008, 4096}})
    for (int64_t rows :
         {1, 2, 4, 7, 8, 16, 32, 64, 128, 197, 256, 512, 1024, 4096})
      result.push_back(packedProduct(rows, columns, depth));
  return result;
}

auto modelChoices() {
  return test::makeChoices(modelProducts(),
                           [](const auto &spec, const auto &machine) {
                             return chooseContractionTiling(spec, machine);
                           });
}

// What later tiles of rows read of B once more is in the second-level cache.
TEST(ContractionTiling, WhatIsReadAgainFitsTheSecondLevelCache) {
  for (const auto &[machine, spec, tiling] : modelChoices()) {
    if (countRowTiles(spec, tiling) == 1)
      continue;
    int64_t depth = std::min(spec.depth, tiling.depthBlock);
    EXPECT_LE(depth * tiling.width() * 4, machine.l2Bytes / 2)
        << machine.cpu << " " << spec.rows << "x" << spec.depth;
    EXPECT_NE(tiling.fetchPanels, tiling.rowsOuter);
  }
}

// A single tile of rows streams B: nothing is read twice, and the processor
// sees the stream by itself.
TEST(ContractionTiling, OneTileOfRowsStreamsB) {
  for (const auto &[machine, spec, tiling] : modelChoices()) {
    if (countRowTiles(spec, tiling) > 1)
      continue;
    EXPECT_EQ(tiling.depthBlock, wholeDepth);
    EXPECT_FALSE(tiling.fetchPanels);
  }
}

// Partial sums go to C and back: not for every few steps of the depth.
TEST(ContractionTiling, PartsOfTheDepthAreEqualAndLong) {
  for (const auto &[machine, spec, tiling] : modelChoices()) {
    if (tiling.depthBlock == wholeDepth)
      continue;
    EXPECT_GE(tiling.depthBlock, 192);
    EXPECT_LT(tiling.depthBlock, spec.depth);
    int64_t parts = (spec.depth + tiling.depthBlock - 1) / tiling.depthBlock;
    EXPECT_LT(parts * tiling.depthBlock - spec.depth, parts * tiling.unroll);
  }
}

TEST(ContractionTiling, TilesOfFewRowsAreEqual) {
  for (const auto &[machine, spec, tiling] : modelChoices()) {
    int64_t most = getRegisterRows(tiling.tileVectors, machine);
    int64_t tiles = (spec.rows + most - 1) / most;
    EXPECT_EQ((spec.rows + tiling.tileRows - 1) / tiling.tileRows, tiles);
    EXPECT_LT(tiles * tiling.tileRows - spec.rows, tiles);
  }
}

TEST(ContractionTiling, UsualPromptsAreNotCut) {
  for (const auto &[machine, spec, tiling] : modelChoices()) {
    bool hasTallTiles = getRegisterRows(tiling.tileVectors, machine) >= 6;
    if (spec.rows <= (hasTallTiles ? 128 : 64))
      EXPECT_GE(tiling.rowBlock, spec.rows) << machine.cpu;
  }
}

// A convolution of one pixel on a large image: its result is streamed where
// panels are wide. A small image stays in the cache.
TEST(ContractionTiling, LargeResultsAreWalkedAlongRows) {
  for (const MachineModel &machine : test::machines()) {
    ContractionTiling large =
        chooseContractionTiling(packedProduct(256 * 256, 256, 64), machine);
    EXPECT_EQ(large.rowsOuter, large.width() * 4 >= 256) << machine.cpu;
    if (large.rowsOuter)
      EXPECT_FALSE(large.fetchPanels);
    EXPECT_FALSE(
        chooseContractionTiling(packedProduct(14 * 14, 256, 64), machine)
            .rowsOuter);
    // Deep panels do not stay beside the rest.
    EXPECT_FALSE(
        chooseContractionTiling(packedProduct(256 * 256, 256, 4096), machine)
            .rowsOuter);
  }
}

// Sixty-four sets of eight ways: a row more than seven at distances of whole
// pages would leave no way for B.
TEST(ContractionTiling, RowsFitTheSetsOfTheCache) {
  MachineModel machine =
      test::machine("x86_64-unknown-linux-gnu", "skylake-avx512");
  EXPECT_TRUE(fitCacheSets(7, 4096, machine));
  EXPECT_FALSE(fitCacheSets(8, 4096, machine));
  EXPECT_FALSE(fitCacheSets(8, 12288, machine));
  EXPECT_TRUE(fitCacheSets(14, 2048, machine));
  EXPECT_FALSE(fitCacheSets(15, 2048, machine));
  EXPECT_TRUE(fitCacheSets(100, 4000, machine));
  EXPECT_TRUE(fitCacheSets(100, 4, machine));
  // Two vectors of columns take fourteen rows.
  EXPECT_EQ(
      chooseContractionTiling(packedProduct(1400, 32, 1000), machine).tileRows,
      14);
  EXPECT_EQ(
      chooseContractionTiling(packedProduct(1400, 32, 1024), machine).tileRows,
      7);
}

TEST(ContractionTiling, WhatLeavesTheCacheIsFetched) {
  for (const MachineModel &machine : test::machines()) {
    auto isFetched = [&](int64_t rows, int64_t columns) {
      return chooseContractionTiling(packedProduct(rows, columns, 64), machine)
          .fetchResult;
    };
    EXPECT_TRUE(isFetched(56 * 56, 256)) << machine.cpu;
    EXPECT_FALSE(isFetched(32, 128)) << machine.cpu;
    EXPECT_TRUE(isFetched(kDynamicSize, 8192)) << machine.cpu;
    EXPECT_FALSE(isFetched(kDynamicSize, 64)) << machine.cpu;
    EXPECT_FALSE(isFetched(56 * 56, kDynamicSize)) << machine.cpu;
    auto choose = [&](int64_t rows, int64_t depth) {
      return chooseContractionTiling(packedProduct(rows, 64, depth), machine);
    };
    EXPECT_TRUE(choose(56 * 56, 256).fetchRows) << machine.cpu;
    EXPECT_FALSE(choose(32, 128).fetchRows) << machine.cpu;
    EXPECT_TRUE(choose(kDynamicSize, 8192).fetchRows) << machine.cpu;
    EXPECT_FALSE(choose(56 * 56, kDynamicSize).fetchRows) << machine.cpu;
  }
}

TEST(ContractionTiling, LargeProductsHaveMorePartialTiles) {
  for (const MachineModel &machine : test::machines()) {
    auto choose = [&](int64_t columns, int64_t depth) {
      return chooseContractionTiling(
                 packedProduct(kDynamicSize, columns, depth), machine)
          .partialTiles;
    };
    EXPECT_EQ(choose(768, 768), 3) << machine.cpu;
    EXPECT_EQ(choose(64, 64), 2) << machine.cpu;
    EXPECT_EQ(choose(kDynamicSize, 768), 2) << machine.cpu;
  }
}

TEST(ContractionTiling, DistanceTakesThePlaceOfPanels) {
  ContractionTilingOverrides overrides;
  overrides.prefetchDistance = 2048;
  for (const MachineModel &machine : test::machines())
    EXPECT_FALSE(chooseContractionTiling(packedProduct(128, 2048, 2048),
                                         machine, overrides)
                     .fetchPanels);
}

TEST(ContractionTiling, OverridesWin) {
  ContractionSpec spec = packedProduct(384, 768, 3072);
  ContractionTilingOverrides overrides;
  overrides.tileRows = 5;
  overrides.tileVectors = 3;
  overrides.unroll = 7;
  overrides.prefetchDistance = 96;
  overrides.rowBlock = 12;
  overrides.columnBlock = 1;
  overrides.depthBlock = 100;
  overrides.rowsOuter = true;
  for (const MachineModel &machine : test::machines()) {
    ContractionTiling tiling =
        chooseContractionTiling(spec, machine, overrides);
    EXPECT_EQ(tiling.tileRows, 5);
    EXPECT_EQ(tiling.tileVectors, 3);
    EXPECT_EQ(tiling.unroll, 7);
    EXPECT_EQ(tiling.prefetchDistance, 96);
    // Rounded up to whole tiles.
    EXPECT_EQ(tiling.rowBlock, 15);
    EXPECT_EQ(tiling.columnBlock, tiling.width());
    EXPECT_EQ(tiling.depthBlock, 100);
    EXPECT_TRUE(tiling.rowsOuter);
  }
}

TEST(ContractionTiling, FewRowsReadATransposedMatrixAsItLies) {
  ContractionSpec spec;
  spec.rows = 2;
  spec.columns = 100;
  spec.depth = 64;
  spec.transposeB = true;
  MachineModel machine = test::avx2();
  EXPECT_TRUE(usesDotProducts(spec, spec.rows));
  EXPECT_FALSE(chooseContractionTiling(spec, machine).packB);
  spec.rows = 384;
  EXPECT_FALSE(usesDotProducts(spec, spec.rows));
  EXPECT_TRUE(chooseContractionTiling(spec, machine).packB);
}

// Narrow panels are copied where enough rows read the copies, which lie on
// stacks, in whole steps of the unit.
TEST(ContractionTiling, ManyRowsMultiplyWithCopiesOfNarrowPanels) {
  using Kind = DotUnitModel::Kind;
  constexpr NumberKind f16 = NumberKind::F16, f32 = NumberKind::F32,
                       i8 = NumberKind::I8, i32 = NumberKind::I32;
  for (const MachineModel &machine : test::machines())
    for (const ProductTypes &types :
         {ProductTypes{f16, f16, f32, f16}, ProductTypes{i32, i8, i32, i32},
          ProductTypes{i8, i8, i32, i32}})
      for (int64_t depth : {1, 77, 768, 11008}) {
        auto choose = [&](int64_t rows, bool packed = true) {
          ContractionSpec spec = packedProduct(rows, 768, depth);
          spec.types = types;
          spec.packedB = packed;
          return chooseContractionTiling(spec, machine);
        };
        EXPECT_FALSE(choose(1).copies);
        EXPECT_FALSE(choose(384, /*packed=*/false).copies);
        EXPECT_TRUE(choose(kDynamicSize).copies);
        ContractionTiling tiling = choose(384);
        ASSERT_TRUE(tiling.copies);
        const PanelCopies &copies = *tiling.copies;
        EXPECT_LE(copies.depth * tiling.width() * copies.unit.rhsBytes,
                  32 << 10);
        EXPECT_EQ(copies.depth % copies.unit.depthStep, 0);
        EXPECT_EQ(copies.unit.lanes, tiling.lanes);
        bool inPairs =
            types.lhs == i8 &&
            machine.architecture == MachineModel::Architecture::X86_64;
        EXPECT_EQ(copies.unit.kind == Kind::IntegerPairs, inPairs);
      }
  ContractionTiling wide = chooseContractionTiling(packedProduct(384, 768, 768),
                                                   test::machines()[0]);
  EXPECT_FALSE(wide.copies);
}

TEST(ContractionTiling, BlocksCostLessOnFasterMachines) {
  ContractionSpec spec = packedProduct(384, 768, 768);
  ContractionTilingOverrides overrides;
  overrides.rowBlock = 96;
  overrides.columnBlock = 96;
  MachineModel slow = test::avx2(), fast = test::avx2();
  slow.fmaPerCycle = 1;
  fast.fmaPerCycle = 2;
  EXPECT_GT(chooseContractionTiling(spec, slow, overrides).blockCost,
            chooseContractionTiling(spec, fast, overrides).blockCost);
}

} // namespace
