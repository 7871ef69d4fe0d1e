//===- CheckWindowSizes.cpp - Sizes of what looks through windows ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Convolutions, pools, and columns that become an image again.
//
//===----------------------------------------------------------------------===//

#include "SizeChecker.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace sluice {

using Size = OpFoldResult;
using Predicate = arith::CmpIPredicate;

static constexpr StringLiteral windowMessage =
    "the kernel does not fit the padded dimension";

void Checker::checkWindow(Size size, const Window &window) {
  SizeBuilder at = sizes();
  if (getConstantIntValue(size) && getConstantIntValue(window.kernel))
    return;
  requireNotNegative(at.sub(window.kernel, number(1)), windowMessage);
  // With `ceilMode` a window may reach over the end by less than a stride.
  int64_t beyond = window.ceilMode ? window.stride - 1 : 0;
  Size padded = at.add(size, number(window.padBegin + window.padEnd));
  Size reach =
      at.add(at.mul(at.sub(window.kernel, number(1)), number(window.dilation)),
             number(1));
  // No elements at all have no windows.
  Value fits =
      either(compare(Predicate::sge, at.add(padded, number(beyond)), reach),
             compare(Predicate::eq, padded, number(0)));
  require(fits, windowMessage);
}

template <typename OpTy> void Checker::checkConvolution(OpTy conv) {
  Size first = sizeOf(conv.getWeight(), 0);
  if (conv.getGroups() == 1 || getConstantIntValue(first))
    return;
  Value rest = arith::RemSIOp::create(
      builder, loc, sizes().value(first),
      sizes().value(number(static_cast<int64_t>(conv.getGroups()))));
  require(compare(Predicate::eq, rest, number(0)),
          "the weights cannot be divided into the groups");
}

void Checker::demand(ConvOp conv) {
  checkConvolution(conv);
  Size taken = sizes().mul(sizeOf(conv.getWeight(), 1),
                           number(static_cast<int64_t>(conv.getGroups())));
  requireEqual(sizeOf(conv.getInput(), conv.getChannelDimension()), taken,
               channelsMessage);
  for (int64_t i = 0, rank = conv.getSpatialRank(); i < rank; ++i)
    checkWindow(sizeOf(conv.getInput(), conv.getSpatialDimension() + i),
                {sizeOf(conv.getWeight(), 2 + i), conv.getStrides()[i],
                 conv.getDilations()[i], conv.getPads()[i],
                 conv.getPads()[rank + i]});
}

void Checker::demand(ConvTransposeOp conv) {
  checkConvolution(conv);
  requireEqual(sizeOf(conv.getInput(), conv.getChannelDimension()),
               sizeOf(conv.getWeight(), 0), channelsMessage);
}

void Checker::demand(DeformConvOp conv) {
  checkConvolution(conv);
  SizeBuilder at = sizes();
  Value input = conv.getInput(), weight = conv.getWeight(),
        offsets = conv.getOffsets();
  requireEqual(
      sizeOf(input, 1),
      at.mul(sizeOf(weight, 1), number(static_cast<int64_t>(conv.getGroups()))),
      channelsMessage);
  Size taps = at.mul(at.mul(sizeOf(weight, 2), sizeOf(weight, 3)),
                     number(static_cast<int64_t>(conv.getOffsetGroups())));
  SmallVector<Size> shape{sizeOf(input, 0), at.mul(taps, number(2))};
  for (int64_t i : {0, 1}) {
    Window window{sizeOf(weight, 2 + i), conv.getStrides()[i],
                  conv.getDilations()[i], conv.getPads()[i],
                  conv.getPads()[2 + i]};
    checkWindow(sizeOf(input, 2 + i), window);
    shape.push_back(countWindows(builder, loc, window, sizeOf(input, 2 + i)));
  }
  requireShape(offsets, shape, "the offsets do not fit the result");
  shape[1] = taps;
  if (conv.getMask())
    requireShape(conv.getMask(), shape, "the mask does not fit the result");
}

template <typename OpTy> void Checker::checkPool(OpTy pool) {
  for (int64_t i = 0, rank = pool.getSpatialRank(); i < rank; ++i)
    checkWindow(sizeOf(pool.getOperand(), pool.getSpatialDimension() + i),
                {number(pool.getKernel()[i]), pool.getStrides()[i],
                 pool.getDilations()[i], pool.getPads()[i],
                 pool.getPads()[rank + i], pool.getCeilMode()});
}

void Checker::demand(ColumnsToImageOp columns) {
  SizeBuilder at = sizes();
  constexpr StringLiteral message = "the columns do not fit the image";
  int64_t elements = 1, spatial = columns.getBlock().size();
  Size blocks = number(1);
  for (int64_t i = 0; i < spatial; ++i) {
    elements *= columns.getBlock()[i];
    Window window{number(columns.getBlock()[i]), columns.getStrides()[i],
                  columns.getDilations()[i], columns.getPads()[i],
                  columns.getPads()[spatial + i]};
    Size size = element(columns.getImage(), i);
    requireNotNegative(size, "a wanted size is negative");
    checkWindow(size, window);
    blocks = at.mul(blocks, countWindows(builder, loc, window, size));
  }
  requireEqual(sizeOf(columns.getOperand(), 2), blocks, message);
  Size rows = sizeOf(columns.getOperand(), 1);
  if (!getConstantIntValue(rows))
    requireEqual(builder.createOrFold<arith::RemSIOp>(
                     loc, at.value(rows), at.value(number(elements))),
                 number(0), message);
}

template void Checker::checkPool(MaxPoolOp);
template void Checker::checkPool(MaxPoolIndicesOp);
template void Checker::checkPool(AveragePoolOp);
template void Checker::checkPool(LpPoolOp);

} // namespace sluice
