//===- IndexBuilder.cpp - Index arithmetic and loops ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/Elements/IndexBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <cassert>

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;

Index IndexBuilder::ceilDiv(Index lhs, Index rhs) {
  return div(add(lhs, sub(rhs, 1)), rhs);
}

Index IndexBuilder::selectLess(Index lhs, Index rhs, Index whenLess,
                               Index otherwise) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right)
    return *left < *right ? whenLess : otherwise;
  Value isLess = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                       value(lhs), value(rhs));
  return arith::SelectOp::create(builder, loc, isLess, value(whenLess),
                                 value(otherwise))
      .getResult();
}

SmallVector<Value> IndexBuilder::loop(Index lower, Index upper, int64_t step,
                                      ValueRange initial, LoopBody body) {
  assert(step > 0 && "loops come to their end");
  auto first = getConstant(lower), end = getConstant(upper);
  if (first && end && *first >= *end)
    return llvm::to_vector_of<Value>(initial);
  if (first && end && *first + step >= *end)
    return body(lower, initial);
  Value lowerValue = value(lower), upperValue = value(upper),
        stepValue = value(constant(step));
  auto loop = scf::ForOp::create(builder, loc, lowerValue, upperValue,
                                 stepValue, initial);
  OpBuilder::InsertionGuard guard(builder);
  if (initial.empty())
    builder.setInsertionPoint(loop.getBody()->getTerminator());
  else
    builder.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> results =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty())
    scf::YieldOp::create(builder, loc, results);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void IndexBuilder::loop(Index lower, Index upper, int64_t step,
                        function_ref<void(Index)> body) {
  loop(lower, upper, step, ValueRange(),
       [&](Index iteration, ValueRange) -> SmallVector<Value> {
         body(iteration);
         return {};
       });
}

void IndexBuilder::ifLess(Index lhs, Index rhs, function_ref<void()> body) {
  ifLess(lhs, rhs, body, nullptr);
}

void IndexBuilder::ifLess(Index lhs, Index rhs, function_ref<void()> whenLess,
                          function_ref<void()> otherwise) {
  auto left = getConstant(lhs), right = getConstant(rhs);
  if (left && right) {
    if (*left < *right)
      whenLess();
    else if (otherwise)
      otherwise();
    return;
  }
  Value condition = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::slt, value(lhs), value(rhs));
  bool hasElse = static_cast<bool>(otherwise);
  auto branch = scf::IfOp::create(builder, loc, condition, hasElse);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  whenLess();
  if (!hasElse)
    return;
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  otherwise();
}

Value sluice::flattenBuffer(OpBuilder &builder, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getRank() == 1)
    return buffer;
  if (!type.getLayout().isIdentity()) {
    // As far as its last element lies, or farther.
    auto strided =
        memref::ExtractStridedMetadataOp::create(builder, loc, buffer);
    Value size = arith::MulIOp::create(builder, loc, strided.getSizes().front(),
                                       strided.getStrides().front());
    Value base = strided.getBaseBuffer();
    return memref::ReinterpretCastOp::create(
        builder, loc,
        MemRefType::get({ShapedType::kDynamic}, type.getElementType()), base,
        /*offset=*/OpFoldResult(builder.getIndexAttr(0)),
        /*sizes=*/ArrayRef<OpFoldResult>{size},
        /*strides=*/ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
  }
  SmallVector<ReassociationIndices> all;
  if (type.getRank() == 0)
    return memref::ExpandShapeOp::create(
        builder, loc,
        MemRefType::get({1}, type.getElementType(), MemRefLayoutAttrInterface(),
                        type.getMemorySpace()),
        buffer, all);
  all.push_back(llvm::to_vector(llvm::seq<int64_t>(type.getRank())));
  // The type that MLIR infers has no elements where one size is zero and
  // another dynamic, which its verifier refuses.
  int64_t elements =
      type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  auto flat =
      MemRefType::get({elements}, type.getElementType(),
                      MemRefLayoutAttrInterface(), type.getMemorySpace());
  return memref::CollapseShapeOp::create(builder, loc, flat, buffer, all);
}
