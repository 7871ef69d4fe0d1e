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

bool sluice::readsValuesInPlace(AttentionOp op, int64_t lanes) {
  ArrayRef<int64_t> order = op.getValueOrder();
  return elementTypeOf(op.getValue()).isF32() && order[2] == 2 &&
         order[3] == 3 && op.getValueDepth() % lanes == 0;
}

int64_t sluice::getStackBytes(AttentionOp op, kernel::CpuAttentionAttr config) {
  int64_t lanes = config.getLanes(), rows = config.getTileRows();
  int64_t depth = op.getDepth(),
          values = llvm::alignTo(op.getValueDepth(), lanes);
  int64_t copied = readsValuesInPlace(op, lanes) ? 0 : values;
  int64_t ofKeys = llvm::alignTo(config.getKeyBlock(), config.getWidth()) *
                   (depth + copied + rows);
  int64_t ofRows =
      llvm::alignTo(config.getQueryBlock(), rows) * (values + lanes + 2);
  return 4 * (ofKeys + ofRows + rows * llvm::alignTo(depth, lanes));
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

/// Tiles fill the registers. The more rows a block has, the less often keys are
/// copied; the more keys, the less often sums go to memory and back.
static kernel::CpuAttentionAttr configure(AttentionOp op,
                                          const MachineModel &machine) {
  constexpr int64_t unroll = 4;
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
                                         vectors, unroll, queryBlock, keyBlock);
  };
  int64_t rowLimit = 32 * tileRows, keyLimit = 128;
  for (;;) {
    kernel::CpuAttentionAttr config = make(rowLimit, keyLimit);
    bool isSmall = rowLimit <= 4 * tileRows && keyLimit <= vectors * lanes;
    if (getStackBytes(op, config) <= mostStackBytes || isSmall)
      return config;
    if (rowLimit <= 4 * tileRows ||
        (rowLimit <= 16 * tileRows && keyLimit > 64))
      keyLimit /= 2;
    else
      rowLimit /= 2;
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
