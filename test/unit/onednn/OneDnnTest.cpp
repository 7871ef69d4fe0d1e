//===- OneDnnTest.cpp - Tests of what calls oneDNN ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/onednn_abi.h"
#include "gtest/gtest.h"
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// A frame that remembers what became of a run.
struct Frame : sluice_frame {
  Frame() : sluice_frame() {
    threads = 1;
    runtime = this;
    allocate = [](sluice_frame *frame, int64_t size) -> void * {
      auto *self = static_cast<Frame *>(frame->runtime);
      self->memory.resize(size);
      return self->memory.data();
    };
    fail = [](sluice_frame *frame, int32_t status, const char *node,
              const char *message) {
      frame->status = status;
      auto *self = static_cast<Frame *>(frame->runtime);
      self->message = std::string(node) + ": " + message;
    };
  }
  std::vector<char> memory;
  std::string message;
};

/// `source` [rows][depth] times `weights`, + bias, then relu.
struct Problem {
  sluice_onednn_kernel kernel = {};
  int64_t rows, depth, columns;
  /// Between the weights of neighbours in depth and columns.
  int64_t depthStride, columnStride;
};

void addBiasAndRelu(sluice_onednn_kernel &kernel) {
  kernel.constant_weights = 1;
  kernel.has_bias = 1;
  kernel.post_op_count = 1;
  kernel.post_ops[0].operation = SLUICE_ONEDNN_RELU;
}

Problem product() {
  constexpr int64_t rows = 5, depth = 7, columns = 9;
  Problem problem = {{}, rows, depth, columns, columns, 1};
  sluice_onednn_kernel &kernel = problem.kernel;
  kernel.kind = SLUICE_ONEDNN_MATMUL;
  kernel.rank = 2;
  kernel.source[0] = rows;
  kernel.source[1] = kernel.weights[0] = depth;
  kernel.destination[0] = rows;
  kernel.destination[1] = kernel.weights[1] = columns;
  kernel.source_strides[0] = depth;
  kernel.source_strides[1] = 1;
  kernel.weights_strides[0] = columns;
  kernel.weights_strides[1] = 1;
  addBiasAndRelu(kernel);
  return problem;
}

/// The same as a convolution of 2x3 pixels. oneDNN blocks its weights on every
/// instruction set.
Problem convolution() {
  constexpr int64_t inputs = 32, outputs = 48, height = 2, width = 3;
  Problem problem = {{}, height * width, inputs, outputs, 1, inputs};
  sluice_onednn_kernel &kernel = problem.kernel;
  kernel.kind = SLUICE_ONEDNN_CONVOLUTION;
  kernel.rank = 4;
  int64_t source[] = {1, inputs, height, width},
          weights[] = {outputs, inputs, 1, 1},
          destination[] = {1, outputs, height, width};
  std::copy(source, source + 4, kernel.source);
  std::copy(weights, weights + 4, kernel.weights);
  std::copy(destination, destination + 4, kernel.destination);
  kernel.groups = 1;
  kernel.strides[0] = kernel.strides[1] = 1;
  kernel.dilations[0] = kernel.dilations[1] = 1;
  addBiasAndRelu(kernel);
  return problem;
}

/// Random operands of a problem. Gives its weights' address back when it goes.
class Data {
public:
  Data(const Problem &problem, int seed)
      : problem(problem), source(problem.rows * problem.depth),
        weights(problem.depth * problem.columns), bias(problem.columns) {
    for (std::vector<float> *values : {&source, &weights, &bias})
      for (float &value : *values) {
        seed = seed * 1103515245 + 12345;
        value = static_cast<float>((seed >> 16) % 100) / 50 - 1;
      }
  }
  ~Data() {
    sluice_onednn_release_weights(
        reinterpret_cast<const uint8_t *>(weights.data()),
        static_cast<int64_t>(weights.size() * sizeof(float)));
  }
  Data(const Data &) = delete;
  Data &operator=(const Data &) = delete;

  /// True if the result of a run is right.
  bool run(Frame &frame, void *&state) {
    std::vector<float> result(problem.rows * problem.columns, -1);
    void *operands[] = {source.data(), weights.data(), result.data(),
                        bias.data()};
    sluice_onednn_run(&frame, &problem.kernel, &state, operands, nullptr, 0,
                      "node");
    for (int64_t row = 0; row < problem.rows; ++row)
      for (int64_t column = 0; column < problem.columns; ++column)
        if (std::abs(result[row * problem.columns + column] -
                     expected(row, column)) > 1e-4f)
          return false;
    return true;
  }

private:
  float expected(int64_t row, int64_t column) const {
    double sum = bias[column];
    for (int64_t k = 0; k < problem.depth; ++k)
      sum += double(source[row * problem.depth + k]) *
             weights[k * problem.depthStride + column * problem.columnStride];
    return static_cast<float>(std::max(sum, 0.0));
  }

  const Problem &problem;
  std::vector<float> source, weights, bias;
};

class OneDnnProblem : public testing::TestWithParam<Problem (*)()> {
protected:
  Problem problem = GetParam()();
  void *state = nullptr;
};

TEST_P(OneDnnProblem, Computes) {
  Frame frame;
  Data data(problem, 1);
  for (int32_t threads : {1, 2, 0}) {
    frame.threads = threads;
    EXPECT_TRUE(data.run(frame, state));
    EXPECT_TRUE(data.run(frame, state));
  }
  EXPECT_NE(state, nullptr);
  EXPECT_EQ(frame.status, 0) << frame.message;
}

TEST_P(OneDnnProblem, SharedKernelsTellWeightsApart) {
  Frame frame;
  Data first(problem, 1), second(problem, 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(first.run(frame, state));
    EXPECT_TRUE(second.run(frame, state));
  }
}

