//===- ExpandMathTest.cpp - Errors of the elementary functions ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Runs the generated code on arguments from the whole range of f32 and compares
// with libm in f64. Prints the table of docs/numerics.md.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "gtest/gtest.h"
#include <chrono>
#include <cmath>
#include <cstring>

using namespace sluice;

namespace {

constexpr int batch = 4096;

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The distance between an f32 and the exact value, in units of the exact
/// value's last place in f32.
double ulpError(float got, double exact) {
  float rounded = static_cast<float>(exact);
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(rounded) || std::isinf(got)) {
    // Within one unit of the largest number, infinity is as good.
    if (std::isinf(rounded) && std::isinf(got))
      return (rounded > 0) == (got > 0) ? 0 : INFINITY;
    double other = std::isinf(got) ? exact : double(got);
    return std::abs(other) > 0x1.fffffap127 ? 1 : INFINITY;
  }
  if (exact == 0 && got == 0)
    return std::signbit(exact) == std::signbit(got) ? 0 : INFINITY;
  int exponent = std::max(std::ilogb(exact), -126);
  return std::abs(double(got) - exact) / std::ldexp(1.0, exponent - 23);
}

std::string loopOver(const std::string &op, const std::string &extra,
                     int lanes) {
  std::string vector = "vector<" + std::to_string(lanes) + "xf32>";
  std::string buffer = "memref<4096xf32>";
  std::string text =
      "func.func @f(%x: " + buffer + ", %y: " + buffer + ", %z: " + buffer +
      ") {\n"
      "%c0 = arith.constant 0 : index\n"
      "%n = arith.constant 4096 : index\n"
      "%s = arith.constant " +
      std::to_string(lanes) +
      " : index\n"
      "scf.for %i = %c0 to %n step %s {\n"
      "%v = vector.load %x[%i] : " +
      buffer + ", " + vector + "\n%w = vector.load %y[%i] : " + buffer + ", " +
      vector + "\n%r = " + op + " %v" + extra + " : " + vector +
      "\nvector.store %r, %z[%i] : " + buffer + ", " + vector +
      "\n}\nreturn\n}\n";
  return text;
}

using Function = void(const float *, const float *, float *);

struct Code {
  std::unique_ptr<Jit> jit;
  Function *run = nullptr;
};

Code compile(const std::string &op, const std::string &extra, int lanes,
             const char *cpu) {
  Code code;
  code.jit = test::jitText(
      loopOver(op, extra, lanes),
      [](mlir::OpPassManager &manager) {
        manager.addPass(createExpandMathPass());
      },
      llvm::cantFail(getMachineModel("", cpu)));
  if (code.jit)
    if (auto function = code.jit->lookupFunction<Function>("f"))
      code.run = *function;
  return code;
}

struct Case {
  const char *op;
  double (*exact)(double);
  double bound;
};

void PrintTo(const Case &entry, std::ostream *stream) { *stream << entry.op; }

class ExpandMath : public testing::TestWithParam<Case> {
protected:
  /// The largest error over every `stride`-th f32 and all exponents' ends.
  double largestError(const Code &code, uint32_t stride, float &worst) {
    std::vector<float> x(batch), y(batch), z(batch);
    double largest = 0;
    uint64_t bits = 0;
    while (bits < (uint64_t(1) << 32)) {
      for (int index = 0; index < batch; ++index, bits += stride) {
        uint32_t pattern = bits < (uint64_t(1) << 32) ? bits : 0;
        x[index] = fromBits(pattern);
      }
      code.run(x.data(), y.data(), z.data());
      for (int index = 0; index < batch; ++index) {
        double error = ulpError(z[index], GetParam().exact(x[index]));
        if (!(error <= largest)) {
          largest = error;
          worst = x[index];
        }
      }
    }
    return largest;
  }
};

