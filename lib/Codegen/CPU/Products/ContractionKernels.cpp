//===- ContractionKernels.cpp - Matrix products ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "sluice/Codegen/CPU/Products/Epilogue.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "sluice/Codegen/Elements/LoopNest.h"

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
  return sumLoop(
      kernel, depth, zero,
      [&](Value k, ValueRange running) -> SmallVector<Value> {
        Value lhs =
            kernel.load(op.getLhs(), place(op.getLhs(), op.getTransposeLhs(),
                                           indices[rank - 2], k));
        Value rhs =
            kernel.load(op.getRhs(), place(op.getRhs(), op.getTransposeRhs(), k,
                                           indices[rank - 1]));
        BodyBuilder body{kernel.builder, kernel.loc};
        return {body.add(running[0], body.mul(lhs, rhs))};
      },
      [&](Value a, Value b) {
        return BodyBuilder{kernel.builder, kernel.loc}.add(a, b);
      })[0];
}

/// Emits a product, of `operands` but for scratch memory, and the ops behind
/// it.
static LogicalResult emitProduct(KernelBuilder &kernel, Operation *product,
                                 ContractionSpec spec,
                                 ContractionOperands operands) {
  spec.types = withResult(
      spec.types, elementTypeOf(kernel.region.getTerminator()->getOperand(0)));
  auto tiling =
      readContractionTiling(product, spec, CpuLoops::of(kernel).machine);
  if (failed(tiling))
    return failure();
  operands.scratch =
      makeScratch(kernel, getContractionScratch(kernel.builder, kernel.loc,
                                                spec, *tiling, operands));
  Epilogue epilogue(kernel, product->getResult(0));
  operands.residuals = epilogue.residuals();
  emitContraction(kernel.builder, kernel.loc, spec, *tiling, operands,
                  epilogue.function());
  return success();
}

/// A product with packed weights: all leading dimensions are rows.
static LogicalResult emitPackedMatmul(KernelBuilder &kernel, Operation *op) {
  auto matmul = cast<kernel::PackedMatmulOp>(op);
  Value result = kernel.region.getTerminator()->getOperand(0);
  ArrayRef<int64_t> shape = shapeOf(matmul.getLhs());
  ContractionOperands operands;
  operands.a = kernel.buffer(matmul.getLhs());
  operands.b = kernel.buffer(matmul.getWeights());
  operands.c = kernel.buffer(result);
  operands.batch = kernel.builder.getIndexAttr(1);
  SmallVector<Value> rows = kernel.sizes(matmul.getLhs());
  rows.pop_back();
  operands.rows = getAsOpFoldResult(kernel.product(rows));
  operands.columns = kernel.builder.getIndexAttr(matmul.getColumns());
  operands.depth = kernel.builder.getIndexAttr(shape.back());
  return emitProduct(kernel, op, getContractionSpec(matmul), operands);
}

/// How far apart the matrices of an operand are that is no contiguous buffer,
/// and their rows; null if it is one.
static Value matrixStride(KernelBuilder &kernel, Value operand,
                          OpFoldResult &rowStride) {
  auto type = cast<MemRefType>(kernel.buffer(operand).getType());
  if (type.getLayout().isIdentity())
    return {};
  int64_t rank = type.getRank();
  rowStride =
      getAsOpFoldResult(strideOf(kernel, kernel.buffer(operand), rank - 2));
  return rank > 2 ? strideOf(kernel, kernel.buffer(operand), rank - 3)
                  : kernel.index(0);
}

