//===- OutlineParallel.cpp - Parallel loops through the runtime -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Closure.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_OUTLINEPARALLELPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

/// Used where a loop says nothing about its cost.
constexpr double defaultCost = 1000;

class Outliner {
public:
  Outliner(ModuleOp module)
      : module(module), builder(module.getContext()),
        converter(module.getContext()), symbols(module) {}

  LogicalResult run(scf::ParallelOp loop) {
    auto function = loop->getParentOfType<func::FuncOp>();
    if (loop.getNumReductions() != 0)
      return loop.emitOpError("with reductions cannot run in parallel");
    auto pointer = LLVM::LLVMPointerType::get(module.getContext());
    if (!function || function.getNumArguments() == 0 ||
        function.getArgument(0).getType() != pointer)
      return loop.emitOpError(
          "needs the frame (!llvm.ptr) as the function's first argument");

    UsedValues used =
        findUsedValues(loop.getRegion(),
                       {loop.getLowerBound().front(), loop.getStep().front()});
    Closure closure(converter, used);
    func::FuncOp body = createBody(loop, function, closure);
    callHook(loop, function, body, closure);
    loop.erase();
    return success();
  }

private:
  func::FuncOp createBody(scf::ParallelOp loop, func::FuncOp function,
                          Closure &closure) {
    Location loc = loop.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(module.getContext());
    Type size = builder.getI64Type();
    func::FuncOp body = createOutlinedFunction(builder, symbols, function,
                                               "_body", {pointer, size, size});
    if (Attribute flushes = function->getAttr(flushesSubnormalsAttributeName))
      body->setAttr(flushesSubnormalsAttributeName, flushes);
    auto attributes = function->getAttrOfType<ArrayAttr>(llvmAttributesName);
    Attribute scalars = builder.getStringAttr(keepsScalarsAttribute);
    if (attributes && llvm::is_contained(attributes, scalars))
      body->setAttr(llvmAttributesName, builder.getArrayAttr(scalars));
    IRMapping mapping;
    closure.load(builder, loc, body.getArgument(0), mapping);
    IndexBuilder index(builder, loc);
    auto toIndex = [&](Value value) -> Value {
      return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                        value);
    };
    auto range = scf::ForOp::create(builder, loc, toIndex(body.getArgument(1)),
                                    toIndex(body.getArgument(2)),
                                    index.value(index.constant(1)));
    func::ReturnOp::create(builder, loc);

    builder.setInsertionPoint(range.getBody()->getTerminator());
    auto outside = [&](Value value) {
      return getAsOpFoldResult(mapping.lookup(value));
    };
    auto iteration = index.add(
        index.mul(range.getInductionVar(), outside(loop.getStep().front())),
        outside(loop.getLowerBound().front()));
    mapping.map(loop.getInductionVars().front(), index.value(iteration));
    for (Operation &op : loop.getBody()->without_terminator())
      builder.clone(op, mapping);
    return body;
  }

  void callHook(scf::ParallelOp loop, func::FuncOp function, func::FuncOp body,
                Closure &closure) {
    Location loc = loop.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(module.getContext());
    Type size = builder.getI64Type();
    Value frame = function.getArgument(0);
    Value memory = closure.allocate(builder, loc, function);

    builder.setInsertionPoint(loop);
    closure.store(builder, loc, memory);
    Value bodyValue =
        func::ConstantOp::create(builder, loc, body.getFunctionType(),
                                 FlatSymbolRefAttr::get(body.getSymNameAttr()));
    Value bodyAddress =
        UnrealizedConversionCastOp::create(builder, loc, pointer, bodyValue)
            .getResult(0);
    Value hookAddress =
        LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), frame,
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(
                                frameOffset(FrameField::ParallelFor))});
    Value hook = LLVM::LoadOp::create(builder, loc, pointer, hookAddress);

    IndexBuilder index(builder, loc);
    auto extent = index.sub(getAsOpFoldResult(loop.getUpperBound().front()),
                            getAsOpFoldResult(loop.getLowerBound().front()));
    auto steps = getAsOpFoldResult(loop.getStep().front());
    Value count = index.value(
        IndexBuilder::isConstant(steps, 1)
            ? extent
            : index.max(index.ceilDiv(extent, steps), index.constant(0)));
    Value iterations = arith::IndexCastOp::create(builder, loc, size, count);
    auto given = loop->getAttrOfType<FloatAttr>(costAttributeName);
    Value cost = arith::ConstantOp::create(
        builder, loc,
        builder.getF64FloatAttr(given ? given.getValueAsDouble()
                                      : defaultCost));
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(module.getContext()),
        {pointer, pointer, pointer, size, builder.getF64Type()});
    LLVM::CallOp::create(
        builder, loc, type,
        ValueRange{hook, frame, bodyAddress, memory, iterations, cost});
  }

  ModuleOp module;
  OpBuilder builder;
  LLVMTypeConverter converter;
  SymbolTable symbols;
};

class OutlineParallelPass final
    : public impl::OutlineParallelPassBase<OutlineParallelPass> {
public:
  using OutlineParallelPassBase::OutlineParallelPassBase;

  void runOnOperation() final {
    if (failed(makeSequential()))
      return signalPassFailure();
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp loop) { loops.push_back(loop); });
    Outliner outliner(getOperation());
    for (scf::ParallelOp loop : loops)
      if (failed(outliner.run(loop)))
        return signalPassFailure();
  }

private:
  /// Turns the loops that do not go through the hook into sequential ones.
  LogicalResult makeSequential() {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp loop) {
      if (loop->getParentOfType<scf::ParallelOp>() || loop.getNumLoops() != 1)
        loops.push_back(loop);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ParallelOp loop : loops) {
      rewriter.setInsertionPoint(loop);
      if (failed(scf::parallelForToNestedFors(rewriter, loop)))
        return loop.emitOpError("cannot become sequential loops");
    }
    return success();
  }
};

} // namespace
} // namespace sluice
