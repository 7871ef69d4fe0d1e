//===- LookupsBeforeFunctions.cpp - Compute what is looked up, only -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Lookups.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

namespace {

/// Looks up the same places in a tensor and in what it is made of.
class Lookup {
public:
  Lookup(PatternRewriter &rewriter, GatherOp op)
      : rewriter(rewriter), graph(rewriter, op.getLoc()),
        indices(op.getIndices()), indexRank(shapeOf(indices).size()) {}

  /// The entries of a constant expression along an axis.
  Value in(Value table, int64_t axis);
  /// As `in`, from the entries of what the table is made of; null, and nothing
  /// is built, where that does not work.
  Value inSources(Value table, int64_t axis);

private:
  Value inFunction(ElementwiseOpInterface function, int64_t axis);
  Value inUnsqueezed(UnsqueezeOp op, int64_t axis);
  Value inBroadcast(BroadcastOp op, int64_t axis);
  Value inReshaped(ReshapeOp op, int64_t axis);
  Value inSlice(SliceOp op, int64_t axis);
  Value inTransposed(TransposeOp op, int64_t axis);
  /// A table's shape with the indices' in place of the axis.
  SmallVector<int64_t> replaceAxis(ArrayRef<int64_t> shape, int64_t axis,
                                   ArrayRef<int64_t> replacement) const {
    SmallVector<int64_t> result(shape.take_front(axis));
    llvm::append_range(result, replacement);
    llvm::append_range(result, shape.drop_front(axis + 1));
    return result;
  }

  PatternRewriter &rewriter;
  GraphBuilder graph;
  Value indices;
  int64_t indexRank;
  /// What has been looked up, by table and axis.
  DenseMap<std::pair<Value, int64_t>, Value> known;
};

struct LookupBeforeFunction : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    Value table = op.getOperand();
    if (!pays(op))
      return failure();
    Value looked = Lookup(rewriter, op).inSources(table, op.getAxis());
    if (!looked)
      return failure();
    remarks::applied(op, remarks::constants)
        << "looked up before the table's elements are computed";
    if (looked.getType() != op.getType())
      looked.setType(op.getType());
    rewriter.replaceOp(op, looked);
    return success();
  }

private:
  /// Is the table better not computed as a whole, for this lookup?
  static bool pays(GatherOp op) {
    Value table = op.getOperand();
    auto type = cast<RankedTensorType>(table.getType());
    if (!type.hasStaticShape() || !isConstantExpression(table))
      return false;
    // As many entries as the table has are no less work.
    auto indices = cast<RankedTensorType>(op.getIndices().getType());
    if (indices.hasStaticShape() &&
        indices.getNumElements() >= type.getDimSize(op.getAxis()))
      return false;
    if (!isWorthStoring(table))
      return true;
    // A larger constant that nothing else needs.
    int64_t bytes = getBytes(type), source = getSourceBytes(table);
    return !isWorthStoring(bytes, 0) && bytes > source + source / 4 &&
           llvm::all_of(table.getUsers(),
                        [](Operation *user) { return isa<GatherOp>(user); });
  }
};

} // namespace

Value Lookup::in(Value table, int64_t axis) {
  auto it = known.find({table, axis});
  if (it != known.end())
    return it->second;
  Value result = inSources(table, axis);
  if (!result)
    result =
        graph.make<GatherOp>(table, indices, rewriter.getI64IntegerAttr(axis));
  return known[{table, axis}] = result;
}

Value Lookup::inSources(Value table, int64_t axis) {
  Operation *op = table.getDefiningOp();
  if (!cast<RankedTensorType>(table.getType()).hasStaticShape())
    return {};
  if (auto function = dyn_cast<ElementwiseOpInterface>(op))
    return inFunction(function, axis);
  if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op))
    return inUnsqueezed(unsqueeze, axis);
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return inBroadcast(broadcast, axis);
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return inReshaped(reshape, axis);
  if (auto slice = dyn_cast<SliceOp>(op))
    return inSlice(slice, axis);
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return inTransposed(transpose, axis);
  return {};
}

