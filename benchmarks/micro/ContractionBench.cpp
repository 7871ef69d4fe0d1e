//===- ContractionBench.cpp - Speed of matrix products --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// sluice-bench-contraction [MxKxN | BxMxKxN ...] [b=packed|plain|transposed]
//                          [dynamic=1] [rows=..] [vectors=..] [unroll=..]
//                          [mb=..] [nb=..] [kb=..] [outer=0|1] [prefetch=..]
//                          [fetch=0|1] [cpu=..] [reps=..]
//                          [-- another choice of tiles]...
//
// Several choices are measured in turns.
//
//===----------------------------------------------------------------------===//
#include "MicroBench.h"
#include "PeakProbe.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <memory>

using namespace mlir;
using namespace sluice;
using namespace sluice::benchmarks;
using namespace sluice::testing;

namespace {
struct Shape {
  int64_t rows, depth, columns, batch = 1;
};
struct Options {
  std::vector<Shape> shapes;
  std::vector<ContractionTilingOverrides> choices = {{}};
  std::string cpu = "native";
  /// packed (a constant), plain or transposed.
  std::string form = "packed";
  bool dynamic = false;
  int64_t repetitions = 60;
};
} // namespace

static const Shape standardShapes[] = {
    {384, 768, 768},    {384, 768, 3072}, {384, 3072, 768}, {512, 1024, 4096},
    {128, 768, 768},    {128, 768, 3072}, {128, 3072, 768}, {197, 768, 768},
    {1024, 1024, 1024}, {32, 768, 3072},  {16, 1024, 3584}, {8, 768, 3072},
    {4, 768, 3072},     {1, 768, 3072},   {1, 3072, 768},   {1, 256, 256}};

static llvm::Error parseArgument(llvm::StringRef text, Options &options) {
  auto [key, value] = text.split('=');
  if (text == "--") {
    options.choices.emplace_back();
    return llvm::Error::success();
  }
  if (key == "cpu" || key == "b") {
    (key == "cpu" ? options.cpu : options.form) = value.str();
    return llvm::Error::success();
  }
  if (value.empty()) {
    auto sizes = parseSizes(text, 'x');
    if (!sizes)
      return sizes.takeError();
    if (sizes->size() < 3 || sizes->size() > 4)
      return llvm::createStringError("not a shape: " + text);
    int64_t batch = sizes->size() == 4 ? sizes->front() : 1;
    llvm::ArrayRef<int64_t> matrix = llvm::ArrayRef(*sizes).take_back(3);
    options.shapes.push_back({matrix[0], matrix[1], matrix[2], batch});
    return llvm::Error::success();
  }
  ContractionTilingOverrides &overrides = options.choices.back();
  return setNumber(text, {{"rows", overrides.tileRows},
                          {"vectors", overrides.tileVectors},
                          {"unroll", overrides.unroll},
                          {"mb", overrides.rowBlock},
                          {"nb", overrides.columnBlock},
                          {"kb", overrides.depthBlock},
                          {"outer", overrides.rowsOuter},
                          {"fetch", overrides.fetchPanels},
                          {"prefetch", overrides.prefetchDistance},
                          {"dynamic", options.dynamic},
                          {"reps", options.repetitions}});
}

namespace {
/// One choice of tiles for a shape, compiled.
struct Choice {
  ContractionTiling tiling;
  std::unique_ptr<CompiledKernel> kernel;
  std::vector<double> seconds, shares;
};
/// The memory of all choices.
struct Operands {
  AlignedFloats a, b, c, scratch;
};
} // namespace

static ContractionSpec getSpec(const Shape &shape, const Options &options) {
  ContractionSpec spec;
  auto declare = [&](int64_t size) {
    return options.dynamic ? kDynamicSize : size;
  };
  spec.batch = declare(shape.batch);
  spec.rows = declare(shape.rows);
  spec.packedB = options.form == "packed";
  spec.transposeB = options.form == "transposed";
  spec.columns = spec.packedB ? shape.columns : declare(shape.columns);
  spec.depth = spec.packedB ? shape.depth : declare(shape.depth);
  return spec;
}

static llvm::Error compileChoice(const MachineModel &machine,
                                 const ContractionSpec &spec, Choice &choice) {
  auto kernel = CompiledKernel::compile(
      machine, 4, 4,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange sizes) {
        auto size = [&](int64_t declared, int number) -> OpFoldResult {
          if (declared == kDynamicSize)
            return sizes[number];
          return builder.getIndexAttr(declared);
        };
        ContractionOperands operands;
        operands.a = buffers[0];
        operands.b = buffers[1];
        operands.c = buffers[2];
        operands.batch = size(spec.batch, 0);
        operands.rows = size(spec.rows, 1);
        operands.columns = size(spec.columns, 2);
        operands.depth = size(spec.depth, 3);
        operands.scratch = buffers[3];
        emitContraction(builder, loc, spec, choice.tiling, operands, nullptr);
      },
      LoopOrder::Forward);
  if (!kernel)
    return kernel.takeError();
  choice.kernel = std::move(*kernel);
  return llvm::Error::success();
}

