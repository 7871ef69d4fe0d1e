//===- ExpandHalfTest.cpp - f16 conversions by operations on bits ---------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Runs the generated code and compares with LLVM's arithmetic in software.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace sluice;
using llvm::APFloat;
using llvm::APInt;

namespace {

constexpr int batch = 4096;

/// A loop over vectors that applies `op` to every element.
std::unique_ptr<Jit> compile(const std::string &op, const std::string &from,
                             const std::string &to) {
  std::string text = "func.func @f(%x: memref<4096x" + from +
                     ">, %y: memref<4096x" + to +
                     ">) {\n"
                     "%c0 = arith.constant 0 : index\n"
                     "%n = arith.constant 4096 : index\n"
                     "%s = arith.constant 8 : index\n"
                     "scf.for %i = %c0 to %n step %s {\n"
                     "%v = vector.load %x[%i] : memref<4096x" +
                     from + ">, vector<8x" + from + ">\n%r = " + op +
                     " %v : vector<8x" + from + "> to vector<8x" + to +
                     ">\nvector.store %r, %y[%i] : memref<4096x" + to +
                     ">, vector<8x" + to + ">\n}\nreturn\n}\n";
  return test::jitText(
      text,
      [](mlir::OpPassManager &manager) {
        manager.addPass(createExpandHalfPass());
      },
      llvm::cantFail(getMachineModel("x86_64-linux-gnu", "x86-64")));
}

float exactExtension(uint16_t bits) {
  APFloat value(APFloat::IEEEhalf(), APInt(16, bits));
  bool lossy;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lossy);
  return value.convertToFloat();
}

uint16_t exactTruncation(float number) {
  APFloat value(number);
  bool lossy;
  value.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &lossy);
  return static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
}

} // namespace

TEST(ExpandHalf, ExtendsEveryNumber) {
  std::unique_ptr<Jit> jit = compile("arith.extf", "f16", "f32");
  ASSERT_TRUE(jit);
  auto run = jit->lookupFunction<void(const uint16_t *, float *)>("f");
  ASSERT_TRUE(bool(run));
  std::vector<uint16_t> x(batch);
  std::vector<float> y(batch);
  for (unsigned first = 0; first < 1 << 16; first += batch) {
    for (int i = 0; i < batch; ++i)
      x[i] = static_cast<uint16_t>(first + i);
    (*run)(x.data(), y.data());
    for (int i = 0; i < batch; ++i) {
      float exact = exactExtension(x[i]);
      if (std::isnan(exact))
        EXPECT_TRUE(std::isnan(y[i])) << x[i];
      else
        EXPECT_EQ(llvm::bit_cast<uint32_t>(y[i]),
                  llvm::bit_cast<uint32_t>(exact))
            << x[i];
    }
  }
}

TEST(ExpandHalf, TruncatesToTheNearest) {
  std::unique_ptr<Jit> jit = compile("arith.truncf", "f32", "f16");
  ASSERT_TRUE(jit);
  auto run = jit->lookupFunction<void(const float *, uint16_t *)>("f");
  ASSERT_TRUE(bool(run));
  // Every f16, the middle to the next one, and their neighbours in f32; the
  // ends of every exponent; and a part of all other numbers.
  std::vector<uint32_t> patterns;
  for (unsigned half = 0; half < 0x7c01; ++half) {
    uint32_t bits = llvm::bit_cast<uint32_t>(exactExtension(half));
    float next = half < 0x7bff ? exactExtension(half + 1) : 65536.0f;
    uint32_t middle = llvm::bit_cast<uint32_t>(
        (exactExtension(std::min(half, 0x7bffu)) + next) / 2);
    for (uint32_t place : {bits, middle})
      for (uint32_t offset : {0u, 1u, ~0u})
        for (uint32_t sign : {0u, 1u << 31})
          patterns.push_back((place + offset) ^ sign);
  }
  for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += 40009)
    patterns.push_back(static_cast<uint32_t>(bits));
  patterns.resize((patterns.size() + batch - 1) / batch * batch);
  std::vector<float> x(batch);
  std::vector<uint16_t> y(batch);
  for (size_t first = 0; first < patterns.size(); first += batch) {
    for (int i = 0; i < batch; ++i)
      x[i] = llvm::bit_cast<float>(patterns[first + i]);
    (*run)(x.data(), y.data());
    for (int i = 0; i < batch; ++i) {
      uint16_t exact = exactTruncation(x[i]);
      if (std::isnan(x[i]))
        ASSERT_GT(y[i] & 0x7fff, 0x7c00) << patterns[first + i];
      else
        ASSERT_EQ(y[i], exact) << patterns[first + i];
    }
  }
}
