//===- PackTokens.cpp - Encoders on the tokens that exist -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Y. Zhai et al., "ByteTransformer: A High-Performance Transformer Boosted for
// Variable-Length Inputs", IPDPS 2023, section III: running sums of the mask of
// padding give each token that exists a row of packed matrices.
//
//===----------------------------------------------------------------------===//

#include "TokenRegion.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PACKTOKENSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Builds a region again on the tokens that something reads.
class TokenPacker {
public:
  explicit TokenPacker(TokenRegion &region)
      : region(region), builder(region.mask.getContext()) {}

  void run();

private:
  GraphBuilder steps(Location loc) { return {builder, loc}; }
  void findNeeded();
  Value appendSizes(GraphBuilder &steps, ArrayRef<int64_t> behind);
  Value findNeededBy(const TokenReader &reader);
  void hoist(Value value);
  Value pack(Value value, int64_t form);
  Value packOperand(Operation *op, OpOperand &operand, int64_t form);
  void rebuild(Operation *op);
  Value unpack(Value value, int64_t form, Type type);

  TokenRegion &region;
  OpBuilder builder;
  /// The ops of the region in their order, and the first one.
  SmallVector<Operation *> ordered;
  Operation *begin = nullptr;
  /// How many sequences and tokens there are, and which tokens exist.
  Value sizes, mask;
  /// [rows]: the place of each packed row among all tokens.
  Value places;
  /// [all tokens]: the row of each token; that of the one before where it has
  /// none.
  Value rows;
  DenseMap<Value, Value> packed;
  DenseMap<Value, Value> unpacked;
};

class PackTokensPass final : public impl::PackTokensPassBase<PackTokensPass> {
public:
  using PackTokensPassBase::PackTokensPassBase;

  void runOnOperation() final {
    // Attentions by the mask that they share.
    llvm::MapVector<Value, SmallVector<AttentionOp>> groups;
    getOperation().walk([&](AttentionOp op) {
      if (Value mask = findTokenMask(op))
        groups[mask].push_back(op);
    });
    for (auto &[mask, attentions] : groups)
      run(mask, attentions);
  }

private:
  static Value findTokenMask(AttentionOp op);
  void run(Value mask, ArrayRef<AttentionOp> attentions);
};

} // namespace

/// The mask [batch, 1, 1, keys] of an attention of a batch to itself.
Value PackTokensPass::findTokenMask(AttentionOp op) {
  Value mask = op.getMask();
  if (!mask || shapeOf(mask).size() != 4 || op.getBatchSize() == 1)
    return nullptr;
  ArrayRef<int64_t> shape = shapeOf(mask);
  if (shape[0] == 1 || shape[1] != 1 || shape[2] != 1 || shape[3] == 1)
    return nullptr;
  return mask;
}

void PackTokensPass::run(Value mask, ArrayRef<AttentionOp> attentions) {
  OpBuilder builder(attentions.front());
  if (Operation *op = mask.getDefiningOp())
    builder.setInsertionPointAfter(op);
  Value tokens = GraphBuilder(builder, mask.getLoc()).squeeze(mask, {1, 2});
  SymbolicShapes symbols;
  TokenRegion region(tokens, attentions, symbols);
  if (!region.find()) {
    if (region.obstacle)
      remarks::missed(region.obstacle, remarks::attention)
          << "reads padded tokens, so the layers in front compute these as "
             "well";
    return;
  }
  auto isElsewhere = [&](Operation *op) {
    return op->getBlock() != attentions.front()->getBlock();
  };
  if (llvm::any_of(region.ops, isElsewhere))
    return;
  remarks::applied(attentions.front(), remarks::attention)
      << "the layers around run on the tokens that exist";
  TokenPacker(region).run();
}

/// What the value follows from stands in front of the region.
void TokenPacker::hoist(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->isBeforeInBlock(begin))
    return;
  for (Value operand : op->getOperands())
    hoist(operand);
  op->moveBefore(begin);
}

