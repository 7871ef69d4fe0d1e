//===- AttentionLayout.cpp - Where batches and heads are ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionLayout.h"
#include "ScalarFormulas.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

//===----------------------------------------------------------------------===//
// The products
//===----------------------------------------------------------------------===//

/// Is there a run in which a dimension has the size of the axes?
bool AttentionLayout::mayBeEqual(int64_t size, ArrayRef<Axis> all) const {
  int64_t known = axes.getSize(all);
  return ShapedType::isDynamic(size) || ShapedType::isDynamic(known) ||
         size == known;
}

std::optional<AxisLists>
AttentionLayout::readOperand(const ProductTensor &operand, ArrayRef<Axes> batch,
                             const Axes &rows, const Axes &elements,
                             Axes &missing) {
  Value tensor = operand.tensor;
  int64_t rank = shapeOf(tensor).size(), wanted = batch.size();
  AxisLists lists(rank);
  // A batch that only the run knows may be one, which attention broadcasts.
  int64_t headPlace = wanted >= 2 ? wanted - 1 : wanted;
  for (int64_t i = 0; i < wanted; ++i) {
    int64_t dimension = i - wanted + rank - 2;
    Axes all = axes.resolve(batch[i]);
    if (dimension < 0 || shapeOf(tensor)[dimension] == 1)
      llvm::append_range(missing, all);
    else if (axes.hasSize(tensor, dimension, all) ||
             (i < headPlace && mayBeEqual(shapeOf(tensor)[dimension], all)))
      lists[dimension] = all;
    else
      return std::nullopt;
  }
  lists[rank - 2] = operand.isSwapped ? elements : rows;
  lists[rank - 1] = operand.isSwapped ? rows : elements;
  // The products demand these sizes.
  for (int64_t i : {rank - 2, rank - 1})
    axes.equate(lists[i], tensor, i);
  return lists;
}

bool AttentionLayout::readProducts(std::string &why) {
  Value scores = chain.views.front();
  int64_t batchRank = shapeOf(scores).size() - 2;
  auto lastOf = [](const ProductTensor &operand, int64_t fromEnd) {
    int64_t rank = shapeOf(operand.tensor).size();
    return rank - (operand.isSwapped ? 3 - fromEnd : fromEnd);
  };
  AxisLists lists;
  for (int64_t i = 0; i < batchRank; ++i)
    lists.push_back(axes.create(scores, i, /*maySplit=*/true));
  queries = axes.create(scores, batchRank, /*maySplit=*/false);
  keys = axes.create(scores, batchRank + 1, /*maySplit=*/false);
  depth = axes.create(chain.query.tensor, lastOf(chain.query, 1), false);
  valueDepth = axes.create(chain.value.tensor, lastOf(chain.value, 1), false);
  lists.push_back(queries);
  lists.push_back(keys);
  scoreLists.push_back(lists);
  auto follow = [&](Value view) {
    auto next = axes.followView(lists, view);
    if (!next)
      return false;
    lists = std::move(*next);
    return lists[lists.size() - 2] == queries && lists.back() == keys;
  };
  for (Value view : ArrayRef(chain.views).drop_front()) {
    if (!follow(view)) {
      why = "the scores are reshaped in another way than by batches and heads";
      return false;
    }
    scoreLists.push_back(lists);
  }
  for (Value view : chain.probabilityViews)
    if (!follow(view)) {
      why = "the probabilities are reshaped in another way than by batches and "
            "heads";
      return false;
    }
  probabilityLists = lists;
  return true;
}

//===----------------------------------------------------------------------===//
// In front of the products
//===----------------------------------------------------------------------===//

/// Do all operands of a concatenation repeat one?
static bool repeatsOne(ConcatOp op) {
  return llvm::all_equal(op.getOperands());
}

