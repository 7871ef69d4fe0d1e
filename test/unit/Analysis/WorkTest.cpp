//===- WorkTest.cpp - Tests of how much ops do ----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Work.h"
#include "TestModule.h"

using namespace mlir;
using namespace sluice;

namespace {

TEST(Work, ProductsMultiplyAndAdd) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<2x3x5xf32>, %w: tensor<5x7xf32>) {
      %0 = sluice.matmul %x, %w {name = "product"} : (tensor<2x3x5xf32>, tensor<5x7xf32>) -> tensor<2x3x7xf32>
      return
    }
  )");
  auto work = getWork(module.find("product"));
  ASSERT_TRUE(work);
  EXPECT_EQ(work->operations, 2 * 3 * 7 * 2 * 5);
  EXPECT_EQ(work->bytes, 4 * (2 * 3 * 5 + 5 * 7 + 2 * 3 * 7));
}

TEST(Work, ConvolutionsSumOverTheTapsOfAGroup) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<1x4x6xf16>, %w: tensor<8x2x3xf16>) {
      %0 = sluice.conv %x, %w {name = "conv", strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 2 : i64}
        : (tensor<1x4x6xf16>, tensor<8x2x3xf16>) -> tensor<1x8x4xf16>
      return
    }
  )");
  auto work = getWork(module.find("conv"));
  ASSERT_TRUE(work);
  EXPECT_EQ(work->operations, 8 * 4 * 2 * (2 * 3));
  EXPECT_EQ(work->bytes, 2 * (4 * 6 + 8 * 2 * 3 + 8 * 4));
}

TEST(Work, TransposedConvolutionsHaveTheSamePackedOrNot) {
  // Each element of the result meets a tap of both along the first dimension,
  // and one of two pairs along the second.
  test::TestModule module(R"(
    func.func @main(%x: tensor<1x4x5x6xf32>, %y: tensor<1x5x6x4xf32>, %w: tensor<4x3x1x4xf32>, %p: tensor<128xf32>) {
      %0 = sluice.conv_transpose %x, %w {name = "plain", strides = array<i64: 1, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, output_padding = array<i64: 0, 0>, groups = 2 : i64}
        : (tensor<1x4x5x6xf32>, tensor<4x3x1x4xf32>) -> tensor<1x6x5x12xf32>
      %1 = kernel.packed_conv_transpose %y, %p {name = "packed", kernel = array<i64: 1, 4>, strides = array<i64: 1, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>, output_padding = array<i64: 0, 0>, groups = 2 : i64, output_channels = 6 : i64}
        : (tensor<1x5x6x4xf32>, tensor<128xf32>) -> tensor<1x5x12x6xf32>
      return
    }
  )");
  auto plain = getWork(module.find("plain"));
  auto packed = getWork(module.find("packed"));
  ASSERT_TRUE(plain && packed);
  EXPECT_EQ(plain->operations, 6 * 5 * 12 * 2 * (2 * 4 / 2));
  EXPECT_EQ(packed->operations, plain->operations);
}

TEST(Work, OtherOpsTakeAnOperationForWhatTheyReadOrWrite) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<4x8xf32>, %y: tensor<4x8xi1>) {
      %0 = sluice.reduce %x {name = "reduce", kind = #sluice.reduction<sum>, axes = array<i64: 1>} : (tensor<4x8xf32>) -> tensor<4xf32>
      %1 = sluice.not %y {name = "not"} : (tensor<4x8xi1>) -> tensor<4x8xi1>
      %2 = sluice.transpose %x {name = "transpose", permutation = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
      return
    }
  )");
  auto reduce = getWork(module.find("reduce"));
  ASSERT_TRUE(reduce);
  EXPECT_EQ(reduce->operations, 4 * 8);
  EXPECT_EQ(reduce->bytes, 4 * (4 * 8 + 4));
  // Each truth value is a byte.
  auto negation = getWork(module.find("not"));
  ASSERT_TRUE(negation);
  EXPECT_EQ(negation->operations, 4 * 8);
  EXPECT_EQ(negation->bytes, 2 * 4 * 8);
  // Nothing is computed.
  auto transpose = getWork(module.find("transpose"));
  ASSERT_TRUE(transpose);
  EXPECT_EQ(transpose->operations, 0);
  EXPECT_EQ(transpose->bytes, 4 * 2 * 4 * 8);
}

TEST(Work, DynamicSizesDoNotTell) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<3x?xf32>, %w: tensor<?x7xf32>) {
      %0 = sluice.matmul %x, %w {name = "product"} : (tensor<3x?xf32>, tensor<?x7xf32>) -> tensor<3x7xf32>
      return
    }
  )");
  EXPECT_FALSE(getWork(module.find("product")));
}

} // namespace
