//===- WindowInference.cpp - Sizes of sliding windows ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/WindowInference.h"
#include "dialects/Sluice/Unsupported.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

/// Sizes, strides and pads are below this, so that sums and products of two of
/// them stay far from overflowing.
static constexpr int64_t sizeLimit = int64_t(1) << 31;

std::optional<int64_t> sluice::countWindows(const Window &window,
                                            int64_t size) {
  std::optional<int64_t> kernel = getConstantIntValue(window.kernel);
  if (!kernel || *kernel < 1 || *kernel > sizeLimit || size < 0 ||
      size > (int64_t(1) << 60))
    return std::nullopt;
  int64_t padded = size + window.padBegin + window.padEnd;
  // Nothing has room for no window, which is an empty result.
  if (padded == 0)
    return 0;
  int64_t room = padded - (window.dilation * (*kernel - 1) + 1);
  if (!window.ceilMode)
    return room < 0 ? std::nullopt : std::optional(room / window.stride + 1);
  // A window that is less than a stride too large reaches over the end.
  int64_t count = llvm::divideCeilSigned(room, window.stride) + 1;
  if (count < 1)
    return std::nullopt;
  // The last window must not start in the end padding.
  if ((count - 1) * window.stride >= size + window.padBegin)
    --count;
  return count;
}

OpFoldResult sluice::countWindows(OpBuilder &builder, Location loc,
                                  const Window &window, OpFoldResult size) {
  if (auto known = getConstantIntValue(size);
      known && getConstantIntValue(window.kernel))
    if (auto count = countWindows(window, *known))
      return builder.getIndexAttr(*count);
  auto index = [&](int64_t number) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, number);
  };
  Value sizeValue = getValueOrCreateConstantIndexOp(builder, loc, size);
  Value kernel = getValueOrCreateConstantIndexOp(builder, loc, window.kernel);
  // size + pads - (dilation * (kernel - 1) + 1)
  Value reach =
      arith::MulIOp::create(builder, loc, kernel, index(window.dilation));
  Value padded = arith::AddIOp::create(
      builder, loc, sizeValue,
      index(window.padBegin + window.padEnd + window.dilation - 1));
  Value room = arith::SubIOp::create(builder, loc, padded, reach);
  Value stride = index(window.stride);
  Value zero = index(0);
  // Adding the stride before dividing makes "does not fit" come out as zero.
  int64_t extra = window.stride + (window.ceilMode ? window.stride - 1 : 0);
  Value sum = arith::AddIOp::create(builder, loc, room, index(extra));
  sum = arith::MaxSIOp::create(builder, loc, sum, zero);
  Value count = arith::DivUIOp::create(builder, loc, sum, stride);
  if (!window.ceilMode)
    return count;
  // The last window must not start in the end padding.
  Value limit = arith::AddIOp::create(
      builder, loc, sizeValue, index(window.padBegin + window.stride - 1));
  Value starts = arith::DivUIOp::create(
      builder, loc, arith::MaxSIOp::create(builder, loc, limit, zero), stride);
  return arith::MinSIOp::create(builder, loc, count, starts).getResult();
}

std::optional<int64_t> sluice::getTransposedSize(const Window &window,
                                                 int64_t outputPadding,
                                                 int64_t size) {
  std::optional<int64_t> kernel = getConstantIntValue(window.kernel);
  if (!kernel || *kernel < 0 || *kernel > sizeLimit || size < 0 ||
      size > sizeLimit)
    return std::nullopt;
  int64_t full = window.stride * (size - 1) + window.dilation * (*kernel - 1) +
                 1 + outputPadding - window.padBegin - window.padEnd;
  if (full < 0)
    return std::nullopt;
  return full;
}

OpFoldResult sluice::getTransposedSize(OpBuilder &builder, Location loc,
                                       const Window &window,
                                       int64_t outputPadding,
                                       OpFoldResult size) {
  if (auto known = getConstantIntValue(size))
    if (auto full = getTransposedSize(window, outputPadding, *known))
      return builder.getIndexAttr(*full);
  auto scaled = [&](OpFoldResult value, int64_t factor) -> Value {
    return arith::MulIOp::create(
        builder, loc, getValueOrCreateConstantIndexOp(builder, loc, value),
        arith::ConstantIndexOp::create(builder, loc, factor));
  };
  Value full = arith::AddIOp::create(builder, loc, scaled(size, window.stride),
                                     scaled(window.kernel, window.dilation));
  int64_t rest = 1 - window.stride - window.dilation + outputPadding -
                 window.padBegin - window.padEnd;
  full = arith::AddIOp::create(
      builder, loc, full, arith::ConstantIndexOp::create(builder, loc, rest));
  return arith::MaxSIOp::create(builder, loc, full,
                                arith::ConstantIndexOp::create(builder, loc, 0))
      .getResult();
}

LogicalResult sluice::verifyWindows(std::optional<Location> location,
                                    int64_t spatialRank,
                                    ArrayRef<int64_t> strides,
                                    ArrayRef<int64_t> dilations,
                                    ArrayRef<int64_t> pads) {
  auto hasLength = [](ArrayRef<int64_t> values, int64_t length) {
    return static_cast<int64_t>(values.size()) == length;
  };
  if (spatialRank < 0 || !hasLength(strides, spatialRank) ||
      !hasLength(dilations, spatialRank) || !hasLength(pads, 2 * spatialRank))
    return emitOptionalError(location,
                             "strides, dilations and pads do not fit ",
                             spatialRank, " spatial dimensions");
  for (ArrayRef<int64_t> values : {strides, dilations})
    for (int64_t value : values) {
      if (value < 1)
        return emitOptionalError(
            location, "strides and dilations must be positive, not ", value);
      if (value > sizeLimit)
        return emitOptionalUnsupported(location, "a stride or dilation of ",
                                       value, " is out of range");
    }
  for (int64_t pad : pads)
    if (pad < -sizeLimit || pad > sizeLimit)
      return emitOptionalUnsupported(location, "a pad of ", pad,
                                     " is out of range");
  return success();
}

std::optional<SmallVector<int64_t>>
sluice::joinPads(ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                 int64_t spatialDimension, ArrayRef<int64_t> strides,
                 ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads) {
  SmallVector<int64_t> joined(pads);
  int64_t spatialRank = pads.size() / 2;
  for (int64_t i = 0, rank = low.size(); i < rank; ++i) {
    int64_t axis = i - spatialDimension;
    if (low[i] == 0 && high[i] == 0)
      continue;
    // What is cropped behind the padding is not the image.
    if (axis < 0 || axis >= spatialRank || low[i] < 0 || high[i] < 0 ||
        pads[axis] < 0 || pads[spatialRank + axis] < 0)
      return std::nullopt;
    joined[axis] += low[i];
    joined[spatialRank + axis] += high[i];
  }
  if (failed(
          verifyWindows(std::nullopt, spatialRank, strides, dilations, joined)))
    return std::nullopt;
  return joined;
}
