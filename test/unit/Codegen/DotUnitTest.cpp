//===- DotUnitTest.cpp - Products of every type against plain loops -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "Codegen/GuardedBuffer.h"
#include "Codegen/HostCpus.h"
#include "Codegen/KernelHarness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "sluice/Codegen/CPU/MicroKernels/Contraction.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace sluice;
using namespace sluice::testing;

namespace {

struct Case {
  int64_t batch, rows, columns, depth;
  bool transposeA = false, transposeB = false, packed = true;
  bool dynamicRows = false;
  /// Of integers: the lowest number everywhere.
  bool lowest = false;
};

const llvm::fltSemantics *getSemantics(NumberKind kind) {
  switch (kind) {
  case NumberKind::F16:
    return &llvm::APFloat::IEEEhalf();
  case NumberKind::BF16:
    return &llvm::APFloat::BFloat();
  case NumberKind::F32:
    return &llvm::APFloat::IEEEsingle();
  case NumberKind::F64:
    return &llvm::APFloat::IEEEdouble();
  default:
    return nullptr;
  }
}

/// Elements of any kind, as bytes between guards.
class Elements {
public:
  Elements(NumberKind kind, int64_t count)
      : kind(kind), width(getNumberBytes(kind)), count(count),
        bytes(count * width) {}

  void set(int64_t i, double value) {
    uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(value));
    if (const llvm::fltSemantics *semantics = getSemantics(kind)) {
      llvm::APFloat number(value);
      bool lossy;
      number.convert(*semantics, llvm::APFloat::rmNearestTiesToEven, &lossy);
      bits = number.bitcastToAPInt().getZExtValue();
    }
    std::memcpy(bytes.data() + i * width, &bits, width);
  }

  double get(int64_t i) const {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * width, width);
    llvm::APInt number(8 * width, bits);
    if (const llvm::fltSemantics *semantics = getSemantics(kind)) {
      llvm::APFloat value(*semantics, number);
      bool lossy;
      value.convert(llvm::APFloat::IEEEdouble(),
                    llvm::APFloat::rmNearestTiesToEven, &lossy);
      return value.convertToDouble();
    }
    return static_cast<double>(number.getSExtValue());
  }

  /// Multiples of an eighth, or whole numbers, which all kinds hold.
  void fill(unsigned seed) {
    std::mt19937 generator(seed);
    double unit = getSemantics(kind) ? 0.125 : 1;
    for (int64_t i = 0; i < count; ++i)
      set(i, (static_cast<int>(generator() % 33) - 16) * unit);
  }

  void fillWithLowest() {
    for (int64_t i = 0; i < count; ++i)
      set(i, -std::ldexp(1.0, 8 * width - 1));
  }

  CompiledKernel::Buffer buffer() { return {bytes.data(), count}; }
  const char *data() { return bytes.data(); }

private:
  NumberKind kind;
  int64_t width, count;
  mutable GuardedBuffer<char> bytes;
};

/// A sum of whole numbers as a type holds it.
double wrap(double sum, NumberKind kind) {
  if (kind == NumberKind::I32)
    return static_cast<int32_t>(static_cast<int64_t>(sum));
  return sum;
}

/// How far a sum may be off, relative to the sum of the products' magnitudes.
double getTolerance(NumberKind kind) {
  switch (kind) {
  case NumberKind::F16:
    return 0x1p-11;
  case NumberKind::BF16:
    return 0x1p-8;
  case NumberKind::F32:
    return 3e-7;
  case NumberKind::F64:
    return 1e-15;
  default:
    return 0;
  }
}

ContractionSpec getSpec(const Case &test, const ProductTypes &types) {
  ContractionSpec spec;
  spec.types = types;
  spec.batch = test.batch;
  spec.rows = test.dynamicRows ? kDynamicSize : test.rows;
  spec.columns = test.columns;
  spec.depth = test.depth;
  spec.transposeA = test.transposeA;
  spec.transposeB = test.transposeB;
  spec.packedB = test.packed;
  return spec;
}

