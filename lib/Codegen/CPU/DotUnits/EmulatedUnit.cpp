//===- EmulatedUnit.cpp - A dot unit in plain arithmetic ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The reference of every unit: its kernels run on any CPU, and compute what the
// unit's instructions do, one lane after the other.
//
//===----------------------------------------------------------------------===//
#include "Units.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sluice;

namespace {
class EmulatedUnit final : public DotUnit {
public:
  EmulatedUnit(const DotUnitModel &model, Type sumType)
      : DotUnit(sumType, model.lanes), fused(model.fused) {}

  Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                    Value sums) const final {
    for (int64_t lane = 0; lane < getVectorType().getNumElements(); ++lane) {
      auto take = [&](Value vector) -> Value {
        return vector::ExtractOp::create(builder, loc, vector, lane);
      };
      Value sum =
          multiplyAddOne(builder, loc, take(lhs), take(rhs), take(sums));
      sums = vector::InsertOp::create(builder, loc, sum, sums, lane);
    }
    return sums;
  }

private:
  Value multiplyAddOne(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                       Value sum) const {
    if (!isa<FloatType>(getSumType())) {
      Value product = arith::MulIOp::create(builder, loc, lhs, rhs);
      return arith::AddIOp::create(builder, loc, sum, product);
    }
    if (fused)
      return math::FmaOp::create(builder, loc, lhs, rhs, sum);
    Value product = arith::MulFOp::create(builder, loc, lhs, rhs);
    return arith::AddFOp::create(builder, loc, sum, product);
  }

  bool fused;
};
} // namespace

std::unique_ptr<DotUnit> sluice::createEmulatedUnit(const DotUnitModel &model,
                                                    Type sumType) {
  return std::make_unique<EmulatedUnit>(model, sumType);
}
