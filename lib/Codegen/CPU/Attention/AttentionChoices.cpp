//===- AttentionChoices.cpp - How attention is computed -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionLimits.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/CpuChoices.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

bool sluice::readsInPlace(AttentionOp op) {
  return op.getKeyOrder()[3] == 3 && op.getValueOrder()[3] == 3;
}

bool sluice::readsValuesInPlace(AttentionOp op, int64_t lanes) {
  ArrayRef<int64_t> order = op.getValueOrder();
  return elementTypeOf(op.getValue()).isF32() && order[2] == 2 &&
         order[3] == 3 && op.getValueDepth() % lanes == 0;
}

int64_t sluice::getStackBytes(AttentionOp op, kernel::CpuAttentionAttr config) {
  int64_t lanes = config.getLanes(), rows = config.getTileRows();
  int64_t depth = op.getDepth(),
          values = llvm::alignTo(op.getValueDepth(), lanes);
  int64_t copied = depth;
  if (!readsValuesInPlace(op, lanes))
    copied += values;
  int64_t ofQueries = rows;
  if (config.getInPlace()) {
    copied = 0;
    ofQueries = llvm::alignTo(config.getQueryBlock(), rows);
  }
  int64_t ofKeys =
      llvm::alignTo(config.getKeyBlock(), config.getWidth()) * (copied + rows);
  // Sums, a maximum, whether there were keys, and an index for each row.
  int64_t ofRows =
      llvm::alignTo(config.getQueryBlock(), rows) * (values + lanes + 4);
  int64_t ofTile = rows * lanes + ofQueries * llvm::alignTo(depth, lanes);
  return 4 * (ofKeys + ofRows + ofTile);
}

/// The largest number up to `limit` of which `whole` is a multiple, and that is
/// one of `part` if there is such a one.
static int64_t divideBlock(int64_t whole, int64_t part, int64_t limit) {
  int64_t largest = 1;
  for (int64_t size = std::min(whole, limit); size > 0; --size) {
    if (whole % size != 0)
      continue;
    if (size % part == 0)
      return size;
    largest = std::max(largest, size);
  }
  return largest;
}

/// Equal blocks of whole tiles.
static int64_t balanceBlock(int64_t size, int64_t tile, int64_t limit) {
  limit = std::max(limit / tile, int64_t(1)) * tile;
  if (ShapedType::isDynamic(size))
    return limit;
  int64_t blocks = std::max<int64_t>(llvm::divideCeil(size, limit), 1);
  return std::max<int64_t>(llvm::alignTo(llvm::divideCeil(size, blocks), tile),
                           tile);
}

/// Rows of a tile that reads keys where they lie.
static constexpr int64_t mostTileRows = 4;

/// Up to how many rows that share keys copying these does not pay. Where keys
/// are not many more than queries they are copied for more than a few rows.
static int64_t getMostFewRows(AttentionOp op) {
  constexpr int64_t fewest = 8, most = 64, keysOfQuery = 4;
  int64_t queries = op.getQueryCount(), keys = op.getKeyCount();
  bool isKnown =
      !ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys);
  if (isKnown && keys < queries * keysOfQuery)
    return fewest;
  // Queries and sums of all rows are on the stack.
  int64_t rowBytes = 4 * (op.getDepth() + op.getValueDepth());
  return std::clamp(mostStackBytes / 2 / std::max<int64_t>(rowBytes, 1), fewest,
                    most);
}

/// For up to `rows` rows that share keys, and mostly `usual` ones. What is read
/// of a block of keys stays in the first-level cache while its rows take turns.
/// Where heads are few, tasks are parts of the keys.
static kernel::CpuAttentionAttr
configureFewRows(AttentionOp op, const MachineModel &machine, int64_t rows,
                 int64_t usual, kernel::CpuAttentionAttr fewer) {
  constexpr int64_t unroll = 2, manyRegisters = 32;
  constexpr int64_t wantedTasks = 32, fewestKeys = 256, usualKeys = 512;
  int64_t lanes = chooseDotUnit(ProductTypes(), machine).lanes;
  ArrayRef<int64_t> lists = op.getBlockSizes();
  int64_t tileRows = mostTileRows;
  if (usual < 2 * mostTileRows) {
    int64_t tiles = std::max<int64_t>(llvm::divideCeil(usual, mostTileRows), 1);
    tileRows = std::max<int64_t>(llvm::divideCeil(usual, tiles), 1);
  }
  int64_t queryBlock = std::max<int64_t>(rows, 1);
  if (!lists.empty())
    queryBlock = divideBlock(lists[0], tileRows, queryBlock);
  // A tile of one row needs many sums to hide how long an addition takes.
  int64_t vectors = machine.vectorRegisters >= manyRegisters
                        ? (tileRows == 1 ? 8 : 4)
                        : (tileRows == 1 ? 4 : 2);
  int64_t bytes = 4 * std::max(op.getDepth(), op.getValueDepth());
  int64_t keyLimit = std::clamp<int64_t>(machine.l1Bytes / bytes, 64, 256);
  int64_t keys = op.getKeyCount();
  bool knowsKeys = !ShapedType::isDynamic(keys);
  int64_t keyBlock = lists.empty()
                         ? balanceBlock(keys, vectors * lanes, keyLimit)
                         : divideBlock(lists[1], vectors * lanes, keyLimit);
  int64_t split = 0;
  if (!op.getSinks() && !op.getFallback()) {
    int64_t batch = op.getBatchSize();
    int64_t heads =
        op.getKeyHeads() * (ShapedType::isDynamic(batch) ? 1 : batch);
    int64_t parts = llvm::divideCeil(wantedTasks, std::max<int64_t>(heads, 1));
    if (knowsKeys)
      parts = std::min(parts, keys / fewestKeys);
    if (parts > 1)
      split = llvm::alignTo(
          knowsKeys ? llvm::divideCeil(keys, parts) : usualKeys, keyBlock);
  }
  return kernel::CpuAttentionAttr::get(op.getContext(), lanes, tileRows,
                                       vectors, unroll, queryBlock, keyBlock,
                                       /*in_place=*/true, split, fewer);
}

