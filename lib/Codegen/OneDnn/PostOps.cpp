//===- PostOps.cpp - Epilogues as post-ops of oneDNN ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Description.h"
#include "dialects/Sluice/Sluice.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace sluice;

namespace {

/// Turns a chain of elementwise ops into post-ops.
class PostOpChain {
public:
  PostOpChain(llvm::function_ref<bool(Value)> isOutside, OneDnnKernel &kernel)
      : isOutside(isOutside), kernel(kernel) {}

  /// Adds the op that computes on `value`; false where oneDNN has nothing like
  /// it.
  bool add(Operation *op, Value value);

private:
  bool addUnary(Operation *op);
  bool addBinary(Operation *op, Value value);
  bool addClip(ClipOp op);
  bool addOperand(sluice_onednn_operation operation, Value operand,
                  Value result);
  bool append(sluice_onednn_operation operation, double alpha = 0,
              double beta = 0,
              sluice_onednn_operand shape = SLUICE_ONEDNN_NONE);

  llvm::function_ref<bool(Value)> isOutside;
  OneDnnKernel &kernel;
};

} // namespace

static std::optional<double> getNumber(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant || !elementTypeOf(value).isF32())
    return std::nullopt;
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!dense || !dense.isSplat())
    return std::nullopt;
  return dense.getSplatValue<APFloat>().convertToDouble();
}

/// Powers of two: multiplying by their reciprocals is dividing.
static bool hasExactReciprocal(double number) {
  int exponent;
  return std::isfinite(number) &&
         std::abs(std::frexp(number, &exponent)) == 0.5;
}

bool PostOpChain::append(sluice_onednn_operation operation, double alpha,
                         double beta, sluice_onednn_operand shape) {
  int64_t &count = kernel.description.post_op_count;
  if (count == SLUICE_ONEDNN_MAX_POST_OPS)
    return false;
  kernel.description.post_ops[count++] = {operation, shape, alpha, beta};
  return true;
}

/// How an operand broadcasts to the result, if oneDNN knows the way.
static std::optional<sluice_onednn_operand> getShape(Value operand,
                                                     Value result) {
  auto type = cast<RankedTensorType>(operand.getType());
  auto target = cast<RankedTensorType>(result.getType());
  if (!type.getElementType().isF32() || !type.hasStaticShape())
    return std::nullopt;
  if (type == target)
    return SLUICE_ONEDNN_FULL;
  if (type.getNumElements() == 1)
    return SLUICE_ONEDNN_SCALAR;
  if (type.getNumElements() == target.getShape().back() &&
      type.getShape().back() == target.getShape().back())
    return SLUICE_ONEDNN_ROW;
  return std::nullopt;
}

bool PostOpChain::addOperand(sluice_onednn_operation operation, Value operand,
                             Value result) {
  auto shape = getShape(operand, result);
  if (!shape || !isOutside(operand))
    return false;
  sluice_onednn_kernel &description = kernel.description;
  bool isBias = operation == SLUICE_ONEDNN_ADD && *shape == SLUICE_ONEDNN_ROW &&
                description.post_op_count == 0 && !description.has_bias;
  if (isBias)
    description.has_bias = true;
  else if (!append(operation, 0, 0, *shape))
    return false;
  kernel.operands.push_back(operand);
  return true;
}

bool PostOpChain::addBinary(Operation *op, Value value) {
  bool isFirst = op->getOperand(0) == value;
  Value other = op->getOperand(isFirst ? 1 : 0), result = op->getResult(0);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (auto number = getNumber(other))
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case([&](AddOp) { return append(SLUICE_ONEDNN_LINEAR, 1, *number); })
        .Case([&](SubOp) {
          return isFirst ? append(SLUICE_ONEDNN_LINEAR, 1, -*number)
                         : append(SLUICE_ONEDNN_LINEAR, -1, *number);
        })
        .Case([&](MulOp) { return append(SLUICE_ONEDNN_LINEAR, *number, 0); })
        .Case([&](DivOp) {
          return isFirst && hasExactReciprocal(*number) &&
                 append(SLUICE_ONEDNN_LINEAR, 1 / *number, 0);
        })
        .Case([&](MaxOp) {
          return append(SLUICE_ONEDNN_CLIP, *number, infinity);
        })
        .Case([&](MinOp) {
          return append(SLUICE_ONEDNN_CLIP, -infinity, *number);
        })
        .Default(false);
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](AddOp) { return addOperand(SLUICE_ONEDNN_ADD, other, result); })
      .Case([&](SubOp) {
        return isFirst ? addOperand(SLUICE_ONEDNN_SUB, other, result)
                       : append(SLUICE_ONEDNN_LINEAR, -1, 0) &&
                             addOperand(SLUICE_ONEDNN_ADD, other, result);
      })
      .Case([&](MulOp) { return addOperand(SLUICE_ONEDNN_MUL, other, result); })
      .Case([&](DivOp) {
        return isFirst && addOperand(SLUICE_ONEDNN_DIV, other, result);
      })
      .Case([&](MaxOp) { return addOperand(SLUICE_ONEDNN_MAX, other, result); })
      .Case([&](MinOp) { return addOperand(SLUICE_ONEDNN_MIN, other, result); })
      .Default(false);
}