/// C = A * B.
void runCase(const MachineModel &machine, const ProductTypes &types,
             bool emulated, const Case &test) {
  SCOPED_TRACE(::testing::Message()
               << machine.cpu << " kind=" << static_cast<int>(types.lhs)
               << " emulated=" << emulated << " " << test.batch << "x"
               << test.rows << "x" << test.columns << "x" << test.depth
               << " tA=" << test.transposeA << " tB=" << test.transposeB
               << " packed=" << test.packed << " dynamic=" << test.dynamicRows);
  ContractionSpec spec = getSpec(test, types);
  ContractionTiling tiling = chooseContractionTiling(spec, machine);
  tiling.unit.emulated = emulated;
  auto kernel = CompiledKernel::compile(
      machine, {types.lhs, types.rhs, types.result}, 1,
      [&](OpBuilder &builder, Location loc, ValueRange buffers,
          ValueRange values) {
        ContractionOperands operands;
        operands.a = buffers[0];
        operands.b = buffers[1];
        operands.c = buffers[2];
        operands.batch = builder.getIndexAttr(test.batch);
        operands.rows = builder.getIndexAttr(test.rows);
        if (test.dynamicRows)
          operands.rows = values[0];
        operands.columns = builder.getIndexAttr(test.columns);
        operands.depth = builder.getIndexAttr(test.depth);
        operands.scratch = buffers[3];
        emitContraction(builder, loc, spec, tiling, operands, nullptr);
      });
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());

  int64_t bBatch = test.packed ? 1 : test.batch;
  Elements a(types.lhs, test.batch * test.rows * test.depth);
  Elements b(types.rhs, bBatch * test.columns * test.depth);
  Elements c(types.result, test.batch * test.rows * test.columns);
  int64_t packedCount =
      test.packed ? getPackedElements(test.depth, test.columns, tiling.width())
                  : 0;
  GuardedBuffer<char> packed(packedCount * getNumberBytes(types.rhs));
  // A as wide as its sums, with what is read behind it, and panels of B.
  int64_t sumBytes = tiling.unit.sumBytes;
  int64_t scratchBytes =
      (test.batch * test.rows * test.depth * sumBytes + 64) / 64 * 64;
  scratchBytes += test.batch * sumBytes *
                  getPackedElements(test.depth, test.columns, tiling.width());
  GuardedBuffer<char> scratch((scratchBytes + 63) / 64 * 64);
  a.fill(1);
  b.fill(2);
  if (test.lowest) {
    a.fillWithLowest();
    b.fillWithLowest();
  }
  int64_t bDepthStride = test.transposeB ? 1 : test.columns;
  int64_t bColumnStride = test.transposeB ? test.depth : 1;
  int64_t panelBytes = test.depth * tiling.width() * getNumberBytes(types.rhs);
  if (test.packed)
    for (int64_t panel = 0; panel * tiling.width() < test.columns; ++panel)
      packPanel(
          {b.data(), test.depth, test.columns, bDepthStride, bColumnStride},
          getNumberBytes(types.rhs), tiling.width(), panel,
          packed.data() + panel * panelBytes);
  CompiledKernel::Buffer right = b.buffer();
  if (test.packed)
    right = {packed.data(), packedCount};
  (*kernel)->call(
      {a.buffer(), right, c.buffer(), {scratch.data(), scratch.size()}},
      {test.rows});

  int64_t aDepthStride = test.transposeA ? test.rows : 1;
  int64_t aRowStride = test.transposeA ? 1 : test.depth;
  for (int64_t n = 0; n < test.batch; ++n)
    for (int64_t i = 0; i < test.rows; ++i)
      for (int64_t j = 0; j < test.columns; ++j) {
        int64_t aBase = n * test.rows * test.depth + i * aRowStride;
        int64_t bBase = test.packed ? 0 : n * test.columns * test.depth;
        double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < test.depth; ++k) {
          double product = a.get(aBase + k * aDepthStride) *
                           b.get(bBase + k * bDepthStride + j * bColumnStride);
          sum += product;
          magnitude += std::abs(product);
        }
        int64_t element = (n * test.rows + i) * test.columns + j;
        ASSERT_NEAR(c.get(element), wrap(sum, types.result),
                    getTolerance(types.result) * magnitude)
            << n << " " << i << " " << j;
      }
}

ProductTypes getTypes(NumberKind kind) {
  bool isHalf = kind == NumberKind::F16 || kind == NumberKind::BF16;
  return {kind, kind, isHalf ? NumberKind::F32 : kind, kind};
}

constexpr NumberKind kinds[] = {NumberKind::F16, NumberKind::BF16,
                                NumberKind::F32, NumberKind::F64,
                                NumberKind::I32, NumberKind::I64};

class DotUnitTest : public ::testing::TestWithParam<const char *> {};

TEST_P(DotUnitTest, PackedProducts) {
  MachineModel machine = hostMachine(GetParam());
  for (NumberKind kind : kinds)
    for (bool dynamicRows : {false, true})
      for (auto [m, n, k] :
           {std::array<int64_t, 3>{1, 65, 40}, {31, 70, 33}, {3, 5, 1}}) {
        Case test{1, m, n, k};
        test.dynamicRows = dynamicRows;
        runCase(machine, getTypes(kind), /*emulated=*/false, test);
      }
}

TEST_P(DotUnitTest, ProductsOfRunTimeMatrices) {
  MachineModel machine = hostMachine(GetParam());
  for (NumberKind kind : kinds)
    for (bool transposeA : {false, true})
      for (bool transposeB : {false, true})
        for (auto [batch, m, n, k] :
             {std::array<int64_t, 4>{2, 17, 35, 37}, {2, 1, 33, 9}}) {
          Case test{batch, m, n, k, transposeA, transposeB, false};
          runCase(machine, getTypes(kind), /*emulated=*/false, test);
        }
}

