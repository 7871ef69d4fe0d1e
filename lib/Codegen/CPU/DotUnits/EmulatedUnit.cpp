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
#include "sluice/Codegen/Elements/IndexBuilder.h"

using namespace mlir;
using namespace sluice;

namespace {
class EmulatedUnit final : public DotUnit {
public:
  EmulatedUnit(const DotUnitModel &model, Type sumType)
      : DotUnit(model, sumType), fused(model.fused) {}

  Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                    Value sums) const final {
    // As a loop: tiles are hundreds of these.
    IndexBuilder index(builder, loc);
    int64_t lanes = getVectorType().getNumElements();
    return index.loop(
        index.constant(0), index.constant(lanes), 1, sums,
        [&](OpFoldResult lane, ValueRange running) -> SmallVector<Value> {
          auto take = [&](Value vector, OpFoldResult place) -> Value {
            return vector::ExtractOp::create(builder, loc, vector, place);
          };
          Value sum = take(running[0], lane);
          OpFoldResult first = index.mul(lane, getDepthStep());
          for (int64_t k = 0; k < getDepthStep(); ++k) {
            auto widen = [&](Value vector) {
              return convertElements(builder, loc,
                                     take(vector, index.add(first, k)),
                                     getSumType());
            };
            sum = multiplyAddOne(builder, loc, widen(lhs), widen(rhs), sum);
          }
          return {
              vector::InsertOp::create(builder, loc, sum, running[0], lane)};
        })[0];
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
