//===- SymbolicShapesTest.cpp - Tests of equal dynamic sizes --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/SymbolicShapes.h"
#include "TestModule.h"

using namespace mlir;
using namespace sluice;

namespace {

TEST(SymbolicShapes, StaticSizesAreTheirNumbers) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>) {
      return
    }
  )");
  SymbolicShapes symbols;
  Value x = module.function().getArgument(0),
        y = module.function().getArgument(1);
  EXPECT_EQ(symbols.dimension(x, 0), symbols.dimension(y, 1));
  EXPECT_NE(symbols.dimension(x, 0), symbols.dimension(x, 1));
  EXPECT_TRUE(symbols.haveSameShape(x, x));
  EXPECT_FALSE(symbols.haveSameShape(x, y));
}

TEST(SymbolicShapes, InputsShareSizesOfOneName) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<?x?xf32> {sluice.dims = ["batch", "length"]},
                    %y: tensor<?x?xf32> {sluice.dims = ["batch", ""]},
                    %z: tensor<?xf32>) {
      return
    }
  )");
  SymbolicShapes symbols;
  Value x = module.function().getArgument(0),
        y = module.function().getArgument(1);
  EXPECT_EQ(symbols.dimension(x, 0), symbols.dimension(y, 0));
  // Sizes without a name equal nothing but themselves.
  EXPECT_NE(symbols.dimension(x, 1), symbols.dimension(y, 1));
  EXPECT_NE(symbols.dimension(y, 1),
            symbols.dimension(module.function().getArgument(2), 0));
}

TEST(SymbolicShapes, ElementwiseOpsKeepSizes) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<?x8xf32> {sluice.dims = ["n", ""]},
                    %y: tensor<?x8xf32> {sluice.dims = ["n", ""]},
                    %z: tensor<?x8xf32>) {
      %0 = sluice.relu %x {name = "relu"} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %1 = sluice.add %0, %y {name = "same"} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      %2 = sluice.add %0, %z {name = "other"} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      return
    }
  )");
  SymbolicShapes symbols;
  Value x = module.function().getArgument(0);
  EXPECT_TRUE(symbols.haveSameShape(x, module.value("relu")));
  EXPECT_TRUE(symbols.haveSameShape(x, module.value("same")));
  // Either size may be the one that is not 1.
  EXPECT_FALSE(symbols.haveSameShape(x, module.value("other")));
}

TEST(SymbolicShapes, ComputedSizesAreTheirComputations) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>) {
      %0 = sluice.concat %x, %y {name = "one", axis = 0 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      %1 = sluice.concat %x, %y {name = "again", axis = 0 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      %2 = sluice.concat %x, %x {name = "twice", axis = 0 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      return
    }
  )");
  SymbolicShapes symbols;
  size_t ops = module.function().getBody().front().getOperations().size();
  EXPECT_TRUE(
      symbols.haveSameShape(module.value("one"), module.value("again")));
  EXPECT_FALSE(
      symbols.haveSameShape(module.value("one"), module.value("twice")));
  // Nothing of what was built to find out is left.
  EXPECT_EQ(module.function().getBody().front().getOperations().size(), ops);
}

TEST(SymbolicShapes, SizesAreTriedOut) {
  test::TestModule module(R"(
    func.func @main(%x: tensor<?x?xf32> {sluice.dims = ["n", "m"]}, %data: tensor<1xi64>) {
      %n = sluice.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x?xf32>) -> tensor<1xi64>
      %zero = sluice.constant dense<0> : tensor<1xi64>
      %end = sluice.constant dense<9223372036854775807> : tensor<2xi64>
      %step = sluice.constant dense<1> : tensor<2xi64>
      %back = sluice.neg %n : (tensor<1xi64>) -> tensor<1xi64>
      %0 = sluice.concat %back, %zero {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
      %1 = sluice.slice %x, %0, %end, %step {name = "last", starts = array<i64>, ends = array<i64>, steps = array<i64>} : (tensor<?x?xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
      %2 = sluice.concat %data, %zero {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
      %3 = sluice.slice %x, %2, %end, %step {name = "some", starts = array<i64>, ends = array<i64>, steps = array<i64>} : (tensor<?x?xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
      return
    }
  )");
  SymbolicShapes symbols;
  Value x = module.function().getArgument(0);
  auto n = symbols.dimension(x, 0), m = symbols.dimension(x, 1),
       one = symbols.constant(1),
       last = symbols.dimension(module.value("last"), 0),
       some = symbols.dimension(module.value("some"), 0);
  EXPECT_TRUE(symbols.seemToBroadcastAlike(last, n));
  EXPECT_TRUE(symbols.seemsToBroadcast(last, n));
  EXPECT_TRUE(symbols.seemsToBroadcast(one, n));
  EXPECT_FALSE(symbols.seemsToBroadcast(n, one));
  EXPECT_FALSE(symbols.seemsToBroadcast(n, m));
  EXPECT_FALSE(symbols.seemToBroadcastAlike(n, m));
  // What depends on data may be anything.
  EXPECT_FALSE(symbols.seemsToBroadcast(some, n));
  EXPECT_FALSE(symbols.seemToBroadcastAlike(some, n));
}

} // namespace