// Constants keep the bytes that hold them.
TEST_P(DotUnitTest, NarrowRightHandSides) {
  MachineModel machine = hostMachine(GetParam());
  for (NumberKind right : {NumberKind::I8, NumberKind::I16})
    for (NumberKind sum : {NumberKind::I32, NumberKind::I64})
      for (bool packed : {false, true})
        for (int64_t rows : {1, 31}) {
          Case test{1, rows, 35, 20};
          test.packed = packed;
          runCase(machine, {sum, right, sum, sum}, /*emulated=*/false, test);
        }
}

// A long sum is cut into parts. With many rows that are parts of a copy of B.
TEST_P(DotUnitTest, LongDepths) {
  MachineModel machine = hostMachine(GetParam());
  for (auto [kind, rows] : {std::pair(NumberKind::F16, 9),
                            {NumberKind::F16, 45},
                            {NumberKind::F64, 9}})
    runCase(machine, getTypes(kind), /*emulated=*/false,
            Case{1, rows, 40, 2600});
}

// Panels are copied for many rows: whole vectors and the rest of columns and
// rows, several blocks of rows, rows that only the run knows.
TEST_P(DotUnitTest, CopiedPanels) {
  MachineModel machine = hostMachine(GetParam());
  auto run = [&](NumberKind kind, Case test, bool dynamicRows) {
    test.dynamicRows = dynamicRows;
    runCase(machine, getTypes(kind), /*emulated=*/false, test);
  };
  run(NumberKind::F16, {1, 32, 64, 20}, /*dynamicRows=*/false);
  run(NumberKind::F16, {1, 401, 35, 7}, /*dynamicRows=*/true);
  run(NumberKind::BF16, {1, 47, 5, 600}, /*dynamicRows=*/false);
}

// Integers of 16 bits in pairs: of even and odd depths, with operands of 8 bits
// and numbers whose products wrap.
TEST_P(DotUnitTest, IntegerPairs) {
  MachineModel machine = hostMachine(GetParam());
  constexpr NumberKind i8 = NumberKind::I8, i16 = NumberKind::I16,
                       sum = NumberKind::I32;
  auto run = [&](NumberKind left, NumberKind right, const Case &test,
                 bool emulated = false) {
    ProductTypes types{left, right, sum, sum};
    auto chosen = chooseContractionTiling(getSpec(test, types), machine);
    ASSERT_TRUE(chosen.copies.has_value());
    EXPECT_EQ(chosen.copies->unit.kind, DotUnitModel::Kind::IntegerPairs);
    runCase(machine, types, emulated, test);
  };
  run(i8, i8, {1, 32, 64, 20});
  run(i8, i16, {1, 45, 37, 33});
  run(i16, i8, {1, 33, 20, 2601});
  Case lowest{1, 32, 20, 20};
  lowest.lowest = true;
  run(i16, i16, lowest);
  run(i16, i8, {1, 9, 5, 5}, /*emulated=*/true);
}

// Few rows multiply the same operands in 32 bits.
TEST_P(DotUnitTest, NarrowIntegersOnBothSides) {
  MachineModel machine = hostMachine(GetParam());
  constexpr NumberKind i8 = NumberKind::I8, i32 = NumberKind::I32;
  for (int64_t rows : {1, 7}) {
    Case test{1, rows, 35, 21};
    test.dynamicRows = rows > 1;
    runCase(machine, {i8, i8, i32, i32}, /*emulated=*/false, test);
  }
}

// The reference of each unit gives the same.
TEST_P(DotUnitTest, EmulatedUnits) {
  MachineModel machine = hostMachine(GetParam());
  for (NumberKind kind : kinds) {
    runCase(machine, getTypes(kind), /*emulated=*/true, Case{1, 5, 35, 9});
    runCase(machine, getTypes(kind), /*emulated=*/true,
            Case{1, 2, 17, 9, false, true, false});
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, DotUnitTest, hostCpus(), nameOfTest);

TEST(CrossCompilation, DotUnitsForAArch64) {
  MachineModel machine =
      llvm::cantFail(getMachineModel("aarch64-linux-gnu", "generic"));
  for (NumberKind kind : kinds) {
    ProductTypes types = getTypes(kind);
    ContractionSpec spec = getSpec({1, 20, 50, 70}, types);
    auto size = CompiledKernel::getObjectSize(
        machine, {types.lhs, types.rhs, types.result}, 0,
        [&](OpBuilder &builder, Location loc, ValueRange buffers, ValueRange) {
          ContractionOperands operands;
          operands.a = buffers[0];
          operands.b = buffers[1];
          operands.c = buffers[2];
          operands.batch = builder.getIndexAttr(1);
          operands.rows = builder.getIndexAttr(20);
          operands.columns = builder.getIndexAttr(50);
          operands.depth = builder.getIndexAttr(70);
          operands.scratch = buffers[3];
          emitContraction(builder, loc, spec,
                          chooseContractionTiling(spec, machine), operands,
                          nullptr);
        });
    ASSERT_TRUE(static_cast<bool>(size)) << llvm::toString(size.takeError());
    EXPECT_GT(*size, 0u);
  }
}

} // namespace