static Operands makeOperands(const Shape &shape, const ContractionSpec &spec,
                             const std::vector<Choice> &choices) {
  int64_t packed = 0;
  for (const Choice &choice : choices)
    packed = std::max(packed, getPackedElements(shape.depth, shape.columns,
                                                choice.tiling.width()));
  int64_t plain = shape.batch * shape.depth * shape.columns;
  return {AlignedFloats(shape.batch * shape.rows * shape.depth),
          AlignedFloats(spec.packedB ? packed : plain),
          AlignedFloats(shape.batch * shape.rows * shape.columns),
          AlignedFloats(spec.packedB ? 0 : shape.batch * packed)};
}

static double getMedian(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

static void report(const Shape &shape, const Choice &choice,
                   const Choice &first) {
  const ContractionTiling &tiling = choice.tiling;
  double flops = 2.0 * shape.batch * shape.rows * shape.depth * shape.columns;
  double seconds = getMedian(choice.seconds);
  std::vector<double> ratios;
  for (auto [mine, other] : llvm::zip_equal(choice.seconds, first.seconds))
    ratios.push_back(mine / other);
  double bBytes =
      4.0 * getPackedElements(shape.depth, shape.columns, tiling.width());
  double share = getMedian(choice.shares);
  bool hasDepthBlock = tiling.depthBlock != std::numeric_limits<int64_t>::max();
  llvm::outs() << llvm::format(
      "%5ldx%5ldx%5ld  tile %2ldx%-2ld  block %4ldx%-4ldx%-5ld fetch %d"
      "  %9.1f us  %6.1f GF/s  peak %5.1f %% (best %5.1f)  B %5.1f GB/s  "
      "%ld KB  by first %.3f%s\n",
      shape.rows, shape.depth, shape.columns, tiling.tileRows, tiling.width(),
      tiling.rowBlock, tiling.columnBlock,
      hasDepthBlock ? tiling.depthBlock : 0, tiling.fetchPanels, seconds * 1e6,
      flops / seconds * 1e-9, share * 100,
      *std::max_element(choice.shares.begin(), choice.shares.end()) * 100,
      bBytes * 1e-9 / seconds, choice.kernel->objectSize >> 10,
      getMedian(ratios), describeCredibility(share));
  llvm::outs().flush();
}

static llvm::Error runShape(const MachineModel &machine, const Shape &shape,
                            const Options &options) {
  ContractionSpec spec = getSpec(shape, options);
  std::vector<Choice> choices(options.choices.size());
  for (auto [choice, overrides] : llvm::zip_equal(choices, options.choices)) {
    choice.tiling = chooseContractionTiling(spec, machine, overrides);
    if (llvm::Error error = compileChoice(machine, spec, choice))
      return error;
  }
  Operands operands = makeOperands(shape, spec, choices);
  double flops = 2.0 * shape.batch * shape.rows * shape.depth * shape.columns;
  // Short blocks in turns: what else the machine does slows all choices alike.
  for (int64_t i = 0; i < options.repetitions; ++i)
    for (Choice &choice : choices) {
      Measurement result = measure(
          [&] {
            choice.kernel->call(
                {operands.a.get(), operands.b.get(), operands.c.get(),
                 operands.scratch.bytes()},
                {shape.batch, shape.rows, shape.columns, shape.depth});
          },
          flops, 1);
      choice.seconds.push_back(result.median);
      choice.shares.push_back(result.medianPeakShare);
    }
  for (const Choice &choice : choices)
    report(shape, choice, choices.front());
  return llvm::Error::success();
}

static llvm::Error run(llvm::ArrayRef<char *> arguments) {
  Options options;
  for (llvm::StringRef argument : arguments)
    if (llvm::Error error = parseArgument(argument, options))
      return error;
  if (options.shapes.empty())
    options.shapes.assign(std::begin(standardShapes), std::end(standardShapes));
  auto machine = getMachineModel("", options.cpu);
  if (!machine)
    return machine.takeError();
  for (const Shape &shape : options.shapes)
    if (llvm::Error error = runShape(*machine, shape, options))
      return error;
  return llvm::Error::success();
}

int main(int argc, char **argv) { return runBenchmark(argc, argv, run); }
