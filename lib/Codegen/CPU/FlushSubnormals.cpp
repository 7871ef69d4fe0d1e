//===- FlushSubnormals.cpp - Subnormal numbers as zeros in some kernels ---===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_FLUSHSUBNORMALSPASS
#include "sluice/Codegen/CPU/Passes.h.inc"

namespace {

/// Reads and writes the register that says how the CPU treats subnormal
/// numbers.
class ControlRegister {
public:
  ControlRegister(OpBuilder &builder, MachineModel::Architecture architecture)
      : builder(builder),
        isX86(architecture == MachineModel::Architecture::X86_64),
        type(builder.getIntegerType(isX86 ? 32 : 64)) {}

  Type getType() const { return type; }

  Value read(Location loc, func::FuncOp function) {
    if (!isX86)
      return LLVM::CallIntrinsicOp::create(builder, loc, type,
                                           name("llvm.aarch64.get.fpcr"), {})
          .getResult(0);
    Value memory = stackSlot(loc, function);
    LLVM::CallIntrinsicOp::create(builder, loc, name("llvm.x86.sse.stmxcsr"),
                                  memory);
    return LLVM::LoadOp::create(builder, loc, type, memory);
  }

  void write(Location loc, func::FuncOp function, Value control) {
    if (!isX86) {
      LLVM::CallIntrinsicOp::create(builder, loc, name("llvm.aarch64.set.fpcr"),
                                    control);
      return;
    }
    Value memory = stackSlot(loc, function);
    LLVM::StoreOp::create(builder, loc, control, memory);
    LLVM::CallIntrinsicOp::create(builder, loc, name("llvm.x86.sse.ldmxcsr"),
                                  memory);
  }

  /// Writes `control` with the bits that flush.
  void writeFlushing(Location loc, func::FuncOp function, Value control) {
    // x86: flush to zero (bit 15) and denormals are zeros (bit 6) of MXCSR.
    // AArch64: flush to zero (bit 24) of FPCR, for operands and results.
    int64_t bits = isX86 ? (1 << 15) | (1 << 6) : 1 << 24;
    Value flush = LLVM::ConstantOp::create(builder, loc, type,
                                           builder.getIntegerAttr(type, bits));
    write(loc, function,
          LLVM::OrOp::create(builder, loc, control, flush).getResult());
  }

private:
  StringAttr name(StringRef intrinsic) {
    return builder.getStringAttr(intrinsic);
  }

  /// In the entry block, so that loops do not grow the stack.
  Value stackSlot(Location loc, func::FuncOp function) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(&function.getBody().front());
    Value one =
        LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
    return LLVM::AllocaOp::create(
        builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), type,
        one);
  }

  OpBuilder &builder;
  bool isX86;
  Type type;
};

/// Whether a function has floating-point values of its own. Addresses, sizes
/// and calls of outlined loops have none.
bool computesWithFloats(func::FuncOp function) {
  auto isFloat = [](Type type) {
    return !isa<BaseMemRefType>(type) &&
           isa<FloatType>(getElementTypeOrSelf(type));
  };
  return function
      .walk([&](Operation *op) {
        bool computes = !op->hasTrait<OpTrait::ConstantLike>() &&
                        llvm::any_of(op->getResultTypes(), isFloat);
        return computes ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

class FlushSubnormalsPass final
    : public impl::FlushSubnormalsPassBase<FlushSubnormalsPass> {
public:
  using FlushSubnormalsPassBase::FlushSubnormalsPassBase;

  void runOnOperation() final {
    auto machine = getMachineModel(triple, cpu);
    if (!machine) {
      getOperation().emitError(llvm::toString(machine.takeError()));
      return signalPassFailure();
    }
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->removeAttr(flushesSubnormalsAttributeName) &&
          !function.isExternal() && computesWithFloats(function))
        functions.push_back(function);
    OpBuilder builder(&getContext());
    ControlRegister control(builder, machine->architecture);
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : functions)
      wrap(function, builder, control, symbols);
    numWrapped += functions.size();
  }

private:
  /// Moves the body to a function of its own that is called with subnormals
  /// flushed. LLVM takes floating-point operations for independent of the
  /// register, but does not move them over calls of functions that it must not
  /// inline.
  void wrap(func::FuncOp function, OpBuilder &builder, ControlRegister &control,
            SymbolTable &symbols) {
    Location loc = function.getLoc();
    SmallVector<Type> types(function.getArgumentTypes());
    types.push_back(control.getType());
    builder.setInsertionPointAfter(function);
    auto inner = func::FuncOp::create(builder, loc,
                                      (function.getName() + "_flushing").str(),
                                      builder.getFunctionType(types, {}));
    inner.setPrivate();
    inner->setAttr("llvm.linkage",
                   LLVM::LinkageAttr::get(builder.getContext(),
                                          LLVM::linkage::Linkage::Internal));
    inner->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
    symbols.insert(inner);
    inner.getBody().takeBody(function.getBody());
    Value outside = inner.getBody().front().addArgument(control.getType(), loc);
    leaveForHooks(inner, outside, builder, control);

    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);
    Value before = control.read(loc, function);
    control.writeFlushing(loc, function, before);
    SmallVector<Value> arguments(body->getArguments());
    arguments.push_back(before);
    func::CallOp::create(builder, loc, inner, arguments);
    control.write(loc, function, before);
    func::ReturnOp::create(builder, loc);
  }

  /// Calls of hooks run code of others, with the register as they left it.
  void leaveForHooks(func::FuncOp inner, Value outside, OpBuilder &builder,
                     ControlRegister &control) {
    SmallVector<LLVM::CallOp> hooks;
    inner.walk([&](LLVM::CallOp call) {
      if (!call.getCallee())
        hooks.push_back(call);
    });
    for (LLVM::CallOp hook : hooks) {
      builder.setInsertionPoint(hook);
      control.write(hook.getLoc(), inner, outside);
      builder.setInsertionPointAfter(hook);
      control.writeFlushing(hook.getLoc(), inner, outside);
    }
  }
};

} // namespace
} // namespace sluice
