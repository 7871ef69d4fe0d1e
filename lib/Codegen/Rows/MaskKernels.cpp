//===- MaskKernels.cpp - Blocks of masks ----------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"
#include "sluice/Codegen/Rows/RowOps.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;

namespace {

/// Says of each block of a mask or a bias which keys count there.
class MaskBlocksEmitter {
public:
  MaskBlocksEmitter(KernelBuilder &kernel, MaskBlocksOp op)
      : kernel(kernel), body{kernel.builder, kernel.loc}, op(op),
        mask(kernel, op.getOperand()), result(kernel, op.getResult()),
        isBias(isa<FloatType>(elementTypeOf(op.getOperand()))),
        flags(kernel.rows.laneType(kernel.builder.getI1Type(), mask.lanes())) {}

  void emit();

private:
  using Values = RowOps::Values;

  Values lookAt(Value offset, const Piece &piece, ValueRange running);
  Value classify(Value offset, Value rows, Value columns);
  /// Combines the lanes.
  Value join(Value lanes, bool all);
  Value flag(bool value) {
    return kernel.rows.constant(kernel, kernel.builder.getBoolAttr(value),
                                flags);
  }
  Value number(int64_t value) {
    return kernel.number(kernel.builder.getI32Type(), value);
  }

  KernelBuilder &kernel;
  BodyBuilder body;
  MaskBlocksOp op;
  RowBuffer mask, result;
  bool isBias;
  /// The type of one flag for each lane.
  Type flags;
  /// From one row of the mask to the next.
  Value stride;
};

} // namespace

/// `running` tells whether a key counts, and whether the block is full: all
/// keys of a mask count, all biases are zero.
MaskBlocksEmitter::Values MaskBlocksEmitter::lookAt(Value offset,
                                                    const Piece &piece,
                                                    ValueRange running) {
  Value loaded = mask.load(offset, piece), counts = loaded, fills = loaded;
  if (isBias) {
    double bound = -std::numeric_limits<double>::infinity();
    if (op.getMaskedBelow())
      bound = op.getMaskedBelow()->convertToDouble();
    // NaN counts.
    counts =
        body.compare(CmpFPredicate::UGT, loaded, body.constant(loaded, bound));
    fills = body.compare(CmpFPredicate::OEQ, loaded, body.zero(loaded));
  }
  return {body.make<arith::OrIOp>(
              running[0], keepLanes(kernel, piece, counts, flag(false))),
          body.make<arith::AndIOp>(
              running[1], keepLanes(kernel, piece, fills, flag(true)))};
}

Value MaskBlocksEmitter::join(Value lanes, bool all) {
  Type type = kernel.builder.getI1Type();
  Value neutral =
      kernel.rows.constant(kernel, kernel.builder.getBoolAttr(all), type);
  return reduceRow(
      kernel, kernel.index(mask.lanes()), neutral, flags,
      [&](const Piece &) { return lanes; },
      [&](Value a, Value b) -> Value {
        if (all)
          return body.make<arith::AndIOp>(a, b);
        return body.make<arith::OrIOp>(a, b);
      });
}

/// Of the block from `offset` on, which has so many rows and columns.
Value MaskBlocksEmitter::classify(Value offset, Value rows, Value columns) {
  Values none = {flag(false), flag(true)};
  Values found = kernel.loop(rows, none, [&](Value row, ValueRange running) {
    Value begin = kernel.add(offset, kernel.mul(row, stride));
    return overRow(kernel, columns, mask.lanes(), running,
                   [&](const Piece &piece, ValueRange inner) {
                     return lookAt(begin, piece, inner);
                   });
  });
  Value isSeen = join(found[0], /*all=*/false);
  Value isFull = join(found[1], /*all=*/true);
  Value kind = body.select(isFull, number(isBias ? -1 : 1), number(2));
  return body.select(isSeen, kind, number(0));
}

void MaskBlocksEmitter::emit() {
  SmallVector<Value> sizes = kernel.sizes(op.getOperand()),
                     blocks = kernel.sizes(op.getResult());
  size_t batches = sizes.size() - 2;
  Value rows = sizes[batches], columns = sizes[batches + 1];
  Value blockRows = blocks[batches], blockColumns = blocks[batches + 1];
  Value height = kernel.index(op.getBlockSizes()[0]),
        width = kernel.index(op.getBlockSizes()[1]);
  stride = columns;
  Value outer = kernel.product(ValueRange(sizes).take_front(batches));
  // What lies behind the end of the mask is no part of a block.
  auto rest = [&](Value size, Value begin, Value block) -> Value {
    Value left = kernel.sub(size, begin);
    return body.make<arith::MinSIOp>(left, block);
  };
  Type element = elementTypeOf(op.getOperand());
  double bytes =
      KernelBuilder::storageType(element).getIntOrFloatBitWidth() / 8;
  double elements = static_cast<double>(op.getBlockSizes()[0]) *
                    getConstantIntValue(columns).value_or(1024);
  Cost each = kernel.cost({elements / mask.lanes() * 3, elements * bytes});
  kernel.parallel(kernel.mul(outer, blockRows), each, [&](Value item) {
    Value batch = kernel.div(item, blockRows),
          firstRow = kernel.mul(kernel.rem(item, blockRows), height);
    Value row = kernel.add(kernel.mul(batch, rows), firstRow);
    Value count = rest(rows, firstRow, height);
    kernel.forEach({blockColumns}, [&](ValueRange at) {
      Value firstColumn = kernel.mul(at[0], width);
      Value offset = kernel.add(kernel.mul(row, stride), firstColumn);
      Value kind = classify(offset, count, rest(columns, firstColumn, width));
      result.storeScalar(kind,
                         kernel.add(kernel.mul(item, blockColumns), at[0]));
    });
  });
}

static LogicalResult emitMaskBlocks(KernelBuilder &kernel, Operation *op) {
  MaskBlocksEmitter(kernel, cast<MaskBlocksOp>(op)).emit();
  return success();
}

void sluice::registerMaskEmitters(EmitterRegistry &registry) {
  registry.addKernel<MaskBlocksOp>(emitMaskBlocks);
}
