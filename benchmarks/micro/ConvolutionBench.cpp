//===- ConvolutionBench.cpp - Speed of convolutions -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// sluice-bench-convolution [set=resnet|depthwise|all] [cpu=..] [pixels=..]
//                          [vectors=..] [lines=..] [channels=..] [copy=0|1]
//                          [outer=0|1] [dynamic=1] [onednn=0] [reps=..]
//                          [inputs,outputs,size,kernel,stride[,groups] ...]
//
//===----------------------------------------------------------------------===//
#include "MicroBench.h"
#include "OneDnnConvolution.h"
#include "PeakProbe.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <memory>

using namespace mlir;
using namespace sluice;
using namespace sluice::benchmarks;
using namespace sluice::testing;

namespace {
/// Square images and kernels, padded to keep the size.
struct Shape {
  int64_t inputs, outputs, size, kernel, stride;
  bool depthwise = false;
  /// How often it occurs in its network.
  int64_t count = 1;
};
struct Options {
  std::vector<Shape> shapes;
  ConvolutionTilingOverrides overrides;
  std::string cpu = "native";
  std::string set = "all";
  bool dynamic = false;
  bool rival = true;
  int64_t repetitions = 40;
};
struct Totals {
  double seconds = 0, flops = 0, logShare = 0;
  int64_t shapes = 0;
};
} // namespace

static const Shape resnetShapes[] = {{3, 64, 224, 7, 2},
                                     {64, 64, 56, 1, 1},
                                     {256, 64, 56, 1, 1, false, 2},
                                     {64, 64, 56, 3, 1, false, 3},
                                     {64, 256, 56, 1, 1, false, 4},
                                     {256, 128, 56, 1, 1},
                                     {512, 128, 28, 1, 1, false, 3},
                                     {128, 128, 56, 3, 2},
                                     {128, 128, 28, 3, 1, false, 3},
                                     {128, 512, 28, 1, 1, false, 4},
                                     {256, 512, 56, 1, 2},
                                     {512, 256, 28, 1, 1},
                                     {1024, 256, 14, 1, 1, false, 5},
                                     {256, 256, 28, 3, 2},
                                     {256, 256, 14, 3, 1, false, 5},
                                     {256, 1024, 14, 1, 1, false, 6},
                                     {512, 1024, 28, 1, 2},
                                     {1024, 512, 14, 1, 1},
                                     {2048, 512, 7, 1, 1, false, 2},
                                     {512, 512, 14, 3, 2},
                                     {512, 512, 7, 3, 1, false, 2},
                                     {512, 2048, 7, 1, 1, false, 3},
                                     {1024, 2048, 14, 1, 2}};

static const Shape depthwiseShapes[] = {
    {32, 32, 112, 3, 1, true},  {96, 96, 112, 3, 2, true},
    {144, 144, 56, 3, 1, true}, {192, 192, 28, 3, 1, true},
    {384, 384, 14, 3, 1, true}, {576, 576, 14, 3, 1, true},
    {960, 960, 7, 3, 1, true},  {240, 240, 14, 5, 1, true},
    {672, 672, 14, 5, 1, true}};

static llvm::Error parseShape(llvm::StringRef text, Options &options) {
  auto sizes = parseSizes(text, ',');
  if (!sizes)
    return sizes.takeError();
  if (sizes->size() < 5 || sizes->size() > 6)
    return llvm::createStringError("not a shape: " + text);
  bool depthwise = sizes->size() == 6 && sizes->back() > 1;
  options.shapes.push_back({(*sizes)[0], (*sizes)[1], (*sizes)[2], (*sizes)[3],
                            (*sizes)[4], depthwise});
  return llvm::Error::success();
}

static llvm::Error parseArgument(llvm::StringRef text, Options &options) {
  auto [key, value] = text.split('=');
  if (value.empty())
    return parseShape(text, options);
  if (key == "cpu" || key == "set") {
    (key == "cpu" ? options.cpu : options.set) = value.str();
    return llvm::Error::success();
  }
  ConvolutionTilingOverrides &overrides = options.overrides;
  return setNumber(text, {{"pixels", overrides.tilePixels},
                          {"vectors", overrides.tileVectors},
                          {"lines", overrides.lineBlock},
                          {"channels", overrides.channelBlock},
                          {"copy", overrides.copyPadded},
                          {"outer", overrides.channelsOuter},
                          {"dynamic", options.dynamic},
                          {"onednn", options.rival},
                          {"reps", options.repetitions}});
}

static ConvolutionSpec makeSpec(const Shape &shape) {
  ConvolutionSpec spec;
  int64_t pad = shape.kernel / 2;
  int64_t output = (shape.size + 2 * pad - shape.kernel) / shape.stride + 1;
  spec.batch = 1;
  spec.inputSizes.assign(2, shape.size);
  spec.outputSizes.assign(2, output);
  spec.kernelSizes.assign(2, shape.kernel);
  spec.strides.assign(2, shape.stride);
  spec.dilations.assign(2, 1);
  spec.padsBegin.assign(2, pad);
  // What a stride leaves over needs no padding.
  int64_t used = (output - 1) * shape.stride + shape.kernel - pad;
  spec.padsEnd.assign(2, std::max<int64_t>(used - shape.size, 0));
  spec.groups = shape.depthwise ? shape.inputs : 1;
  spec.inputChannels = shape.inputs / spec.groups;
  spec.outputChannels = shape.outputs / spec.groups;
  return spec;
}

