//===- ConvolutionTest.cpp - Convolutions against a plain loop ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "Codegen/GuardedBuffer.h"
#include "Codegen/HostCpus.h"
#include "Codegen/KernelHarness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace sluice;
using namespace sluice::testing;

namespace {

using Sizes = std::vector<int64_t>;

struct Case {
  int64_t batch, groups, inputs, outputs; ///< Channels per group.
  Sizes image, kernel;
  Sizes strides = {}, dilations = {}, padsBegin = {}, padsEnd = {};
  bool transposed = false;
  int64_t exactSteps = 0; ///< Makes the epilogue longer.
};

int64_t product(const Sizes &sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

ConvolutionSpec makeSpec(const Case &test) {
  size_t rank = test.image.size();
  auto orElse = [&](const Sizes &sizes, int64_t value) {
    return sizes.empty() ? Sizes(rank, value) : sizes;
  };
  ConvolutionSpec spec;
  spec.batch = test.batch;
  spec.inputSizes = test.image;
  spec.kernelSizes = test.kernel;
  spec.strides = orElse(test.strides, 1);
  spec.dilations = orElse(test.dilations, 1);
  spec.padsBegin = orElse(test.padsBegin, 0);
  spec.padsEnd = orElse(test.padsEnd, 0);
  spec.groups = test.groups;
  spec.inputChannels = test.inputs;
  spec.outputChannels = test.outputs;
  spec.transposed = test.transposed;
  for (size_t d = 0; d < rank; ++d) {
    if (test.transposed) {
      // One more row than needed, like an output padding.
      spec.outputSizes.push_back((test.image[d] - 1) * spec.strides[d] -
                                 spec.padsBegin[d] - spec.padsEnd[d] +
                                 (test.kernel[d] - 1) * spec.dilations[d] + 2);
      continue;
    }
    int64_t span = test.image[d] + spec.padsBegin[d] + spec.padsEnd[d] -
                   (test.kernel[d] - 1) * spec.dilations[d] - 1;
    spec.outputSizes.push_back(span < 0 ? 0 : span / spec.strides[d] + 1);
  }
  return spec;
}

void fill(GuardedBuffer<float> &buffer, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < buffer.size(); ++i)
    buffer[i] = uniform(generator);
}

/// Coordinates of element `flat` of an array.
Sizes decode(int64_t flat, const Sizes &sizes) {
  Sizes coordinates(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    coordinates[d] = flat % sizes[d];
    flat /= sizes[d];
  }
  return coordinates;
}

/// One output element before the epilogue, and the sum of magnitudes.
std::pair<double, double> computeReference(const ConvolutionSpec &spec,
                                           const float *input,
                                           const float *weights, int64_t image,
                                           int64_t pixel, int64_t channel) {
  Sizes position = decode(pixel, spec.outputSizes);
  int64_t group = channel / spec.outputChannels;
  int64_t taps = product(spec.kernelSizes);
  double sum = 0, magnitude = 1;
  for (int64_t tap = 0; tap < taps; ++tap) {
    Sizes offset = decode(tap, spec.kernelSizes);
    int64_t source = 0;
    bool inside = true;
    for (size_t d = 0; d < position.size(); ++d) {
      int64_t coordinate = position[d] * spec.strides[d] - spec.padsBegin[d] +
                           offset[d] * spec.dilations[d];
      if (spec.transposed) {
        int64_t scaled =
            position[d] + spec.padsBegin[d] - offset[d] * spec.dilations[d];
        inside &= scaled >= 0 && scaled % spec.strides[d] == 0;
        coordinate = scaled / spec.strides[d];
      }
      inside &= coordinate >= 0 && coordinate < spec.inputSizes[d];
      source = source * spec.inputSizes[d] + coordinate;
    }
    if (!inside)
      continue;
    source += image * product(spec.inputSizes);
    for (int64_t c = 0; c < spec.inputChannels; ++c) {
      int64_t filter = channel * spec.inputChannels + c;
      if (spec.transposed)
        filter = (group * spec.inputChannels + c) * spec.outputChannels +
                 channel % spec.outputChannels;
      double value =
          static_cast<double>(input[source * spec.groups * spec.inputChannels +
                                    group * spec.inputChannels + c]) *
          weights[filter * taps + tap];
      sum += value;
      magnitude += std::abs(value);
    }
  }
  return {sum, magnitude};
}

/// sums + bias[column] + residual[same element]
Value applyEpilogue(OpBuilder &builder, Location loc, Value sums, Value bias,
                    Value residual, const ResultPosition &position) {
  int64_t lanes = cast<VectorType>(sums.getType()).getNumElements();
  Value added =
      loadVector(builder, loc, bias, position.column, lanes, position.mask);
  sums = arith::AddFOp::create(builder, loc, sums, added);
  added = loadVector(builder, loc, residual, position.element, lanes,
                     position.mask);
  return arith::AddFOp::create(builder, loc, sums, added);
}

void runCase(const MachineModel &machine, const Case &test, bool dynamic) {
  ConvolutionSpec full = makeSpec(test);
  SCOPED_TRACE(::testing::Message()
               << machine.cpu << " dynamic=" << dynamic << " groups "
               << test.groups << " channels " << test.inputs << "->"
               << test.outputs << " image "
               << ::testing::PrintToString(test.image) << " kernel "
               << ::testing::PrintToString(test.kernel) << " strides "
               << ::testing::PrintToString(full.strides) << " pads "
               << ::testing::PrintToString(full.padsBegin)
               << ::testing::PrintToString(full.padsEnd));
  ConvolutionSpec spec = full;
  size_t rank = spec.inputSizes.size();
  if (dynamic) {
    spec.batch = kDynamicSize;
    spec.inputSizes.assign(rank, kDynamicSize);
    spec.outputSizes.assign(rank, kDynamicSize);
  }
  ConvolutionTiling tiling = chooseConvolutionTiling(spec, machine);
  // As if nothing were in the caches: what is fetched may lie beyond the ends.
  tiling.fetchResult = true;
  tiling.fetchLines = spec.strides.size() > 1 && spec.groups == 1;
  tiling.contraction.fetchRows = tiling.contraction.fetchResult = true;

  auto getOperands = [&](OpBuilder &builder, ValueRange buffers,
                         ValueRange values) {
    ConvolutionOperands operands;
    operands.input = buffers[0];
    operands.weights = buffers[1];
    operands.output = buffers[2];
    operands.scratch = buffers[5];
    auto size = [&](int64_t known, size_t number) -> OpFoldResult {
      if (dynamic)
        return values[number];
      return builder.getIndexAttr(known);
    };
    operands.batch = size(full.batch, 0);
    for (size_t d = 0; d < rank; ++d) {
      operands.inputSizes.push_back(size(full.inputSizes[d], 1 + d));
      operands.outputSizes.push_back(size(full.outputSizes[d], 1 + rank + d));
    }
    return operands;
  };
  auto kernel = CompiledKernel::compile(
      machine, 6, 1 + 2 * rank,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange values) {
        auto epilogue = [&](OpBuilder &builder, Location loc, Value sums,
                            const ResultPosition &position) {
          sums = appendExactSteps(builder, loc, sums, test.exactSteps);
          return applyEpilogue(builder, loc, sums, buffers[3], buffers[4],
                               position);
        };
        emitConvolution(builder, loc, spec, tiling,
                        getOperands(builder, buffers, values), epilogue);
      });
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());

  int64_t scratchBytes = 0;
  {
    MLIRContext context;
    context.loadDialect<arith::ArithDialect>();
    OpBuilder builder(&context);
    ConvolutionOperands operands;
    operands.batch = builder.getIndexAttr(full.batch);
    for (size_t d = 0; d < rank; ++d) {
      operands.inputSizes.push_back(builder.getIndexAttr(full.inputSizes[d]));
      operands.outputSizes.push_back(builder.getIndexAttr(full.outputSizes[d]));
    }
    scratchBytes = *getConstantIntValue(getConvolutionScratch(
        builder, builder.getUnknownLoc(), full, tiling, operands));
  }
  int64_t pixels = product(full.outputSizes);
  int64_t outputs = full.groups * full.outputChannels;
  GuardedBuffer<float> input(full.batch * product(full.inputSizes) *
                             full.groups * full.inputChannels);
  GuardedBuffer<float> weights(outputs * full.inputChannels *
                               product(full.kernelSizes));
  GuardedBuffer<float> packed(getPackedConvolutionElements(spec, tiling));
  GuardedBuffer<float> output(full.batch * pixels * outputs);
  GuardedBuffer<float> bias(outputs), residual(output.size());
  GuardedBuffer<char> scratch((scratchBytes + 63) / 64 * 64);
  fill(input, 1);
  fill(weights, 2);
  fill(output, 3);
  fill(bias, 4);
  fill(residual, 5);
  packConvolutionWeights(spec, tiling, sizeof(float),
                         reinterpret_cast<const char *>(weights.data()),
                         reinterpret_cast<char *>(packed.data()));
  Sizes sizes = {full.batch};
  sizes.insert(sizes.end(), full.inputSizes.begin(), full.inputSizes.end());
  sizes.insert(sizes.end(), full.outputSizes.begin(), full.outputSizes.end());
  (*kernel)->call({{input.data(), input.size()},
                   {packed.data(), packed.size()},
                   {output.data(), output.size()},
                   {bias.data(), bias.size()},
                   {residual.data(), residual.size()},
                   {scratch.data(), scratch.size()}},
                  sizes);
  for (int64_t image = 0; image < full.batch; ++image)
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
      for (int64_t channel = 0; channel < outputs; ++channel) {
        int64_t element = (image * pixels + pixel) * outputs + channel;
        auto [sum, magnitude] = computeReference(
            full, input.data(), weights.data(), image, pixel, channel);
        ASSERT_NEAR(output[element], sum + bias[channel] + residual[element],
                    3e-7 * magnitude)
            << "image " << image << " pixel " << pixel << " channel "
            << channel;
      }
}

