//===- RowKernelsTest.cpp - Row kernels on another target -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels along rows are written once, against RowOps and LoopModel. Here both
// are implemented for a machine without vectors and without a frame, on which
// the same kernels must compute the same, and must not name what it lacks.
//
//===----------------------------------------------------------------------===//
#include "Codegen/KernelHarness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/Rows/RowOps.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::testing;

namespace {

/// One iteration after the other, and the stack.
class OneByOne final : public llvm::RTTIExtends<OneByOne, LoopModel> {
public:
  static char ID;

  Cost getCost(Work work) const override {
    return {work.operations + work.bytes};
  }
  void parallel(KernelBuilder &kernel, Value count, Cost each,
                Body body) override {
    steps += each.value;
    kernel.forEach({count}, [&](ValueRange at) { body(at[0]); });
  }
  void parallelElements(KernelBuilder &kernel, ValueRange extents, Cost each,
                        IndexBody body) override {
    steps += each.value;
    kernel.forEach(extents, body);
  }
  Value allocate(KernelBuilder &kernel, Value bytes) override {
    auto type =
        MemRefType::get({ShapedType::kDynamic}, kernel.builder.getI8Type());
    return memref::AllocaOp::create(kernel.builder, kernel.loc, type, bytes);
  }
  Value scratch(int64_t) override { return nullptr; }
  void check(KernelBuilder &, Value, StringRef) override {}

  double steps = 0;
};
char OneByOne::ID;

/// One lane, which is a scalar.
class OneLane final : public RowOps {
public:
  int64_t lanes(Type) const override { return 1; }
  Type laneType(Type element, int64_t) const override { return element; }

  Value splat(KernelBuilder &, Value scalar, Type) override { return scalar; }
  Value constant(KernelBuilder &kernel, TypedAttr scalar, Type) override {
    return arith::ConstantOp::create(kernel.builder, kernel.loc, scalar);
  }
  Value laneNumbers(KernelBuilder &kernel, Type type) override {
    return constant(kernel, kernel.builder.getZeroAttr(type), type);
  }
  Value firstLanes(KernelBuilder &kernel, Value count, int64_t) override {
    return arith::CmpIOp::create(kernel.builder, kernel.loc,
                                 arith::CmpIPredicate::sgt, count,
                                 kernel.index(0));
  }
  Value reverse(KernelBuilder &, Value value) override { return value; }
  Value collect(KernelBuilder &kernel, Type,
                llvm::function_ref<Value(Value)> element) override {
    return element(kernel.index(0));
  }

  Value load(KernelBuilder &kernel, Value memory, Value place, Value mask,
             int64_t) override {
    EXPECT_FALSE(mask) << "no piece of one element is incomplete";
    return memref::LoadOp::create(kernel.builder, kernel.loc, memory, place);
  }
  void store(KernelBuilder &kernel, Value stored, Value memory, Value place,
             Value mask) override {
    EXPECT_FALSE(mask);
    memref::StoreOp::create(kernel.builder, kernel.loc, stored, memory, place);
  }
  void fetch(KernelBuilder &, Value, Value, Value, int64_t) override {}

  Values overRow(KernelBuilder &kernel, Value count, int64_t lanes,
                 ValueRange initial, RowBody body) override {
    EXPECT_EQ(lanes, 1);
    return kernel.loop(count, initial, [&](Value at, ValueRange running) {
      return body({at, nullptr}, running);
    });
  }
  Value reduceRow(KernelBuilder &kernel, Value count, Value neutral, Type,
                  PieceValue value, Combine combine) override {
    return overRow(kernel, count, 1, neutral,
                   [&](const Piece &piece, ValueRange running) -> Values {
                     return {combine(running[0], value(piece))};
                   })[0];
  }
};

/// Binds a region's tensors to the one-dimensional buffers of the harness.
void bind(KernelBuilder &kernel, Value tensor, Value buffer) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto flat = MemRefType::get({type.getNumElements()}, type.getElementType());
  Value fixed =
      memref::CastOp::create(kernel.builder, kernel.loc, flat, buffer);
  ReassociationIndices all =
      llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  kernel.bind(tensor,
              memref::ExpandShapeOp::create(
                  kernel.builder, kernel.loc, KernelBuilder::bufferType(type),
                  fixed, ArrayRef<ReassociationIndices>(all)));
}

