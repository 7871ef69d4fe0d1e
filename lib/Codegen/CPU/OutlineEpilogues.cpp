//===- OutlineEpilogues.cpp - Long epilogues as functions -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Closure.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/MicroKernels/MicroTile.h"
#include "sluice/Codegen/CPU/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_OUTLINEEPILOGUESPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

class OutlineEpiloguesPass final
    : public impl::OutlineEpiloguesPassBase<OutlineEpiloguesPass> {
public:
  using OutlineEpiloguesPassBase::OutlineEpiloguesPassBase;

  void runOnOperation() final {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop->hasAttr(epilogueAttributeName) && loop.getNumResults() == 0 &&
          loop->getParentOfType<func::FuncOp>())
        loops.push_back(loop);
    });
    LLVMTypeConverter converter(&getContext());
    SymbolTable symbols(getOperation());
    for (scf::ForOp loop : loops)
      outline(loop, converter, symbols);
  }

private:
  void outline(scf::ForOp loop, LLVMTypeConverter &converter,
               SymbolTable &symbols);
};

} // namespace

void OutlineEpiloguesPass::outline(scf::ForOp loop,
                                   LLVMTypeConverter &converter,
                                   SymbolTable &symbols) {
  auto function = loop->getParentOfType<func::FuncOp>();
  Location loc = loop.getLoc();
  OpBuilder builder(function->getContext());
  Closure closure(
      converter,
      findUsedValues(loop.getRegion(), {loop.getLowerBound(),
                                        loop.getUpperBound(), loop.getStep()}));
  loop->removeAttr(epilogueAttributeName);

  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  func::FuncOp epilogue = createOutlinedFunction(builder, symbols, function,
                                                 "_epilogue", {pointer});
  epilogue->setAttr(llvmAttributesName, builder.getStrArrayAttr({"noinline"}));
  IRMapping mapping;
  closure.load(builder, loc, epilogue.getArgument(0), mapping);
  builder.clone(*loop, mapping);
  func::ReturnOp::create(builder, loc);

  Value memory = closure.allocate(builder, loc, function);
  builder.setInsertionPoint(loop);
  closure.store(builder, loc, memory);
  func::CallOp::create(builder, loc, epilogue, memory);
  loop.erase();
}

} // namespace sluice
