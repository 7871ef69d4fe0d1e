//===- TreeKernels.cpp - Decision trees -----------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A step down a tree is four loads in a chain, without a branch: what is in the
// node, the row's value in its column, and the child that follows from the
// comparison. One chain leaves the CPU idle, so many of them run side by side:
// rows in one tree, or, for the rows that are left, trees for one row. Gathers
// of 16 rows take twice as long on Zen 4. A block of rows, which stays in the
// first-level cache, goes through all trees, each of which is read once for the
// block.
//
// Trees end by themselves, since a leaf is its own child; a walk takes as many
// steps as the tree is deep. In deep trees most rows are at a leaf long before,
// so every `stretch` steps the walk looks whether all are.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

namespace {

class TreeEmitter {
public:
  TreeEmitter(KernelBuilder &kernel, TreeEnsembleOp op);
  void emit();

private:
  /// Chains that run side by side: rows in one tree, which is in the
  /// first-level cache, and trees for one row, which are not.
  static constexpr int64_t rowLanes = 16;
  static constexpr int64_t treeLanes = 24;
  static constexpr int64_t stretch = 8;
  static constexpr int64_t nodeWords = TreeEnsembleOp::nodeWords;
  static constexpr int64_t treeWords = TreeEnsembleOp::treeWords;

  /// A walk: where the values of its row begin, and the row of the result.
  struct Walk {
    Value values, row;
  };

  Value word(Value table, Value place) {
    Value value =
        memref::LoadOp::create(kernel.builder, kernel.loc, table, place);
    return arith::IndexCastUIOp::create(kernel.builder, kernel.loc,
                                        kernel.builder.getIndexType(), value);
  }
  Value bits(Value table, Value place) {
    Value value =
        memref::LoadOp::create(kernel.builder, kernel.loc, table, place);
    return arith::BitcastOp::create(kernel.builder, kernel.loc, type, value);
  }
  Value treeWord(Value tree, int64_t which) {
    return word(trees, kernel.add(kernel.mul(tree, kernel.index(treeWords)),
                                  kernel.index(which)));
  }
  Value plus(Value place, int64_t distance) {
    return kernel.add(place, kernel.index(distance));
  }
  int64_t rowsOfBlock();
  Value sizeOfBlocks(Value rows, int64_t most);
  void stage(Value first, Value rows);
  void clear(Value first, Value rows);
  Value step(Value at, const Walk &walk);
  Value allAtLeaves(ValueRange at);
  /// From the roots to leaves, for as many steps as the deepest tree needs.
  SmallVector<Value> walk(ValueRange roots, ArrayRef<Walk> walks, Value depth);
  Value join(Value sum, Value weight);
  /// Adds what the leaf at `at` has for the row to the result.
  void accumulate(Value at, Value row, Value tree);
  void accumulateList(Value at, Value row);
  void walkRows(Value first, Value rows);
  void walkTrees(Value values, Value row);
  void walkSomeTrees(Value firstTree, int64_t count, Value values, Value row);

  KernelBuilder &kernel;
  BodyBuilder body;
  TreeEnsembleOp op;
  RowBuffer operand, result;
  Type type;
  Value nodes, trees, columns, leaves;
  int64_t columnCount, width, targets;
  Value base;
  std::optional<RowBuffer> staged;
};

} // namespace

TreeEmitter::TreeEmitter(KernelBuilder &kernel, TreeEnsembleOp op)
    : kernel(kernel), body{kernel.builder, kernel.loc}, op(op),
      operand(kernel, op.getOperand()), result(kernel, op.getResult()),
      type(elementTypeOf(op.getOperand())),
      nodes(flatBuffer(kernel, op.getNodes())),
      trees(flatBuffer(kernel, op.getTrees())),
      columns(flatBuffer(kernel, op.getColumns())),
      columnCount(op.getColumnCount()), width(columnCount + 1),
      targets(op.getTargets()) {
  if (op.getLeaves())
    leaves = flatBuffer(kernel, op.getLeaves());
}

