//===- FormKernels.cpp - Group ops into kernels ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KernelRegions.h"
#include "dialects/Sluice/Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Graph/SizeResolver.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Ops with one sink: only the sink's results are used outside.
struct Group {
  Operation *sink = nullptr;
  /// The op that decides how code is made; null for elementwise groups.
  Operation *anchor = nullptr;
  SmallPtrSet<Operation *, 8> ops;
  /// How often an anchor that streams emits the code of an op; see countCopies.
  DenseMap<Operation *, int64_t> copies;
};

bool isView(Operation *op) { return op->hasTrait<trait::IsView>(); }

bool isSplatConstant(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  if (!constant)
    return false;
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  return dense && dense.isSplat();
}

/// Ops that stay in the host function; effects happen there, in their order.
bool isHostOp(Operation *op) {
  return op->hasTrait<trait::StaysInHost>() ||
         !isa<SluiceDialect>(op->getDialect()) || !isPure(op);
}

/// Is the op's element so cheap that computing it at every use is fine?
bool isElementwise(Operation *op) { return isa<ElementwiseOpInterface>(op); }

/// Into how many parts an op cuts its result's rows, where the kernel of
/// elementwise ops can read through it, or write what it puts together, vector
/// by vector; 0 where it cannot.
size_t countRowPieces(Operation *op) {
  constexpr int64_t shortestPiece = 8, widestStep = 2;
  auto moving = dyn_cast<RowMovementOpInterface>(op);
  auto movement = moving ? moving.getRowMovement() : std::nullopt;
  if (!movement || llvm::any_of(movement->pieces, [](const RowPiece &piece) {
        return piece.size < shortestPiece || piece.from.step > widestStep;
      }))
    return 0;
  return movement->pieces.size();
}

bool movesRows(Operation *op) { return countRowPieces(op) > 0; }

bool takesEpilogue(Operation *op) {
  auto anchor = dyn_cast<AnchorOpInterface>(op);
  return anchor && anchor.takesEpilogue();
}

/// Does the kernel of an anchor compute what this use reads on the spot?
bool takesPrologue(OpOperand &use) {
  auto anchor = dyn_cast<AnchorOpInterface>(use.getOwner());
  return anchor && anchor.takesPrologue(use.getOperandNumber());
}

/// May the epilogue of an anchor whose result has elements of `anchor` read or
/// store elements of this type? Behind sums of floats all are floats, behind
/// those of integers numbers of any kind.
bool isEpilogueType(Type element, Type anchor) {
  return getNumberKind(element) &&
         (isa<FloatType>(element) || !isa<FloatType>(anchor));
}

/// Can a vector of neighbouring result elements read this operand of an
/// epilogue without looking for its place: from the same place, from a row
/// that serves all rows, or from a single element?
bool isSimpleOperand(Value operand, Value result, Type anchorType,
                     SymbolicShapes &symbols) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (!isEpilogueType(type.getElementType(), anchorType))
    return false;
  ArrayRef<int64_t> shape = type.getShape();
  auto isOne = [](int64_t size) { return size == 1; };
  if (shape.empty() || llvm::all_of(shape, isOne))
    return true;
  if (llvm::all_of(shape.drop_back(), isOne))
    return shape.back() == shapeOf(result).back();
  return shape == shapeOf(result) && symbols.haveSameShape(operand, result);
}

/// Can the group's ops run on the accumulators of an anchor?
bool isEpilogue(const Group &group, Operation *anchor,
                SymbolicShapes &symbols) {
  Value result = group.sink->getResult(0);
  Type anchorType = elementTypeOf(anchor->getResult(0));
  if (!isEpilogueType(elementTypeOf(result), anchorType))
    return false;
  for (Operation *op : group.ops)
    if (!isElementwise(op))
      return false;
  for (Operation *op : group.ops)
    for (Value operand : op->getOperands())
      if (!group.ops.contains(operand.getDefiningOp()) &&
          !isSimpleOperand(operand, result, anchorType, symbols))
        return false;
  return true;
}

/// Does the anchor read an operand's elements once, wherever they come from?
bool streamsOperands(Operation *anchor) {
  return llvm::any_of(anchor->getOpOperands(), takesPrologue);
}