/// Bools [batch, tokens] or what broadcasts to them: the tokens that a reader
/// reads; null for those that the mask has.
Value TokenPacker::findNeededBy(const TokenReader &reader) {
  GraphBuilder steps = this->steps(reader.operand->getOwner()->getLoc());
  Value needed;
  if (reader.kind == TokenReader::Places) {
    Value count = steps.make<IotaOp>(mask, 1);
    Value size = steps.make<ShapeOp>(mask, 1, 2);
    for (int64_t place : reader.places) {
      Value wanted = createShapeConstant(builder, steps.loc, {place});
      if (place < 0)
        wanted = steps.add(size, wanted);
      Value is = steps.make<EqualOp>(count, wanted);
      needed = needed ? steps.make<OrOp>(needed, is) : is;
    }
    return needed;
  }
  if (reader.kind == TokenReader::Attention)
    return nullptr;
  Value weights = reader.weights;
  hoist(weights);
  if (reader.kind == TokenReader::Weighted)
    weights = steps.make<EqualOp>(weights, steps.number(weights, 0));
  if (reader.kind != TokenReader::Chosen)
    weights = steps.make<NotOp>(weights);
  int64_t rank = shapeOf(weights).size();
  if (rank == 2)
    return weights;
  Value flags = steps.cast(weights, builder.getF32Type());
  flags = steps.reduce(flags, ReductionKind::Max,
                       llvm::to_vector(llvm::seq<int64_t>(2, rank)),
                       /*keepDims=*/false);
  return steps.make<GreaterOp>(flags, steps.number(flags, 0));
}

/// The sizes of what has the tokens in front.
Value TokenPacker::appendSizes(GraphBuilder &steps, ArrayRef<int64_t> behind) {
  if (behind.empty())
    return sizes;
  return steps.make<ConcatOp>(
      ValueRange{sizes, createShapeConstant(builder, steps.loc, behind)}, 0);
}

void TokenPacker::findNeeded() {
  hoist(region.mask);
  GraphBuilder steps = this->steps(region.mask.getLoc());
  // That op's sizes follow from what it reads, so it goes all the same.
  auto hasPlaces = [&](Operation *op) {
    return region.forms.lookup(op->getResult(0)) == 2;
  };
  Operation *first = *llvm::find_if(ordered, hasPlaces);
  builder.setInsertionPointAfter(first);
  sizes = steps.make<ShapeOp>(first->getResult(0), 0, 2);
  mask = steps.make<BroadcastOp>(region.mask, sizes);
  auto either = [&](Value a, Value b) { return steps.make<OrOp>(a, b); };
  // Where no token exists, queries may look at all of them.
  Value flags = steps.cast(mask, builder.getF32Type());
  Value most = steps.reduce(flags, ReductionKind::Max, {1});
  Value zero = steps.number(flags, 0);
  Value needed =
      either(mask, steps.make<NotOp>(steps.make<GreaterOp>(most, zero)));
  // The first token stands in for padding in front of the others.
  Value isFirst = steps.make<EqualOp>(
      steps.make<IotaOp>(mask, 1), createShapeConstant(builder, steps.loc, 0));
  needed = either(needed, isFirst);
  for (const TokenReader &reader : region.readers)
    if (Value own = findNeededBy(reader))
      needed = either(needed, own);
  Value flat = steps.reshape(needed, {-1});
  Value count = steps.make<NonZeroCountOp>(flat);
  places = steps.squeeze(steps.make<NonZeroOp>(flat, count), {0});
  Value sums = steps.make<CumulateOp>(
      steps.cast(flat, builder.getI64Type()), builder.getI64IntegerAttr(0),
      CumulateKindAttr::get(builder.getContext(), CumulateKind::Sum),
      UnitAttr(), UnitAttr());
  rows = steps.sub(sums, createShapeConstant(builder, steps.loc, 1));
}

/// The sizes behind those of a token's place, with one for the rows in front.
static SmallVector<int64_t> getRowShape(Value value, int64_t form) {
  SmallVector<int64_t> shape = {-1};
  llvm::append_range(shape, shapeOf(value).drop_front(form));
  return shape;
}