/// One step back through an op that repeats a tensor along axes of the batch.
bool AttentionLayout::followRepetition(Stage &stage) {
  Operation *op = stage.tensor.getDefiningOp();
  auto concat = dyn_cast<ConcatOp>(op);
  if (!isa<BroadcastOp, TileOp>(op) && !(concat && repeatsOne(concat)))
    return false;
  Value operand = op->getOperand(0);
  int64_t added = stage.lists.size() - shapeOf(operand).size();
  Stage before{operand, AxisLists(shapeOf(operand).size()), stage.missing,
               stage.factor, /*isView=*/false};
  AxisLists lists = axes.resolve(stage.lists);
  for (int64_t i = 0, rank = lists.size(); i < rank; ++i) {
    const Axes &list = lists[i];
    int64_t dimension = i - added;
    if (dimension >= 0 && axes.hasSize(operand, dimension, list) &&
        (!isa<TileOp>(op) || shapeOf(operand)[dimension] == 1 ||
         evaluateConstantElement(op->getOperand(1), dimension) == 1)) {
      before.lists[dimension] = list;
      continue;
    }
    if (dimension >= 0 && shapeOf(operand)[dimension] != 1)
      return false;
    bool isBatch = llvm::none_of(list, [&](Axis axis) {
      return llvm::is_contained(queries, axis) ||
             llvm::is_contained(keys, axis) ||
             llvm::is_contained(depth, axis) ||
             llvm::is_contained(valueDepth, axis);
    });
    if (!isBatch)
      return false;
    llvm::append_range(before.missing, list);
  }
  stage = std::move(before);
  return true;
}

AttentionLayout::Stages AttentionLayout::followBack(Stage first, bool mayRepeat,
                                                    bool mayScale) {
  constexpr size_t maxStages = 16;
  Stages stages{std::move(first)};
  while (stages.size() < maxStages) {
    Stage next = stages.back();
    Operation *op = next.tensor.getDefiningOp();
    if (!op)
      break;
    next.isView = false;
    if (op->hasTrait<trait::IsView>()) {
      auto lists = axes.followView(next.lists, op->getOperand(0));
      if (!lists)
        break;
      next.lists = std::move(*lists);
      next.tensor = op->getOperand(0);
      stages.back().isView = true;
    } else if (isa<tensor::CastOp>(op)) {
      next.tensor = op->getOperand(0);
      stages.back().isView = true;
    } else if (auto transpose = dyn_cast<TransposeOp>(op)) {
      next.tensor = transpose.getOperand();
      for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
        next.lists[from] = stages.back().lists[to];
    } else if (mayScale && isa<MulOp, DivOp>(op)) {
      bool isQuotient = isa<DivOp>(op);
      bool isFound = false;
      for (unsigned i : {0u, 1u}) {
        Value factor = op->getOperand(1 - i);
        auto number = broadcastsTo(factor, shapeOf(next.tensor))
                          ? getScalarNumber(factor)
                          : std::nullopt;
        if (!number || *number == 0 || (isQuotient && i == 1))
          continue;
        next.factor *= isQuotient ? 1 / *number : *number;
        next.tensor = op->getOperand(i);
        isFound = true;
        break;
      }
      if (!isFound)
        break;
    } else if (!mayRepeat || !followRepetition(next)) {
      break;
    }
    stages.push_back(std::move(next));
  }
  return stages;
}

AttentionLayout::Stages AttentionLayout::followResult() {
  Stage first;
  first.tensor = chain.result.tensor;
  first.lists = AxisLists(probabilityLists.begin(), probabilityLists.end() - 2);
  first.lists.push_back(chain.result.isSwapped ? valueDepth : queries);
  first.lists.push_back(chain.result.isSwapped ? queries : valueDepth);
  Stages stages{std::move(first)};
  while (stages.back().tensor.hasOneUse()) {
    Stage next = stages.back();
    Operation *user = *next.tensor.getUsers().begin();
    next.isView = false;
    if (user->hasTrait<trait::IsView>()) {
      auto lists = axes.followView(next.lists, user->getResult(0));
      if (!lists)
        break;
      next.lists = std::move(*lists);
      stages.back().isView = true;
    } else if (isa<tensor::CastOp>(user)) {
      stages.back().isView = true;
    } else if (auto transpose = dyn_cast<TransposeOp>(user)) {
      for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
        next.lists[to] = stages.back().lists[from];
    } else {
      break;
    }
    next.tensor = user->getResult(0);
    stages.push_back(std::move(next));
  }
  return stages;
}

//===----------------------------------------------------------------------===//
// Batches and heads
//===----------------------------------------------------------------------===//