/// Operands that have an entry for each of the table's are looked up too; the
/// one entry that others have stays, in a dimension of one for each of the
/// indices'.
Value Lookup::inFunction(ElementwiseOpInterface function, int64_t axis) {
  if (function->getNumResults() != 1)
    return {};
  ArrayRef<int64_t> table = shapeOf(function->getResult(0));
  SmallVector<Value> operands;
  for (Value operand : function->getOperands()) {
    ArrayRef<int64_t> shape = shapeOf(operand);
    int64_t place = axis - static_cast<int64_t>(table.size() - shape.size());
    if (place >= 0 && shape[place] == table[axis])
      operand = in(operand, place);
    else if (place >= 0)
      operand = graph.reshape(
          operand,
          replaceAxis(shape, place, SmallVector<int64_t>(indexRank, 1)));
    operands.push_back(operand);
  }
  Operation *result = rewriter.clone(*function.getOperation());
  result->setOperands(operands);
  result->getResult(0).setType(
      RankedTensorType::get(replaceAxis(table, axis, shapeOf(indices)),
                            elementTypeOf(function->getResult(0))));
  return result->getResult(0);
}

Value Lookup::inUnsqueezed(UnsqueezeOp op, int64_t axis) {
  if (llvm::is_contained(op.getAxes(), axis))
    return {};
  SmallVector<int64_t> axes;
  int64_t before = 0;
  for (int64_t place : op.getAxes()) {
    before += place < axis;
    axes.push_back(place < axis ? place : place + indexRank - 1);
  }
  return graph.make<UnsqueezeOp>(in(op.getOperand(), axis - before), axes);
}

/// Blocks of a row have one scale, repeated along other dimensions.
Value Lookup::inBroadcast(BroadcastOp op, int64_t axis) {
  ArrayRef<int64_t> shape = shapeOf(op.getOperand()), result = shapeOf(op);
  auto sizes = evaluateConstantElements(op.getShape());
  if (shape.size() != result.size() || shape[axis] != result[axis] || !sizes ||
      sizes->size() != result.size())
    return {};
  SmallVector<int64_t> wanted =
      replaceAxis(*sizes, axis, SmallVector<int64_t>(indexRank, 1));
  auto type = RankedTensorType::get({static_cast<int64_t>(wanted.size())},
                                    rewriter.getI64Type());
  return graph.make<BroadcastOp>(in(op.getOperand(), axis),
                                 graph.make<ConstantOp>(DenseElementsAttr::get(
                                     type, ArrayRef<int64_t>(wanted))));
}

/// Dimensions behind the axis are taken together or apart.
Value Lookup::inReshaped(ReshapeOp op, int64_t axis) {
  ArrayRef<int64_t> from = shapeOf(op.getOperand()), to = shapeOf(op);
  size_t kept = axis + 1;
  if (from.size() < kept || from.take_front(kept) != to.take_front(kept))
    return {};
  // Zeros copy the sizes up to the indices', which may be dynamic.
  SmallVector<int64_t> sizes(axis + indexRank, 0);
  llvm::append_range(sizes, to.drop_front(kept));
  auto type = RankedTensorType::get({static_cast<int64_t>(sizes.size())},
                                    rewriter.getI64Type());
  return graph.make<ReshapeOp>(in(op.getOperand(), axis),
                               graph.make<ConstantOp>(DenseElementsAttr::get(
                                   type, ArrayRef<int64_t>(sizes))),
                               UnitAttr());
}

/// Other dimensions are cut afterwards.
Value Lookup::inSlice(SliceOp op, int64_t axis) {
  if (!op.getBounds().empty() || op.getStarts()[axis] != 0 ||
      op.getSteps()[axis] != 1 ||
      shapeOf(op)[axis] != shapeOf(op.getOperand())[axis])
    return {};
  SmallVector<int64_t> zeros(indexRank, 0), ones(indexRank, 1),
      ends(indexRank, INT64_MAX);
  return graph.make<SliceOp>(in(op.getOperand(), axis), ValueRange{},
                             replaceAxis(op.getStarts(), axis, zeros),
                             replaceAxis(op.getEnds(), axis, ends),
                             replaceAxis(op.getSteps(), axis, ones));
}

/// The indices' dimensions go where the axis goes.
Value Lookup::inTransposed(TransposeOp op, int64_t axis) {
  int64_t source = op.getPermutation()[axis];
  SmallVector<int64_t> permutation;
  for (auto [i, place] : llvm::enumerate(op.getPermutation())) {
    if (static_cast<int64_t>(i) == axis)
      llvm::append_range(permutation,
                         llvm::seq<int64_t>(source, source + indexRank));
    else
      permutation.push_back(place < source ? place : place + indexRank - 1);
  }
  return graph.transpose(in(op.getOperand(), source), permutation);
}

void addLookupsBeforeFunctions(RewritePatternSet &patterns) {
  patterns.add<LookupBeforeFunction>(patterns.getContext());
}

} // namespace sluice
