//===- ExpandHalf.cpp - Conversions of halves to operations on bits -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_EXPANDHALFPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

using arith::CmpIPredicate;

// f16 has 10 bits of mantissa and a bias of 15, f32 has 23 and 127.
constexpr int64_t mantissaShift = 23 - 10;
constexpr int64_t biasShift = int64_t(127 - 15) << 23;
constexpr int64_t halfInfinity = 0x7c00;
constexpr int64_t smallestNormalHalf = 0x0400;

struct HalfBuilder : BodyBuilder {
  Type shaped(Value like, Type element) { return withElement(like, element); }
  Type f32(Value like) { return shaped(like, builder.getF32Type()); }
  Type i32(Value like) { return shaped(like, builder.getI32Type()); }
  Type i16(Value like) { return shaped(like, builder.getI16Type()); }

  Value asF32(Value bits) { return make<arith::BitcastOp>(f32(bits), bits); }
  Value asBits(Value number) {
    return make<arith::BitcastOp>(i32(number), number);
  }
  Value bitAnd(Value x, int64_t mask) {
    return make<arith::AndIOp>(x, integer(x, mask));
  }
  Value bitOr(Value x, Value y) { return make<arith::OrIOp>(x, y); }
  Value shiftLeft(Value x, int64_t count) {
    return make<arith::ShLIOp>(x, integer(x, count));
  }
  Value shiftRight(Value x, int64_t count) {
    return make<arith::ShRUIOp>(x, integer(x, count));
  }
  Value isBelow(Value x, int64_t limit) {
    return compare(CmpIPredicate::ult, x, integer(x, limit));
  }

  Value extend(Value half);
  Value truncate(Value number);
  /// Of bf16, which is the upper half of an f32.
  Value extendBrain(Value brain);
  Value truncateBrain(Value number);
};

Value HalfBuilder::extend(Value half) {
  Value bits =
      make<arith::ExtUIOp>(i32(half), make<arith::BitcastOp>(i16(half), half));
  Value magnitude = bitAnd(bits, 0x7fff);
  Value sign = shiftLeft(bitAnd(bits, 0x8000), 16);
  Value shifted = shiftLeft(magnitude, mantissaShift);
  Value normal = add(shifted, integer(shifted, biasShift));
  // Infinity and NaN have the largest exponent in both.
  Value special = add(normal, integer(normal, biasShift));
  // Numbers below the smallest normal one are multiples of 2^-24. Not by
  // arithmetic on denormal f32, which the caller may have turned off.
  Value tiny = make<arith::SIToFPOp>(f32(half), magnitude);
  tiny = asBits(mul(tiny, constant(tiny, 0x1p-24)));
  Value result = select(isBelow(magnitude, halfInfinity), normal, special);
  result = select(isBelow(magnitude, smallestNormalHalf), tiny, result);
  return asF32(bitOr(result, sign));
}

Value HalfBuilder::truncate(Value number) {
  Value bits = asBits(number);
  Value sign = bitAnd(shiftRight(bits, 16), 0x8000);
  Value magnitude = bitAnd(bits, 0x7fffffff);
  // To nearest, ties to even: what is cut off, plus one if the rest is odd,
  // carries over from half a unit on.
  Value odd = bitAnd(shiftRight(magnitude, mantissaShift), 1);
  Value normal = add(add(magnitude, integer(bits, 0xfff - biasShift)), odd);
  normal = shiftRight(normal, mantissaShift);
  // Adding 0.5, whose unit is f16's smallest number, rounds to that.
  Value half = constant(number, 0.5);
  Value tiny =
      make<arith::SubIOp>(asBits(add(asF32(magnitude), half)), asBits(half));
  constexpr int64_t smallestNormal = 0x38800000; // 2^-14
  constexpr int64_t firstInfinite = 0x477ff000;  // 65520
  constexpr int64_t infinity = 0x7f800000;
  Value result = select(isBelow(magnitude, smallestNormal), tiny, normal);
  result = select(isBelow(magnitude, firstInfinite), result,
                  integer(bits, halfInfinity));
  // NaN stays NaN, and becomes a quiet one.
  Value nan = bitOr(bitAnd(shiftRight(magnitude, mantissaShift), 0x3ff),
                    integer(bits, halfInfinity | 0x200));
  result = select(isBelow(magnitude, infinity + 1), result, nan);
  Value narrow = make<arith::TruncIOp>(i16(number), bitOr(result, sign));
  return make<arith::BitcastOp>(shaped(number, builder.getF16Type()), narrow);
}

Value HalfBuilder::extendBrain(Value brain) {
  Value bits = make<arith::ExtUIOp>(i32(brain),
                                    make<arith::BitcastOp>(i16(brain), brain));
  return asF32(shiftLeft(bits, 16));
}

Value HalfBuilder::truncateBrain(Value number) {
  Value bits = asBits(number);
  Value upper = shiftRight(bits, 16);
  // To nearest, ties to even, as above.
  Value rounded = add(add(bits, integer(bits, 0x7fff)), bitAnd(upper, 1));
  rounded = shiftRight(rounded, 16);
  // What the instruction and LLVM's way around it make of any NaN.
  Value nan = integer(bits, 0x7fc0);
  Value isNan = compare(arith::CmpFPredicate::UNO, number, number);
  Value narrow =
      make<arith::TruncIOp>(i16(number), select(isNan, nan, rounded));
  return make<arith::BitcastOp>(shaped(number, builder.getBF16Type()), narrow);
}