/// What comes into the region, or has been built already.
Value TokenPacker::pack(Value value, int64_t form) {
  Value &known = packed[value];
  if (known)
    return known;
  GraphBuilder steps = this->steps(value.getLoc());
  OpBuilder::InsertionGuard guard(builder);
  Operation *op = value.getDefiningOp();
  if (op && !op->isBeforeInBlock(places.getDefiningOp()))
    builder.setInsertionPointAfter(op);
  else
    builder.setInsertionPointAfter(rows.getDefiningOp());
  Value flat =
      form == 1 ? value : steps.reshape(value, getRowShape(value, form));
  return known = steps.make<GatherOp>(flat, places, 0);
}

/// An operand of an elementwise op, as it meets packed ones.
Value TokenPacker::packOperand(Operation *op, OpOperand &operand,
                               int64_t form) {
  Value value = operand.get();
  if (auto it = region.forms.find(value);
      it != region.forms.end() && it->second == form &&
      shapeOf(value).size() == shapeOf(op->getResult(0)).size())
    return pack(value, form);
  int64_t rank = shapeOf(op->getResult(0)).size(), own = shapeOf(value).size();
  if (own <= rank - form)
    return value;
  GraphBuilder steps = this->steps(op->getLoc());
  // The same for all tokens.
  ArrayRef<int64_t> shape = shapeOf(value);
  int64_t leading = own - (rank - form);
  if (llvm::all_of(shape.take_front(leading),
                   [](int64_t size) { return size == 1; })) {
    if (leading == 1)
      return value;
    return steps.squeeze(value, {0});
  }
  // By their sequence or by their number.
  Value spread = steps.make<BroadcastOp>(
      value, appendSizes(steps, SmallVector<int64_t>(rank - form, 1)));
  return steps.make<GatherOp>(steps.reshape(spread, getRowShape(spread, form)),
                              places, 0);
}

void TokenPacker::rebuild(Operation *op) {
  Value result = op->getResult(0);
  int64_t form = region.forms.lookup(result);
  if (isElementwise(op)) {
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(packOperand(op, operand, form));
    Operation *copy = builder.clone(*op);
    copy->setOperands(operands);
    auto shape = getRowShape(result, form);
    shape.front() = ShapedType::kDynamic;
    copy->getResult(0).setType(
        RankedTensorType::get(shape, elementTypeOf(result)));
    packed[result] = copy->getResult(0);
    return;
  }
  if (auto batchwise = dyn_cast<BatchwiseOpInterface>(op)) {
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(batchwise.hasBatch(operand.getOperandNumber(), form)
                             ? pack(operand.get(), form)
                             : operand.get());
    packed[result] = batchwise.cloneOnBatch(builder, operands, form);
    return;
  }
  Value operand = op->getOperand(0);
  Value rows = pack(operand, region.forms.lookup(operand));
  packed[result] = steps(op->getLoc()).reshape(rows, getRowShape(result, form));
}

/// All tokens again, for a reader in front of which the builder stands.
Value TokenPacker::unpack(Value value, int64_t form, Type type) {
  GraphBuilder steps = this->steps(value.getLoc());
  Value all = steps.make<GatherOp>(packed.lookup(value), rows, 0);
  if (form == 1) {
    all.setType(type);
    return all;
  }
  return ReshapeOp::create(builder, value.getLoc(), type, all,
                           appendSizes(steps, shapeOf(value).drop_front(form)),
                           builder.getUnitAttr());
}

void TokenPacker::run() {
  ordered.assign(region.ops.begin(), region.ops.end());
  llvm::sort(ordered,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  begin = ordered.front();
  findNeeded();
  // In their order, and behind what tells the rows.
  Operation *last = rows.getDefiningOp();
  for (Operation *op : ordered) {
    builder.setInsertionPointAfter(op->isBeforeInBlock(last) ? last : op);
    rebuild(op);
    last = packed.lookup(op->getResult(0)).getDefiningOp();
  }
  for (const TokenReader &reader : region.readers) {
    Value value = reader.operand->get();
    // What has not been computed here is there already.
    if (!region.ops.contains(value.getDefiningOp()))
      continue;
    Value &all = unpacked[value];
    if (!all) {
      builder.setInsertionPointAfter(packed.lookup(value).getDefiningOp());
      all = unpack(value, region.forms.lookup(value), value.getType());
    }
    reader.operand->set(all);
  }
  // Readers come last.
  for (Operation *op : llvm::reverse(ordered))
    if (op->use_empty())
      op->erase();
}

} // namespace sluice
