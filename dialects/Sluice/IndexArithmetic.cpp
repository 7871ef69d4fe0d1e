//===- IndexArithmetic.cpp - Index arithmetic that folds ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/IndexArithmetic.h"

using namespace mlir;
using namespace sluice;
using Index = IndexArithmetic::Index;

Value IndexArithmetic::value(Index index) {
  if (auto value = dyn_cast<Value>(index))
    return value;
  return arith::ConstantIndexOp::create(builder, loc, *getConstant(index));
}

Index IndexArithmetic::add(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  int64_t sum;
  if (left && right && !__builtin_add_overflow(*left, *right, &sum))
    return constant(sum);
  if (left == 0)
    return rhs;
  if (right == 0)
    return lhs;
  return arith::AddIOp::create(builder, loc, value(lhs), value(rhs), overflow)
      .getResult();
}

Index IndexArithmetic::sub(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  int64_t difference;
  if (left && right && !__builtin_sub_overflow(*left, *right, &difference))
    return constant(difference);
  if (right == 0)
    return lhs;
  return arith::SubIOp::create(builder, loc, value(lhs), value(rhs), overflow)
      .getResult();
}

Index IndexArithmetic::mul(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  int64_t product;
  if (left && right && !__builtin_mul_overflow(*left, *right, &product))
    return constant(product);
  if (left == 0 || right == 0)
    return constant(0);
  if (left == 1)
    return rhs;
  if (right == 1)
    return lhs;
  return arith::MulIOp::create(builder, loc, value(lhs), value(rhs), overflow)
      .getResult();
}

Index IndexArithmetic::div(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right && *right > 0)
    return constant(*left / *right);
  if (right == 1)
    return lhs;
  return arith::DivUIOp::create(builder, loc, value(lhs), value(rhs))
      .getResult();
}

Index IndexArithmetic::rem(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right && *right > 0)
    return constant(*left % *right);
  if (right == 1)
    return constant(0);
  return arith::RemUIOp::create(builder, loc, value(lhs), value(rhs))
      .getResult();
}

Index IndexArithmetic::min(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right)
    return constant(std::min(*left, *right));
  return arith::MinSIOp::create(builder, loc, value(lhs), value(rhs))
      .getResult();
}

Index IndexArithmetic::max(Index lhs, Index rhs) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right)
    return constant(std::max(*left, *right));
  return arith::MaxSIOp::create(builder, loc, value(lhs), value(rhs))
      .getResult();
}
