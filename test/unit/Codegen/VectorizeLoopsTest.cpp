//===- VectorizeLoopsTest.cpp - Runs loops over vectors -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <cmath>
#include <numeric>

using namespace sluice;

namespace {

/// Every kind of code: masks, sub-vectors, and the narrowest vectors.
class VectorizeLoops : public testing::TestWithParam<const char *> {
protected:
  /// Runs `f` of `text` on buffers of the types in it.
  void run(llvm::StringRef text, std::vector<void *> buffers) {
    std::unique_ptr<Jit> jit = test::jitText(
        text,
        [](mlir::OpPassManager &manager) {
          VectorizeLoopsPassOptions options;
          options.parallel = false;
          manager.addPass(createVectorizeLoopsPass(options));
        },
        llvm::cantFail(getMachineModel("", GetParam())));
    ASSERT_TRUE(jit);
    using Function = void(void *, void *, void *, void *);
    auto function = jit->lookupFunction<Function>("f");
    ASSERT_TRUE(bool(function));
    buffers.resize(4);
    (*function)(buffers[0], buffers[1], buffers[2], buffers[3]);
  }
};

std::vector<float> numbers(size_t size, float scale = 1.0f) {
  std::vector<float> values(size);
  for (size_t index = 0; index < size; ++index)
    values[index] = scale * (float((index * 37 + 11) % 101) - 50.0f);
  return values;
}

std::string replaceAll(std::string text, llvm::StringRef from, int64_t to) {
  for (size_t at; (at = text.find(from)) != std::string::npos;)
    text.replace(at, from.size(), std::to_string(to));
  return text;
}

TEST_P(VectorizeLoops, AddsABiasPerColumn) {
  const char *text = R"mlir(
    func.func @f(%x: memref<ROWSxCOLSxf32>, %b: memref<COLSxf32>,
                 %y: memref<ROWSxCOLSxf32>) {
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                         affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%x, %b : memref<ROWSxCOLSxf32>, memref<COLSxf32>)
        outs(%y : memref<ROWSxCOLSxf32>) {
      ^bb0(%u: f32, %v: f32, %w: f32):
        %s = arith.addf %u, %v : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir";
  for (auto [rows, columns] :
       {std::pair(3, 1), {1, 5}, {4, 16}, {5, 33}, {0, 7}}) {
    std::vector<float> x = numbers(rows * columns), b = numbers(columns, 0.5f),
                       y(rows * columns + 1, 7.0f);
    run(replaceAll(replaceAll(text, "ROWS", rows), "COLS", columns),
        {x.data(), b.data(), y.data()});
    for (int index = 0; index < rows * columns; ++index)
      ASSERT_EQ(y[index], x[index] + b[index % columns]) << index;
    ASSERT_EQ(y.back(), 7.0f) << "wrote past the end";
  }
}

TEST_P(VectorizeLoops, DynamicSizesAndTranspose) {
  const char *text = R"mlir(
    func.func @f(%x: memref<ROWSxCOLSxf32>, %y: memref<COLSxROWSxf32>) {
      %dx = memref.cast %x : memref<ROWSxCOLSxf32> to memref<?x?xf32>
      %dy = memref.cast %y : memref<COLSxROWSxf32> to memref<?x?xf32>
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (j, i)>,
                         affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%dx : memref<?x?xf32>) outs(%dy : memref<?x?xf32>) {
      ^bb0(%u: f32, %w: f32):
        linalg.yield %u : f32
      }
      return
    }
  )mlir";
  for (auto [rows, columns] : {std::pair(3, 1), {7, 5}, {40, 16}, {5, 33}}) {
    std::vector<float> x = numbers(rows * columns), y(rows * columns + 1, 7.0f);
    run(replaceAll(replaceAll(text, "ROWS", rows), "COLS", columns),
        {x.data(), y.data()});
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; ++column)
        ASSERT_EQ(y[column * rows + row], x[row * columns + column]);
    ASSERT_EQ(y.back(), 7.0f);
  }
}