/// Whether any value of a function is one of a vector or a pointer.
bool namesTargets(Operation *function) {
  auto isNeutral = [](Type type) {
    return !isa<VectorType, LLVM::LLVMPointerType>(type);
  };
  return function
      ->walk([&](Operation *op) {
        return WalkResult(
            success(llvm::all_of(op->getResultTypes(), isNeutral)));
      })
      .wasInterrupted();
}

/// Computes `kernel.func`s of one op with operands of f32; the buffers are the
/// operands' and the result's.
struct RowKernel {
  explicit RowKernel(StringRef text, unsigned operands) {
    MachineModel machine = llvm::cantFail(getMachineModel("", "native"));
    auto emit = [&](OpBuilder &builder, Location loc, ValueRange buffers,
                    ValueRange) {
      MLIRContext &context = *builder.getContext();
      context.loadDialect<kernel::KernelDialect, SluiceDialect,
                          tensor::TensorDialect>();
      auto module = parseSourceString<ModuleOp>(text, &context);
      ASSERT_TRUE(module);
      Block &region =
          (*module->getOps<kernel::FuncOp>().begin()).getBody().front();
      OneLane rows;
      KernelBuilder kernel(builder, loc, region, loops, rows, cpuEmitters());
      for (auto [argument, buffer] : llvm::zip(region.getArguments(), buffers))
        bind(kernel, argument, buffer);
      Operation *op = region.getTerminator()->getOperand(0).getDefiningOp();
      bind(kernel, op->getResult(0), buffers[operands]);
      auto emitter = kernel.emitters.find(op).kernel;
      ASSERT_TRUE(emitter);
      ASSERT_TRUE(succeeded(emitter(kernel, op)));
      EXPECT_FALSE(namesTargets(builder.getBlock()->getParentOp()));
    };
    auto made = CompiledKernel::compile(machine, operands + 2, 0, emit,
                                        LoopOrder::Forward);
    if (made)
      code = std::move(*made);
    else
      ADD_FAILURE() << llvm::toString(made.takeError());
  }

  std::vector<float> operator()(std::vector<std::vector<float>> operands,
                                size_t size) {
    std::vector<float> result(size, -1.0f);
    std::vector<CompiledKernel::Buffer> buffers;
    for (std::vector<float> &operand : operands)
      buffers.push_back({operand.data(), static_cast<int64_t>(operand.size())});
    buffers.push_back({result.data(), static_cast<int64_t>(size)});
    buffers.push_back({nullptr, 0});
    if (code)
      code->call(buffers);
    return result;
  }

  OneByOne loops;
  std::unique_ptr<CompiledKernel> code;
};

/// Numbers between -2 and 2 without a pattern.
std::vector<float> someNumbers(size_t count) {
  std::vector<float> numbers(count);
  uint32_t state = 12345;
  for (float &number : numbers) {
    state = state * 1664525u + 1013904223u;
    number = static_cast<float>(state >> 8) / (1 << 22) - 2.0f;
  }
  return numbers;
}

void expectNear(const std::vector<float> &found,
                const std::vector<double> &wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(found[i], wanted[i], 1e-5) << "element " << i;
}

/// Softmax of 3 x 21 numbers along the rows or the columns.
std::vector<double> softmax(const std::vector<float> &x, bool alongRows) {
  constexpr size_t height = 3, width = 21;
  size_t lines = alongRows ? height : width,
         length = alongRows ? width : height;
  std::vector<double> result(x.size());
  for (size_t line = 0; line < lines; ++line) {
    auto place = [&](size_t i) {
      return alongRows ? line * width + i : i * width + line;
    };
    double total = 0;
    for (size_t i = 0; i < length; ++i)
      total += std::exp(double(x[place(i)]));
    for (size_t i = 0; i < length; ++i)
      result[place(i)] = std::exp(double(x[place(i)])) / total;
  }
  return result;
}

