//===- PairUnit.cpp - Products of pairs of integers -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// PMADDWD multiplies 16-bit integers and adds up the products of neighbours. Of
// all pairs only (-2^15)^2 + (-2^15)^2 is no number of 32 bits; it becomes
// -2^31, which is the same modulo 2^32.
//
//===----------------------------------------------------------------------===//
#include "Units.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace sluice;

namespace {
class PairUnit final : public DotUnit {
public:
  using DotUnit::DotUnit;

  Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs,
                    Value sums) const final {
    auto call = LLVM::CallIntrinsicOp::create(
        builder, loc, getVectorType(), builder.getStringAttr(getIntrinsic()),
        ValueRange{lhs, rhs});
    return arith::AddIOp::create(builder, loc, sums, call.getResults());
  }

private:
  /// One for each width of vectors.
  StringRef getIntrinsic() const {
    switch (getVectorType().getNumElements()) {
    case 16:
      return "llvm.x86.avx512.pmaddw.d.512";
    case 8:
      return "llvm.x86.avx2.pmadd.wd";
    default:
      return "llvm.x86.sse2.pmadd.wd";
    }
  }
};
} // namespace

std::unique_ptr<DotUnit> sluice::createPairUnit(const DotUnitModel &model,
                                                Type sumType) {
  return std::make_unique<PairUnit>(model, sumType);
}
