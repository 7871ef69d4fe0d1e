//===- MoveTransposes.cpp - Cancel transposes across other ops ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Ops between transposes form regions in which every tensor may as well have
// its dimensions in another order. A region is turned as a whole where fewer
// bytes are transposed at its border then.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/GraphBuilder.h"
#include "dialects/Sluice/Work.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_MOVETRANSPOSESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// An operand that has no dimensions to turn.
bool isNumber(Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// The operands that have the region's dimensions; the others are numbers.
SmallVector<OpOperand *> tensorOperands(Operation *op) {
  auto permutable = cast<PermutableOpInterface>(op);
  bool broadcasts = isa<ElementwiseOpInterface>(op);
  SmallVector<OpOperand *> operands;
  for (OpOperand &operand : op->getOpOperands())
    if (permutable.hasDimensions(operand.getOperandNumber()) &&
        !(broadcasts && isNumber(operand.get())))
      operands.push_back(&operand);
  return operands;
}

/// Can the op compute on permuted tensors and give a permuted result?
bool isTurnable(Operation *op, ArrayRef<int64_t> permutation) {
  auto permutable = dyn_cast<PermutableOpInterface>(op);
  int64_t rank = permutation.size();
  if (!permutable ||
      static_cast<int64_t>(shapeOf(op->getResult(0)).size()) != rank)
    return false;
  auto result = permutable.permuteResult(permutation);
  // Constants of lower rank gain dimensions; other tensors of lower rank would
  // have to be reshaped.
  return result && ArrayRef(*result) == permutation &&
         llvm::all_of(tensorOperands(op), [&](OpOperand *operand) {
           auto type = cast<RankedTensorType>(operand->get().getType());
           return type.getRank() == rank ||
                  (type.hasStaticShape() &&
                   isConstantExpression(operand->get()));
         });
}

/// Does the op read the tensor in any order of dimensions?
bool takesAnyOrder(Operation *op, Value tensor) {
  if (!isa<AttentionOp>(op))
    return false;
  // Queries, keys and values come first.
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    return operand.get() != tensor || operand.getOperandNumber() < 3;
  });
}

/// Bytes, with a guess for sizes that are not known.
double guessBytes(Value value) {
  return guessElements(value) *
         ((elementTypeOf(value).getIntOrFloatBitWidth() + 7) / 8);
}

/// Ops whose tensors are all seen through one permutation: a tensor t of the
/// region is transpose(t', permutation) of its turned form t'.
class TurnedRegion {
public:
  TurnedRegion(TransposeOp seed)
      : permutation(seed.getPermutation()),
        inverse(invertPermutationVector(seed.getPermutation())),
        block(seed->getBlock()) {
    for (Operation *user : seed->getUsers())
      add(user);
    grow();
  }

  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }
  bool pays() const;
  void turn();

private:
  void add(Operation *op) {
    constexpr size_t maxOps = 500;
    if (op->getBlock() == block && ops.size() < maxOps &&
        isTurnable(op, inverse))
      ops.insert(op);
  }
  void grow();
  bool isInside(Value value) const {
    Operation *op = value.getDefiningOp();
    return op && ops.contains(op);
  }
  /// Values that enter the region, numbers and constants aside.
  llvm::SetVector<Value> findInputs() const;
  bool isReadOutside(Value value) const;
  Value turnInput(OpBuilder &builder, Value value);
  RankedTensorType turnType(RankedTensorType type) const {
    return type.clone(applyPermutation(type.getShape(), inverse));
  }

  SmallVector<int64_t> permutation, inverse;
  Block *block;
  llvm::SetVector<Operation *> ops;
};

} // namespace

void TurnedRegion::grow() {
  for (size_t i = 0; i < ops.size(); ++i) {
    Operation *op = ops[i];
    for (Operation *user : op->getUsers())
      add(user);
    for (OpOperand *operand : tensorOperands(op))
      if (Operation *producer = operand->get().getDefiningOp())
        if (!isConstantExpression(operand->get()))
          add(producer);
  }
}

