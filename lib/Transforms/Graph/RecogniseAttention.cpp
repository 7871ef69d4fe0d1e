//===- RecogniseAttention.cpp - Attention from its products ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// softmax(f(Q K^T)) V, where f scales, caps, adds and hides scores, becomes one
// op, whatever the dimensions' order and how heads are repeated. What is added
// and hidden is looked at in ScoreTerms.
//
//===----------------------------------------------------------------------===//

#include "AttentionLayout.h"
#include "ScoreTerms.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISEATTENTIONPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

class RecogniseAttentionPass final
    : public impl::RecogniseAttentionPassBase<RecogniseAttentionPass> {
public:
  using RecogniseAttentionPassBase::RecogniseAttentionPassBase;
  void runOnOperation() final;

private:
  /// Fails with the reason why not.
  bool fuse(SoftmaxOp softmax, SymbolicShapes &symbols, std::string &why);

  /// Looks at masks of attention that was there before.
  void reread(AttentionOp op, SymbolicShapes &symbols);

  llvm::DenseSet<Operation *> fused;
  /// What nothing reads any more; it stays for the sake of the symbols.
  SmallVector<Operation *> dead;
};

/// Erases what nothing reads, and what nothing but that has read.
void eraseDead(ArrayRef<Operation *> ops) {
  llvm::SetVector<Operation *> pending(ops.begin(), ops.end());
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    SmallVector<Value> operands(op->getOperands());
    op->erase();
    for (Value operand : operands)
      if (Operation *producer = operand.getDefiningOp())
        pending.insert(producer);
  }
}

/// What the op does besides the products, for the remark.
std::string describe(AttentionOp op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::ListSeparator separator;
  auto add = [&](bool holds, StringRef what) {
    if (holds)
      stream << separator << what;
  };
  add(op.getGroupSize().value_or(1) > 1, "heads that share keys");
  add(!op.getSoftcap().isZero(), "a softcap");
  add(op.getRightReach() == 0, "causal");
  if (auto right = op.getRightReach(); right && *right != 0)
    stream << separator << "keys up to " << *right << " ahead";
  if (auto left = op.getLeftReach())
    stream << separator << "a window of " << *left << " keys back";
  add(!!op.getLengths(), "lengths");
  add(!!op.getMask(), "a mask");
  add(!!op.getBias(), op.getRelativeBias()  ? "a bias of the distance"
                      : op.getMaskedBelow() ? "a bias that may hide keys"
                                            : "a bias");
  add(!!op.getSinks(), "sinks");
  return text;
}

} // namespace

/// The element type of the most bits, f32 where two have as many.
static Type getWidest(ArrayRef<Value> tensors) {
  Type widest = elementTypeOf(tensors.front());
  for (Value tensor : tensors.drop_front()) {
    Type own = elementTypeOf(tensor);
    unsigned bits = own.getIntOrFloatBitWidth(),
             most = widest.getIntOrFloatBitWidth();
    if (bits > most)
      widest = own;
    else if (bits == most && own != widest)
      widest = Float32Type::get(own.getContext());
  }
  return widest;
}

bool RecogniseAttentionPass::fuse(SoftmaxOp softmax, SymbolicShapes &symbols,
                                  std::string &why) {
  ChainMatcher matcher;
  auto chain = matcher.match(softmax);
  if (!chain) {
    why = matcher.why;
    return false;
  }
  AttentionLayout layout(*chain, symbols);
  if (!layout.analyse(why))
    return false;
  // Everything is defined where the result is.
  OpBuilder builder(chain->result.tensor.getDefiningOp());
  GraphBuilder graph(builder, softmax.getLoc());
  ScoreTerms terms(graph, symbols);
  terms.setGuarded(chain->isGuarded);
  for (const ScoreStep &step : chain->steps) {
    Value operand = layout.makeScoreOperand(graph, step.value, step.view, why);
    if (!operand)
      return false;
    if (step.kind == ScoreStep::Add)
      terms.add(operand, step.factor);
    else
      terms.replace(operand, step.keptWhere, step.fill);
  }
  Value sinks;
  if (chain->sinks && !(sinks = layout.makeSinks(graph))) {
    why = "there is more than one sink for a head";
    return false;
  }
  ArrangedTensor query = layout.makeQuery(graph), key = layout.makeKey(graph),
                 value = layout.makeValue(graph);
  // Products of halves and of what they were widened to meet in the wider one.
  Type wide = getWidest({query.tensor, key.tensor, value.tensor});
  for (ArrangedTensor *operand : {&query, &key, &value})
    operand->tensor = graph.cast(operand->tensor, wide);
  auto order = [&](ArrayRef<int64_t> dimensions) {
    return builder.getDenseI64ArrayAttr(dimensions);
  };
  auto number = [&](double value) { return builder.getF64FloatAttr(value); };
  auto op = AttentionOp::create(
      builder, softmax.getLoc(), query.tensor, key.tensor, value.tensor,
      /*bias=*/{}, /*mask=*/{}, /*position=*/{}, /*lengths=*/{}, sinks,
      /*blocks=*/{}, /*tiles=*/{}, /*fallback=*/{}, order(query.order),
      order(key.order), order(value.order), order(layout.getResultOrder()),
      number(chain->scale * layout.getFactor()), number(chain->softcap),
      /*left=*/{}, /*right=*/{}, order({}), /*masked_below=*/{},
      /*nan_rows=*/{});
  terms.applyTo(op);
  std::string details = describe(op);
  if (!details.empty())
    details = ": " + details;
  if (layout.repeatsQueries())
    details += "; its bias or mask may have more batches or rows than queries, "
               "which are copied for as many";
  remarks::applied(op, remarks::attention)
      << "fused with the products around it into one attention" + details;
  builder.setInsertionPointAfter(op);
  Value last = layout.getResult();
  Value result =
      layout.makeResult(graph, graph.cast(op.getResult(), elementTypeOf(last)));
  last.replaceAllUsesWith(result);
  dead.push_back(last.getDefiningOp());
  fused.insert(op);
  return true;
}

void RecogniseAttentionPass::reread(AttentionOp op, SymbolicShapes &symbols) {
  if (fused.contains(op))
    return;
  OpBuilder builder(op);
  GraphBuilder graph(builder, op.getLoc());
  ScoreTerms(graph, symbols).reread(op);
}

void RecogniseAttentionPass::runOnOperation() {
  dead.clear();
  fused.clear();
  SymbolicShapes symbols;
  // What is fused tells sizes to what comes behind.
  getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
    symbols.visit(op);
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      if (attention.getBias() || attention.getMask())
        reread(attention, symbols);
      return;
    }
    auto softmax = dyn_cast<SoftmaxOp>(op);
    if (!softmax || onlyMasks)
      return;
    std::string why;
    if (!fuse(softmax, symbols, why) && !why.empty())
      remarks::missed(softmax, remarks::attention)
          << "softmax between two products is not fused: " + why;
  });
  eraseDead(dead);
}

} // namespace sluice
