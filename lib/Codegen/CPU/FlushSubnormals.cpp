//===- FlushSubnormals.cpp - Subnormal numbers as zeros in some kernels ---===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FLUSHSUBNORMALSPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

/// Switches, in one function, how the CPU treats subnormal numbers. What the
/// register is to hold is computed once, where the function begins: a switch is
/// one instruction, with which few kernels of a few vectors are slower.
class SubnormalMode {
public:
  /// `isX86`: MXCSR, else AArch64's FPCR. `outside` is the register as the
  /// caller has it; read where it is null.
  SubnormalMode(func::FuncOp function, bool isX86, Value outside = Value())
      : builder(function.getBody()), loc(function.getLoc()), isX86(isX86) {
    Type type = getType(builder, isX86);
    if (isX86) {
      kept = makeSlot();
      flushing = makeSlot();
      if (outside)
        LLVM::StoreOp::create(builder, loc, outside, kept);
      else
        callIntrinsic("llvm.x86.sse.stmxcsr", kept);
      this->outside =
          outside ? outside : LLVM::LoadOp::create(builder, loc, type, kept);
    } else {
      kept = outside ? outside
                     : LLVM::CallIntrinsicOp::create(
                           builder, loc, type,
                           builder.getStringAttr("llvm.aarch64.get.fpcr"), {})
                           .getResult(0);
      this->outside = kept;
    }
    // x86: flush to zero (bit 15) and denormals are zeros (bit 6) of MXCSR.
    // AArch64: flush to zero (bit 24) of FPCR, for operands and results.
    int64_t bits = isX86 ? (1 << 15) | (1 << 6) : 1 << 24;
    Value flush = LLVM::ConstantOp::create(builder, loc, type,
                                           builder.getIntegerAttr(type, bits));
    Value both = LLVM::OrOp::create(builder, loc, this->outside, flush);
    if (isX86)
      LLVM::StoreOp::create(builder, loc, both, flushing);
    else
      flushing = both;
  }

  static Type getType(OpBuilder &builder, bool isX86) {
    return builder.getIntegerType(isX86 ? 32 : 64);
  }

  /// The register as the function's caller has it.
  Value getOutside() const { return outside; }

  void flushBefore(Operation *op) {
    builder.setInsertionPoint(op);
    write(flushing);
  }
  void flushAfter(Operation *op) {
    builder.setInsertionPointAfter(op);
    write(flushing);
  }
  void restoreBefore(Operation *op) {
    builder.setInsertionPoint(op);
    write(kept);
  }
  void restoreAfter(Operation *op) {
    builder.setInsertionPointAfter(op);
    write(kept);
  }

private:
  Value makeSlot() {
    Value one =
        LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
    return LLVM::AllocaOp::create(
        builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
        getType(builder, isX86), one);
  }

  void callIntrinsic(StringRef name, Value argument) {
    LLVM::CallIntrinsicOp::create(builder, loc, builder.getStringAttr(name),
                                  argument);
  }

  void write(Value mode) {
    callIntrinsic(isX86 ? "llvm.x86.sse.ldmxcsr" : "llvm.aarch64.set.fpcr",
                  mode);
  }

  OpBuilder builder;
  Location loc;
  bool isX86;
  Value outside;
  /// What is written: values on AArch64, where they lie in memory on x86.
  Value kept, flushing;
};

/// Addresses, sizes and calls of outlined loops are no computation with floats.
bool computesFloats(Operation *op) {
  auto isFloat = [](Type type) {
    return !isa<BaseMemRefType>(type) &&
           isa<FloatType>(getElementTypeOrSelf(type));
  };
  return !op->hasTrait<OpTrait::ConstantLike>() &&
         llvm::any_of(op->getResultTypes(), isFloat);
}

/// Whether a function has floating-point values of its own.
bool computesWithFloats(func::FuncOp function) {
  return function
      .walk([](Operation *op) {
        return computesFloats(op) ? WalkResult::interrupt()
                                  : WalkResult::advance();
      })
      .wasInterrupted();
}

class FlushSubnormalsPass final
    : public impl::FlushSubnormalsPassBase<FlushSubnormalsPass> {
public:
  using FlushSubnormalsPassBase::FlushSubnormalsPassBase;

  void runOnOperation() final {
    const MachineModel *machine =
        getMachine(getAnalysisManager(), getOperation());
    if (!machine)
      return signalPassFailure();
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->removeAttr(flushesSubnormalsAttributeName) &&
          !function.isExternal() && computesWithFloats(function))
        functions.push_back(function);
    isX86 = machine->architecture == MachineModel::Architecture::X86_64;
    bodies.clear();
    isBody.clear();
    symbols.emplace(getOperation());
    for (func::FuncOp function : functions)
      wrap(function);
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (!function.isExternal())
        switchForCalls(function);
    eraseUncalled(functions);
  }