/// Can a kernel that reads `op`'s elements once compute them meanwhile, in less
/// time than they take on their way to memory and back? Integers are reduced
/// one at a time, so what a vector computes at once is better stored.
bool isCheapToStream(Operation *op, Operation *anchor) {
  return cpuEmitters().find(op).vector ||
         (isElementwise(op) &&
          isa<FloatType>(elementTypeOf(anchor->getOperand(0))));
}

/// An anchor that streams emits the code of what it reads anew for each reader,
/// and those that put vectors together have several ways to read: no code may
/// grow beyond bounds where they follow each other.
constexpr int64_t maximumCopies = 64;

/// How often the code of `op` is emitted in front of the group's anchor.
int64_t countCopies(const Group &group, Operation *op) {
  constexpr int64_t waysToRead = 4;
  int64_t copies = 0;
  for (Operation *user : op->getUsers()) {
    bool hasWays = cpuEmitters().find(user).vector;
    copies += user == group.anchor
                  ? 1
                  : group.copies.lookup(user) * (hasWays ? waysToRead : 1);
  }
  return copies;
}

/// Does an elementwise op broadcast to rows of a part of a vector? It takes
/// less when many are computed at once and stored.
bool broadcastsShortRows(Operation *op) {
  constexpr int64_t shortRow = 8;
  auto isOne = [](int64_t size) { return size == 1; };
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  auto inner = llvm::find_if_not(llvm::reverse(shape), isOne);
  if (!isElementwise(op) || inner == shape.rend() ||
      ShapedType::isDynamic(*inner) || *inner >= shortRow)
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return shapeOf(operand) != shape && !llvm::all_of(shapeOf(operand), isOne);
  });
}

/// Does a user of a value, in a kernel that streams, read each of its elements
/// once? All that have the value's shape do; those that move elements do so to
/// what they move.
bool readsOnce(Operation *user, Value value, SymbolicShapes &symbols) {
  Value result = user->getResult(0);
  ArrayRef<int64_t> shape = shapeOf(value);
  if (user->hasTrait<trait::MovesElements>())
    return shape.size() == shapeOf(result).size();
  return (isElementwise(user) || user->hasTrait<trait::BroadcastsOperand>()) &&
         shape == shapeOf(result) && symbols.haveSameShape(value, result);
}

/// Is an op's first operand a table that a product has in panels, its rows as
/// columns? The op can read it there only in a kernel of its own.
bool readsSharedTable(Operation *op) {
  auto table = op->getNumOperands() > 0
                   ? op->getOperand(0).getDefiningOp<ConstantOp>()
                   : ConstantOp();
  return table && llvm::any_of(table->getUses(), [](OpOperand &use) {
           auto product = dyn_cast<MatmulOp>(use.getOwner());
           return product && product.getTransposeRhs() &&
                  &product.getRhsMutable() == &use &&
                  hasPackableWeights(product);
         });
}

/// Could an elementwise op run on the accumulators of what it reads?
bool mayBeEpilogue(Operation *op) {
  return llvm::any_of(op->getOperands(), [](Value operand) {
    Operation *producer = operand.getDefiningOp();
    return producer && takesEpilogue(producer) && operand.hasOneUse();
  });
}

/// Does a kernel of elementwise ops stay of a modest size with one more op that
/// moves parts of rows? It has code for each part.
bool isWithinPieces(const Group &group, Operation *op) {
  constexpr size_t mostPieces = 32;
  size_t pieces = countRowPieces(op);
  for (Operation *other : group.ops)
    pieces += countRowPieces(other);
  return pieces <= mostPieces;
}

/// May a kernel of elementwise ops also compute `op`, whose users are in it?
/// Elements must be computed once: a value that is broadcast would be computed
/// once per use, and one of which parts are moved for each of them.
bool joinsMap(const Group &group, Operation *op, SymbolicShapes &symbols) {
  Value value = op->getResult(0);
  bool isMoved = false;
  for (Operation *user : op->getUsers()) {
    if (!isElementwise(user)) {
      isMoved = true;
      continue;
    }
    Value result = user->getResult(0);
    if (shapeOf(value) != shapeOf(result) ||
        !symbols.haveSameShape(value, result))
      return false;
  }
  if (movesRows(op))
    return isWithinPieces(group, op);
  return isElementwise(op) &&
         (!isMoved || (op->hasOneUse() && !mayBeEpilogue(op)));
}

