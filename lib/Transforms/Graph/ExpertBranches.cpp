//===- ExpertBranches.cpp - Expert by expert ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ExpertBranches.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

bool isZero(Value value) {
  while (auto op = value.getDefiningOp<BroadcastOp>())
    value = op.getOperand();
  return getSplatNumber(value) == 0.0;
}

bool ExpertBranch::matchList(NonZeroOp op) {
  auto found = op ? ExpertChoice::match(op.getOperand()) : std::nullopt;
  if (!found)
    return false;
  list = op;
  choice = *found;
  return true;
}

/// Rows along the first dimension, whose numbers are repeated for columns.
bool ExpertBranch::matchElements(ScatterElementsOp op) {
  if (static_cast<int64_t>(op.getAxis()) != 0 ||
      shapeOf(op.getUpdates()).size() != 2)
    return false;
  auto repeated = op.getIndices().getDefiningOp<BroadcastOp>();
  ArrayRef<int64_t> shape =
      repeated ? shapeOf(repeated.getOperand()) : ArrayRef<int64_t>();
  if (shape.size() != 2 || shape[1] != 1)
    return false;
  auto place = ListedPlace::match(repeated.getOperand());
  std::optional<int64_t> token = place ? place->onlyDimension() : std::nullopt;
  if (!token || !matchList(place->list))
    return false;
  tokenDimensions = {*token};
  rows = op.getUpdates();
  if (op.getMode() == ScatterMode::Add)
    return true;
  adds = false;
  return op.getMode() == ScatterMode::Replace;
}

/// The elements of rows that have been listed one by one: the list of a mask
/// that is repeated along the columns, and rows behind one another.
static Value matchFlatRows(ScatterNDOp op, NonZeroOp elements) {
  Value flat = op.getUpdates();
  if (auto slice = flat.getDefiningOp<SliceOp>()) {
    // As many as there are elements, which is all of them.
    ValueRange bounds = slice.getBounds();
    Operation *size = bounds.empty()
                          ? nullptr
                          : Selection::of(bounds[1]).whole.getDefiningOp();
    if (!isa_and_nonnull<ShapeOp>(size) ||
        size->getOperand(0) != op.getIndices() ||
        evaluateConstantElement(bounds[0], 0) != 0 ||
        evaluateConstantElement(bounds[2], 0) != 1)
      return nullptr;
    flat = slice.getOperand();
  }
  auto reshape = flat.getDefiningOp<ReshapeOp>();
  auto repeated = elements.getOperand().getDefiningOp<BroadcastOp>();
  if (!reshape || !repeated || shapeOf(flat).size() != 1)
    return nullptr;
  Value rows = reshape.getOperand();
  ArrayRef<int64_t> mask = shapeOf(repeated.getOperand()),
                    shape = shapeOf(repeated);
  if (shapeOf(rows).size() != 2 || mask.size() != shape.size() ||
      mask.back() != 1 || ShapedType::isDynamic(shape.back()) ||
      shape.back() != shapeOf(rows)[1])
    return nullptr;
  return rows;
}

bool ExpertBranch::matchRows(ScatterNDOp op) {
  auto elements = matchListedRows(op.getIndices());
  if (!elements)
    return false;
  adds = op.getMode() == ScatterMode::Add;
  if (!adds && op.getMode() != ScatterMode::Replace)
    return false;
  int64_t rank = shapeOf(op.getOperand()).size(),
          listed = shapeOf(elements.getOperand()).size();
  rows = op.getUpdates();
  Value mask = elements.getOperand();
  if (listed == rank) {
    rows = matchFlatRows(op, elements);
    if (!rows)
      return false;
    // The list of rows has the mask itself, without the columns.
    auto isList = [&](Operation *user) {
      auto other = dyn_cast<NonZeroOp>(user);
      return other && static_cast<int64_t>(
                          shapeOf(other.getOperand()).size()) == rank - 1;
    };
    Value source = mask.getDefiningOp<BroadcastOp>().getOperand();
    auto unsqueeze = source.getDefiningOp<UnsqueezeOp>();
    if (!unsqueeze || unsqueeze.getAxes() != ArrayRef<int64_t>(rank - 1))
      return false;
    mask = unsqueeze.getOperand();
    auto users = mask.getUsers();
    auto it = llvm::find_if(users, isList);
    if (it == users.end() || !matchList(cast<NonZeroOp>(*it)))
      return false;
    listed = rank - 1;
  } else if (!matchList(elements)) {
    return false;
  }
  tokenDimensions = llvm::to_vector(llvm::seq<int64_t>(listed));
  return true;
}

std::optional<ExpertBranch> ExpertBranch::match(Operation *op) {
  ExpertBranch branch;
  auto elements = dyn_cast<ScatterElementsOp>(op);
  auto slices = dyn_cast<ScatterNDOp>(op);
  if (elements ? !branch.matchElements(elements)
               : !slices || !branch.matchRows(slices))
    return std::nullopt;
  branch.before = op->getOperand(0);
  branch.result = op->getResult(0);
  // Into zeros that are added to what there was before.
  if (!isZero(branch.before) || !branch.result.hasOneUse())
    return branch;
  auto sum = dyn_cast<AddOp>(*branch.result.user_begin());
  if (!sum)
    return branch;
  branch.needsDistinct = !branch.adds;
  branch.before = sum.getLhs() == branch.result ? sum.getRhs() : sum.getLhs();
  branch.result = sum;
  branch.adds = true;
  return branch;
}

} // namespace sluice
