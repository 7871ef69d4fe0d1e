//===- Ties.cpp - Results that are written over inputs --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Ties.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Interfaces/CastInterfaces.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

LogicalResult kernel::verifyTies(ArrayRef<int64_t> ties, TypeRange inputs,
                                 TypeRange results,
                                 function_ref<InFlightDiagnostic()> emitError) {
  if (!ties.empty() && ties.size() != results.size())
    return emitError() << "has " << ties.size() << " ties for "
                       << results.size() << " results";
  llvm::SmallSet<int64_t, 4> taken;
  for (auto [i, tie] : llvm::enumerate(ties)) {
    if (tie < 0)
      continue;
    if (tie >= static_cast<int64_t>(inputs.size()))
      return emitError() << "result " << i << " is tied to input " << tie
                         << ", which does not exist";
    if (inputs[tie] != results[i])
      return emitError() << "result " << i << " of type " << results[i]
                         << " cannot be written over input " << tie
                         << " of type " << inputs[tie];
    if (!taken.insert(tie).second)
      return emitError() << "input " << tie << " is tied to two results";
  }
  return success();
}

bool kernel::isView(Operation *op) { return isa<AliasOp, CastOpInterface>(op); }

Value kernel::withoutViews(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isView(op))
      break;
    tensor = op->getOperand(0);
  }
  return tensor;
}

Operation *kernel::findOverlappingUse(CallOp call, unsigned input) {
  OpOperand &own = call.getInputsMutable()[input];
  Value tensor = withoutViews(own.get());
  SmallVector<Value> names{tensor};
  llvm::SmallDenseSet<Value> seen{tensor};
  while (!names.empty())
    for (OpOperand &use : names.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      // Sizes are not in the memory.
      if (&use == &own || isa<ShapedDimOpInterface>(user))
        continue;
      Operation *around = call->getBlock()->findAncestorOpInBlock(*user);
      if (!around || around == call)
        return user;
      bool isBefore = around->isBeforeInBlock(call);
      if (isa<CallOp>(user) && isBefore)
        continue;
      if (!isView(user) && !isBefore)
        return user;
      for (Value result : around->getResults())
        if (isa<TensorType>(result.getType()) && seen.insert(result).second)
          names.push_back(result);
    }
  return nullptr;
}

/// Is a tensor in memory that nothing else is in?
static bool hasOwnMemory(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  return !op || isa<CallOp>(op);
}

/// Can the call write over an input?
static LogicalResult verifyUpdate(CallOp call, unsigned input) {
  Value root = withoutViews(call.getInputs()[input]);
  auto emitError = [&] {
    return call.emitOpError("input ") << input << ", which is written over, ";
  };
  if (root.getParentBlock() != call->getBlock())
    return emitError() << "is made in another block";
  if (!hasOwnMemory(root))
    return emitError() << "may be part of another tensor";
  Operation *user = findOverlappingUse(call, input);
  if (!user)
    return success();
  InFlightDiagnostic error = emitError() << "is used at the same time or later";
  error.attachNote(user->getLoc()) << "here";
  return error;
}

LogicalResult CallOp::verify() {
  size_t dynamic = 0;
  for (Type type : getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      dynamic += tensor.getNumDynamicDims();
  if (getSizes().size() != dynamic)
    return emitOpError("has ") << getSizes().size() << " sizes for " << dynamic
                               << " dynamic dimensions of its results";
  if (failed(verifyTies(getTies(), getInputs().getTypes(), getResultTypes(),
                        [&] { return emitOpError(); })))
    return failure();
  for (unsigned i = 0, e = getNumResults(); i < e; ++i)
    if (auto tie = findTie(i); tie && failed(verifyUpdate(*this, *tie)))
      return failure();
  return success();
}