/// Is an op that moves parts of rows of what a kernel of elementwise ops may
/// compute on the way?
bool movesComputed(Operation *op) {
  return movesRows(op) && llvm::any_of(op->getOperands(), [&](Value operand) {
           Operation *producer = operand.getDefiningOp();
           if (!producer || producer->getBlock() != op->getBlock() ||
               !isOnlyReadBy(operand, op))
             return false;
           return movesRows(producer) ||
                  (isElementwise(producer) && operand.hasOneUse() &&
                   !mayBeEpilogue(producer));
         });
}

class FormKernelsPass final
    : public impl::FormKernelsPassBase<FormKernelsPass> {
public:
  using FormKernelsPassBase::FormKernelsPassBase;

  void runOnOperation() final;

private:
  void formInBlock(Block &block, SizeResolver &resolver,
                   SymbolicShapes &symbols);
  bool accepts(const Group &group, Operation *op, SymbolicShapes &symbols);
  void makeRegion(Group &group, SizeResolver &resolver);
  void makeAlias(Operation *op, SizeResolver &resolver);
  void dropEmpty(Operation *op, SizeResolver &resolver);
  /// The dynamic sizes of an op's results.
  SmallVector<Value> dynamicSizes(OpBuilder &builder, SizeResolver &resolver,
                                  ValueRange results);
};

} // namespace

/// May a group with this sink also compute `op`, all of whose users are in it?
bool FormKernelsPass::accepts(const Group &group, Operation *op,
                              SymbolicShapes &symbols) {
  if (op->getNumResults() != 1 || group.ops.size() >= maximumOps)
    return false;
  // In front of an anchor that reads what it is given once.
  if (group.anchor && group.anchor == group.sink &&
      streamsOperands(group.anchor))
    return isCheapToStream(op, group.anchor) && !broadcastsShortRows(op) &&
           !readsSharedTable(op) && countCopies(group, op) <= maximumCopies &&
           llvm::all_of(op->getUses(), [&](OpOperand &use) {
             return use.getOwner() == group.anchor
                        ? takesPrologue(use)
                        : readsOnce(use.getOwner(), op->getResult(0), symbols);
           });
  // Does the anchor read the result? Then it would be computed again and
  // again.
  if (group.anchor)
    for (Operation *user : op->getUsers())
      if (user == group.anchor)
        return false;
  if (!group.anchor && (isElementwise(op) || movesRows(op)))
    return joinsMap(group, op, symbols);
  // Elements must be computed once: a value that is broadcast would be
  // computed once per use.
  if (shapeOf(op->getResult(0)) != shapeOf(group.sink->getResult(0)) ||
      !symbols.haveSameShape(op->getResult(0), group.sink->getResult(0)))
    return false;
  if (isElementwise(op)) {
    return takesEpilogue(group.anchor) &&
           llvm::all_of(op->getOperands(), [&](Value operand) {
             return group.ops.contains(operand.getDefiningOp()) ||
                    isSimpleOperand(operand, group.sink->getResult(0),
                                    elementTypeOf(group.anchor->getResult(0)),
                                    symbols);
           });
  }
  return !group.anchor && takesEpilogue(op) && isEpilogue(group, op, symbols);
}

/// Is a value, or what follows from it, moved by one of the ops of a kernel,
/// given in order?
static bool isMoved(Value value, ArrayRef<Operation *> ops) {
  DenseSet<Value> found{value};
  for (Operation *op : ops) {
    bool follows = llvm::any_of(op->getOperands(), [&](Value operand) {
      return found.contains(operand);
    });
    if (follows && !isElementwise(op))
      return true;
    if (follows)
      found.insert(op->getResult(0));
  }
  return false;
}

SmallVector<Value> FormKernelsPass::dynamicSizes(OpBuilder &builder,
                                                 SizeResolver &resolver,
                                                 ValueRange results) {
  SmallVector<Value> sizes;
  for (Value result : results)
    for (auto [i, known] : llvm::enumerate(shapeOf(result)))
      if (ShapedType::isDynamic(known))
        sizes.push_back(getValueOrCreateConstantIndexOp(
            builder, result.getLoc(), resolver.size(result, i)));
  return sizes;
}

