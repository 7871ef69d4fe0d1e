//===- IntegerUnit.cpp - Products of integers -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Units.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sluice;

namespace {
class IntegerUnit final : public DotUnit {
public:
  using DotUnit::DotUnit;

  Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                    Value sums) const final {
    Value product = arith::MulIOp::create(builder, loc, lhs, rhs);
    return arith::AddIOp::create(builder, loc, sums, product);
  }
};
} // namespace

std::unique_ptr<DotUnit> sluice::createIntegerUnit(const DotUnitModel &model,
                                                   Type sumType) {
  return std::make_unique<IntegerUnit>(model, sumType);
}