TEST_P(VectorizeLoops, SumsRowsAndColumns) {
  const char *text = R"mlir(
    func.func @f(%x: memref<ROWSxCOLSxf32>, %r: memref<ROWSxf32>,
                 %c: memref<COLSxf32>) {
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (i)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<ROWSxCOLSxf32>) outs(%r : memref<ROWSxf32>) {
      ^bb0(%u: f32, %w: f32):
        %q = arith.mulf %u, %u : f32
        %s = arith.addf %w, %q : f32
        linalg.yield %s : f32
      }
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (j)>],
        iterator_types = ["reduction", "parallel"]}
        ins(%x : memref<ROWSxCOLSxf32>) outs(%c : memref<COLSxf32>) {
      ^bb0(%u: f32, %w: f32):
        %s = arith.maximumf %u, %w : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir";
  for (auto [rows, columns] :
       {std::pair(3, 1), {2, 5}, {4, 16}, {3, 70}, {9, 203}, {0, 7}}) {
    std::vector<float> x = numbers(rows * columns), r(rows + 1, 0.25f),
                       c(columns + 1, -10.0f);
    run(replaceAll(replaceAll(text, "ROWS", rows), "COLS", columns),
        {x.data(), r.data(), c.data()});
    for (int row = 0; row < rows; ++row) {
      double sum = 0.25;
      for (int column = 0; column < columns; ++column)
        sum += double(x[row * columns + column]) * x[row * columns + column];
      ASSERT_FLOAT_EQ(r[row], sum);
    }
    for (int column = 0; column < columns; ++column) {
      float largest = -10.0f;
      for (int row = 0; row < rows; ++row)
        largest = std::max(largest, x[row * columns + column]);
      ASSERT_EQ(c[column], largest);
    }
    ASSERT_EQ(r.back(), 0.25f);
    ASSERT_EQ(c.back(), -10.0f);
  }
}

TEST_P(VectorizeLoops, NothingToReduce) {
  std::vector<float> sums = {1, 2, 3};
  run(R"mlir(
    func.func @f(%r: memref<3xf32>) {
      %x = memref.alloca() : memref<3x0xf32>
      %dx = memref.cast %x : memref<3x0xf32> to memref<3x?xf32>
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (i)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<3x0xf32>) outs(%r : memref<3xf32>) {
      ^bb0(%u: f32, %w: f32):
        %s = arith.mulf %w, %u : f32
        linalg.yield %s : f32
      }
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>,
                         affine_map<(i, j) -> (i)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%dx : memref<3x?xf32>) outs(%r : memref<3xf32>) {
      ^bb0(%u: f32, %w: f32):
        %s = arith.minimumf %w, %u : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir",
      {sums.data()});
  EXPECT_EQ(sums, std::vector<float>({1, 2, 3}));
}

TEST_P(VectorizeLoops, ReducesTwoResultsOverOuterAndInnerLoops) {
  std::vector<float> x = numbers(3 * 5 * 37), sum(5, 0.0f), most(5, -1e30f);
  run(R"mlir(
    func.func @f(%x: memref<3x5x37xf32>, %sum: memref<5xf32>,
                 %most: memref<5xf32>) {
      linalg.generic {
        indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>,
                         affine_map<(i, j, k) -> (j)>,
                         affine_map<(i, j, k) -> (j)>],
        iterator_types = ["reduction", "parallel", "reduction"]}
        ins(%x : memref<3x5x37xf32>)
        outs(%sum, %most : memref<5xf32>, memref<5xf32>) {
      ^bb0(%u: f32, %a: f32, %b: f32):
        %s = arith.addf %a, %u : f32
        %m = arith.maxnumf %u, %b : f32
        linalg.yield %s, %m : f32, f32
      }
      return
    }
  )mlir",
      {x.data(), sum.data(), most.data()});
  for (int j = 0; j < 5; ++j) {
    double expected = 0;
    float largest = -1e30f;
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 37; ++k) {
        expected += x[(i * 5 + j) * 37 + k];
        largest = std::max(largest, x[(i * 5 + j) * 37 + k]);
      }
    EXPECT_NEAR(sum[j], expected, 1e-3);
    EXPECT_EQ(most[j], largest);
  }
}