TEST_P(ExpandMath, IsWithinItsBound) {
  Code code = compile(GetParam().op, "", 16, "native");
  ASSERT_TRUE(code.run);
  float worst = 0;
  double error = largestError(code, 1021, worst);
  std::vector<float> x(batch, 0.7f), y(batch), z(batch);
  auto start = std::chrono::steady_clock::now();
  for (int repeat = 0; repeat < 200; ++repeat)
    code.run(x.data(), y.data(), z.data());
  std::chrono::duration<double, std::nano> time =
      std::chrono::steady_clock::now() - start;
  std::printf("| %-10s | %5.2f | %.2f |\n", GetParam().op + 5, error,
              time.count() / 200 / batch);
  EXPECT_LE(error, GetParam().bound) << "at " << worst;
}

TEST_P(ExpandMath, WithoutFma) {
  Code code = compile(GetParam().op, "", 4, "x86-64");
  ASSERT_TRUE(code.run);
  float worst = 0;
  double error = largestError(code, 10007, worst);
  EXPECT_LE(error, GetParam().bound + 1.5) << "at " << worst;
}

TEST_P(ExpandMath, SpecialValues) {
  std::vector<float> special = {
      0.0f,       -0.0f,          1.0f,           -1.0f,     0.5f,
      -0.5f,      INFINITY,       -INFINITY,      NAN,       0x1p-149f,
      -0x1p-149f, 0x1p-126f,      3.4e38f,        -3.4e38f,  1e-30f,
      -1e-30f,    88.7228f,       -87.4f,         -103.972f, 128.0f,
      -149.0f,    0x1.fffffep-1f, 0x1.000002p+0f, 131072.0f, 131073.0f,
      1.5707964f, 3.1415927f,     1e22f,          -1e22f,    2.0f,
      -2.0f,      16384.0f};
  special.resize(batch, 1.0f);
  std::vector<float> y(batch), z(batch);
  for (int lanes : {1, 8}) {
    Code code = compile(GetParam().op, "", lanes, "native");
    ASSERT_TRUE(code.run);
    code.run(special.data(), y.data(), z.data());
    for (int index = 0; index < 40; ++index)
      EXPECT_LE(ulpError(z[index], GetParam().exact(special[index])),
                GetParam().bound)
          << GetParam().op << "(" << special[index] << ") = " << z[index];
  }
}

INSTANTIATE_TEST_SUITE_P(
    Functions, ExpandMath,
    testing::Values(
        Case{"math.exp", std::exp, 1}, Case{"math.exp2", std::exp2, 1},
        Case{"math.expm1", std::expm1, 2}, Case{"math.log", std::log, 1},
        Case{"math.log2", std::log2, 2}, Case{"math.log10", std::log10, 2},
        Case{"math.log1p", std::log1p, 2}, Case{"math.tanh", std::tanh, 2},
        Case{"math.erf", std::erf, 2}, Case{"math.sin", std::sin, 2},
        Case{"math.cos", std::cos, 2}, Case{"math.tan", std::tan, 3},
        Case{"math.sinh", std::sinh, 2}, Case{"math.cosh", std::cosh, 2},
        Case{"math.asin", std::asin, 3}, Case{"math.acos", std::acos, 2},
        Case{"math.atan", std::atan, 2}, Case{"math.asinh", std::asinh, 4},
        Case{"math.acosh", std::acosh, 4}, Case{"math.atanh", std::atanh, 4}));

/// Softmax's forms of the exponentials, which may take results below the
/// smallest normal number for zeros.
struct NotPositiveCase {
  const char *op;
  double (*exact)(double);
  const char *cpu;
  int lanes;
  double bound;
};

void PrintTo(const NotPositiveCase &entry, std::ostream *stream) {
  *stream << entry.op << " on " << entry.cpu;
}

class OfNotPositive : public testing::TestWithParam<NotPositiveCase> {
protected:
  void SetUp() override {
    code = compile(GetParam().op, " {sluice.not_positive}", GetParam().lanes,
                   GetParam().cpu);
    ASSERT_TRUE(code.run);
  }

  std::vector<float> run(std::vector<float> x) {
    std::vector<float> y(batch), z(batch);
    x.resize(batch, -1.0f);
    code.run(x.data(), y.data(), z.data());
    return z;
  }

  Code code;
};