/// Decides which axes of the batch are heads. Heads that share keys come last.
bool AttentionLayout::chooseHeads(const Axes &missing) {
  const AxisLists &lists = scoreLists.front();
  size_t batchRank = lists.size() - 2;
  batches = axes.join(AxisLists(lists.begin(), lists.begin() + batchRank));
  size_t count = 0;
  if (batchRank >= 2)
    count = axes.resolve(lists[batchRank - 1]).size();
  else if (batches.size() >= 2)
    count = batches.size() - 1;
  ArrayRef<Axis> all = batches;
  auto isMissing = [&](Axis axis) { return llvm::is_contained(missing, axis); };
  size_t shared = 0;
  while (shared < all.size() && isMissing(all[all.size() - 1 - shared]))
    ++shared;
  if (shared < all.size() && shared > 0 && count <= shared)
    count = std::min(shared + 1, std::max(all.size() - 1, shared));
  heads = Axes(all.take_back(count));
  batches = Axes(all.drop_back(count));
  // Of heads the last axes may be shared, of batches all.
  ArrayRef<Axis> own = heads;
  while (!own.empty() && isMissing(own.back()))
    own = own.drop_back();
  return llvm::none_of(own, isMissing) && sharesAllOrNone(missing);
}

/// Is there one entry for all batches, or one for each?
bool AttentionLayout::sharesAllOrNone(const Axes &missing) const {
  auto isMissing = [&](Axis axis) { return llvm::is_contained(missing, axis); };
  return llvm::none_of(batches, isMissing) || llvm::all_of(batches, isMissing);
}

Axes AttentionLayout::partOf(Part part, const Stage &stage, const Axes &rows,
                             const Axes &elements) const {
  const Axes &all = part == Batch       ? batches
                    : part == Heads     ? heads
                    : part == Positions ? rows
                                        : elements;
  Axes present;
  for (Axis axis : all)
    if (!llvm::is_contained(stage.missing, axis))
      present.push_back(axis);
  return present;
}

std::optional<AttentionLayout::Arrangement>
AttentionLayout::arrange(const Stage &stage, const Axes &rows,
                         const Axes &elements) const {
  Axes parts[partCount];
  for (int part = Batch; part < partCount; ++part)
    parts[part] = partOf(Part(part), stage, rows, elements);
  AxisLists lists = axes.resolve(stage.lists);
  Axes all = axes.join(lists);
  // Each part in one piece, in the order in which they come.
  SmallVector<int64_t> sequence;
  for (size_t i = 0; i < all.size();) {
    int found = -1;
    for (int part = Batch; part < partCount; ++part)
      if (!parts[part].empty() && parts[part].front() == all[i])
        found = part;
    if (found < 0)
      return std::nullopt;
    ArrayRef<Axis> piece = ArrayRef(all).slice(i);
    if (piece.take_front(std::min(parts[found].size(), piece.size())) !=
        ArrayRef(parts[found]))
      return std::nullopt;
    sequence.push_back(found);
    i += parts[found].size();
  }
  Arrangement arrangement;
  arrangement.isDirect = lists.size() == partCount;
  for (int part = Batch; part < partCount; ++part)
    if (!parts[part].empty() && !llvm::is_contained(sequence, part))
      return std::nullopt;
  if (arrangement.isDirect) {
    // Parts of size one take what is left.
    SmallVector<int64_t> order(partCount, -1);
    SmallVector<int64_t> rest;
    for (auto [dimension, list] : llvm::enumerate(lists)) {
      if (list.empty()) {
        rest.push_back(dimension);
        continue;
      }
      auto part = llvm::find(parts, list) - std::begin(parts);
      if (part == partCount)
        arrangement.isDirect = false;
      else
        order[part] = dimension;
    }
    if (arrangement.isDirect) {
      std::reverse(rest.begin(), rest.end());
      for (int64_t &place : order)
        if (place < 0)
          place = rest.pop_back_val();
      arrangement.order = order;
      return arrangement;
    }
  }
  for (int part = Batch; part < partCount; ++part)
    if (!llvm::is_contained(sequence, part)) {
      auto place =
          part == Batch ? sequence.begin() : llvm::find(sequence, part - 1) + 1;
      sequence.insert(place, part);
    }
  arrangement.order.resize(partCount);
  for (auto [place, part] : llvm::enumerate(sequence))
    arrangement.order[part] = place;
  return arrangement;
}