/// A product of two run-time matrices. Batch dimensions may broadcast.
static LogicalResult emitMatmul(KernelBuilder &kernel, Operation *op) {
  auto matmul = cast<MatmulOp>(op);
  Value result = kernel.region.getTerminator()->getOperand(0);
  auto types = getProductTypes(op);
  if (!types)
    return emitElementKernel(kernel);
  int64_t rank = shapeOf(matmul).size();
  ArrayRef<int64_t> lhs = shapeOf(matmul.getLhs());
  int64_t depthPlace = lhs.size() - (matmul.getTransposeLhs() ? 2 : 1);
  ContractionOperands operands;
  operands.a = kernel.buffer(matmul.getLhs());
  operands.b = kernel.buffer(matmul.getRhs());
  operands.c = kernel.buffer(result);
  SmallVector<Value> sizes = kernel.sizes(result);
  Value depth = kernel.size(matmul.getLhs(), depthPlace);
  ArrayRef<Value> batchSizes = ArrayRef<Value>(sizes).drop_back(2);
  operands.batch = getAsOpFoldResult(kernel.product(batchSizes));
  operands.rows = getAsOpFoldResult(sizes[rank - 2]);
  operands.columns = getAsOpFoldResult(sizes[rank - 1]);
  operands.depth = getAsOpFoldResult(depth);
  Value matrixA = matrixStride(kernel, matmul.getLhs(), operands.aStride);
  Value matrixB = matrixStride(kernel, matmul.getRhs(), operands.bStride);
  if (!matrixA)
    matrixA = kernel.mul(sizes[rank - 2], depth);
  if (!matrixB)
    matrixB = kernel.mul(sizes[rank - 1], depth);
  Value matrixC = kernel.mul(sizes[rank - 2], sizes[rank - 1]);
  // Which matrix of an operand belongs to a batch index of the result.
  SmallVector<Value> lhsSizes = kernel.sizes(matmul.getLhs());
  SmallVector<Value> rhsSizes = kernel.sizes(matmul.getRhs());
  auto offsets = [&](OpBuilder &builder, Location loc,
                     Value batch) -> BatchOffsets {
    IndexBuilder index(builder, loc);
    SmallVector<OpFoldResult> place(batchSizes.size());
    OpFoldResult flat = batch;
    for (size_t i = batchSizes.size(); i-- > 0;) {
      OpFoldResult size = getAsOpFoldResult(batchSizes[i]);
      place[i] = i == 0 ? flat : index.rem(flat, size);
      flat = index.div(flat, size);
    }
    auto matrix = [&](ArrayRef<Value> operandSizes, Value elements) {
      ArrayRef<Value> mine = operandSizes.drop_back(2);
      OpFoldResult which = index.constant(0);
      for (auto [i, value] : llvm::enumerate(mine)) {
        OpFoldResult size = getAsOpFoldResult(value);
        OpFoldResult at = place[place.size() - mine.size() + i];
        if (IndexBuilder::isConstant(size, 1)) {
          at = index.constant(0);
        } else if (!IndexBuilder::getConstant(size)) {
          Value isOne =
              arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                    value, index.value(index.constant(1)));
          at = arith::SelectOp::create(builder, loc, isOne,
                                       index.value(index.constant(0)),
                                       index.value(at))
                   .getResult();
        }
        which = index.add(index.mul(which, size), at);
      }
      return index.mul(which, getAsOpFoldResult(elements));
    };
    return {matrix(lhsSizes, matrixA), matrix(rhsSizes, matrixB),
            index.mul(OpFoldResult(batch), getAsOpFoldResult(matrixC))};
  };
  operands.batchOffsets = offsets;
  return emitProduct(kernel, op, getContractionSpec(matmul, *types), operands);
}

/// Of matrices that lie a fixed step apart. Left operands of narrow types are
/// widened as a whole.
static bool readsStridedMatrices(OpOperand &use, int64_t axis) {
  auto matmul = cast<MatmulOp>(use.getOwner());
  bool isWidened =
      matmul.getLhs() == use.get() && !elementTypeOf(use.get()).isF32();
  return axis + 2 >= static_cast<int64_t>(shapeOf(use.get()).size()) &&
         !isWidened;
}

void sluice::registerContractionEmitters(EmitterRegistry &registry) {
  registry.addKernel<MatmulOp>(emitMatmul);
  registry.addKernel<kernel::PackedMatmulOp>(emitPackedMatmul);
  registry.addElement<MatmulOp>(matmulElement);
  registry.addStrided<MatmulOp>(readsStridedMatrices);
  registry.flushSubnormals<MatmulOp, kernel::PackedMatmulOp>();
}
