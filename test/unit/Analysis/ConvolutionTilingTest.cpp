//===- ConvolutionTilingTest.cpp - Tests of the tiles of convolutions -----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What must hold for any choice. Which choice is fast, benchmarks tell.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/ConvolutionTiling.h"
#include "TestMachines.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include "gtest/gtest.h"

using namespace sluice;

namespace {

using Method = ConvolutionTiling::Method;

/// A square image of two dimensions, padded to keep its size at stride one.
ConvolutionSpec image(int64_t size, int64_t inputs, int64_t outputs,
                      int64_t kernel, int64_t stride = 1, int64_t groups = 1) {
  ConvolutionSpec spec;
  int64_t pad = kernel / 2;
  int64_t result = size == kDynamicSize
                       ? kDynamicSize
                       : (size + 2 * pad - kernel) / stride + 1;
  spec.batch = 1;
  spec.inputSizes = {size, size};
  spec.outputSizes = {result, result};
  spec.kernelSizes = {kernel, kernel};
  spec.strides = {stride, stride};
  spec.dilations = {1, 1};
  spec.padsBegin = spec.padsEnd = {pad, pad};
  spec.groups = groups;
  spec.inputChannels = inputs;
  spec.outputChannels = outputs;
  return spec;
}

std::vector<ConvolutionSpec> specs() {
  return {image(56, 64, 64, 3),     image(14, 256, 512, 1),
          image(224, 3, 64, 7, 2),  image(28, 1, 1, 3, 1, 144),
          image(13, 5, 7, 3, 2, 3), image(kDynamicSize, 16, 24, 3),
          image(1, 8, 1000, 1),     image(kDynamicSize, 1, 1, 5, 1, 33),
          image(7, 4, 4, 3, 1, 32)};
}

auto choices() {
  return test::makeChoices(specs(), [](const auto &spec, const auto &machine) {
    return chooseConvolutionTiling(spec, machine);
  });
}

TEST(ConvolutionTiling, MethodsFollowTheShape) {
  MachineModel machine = test::avx2();
  auto method = [&](const ConvolutionSpec &spec) {
    return chooseConvolutionTiling(spec, machine).method;
  };
  EXPECT_EQ(method(image(14, 256, 512, 1)), Method::Contraction);
  EXPECT_EQ(method(image(56, 64, 64, 3)), Method::Implicit);
  // Its pixels do not follow each other.
  EXPECT_EQ(method(image(14, 256, 512, 1, 2)), Method::Implicit);
  EXPECT_EQ(method(image(28, 1, 1, 3, 1, 144)), Method::Depthwise);
  // Several outputs per channel have something to add up.
  EXPECT_NE(method(image(28, 1, 2, 3, 1, 144)), Method::Depthwise);
  ConvolutionSpec transposed = image(14, 8, 8, 2, 2);
  transposed.transposed = true;
  transposed.outputSizes = {28, 28};
  transposed.padsBegin = transposed.padsEnd = {0, 0};
  ConvolutionTiling tiling = chooseConvolutionTiling(transposed, machine);
  EXPECT_EQ(tiling.method, Method::Phases);
  EXPECT_EQ(static_cast<int64_t>(tiling.phases.size()),
            countTransposedPhases(transposed));
}

TEST(ConvolutionTiling, TilesFitTheRegisters) {
  for (const auto &[machine, spec, tiling] : choices()) {
    EXPECT_EQ(tiling.lanes, machine.lanes(32));
    EXPECT_GE(tiling.tilePixels, 1);
    EXPECT_GE(tiling.tileVectors, 1);
    EXPECT_LE(tiling.tilePixels * tiling.tileVectors, machine.vectorRegisters);
    EXPECT_EQ(spec.groups % tiling.mergedGroups, 0);
    EXPECT_GE(tiling.blockCost, 0);
  }
}

TEST(ConvolutionTiling, BlocksAreWholePanels) {
  for (const auto &[machine, spec, tiling] : choices()) {
    if (tiling.method == Method::Contraction)
      continue;
    EXPECT_GE(tiling.lineBlock, 1);
    EXPECT_GE(tiling.channelBlock, 1);
    EXPECT_EQ(tiling.channelBlock % tiling.width(), 0);
  }
}

// Every second pixel of 512 channels lies 4 KB from the one before.
TEST(ConvolutionTiling, PixelsFitTheSetsOfTheCache) {
  for (const MachineModel &machine : test::machines())
    for (int64_t channels : {512, 504}) {
      int64_t pixels =
          chooseConvolutionTiling(image(28, channels, 1024, 1, 2), machine)
              .tilePixels;
      EXPECT_TRUE(fitCacheSets(pixels, 2 * channels * 4, machine))
          << machine.cpu;
    }
}

TEST(ConvolutionTiling, WhatLeavesTheCacheIsFetched) {
  for (const MachineModel &machine : test::machines()) {
    auto choose = [&](const ConvolutionSpec &spec) {
      return chooseConvolutionTiling(spec, machine);
    };
    EXPECT_TRUE(choose(image(56, 64, 256, 1)).contraction.fetchResult);
    EXPECT_TRUE(
        choose(image(kDynamicSize, 64, 256, 1)).contraction.fetchResult);
    EXPECT_FALSE(choose(image(7, 64, 64, 1)).contraction.fetchResult);
    EXPECT_TRUE(choose(image(56, 256, 512, 1, 2)).fetchResult);
    EXPECT_FALSE(choose(image(14, 64, 64, 1, 2)).fetchResult);
    EXPECT_TRUE(choose(image(56, 256, 64, 1)).contraction.fetchRows);
    EXPECT_TRUE(choose(image(112, 64, 64, 3)).fetchLines);
    EXPECT_TRUE(choose(image(kDynamicSize, 64, 64, 3)).fetchLines);
    EXPECT_FALSE(choose(image(14, 64, 64, 3)).fetchLines);
    // Groups read in pieces, and there is no line below in one dimension.
    EXPECT_FALSE(choose(image(112, 64, 64, 3, 1, 2)).fetchLines);
    ConvolutionSpec signal = image(4096, 64, 64, 3);
    for (auto *sizes : {&signal.inputSizes, &signal.outputSizes,
                        &signal.kernelSizes, &signal.strides, &signal.dilations,
                        &signal.padsBegin, &signal.padsEnd})
      sizes->pop_back();
    signal.dilations = {2};
    EXPECT_FALSE(choose(signal).fetchLines);
    // So much work for each pixel hides all of it.
    EXPECT_FALSE(choose(image(112, 64, 256, 3)).fetchResult);
  }
}

TEST(ConvolutionTiling, OnlyPaddedLinesAreCopied) {
  MachineModel machine = test::avx2();
  ConvolutionSpec inside = image(30, 16, 16, 3);
  inside.padsBegin = inside.padsEnd = {0, 0};
  inside.outputSizes = {28, 28};
  EXPECT_FALSE(chooseConvolutionTiling(inside, machine).copyPadded);
  // Lines of unknown length have no edge that could be treated apart.
  EXPECT_TRUE(chooseConvolutionTiling(image(kDynamicSize, 16, 24, 3), machine)
                  .copyPadded);
}

// Narrow weights are widened once where enough pixels read them, in steps that
// taps consist of.
TEST(ConvolutionTiling, ManyPixelsReadCopiesOfNarrowWeights) {
  using Kind = DotUnitModel::Kind;
  constexpr NumberKind f16 = NumberKind::F16, f32 = NumberKind::F32,
                       i8 = NumberKind::I8, i32 = NumberKind::I32;
  for (const MachineModel &machine : test::machines()) {
    auto choose = [&](ConvolutionSpec spec, const ProductTypes &types) {
      spec.types = types;
      ConvolutionTiling tiling = chooseConvolutionTiling(spec, machine);
      EXPECT_EQ(explainMisfit(spec, tiling), "");
      return tiling;
    };
    const ProductTypes wide = {f32, f32, f32, f32}, half = {f16, f16, f32, f16};
    EXPECT_FALSE(choose(image(56, 64, 64, 3), wide).copyWeights);
    EXPECT_FALSE(choose(image(5, 64, 64, 3), half).copyWeights);
    EXPECT_FALSE(choose(image(28, 1, 1, 3, 1, 144), half).copyWeights);
    // Nine megabytes for 49 pixels.
    EXPECT_FALSE(choose(image(7, 512, 512, 3), half).copyWeights);
    EXPECT_TRUE(choose(image(7, 32, 64, 3), half).copyWeights);
    for (const ConvolutionSpec &spec :
         {image(56, 64, 64, 3), image(14, 256, 512, 1), image(28, 3, 8, 3),
          image(kDynamicSize, 16, 24, 3)}) {
      ConvolutionTiling narrow = choose(spec, half);
      EXPECT_TRUE(narrow.copyWeights);
      // Tiles are those of elements that are as wide as the copies.
      ConvolutionTiling same = choose(spec, wide);
      EXPECT_EQ(narrow.tilePixels, same.tilePixels);
      EXPECT_EQ(narrow.tileVectors, same.tileVectors);
      ConvolutionTiling pairs = choose(spec, {i8, i8, i32, i32});
      bool inPairs =
          machine.architecture == MachineModel::Architecture::X86_64 &&
          spec.inputChannels % 2 == 0;
      EXPECT_EQ(pairs.unit.kind == Kind::IntegerPairs, inPairs);
      EXPECT_EQ(spec.inputChannels % pairs.unit.depthStep, 0);
    }
  }
  // A misfit of unit and channels.
  ConvolutionSpec odd = image(28, 3, 8, 3);
  odd.types = {i8, i8, i32, i32};
  ConvolutionTiling tiling = chooseConvolutionTiling(odd, test::avx2());
  tiling.unit = chooseDotUnitOfCopies(odd.types, test::avx2());
  EXPECT_NE(explainMisfit(odd, tiling), "");
}

TEST(ConvolutionTiling, OverridesWin) {
  ConvolutionTilingOverrides overrides;
  overrides.tilePixels = 3;
  overrides.tileVectors = 3;
  overrides.unroll = 5;
  overrides.lineBlock = 2;
  overrides.channelBlock = 1;
  overrides.copyPadded = true;
  overrides.channelsOuter = false;
  for (const MachineModel &machine : test::machines())
    for (const ConvolutionSpec &spec :
         {image(56, 64, 64, 3), image(28, 1, 1, 3, 1, 144)}) {
      ConvolutionTiling tiling =
          chooseConvolutionTiling(spec, machine, overrides);
      EXPECT_EQ(tiling.tilePixels, 3);
      EXPECT_EQ(tiling.tileVectors, 3);
      EXPECT_EQ(tiling.unroll, 5);
      EXPECT_EQ(tiling.lineBlock, 2);
      // Rounded up to whole panels.
      EXPECT_EQ(tiling.channelBlock, tiling.width());
      EXPECT_FALSE(tiling.channelsOuter);
    }
  EXPECT_TRUE(
      chooseConvolutionTiling(image(56, 64, 64, 3), test::avx2(), overrides)
          .copyPadded);
}

TEST(ConvolutionTiling, OverridesReachMatrixProducts) {
  ConvolutionTilingOverrides overrides;
  overrides.tilePixels = 2;
  overrides.tileVectors = 1;
  overrides.unroll = 3;
  overrides.contraction.rowBlock = 7;
  overrides.contraction.depthBlock = 40;
  ContractionTiling tiling =
      chooseConvolutionTiling(image(14, 256, 512, 1), test::avx2(), overrides)
          .contraction;
  EXPECT_EQ(tiling.tileRows, 2);
  EXPECT_EQ(tiling.tileVectors, 1);
  EXPECT_EQ(tiling.unroll, 3);
  EXPECT_EQ(tiling.rowBlock, 8);
  EXPECT_EQ(tiling.depthBlock, 40);
}

} // namespace
