//===- ColumnsToImage.cpp - Sums of overlapping blocks of an image --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;
using Integer = arith::CmpIPredicate;

/// Every block that covers the element adds what its column says.
static Value columnsToImageElement(KernelBuilder &kernel, OpResult result,
                                   ValueRange indices) {
  auto op = cast<ColumnsToImageOp>(result.getOwner());
  BodyBuilder body{kernel.builder, kernel.loc};
  Type elementType = elementTypeOf(result);
  int64_t spatial = op.getBlock().size(), elements = 1;
  for (int64_t side : op.getBlock())
    elements *= side;
  Value zero = kernel.number(elementType, 0);
  return kernel.loop(
      kernel.index(elements), zero, [&](Value at, ValueRange running) {
        Value column = kernel.index(0), rest = at, inside;
        SmallVector<Value> offsets(spatial);
        for (int64_t i = spatial; i-- > 0;) {
          Value side = kernel.index(op.getBlock()[i]);
          offsets[i] = kernel.rem(rest, side);
          rest = kernel.div(rest, side);
        }
        for (int64_t i = 0; i < spatial; ++i) {
          Value stride = kernel.index(op.getStrides()[i]);
          Value dilation = kernel.index(op.getDilations()[i]);
          int64_t reach = op.getDilations()[i] * (op.getBlock()[i] - 1) + 1;
          int64_t pads = op.getPads()[i] + op.getPads()[i + spatial];
          // The number of blocks along this dimension.
          Value room = kernel.add(kernel.size(result, 2 + i),
                                  kernel.index(pads - reach));
          Value isPlaced = compare(kernel, Integer::sge, room, kernel.index(0));
          Value blocks =
              select(kernel, isPlaced,
                     kernel.add(kernel.div(room, stride), kernel.index(1)),
                     kernel.index(0));
          Value distance = kernel.sub(
              kernel.add(indices[2 + i], kernel.index(op.getPads()[i])),
              kernel.mul(offsets[i], dilation));
          Value isAhead =
              compare(kernel, Integer::sge, distance, kernel.index(0));
          Value safe = select(kernel, isAhead, distance, kernel.index(0));
          Value isWhole = compare(kernel, Integer::eq, kernel.rem(safe, stride),
                                  kernel.index(0));
          Value block = kernel.div(safe, stride);
          inside = both(kernel, inside, isAhead);
          inside = both(kernel, inside, isWhole);
          inside = both(kernel, inside, isInside(kernel, block, blocks));
          column = kernel.add(kernel.mul(column, blocks), block);
        }
        inside =
            both(kernel, inside,
                 isInside(kernel, column, kernel.size(op.getOperand(), 2)));
        Value row =
            kernel.add(kernel.mul(indices[1], kernel.index(elements)), at);
        inside = both(kernel, inside,
                      isInside(kernel, row, kernel.size(op.getOperand(), 1)));
        Value element = loadGuarded(kernel, inside, op.getOperand(),
                                    {indices[0], row, column});
        return SmallVector<Value>{body.add(running[0], element)};
      })[0];
}

void sluice::registerColumnsToImageEmitters(EmitterRegistry &registry) {
  registry.addElement<ColumnsToImageOp>(columnsToImageElement);
}
