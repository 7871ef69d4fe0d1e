//===- AttentionReasons.cpp - Why a softmax stays -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionReasons.h"
#include "ScalarFormulas.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "sluice/Support/NodeNames.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

/// How many ops to look at on the way to a product.
constexpr unsigned maxVisited = 64;

std::string nameForRemark(Operation *op) {
  if (!op)
    return "an input";
  auto names = findNodeNames(op->getLoc());
  if (names.empty())
    return op->getName().getStringRef().str();
  return ("'" + names.front() + "'").str();
}

static bool isFloatTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType());
}

/// Is each element of the result a function of one of each operand, and each
/// of those read once?
static bool keepsElements(Operation *op) {
  return isa<ElementwiseOpInterface, tensor::CastOp>(op) ||
         op->hasTrait<trait::ReordersElements>() ||
         op->hasTrait<trait::IsView>();
}

namespace {

/// Walks from a softmax to products, past ops of one result.
class ProductSearch {
public:
  /// Past ops that compute with elements or move them, or past all.
  explicit ProductSearch(bool passesAll) : passesAll(passesAll) {}

  bool comesFromProduct(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !visited.insert(op).second || visited.size() > maxVisited)
      return false;
    if (auto product = dyn_cast<MatmulOp>(op))
      return counts(product);
    auto isFound = [&](Value operand) { return comesFromProduct(operand); };
    if (auto branches = dyn_cast<scf::IfOp>(op)) {
      unsigned i = cast<OpResult>(value).getResultNumber();
      return isFound(branches.thenYield().getOperand(i)) ||
             isFound(branches.elseYield().getOperand(i));
    }
    return passesOn(op) && llvm::any_of(op->getOperands(), isFound);
  }

  bool leadsToProduct(Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      if (!visited.insert(user).second || visited.size() > maxVisited)
        return false;
      if (auto product = dyn_cast<MatmulOp>(user))
        return counts(product);
      return passesOn(user) && leadsToProduct(user->getResult(0));
    });
  }

private:
  /// Products with weights are everywhere, far from attention, too.
  bool counts(MatmulOp op) const {
    bool isConstant[] = {isConstantExpression(op.getLhs()),
                         isConstantExpression(op.getRhs())};
    return passesAll ? !isConstant[0] && !isConstant[1]
                     : !isConstant[0] || !isConstant[1];
  }

  bool passesOn(Operation *op) const {
    return op->getNumResults() == 1 && !isa<SoftmaxOp>(op) &&
           (keepsElements(op) || isa<PermutableOpInterface>(op) ||
            (passesAll && isFloatTensor(op->getResult(0))));
  }

  bool passesAll;
  llvm::DenseSet<Operation *> visited;
};

} // namespace

bool liesBetweenProducts(SoftmaxOp softmax) {
  return llvm::any_of(ArrayRef{false, true}, [&](bool passesAll) {
    return ProductSearch(passesAll).comesFromProduct(softmax.getOperand()) &&
           ProductSearch(passesAll).leadsToProduct(softmax.getResult());
  });
}

/// Are floats made of integers in an op?
static bool readsIntegers(Operation *op) {
  auto cast = dyn_cast_or_null<CastOp>(op);
  return cast && isa<IntegerType>(elementTypeOf(cast.getOperand()));
}

std::string describeSource(Value scores) {
  // Back to the first op that does not compute with single scores.
  for (unsigned i = 0; i < maxVisited; ++i) {
    Operation *op = scores.getDefiningOp();
    if (!op)
      break;
    if (isa<scf::IfOp>(op))
      return "a condition of the run decides the scores: " + nameForRemark(op);
    if (readsIntegers(op) || llvm::any_of(op->getOperands(), [](Value operand) {
          return readsIntegers(operand.getDefiningOp());
        }))
      return "the scores are quantised in front of " + nameForRemark(op);
    if (!keepsElements(op))
      return "the scores are put together by " + nameForRemark(op);
    Value next;
    for (Value operand : op->getOperands())
      if (!next && ProductSearch(/*passesAll=*/true).comesFromProduct(operand))
        next = operand;
    if (next && isa<ElementwiseOpInterface>(op) &&
        failed(
            verifyCompatibleShape(next.getType(), op->getResult(0).getType())))
      return "the scores are broadcast in " + nameForRemark(op);
    if (!next || next.getDefiningOp<MatmulOp>())
      return "the scores come from " + nameForRemark(op);
    scores = next;
  }
  return "the scores come from " + nameForRemark(scores.getDefiningOp());
}

std::string describeReader(Operation *reader) {
  bool isRounded = false;
  Operation *last = reader;
  for (unsigned i = 0; i < 2 && last->getNumResults() == 1; ++i) {
    isRounded |= isa<RoundOp>(last);
    if (!last->hasOneUse())
      break;
    last = *last->getUsers().begin();
    isRounded |= isa<RoundOp>(last);
  }
  return (isRounded ? "the probabilities are quantised in "
                    : "the probabilities are read by ") +
         nameForRemark(reader);
}

} // namespace sluice
