//===- OneDnnKernels.cpp - Kernels that call oneDNN -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The code of such a kernel is one call of `sluice_onednn_run` with a constant
// that describes it and a pointer to what the library keeps for it.
//
//===----------------------------------------------------------------------===//

#include "OneDnnKernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "sluice/Support/NodeNames.h"

using namespace mlir;
using namespace sluice;

namespace {

class OneDnnCall {
public:
  OneDnnCall(KernelBuilder &kernel, func::FuncOp function)
      : kernel(kernel), builder(kernel.builder), loc(kernel.loc),
        function(function), module(function->getParentOfType<ModuleOp>()),
        pointer(LLVM::LLVMPointerType::get(builder.getContext())) {}

  void emit(const OneDnnKernel &computed);

private:
  /// A global of the kernel, named after it.
  LLVM::GlobalOp makeGlobal(StringRef ending, Type type, bool isConstant,
                            Attribute value);
  LLVM::GlobalOp makeDescription(const sluice_onednn_kernel &description);
  LLVM::GlobalOp makeNodeName();
  LLVM::LLVMFuncOp getRunFunction();
  Value addressOf(Value buffer);
  Value makeOperandArray(ValueRange operands);
  Value address(LLVM::GlobalOp global) {
    return LLVM::AddressOfOp::create(builder, loc, global);
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                    builder.getI64IntegerAttr(value));
  }

  KernelBuilder &kernel;
  OpBuilder &builder;
  Location loc;
  func::FuncOp function;
  ModuleOp module;
  Type pointer;
};

} // namespace

LLVM::GlobalOp OneDnnCall::makeGlobal(StringRef ending, Type type,
                                      bool isConstant, Attribute value) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(module.getBody());
  return LLVM::GlobalOp::create(builder, loc, type, isConstant,
                                LLVM::Linkage::Private,
                                (function.getSymName() + ending).str(), value);
}

/// All fields have 64 bits, so the constant is an array of such numbers.
LLVM::GlobalOp
OneDnnCall::makeDescription(const sluice_onednn_kernel &description) {
  constexpr size_t count = sizeof description / sizeof(int64_t);
  static_assert(count * sizeof(int64_t) == sizeof description);
  int64_t fields[count];
  std::memcpy(fields, &description, sizeof description);
  auto type = RankedTensorType::get({static_cast<int64_t>(count)},
                                    builder.getI64Type());
  return makeGlobal(".onednn",
                    LLVM::LLVMArrayType::get(builder.getI64Type(), count),
                    /*isConstant=*/true,
                    DenseElementsAttr::get(type, ArrayRef<int64_t>(fields)));
}

LLVM::GlobalOp OneDnnCall::makeNodeName() {
  SmallVector<StringRef> nodes = findNodeNames(loc);
  std::string name = nodes.empty() ? std::string() : nodes.front().str();
  name.push_back('\0');
  return makeGlobal(".node",
                    LLVM::LLVMArrayType::get(builder.getI8Type(), name.size()),
                    /*isConstant=*/true, builder.getStringAttr(name));
}

LLVM::LLVMFuncOp OneDnnCall::getRunFunction() {
  constexpr StringLiteral name = "sluice_onednn_run";
  // In front of what kernels add behind, so that none searches all of that.
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, pointer, pointer, pointer, pointer,
                                   builder.getI64Type(), pointer});
  return LLVM::LLVMFuncOp::create(builder, loc, name, type);
}

Value OneDnnCall::addressOf(Value buffer) {
  Value index =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer);
  Value number =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
  return LLVM::IntToPtrOp::create(builder, loc, pointer, number);
}

Value OneDnnCall::makeOperandArray(ValueRange operands) {
  Value array = LLVM::AllocaOp::create(builder, loc, pointer, pointer,
                                       constant(operands.size()));
  for (auto [i, operand] : llvm::enumerate(operands)) {
    Value place =
        LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    LLVM::StoreOp::create(builder, loc, addressOf(kernel.buffer(operand)),
                          place);
  }
  return array;
}

void OneDnnCall::emit(const OneDnnKernel &computed) {
  Value description = address(makeDescription(computed.description));
  // A null pointer until the first run.
  Value state =
      address(makeGlobal(".onednn.state", builder.getI64Type(),
                         /*isConstant=*/false, builder.getI64IntegerAttr(0)));
  Value node = address(makeNodeName());
  Value operands = makeOperandArray(computed.operands);
  int64_t bytes = computed.report.scratch_size;
  Value scratch = bytes ? addressOf(kernel.scratch(bytes))
                        : LLVM::ZeroOp::create(builder, loc, pointer);
  LLVM::CallOp::create(builder, loc, getRunFunction(),
                       ValueRange{CpuLoops::of(kernel).frame, description,
                                  state, operands, scratch, constant(bytes),
                                  node});
}

LogicalResult sluice::emitOneDnnKernel(KernelBuilder &kernel) {
  auto anchor = llvm::find_if(kernel.region, [](Operation &op) {
    return isa<MatmulOp, PackedMatmulOp, PackedConvOp>(op);
  });
  Operation *yield = kernel.region.getTerminator();
  if (anchor == kernel.region.end() || yield->getNumOperands() != 1)
    return yield->emitError("oneDNN has no kernel like this");
  auto isOutside = [&](Value value) { return isa<BlockArgument>(value); };
  auto computed =
      describeOneDnnKernel({&*anchor, yield->getOperand(0), isOutside});
  if (!computed)
    return anchor->emitError("oneDNN cannot compute this kernel: ")
           << llvm::toString(computed.takeError());
  auto function =
      dyn_cast<func::FuncOp>(kernel.builder.getInsertionBlock()->getParentOp());
  OneDnnCall(kernel, function).emit(*computed);
  return success();
}
