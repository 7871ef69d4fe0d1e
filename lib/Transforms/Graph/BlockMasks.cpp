//===- BlockMasks.cpp - Block lists of attention masks --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ExpandedMask.h"
#include "MaskTiles.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_BLOCKMASKSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class BlockMasksPass final : public impl::BlockMasksPassBase<BlockMasksPass> {
public:
  using BlockMasksPassBase::BlockMasksPassBase;

  void runOnOperation() final {
    getOperation().walk([&](AttentionOp op) {
      if (!op.getBlocks())
        run(op);
    });
  }

private:
  void run(AttentionOp op);
  void turnBiasIntoMask(AttentionOp op);
  bool useExpandedMask(AttentionOp op);
  bool useTiles(AttentionOp op);
  void classify(AttentionOp op);
  void setBlocks(AttentionOp op, Value blocks, ArrayRef<int64_t> sizes) {
    op.getBlocksMutable().assign(blocks);
    op.setBlockSizes(sizes);
  }

  /// Constant biases that have been looked at, with the bound of what hides.
  DenseMap<std::pair<Attribute, Attribute>, std::optional<BiasMask>> biases;
  /// Constant masks that have been listed, with what became of them.
  DenseMap<Attribute, std::optional<MaskTiles>> tiles;
};

} // namespace

/// Blocks of this many queries and keys are large enough to be worth the look
/// at a list, and small enough to follow windows.
static constexpr int64_t blockSizes[] = {64, 64};

/// A dimension in which there may be several blocks.
static bool hasBlocks(int64_t size, int64_t block) {
  return ShapedType::isDynamic(size) || size > block;
}

/// A constant that is added and does nothing but hide keys is a mask. What rows
/// that it hides all keys from give follows from the number.
void BlockMasksPass::turnBiasIntoMask(AttentionOp op) {
  auto constant =
      op.getBias() ? op.getBias().getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant || op.getMask() || !op.getMaskedBelow() ||
      op.getRelativeBias() || shapeOf(op.getBias()).empty())
    return;
  auto [it, isNew] =
      biases.try_emplace({constant.getValueAttr(), op.getMaskedBelowAttr()});
  if (isNew)
    it->second = getBiasMask(constant.getValueAttr(),
                             op.getMaskedBelow()->convertToDouble());
  const std::optional<BiasMask> &found = it->second;
  if (!found)
    return;
  OpBuilder builder(op);
  bool isOnlyMask = !op.getLengths() && !op.getLeft() && !op.getRight();
  bool isFallback = op.getFallback() == op.getBias();
  // The bias stays for rows that see no key, where its numbers differ.
  if (isFallback && found->showsInEachRow && isOnlyMask)
    op.getFallbackMutable().clear();
  else if (isFallback && found->fill && isOnlyMask)
    op.getFallbackMutable().assign(createScalar(
        builder, op.getLoc(), elementTypeOf(op.getBias()), *found->fill));
  op.getBiasMutable().clear();
  op.removeMaskedBelowAttr();
  op.getMaskMutable().assign(
      ConstantOp::create(builder, op.getLoc(), found->mask));
}

void BlockMasksPass::run(AttentionOp op) {
  turnBiasIntoMask(op);
  if (!hasBlocks(op.getQueryCount(), blockSizes[0]) &&
      !hasBlocks(op.getKeyCount(), blockSizes[1]))
    return;
  if (!useExpandedMask(op) && !useTiles(op))
    classify(op);
}

/// A mask that is a smaller one, each element of it as often as a block is
/// large: the smaller one is the list.
bool BlockMasksPass::useExpandedMask(AttentionOp op) {
  Value mask = op.getMask();
  auto expanded = mask ? findExpandedMask(mask) : std::nullopt;
  if (!expanded)
    return false;
  OpBuilder builder(op);
  GraphBuilder steps(builder, op.getLoc());
  Value blocks = steps.cast(expanded->blocks, builder.getI32Type());
  setBlocks(op, blocks, {expanded->rows, expanded->columns});
  op.getMaskMutable().clear();
  remarks::applied(op, remarks::attention)
      << "the mask is one of blocks of " << Twine(expanded->rows).str() << " x "
      << Twine(expanded->columns).str() << ": empty ones are skipped";
  return true;
}

/// A constant mask, as its blocks and the different partial ones.
bool BlockMasksPass::useTiles(AttentionOp op) {
  auto constant =
      op.getMask() ? op.getMask().getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant || shapeOf(op.getMask()).size() < 2)
    return false;
  auto [it, isNew] = tiles.try_emplace(constant.getValueAttr());
  if (isNew)
    it->second = listMaskTiles(constant.getValueAttr(), blockSizes);
  const std::optional<MaskTiles> &found = it->second;
  if (!found)
    return false;
  OpBuilder builder(op);
  setBlocks(op, ConstantOp::create(builder, op.getLoc(), found->blocks),
            blockSizes);
  // The mask leaves where its blocks say it all in fewer bytes.
  if (found->saysAll) {
    op.getMaskMutable().clear();
    if (found->tiles)
      op.getTilesMutable().assign(
          ConstantOp::create(builder, op.getLoc(), found->tiles));
  }
  remarks::applied(op, remarks::attention)
      << "the constant mask has " << Twine(found->blockCount).str()
      << " blocks of " << Twine(blockSizes[0]).str() << " x "
      << Twine(blockSizes[1]).str() << ", " << Twine(found->emptyCount).str()
      << " of them empty and " << Twine(found->partialCount).str()
      << " partial";
  return true;
}

/// Any other mask, and a bias that may be one, is looked at once, for all heads
/// and layers that share it.
void BlockMasksPass::classify(AttentionOp op) {
  Value mask = op.getMask();
  bool isBias = !mask && op.getMaskedBelow() && !op.getRelativeBias();
  if (isBias)
    mask = op.getBias();
  if (!mask || shapeOf(mask).empty())
    return;
  OpBuilder builder(op);
  GraphBuilder steps(builder, op.getLoc());
  if (shapeOf(mask).size() == 1)
    mask = steps.unsqueeze(mask, {0});
  if (auto constant = mask.getDefiningOp<ConstantOp>(); constant && isBias) {
    if (DenseElementsAttr blocks =
            listBiasBlocks(constant.getValueAttr(),
                           op.getMaskedBelow()->convertToDouble(), blockSizes))
      setBlocks(op, ConstantOp::create(builder, op.getLoc(), blocks),
                blockSizes);
    return;
  }
  setBlocks(
      op,
      steps.make<MaskBlocksOp>(mask, builder.getDenseI64ArrayAttr(blockSizes),
                               isBias ? op.getMaskedBelowAttr() : FloatAttr()),
      blockSizes);
}

} // namespace sluice