llvm::SetVector<Value> TurnedRegion::findInputs() const {
  llvm::SetVector<Value> inputs;
  for (Operation *op : ops)
    for (OpOperand *operand : tensorOperands(op))
      if (!isInside(operand->get()) && !isConstantExpression(operand->get()))
        inputs.insert(operand->get());
  return inputs;
}

bool TurnedRegion::isReadOutside(Value value) const {
  return llvm::any_of(value.getUsers(),
                      [&](Operation *user) { return !ops.contains(user); });
}

bool TurnedRegion::pays() const {
  double before = 0, after = 0;
  for (Value input : findInputs()) {
    auto transpose = input.getDefiningOp<TransposeOp>();
    // Another order merges with the new transpose.
    if (transpose && transpose.getPermutation() != ArrayRef(permutation))
      continue;
    if (!transpose)
      after += guessBytes(input);
    else if (!isReadOutside(input))
      before += guessBytes(input);
  }
  for (Operation *op : ops) {
    Value result = op->getResult(0);
    bool isReadAsIs = false;
    for (Operation *user : result.getUsers()) {
      if (ops.contains(user))
        continue;
      auto transpose = dyn_cast<TransposeOp>(user);
      if (transpose && transpose.getPermutation() == ArrayRef(inverse))
        before += guessBytes(result);
      else if (!transpose && !takesAnyOrder(user, result))
        isReadAsIs = true;
    }
    if (isReadAsIs)
      after += guessBytes(result);
  }
  return after < before;
}

Value TurnedRegion::turnInput(OpBuilder &builder, Value value) {
  GraphBuilder graph(builder, value.getLoc());
  if (auto transpose = value.getDefiningOp<TransposeOp>())
    if (transpose.getPermutation() == ArrayRef(permutation))
      return transpose.getOperand();
  auto type = cast<RankedTensorType>(value.getType());
  size_t missing = permutation.size() - type.getRank();
  if (missing > 0) {
    SmallVector<int64_t> shape(missing, 1);
    llvm::append_range(shape, type.getShape());
    value = graph.reshape(value, shape);
  }
  return graph.transpose(value, inverse);
}

void TurnedRegion::turn() {
  SmallVector<Operation *> ordered(ops.begin(), ops.end());
  llvm::sort(ordered,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  DenseMap<Value, Value> turned;
  for (Operation *op : ordered) {
    OpBuilder builder(op);
    Operation *copy = builder.clone(*op);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(copy);
    for (OpOperand *operand : tensorOperands(op)) {
      Value &form = turned[operand->get()];
      if (!form)
        form = turnInput(builder, operand->get());
      copy->setOperand(operand->getOperandNumber(), form);
    }
    cast<PermutableOpInterface>(copy).permuteAttributes(inverse);
    Value result = op->getResult(0);
    copy->getResult(0).setType(
        turnType(cast<RankedTensorType>(result.getType())));
    turned[result] = copy->getResult(0);
  }
  for (Operation *op : llvm::reverse(ordered)) {
    Value result = op->getResult(0);
    if (!result.use_empty()) {
      OpBuilder builder(op);
      builder.setInsertionPointAfter(op);
      Value back = GraphBuilder(builder, op->getLoc())
                       .transpose(turned[result], permutation);
      back.setType(result.getType());
      result.replaceAllUsesWith(back);
    }
    op->erase();
  }
}

namespace {

class MoveTransposesPass final
    : public impl::MoveTransposesPassBase<MoveTransposesPass> {
public:
  using MoveTransposesPassBase::MoveTransposesPassBase;

  void runOnOperation() final {
    SmallVector<TransposeOp> seeds;
    getOperation().walk([&](TransposeOp op) { seeds.push_back(op); });
    for (TransposeOp seed : seeds) {
      // Turning one region may leave transposes without readers.
      if (seed.use_empty())
        continue;
      TurnedRegion region(seed);
      if (region.getOps().empty() || !region.pays())
        continue;
      remarks::applied(seed, remarks::layout)
          << "transpose moved across other nodes";
      region.turn();
    }
  }
};

} // namespace
} // namespace sluice