/// The stage farthest from the product that is an arrangement of four parts;
/// of views of each other one that has four dimensions.
const AttentionLayout::Stage *
AttentionLayout::chooseStage(const Stages &stages, const Axes &rows,
                             const Axes &elements, const Axes *missing) const {
  for (size_t i = stages.size(); i-- > 0;) {
    const Stage &stage = stages[i];
    if (missing && ArrayRef(stage.missing) != ArrayRef(*missing))
      continue;
    auto arrangement = arrange(stage, rows, elements);
    if (!arrangement)
      continue;
    AxisLists places = placesOf(*arrangement, stage, rows, elements);
    if (!arrangement->isDirect &&
        (!hasView(stage.lists, places) || !hasView(places, stage.lists)))
      continue;
    for (size_t j = i;; --j) {
      auto other = arrange(stages[j], rows, elements);
      if (other && other->isDirect)
        return &stages[j];
      if (j == 0 || !stages[j - 1].isView)
        return &stage;
    }
  }
  return nullptr;
}

bool AttentionLayout::analyse(std::string &why) {
  if (!readProducts(why))
    return false;
  auto batchOf = [](const AxisLists &lists) {
    return ArrayRef<Axes>(lists).drop_back(2);
  };
  constexpr const char *batchMessage =
      "the sizes of the products' batches are not known to be equal";
  auto read = [&](const ProductTensor &operand, const AxisLists &scores,
                  const Axes &rows, const Axes &elements, Stage &stage) {
    auto lists =
        readOperand(operand, batchOf(scores), rows, elements, stage.missing);
    if (!lists) {
      why = batchMessage;
      return false;
    }
    stage.tensor = operand.tensor;
    stage.lists = std::move(*lists);
    return true;
  };
  Stage firstQuery, firstKey, firstValue;
  if (!read(chain.query, scoreLists.front(), queries, depth, firstQuery) ||
      !read(chain.key, scoreLists.front(), keys, depth, firstKey) ||
      !read(chain.value, probabilityLists, keys, valueDepth, firstValue))
    return false;
  // The result has the batch of the probabilities.
  ArrayRef<Axes> batch = batchOf(probabilityLists);
  if (shapeOf(chain.result.tensor).size() != batch.size() + 2) {
    why = "the values have more dimensions than the probabilities";
    return false;
  }
  // A mask of the run may say more of its batch than is known of the scores'.
  for (auto [i, list] : llvm::enumerate(batch))
    if (!mayBeEqual(shapeOf(chain.result.tensor)[i], axes.resolve(list))) {
      why = batchMessage;
      return false;
    }
  // Factors of single queries are applied to the product's operand.
  bool mayMove = !chain.queryFactor;
  Stages keyStages = followBack(firstKey, true, true),
         valueStages = followBack(firstValue, true, false),
         queryStages =
             mayMove ? followBack(firstQuery, false, true) : Stages{firstQuery},
         resultStages = followResult();
  for (Stages *stages : {&keyStages, &valueStages, &queryStages, &resultStages})
    for (Stage &stage : *stages) {
      stage.lists = axes.resolve(stage.lists);
      stage.missing = axes.resolve(stage.missing);
    }
  // Keys and values must be shared by the same heads.
  SmallVector<Axes> shared;
  for (Stage &stage : keyStages)
    if (llvm::any_of(
            valueStages,
            [&](Stage &other) { return other.missing == stage.missing; }) &&
        !llvm::is_contained(shared, stage.missing))
      shared.push_back(stage.missing);
  for (const Axes &missing : llvm::reverse(shared)) {
    if (!chooseHeads(missing))
      continue;
    const Stage *chosen[] = {
        chooseStage(queryStages, queries, depth),
        chooseStage(keyStages, keys, depth, &missing),
        chooseStage(valueStages, keys, valueDepth, &missing),
        chooseStage(resultStages, queries, valueDepth)};
    if (llvm::is_contained(chosen, nullptr))
      continue;
    query = *chosen[0];
    key = *chosen[1];
    value = *chosen[2];
    result = *chosen[3];
    bool sharesHeads = llvm::any_of(query.missing, [&](Axis axis) {
      return llvm::is_contained(heads, axis);
    });
    if (sharesHeads || !sharesAllOrNone(query.missing))
      continue;
    resultOrder = arrange(result, queries, valueDepth)->order;
    return true;
  }
  why = "queries, keys and values do not have the same batches";
  return false;
}

} // namespace sluice