bool PostOpChain::addClip(ClipOp op) {
  auto low = getNumber(op.getLow()), high = getNumber(op.getHigh());
  return low && high && *low <= *high &&
         append(SLUICE_ONEDNN_CLIP, *low, *high);
}

bool PostOpChain::addUnary(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](ReluOp) { return append(SLUICE_ONEDNN_RELU); })
      .Case([&](LeakyReluOp relu) {
        return append(SLUICE_ONEDNN_RELU, relu.getAlpha().convertToDouble());
      })
      .Case([&](EluOp elu) {
        return append(SLUICE_ONEDNN_ELU, elu.getAlpha().convertToDouble());
      })
      .Case([&](SwishOp swish) {
        return append(SLUICE_ONEDNN_SWISH, swish.getAlpha().convertToDouble());
      })
      .Case([&](GeluOp gelu) {
        return append(gelu.getTanhApproximation() ? SLUICE_ONEDNN_GELU_TANH
                                                  : SLUICE_ONEDNN_GELU_ERF);
      })
      .Case([&](HardSigmoidOp sigmoid) {
        return append(SLUICE_ONEDNN_LINEAR,
                      sigmoid.getAlpha().convertToDouble(),
                      sigmoid.getBeta().convertToDouble()) &&
               append(SLUICE_ONEDNN_CLIP, 0, 1);
      })
      .Case([&](HardSwishOp) { return append(SLUICE_ONEDNN_HARD_SWISH); })
      .Case([&](SigmoidOp) { return append(SLUICE_ONEDNN_SIGMOID); })
      .Case([&](TanhOp) { return append(SLUICE_ONEDNN_TANH); })
      .Case([&](AbsOp) { return append(SLUICE_ONEDNN_ABS); })
      .Case([&](SqrtOp) { return append(SLUICE_ONEDNN_SQRT); })
      .Case([&](ExpOp) { return append(SLUICE_ONEDNN_EXP); })
      .Case([&](NegOp) { return append(SLUICE_ONEDNN_LINEAR, -1, 0); })
      .Default(false);
}

bool PostOpChain::add(Operation *op, Value value) {
  if (!elementTypeOf(op->getResult(0)).isF32() ||
      op->getResult(0).getType() != value.getType())
    return false;
  if (auto clip = dyn_cast<ClipOp>(op))
    return clip.getOperand() == value && addClip(clip);
  if (isa<MulOp>(op) && op->getOperand(0) == op->getOperand(1))
    return append(SLUICE_ONEDNN_SQUARE);
  if (op->getNumOperands() == 2)
    return addBinary(op, value);
  return op->getNumOperands() == 1 && addUnary(op);
}

llvm::Error sluice::describePostOps(Value sums, Value result,
                                    llvm::function_ref<bool(Value)> isOutside,
                                    OneDnnKernel &kernel) {
  PostOpChain chain(isOutside, kernel);
  for (Value value = sums; value != result;) {
    // Operations may read the value twice, but only one may read it.
    Operation *op = value.use_empty() ? nullptr : *value.user_begin();
    if (!op || llvm::any_of(value.getUsers(),
                            [&](Operation *user) { return user != op; }))
      return llvm::createStringError(
          "what follows is not a chain of operations");
    if (!chain.add(op, value))
      return llvm::createStringError("oneDNN has no post-op like " +
                                     op->getName().getStringRef());
    value = op->getResult(0);
  }
  return llvm::Error::success();
}
