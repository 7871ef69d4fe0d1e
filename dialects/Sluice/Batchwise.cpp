//===- Batchwise.cpp - Ops that compute places of a batch apart -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/Sluice.h"

using namespace mlir;
using namespace sluice;

/// The rows of the left matrices, all of which meet one right matrix.
bool MatmulOp::hasBatch(unsigned operand, int64_t count) {
  return operand == 0 && !getTransposeLhs() && shapeOf(getRhs()).size() == 2 &&
         count < static_cast<int64_t>(shapeOf(getLhs()).size());
}

Value MatmulOp::cloneOnBatch(OpBuilder &builder, ValueRange operands, int64_t) {
  return MatmulOp::create(builder, getLoc(), operands[0], operands[1],
                          getTransposeLhsAttr(), getTransposeRhsAttr());
}

/// Each index has its rows of a table.
bool GatherOp::hasBatch(unsigned operand, int64_t count) {
  return operand == 1 && getAxis() == 0 &&
         count <= static_cast<int64_t>(shapeOf(getIndices()).size());
}

Value GatherOp::cloneOnBatch(OpBuilder &builder, ValueRange operands, int64_t) {
  return GatherOp::create(builder, getLoc(), operands[0], operands[1],
                          getAxisAttr());
}

/// What works along one dimension, or all from there on.
template <typename OpTy>
static bool hasBatchBefore(OpTy op, unsigned operand, int64_t count) {
  return operand == 0 && count <= static_cast<int64_t>(op.getAxis());
}

static IntegerAttr moveAxis(OpBuilder &builder, int64_t axis, int64_t count) {
  return builder.getI64IntegerAttr(axis - count + 1);
}

template <typename OpTy>
static Value cloneSoftmax(OpTy op, OpBuilder &builder, ValueRange operands,
                          int64_t count) {
  return OpTy::create(builder, op.getLoc(), operands[0],
                      moveAxis(builder, op.getAxis(), count));
}

bool SoftmaxOp::hasBatch(unsigned operand, int64_t count) {
  return hasBatchBefore(*this, operand, count);
}

Value SoftmaxOp::cloneOnBatch(OpBuilder &builder, ValueRange operands,
                              int64_t count) {
  return cloneSoftmax(*this, builder, operands, count);
}

bool LogSoftmaxOp::hasBatch(unsigned operand, int64_t count) {
  return hasBatchBefore(*this, operand, count);
}

Value LogSoftmaxOp::cloneOnBatch(OpBuilder &builder, ValueRange operands,
                                 int64_t count) {
  return cloneSoftmax(*this, builder, operands, count);
}

template <typename OpTy>
static Value cloneNorm(OpTy op, OpBuilder &builder, ValueRange operands,
                       int64_t count) {
  return OpTy::create(builder, op.getLoc(), operands[0], operands.drop_front(),
                      moveAxis(builder, op.getAxis(), count),
                      op.getEpsilonAttr());
}

bool LayerNormOp::hasBatch(unsigned operand, int64_t count) {
  return hasBatchBefore(*this, operand, count);
}

Value LayerNormOp::cloneOnBatch(OpBuilder &builder, ValueRange operands,
                                int64_t count) {
  return cloneNorm(*this, builder, operands, count);
}

bool RmsNormOp::hasBatch(unsigned operand, int64_t count) {
  return hasBatchBefore(*this, operand, count);
}

Value RmsNormOp::cloneOnBatch(OpBuilder &builder, ValueRange operands,
                              int64_t count) {
  return cloneNorm(*this, builder, operands, count);
}