TEST_P(OneDnnProblem, WeightsMayFollowOthersThatWereReleased) {
  Frame frame;
  for (int seed = 0; seed < 20; ++seed) {
    Data data(problem, seed);
    EXPECT_TRUE(data.run(frame, state)) << seed;
    EXPECT_TRUE(data.run(frame, state)) << seed;
  }
}

TEST_P(OneDnnProblem, RunsOfManyContextsAtOnce) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      Frame frame;
      for (int model = 0; model < 10; ++model) {
        Data data(problem, 10 * i + model);
        for (int run = 0; run < 5; ++run)
          wrong += !data.run(frame, state);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

/// Runs `body` in the child of a fork; true if it returns true in time.
template <typename Body> bool holdsInChild(Body body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body() ? 0 : 1);
  }
  int state = -1;
  return waitpid(child, &state, 0) == child && WIFEXITED(state) &&
         WEXITSTATUS(state) == 0;
}

TEST_P(OneDnnProblem, ChildOfAForkComputes) {
  Frame frame;
  frame.threads = 4;
  Data data(problem, 1);
  EXPECT_TRUE(data.run(frame, state));
  EXPECT_TRUE(holdsInChild([&] {
    return data.run(frame, state) && data.run(frame, state) &&
           holdsInChild([&] { return data.run(frame, state); });
  }));
  EXPECT_TRUE(data.run(frame, state));
}

TEST_P(OneDnnProblem, ForkWhileOthersRun) {
  // While it makes something, oneDNN holds locks of its own: nothing is known
  // about a fork then.
  std::atomic<bool> stop = false;
  std::atomic<int> warm = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      Frame frame;
      Data data(problem, i);
      data.run(frame, state);
      ++warm;
      while (!stop)
        data.run(frame, state);
    });
  while (warm < 2)
    std::this_thread::yield();
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(holdsInChild([&] {
      Frame frame;
      Data data(problem, 7);
      return data.run(frame, state);
    }));
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
}

INSTANTIATE_TEST_SUITE_P(OneDnn, OneDnnProblem,
                         testing::Values(product, convolution),
                         [](const auto &problem) {
                           return problem.index == 0 ? "Product"
                                                     : "Convolution";
                         });

TEST(OneDnn, SomeConstantWeightsAreCopied) {
  sluice_onednn_kernel kernel = convolution().kernel;
  sluice_onednn_report report;
  ASSERT_EQ(sluice_onednn_inspect(&kernel, 1, &report), 0);
  EXPECT_TRUE(report.copies_weights) << report.implementation;
  kernel = product().kernel;
  kernel.constant_weights = 0;
  ASSERT_EQ(sluice_onednn_inspect(&kernel, 1, &report), 0);
  EXPECT_FALSE(report.copies_weights) << report.implementation;
}

/// A strided convolution of pixels, which copies the image first.
sluice_onednn_kernel stridedConvolution() {
  sluice_onednn_kernel kernel = {};
  kernel.kind = SLUICE_ONEDNN_CONVOLUTION;
  kernel.rank = 4;
  int64_t source[] = {1, 64, 14, 14}, weights[] = {32, 64, 1, 1},
          destination[] = {1, 32, 7, 7};
  std::copy(source, source + 4, kernel.source);
  std::copy(weights, weights + 4, kernel.weights);
  std::copy(destination, destination + 4, kernel.destination);
  kernel.groups = 1;
  kernel.strides[0] = kernel.strides[1] = 2;
  kernel.dilations[0] = kernel.dilations[1] = 1;
  kernel.constant_weights = 1;
  return kernel;
}

TEST(OneDnn, ScratchMemoryComesFromTheFrameWhereThePlanHasTooLittle) {
  sluice_onednn_kernel kernel = stridedConvolution();
  sluice_onednn_report report;
  ASSERT_EQ(sluice_onednn_inspect(&kernel, 1, &report), 0);
  EXPECT_NE(std::string(report.implementation), "");
  std::vector<float> source(64 * 14 * 14, 1), weights(32 * 64, 0.5f),
      result(32 * 7 * 7);
  void *operands[] = {source.data(), weights.data(), result.data()};
  Frame frame;
  void *state = nullptr;
  sluice_onednn_run(&frame, &kernel, &state, operands, nullptr, 0, "node");
  EXPECT_EQ(frame.status, 0) << frame.message;
  EXPECT_GE(static_cast<int64_t>(frame.memory.size()), report.scratch_size);
  for (float value : result)
    ASSERT_EQ(value, 32.0f);
  std::vector<char> scratch(report.scratch_size + 1);
  frame.memory.clear();
  sluice_onednn_run(&frame, &kernel, &state, operands, scratch.data(),
                    report.scratch_size, "node");
  EXPECT_TRUE(frame.memory.empty());
}

TEST(OneDnn, RefusalsNameTheNode) {
  Problem problem = product();
  ++problem.kernel.destination[1];
  sluice_onednn_report report;
  EXPECT_NE(sluice_onednn_inspect(&problem.kernel, 1, &report), 0);
  problem = product();
  problem.kernel.post_ops[0].operation = 1000;
  EXPECT_NE(sluice_onednn_inspect(&problem.kernel, 1, &report), 0);
  Frame frame;
  void *state = nullptr;
  Data data(problem, 1);
  EXPECT_FALSE(data.run(frame, state));
  EXPECT_EQ(frame.status, SLUICE_RUN_FAILED);
  EXPECT_EQ(frame.message.rfind("node: oneDNN", 0), 0u) << frame.message;
}

} // namespace
