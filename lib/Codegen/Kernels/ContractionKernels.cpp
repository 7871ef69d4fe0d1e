//===- ContractionKernels.cpp - Matrix products ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "sluice/Codegen/KernelBuilder.h"

using namespace mlir;
using namespace sluice;

/// One element of a product, for the element types and forms that have no
/// micro-kernel.
static Value matmulElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<MatmulOp>(result.getOwner());
  int64_t rank = indices.size();
  auto place = [&](Value operand, bool swapped, Value row, Value column) {
    ArrayRef<int64_t> shape = shapeOf(operand);
    int64_t operandRank = shape.size();
    SmallVector<Value> at;
    for (int64_t i = 0; i < operandRank - 2; ++i) {
      Value batch = indices[rank - operandRank + i];
      Value size = kernel.size(operand, i);
      Value isOne = arith::CmpIOp::create(kernel.builder, kernel.loc,
                                          arith::CmpIPredicate::eq, size,
                                          kernel.index(1));
      at.push_back(arith::SelectOp::create(kernel.builder, kernel.loc, isOne,
                                           kernel.index(0), batch));
    }
    at.push_back(swapped ? column : row);
    at.push_back(swapped ? row : column);
    return at;
  };
  int64_t lhsRank = shapeOf(op.getLhs()).size();
  Value depth =
      kernel.size(op.getLhs(), lhsRank - (op.getTransposeLhs() ? 2 : 1));
  Value zero = kernel.number(elementTypeOf(result), 0);
  return kernel.loop(
      depth, zero, [&](Value k, ValueRange running) -> SmallVector<Value> {
        Value lhs =
            kernel.load(op.getLhs(), place(op.getLhs(), op.getTransposeLhs(),
                                           indices[rank - 2], k));
        Value rhs =
            kernel.load(op.getRhs(), place(op.getRhs(), op.getTransposeRhs(), k,
                                           indices[rank - 1]));
        BodyBuilder body{kernel.builder, kernel.loc};
        return {body.add(running[0], body.mul(lhs, rhs))};
      })[0];
}

void sluice::registerContractionEmitters(EmitterRegistry &registry) {
  registry.addElement<MatmulOp>(matmulElement);
}
