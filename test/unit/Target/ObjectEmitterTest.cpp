//===- ObjectEmitterTest.cpp - Tests of machine code emission -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Support/CompileText.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace sluice;

namespace {

void noPasses(mlir::OpPassManager &) {}

constexpr llvm::StringLiteral axpy = R"mlir(
func.func @axpy(%a: f32, %x: memref<16xf32>, %y: memref<16xf32>)
    attributes {llvm.emit_c_interface} {
  %c0 = arith.constant 0 : index
  %s = vector.broadcast %a : f32 to vector<16xf32>
  %u = vector.load %x[%c0] : memref<16xf32>, vector<16xf32>
  %v = vector.load %y[%c0] : memref<16xf32>, vector<16xf32>
  %m = arith.mulf %s, %u : vector<16xf32>
  %r = arith.addf %m, %v : vector<16xf32>
  vector.store %r, %y[%c0] : memref<16xf32>, vector<16xf32>
  return
}
)mlir";

std::string assemblyFor(llvm::StringRef triple, llvm::StringRef cpu) {
  auto machine = getMachineModel(triple, cpu);
  if (!machine)
    return llvm::toString(machine.takeError());
  CodeBuffer code = test::compileText(axpy, noPasses, CodeForm::Assembly,
                                      ObjectEmitterOptions{*machine});
  return std::string(code.begin(), code.end());
}

