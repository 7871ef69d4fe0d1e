//===- MaskTiles.cpp - Constant masks as lists of blocks ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "MaskTiles.h"
#include "ConstantNumbers.h"
#include "mlir/IR/BuiltinTypes.h"
#include "sluice/Support/ConstantBytes.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Goes through the blocks of a mask, whose elements are bytes.
class TileLister {
public:
  TileLister(ShapedType type, ArrayRef<char> bytes, ArrayRef<int64_t> sizes)
      : bytes(bytes), rows(sizes[0]), columns(sizes[1]),
        height(type.getShape().end()[-2]), width(type.getShape().back()),
        isSplat(bytes.size() == 1), batches(1) {
    for (int64_t size : type.getShape().drop_back(2))
      batches *= size;
  }

  void run();

  int64_t countTileBytes() const { return tiles.size() * rows * columns; }
  std::vector<int32_t> blocks;
  /// The elements of each different partial block.
  std::vector<SmallString<64>> tiles;
  int64_t empty = 0, partial = 0;

private:
  int32_t classify(int64_t batch, int64_t firstRow, int64_t firstColumn);
  bool at(int64_t batch, int64_t row, int64_t column) const {
    if (row >= height || column >= width)
      return false;
    return bytes[isSplat ? 0 : (batch * height + row) * width + column] != 0;
  }

  ArrayRef<char> bytes;
  int64_t rows, columns, height, width;
  bool isSplat;
  int64_t batches;
  llvm::StringMap<int32_t> numbers;
};

} // namespace

int32_t TileLister::classify(int64_t batch, int64_t firstRow,
                             int64_t firstColumn) {
  int64_t lastRow = std::min(firstRow + rows, height);
  int64_t lastColumn = std::min(firstColumn + columns, width);
  int64_t seen = 0;
  for (int64_t row = firstRow; row < lastRow; ++row)
    for (int64_t column = firstColumn; column < lastColumn; ++column)
      seen += at(batch, row, column);
  if (seen == 0) {
    ++empty;
    return 0;
  }
  if (seen == (lastRow - firstRow) * (lastColumn - firstColumn))
    return 1;
  ++partial;
  SmallString<64> tile;
  for (int64_t row = firstRow; row < firstRow + rows; ++row)
    for (int64_t column = firstColumn; column < firstColumn + columns; ++column)
      tile.push_back(at(batch, row, column));
  auto [it, isNew] = numbers.try_emplace(tile, tiles.size());
  if (isNew)
    tiles.push_back(tile);
  return 2 + it->second;
}

void TileLister::run() {
  for (int64_t batch = 0; batch < batches; ++batch)
    for (int64_t row = 0; row < height; row += rows)
      for (int64_t column = 0; column < width; column += columns)
        blocks.push_back(classify(batch, row, column));
}

/// The type of a list of the blocks of a matrix, or some of them.
static RankedTensorType getListType(ShapedType type, ArrayRef<int64_t> sizes) {
  auto shape = llvm::to_vector(type.getShape());
  for (auto [size, block] :
       llvm::zip_equal(MutableArrayRef(shape).take_back(2), sizes))
    size = llvm::divideCeil(size, block);
  return RankedTensorType::get(shape, IntegerType::get(type.getContext(), 32));
}

std::optional<MaskTiles> sluice::listMaskTiles(ElementsAttr mask,
                                               ArrayRef<int64_t> blockSizes) {
  std::vector<char> scratch;
  auto bytes = getConstantBytes(mask, scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return std::nullopt;
  }
  ShapedType type = mask.getShapedType();
  TileLister lister(type, *bytes, blockSizes);
  lister.run();
  MaskTiles result;
  result.blockCount = lister.blocks.size();
  result.emptyCount = lister.empty;
  result.partialCount = lister.partial;
  // A mask whose partial blocks all differ is stored once as it is.
  result.saysAll = 2 * lister.countTileBytes() <=
                   static_cast<int64_t>(type.getNumElements());
  if (!result.saysAll)
    for (int32_t &block : lister.blocks)
      block = std::min(block, 2);
  result.blocks = DenseElementsAttr::get(getListType(type, blockSizes),
                                         ArrayRef(lister.blocks));
  if (!result.saysAll || lister.tiles.empty())
    return result;
  SmallVector<bool> elements;
  elements.reserve(lister.countTileBytes());
  for (const SmallString<64> &tile : lister.tiles)
    elements.append(tile.begin(), tile.end());
  int64_t count = lister.tiles.size();
  result.tiles = DenseElementsAttr::get(
      RankedTensorType::get({count, blockSizes[0], blockSizes[1]},
                            IntegerType::get(type.getContext(), 1)),
      ArrayRef<bool>(elements));
  return result;
}

std::optional<BiasMask> sluice::getBiasMask(ElementsAttr bias,
                                            double maskedBelow) {
  ShapedType type = bias.getShapedType();
  BiasMask result;
  SmallVector<bool> shown;
  bool isMask = true, hasFill = false;
  if (!forEachNumber(bias, [&](double number) {
        shown.push_back(number == 0);
        if (number == 0)
          return;
        isMask &= number <= maskedBelow;
        if (hasFill && result.fill != number)
          result.fill = std::nullopt;
        else if (!hasFill)
          result.fill = number;
        hasFill = true;
      }))
    return std::nullopt;
  if (!isMask || shown.empty())
    return std::nullopt;
  if (shown.size() == 1) {
    result.showsInEachRow = shown[0];
  } else {
    int64_t width = type.getShape().back();
    for (size_t row = 0; row < shown.size(); row += width)
      result.showsInEachRow &=
          llvm::is_contained(ArrayRef(shown).slice(row, width), true);
  }
  result.mask = DenseElementsAttr::get(
      type.clone(IntegerType::get(type.getContext(), 1)), ArrayRef(shown));
  return result;
}

DenseElementsAttr sluice::listBiasBlocks(ElementsAttr bias, double maskedBelow,
                                         ArrayRef<int64_t> blockSizes) {
  ShapedType type = bias.getShapedType();
  // As masks: which keys count, and where the bias is not zero.
  std::vector<char> counts, adds;
  if (!forEachNumber(bias, [&](double number) {
        counts.push_back(!(number <= maskedBelow));
        adds.push_back(number != 0);
      }))
    return nullptr;
  TileLister counting(type, counts, blockSizes), adding(type, adds, blockSizes);
  counting.run();
  adding.run();
  std::vector<int32_t> blocks;
  for (auto [count, add] : llvm::zip_equal(counting.blocks, adding.blocks))
    blocks.push_back(count == 0 ? 0 : add == 0 ? -1 : 2);
  return DenseElementsAttr::get(getListType(type, blockSizes),
                                ArrayRef(blocks));
}
