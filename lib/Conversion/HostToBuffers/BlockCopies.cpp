//===- BlockCopies.cpp - Copies of blocks that lie apart ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "BlockCopies.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Analysis/MachineModel.h"
#include "sluice/Codegen/CPU/FrameLayout.h"

using namespace mlir;
using namespace sluice;

/// A task copies so many bytes, or one block.
static constexpr int64_t taskBytes = 64 * 1024;

kernel::FuncOp sluice::makeBlockCopy(OpBuilder &builder, Location loc,
                                     Type elementType) {
  auto buffer = MemRefType::get({ShapedType::kDynamic}, elementType);
  Type index = builder.getIndexType();
  SmallVector<Type> types{LLVM::LLVMPointerType::get(builder.getContext()),
                          buffer,
                          buffer,
                          index,
                          index,
                          index,
                          index};
  Region body;
  OpBuilder inner(builder.getContext());
  Block *block = inner.createBlock(&body, body.end(), types,
                                   SmallVector<Location>(types.size(), loc));
  ValueRange arguments = block->getArguments();
  Value source = arguments[1], target = arguments[2], blocks = arguments[5],
        count = arguments[6];
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(inner, loc, value);
  };
  Value zero = number(0), one = number(1);
  int64_t width = (elementType.getIntOrFloatBitWidth() + 7) / 8;
  Value some = arith::MaxSIOp::create(inner, loc, count, one);
  Value share =
      arith::DivUIOp::create(inner, loc, number(taskBytes / width), some);
  share = arith::MaxSIOp::create(inner, loc, share, one);
  Value tasks = arith::CeilDivUIOp::create(inner, loc, blocks, share);
  auto loop = scf::ParallelOp::create(inner, loc, zero, tasks, one);
  loop->setAttr(costAttributeName,
                inner.getF64FloatAttr(taskBytes /
                                      MachineModel::copiedBytesPerNanosecond));
  kernel::YieldOp::create(inner, loc);
  inner.setInsertionPointToStart(loop.getBody());
  Value begin =
      arith::MulIOp::create(inner, loc, loop.getInductionVars()[0], share);
  Value end = arith::AddIOp::create(inner, loc, begin, share);
  end = arith::MinSIOp::create(inner, loc, end, blocks);
  auto each = scf::ForOp::create(inner, loc, begin, end, one);
  inner.setInsertionPointToStart(each.getBody());
  auto part = [&](Value from, Value step) -> Value {
    Value start =
        arith::MulIOp::create(inner, loc, each.getInductionVar(), step);
    return kernel::SubviewOp::create(inner, loc, buffer, from, start, count);
  };
  kernel::CopyOp::create(inner, loc, part(source, arguments[3]),
                         part(target, arguments[4]));
  return kernel::FuncOp::create(
      builder, loc, builder.getStringAttr("copy_blocks"),
      builder.getStringAttr("copy_blocks"),
      kernel::ProviderAttr::get(builder.getContext(), kernel::builtinProvider),
      kernel::KernelConfigAttrInterface(), body);
}
