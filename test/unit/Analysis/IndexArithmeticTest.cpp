//===- IndexArithmeticTest.cpp - Tests of index arithmetic that folds -----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace sluice;
using Index = IndexArithmetic::Index;

namespace {

class IndexArithmeticTest : public testing::Test {
protected:
  IndexArithmeticTest() : builder(&context) {
    context.loadDialect<arith::ArithDialect>();
    loc = builder.getUnknownLoc();
    module = ModuleOp::create(builder, loc);
    builder.setInsertionPointToStart(module->getBody());
    x = module->getBody()->addArgument(builder.getIndexType(), loc);
  }

  /// The ops that are there.
  size_t count() { return module->getBody()->getOperations().size(); }
  Index number(int64_t value) { return builder.getIndexAttr(value); }

  MLIRContext context;
  OpBuilder builder;
  Location loc = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module;
  Value x;
};

TEST_F(IndexArithmeticTest, NumbersFold) {
  IndexArithmetic index(builder, loc);
  EXPECT_EQ(index.getConstant(index.add(number(7), number(-3))), 4);
  EXPECT_EQ(index.getConstant(index.sub(number(7), number(9))), -2);
  EXPECT_EQ(index.getConstant(index.mul(number(7), number(-3))), -21);
  EXPECT_EQ(index.getConstant(index.div(number(7), number(3))), 2);
  EXPECT_EQ(index.getConstant(index.rem(number(7), number(3))), 1);
  EXPECT_EQ(index.getConstant(index.min(number(7), number(3))), 3);
  EXPECT_EQ(index.getConstant(index.max(number(7), number(3))), 7);
  EXPECT_EQ(count(), 0u);
}

TEST_F(IndexArithmeticTest, NeutralNumbersFold) {
  IndexArithmetic index(builder, loc);
  EXPECT_EQ(index.add(x, number(0)), Index(x));
  EXPECT_EQ(index.add(number(0), x), Index(x));
  EXPECT_EQ(index.sub(x, number(0)), Index(x));
  EXPECT_EQ(index.mul(x, number(1)), Index(x));
  EXPECT_EQ(index.mul(number(1), x), Index(x));
  EXPECT_EQ(index.getConstant(index.mul(x, number(0))), 0);
  EXPECT_EQ(index.div(x, number(1)), Index(x));
  EXPECT_EQ(index.getConstant(index.rem(x, number(1))), 0);
  EXPECT_EQ(count(), 0u);
}

TEST_F(IndexArithmeticTest, ConstantOpsCountAsNumbers) {
  IndexArithmetic index(builder, loc);
  Value three = arith::ConstantIndexOp::create(builder, loc, 3);
  EXPECT_EQ(index.getConstant(index.mul(three, number(5))), 15);
  EXPECT_EQ(count(), 1u);
}

TEST_F(IndexArithmeticTest, WhatOverflowsOrDividesByNothingDoesNotFold) {
  IndexArithmetic index(builder, loc);
  EXPECT_FALSE(index.getConstant(index.add(number(INT64_MAX), number(1))));
  EXPECT_FALSE(index.getConstant(index.sub(number(INT64_MIN), number(1))));
  EXPECT_FALSE(index.getConstant(index.mul(number(INT64_MAX), number(2))));
  EXPECT_FALSE(index.getConstant(index.div(number(7), number(0))));
  EXPECT_FALSE(index.getConstant(index.rem(number(7), number(0))));
  EXPECT_FALSE(index.getConstant(index.div(number(INT64_MIN), number(-1))));
}

TEST_F(IndexArithmeticTest, PromisesNoOverflowWhereAsked) {
  auto flags = [](Index sum) {
    return cast<Value>(sum).getDefiningOp<arith::AddIOp>().getOverflowFlags();
  };
  IndexArithmetic plain(builder, loc);
  EXPECT_EQ(flags(plain.add(x, number(2))), arith::IntegerOverflowFlags::none);
  IndexArithmetic bounded(builder, loc, IndexArithmetic::Overflow::nsw);
  EXPECT_EQ(flags(bounded.add(x, number(2))), arith::IntegerOverflowFlags::nsw);
}

TEST_F(IndexArithmeticTest, SizesStayWithinTheNumbersThereAre) {
  SizeBuilder size(builder, loc);
  EXPECT_EQ(size.getConstant(size.add(number(INT64_MAX), number(1))),
            INT64_MAX);
  EXPECT_EQ(size.getConstant(size.ceilDiv(number(7), number(2))), 4);
}

} // namespace