TEST_P(OfNotPositive, IsWithinItsBound) {
  constexpr uint64_t minusZero = 0x80000000, minusInfinity = 0xff800000;
  constexpr uint32_t stride = 4099;
  constexpr double smallest = 0x1p-126;
  std::vector<float> x(batch);
  for (uint64_t bits = minusZero; bits < minusInfinity;) {
    for (float &argument : x) {
      argument = fromBits(std::min(bits, minusInfinity));
      bits += stride;
    }
    std::vector<float> z = run(x);
    for (int index = 0; index < batch; ++index) {
      double exact = GetParam().exact(x[index]);
      if (exact < smallest)
        ASSERT_TRUE(z[index] >= 0 && z[index] <= smallest) << "at " << x[index];
      else
        ASSERT_LE(ulpError(z[index], exact), GetParam().bound)
            << "at " << x[index];
    }
  }
}

TEST_P(OfNotPositive, SpecialValues) {
  std::vector<float> z = run({0.0f, -0.0f, -0x1p-149f, -0x1p-30f, -INFINITY,
                              -3.4e38f, -1000.0f, -150.0f, NAN});
  for (int index = 0; index < 4; ++index)
    EXPECT_EQ(z[index], 1);
  for (int index = 4; index < 8; ++index)
    EXPECT_EQ(z[index], 0);
  EXPECT_TRUE(std::isnan(z[8]));
}

INSTANTIATE_TEST_SUITE_P(
    Targets, OfNotPositive,
    testing::Values(NotPositiveCase{"math.exp", std::exp, "native", 16, 1},
                    NotPositiveCase{"math.exp", std::exp, "native", 1, 1},
                    NotPositiveCase{"math.exp", std::exp, "x86-64", 4, 2.5},
                    NotPositiveCase{"math.exp2", std::exp2, "native", 16, 1},
                    NotPositiveCase{"math.exp2", std::exp2, "native", 1, 1},
                    NotPositiveCase{"math.exp2", std::exp2, "x86-64", 4, 2.5}));

TEST(ExpandMathPow, IsWithinItsBound) {
  Code code = compile("math.powf", ", %w", 16, "native");
  ASSERT_TRUE(code.run);
  std::vector<float> x(batch), y(batch), z(batch);
  double largest = 0;
  uint64_t state = 1;
  auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state >> 32);
  };
  for (int repeat = 0; repeat < 300; ++repeat) {
    for (int index = 0; index < batch; ++index) {
      x[index] = fromBits(next());
      // Exponents whose results are mostly finite, and small integers.
      y[index] = index % 4 == 0 ? float(int(next() % 21) - 10)
                                : float(int32_t(next())) * 0x1p-28f;
      if (index % 4 == 1)
        x[index] = 0.5f + float(next()) * 0x1p-32f;
    }
    code.run(x.data(), y.data(), z.data());
    for (int index = 0; index < batch; ++index) {
      double error =
          ulpError(z[index], std::pow(double(x[index]), double(y[index])));
      ASSERT_LE(error, 1) << x[index] << " ^ " << y[index];
      largest = std::max(largest, error);
    }
  }
  std::printf("| %-10s | %5.2f |\n", "powf", largest);
}

TEST(ExpandMathPow, SpecialValues) {
  Code code = compile("math.powf", ", %w", 16, "native");
  ASSERT_TRUE(code.run);
  const float values[] = {0.0f, -0.0f, 1.0f,   -1.0f,      2.0f,     -2.0f,
                          3.0f, 0.5f,  -0.5f,  -3.0f,      INFINITY, -INFINITY,
                          NAN,  1e30f, 1e-40f, 16777217.0f};
  std::vector<float> x(batch, 1.0f), y(batch, 1.0f), z(batch);
  int count = 0;
  for (float base : values)
    for (float exponent : values) {
      x[count] = base;
      y[count++] = exponent;
    }
  code.run(x.data(), y.data(), z.data());
  for (int index = 0; index < count; ++index)
    EXPECT_LE(ulpError(z[index], std::pow(double(x[index]), double(y[index]))),
              1)
        << x[index] << " ^ " << y[index] << " = " << z[index];
}

} // namespace