void FormKernelsPass::makeRegion(Group &group, SizeResolver &resolver) {
  Operation *sink = group.sink;
  OpBuilder builder(sink);
  SmallVector<Value> sizes =
      dynamicSizes(builder, resolver, sink->getResults());
  // In order of appearance, so that equal groups give equal kernels.
  SmallVector<Operation *> ops(group.ops.begin(), group.ops.end());
  llvm::sort(ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  // Elementwise bodies take splat constants as numbers; emitters of other ops
  // may want to see a buffer.
  auto isNumber = [&](Operation *producer) {
    return producer && isSplatConstant(producer) &&
           llvm::all_of(ops, [&](Operation *op) {
             return isElementwise(op) ||
                    !llvm::is_contained(op->getOperands(),
                                        producer->getResult(0));
           });
  };
  SmallVector<Value> inputs;
  SmallVector<Operation *> splats;
  SmallVector<Location> locations;
  for (Operation *op : ops) {
    locations.push_back(op->getLoc());
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && group.ops.contains(producer))
        continue;
      if (isNumber(producer)) {
        if (!llvm::is_contained(splats, producer))
          splats.push_back(producer);
        continue;
      }
      if (!llvm::is_contained(inputs, operand))
        inputs.push_back(operand);
    }
  }
  StringRef anchor = group.anchor ? group.anchor->getName().stripDialect()
                                  : StringRef(mapAnchor);
  SmallVector<int64_t> reusable;
  if (!group.anchor) {
    reusable = findReusable(inputs, sink->getResult(0).getType());
    llvm::erase_if(reusable,
                   [&](int64_t i) { return isMoved(inputs[i], ops); });
  }
  auto region = kernel::RegionOp::create(
      builder, FusedLoc::get(builder.getContext(), locations),
      sink->getResultTypes(), inputs, sizes, anchor, reusable,
      kernel::builtinProvider, kernel::KernelConfigAttrInterface(),
      ArrayAttr());
  if (group.anchor)
    kernel::copyKernelAttributes(group.anchor, region);
  Block *body = builder.createBlock(&region.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *splat : splats)
    builder.clone(*splat, mapping);
  for (Operation *op : ops) {
    Operation *copy = builder.clone(*op, mapping);
    kernel::removeKernelAttributes(copy);
  }
  SmallVector<Value> yielded;
  for (Value result : sink->getResults())
    yielded.push_back(mapping.lookup(result));
  kernel::YieldOp::create(builder, sink->getLoc(), yielded);
  if (ops.size() > 1)
    remarks::applied(region, remarks::fusion)
        << "fused into one " << anchor << " kernel";
  sink->replaceAllUsesWith(region.getResults());
  for (Operation *op : llvm::reverse(ops))
    op->erase();
}

void FormKernelsPass::makeAlias(Operation *op, SizeResolver &resolver) {
  OpBuilder builder(op);
  SmallVector<Value> sizes = dynamicSizes(builder, resolver, op->getResults());
  Value alias =
      kernel::AliasOp::create(builder, op->getLoc(), op->getResult(0).getType(),
                              op->getOperand(0), sizes);
  op->getResult(0).replaceAllUsesWith(alias);
  op->erase();
}

/// A tensor without elements needs no kernel that computes it. What nothing
/// reads any more is erased with what else is not read.
void FormKernelsPass::dropEmpty(Operation *op, SizeResolver &resolver) {
  auto isEmpty = [](Type type) {
    return llvm::is_contained(cast<RankedTensorType>(type).getShape(), 0);
  };
  if (isHostOp(op) || isView(op) || isa<ScanOp>(op->getParentOp()) ||
      !llvm::all_of(op->getResultTypes(), isEmpty))
    return;
  OpBuilder builder(op);
  for (OpResult result : op->getResults()) {
    auto type = cast<RankedTensorType>(result.getType());
    auto emptyType = type.hasStaticShape()
                         ? type
                         : RankedTensorType::get({0}, type.getElementType());
    Value empty = ConstantOp::create(
        builder, op->getLoc(),
        DenseElementsAttr::get(emptyType, ArrayRef<Attribute>()));
    if (!type.hasStaticShape())
      empty = kernel::AliasOp::create(builder, op->getLoc(), type, empty,
                                      dynamicSizes(builder, resolver, result));
    result.replaceAllUsesWith(empty);
  }
}