/// As many rows as leave room for a tree in the first-level cache.
int64_t TreeEmitter::rowsOfBlock() {
  constexpr int64_t stagedBytes = 16 << 10, most = 256;
  int64_t rowBytes = width * type.getIntOrFloatBitWidth() / 8;
  int64_t rows = std::clamp(stagedBytes / rowBytes, rowLanes, most);
  int64_t known = shapeOf(op.getOperand())[0];
  if (!ShapedType::isDynamic(known))
    rows = std::min(rows, std::max<int64_t>(known, 1));
  return llvm::alignTo(rows, rowLanes);
}

/// The same where there are few rows, so that several threads have some: then
/// blocks are smaller.
Value TreeEmitter::sizeOfBlocks(Value rows, int64_t most) {
  constexpr int64_t shares = 8;
  OpBuilder &builder = kernel.builder;
  Value groups = kernel.div(plus(rows, shares * rowLanes - 1),
                            kernel.index(shares * rowLanes));
  groups =
      builder.createOrFold<arith::MaxSIOp>(kernel.loc, groups, kernel.index(1));
  return builder.createOrFold<arith::MinSIOp>(
      kernel.loc, kernel.mul(groups, kernel.index(rowLanes)),
      kernel.index(most));
}

/// Copies the columns of rows from `first` on, with a NaN behind each.
void TreeEmitter::stage(Value first, Value rows) {
  Value nan = kernel.number(type, std::numeric_limits<double>::quiet_NaN());
  Value features = kernel.size(op.getOperand(), 1);
  int64_t plain = columnCount - static_cast<int64_t>(op.getNegated());
  kernel.forEach({rows}, [&](ValueRange at) {
    Value from = kernel.mul(kernel.add(first, at[0]), features);
    Value to = kernel.add(base, kernel.mul(at[0], kernel.index(width)));
    staged->storeScalar(nan, plus(to, columnCount));
    if (op.getContiguous()) {
      forEachPiece(kernel, kernel.index(columnCount), staged->lanes(),
                   [&](const Piece &piece) {
                     staged->store(operand.load(from, piece), to, piece);
                   });
      return;
    }
    auto copy = [&](int64_t begin, int64_t end, bool negate) {
      kernel.forEach({kernel.index(end - begin)}, [&](ValueRange which) {
        Value column = plus(which[0], begin);
        Value value =
            operand.loadScalar(kernel.add(from, word(columns, column)));
        if (negate)
          value = body.make<arith::NegFOp>(value);
        staged->storeScalar(value, kernel.add(to, column));
      });
    };
    copy(0, plain, /*negate=*/false);
    copy(plain, columnCount, /*negate=*/true);
  });
}

void TreeEmitter::clear(Value first, Value rows) {
  double neutral = op.getKind() == ReductionKind::Sum ? 0.0
                   : op.getKind() == ReductionKind::Min
                       ? std::numeric_limits<double>::infinity()
                       : -std::numeric_limits<double>::infinity();
  Value start = kernel.mul(first, kernel.index(targets));
  Value vector = result.splat(kernel.number(type, neutral));
  forEachPiece(kernel, kernel.mul(rows, kernel.index(targets)), result.lanes(),
               [&](const Piece &piece) { result.store(vector, start, piece); });
}

Value TreeEmitter::step(Value at, const Walk &walk) {
  Value threshold = bits(nodes, at);
  Value column = word(nodes, plus(at, 1));
  Value child = word(nodes, plus(at, 2));
  Value value = staged->loadScalar(kernel.add(walk.values, column));
  Value isBelow = body.compare(arith::CmpFPredicate::OLE, value, threshold);
  Value moved = arith::ExtUIOp::create(kernel.builder, kernel.loc,
                                       kernel.builder.getI64Type(), isBelow);
  Value side = arith::IndexCastOp::create(kernel.builder, kernel.loc,
                                          kernel.builder.getIndexType(), moved);
  return kernel.add(child, kernel.mul(side, kernel.index(nodeWords)));
}