TEST(ObjectEmitter, UsesTheWholeVectorWidthAndFma) {
  std::string text = assemblyFor("x86_64-unknown-linux-gnu", "sapphirerapids");
  EXPECT_NE(text.find("zmm"), std::string::npos) << text;
  EXPECT_NE(text.find("vfmadd"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64-v3");
  EXPECT_EQ(text.find("zmm"), std::string::npos) << text;
  EXPECT_NE(text.find("vfmadd"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64");
  EXPECT_EQ(text.find("ymm"), std::string::npos) << text;
  EXPECT_NE(text.find("mulps"), std::string::npos) << text;
  text = assemblyFor("aarch64-unknown-linux-gnu", "generic");
  EXPECT_NE(text.find("fmla"), std::string::npos) << text;
}

TEST(ObjectEmitter, AlignsTheStackForWideVectorsOnly) {
  std::string text = assemblyFor("x86_64-unknown-linux-gnu", "sapphirerapids");
  EXPECT_NE(text.find("andq\t$-64, %rsp"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64-v3");
  EXPECT_NE(text.find("andq\t$-32, %rsp"), std::string::npos) << text;
  text = assemblyFor("x86_64-unknown-linux-gnu", "x86-64");
  EXPECT_EQ(text.find("%rsp"), std::string::npos) << text;
  auto machine = getMachineModel("x86_64-unknown-linux-gnu", "sapphirerapids");
  ASSERT_TRUE(bool(machine));
  CodeBuffer code = test::compileText(R"mlir(
    func.func @sum(%a: f32, %b: f32) -> f32 {
      %r = arith.addf %a, %b : f32
      return %r : f32
    })mlir",
                                      noPasses, CodeForm::Assembly,
                                      ObjectEmitterOptions{*machine});
  text.assign(code.begin(), code.end());
  EXPECT_NE(text.find("vaddss"), std::string::npos) << text;
  EXPECT_EQ(text.find("%rsp"), std::string::npos) << text;
}

TEST(ObjectEmitter, FunctionsMayHaveTargetsOfTheirOwn) {
  auto machine = getMachineModel("x86_64-unknown-linux-gnu", "x86-64");
  ASSERT_TRUE(bool(machine));
  CodeBuffer code = test::compileText(R"mlir(
    func.func @portable(%a: f32, %b: f32) -> f32 {
      %r = arith.addf %a, %b : f32
      return %r : f32
    }
    func.func @wide(%a: f32, %b: f32) -> f32 attributes {
        kernel.target = #kernel.cpu_target<triple = "x86_64-unknown-linux-gnu",
                                           cpu = "x86-64-v3">} {
      %r = arith.addf %a, %b : f32
      return %r : f32
    })mlir",
                                      noPasses, CodeForm::Assembly,
                                      ObjectEmitterOptions{*machine}, *machine);
  std::string text(code.begin(), code.end());
  size_t wide = text.find("wide:");
  ASSERT_NE(wide, std::string::npos) << text;
  EXPECT_NE(text.substr(0, wide).find("\taddss"), std::string::npos) << text;
  EXPECT_NE(text.find("vaddss", wide), std::string::npos) << text;
  EXPECT_EQ(text.find("vaddss"), text.find("vaddss", wide)) << text;
}

TEST(ObjectEmitter, RunsInThisProcess) {
  std::unique_ptr<Jit> jit = test::jitText(R"mlir(
    func.func @sum(%a: f32, %b: f32) -> f32 {
      %r = arith.addf %a, %b : f32
      return %r : f32
    }
    func.func @arctangent(%a: f32) -> f32 {
      %r = math.atan %a : f32
      return %r : f32
    }
  )mlir",
                                           noPasses);
  ASSERT_TRUE(jit);
  auto sum = jit->lookupFunction<float(float, float)>("sum");
  ASSERT_TRUE(bool(sum));
  EXPECT_EQ((*sum)(1.5f, 2.25f), 3.75f);
  auto arctangent = jit->lookupFunction<float(float)>("arctangent");
  ASSERT_TRUE(bool(arctangent));
  EXPECT_NEAR((*arctangent)(1.0f), std::atan(1.0f), 1e-6);
  auto missing = jit->lookup("no_such_function");
  EXPECT_FALSE(bool(missing));
  llvm::consumeError(missing.takeError());
}

/// Functions and a table that need each other, most of them internal, and a
/// symbol that assembly of the module defines.
constexpr llvm::StringLiteral chain = R"mlir(
module attributes {llvm.module_asm = [".data", ".globl reserved", "reserved:", ".zero 8", ".text"]} {
llvm.func @atanf(f32) -> f32
llvm.mlir.global private constant @table(dense<[10, 20, 30]> : tensor<3xi32>) : !llvm.array<3 x i32>
llvm.func internal @lookup(%i: i64) -> i32 attributes {passthrough = ["noinline"]} {
  %base = llvm.mlir.addressof @table : !llvm.ptr
  %at = llvm.getelementptr %base[0, %i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<3 x i32>
  %r = llvm.load %at : !llvm.ptr -> i32
  llvm.return %r : i32
}
llvm.func internal @twice(%i: i64) -> i32 attributes {passthrough = ["noinline"]} {
  %x = llvm.call @lookup(%i) : (i64) -> i32
  %r = llvm.add %x, %x : i32
  llvm.return %r : i32
}
llvm.func @entry(%i: i64) -> i32 {
  %twice = llvm.mlir.addressof @twice : !llvm.ptr
  %x = llvm.call %twice(%i) : !llvm.ptr, (i64) -> i32
  %y = llvm.call @lookup(%i) : (i64) -> i32
  %r = llvm.add %x, %y : i32
  llvm.return %r : i32
}
llvm.func @arctangent(%a: f32) -> f32 {
  %r = llvm.call @atanf(%a) : (f32) -> f32
  llvm.return %r : f32
}
}
)mlir";

std::vector<CodeBuffer> emitChain(int64_t partSize, bool multithreaded) {
  std::unique_ptr<mlir::MLIRContext> context = test::createContext();
  context->disableMultithreading(!multithreaded);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(chain, context.get());
  EXPECT_TRUE(module);
  ObjectEmitterOptions options{test::hostMachine()};
  options.partSize = partSize;
  auto objects = emitObjects(*module, "unique.", options);
  if (objects)
    return std::move(*objects);
  ADD_FAILURE() << llvm::toString(objects.takeError());
  return {};
}

TEST(ObjectEmitter, PartsBelongTogether) {
  for (int64_t partSize : {1, 8, 1000}) {
    std::vector<CodeBuffer> objects = emitChain(partSize, true);
    EXPECT_EQ(objects.size() > 1, partSize < 1000);
    auto jit = Jit::create();
    ASSERT_TRUE(bool(jit));
    for (const CodeBuffer &object : objects)
      ASSERT_FALSE((*jit)->addObject(object));
    auto entry = (*jit)->lookupFunction<int(int64_t)>("entry");
    ASSERT_TRUE(bool(entry)) << llvm::toString(entry.takeError());
    EXPECT_EQ((*entry)(1), 60);
    auto reserved = (*jit)->lookup("reserved");
    EXPECT_TRUE(bool(reserved)) << llvm::toString(reserved.takeError());
    auto arctangent = (*jit)->lookupFunction<float(float)>("arctangent");
    ASSERT_TRUE(bool(arctangent));
    EXPECT_NEAR((*arctangent)(1.0f), std::atan(1.0f), 1e-6);
  }
}

/// The results of emitting the chain with `attributes` on its entry.
std::vector<CodeBuffer> emitEntry(llvm::StringRef attributes,
                                  int64_t longHost) {
  std::unique_ptr<mlir::MLIRContext> context = test::createContext();
  std::string text = chain.str();
  llvm::StringRef head = "@entry(%i: i64) -> i32 ";
  text.insert(text.find(head.str()) + head.size(), attributes.str());
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  EXPECT_TRUE(module);
  ObjectEmitterOptions options{test::hostMachine()};
  options.partSize = 1000;
  options.longHost = longHost;
  auto objects = emitObjects(*module, "unique.", options);
  if (objects)
    return std::move(*objects);
  ADD_FAILURE() << llvm::toString(objects.takeError());
  return {};
}

TEST(ObjectEmitter, LongHostFunctionsAreApart) {
  std::vector<CodeBuffer> objects = emitEntry("attributes {sluice.host} ", 3);
  EXPECT_EQ(objects.size(), 3u); // What is before it and behind it as well.
  auto jit = Jit::create();
  ASSERT_TRUE(bool(jit));
  for (const CodeBuffer &object : objects)
    ASSERT_FALSE((*jit)->addObject(object));
  auto entry = (*jit)->lookupFunction<int(int64_t)>("entry");
  ASSERT_TRUE(bool(entry)) << llvm::toString(entry.takeError());
  EXPECT_EQ((*entry)(1), 60);
  EXPECT_EQ(emitEntry("attributes {sluice.host} ", 1000).size(), 1u);
  // A piece of a host function is apart however short it is.
  EXPECT_EQ(
      emitEntry("attributes {sluice.host, sluice.long_host} ", 1000).size(),
      3u);
  EXPECT_EQ(emitEntry("", 3).size(), 1u);
}

TEST(ObjectEmitter, PartsDoNotDependOnThreads) {
  std::vector<CodeBuffer> alone = emitChain(1, false);
  EXPECT_EQ(alone.size(), 5u);
  EXPECT_EQ(alone, emitChain(1, true));
}

TEST(ObjectEmitter, SharedSymbolsHaveThePrefix) {
  std::string all;
  for (const CodeBuffer &object : emitChain(1, true))
    all.append(object.begin(), object.end());
  EXPECT_NE(all.find("unique.lookup"), std::string::npos);
  EXPECT_NE(all.find("unique.table"), std::string::npos);
  EXPECT_EQ(all.find("unique.entry"), std::string::npos);
  EXPECT_EQ(all.find("unique.atanf"), std::string::npos);
}

TEST(ObjectEmitter, ReportsErrorsOfParts) {
  std::unique_ptr<mlir::MLIRContext> context = test::createContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "llvm.func @f() { llvm.return }", context.get());
  ASSERT_TRUE(module);
  ObjectEmitterOptions options{test::hostMachine()};
  options.machine.triple = "nonsense-unknown-unknown";
  auto objects = emitObjects(*module, "unique.", options);
  EXPECT_FALSE(bool(objects));
  llvm::consumeError(objects.takeError());
}

} // namespace
