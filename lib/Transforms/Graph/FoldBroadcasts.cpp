//===- FoldBroadcasts.cpp - Products of broadcast matrices ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ReducedTiles.h"
#include "RepeatedOperand.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Analysis/SymbolicShapes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FOLDBROADCASTSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// A product of less depth costs no more than writing its result again.
constexpr int64_t leastDepth = 16;

class FoldBroadcastsPass final
    : public impl::FoldBroadcastsPassBase<FoldBroadcastsPass> {
public:
  using FoldBroadcastsPassBase::FoldBroadcastsPassBase;
  void runOnOperation() final;
};

/// An operand of a product that is a broadcast matrix, or many of them.
class BroadcastOperand {
public:
  BroadcastOperand(MatmulOp op, unsigned number, SymbolicShapes &symbols)
      : op(op), number(number), symbols(symbols),
        broadcast(op->getOperand(number).getDefiningOp<BroadcastOp>()) {
    if (!broadcast)
      return;
    source = broadcast.getOperand();
    other = op->getOperand(1 - number);
    rank = shapeOf(broadcast).size();
    sourceRank = shapeOf(source).size();
    bool isTransposed =
        number == 0 ? op.getTransposeLhs() : op.getTransposeRhs();
    // Rows of the left matrix are last where it is transposed, columns of the
    // right one where it is not.
    freeDimension = (number == 0) == isTransposed ? rank - 1 : rank - 2;
    depthDimension = 2 * rank - 3 - freeDimension;
  }

  /// Does the product broadcast the batch by itself, so that its result has
  /// the same sizes without the broadcast?
  bool isForBatch() {
    return hasMatrices() && isKept(depthDimension) && isKept(freeDimension);
  }
  /// Are all rows of the left matrix, or columns of the right one, the same?
  bool isForVectors() {
    return hasMatrices() && isKept(depthDimension) &&
           op.getType().hasStaticShape() &&
           shapeOf(broadcast)[depthDimension] >= leastDepth &&
           shapeOf(source)[freeDimension - rank + sourceRank] == 1 &&
           shapeOf(broadcast)[freeDimension] > 1;
  }

  void foldBatch() {
    remarks::applied(broadcast, remarks::fusion)
        << "not written: the product that reads it broadcasts by itself";
    op->setOperand(number, source);
    dropBroadcast();
  }
  /// The product of one vector, broadcast then.
  void foldVectors() {
    remarks::applied(broadcast, remarks::fusion)
        << "done after the product that reads it";
    OpBuilder builder(op);
    auto type = op.getType();
    int64_t place = type.getRank() - 2 + number;
    SmallVector<int64_t> shape(type.getShape()), toward{1, 1};
    toward[number] = shape[place];
    shape[place] = 1;
    Operation *product = builder.clone(*op);
    product->setOperand(number, source);
    product->getResult(0).setType(type.clone(shape));
    Value sizes = createShapeConstant(builder, broadcast.getLoc(), toward);
    op.replaceAllUsesWith(GraphBuilder(builder, broadcast.getLoc())
                              .make<BroadcastOp>(product->getResult(0), sizes));
    op->erase();
    dropBroadcast();
  }

private:
  bool hasMatrices() { return broadcast && sourceRank >= 2 && batchIsGiven(); }

  /// Is a dimension of the broadcast surely that of its operand?
  bool isKept(int64_t dimension) {
    int64_t place = dimension - rank + sourceRank;
    return place >= 0 && symbols.dimension(source, place) ==
                             symbols.dimension(broadcast, dimension);
  }
  /// Does the other operand have each size of the batch that is new?
  bool batchIsGiven() {
    int64_t otherRank = shapeOf(other).size();
    return llvm::all_of(
        llvm::seq<int64_t>(0, rank - 2), [&](int64_t dimension) {
          int64_t place = dimension - rank + otherRank;
          return isKept(dimension) ||
                 (place >= 0 && symbols.dimension(other, place) ==
                                    symbols.dimension(broadcast, dimension));
        });
  }
  void dropBroadcast() {
    if (broadcast->use_empty())
      broadcast->erase();
  }

  MatmulOp op;
  unsigned number;
  SymbolicShapes &symbols;
  BroadcastOp broadcast;
  Value source, other;
  int64_t rank = 0, sourceRank = 0, freeDimension = 0, depthDimension = 0;
};

} // namespace

void FoldBroadcastsPass::runOnOperation() {
  SmallVector<MatmulOp> products;
  SymbolicShapes symbols;
  getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
    symbols.visit(op);
    if (auto product = dyn_cast<MatmulOp>(op))
      products.push_back(product);
  });
  llvm::SetVector<Operation *> replaced;
  for (MatmulOp product : products)
    for (unsigned number : {0u, 1u}) {
      if (RepeatedOperand repeated{product, number, symbols}) {
        repeated.fold(replaced);
        break;
      }
      BroadcastOperand operand(product, number, symbols);
      if (operand.isForBatch()) {
        operand.foldBatch();
      } else if (operand.isForVectors()) {
        operand.foldVectors();
        break;
      }
    }
  for (Operation *op : replaced)
    if (op->use_empty())
      op->erase();
  SmallVector<ReduceOp> reductions;
  getOperation().walk([&](ReduceOp op) { reductions.push_back(op); });
  for (ReduceOp op : reductions)
    reduceTileAsBroadcast(op);
}

} // namespace sluice
