//===- FloatUnit.cpp - Products of floats ---------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Units.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sluice;

namespace {
class FloatUnit final : public DotUnit {
public:
  FloatUnit(const DotUnitModel &model, Type sumType)
      : DotUnit(model, sumType), fused(model.fused) {}

  Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                    Value sums) const final {
    if (fused)
      return vector::FMAOp::create(builder, loc, lhs, rhs, sums);
    Value product = arith::MulFOp::create(builder, loc, lhs, rhs);
    return arith::AddFOp::create(builder, loc, sums, product);
  }

private:
  bool fused;
};
} // namespace

std::unique_ptr<DotUnit> sluice::createFloatUnit(const DotUnitModel &model,
                                                 Type sumType) {
  return std::make_unique<FloatUnit>(model, sumType);
}
