//===- CpuEmission.cpp - Kernels on buffers, for a CPU --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/CpuEmission.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Codegen/CPU/CpuFamilies.h"
#include "sluice/Codegen/CPU/CpuLoops.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/CPU/Products/StridedBuffers.h"
#include "sluice/Codegen/CPU/RowVectors.h"

using namespace mlir;
using namespace sluice;

/// Element functions reify sizes with `tensor.dim`; the answer is the size of
/// the tensor's buffer.
static void resolveTensorSizes(KernelBuilder &kernel, Block &body) {
  SmallVector<tensor::DimOp> questions;
  body.walk([&](tensor::DimOp op) { questions.push_back(op); });
  for (tensor::DimOp op : questions) {
    OpBuilder::InsertionGuard guard(kernel.builder);
    kernel.builder.setInsertionPoint(op);
    op.replaceAllUsesWith(kernel.size(op.getSource(), *op.getConstantIndex()));
    op.erase();
  }
}

/// Whether one of the ops flushes subnormals and computes in f32.
static bool flushesSubnormals(kernel::FuncOp kernel) {
  if (kernel.getProvider() != kernel::builtinProvider)
    return false;
  return llvm::any_of(kernel.getBody().front(), [](Operation &op) {
    return cpuEmitters().find(&op).flushesSubnormals &&
           getComputeType(elementTypeOf(op.getResult(0))).isF32();
  });
}

static bool keepsScalars(kernel::FuncOp kernel) {
  return llvm::any_of(kernel.getBody().front(), [](Operation &op) {
    return cpuEmitters().find(&op).interleavesScalars;
  });
}

/// What the attributes of the emitted kernel say of its code.
static void setCodeAttributes(kernel::FuncOp kernel,
                              const CpuEmissionOptions &options) {
  Builder builder(kernel.getContext());
  if (!options.keepSubnormals && flushesSubnormals(kernel))
    kernel->setAttr(flushesSubnormalsAttributeName, builder.getUnitAttr());
  if (keepsScalars(kernel))
    kernel->setAttr(llvmAttributesName,
                    builder.getStrArrayAttr(keepsScalarsAttribute));
}

/// The frame and the buffers of the arguments and of the results that are not
/// written over one, or nothing where an argument cannot be read with the
/// strides it is said to have.
static std::optional<SmallVector<Type>> getBufferTypes(kernel::FuncOp kernel) {
  SmallVector<Type> types{LLVM::LLVMPointerType::get(kernel.getContext())};
  for (auto [i, argument] : llvm::enumerate(kernel.getArgumentTypes())) {
    auto type = cast<RankedTensorType>(argument);
    auto axis = findStridedAxis(kernel, i);
    if (axis && !readsStrided(kernel, i, *axis)) {
      kernel.emitError("cannot read argument ") << i << " with strides";
      return std::nullopt;
    }
    types.push_back(axis ? stridedType(type, *axis)
                         : KernelBuilder::bufferType(type));
  }
  for (auto [i, result] : llvm::enumerate(kernel.getResultTypes()))
    if (!kernel.findTie(i))
      types.push_back(
          KernelBuilder::bufferType(cast<RankedTensorType>(result)));
  return types;
}

LogicalResult sluice::emitForCpu(kernel::FuncOp function,
                                 const MachineModel &machine,
                                 KernelBody makeBody,
                                 const CpuEmissionOptions &options) {
  if (function.isEmitted())
    return success();
  auto types = getBufferTypes(function);
  if (!types)
    return failure();
  setCodeAttributes(function, options);
  // The code grows in a block behind the one with the ops, which is then
  // erased.
  Location loc = function.getLoc();
  Block &region = function.getBody().front();
  OpBuilder builder(function.getContext());
  auto scratchType =
      MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  types->push_back(scratchType);
  Block *body =
      builder.createBlock(&function.getBody(), function.getBody().end(), *types,
                          SmallVector<Location>(types->size(), loc));
  unsigned last = body->getNumArguments() - 1;
  CpuLoops loops(machine, body->getArgument(0), body->getArgument(last));
  RowVectors rows(machine);
  KernelBuilder kernel(builder, loc, region, loops, rows, cpuEmitters());
  unsigned next = 1;
  for (Value argument : region.getArguments())
    kernel.bind(argument, body->getArgument(next++));
  SmallVector<std::pair<Value, Value>> copies;
  for (auto [i, yielded] :
       llvm::enumerate(region.getTerminator()->getOperands())) {
    std::optional<unsigned> tie = function.findTie(i);
    Value memory = body->getArgument(tie ? 1 + *tie : next++);
    if (kernel.buffer(yielded) == memory)
      continue;
    // A value that is yielded twice, or an argument, is stored twice.
    if (kernel.buffer(yielded))
      copies.push_back({yielded, memory});
    else
      kernel.bind(yielded, memory);
  }
  if (failed(makeBody(kernel)))
    return failure();
  for (auto [yielded, memory] : copies)
    memref::CopyOp::create(builder, loc, kernel.buffer(yielded), memory);
  kernel::YieldOp::create(builder, loc);
  resolveTensorSizes(kernel, *body);
  // Tables of nothing are views of scratch memory too.
  if (loops.scratchBuffer.use_empty())
    body->eraseArgument(last);
  else
    function->setAttr(
        scratchAttributeName,
        builder.getI64IntegerAttr(std::max<int64_t>(loops.scratchBytes, 1)));
  region.erase();
  function.setFunctionType(
      builder.getFunctionType(body->getArgumentTypes(), {}));
  return success();
}
