//===- ConfigurationsTest.cpp - Tests for tilings as attributes -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "Analysis/TestMachines.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Parser/Parser.h"
#include "sluice/Analysis/TransposedConvolution.h"

using namespace mlir;
using namespace sluice;

namespace {

/// A kernel with an op, whose configuration is read.
class ConfigurationsTest : public testing::Test {
protected:
  ConfigurationsTest() {
    context.loadDialect<SluiceDialect, kernel::KernelDialect>();
    module = parseSourceString<ModuleOp>(
        R"(kernel.func @k "relu" {
           ^bb0(%x: tensor<4xf32>):
             %0 = sluice.relu %x : (tensor<4xf32>) -> tensor<4xf32>
             kernel.yield %0 : tensor<4xf32>
           })",
        &context);
    kernel = *module->getOps<kernel::FuncOp>().begin();
  }

  /// The op of the kernel, which has this configuration.
  Operation *configure(kernel::KernelConfigAttrInterface config) {
    kernel.setConfigAttr(config);
    return &kernel.getBody().front().front();
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  kernel::FuncOp kernel;
};

void expectSame(const ContractionTiling &a, const ContractionTiling &b) {
  EXPECT_EQ(a.unit.kind, b.unit.kind);
  EXPECT_EQ(a.unit.emulated, b.unit.emulated);
  EXPECT_EQ(a.unit.widensLhs, b.unit.widensLhs);
  EXPECT_EQ(a.unit.panelVectors, b.unit.panelVectors);
  EXPECT_EQ(std::tie(a.tileRows, a.tileVectors, a.lanes, a.unroll,
                     a.prefetchDistance, a.partialTiles, a.rowBlock,
                     a.columnBlock, a.depthBlock, a.rowsOuter, a.fetchPanels,
                     a.fetchRows, a.fetchResult, a.packB, a.blockCost),
            std::tie(b.tileRows, b.tileVectors, b.lanes, b.unroll,
                     b.prefetchDistance, b.partialTiles, b.rowBlock,
                     b.columnBlock, b.depthBlock, b.rowsOuter, b.fetchPanels,
                     b.fetchRows, b.fetchResult, b.packB, b.blockCost));
}

void expectSame(const ConvolutionTiling &a, const ConvolutionTiling &b) {
  EXPECT_EQ(
      std::tie(a.method, a.mergedGroups, a.tilePixels, a.tileVectors, a.lanes,
               a.unroll, a.copyPadded, a.lineBlock, a.channelBlock,
               a.channelsOuter, a.fetchLines, a.fetchResult, a.blockCost),
      std::tie(b.method, b.mergedGroups, b.tilePixels, b.tileVectors, b.lanes,
               b.unroll, b.copyPadded, b.lineBlock, b.channelBlock,
               b.channelsOuter, b.fetchLines, b.fetchResult, b.blockCost));
  if (a.method == ConvolutionTiling::Method::Contraction)
    expectSame(a.contraction, b.contraction);
  ASSERT_EQ(a.phases.size(), b.phases.size());
  for (size_t i = 0; i < a.phases.size(); ++i)
    expectSame(a.phases[i], b.phases[i]);
}

/// An image of eight by eight pixels and 3x3 windows.
ConvolutionSpec image(int64_t groups, int64_t inputs, int64_t outputs) {
  ConvolutionSpec spec;
  spec.batch = 1;
  spec.inputSizes = spec.outputSizes = {8, 8};
  spec.kernelSizes = {3, 3};
  spec.strides = spec.dilations = spec.padsBegin = spec.padsEnd = {1, 1};
  spec.groups = groups;
  spec.inputChannels = inputs;
  spec.outputChannels = outputs;
  return spec;
}

TEST_F(ConfigurationsTest, ContractionsAreReadAsTheyWereChosen) {
  for (const MachineModel &machine : test::machines())
    for (NumberKind kind : {NumberKind::F32, NumberKind::F16, NumberKind::I32})
      for (int64_t rows : {int64_t(1), int64_t(640), kDynamicSize})
        for (bool isPacked : {false, true}) {
          ContractionSpec spec;
          bool isHalf = kind == NumberKind::F16;
          spec.types = {kind, kind, isHalf ? NumberKind::F32 : kind, kind};
          spec.rows = rows;
          spec.columns = 768;
          spec.depth = 3072;
          spec.packedB = isPacked;
          spec.transposeB = !isPacked;
          ContractionTiling chosen = chooseContractionTiling(spec, machine);
          chosen.unit.emulated = isHalf;
          auto read = readContractionTiling(
              configure(getConfiguration(&context, chosen)), spec, machine);
          ASSERT_TRUE(succeeded(read));
          expectSame(chosen, *read);
        }
}

TEST_F(ConfigurationsTest, ConvolutionsAreReadAsTheyWereChosen) {
  std::vector<ConvolutionSpec> specs{image(1, 64, 64), image(32, 1, 1),
                                     image(8, 4, 4), image(1, 16, 24)};
  specs[3].kernelSizes = {1, 1};
  specs[3].padsBegin = specs[3].padsEnd = {0, 0};
  specs.push_back(image(1, 16, 8));
  specs.back().transposed = true;
  specs.back().strides = {2, 2};
  specs.back().outputSizes = {15, 15};
  for (const MachineModel &machine : test::machines())
    for (const ConvolutionSpec &spec : specs) {
      ConvolutionTiling chosen = chooseConvolutionTiling(spec, machine);
      auto read = readConvolutionTiling(
          configure(getConfiguration(&context, chosen)), spec, machine);
      ASSERT_TRUE(succeeded(read));
      expectSame(chosen, *read);
    }
}

TEST_F(ConfigurationsTest, TilingsOfOtherSpecsAreRefused) {
  ScopedDiagnosticHandler quiet(&context,
                                [](Diagnostic &) { return success(); });
  MachineModel machine = test::avx2();
  ConvolutionSpec dense = image(1, 64, 64), depthwise = image(32, 1, 1);
  Operation *op = configure(
      getConfiguration(&context, chooseConvolutionTiling(dense, machine)));
  EXPECT_TRUE(succeeded(readConvolutionTiling(op, dense, machine)));
  EXPECT_TRUE(failed(readConvolutionTiling(op, depthwise, machine)));
  EXPECT_TRUE(failed(readContractionTiling(op, ContractionSpec(), machine)));
}

} // namespace
