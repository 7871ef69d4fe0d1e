//===- IntegerPower.cpp - Powers of integers ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "IntegerPower.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace sluice::math_expansion {

namespace {

/// By the bits of the exponent, from the lowest on: base^(2^i) for each that is
/// set.
Value buildKnownPower(BodyBuilder &body, Value base, APInt exponent) {
  Value result;
  for (Value power = base; !exponent.isZero(); power = body.mul(power, power)) {
    if (exponent[0])
      result = result ? body.mul(result, power) : power;
    exponent.lshrInPlace(1);
    if (exponent.isZero())
      break;
  }
  return result ? result : body.integer(base, 1);
}

Value isAnySet(BodyBuilder &body, Value bits) {
  Value isSet = body.compare(arith::CmpIPredicate::ne, bits, body.zero(bits));
  auto vector = dyn_cast<VectorType>(isSet.getType());
  if (!vector)
    return isSet;
  if (vector.getRank() != 1)
    isSet = body.make<vector::ShapeCastOp>(
        VectorType::get({vector.getNumElements()}, vector.getElementType()),
        isSet);
  return body.make<vector::ReductionOp>(vector::CombiningKind::OR, isSet);
}

} // namespace

LogicalResult
ExpandIntegerPower::matchAndRewrite(math::IPowIOp op,
                                    PatternRewriter &rewriter) const {
  auto vector = dyn_cast<VectorType>(op.getType());
  if (vector && vector.isScalable())
    return failure();
  Location loc = op.getLoc();
  BodyBuilder body{rewriter, loc};
  Value base = op.getLhs(), exponent = op.getRhs();
  APInt known;
  if (matchPattern(exponent, m_ConstantInt(&known)) && !known.isNegative()) {
    rewriter.replaceOp(op, buildKnownPower(body, base, known));
    return success();
  }
  Type type = op.getType();
  auto loop =
      scf::WhileOp::create(rewriter, loc, TypeRange{type, type, type},
                           ValueRange{body.integer(base, 1), base, exponent});
  {
    OpBuilder::InsertionGuard guard(rewriter);
    SmallVector<Type> types(3, type);
    SmallVector<Location> locations(3, loc);
    Block *before =
        rewriter.createBlock(&loop.getBefore(), {}, types, locations);
    scf::ConditionOp::create(rewriter, loc,
                             isAnySet(body, before->getArgument(2)),
                             before->getArguments());
    Block *after = rewriter.createBlock(&loop.getAfter(), {}, types, locations);
    Value result = after->getArgument(0), power = after->getArgument(1),
          rest = after->getArgument(2);
    Value one = body.integer(rest, 1);
    Value isOdd =
        body.compare(arith::CmpIPredicate::ne,
                     body.make<arith::AndIOp>(rest, one), body.zero(rest));
    result = body.select(isOdd, body.mul(result, power), result);
    scf::YieldOp::create(rewriter, loc,
                         ValueRange{result, body.mul(power, power),
                                    body.make<arith::ShRUIOp>(rest, one)});
  }
  rewriter.replaceOp(op, loop.getResult(0));
  return success();
}

} // namespace sluice::math_expansion