class ConvolutionTest : public ::testing::TestWithParam<const char *> {
protected:
  void runAll(llvm::ArrayRef<Case> cases) {
    MachineModel machine = hostMachine(GetParam());
    for (const Case &test : cases)
      for (bool dynamic : {false, true})
        runCase(machine, test, dynamic);
  }
};

TEST_P(ConvolutionTest, Pointwise) {
  runAll({{1, 1, 16, 32, {7, 7}, {1, 1}},
          {2, 1, 5, 7, {3, 4}, {1, 1}},
          {1, 1, 3, 65, {9, 9}, {1, 1}, {2, 2}},
          {2, 1, 8, 8, {5, 5}, {1, 1}, {}, {}, {1, 1}, {1, 1}}});
}

TEST_P(ConvolutionTest, Square) {
  runAll({{1, 1, 16, 16, {7, 7}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {2, 1, 3, 64, {15, 17}, {7, 7}, {2, 2}, {}, {3, 3}, {3, 3}},
          {1, 1, 5, 33, {6, 29}, {5, 3}, {1, 2}, {}, {2, 0}, {1, 3}},
          {1, 1, 4, 20, {11, 30}, {3, 3}, {2, 1}, {2, 3}, {2, 3}, {2, 3}},
          {1, 1, 2, 3, {1, 1}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {1, 1, 2, 3, {2, 3}, {2, 2}, {}, {}, {4, 4}, {4, 4}},
          {1, 1, 2, 9, {8, 8}, {3, 3}, {}, {}, {-1, -2}, {0, -1}},
          {0, 1, 2, 3, {4, 4}, {3, 3}},
          {1, 1, 3, 5, {2, 40}, {1, 13}, {1, 1}, {}, {0, 6}, {0, 6}}});
}

TEST_P(ConvolutionTest, Grouped) {
  runAll({{1, 2, 16, 32, {7, 9}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {1, 4, 4, 4, {6, 6}, {3, 3}, {2, 2}, {}, {1, 1}, {1, 1}},
          {2, 3, 5, 7, {5, 4}, {2, 2}},
          {1, 6, 1, 2, {8, 9}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {1, 2, 3, 5, {6, 6}, {1, 1}}});
}

TEST_P(ConvolutionTest, Depthwise) {
  runAll({{1, 32, 1, 1, {14, 14}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {2, 24, 1, 1, {7, 7}, {3, 3}, {2, 2}, {}, {1, 1}, {1, 1}},
          {1, 17, 1, 1, {9, 23}, {5, 5}, {}, {}, {2, 2}, {2, 2}},
          {1, 3, 1, 1, {5, 30}, {3, 5}, {1, 2}, {1, 2}, {0, 4}, {2, 4}},
          {1, 48, 1, 1, {1, 2}, {3, 3}, {}, {}, {1, 1}, {1, 1}},
          {1, 40, 1, 1, {20}, {4}, {2}},
          {1, 5, 1, 1, {4, 5, 6}, {3, 3, 3}, {}, {}, {1, 1, 1}, {1, 1, 1}}});
}

TEST_P(ConvolutionTest, LongEpilogue) {
  auto longer = [](Case test) {
    test.exactSteps = 60;
    return test;
  };
  runAll({longer({1, 1, 5, 35, {6, 13}, {3, 3}, {}, {}, {1, 1}, {1, 1}}),
          longer({1, 1, 7, 20, {5, 9}, {1, 1}}),
          longer({2, 2, 3, 4, {7, 9}, {3, 3}, {2, 2}, {}, {1, 1}, {1, 1}}),
          longer({1, 37, 1, 1, {6, 17}, {3, 3}, {}, {}, {1, 1}, {1, 1}})});
  Case transposed{1, 1, 5, 7, {4, 9}, {4, 4}, {2, 2}, {}, {1, 1}, {1, 1}};
  transposed.transposed = true;
  runAll({longer(transposed)});
}

TEST_P(ConvolutionTest, Transposed) {
  auto transposed = [](Case test) {
    test.transposed = true;
    return test;
  };
  runAll({transposed({1, 1, 8, 20, {5, 6}, {2, 2}, {2, 2}}),
          transposed({2, 1, 5, 7, {4, 9}, {4, 4}, {2, 2}, {}, {1, 1}, {1, 1}}),
          transposed({1, 1, 3, 4, {5, 5}, {3, 3}, {1, 1}, {}, {1, 1}, {1, 1}}),
          transposed({1, 2, 3, 5, {3, 7}, {3, 2}, {2, 3}, {2, 2}, {0, 1}}),
          transposed({1, 17, 1, 1, {6, 5}, {3, 3}, {2, 2}, {}, {1, 1}, {1, 1}}),
          transposed({1, 1, 6, 9, {11}, {8}, {4}, {}, {2}, {2}}),
          transposed({1, 1, 2, 3, {2, 3, 4}, {2, 2, 3}, {2, 1, 2}})});
}

TEST_P(ConvolutionTest, OneAndThreeDimensions) {
  runAll(
      {{1, 1, 1, 32, {400}, {64}, {16}},
       {2, 1, 7, 19, {31}, {3}, {}, {}, {1}, {1}},
       {1, 1, 6, 20, {33}, {5}, {2}, {2}, {4}, {4}},
       {1, 2, 6, 20, {33}, {5}, {2}, {}, {4}, {4}},
       {1, 1, 3, 10, {4, 5, 6}, {3, 2, 3}, {1, 2, 1}, {}, {1, 0, 1}, {1, 1, 1}},
       {1, 1, 2, 8, {5, 1, 7}, {3, 1, 3}, {2, 1, 2}}});
}

INSTANTIATE_TEST_SUITE_P(Machines, ConvolutionTest, hostCpus(), nameOfTest);

} // namespace