TEST_P(VectorizeLoops, ComparesAndSelectsThroughBooleans) {
  const int size = 43;
  std::vector<float> x = numbers(size), y(size);
  std::vector<uint8_t> positive(size + 1, 9);
  run(R"mlir(
    func.func @f(%x: memref<43xf32>, %p: memref<43xi1>, %y: memref<43xf32>) {
      %zero = arith.constant 0.0 : f32
      linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
        iterator_types = ["parallel"]}
        ins(%x : memref<43xf32>) outs(%p : memref<43xi1>) {
      ^bb0(%u: f32, %w: i1):
        %c = arith.cmpf ogt, %u, %zero : f32
        linalg.yield %c : i1
      }
      linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                         affine_map<(i) -> (i)>],
        iterator_types = ["parallel"]}
        ins(%p, %x : memref<43xi1>, memref<43xf32>) outs(%y : memref<43xf32>) {
      ^bb0(%c: i1, %u: f32, %w: f32):
        %s = arith.select %c, %u, %zero : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir",
      {x.data(), positive.data(), y.data()});
  for (int index = 0; index < size; ++index) {
    EXPECT_EQ(positive[index], x[index] > 0 ? 1 : 0);
    EXPECT_EQ(y[index], std::max(x[index], 0.0f));
  }
  EXPECT_EQ(positive.back(), 9);
}

TEST_P(VectorizeLoops, ComputesBf16InF32) {
  const int size = 37;
  std::vector<uint16_t> x(size), y(size);
  std::vector<float> exact(size);
  for (int index = 0; index < size; ++index) {
    float value = 0.37f * float(index - 18);
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    x[index] = bits >> 16;
    bits = uint32_t(x[index]) << 16;
    std::memcpy(&value, &bits, 4);
    exact[index] = value * value + value;
  }
  run(R"mlir(
    func.func @f(%x: memref<37xbf16>, %y: memref<37xbf16>) {
      linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
        iterator_types = ["parallel"]}
        ins(%x : memref<37xbf16>) outs(%y : memref<37xbf16>) {
      ^bb0(%u: bf16, %w: bf16):
        %q = arith.mulf %u, %u : bf16
        %s = arith.addf %q, %u : bf16
        linalg.yield %s : bf16
      }
      return
    }
  )mlir",
      {x.data(), y.data()});
  for (int index = 0; index < size; ++index) {
    llvm::APFloat expected(exact[index]);
    bool losesInfo;
    expected.convert(llvm::APFloat::BFloat(),
                     llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    EXPECT_EQ(y[index], expected.bitcastToAPInt().getZExtValue()) << index;
  }
}

TEST_P(VectorizeLoops, GathersWithLoadsInTheBody) {
  const int rows = 6, columns = 19, count = 21;
  std::vector<float> table = numbers(rows * columns), y(count * columns);
  std::vector<int64_t> indices(count);
  for (int index = 0; index < count; ++index)
    indices[index] = (index * 5) % rows;
  run(R"mlir(
    func.func @f(%t: memref<6x19xf32>, %i: memref<21xi64>,
                 %y: memref<21x19xf32>) {
      linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%i : memref<21xi64>) outs(%y : memref<21x19xf32>) {
      ^bb0(%n: i64, %w: f32):
        %row = arith.index_cast %n : i64 to index
        %column = linalg.index 1 : index
        %v = memref.load %t[%row, %column] : memref<6x19xf32>
        linalg.yield %v : f32
      }
      return
    }
  )mlir",
      {table.data(), indices.data(), y.data()});
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < columns; ++j)
      ASSERT_EQ(y[i * columns + j], table[indices[i] * columns + j]);

  std::vector<float> reversed(columns);
  run(R"mlir(
    func.func @f(%t: memref<19xf32>, %y: memref<19xf32>) {
      %last = arith.constant 18 : index
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
        outs(%y : memref<19xf32>) {
      ^bb0(%w: f32):
        %i = linalg.index 0 : index
        %j = arith.subi %last, %i : index
        %v = memref.load %t[%j] : memref<19xf32>
        linalg.yield %v : f32
      }
      return
    }
  )mlir",
      {table.data(), reversed.data()});
  for (int i = 0; i < columns; ++i)
    ASSERT_EQ(reversed[i], table[columns - 1 - i]);
}