TEST(RowKernels, SoftmaxAlongRowsAndColumns) {
  std::vector<float> x = someNumbers(63);
  for (bool alongRows : {true, false}) {
    RowKernel kernel(alongRows ? R"(
kernel.func @f "softmax" {
^bb0(%x: tensor<3x21xf32>):
  %0 = sluice.softmax %x {axis = 1 : i64} : (tensor<3x21xf32>) -> tensor<3x21xf32>
  kernel.yield %0 : tensor<3x21xf32>
})"
                               : R"(
kernel.func @f "softmax" {
^bb0(%x: tensor<3x21xf32>):
  %0 = sluice.softmax %x {axis = 0 : i64} : (tensor<3x21xf32>) -> tensor<3x21xf32>
  kernel.yield %0 : tensor<3x21xf32>
})",
                     1);
    expectNear(kernel({x}, x.size()), softmax(x, alongRows));
    EXPECT_GT(kernel.loops.steps, 0);
  }
}

TEST(RowKernels, LayerNorm) {
  RowKernel kernel(R"(
kernel.func @f "layer_norm" {
^bb0(%x: tensor<5x19xf32>, %scale: tensor<19xf32>, %bias: tensor<19xf32>):
  %0 = sluice.layer_norm %x, %scale, %bias {axis = 1 : i64, epsilon = 1.0e-5} : (tensor<5x19xf32>, tensor<19xf32>, tensor<19xf32>) -> tensor<5x19xf32>
  kernel.yield %0 : tensor<5x19xf32>
})",
                   3);
  constexpr size_t rows = 5, columns = 19;
  std::vector<float> x = someNumbers(rows * columns);
  std::vector<float> scale(x.begin(), x.begin() + columns);
  std::vector<float> bias(x.begin() + columns, x.begin() + 2 * columns);
  std::vector<double> wanted;
  for (size_t row = 0; row < rows; ++row) {
    const float *line = x.data() + row * columns;
    double mean = std::accumulate(line, line + columns, 0.0) / columns;
    double variance = 0;
    for (size_t i = 0; i < columns; ++i)
      variance += (line[i] - mean) * (line[i] - mean) / columns;
    for (size_t i = 0; i < columns; ++i)
      wanted.push_back(
          (line[i] - mean) / std::sqrt(variance + 1e-5) * scale[i] + bias[i]);
  }
  expectNear(kernel({x, scale, bias}, x.size()), wanted);
}

TEST(RowKernels, ReductionOfRowsAndColumns) {
  std::vector<float> x = someNumbers(7 * 13);
  RowKernel means(R"(
kernel.func @f "reduce" {
^bb0(%x: tensor<7x13xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<mean>, axes = array<i64: 1>} : (tensor<7x13xf32>) -> tensor<7xf32>
  kernel.yield %0 : tensor<7xf32>
})",
                  1);
  std::vector<double> wanted(7);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i / 13] += x[i] / 13.0;
  expectNear(means({x}, 7), wanted);
  RowKernel largest(R"(
kernel.func @f "reduce" {
^bb0(%x: tensor<7x13xf32>):
  %0 = sluice.reduce %x {kind = #sluice.reduction<max>, axes = array<i64: 0>} : (tensor<7x13xf32>) -> tensor<13xf32>
  kernel.yield %0 : tensor<13xf32>
})",
                    1);
  wanted.assign(13, -INFINITY);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i % 13] = std::max(wanted[i % 13], double(x[i]));
  expectNear(largest({x}, 13), wanted);
}

TEST(RowKernels, PoolOfChannels) {
  RowKernel kernel(R"(
kernel.func @f "max_pool" {
^bb0(%x: tensor<1x4x4x5xf32>):
  %0 = sluice.max_pool %x {channels_last, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x4x5xf32>) -> tensor<1x2x2x5xf32>
  kernel.yield %0 : tensor<1x2x2x5xf32>
})",
                   1);
  std::vector<float> x = someNumbers(4 * 4 * 5);
  std::vector<double> wanted(2 * 2 * 5, -INFINITY);
  for (size_t i = 0; i < x.size(); ++i) {
    size_t channel = i % 5, column = i / 5 % 4, row = i / 20;
    double &largest = wanted[(row / 2 * 2 + column / 2) * 5 + channel];
    largest = std::max(largest, double(x[i]));
  }
  expectNear(kernel({x}, wanted.size()), wanted);
}

} // namespace
