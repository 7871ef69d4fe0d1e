//===- MergeEqualOps.cpp - Compute what is equal once ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/Operation.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/ScopedHashTable.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_MERGEEQUALOPSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// So many ops in the regions of an op tell it apart from others.
constexpr unsigned hashedOps = 256;

/// An op with the hash of what it computes.
struct HashedOp {
  Operation *op = nullptr;
  unsigned hash = 0;
};

/// Ops that compute the same from the same operands.
struct SameOp {
  static HashedOp getEmptyKey() {
    return {DenseMapInfo<Operation *>::getEmptyKey(), 0};
  }
  static HashedOp getTombstoneKey() {
    return {DenseMapInfo<Operation *>::getTombstoneKey(), 0};
  }
  static unsigned getHashValue(const HashedOp &key) { return key.hash; }
  static bool isEqual(const HashedOp &a, const HashedOp &b) {
    if (a.op == b.op)
      return true;
    auto isMarker = [](const HashedOp &key) {
      return key.op == getEmptyKey().op || key.op == getTombstoneKey().op;
    };
    return a.hash == b.hash && !isMarker(a) && !isMarker(b) &&
           OperationEquivalence::isEquivalentTo(
               a.op, b.op, OperationEquivalence::IgnoreLocations);
  }
};

/// The hash of an op and of what is in its regions. Values from outside count
/// as themselves, those inside by their place.
llvm::hash_code hashOp(Operation *op) {
  DenseMap<Value, unsigned> inside;
  auto hashOperand = [&](Value value) {
    auto found = inside.find(value);
    return found == inside.end() ? OperationEquivalence::directHashValue(value)
                                 : llvm::hash_value(found->second);
  };
  auto number = [&](ValueRange values) {
    for (Value value : values)
      inside.try_emplace(value, inside.size());
  };
  llvm::hash_code hash(0);
  unsigned left = hashedOps;
  op->walk<WalkOrder::PreOrder>([&](Operation *inner) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                        inner, hashOperand,
                                        OperationEquivalence::ignoreHashValue,
                                        OperationEquivalence::IgnoreLocations));
    if (--left == 0)
      return WalkResult::interrupt();
    for (Region &region : inner->getRegions())
      for (Block &block : region)
        number(block.getArguments());
    if (inner != op)
      number(inner->getResults());
    return WalkResult::advance();
  });
  return hash;
}

class EqualOps {
public:
  void merge(Region &region);

private:
  using Known = llvm::ScopedHashTable<HashedOp, Operation *, SameOp>;

  void merge(Block &block, Known &known);
  void merge(Operation *op, Known &known);
};

} // namespace

void EqualOps::merge(Operation *op, Known &known) {
  if (isOpTriviallyDead(op)) {
    op->erase();
    return;
  }
  if (op->hasTrait<OpTrait::IsIsolatedFromAbove>()) {
    for (Region &region : op->getRegions())
      merge(region);
  } else {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        merge(block, known);
  }
  // An op is hashed when all in it has become what it stays.
  auto hasOneBlock = [](Region &region) { return region.hasOneBlock(); };
  if (op->hasTrait<OpTrait::IsTerminator>() || !isMemoryEffectFree(op) ||
      !llvm::all_of(op->getRegions(), hasOneBlock))
    return;
  HashedOp key{op, static_cast<unsigned>(hashOp(op))};
  Operation *same = known.lookup(key);
  if (!same) {
    known.insert(key, op);
    return;
  }
  // Locations tell the names of nodes.
  if (isa<UnknownLoc>(same->getLoc()))
    same->setLoc(op->getLoc());
  op->replaceAllUsesWith(same);
  op->erase();
}

void EqualOps::merge(Block &block, Known &known) {
  Known::ScopeTy scope(known);
  for (Operation &op : llvm::make_early_inc_range(block))
    merge(&op, known);
}

void EqualOps::merge(Region &region) {
  for (Block &block : region) {
    Known known;
    merge(block, known);
  }
}

namespace {
class MergeEqualOpsPass final
    : public impl::MergeEqualOpsPassBase<MergeEqualOpsPass> {
public:
  using MergeEqualOpsPassBase::MergeEqualOpsPassBase;

  void runOnOperation() final {
    EqualOps ops;
    for (Region &region : getOperation()->getRegions())
      ops.merge(region);
  }
};
} // namespace
} // namespace sluice
