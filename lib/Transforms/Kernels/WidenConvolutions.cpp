//===- WidenConvolutions.cpp - Neighbouring pixels as channels ------------===//
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

#include "mlir/IR/PatternMatch.h"
#include "sluice/Analysis/DotUnit.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphBuilder.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_WIDENCONVOLUTIONSPASS
#include "sluice/Transforms/Passes.h.inc"

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

class WidenConvolutionsPass final
    : public impl::WidenConvolutionsPassBase<WidenConvolutionsPass> {
public:
  using WidenConvolutionsPassBase::WidenConvolutionsPassBase;

  void runOnOperation() final {
    SmallVector<ConvOp> convolutions;
    getOperation().walk([&](ConvOp op) { convolutions.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (ConvOp op : convolutions) {
      const MachineModel *machine =
          getMachine(getAnalysisManager(), getOperation(), op);
      if (!machine)
        return signalPassFailure();
      if (int64_t merged = countMergedPixels(op, *machine))
        widen(op, merged, rewriter);
    }
  }

private:
  int64_t countMergedPixels(ConvOp op, const MachineModel &machine);
  void widen(ConvOp op, int64_t merged, IRRewriter &rewriter);
  static Value widenWeights(ConvOp op, int64_t merged, int64_t taps,
                            OpBuilder &builder);
};

} // namespace

/// How many pixels of a line are worth computing together; zero where the
/// convolution had better stay as it is.
int64_t WidenConvolutionsPass::countMergedPixels(ConvOp op,
                                                 const MachineModel &machine) {
  // The result takes another pass where an operation follows.
  constexpr double worthwhileGain = 1.5;
  constexpr int64_t worthwhileWork = 1 << 16, mostWeights = 1 << 18;
  ArrayRef<int64_t> weight = shapeOf(op.getWeight());
  ArrayRef<int64_t> result = shapeOf(op);
  auto types = getProductTypes(op);
  auto constant = op.getWeight().getDefiningOp<ConstantOp>();
  if (!constant || !op.getChannelsLast() || op.getGroups() != 1 || !types ||
      op.getDilations().back() != 1 || !kernel::isBuiltin(op) ||
      kernel::getTiling(op) ||
      llvm::count_if(result, ShapedType::isDynamic) > 1)
    return 0;
  Line line{result[result.size() - 2], weight.back(), op.getStrides().back(),
            weight[0]};
  if (ShapedType::isDynamic(line.pixels) || line.pixels == 0 ||
      line.channels == 0 || constant.getType().getNumElements() == 0)
    return 0;
  int64_t lanes = chooseDotUnit(*types, machine).lanes;
  int64_t merged = line.choose(lanes);
  double gain = line.cost(1, lanes) / line.cost(merged, lanes);
  int64_t weights = constant.getType().getNumElements() / line.taps *
                    (line.taps + (merged - 1) * line.stride) * merged;
  double work = double(constant.getType().getNumElements());
  for (int64_t size : result.drop_back())
    work *= ShapedType::isDynamic(size) ? 1.0 : double(size);
  return gain >= worthwhileGain && work >= worthwhileWork &&
                 weights <= mostWeights
             ? merged
             : 0;
}

/// [channels, ...] as [pixels * channels, ...], for pixel p moved by p strides.
Value WidenConvolutionsPass::widenWeights(ConvOp op, int64_t merged,
                                          int64_t taps, OpBuilder &builder) {
  auto constant = op.getWeight().getDefiningOp<ConstantOp>();
  auto shape = llvm::to_vector(constant.getType().getShape());
  int64_t channels = shape[0], oldTaps = shape.back();
  int64_t lines = constant.getType().getNumElements() / (channels * oldTaps);
  int64_t stride = op.getStrides().back();
  std::vector<char> scratch;
  auto bytes = getConstantBytes(constant.getValue(), scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return nullptr;
  }
  size_t width = constant.getType().getElementTypeBitWidth() / 8;
  std::vector<char> values(merged * channels * lines * taps * width);
  for (int64_t pixel = 0; pixel < merged; ++pixel)
    for (int64_t row = 0; row < channels * lines; ++row) {
      int64_t start = (pixel * channels * lines + row) * taps;
      std::memcpy(&values[(start + pixel * stride) * width],
                  bytes->data() + row * oldTaps * width, oldTaps * width);
    }
  shape[0] = merged * channels;
  shape.back() = taps;
  return ConstantOp::create(builder, op.getLoc(),
                            DenseElementsAttr::getFromRawBuffer(
                                constant.getType().clone(shape), values));
}

void WidenConvolutionsPass::widen(ConvOp op, int64_t merged,
                                  IRRewriter &rewriter) {
  rewriter.setInsertionPoint(op);
  ArrayRef<int64_t> result = shapeOf(op);
  int64_t rank = result.size(), pixels = result[rank - 2];
  int64_t channels = result.back(), stride = op.getStrides().back();
  int64_t windows = llvm::divideCeil(pixels, merged);
  int64_t taps = shapeOf(op.getWeight()).back() + (merged - 1) * stride;
  Value weights = widenWeights(op, merged, taps, rewriter);
  if (!weights)
    return;

  auto strides = llvm::to_vector(op.getStrides());
  strides.back() *= merged;
  // Pixels that do not exist, up to the last window's end, see zeros.
  auto pads = llvm::to_vector(op.getPads());
  pads.back() += (windows * merged - pixels) * stride;
  auto sizes = llvm::to_vector(result);
  sizes[rank - 2] = windows;
  sizes[rank - 1] = merged * channels;
  GraphBuilder graph(rewriter, op.getLoc());
  Value wide = graph.make<ConvOp>(
      op.getType().clone(sizes), op.getInput(), weights,
      rewriter.getDenseI64ArrayAttr(strides), op.getDilationsAttr(),
      rewriter.getDenseI64ArrayAttr(pads), op.getGroupsAttr(),
      op.getChannelsLastAttr());

  sizes[rank - 2] = windows * merged;
  sizes[rank - 1] = channels;
  kernel::copyKernelAttributes(op, wide.getDefiningOp());
  Value narrow = graph.reshape(wide, sizes);
  if (windows * merged != pixels) {
    SmallVector<int64_t> starts(rank, 0), steps(rank, 1);
    SmallVector<int64_t> ends(rank, std::numeric_limits<int64_t>::max());
    ends[rank - 2] = pixels;
    narrow = graph.make<SliceOp>(narrow, ValueRange(),
                                 rewriter.getDenseI64ArrayAttr(starts),
                                 rewriter.getDenseI64ArrayAttr(ends),
                                 rewriter.getDenseI64ArrayAttr(steps));
  }
  remarks::applied(op, remarks::layout)
      << "computes " << Twine(merged).str() << " pixels of a line together";
  narrow.setType(op.getType());
  rewriter.replaceOp(op, narrow);
  ++numWidened;
}

} // namespace sluice
