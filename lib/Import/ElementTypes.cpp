//===- ElementTypes.cpp - Which element types ops take --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ElementTypes.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/Unsupported.h"

using namespace mlir;
using namespace sluice;

static bool isNumber(Type type) {
  return isa<FloatType>(type) || (isa<IntegerType>(type) && !type.isInteger(1));
}

static LogicalResult verifyEach(ValueRange operands, bool (*holds)(Type),
                                Operation *op, StringRef wanted) {
  for (Value operand : operands)
    if (!holds(elementTypeOf(operand)))
      return op->emitError()
             << "takes " << wanted << ", not " << elementTypeOf(operand);
  return success();
}

static LogicalResult verifyEqual(ValueRange operands, Operation *op) {
  for (Value operand : operands)
    if (elementTypeOf(operand) != elementTypeOf(operands.front()))
      return op->emitError() << "the operands have different element types, "
                             << elementTypeOf(operands.front()) << " and "
                             << elementTypeOf(operand);
  return success();
}

LogicalResult sluice::verifyElementTypes(Operation *op) {
  auto isFloat = [](Type type) { return isa<FloatType>(type); };
  auto isInteger = [](Type type) { return isa<IntegerType>(type); };
  ValueRange operands = op->getOperands();
  // The one function of real numbers that ONNX defines for integers too.
  if (isa<ErfOp>(op) && isa<IntegerType>(elementTypeOf(operands[0])))
    return emitOptionalUnsupported(op->getLoc(),
                                   "takes floating-point "
                                   "elements, not ",
                                   elementTypeOf(operands[0]));
  if (isa<ExpOp, LogOp, SqrtOp, ReciprocalOp, SinOp, CosOp, TanOp, AsinOp,
          AcosOp, AtanOp, SinhOp, CoshOp, TanhOp, AsinhOp, AcoshOp, AtanhOp,
          ErfOp, SigmoidOp, SoftplusOp, SoftsignOp, HardSwishOp, MishOp, GeluOp,
          SwishOp, EluOp, SeluOp, CeluOp, LeakyReluOp, HardSigmoidOp,
          ThresholdedReluOp, IsNanOp, IsInfOp>(op))
    return verifyEach(operands, isFloat, op, "floating-point elements");
  if (isa<AbsOp, NegOp, SignOp, FloorOp, CeilOp, RoundOp, ReluOp, ShrinkOp,
          PowOp>(op))
    return verifyEach(operands, isNumber, op, "numbers");
  if (isa<NotOp>(op))
    return verifyEach(operands, isInteger, op, "integers or booleans");
  if (isa<AndOp, OrOp, XorOp, ShiftLeftOp, ShiftRightOp>(op) &&
      failed(verifyEach(operands, isInteger, op, "integers or booleans")))
    return failure();
  if (isa<PReluOp, ClipOp, DivOp, ModOp>(op) &&
      failed(verifyEach(operands, isNumber, op, "numbers")))
    return failure();
  if (op->hasTrait<OpTrait::SameOperandsElementType>())
    return verifyEqual(operands, op);
  if (auto select = dyn_cast<SelectOp>(op)) {
    if (!elementTypeOf(select.getCondition()).isInteger(1))
      return op->emitError() << "the condition must be a boolean";
    return verifyEqual({select.getOnTrue(), select.getOnFalse()}, op);
  }
  return success();
}