private:
  bool isX86 = true;
  /// By the name of the function that was wrapped: that with its body.
  DenseMap<StringAttr, func::FuncOp> bodies;
  DenseSet<Operation *> isBody;
  std::optional<SymbolTable> symbols;

  /// Moves the body to a function of its own that is called with subnormals
  /// flushed. LLVM takes floating-point operations for independent of the
  /// register, but does not move them over calls of functions that it must not
  /// inline.
  void wrap(func::FuncOp function) {
    Location loc = function.getLoc();
    OpBuilder builder(&getContext());
    SmallVector<Type> types(function.getArgumentTypes());
    types.push_back(SubnormalMode::getType(builder, isX86));
    builder.setInsertionPointAfter(function);
    auto inner = func::FuncOp::create(builder, loc,
                                      (function.getName() + "_flushing").str(),
                                      builder.getFunctionType(types, {}));
    inner.setPrivate();
    inner->setAttr("llvm.linkage",
                   LLVM::LinkageAttr::get(builder.getContext(),
                                          LLVM::linkage::Linkage::Internal));
    inner->setAttr(llvmAttributesName, builder.getStrArrayAttr({"noinline"}));
    if (auto target = kernel::getOwnTarget(function))
      inner->setAttr(kernel::targetAttributeName, target);
    symbols->insert(inner);
    inner.getBody().takeBody(function.getBody());
    inner.getBody().front().addArgument(types.back(), loc);
    leaveForHooks(inner);

    Block *body = function.addEntryBlock();
    SubnormalMode mode(function, isX86);
    builder.setInsertionPointToEnd(body);
    SmallVector<Value> arguments(body->getArguments());
    arguments.push_back(mode.getOutside());
    auto call = func::CallOp::create(builder, loc, inner, arguments);
    func::ReturnOp::create(builder, loc);
    mode.flushBefore(call);
    mode.restoreAfter(call);
    bodies[function.getNameAttr()] = inner;
    isBody.insert(inner);
  }

  /// Calls of hooks run code of others, with the register as they left it.
  void leaveForHooks(func::FuncOp inner) {
    SmallVector<LLVM::CallOp> hooks;
    inner.walk([&](LLVM::CallOp call) {
      if (!call.getCallee())
        hooks.push_back(call);
    });
    if (hooks.empty())
      return;
    SubnormalMode mode(inner, isX86, inner.getArguments().back());
    for (LLVM::CallOp hook : hooks) {
      mode.restoreBefore(hook);
      mode.flushAfter(hook);
    }
  }

  /// Calls of wrapped functions go to their bodies: with nothing to switch
  /// where the caller is such a body, else with one switch for all calls that
  /// have nothing between them that could tell.
  void switchForCalls(func::FuncOp caller) {
    SmallVector<func::CallOp> calls;
    caller.walk([&](func::CallOp call) {
      if (getBody(call))
        calls.push_back(call);
    });
    if (calls.empty())
      return;
    if (isBody.contains(caller)) {
      for (func::CallOp call : calls)
        callBody(call, caller.getArguments().back());
      return;
    }
    SubnormalMode mode(caller, isX86);
    DenseSet<Operation *> grouped;
    for (func::CallOp first : calls) {
      if (grouped.contains(first))
        continue;
      SmallVector<func::CallOp> group{first};
      for (Operation *op = first->getNextNode(); op; op = op->getNextNode()) {
        auto call = dyn_cast<func::CallOp>(op);
        if (call && getBody(call))
          group.push_back(call);
        else if (!ignoresSubnormals(op))
          break;
      }
      grouped.insert(group.begin(), group.end());
      mode.flushBefore(group.front());
      mode.restoreAfter(group.back());
    }
    for (func::CallOp call : calls)
      callBody(call, mode.getOutside());
  }

  /// What only calls used needs no function that switches: the body takes its
  /// name.
  void eraseUncalled(ArrayRef<func::FuncOp> wrapped) {
    DenseSet<StringAttr> used;
    if (auto uses = SymbolTable::getSymbolUses(&getOperation().getBodyRegion()))
      for (const SymbolTable::SymbolUse &use : *uses)
        used.insert(use.getSymbolRef().getRootReference());
    DenseMap<StringAttr, StringAttr> renamed;
    for (func::FuncOp function : wrapped) {
      StringAttr name = function.getNameAttr();
      if (!function.isPrivate() || used.contains(name))
        continue;
      func::FuncOp body = bodies.lookup(name);
      renamed[body.getNameAttr()] = name;
      symbols->erase(function);
      body.setName(name);
    }
    getOperation().walk([&](func::CallOp call) {
      if (StringAttr name = renamed.lookup(call.getCalleeAttr().getAttr()))
        call.setCalleeAttr(FlatSymbolRefAttr::get(name));
    });
  }

  func::FuncOp getBody(func::CallOp call) {
    return bodies.lookup(call.getCalleeAttr().getAttr());
  }

  void callBody(func::CallOp call, Value outside) {
    call.setCalleeAttr(FlatSymbolRefAttr::get(getBody(call)));
    call.getOperandsMutable().append(outside);
  }

  bool ignoresSubnormals(Operation *op) {
    if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = symbols->lookup<func::FuncOp>(call.getCallee());
      return callee && callee->hasAttr(ignoresSubnormalsAttributeName);
    }
    return op->getNumRegions() == 0 && !computesFloats(op) &&
           !isa<CallOpInterface, LLVM::CallIntrinsicOp>(op);
  }
};

} // namespace
} // namespace sluice