TEST_P(VectorizeLoops, WindowsStridesAndSubviews) {
  // Maximum of windows of 3 at stride 2, then every second row of a matrix.
  const int size = 61, outputs = 30;
  std::vector<float> x = numbers(size), y(outputs, -1e30f), even(4 * 9);
  run(R"mlir(
    func.func @f(%x: memref<61xf32>, %y: memref<30xf32>, %e: memref<4x9xf32>) {
      %window = memref.alloca() : memref<3xf32>
      linalg.generic {
        indexing_maps = [affine_map<(i, k) -> (2 * i + k)>,
                         affine_map<(i, k) -> (k)>, affine_map<(i, k) -> (i)>],
        iterator_types = ["parallel", "reduction"]}
        ins(%x, %window : memref<61xf32>, memref<3xf32>)
        outs(%y : memref<30xf32>) {
      ^bb0(%u: f32, %z: f32, %w: f32):
        %s = arith.maximumf %u, %w : f32
        linalg.yield %s : f32
      }
      %m = memref.reinterpret_cast %x to offset: [1], sizes: [4, 9],
        strides: [10, 1] : memref<61xf32> to memref<4x9xf32, strided<[10, 1],
                                                    offset: 1>>
      linalg.copy ins(%m : memref<4x9xf32, strided<[10, 1], offset: 1>>)
                  outs(%e : memref<4x9xf32>)
      return
    }
  )mlir",
      {x.data(), y.data(), even.data()});
  for (int i = 0; i < outputs; ++i)
    ASSERT_EQ(y[i], std::max({x[2 * i], x[2 * i + 1], x[2 * i + 2]}));
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 9; ++j)
      ASSERT_EQ(even[i * 9 + j], x[1 + 10 * i + j]);
}

TEST_P(VectorizeLoops, BodiesWithControlFlowStayScalar) {
  const int size = 19;
  std::vector<float> x = numbers(size), y(size);
  run(R"mlir(
    func.func @f(%x: memref<19xf32>, %y: memref<19xf32>) {
      %zero = arith.constant 0.0 : f32
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
                                       affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
        ins(%x : memref<19xf32>) outs(%y : memref<19xf32>) {
      ^bb0(%u: f32, %w: f32):
        %i = linalg.index 0 : index
        %five = arith.constant 5 : index
        %c = arith.cmpi slt, %i, %five : index
        %r = scf.if %c -> f32 {
          scf.yield %u : f32
        } else {
          scf.yield %zero : f32
        }
        linalg.yield %r : f32
      }
      return
    }
  )mlir",
      {x.data(), y.data()});
  for (int i = 0; i < size; ++i)
    ASSERT_EQ(y[i], i < 5 ? x[i] : 0.0f);
}

TEST_P(VectorizeLoops, ScalarOperandsAndRankZero) {
  std::vector<float> x = numbers(50), y(50), total = {0.5f};
  run(R"mlir(
    func.func @f(%x: memref<50xf32>, %y: memref<50xf32>, %t: memref<f32>) {
      %c = arith.constant 3.0 : f32
      linalg.fill ins(%c : f32) outs(%y : memref<50xf32>)
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>,
                                       affine_map<(i) -> ()>],
                      iterator_types = ["reduction"]}
        ins(%x : memref<50xf32>) outs(%t : memref<f32>) {
      ^bb0(%u: f32, %w: f32):
        %s = arith.addf %u, %w : f32
        linalg.yield %s : f32
      }
      return
    }
  )mlir",
      {x.data(), y.data(), total.data()});
  EXPECT_EQ(y, std::vector<float>(50, 3.0f));
  EXPECT_NEAR(total[0], 0.5 + std::accumulate(x.begin(), x.end(), 0.0), 1e-3);
}

#ifdef __x86_64__
INSTANTIATE_TEST_SUITE_P(Cpus, VectorizeLoops,
                         testing::Values("native", "x86-64-v3", "x86-64"));
#else
INSTANTIATE_TEST_SUITE_P(Cpus, VectorizeLoops, testing::Values("native"));
#endif

} // namespace