static llvm::Error runShape(const MachineModel &machine, const Shape &shape,
                            const Options &options, Totals &totals) {
  ConvolutionSpec full = makeSpec(shape), spec = full;
  if (options.dynamic) {
    spec.batch = kDynamicSize;
    spec.inputSizes.assign(2, kDynamicSize);
    spec.outputSizes.assign(2, kDynamicSize);
  }
  ConvolutionTiling tiling =
      chooseConvolutionTiling(spec, machine, options.overrides);
  auto kernel = CompiledKernel::compile(
      machine, 4, 5,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange sizes) {
        ConvolutionOperands operands;
        operands.input = buffers[0];
        operands.weights = buffers[1];
        operands.output = buffers[2];
        operands.scratch = buffers[3];
        auto size = [&](int64_t known, int number) -> OpFoldResult {
          if (options.dynamic)
            return sizes[number];
          return builder.getIndexAttr(known);
        };
        operands.batch = size(1, 0);
        for (int d = 0; d < 2; ++d) {
          operands.inputSizes.push_back(size(full.inputSizes[d], 1 + d));
          operands.outputSizes.push_back(size(full.outputSizes[d], 3 + d));
        }
        emitConvolution(builder, loc, spec, tiling, operands, nullptr);
      },
      LoopOrder::Forward);
  if (!kernel)
    return kernel.takeError();
  int64_t output = full.outputSizes[0];
  AlignedFloats input(shape.size * shape.size * shape.inputs);
  AlignedFloats weights(getPackedConvolutionElements(spec, tiling));
  AlignedFloats result(output * output * shape.outputs);
  int64_t padded = shape.size + 2 * shape.kernel;
  AlignedFloats scratch(tiling.copyPadded ? shape.size * padded * shape.inputs
                                          : 0);
  double flops = 2.0 * output * output * shape.outputs * full.inputChannels *
                 shape.kernel * shape.kernel;
  Measurement measured = measure(
      [&] {
        (*kernel)->call(
            {input.get(), weights.get(), result.get(), scratch.bytes()},
            {1, shape.size, shape.size, output, output});
      },
      flops, options.repetitions,
      options.rival ? makeOneDnnConvolution(full) : std::function<void()>());
  llvm::outs() << llvm::format(
      "%4ld->%4ld @%3ld k%ld s%ld%s  tile %2ldx%-3ld block %3ldx%-4ld %8.1f us "
      "%6.1f GF/s  peak %5.1f %% (best %5.1f)  %ld KB  oneDNN/ours %.2f%s\n",
      shape.inputs, shape.outputs, shape.size, shape.kernel, shape.stride,
      shape.depthwise ? " dw" : "", tiling.tilePixels, tiling.width(),
      tiling.lineBlock, tiling.channelBlock, measured.median * 1e6,
      flops / measured.median * 1e-9, measured.medianPeakShare * 100,
      measured.bestPeakShare * 100, (*kernel)->objectSize >> 10,
      measured.speedup, describeCredibility(measured.medianPeakShare));
  llvm::outs().flush();
  totals.seconds += measured.median * shape.count;
  totals.flops += flops * shape.count;
  totals.logShare += std::log(measured.medianPeakShare);
  ++totals.shapes;
  return llvm::Error::success();
}

static llvm::Error runAll(const MachineModel &machine,
                          llvm::ArrayRef<Shape> shapes,
                          const Options &options) {
  Totals totals;
  for (const Shape &shape : shapes)
    if (llvm::Error error = runShape(machine, shape, options, totals))
      return error;
  if (totals.shapes > 1)
    llvm::outs() << llvm::format(
        "sum by occurrence: %.2f ms, %.1f GF/s; mean share of peak %.1f %%\n",
        totals.seconds * 1e3, totals.flops / totals.seconds * 1e-9,
        std::exp(totals.logShare / totals.shapes) * 100);
  return llvm::Error::success();
}

static llvm::Error run(llvm::ArrayRef<char *> arguments) {
  Options options;
  for (llvm::StringRef argument : arguments)
    if (llvm::Error error = parseArgument(argument, options))
      return error;
  auto machine = getMachineModel("", options.cpu);
  if (!machine)
    return machine.takeError();
  if (!options.shapes.empty())
    return runAll(*machine, options.shapes, options);
  if (options.set != "depthwise")
    if (llvm::Error error = runAll(*machine, resnetShapes, options))
      return error;
  if (options.set != "resnet")
    return runAll(*machine, depthwiseShapes, options);
  return llvm::Error::success();
}

int main(int argc, char **argv) { return runBenchmark(argc, argv, run); }