Value TreeEmitter::allAtLeaves(ValueRange at) {
  Value leafColumn = kernel.index(columnCount), all;
  for (Value place : at)
    all = both(kernel, all,
               compare(kernel, Predicate::eq, word(nodes, plus(place, 1)),
                       leafColumn));
  return all;
}

SmallVector<Value> TreeEmitter::walk(ValueRange roots, ArrayRef<Walk> walks,
                                     Value depth) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  // The steps that are left, and where each walk is.
  SmallVector<Value> initial{depth};
  llvm::append_range(initial, roots);
  SmallVector<Type> types(initial.size(), builder.getIndexType());
  SmallVector<Location> locations(initial.size(), loc);
  auto loop = scf::WhileOp::create(builder, loc, types, initial);
  OpBuilder::InsertionGuard guard(builder);
  Block *before = builder.createBlock(&loop.getBefore(), {}, types, locations);
  Value goesOn =
      compare(kernel, Predicate::sgt, before->getArgument(0), kernel.index(0));
  scf::ConditionOp::create(builder, loc, goesOn, before->getArguments());
  Block *after = builder.createBlock(&loop.getAfter(), {}, types, locations);
  Value left = after->getArgument(0);
  Value count =
      arith::MinSIOp::create(builder, loc, left, kernel.index(stretch));
  SmallVector<Value> at =
      kernel.loop(count, after->getArguments().drop_front(),
                  [&](Value, ValueRange running) {
                    SmallVector<Value> next;
                    for (auto [place, walk] : llvm::zip_equal(running, walks))
                      next.push_back(step(place, walk));
                    return next;
                  });
  Value rest = kernel.sub(left, count);
  Value isOpen = compare(kernel, Predicate::sgt, rest, kernel.index(0));
  SmallVector<Value> next = kernel.choose(
      isOpen, builder.getIndexType(),
      [&] {
        return SmallVector<Value>{
            select(kernel, allAtLeaves(at), kernel.index(0), rest)};
      },
      [&] { return SmallVector<Value>{kernel.index(0)}; });
  llvm::append_range(next, at);
  scf::YieldOp::create(builder, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults().drop_front());
}

Value TreeEmitter::join(Value sum, Value weight) {
  if (op.getKind() == ReductionKind::Sum)
    return body.add(sum, weight);
  auto predicate = op.getKind() == ReductionKind::Min
                       ? arith::CmpFPredicate::OLT
                       : arith::CmpFPredicate::OGT;
  return body.select(body.compare(predicate, weight, sum), weight, sum);
}

void TreeEmitter::accumulate(Value at, Value row, Value tree) {
  if (leaves)
    return accumulateList(at, row);
  Value place = row;
  if (targets > 1)
    place =
        kernel.add(kernel.mul(row, kernel.index(targets)), treeWord(tree, 2));
  result.storeScalar(join(result.loadScalar(place), bits(nodes, at)), place);
}

void TreeEmitter::accumulateList(Value at, Value row) {
  Value list = word(nodes, at);
  Value start = kernel.mul(row, kernel.index(targets));
  kernel.forEach({word(leaves, list)}, [&](ValueRange which) {
    Value pair =
        kernel.add(plus(list, 1), kernel.mul(which[0], kernel.index(2)));
    Value place = kernel.add(start, word(leaves, pair));
    Value weight = bits(leaves, plus(pair, 1));
    result.storeScalar(join(result.loadScalar(place), weight), place);
  });
}

/// All trees for `rows` rows, which are a multiple of `rowLanes`.
void TreeEmitter::walkRows(Value first, Value rows) {
  Value groups = kernel.div(rows, kernel.index(rowLanes));
  kernel.forEach({kernel.index(op.getTreeCount())}, [&](ValueRange which) {
    Value tree = which[0];
    Value root = treeWord(tree, 0), depth = treeWord(tree, 1);
    kernel.forEach({groups}, [&](ValueRange group) {
      Value offset = kernel.mul(group[0], kernel.index(rowLanes));
      Value values = kernel.add(base, kernel.mul(offset, kernel.index(width)));
      SmallVector<Walk> walks;
      for (int64_t lane = 0; lane < rowLanes; ++lane)
        walks.push_back({plus(values, lane * width),
                         plus(kernel.add(first, offset), lane)});
      SmallVector<Value> roots(rowLanes, root);
      SmallVector<Value> reached = walk(roots, walks, depth);
      for (auto [at, walk] : llvm::zip_equal(reached, walks))
        accumulate(at, walk.row, tree);
    });
  });
}