void FormKernelsPass::formInBlock(Block &block, SizeResolver &resolver,
                                  SymbolicShapes &symbols) {
  std::vector<std::unique_ptr<Group>> groups;
  DenseMap<Operation *, Group *> groupOf;
  for (Operation &op : llvm::reverse(block)) {
    if (isHostOp(&op) && !isView(&op))
      continue;
    Group *joined = nullptr;
    bool single = !op.use_empty() && !isView(&op);
    for (Operation *user : op.getUsers()) {
      Group *group = groupOf.lookup(user);
      if (!group || (joined && group != joined)) {
        single = false;
        break;
      }
      joined = group;
    }
    if (single && joined && accepts(*joined, &op, symbols)) {
      joined->ops.insert(&op);
      joined->copies[&op] = countCopies(*joined, &op);
      groupOf[&op] = joined;
      if (!joined->anchor && !isElementwise(&op) && !movesRows(&op))
        joined->anchor = &op;
      continue;
    }
    auto group = std::make_unique<Group>();
    group->sink = &op;
    group->anchor = isElementwise(&op) || movesComputed(&op) ? nullptr : &op;
    group->ops.insert(&op);
    if (!isView(&op))
      groupOf[&op] = group.get();
    groups.push_back(std::move(group));
  }
  // From the last to the first: the shape chains in front, whose ends nothing
  // reads any more once sizes are computed, disappear.
  for (auto &group : groups) {
    if (group->sink->use_empty()) {
      SmallVector<Operation *> ops(group->ops.begin(), group->ops.end());
      llvm::sort(ops, [](Operation *a, Operation *b) {
        return b->isBeforeInBlock(a);
      });
      for (Operation *op : ops)
        op->erase();
    } else if (isView(group->sink)) {
      makeAlias(group->sink, resolver);
    } else {
      // What does nothing but move elements has a kernel of its own.
      if (!isElementwise(group->sink) && group->ops.size() == 1)
        group->anchor = group->sink;
      makeRegion(*group, resolver);
    }
  }
}

/// Gives each reader that streams a copy of its own of what is computed on the
/// way, where there are none but such readers: nobody has to store it.
static void copyForStreams(Operation *op) {
  auto streams = [&](OpOperand &use) {
    return takesPrologue(use) && use.getOwner()->getBlock() == op->getBlock();
  };
  if (op->getNumResults() != 1 || op->use_empty() || op->hasOneUse() ||
      !cpuEmitters().find(op).vector || readsSharedTable(op) ||
      !llvm::all_of(op->getUses(), streams))
    return;
  OpBuilder builder(op);
  while (!op->hasOneUse())
    op->use_begin()->set(builder.clone(*op)->getResult(0));
}

void FormKernelsPass::runOnOperation() {
  getOperation().walk([](Operation *op) { copyForStreams(op); });
  // Every size once, where its tensor is made, and while the shape chains in
  // front still are ops that can be seen through.
  SmallVector<Operation *> ops;
  getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<SluiceDialect>(op->getDialect()))
      ops.push_back(op);
  });
  OpBuilder builder(&getContext());
  SizeResolver resolver(builder);
  SymbolicShapes symbols;
  for (Operation *op : ops) {
    if (failed(resolver.visit(op))) {
      op->emitError("result sizes cannot be computed");
      return signalPassFailure();
    }
    symbols.visit(op);
  }
  for (Operation *op : ops)
    dropEmpty(op, resolver);
  SmallVector<Block *> blocks;
  getOperation().walk<WalkOrder::PreOrder>([&](Block *block) {
    // The body of a scan is part of its kernel.
    if (!isa<ScanOp>(block->getParentOp()))
      blocks.push_back(block);
  });
  // The last block first, as inside a block.
  for (Block *block : llvm::reverse(blocks))
    formInBlock(*block, resolver, symbols);
}

} // namespace sluice
