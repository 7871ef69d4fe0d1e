//===- BufferLivenessTest.cpp - Tests of when buffers are in use ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/BufferLiveness.h"
#include "TestModule.h"

using namespace mlir;
using namespace sluice;

namespace {

TEST(BufferLiveness, FromTheAllocationToTheLastUse) {
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr) {
      %a = kernel.allocate %frame() {name = "a"} : memref<4xf32>
      %b = kernel.allocate %frame() {name = "b"} : memref<4xf32>
      kernel.launch @k[0](%frame) ins(%a : memref<4xf32>) outs(%b : memref<4xf32>) {name = "first"}
      %c = kernel.allocate %frame() {name = "c"} : memref<4xf32>
      kernel.launch @k[1](%frame) ins(%b : memref<4xf32>) outs(%c : memref<4xf32>) {name = "second"}
      return
    }
  )");
  BufferLiveness liveness(module.function());
  auto range = [&](llvm::StringRef name) {
    return liveness.range(module.find(name));
  };
  EXPECT_EQ(range("a").begin, liveness.number(module.find("a")));
  EXPECT_EQ(range("a").end, liveness.number(module.find("first")));
  EXPECT_EQ(range("b").end, liveness.number(module.find("second")));
  EXPECT_TRUE(range("a").overlaps(range("b")));
  EXPECT_FALSE(range("a").overlaps(range("c")));
}

TEST(BufferLiveness, ViewsAndCastsKeepABufferAlive) {
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr) {
      %a = kernel.allocate %frame() {name = "a"} : memref<4xf32>
      %view = kernel.view %a() {name = "view"} : memref<4xf32> to memref<2x2xf32>
      %cast = memref.cast %view {name = "cast"} : memref<2x2xf32> to memref<?x2xf32>
      %b = kernel.allocate %frame() : memref<4xf32>
      kernel.launch @k[0](%frame) ins(%cast : memref<?x2xf32>) outs(%b : memref<4xf32>) {name = "use"}
      return
    }
  )");
  BufferLiveness liveness(module.function());
  auto roots = liveness.roots(module.value("cast"));
  ASSERT_EQ(roots.size(), 1u);
  EXPECT_EQ(roots.front(), module.find("a"));
  EXPECT_EQ(liveness.range(module.find("a")).end,
            liveness.number(module.find("use")));
}

TEST(BufferLiveness, BranchesMayGiveEither) {
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr, %condition: i1) {
      %a = kernel.allocate %frame() {name = "a"} : memref<4xf32>
      %b = kernel.allocate %frame() {name = "b"} : memref<4xf32>
      %one = arith.select %condition, %a, %b {name = "select"} : memref<4xf32>
      %two = scf.if %condition -> memref<4xf32> {
        scf.yield %one : memref<4xf32>
      } else {
        %c = kernel.allocate %frame() {name = "c"} : memref<4xf32>
        scf.yield %c : memref<4xf32>
      } {name = "if"}
      kernel.launch @k[0](%frame) ins(%two : memref<4xf32>) outs() {name = "use"}
      return
    }
  )");
  BufferLiveness liveness(module.function());
  EXPECT_EQ(liveness.roots(module.value("select")).size(), 2u);
  EXPECT_EQ(liveness.roots(module.value("if")).size(), 3u);
  for (llvm::StringRef name : {"a", "b", "c"})
    EXPECT_EQ(liveness.range(module.find(name)).end,
              liveness.number(module.find("use")));
}

TEST(BufferLiveness, LoopsUseABufferUntilTheirEnd) {
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr, %n: index) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %outside = kernel.allocate %frame() {name = "outside"} : memref<4xf32>
      scf.for %i = %zero to %n step %one {
        %inside = kernel.allocate %frame() {name = "inside"} : memref<4xf32>
        kernel.launch @k[0](%frame) ins(%outside : memref<4xf32>) outs(%inside : memref<4xf32>) {name = "use"}
        %later = kernel.allocate %frame() {name = "later"} : memref<4xf32>
        kernel.launch @k[1](%frame) ins() outs(%later : memref<4xf32>)
      }
      return
    }
  )");
  BufferLiveness liveness(module.function());
  auto range = [&](llvm::StringRef name) {
    return liveness.range(module.find(name));
  };
  // The next iteration reads it again, after this one's later buffers.
  EXPECT_TRUE(range("outside").overlaps(range("later")));
  EXPECT_FALSE(range("inside").overlaps(range("later")));
}

TEST(BufferLiveness, LoopsPassBuffersAround) {
  // What the first value is in the end may be any of the three.
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr, %n: index) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %a = kernel.allocate %frame() {name = "a"} : memref<4xf32>
      %b = kernel.allocate %frame() {name = "b"} : memref<4xf32>
      %c = kernel.allocate %frame() {name = "c"} : memref<4xf32>
      %last:3 = scf.for %i = %zero to %n step %one iter_args(%p = %a, %q = %b, %r = %c) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
        scf.yield %q, %r, %p : memref<4xf32>, memref<4xf32>, memref<4xf32>
      }
      kernel.launch @k[0](%frame) ins(%last#0 : memref<4xf32>) outs() {name = "use"}
      return
    }
  )");
  BufferLiveness liveness(module.function());
  for (llvm::StringRef name : {"a", "b", "c"})
    EXPECT_EQ(liveness.range(module.find(name)).end,
              liveness.number(module.find("use")));
}

TEST(BufferLiveness, LoopsCarryBuffers) {
  test::TestModule module(R"(
    func.func @host(%frame: !llvm.ptr, %n: index) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %first = kernel.allocate %frame() {name = "first"} : memref<4xf32>
      %last = scf.for %i = %zero to %n step %one iter_args(%carried = %first) -> memref<4xf32> {
        %next = kernel.allocate %frame() {name = "next"} : memref<4xf32>
        scf.yield %next : memref<4xf32>
      } {name = "loop"}
      kernel.launch @k[0](%frame) ins(%last : memref<4xf32>) outs() {name = "use"}
      return
    }
  )");
  BufferLiveness liveness(module.function());
  EXPECT_EQ(liveness.roots(module.value("loop")).size(), 2u);
  for (llvm::StringRef name : {"first", "next"})
    EXPECT_EQ(liveness.range(module.find(name)).end,
              liveness.number(module.find("use")));
}

} // namespace