void TreeEmitter::walkSomeTrees(Value firstTree, int64_t count, Value values,
                                Value row) {
  SmallVector<Value> roots;
  Value depth;
  for (int64_t lane = 0; lane < count; ++lane) {
    Value tree = plus(firstTree, lane);
    roots.push_back(treeWord(tree, 0));
    Value own = treeWord(tree, 1);
    depth = depth
                ? arith::MaxSIOp::create(kernel.builder, kernel.loc, depth, own)
                      .getResult()
                : own;
  }
  SmallVector<Walk> walks(count, Walk{values, row});
  SmallVector<Value> reached = walk(roots, walks, depth);
  for (auto [lane, at] : llvm::enumerate(reached))
    accumulate(at, row, plus(firstTree, lane));
}

/// All trees for one row.
void TreeEmitter::walkTrees(Value values, Value row) {
  int64_t count = op.getTreeCount(), whole = count / treeLanes * treeLanes;
  kernel.forEach({kernel.index(whole / treeLanes)}, [&](ValueRange group) {
    walkSomeTrees(kernel.mul(group[0], kernel.index(treeLanes)), treeLanes,
                  values, row);
  });
  if (whole < count)
    walkSomeTrees(kernel.index(whole), count - whole, values, row);
}

void TreeEmitter::emit() {
  // Each task has its own scratch memory and does every tasks-th block.
  constexpr int64_t mostElements = int64_t(1) << 23;
  int64_t block = rowsOfBlock();
  int64_t mostTasks =
      std::clamp<int64_t>(mostElements / (block * width), 1, 32);
  Value rows = kernel.size(op.getOperand(), 0);
  Value size = sizeOfBlocks(rows, block);
  Value blocks =
      kernel.div(kernel.add(rows, kernel.sub(size, kernel.index(1))), size);
  Value tasks = kernel.builder.createOrFold<arith::MinSIOp>(
      kernel.loc, blocks, kernel.index(mostTasks));
  Value slot = kernel.index(block * width);
  staged.emplace(scratchRow(kernel, kernel.mul(tasks, slot), type));
  // Some steps down a tree for each row; of blocks that may be small.
  Cost each = kernel.cost({60, 0}) * op.getTreeCount() * 2 * rowLanes;
  shareAmongTasks(kernel, blocks, tasks, each, [&](Value task, Value item) {
    base = kernel.mul(task, slot);
    Value first = kernel.mul(item, size);
    Value own = arith::MinSIOp::create(kernel.builder, kernel.loc, size,
                                       kernel.sub(rows, first));
    stage(first, own);
    clear(first, own);
    Value rest = kernel.rem(own, kernel.index(rowLanes));
    Value whole = kernel.sub(own, rest);
    walkRows(first, whole);
    kernel.forEach({rest}, [&](ValueRange at) {
      Value offset = kernel.add(whole, at[0]);
      walkTrees(kernel.add(base, kernel.mul(offset, kernel.index(width))),
                kernel.add(first, offset));
    });
  });
}

static LogicalResult emitTreeEnsemble(KernelBuilder &kernel,
                                      Operation *anchor) {
  if (!isAlone(kernel, anchor))
    return anchor->emitOpError("takes no other ops into its kernel");
  TreeEmitter(kernel, cast<TreeEnsembleOp>(anchor)).emit();
  return success();
}

void sluice::registerTreeEmitters(EmitterRegistry &registry) {
  registry.addKernel<TreeEnsembleOp>(emitTreeEnsemble);
  registry.interleaveScalars<TreeEnsembleOp>();
}
