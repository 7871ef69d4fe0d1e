//===- WeightsTest.cpp - Constants as a stream of bytes -------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/Artifact/Weights.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace sluice;

namespace {

class WeightsTest : public testing::Test {
protected:
  WeightsTest() : context(makeRegistry()), builder(&context) {
    context.loadDialect<kernel::KernelDialect>();
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerPackings(registry);
    return registry;
  }

  /// Adds a matrix whose data begins `skew` bytes from an aligned address.
  void addMatrix(int64_t rows, int64_t columns, unsigned skew,
                 Attribute packing, int64_t offset) {
    size_t bytes = rows * columns * sizeof(float);
    buffers.emplace_back(bytes + 8);
    char *data = buffers.back().data() + skew;
    for (int64_t i = 0; i < rows * columns; ++i) {
      auto number = float(i);
      std::memcpy(data + i * sizeof number, &number, sizeof number);
    }
    auto matrix = DenseResourceElementsAttr::get(
        RankedTensorType::get({rows, columns}, builder.getF32Type()), "matrix",
        UnmanagedAsmResourceBlob::allocateWithAlign(ArrayRef<char>(data, bytes),
                                                    1));
    layout.constants.push_back(
        {matrix, cast_if_present<kernel::PackingAttrInterface>(packing),
         offset});
    layout.bytes = offset + bytes;
  }

  std::vector<float> stream() {
    std::vector<char> bytes;
    EXPECT_EQ(llvm::toString(streamWeights(
                  layout,
                  [&](ArrayRef<char> piece) -> llvm::Error {
                    largestPiece = std::max(largestPiece, piece.size());
                    bytes.insert(bytes.end(), piece.begin(), piece.end());
                    return llvm::Error::success();
                  })),
              "");
    std::vector<float> numbers(bytes.size() / sizeof(float));
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  MLIRContext context;
  Builder builder;
  std::vector<std::vector<char>> buffers;
  WeightsLayout layout;
  size_t largestPiece = 0;
};

} // namespace

TEST_F(WeightsTest, GapsAreZero) {
  addMatrix(1, 3, 0, {}, 0);
  addMatrix(1, 2, 1, {}, 64);
  std::vector<float> expected(18);
  expected[1] = expected[17] = 1;
  expected[2] = 2;
  EXPECT_EQ(stream(), expected);
}

TEST_F(WeightsTest, PackedFromAnyAddress) {
  // Panels of two columns, [panel][row][column], the missing column zero.
  auto packing = kernel::PanelsAttr::get(&context, 2, false);
  for (unsigned skew : {0, 3}) {
    layout = {};
    addMatrix(2, 3, skew, packing, 0);
    layout.bytes = 32;
    EXPECT_EQ(stream(), (std::vector<float>{0, 1, 3, 4, 2, 0, 5, 0}));
  }
}

TEST_F(WeightsTest, LargeConstantsComeInPieces) {
  constexpr int64_t columns = 12 << 20;
  int drops = 0;
  layout.dropReadPages = [&] { ++drops; };
  addMatrix(1, columns, 0, {}, 0);
  std::vector<float> streamed = stream();
  ASSERT_EQ(streamed.size(), size_t(columns));
  for (int64_t i = 0; i < columns; i += 1000)
    ASSERT_EQ(streamed[i], float(i));
  EXPECT_LE(largestPiece, size_t(16) << 20);
  EXPECT_EQ(drops, 1);
}

TEST_F(WeightsTest, ErrorsEndTheStream) {
  addMatrix(4, 4, 0, {}, 0);
  addMatrix(4, 4, 0, {}, 64);
  int pieces = 0;
  std::string message =
      llvm::toString(streamWeights(layout, [&](ArrayRef<char>) -> llvm::Error {
        ++pieces;
        return llvm::createStringError("the disk is full");
      }));
  EXPECT_EQ(message, "the disk is full");
  EXPECT_EQ(pieces, 1);
}
