//===- MergedPixels.cpp - Neighbouring pixels as channels -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The micro-kernels' vectors run along the output channels, so a convolution
// with one output channel uses one of eight lanes. A window that is longer by
// p - 1 strides holds the windows of p neighbouring pixels: with p shifted
// copies of the weights, zeros around them, one convolution computes p pixels
// as p channels. Channels last, its result has the same order of elements.
//
//===----------------------------------------------------------------------===//

#include "MergedPixels.h"
#include "sluice/Analysis/DotUnit.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

namespace {
/// A convolution along its last spatial dimension.
struct Line {
  int64_t pixels, taps, stride, channels;

  /// Products of vectors per pixel, for one input channel and one line of taps,
  /// when `merged` pixels are computed together.
  double cost(int64_t merged, int64_t lanes) const {
    int64_t length = taps + (merged - 1) * stride;
    int64_t vectors = llvm::divideCeil(merged * channels, lanes);
    int64_t windows = llvm::divideCeil(pixels, merged);
    return double(length * vectors * windows) / double(pixels);
  }

  /// How many pixels together cost least.
  int64_t choose(int64_t lanes) const {
    int64_t best = 1;
    for (int64_t merged = 2; merged * channels <= lanes && merged <= pixels;
         ++merged)
      if (cost(merged, lanes) < cost(best, lanes))
        best = merged;
    return best;
  }
};
} // namespace

int64_t sluice::countMergedPixels(ConvOp op, Value weights,
                                  const MachineModel &machine) {
  // The result takes another pass where an operation follows.
  constexpr double worthwhileGain = 1.5;
  constexpr int64_t worthwhileWork = 1 << 16, mostWeights = 1 << 18;
  ArrayRef<int64_t> weight = shapeOf(op.getWeight());
  ArrayRef<int64_t> result = shapeOf(op);
  auto types = getProductTypes(op);
  auto constant = weights.getDefiningOp<ConstantOp>();
  if (!constant || !op.getChannelsLast() || op.getGroups() != 1 || !types ||
      op.getDilations().back() != 1 ||
      llvm::count_if(result, ShapedType::isDynamic) > 1)
    return 1;
  Line line{result[result.size() - 2], weight.back(), op.getStrides().back(),
            weight[0]};
  int64_t elements = constant.getType().getNumElements();
  if (ShapedType::isDynamic(line.pixels) || line.pixels == 0 ||
      line.channels == 0 || elements == 0)
    return 1;
  int64_t lanes = chooseDotUnit(*types, machine).lanes;
  int64_t merged = line.choose(lanes);
  double gain = line.cost(1, lanes) / line.cost(merged, lanes);
  int64_t mergedWeights =
      elements / line.taps * (line.taps + (merged - 1) * line.stride) * merged;
  double work = double(elements);
  for (int64_t size : result.drop_back())
    work *= ShapedType::isDynamic(size) ? 1.0 : double(size);
  return gain >= worthwhileGain && work >= worthwhileWork &&
                 mergedWeights <= mostWeights
             ? merged
             : 1;
}