/// Where only the run knows how many queries there are, one is the most usual
/// number: if that makes less than a tile, it has a form of its own.
static kernel::CpuAttentionAttr configureFewRows(AttentionOp op,
                                                 const MachineModel &machine) {
  int64_t group = *op.getGroupSize(), queries = op.getQueryCount();
  int64_t most = getMostFewRows(op);
  if (!ShapedType::isDynamic(queries)) {
    int64_t rows = queries * group;
    return rows <= most ? configureFewRows(op, machine, rows, rows, {})
                        : kernel::CpuAttentionAttr();
  }
  if (group > most)
    return {};
  if (group >= mostTileRows)
    return configureFewRows(op, machine, most, group, {});
  auto one = configureFewRows(op, machine, group, group, {});
  return configureFewRows(op, machine, most, most, one);
}

/// Tiles fill the registers. The more rows a block has, the less often keys are
/// copied; the more keys, the less often sums go to memory and back.
static kernel::CpuAttentionAttr configure(AttentionOp op,
                                          const MachineModel &machine) {
  constexpr int64_t unroll = 4;
  kernel::CpuAttentionAttr few;
  if (readsInPlace(op)) {
    few = configureFewRows(op, machine);
    if (few && !ShapedType::isDynamic(op.getQueryCount()))
      return few;
  }
  DotUnitModel unit = chooseDotUnit(ProductTypes(), machine);
  int64_t lanes = unit.lanes, keys = op.getKeyCount();
  ArrayRef<int64_t> lists = op.getBlockSizes();
  int64_t columns = lists.empty() ? keys : lists[1];
  int64_t vectors = unit.panelVectors;
  if (!ShapedType::isDynamic(columns))
    vectors = std::clamp<int64_t>(llvm::divideCeil(columns, lanes), 1, vectors);
  int64_t tileRows = getRegisterRows(vectors, machine);
  int64_t group = *op.getGroupSize(), queries = op.getQueryCount();
  // The rows of all heads that share keys.
  int64_t allRows = ShapedType::isDynamic(queries) ? queries : queries * group;
  auto make = [&](int64_t rowLimit, int64_t keyLimit) {
    int64_t width = vectors * lanes;
    int64_t keyBlock = lists.empty() ? balanceBlock(keys, width, keyLimit)
                                     : divideBlock(columns, width, keyLimit);
    int64_t queryBlock =
        lists.empty() ? balanceBlock(allRows > rowLimit ? queries : allRows,
                                     tileRows, rowLimit)
                      : divideBlock(lists[0], tileRows, rowLimit);
    return kernel::CpuAttentionAttr::get(op.getContext(), lanes, tileRows,
                                         vectors, unroll, queryBlock, keyBlock,
                                         /*in_place=*/false, /*split=*/0, few);
  };
  int64_t rowLimit = 64 * tileRows, keyLimit = 128;
  for (;;) {
    kernel::CpuAttentionAttr config = make(rowLimit, keyLimit);
    bool isSmall = rowLimit <= 4 * tileRows && keyLimit <= vectors * lanes;
    int64_t bytes = getStackBytes(op, config);
    if (bytes <= mostStackBytes || (isSmall && bytes <= 2 * mostStackBytes))
      return config;
    if (isSmall && rowLimit > tileRows) {
      rowLimit /= 2;
    } else if (isSmall) {
      if (vectors == 1)
        return config;
      --vectors;
      tileRows = getRegisterRows(vectors, machine);
      rowLimit = 4 * tileRows;
      keyLimit = vectors * lanes;
    } else if (rowLimit <= 4 * tileRows ||
               (rowLimit <= 16 * tileRows && keyLimit > 64)) {
      keyLimit /= 2;
    } else {
      rowLimit /= 2;
    }
  }
}

static llvm::Expected<KernelMatch>
chooseAttention(const KernelGroup &group, const MachineModel &machine) {
  KernelMatch match{"attention"};
  match.config = configure(cast<AttentionOp>(group.anchor), machine);
  return match;
}

void sluice::registerAttentionChoices(CpuChoices &choices) {
  choices.add<AttentionOp>(chooseAttention);
}