/// Extends one type of halves, by way of f32.
template <typename HalfTy, Value (HalfBuilder::*extendToF32)(Value)>
struct ExpandExtension final : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const final {
    if (!isa<HalfTy>(getElementTypeOrSelf(op.getIn().getType())))
      return failure();
    HalfBuilder body{{rewriter, op.getLoc()}};
    Value result = (body.*extendToF32)(op.getIn());
    if (result.getType() != op.getType())
      result = body.make<arith::ExtFOp>(op.getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ExpandTruncation final : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const final {
    if (!getElementTypeOrSelf(op.getType()).isF16())
      return failure();
    HalfBuilder body{{rewriter, op.getLoc()}};
    Value number = op.getIn();
    if (number.getType() != body.f32(number))
      number = body.make<arith::TruncFOp>(body.f32(number), number);
    rewriter.replaceOp(op, body.truncate(number));
    return success();
  }
};

// LLVM takes vectors of bf16 apart where the CPU has no instructions for them.

struct ExpandBrainTruncation final : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const final {
    // By way of f32, an f64 would be rounded twice.
    if (!getElementTypeOrSelf(op.getType()).isBF16() ||
        !getElementTypeOrSelf(op.getIn().getType()).isF32())
      return failure();
    HalfBuilder body{{rewriter, op.getLoc()}};
    rewriter.replaceOp(op, body.truncateBrain(op.getIn()));
    return success();
  }
};

struct ShuffleBits final : OpRewritePattern<vector::ShuffleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::ShuffleOp op,
                                PatternRewriter &rewriter) const final {
    if (!op.getType().getElementType().isBF16())
      return failure();
    HalfBuilder body{{rewriter, op.getLoc()}};
    auto bits = [&](Value brains) -> Value {
      return body.make<arith::BitcastOp>(body.i16(brains), brains);
    };
    Value shuffled =
        vector::ShuffleOp::create(rewriter, op.getLoc(), bits(op.getV1()),
                                  bits(op.getV2()), op.getMask());
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), shuffled);
    return success();
  }
};

/// Does the module have values of this element type?
bool usesType(ModuleOp module, Type element) {
  auto has = [&](Type type) {
    if (auto shaped = dyn_cast<ShapedType>(type))
      type = shaped.getElementType();
    return type == element;
  };
  WalkResult result = module.walk([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (llvm::any_of(block.getArgumentTypes(), has))
          return WalkResult::interrupt();
    return llvm::any_of(op->getResultTypes(), has) ? WalkResult::interrupt()
                                                   : WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// Defines the function that LLVM calls where it converts a number itself,
/// which it does to move one through a register of another kind.
template <typename OpTy>
void defineConversion(ModuleOp module, StringRef name, Type from, Type to) {
  if (module.lookupSymbol(name))
    return;
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Location loc = module.getLoc();
  auto function = func::FuncOp::create(builder, loc, name,
                                       builder.getFunctionType(from, to));
  // Other models in the program may bring it too.
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(module.getContext(),
                                           LLVM::linkage::Linkage::WeakODR));
  builder.setInsertionPointToStart(function.addEntryBlock());
  Value result = OpTy::create(builder, loc, to, function.getArgument(0));
  func::ReturnOp::create(builder, loc, result);
}

/// `needsF16` says whether some function's CPU lacks instructions for f16.
void defineConversions(ModuleOp module, bool needsF16) {
  Builder builder(module.getContext());
  Type f32 = builder.getF32Type();
  Type f16 = builder.getF16Type(), bf16 = builder.getBF16Type();
  if (usesType(module, bf16))
    defineConversion<arith::TruncFOp>(module, "__truncsfbf2", f32, bf16);
  if (!needsF16 || !usesType(module, f16))
    return;
  defineConversion<arith::TruncFOp>(module, "__truncsfhf2", f32, f16);
  defineConversion<arith::ExtFOp>(module, "__extendhfsf2", f16, f32);
}

class ExpandHalfPass final : public impl::ExpandHalfPassBase<ExpandHalfPass> {
public:
  using ExpandHalfPassBase::ExpandHalfPassBase;

  void runOnOperation() final {
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    SmallVector<Operation *> lacking, lackingBrain;
    for (Operation &op : *getOperation().getBody()) {
      const MachineModel *own =
          getMachine(getAnalysisManager(), getOperation(), &op);
      if (!own)
        return signalPassFailure();
      if (!own->hasF16Conversion)
        lacking.push_back(&op);
      if (!own->hasBf16Conversion)
        lackingBrain.push_back(&op);
    }
    if (machine->architecture == MachineModel::Architecture::X86_64)
      defineConversions(getOperation(),
                        !machine->hasF16Conversion || !lacking.empty());
    if (!machine->hasF16Conversion)
      lacking = {getOperation()};
    RewritePatternSet list(&getContext());
    list.add<ExpandExtension<Float16Type, &HalfBuilder::extend>,
             ExpandTruncation>(&getContext());
    FrozenRewritePatternSet patterns(std::move(list));
    for (Operation *op : lacking)
      walkAndApplyPatterns(op, patterns);
    RewritePatternSet brainList(&getContext());
    brainList.add<ExpandExtension<BFloat16Type, &HalfBuilder::extendBrain>,
                  ExpandBrainTruncation, ShuffleBits>(&getContext());
    FrozenRewritePatternSet brainPatterns(std::move(brainList));
    for (Operation *op : lackingBrain)
      walkAndApplyPatterns(op, brainPatterns);
  }
};

} // namespace
} // namespace sluice
