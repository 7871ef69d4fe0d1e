//===- BufferLiveness.cpp - When buffers of the host are in use -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/BufferLiveness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <cassert>

using namespace mlir;
using namespace sluice;

BufferLiveness::BufferLiveness(func::FuncOp function) {
  numberOps(function.getBody());
  follow(function.getBody());
}

void BufferLiveness::numberOps(Region &region) {
  for (Operation &op : region.getOps()) {
    numbers[&op] = next++;
    for (Region &inner : op.getRegions())
      numberOps(inner);
    lastInside[&op] = next - 1;
  }
}

void BufferLiveness::addRoots(Value value, const Roots &roots) {
  Roots &known = rootsOf[value];
  known.insert(roots.begin(), roots.end());
}

void BufferLiveness::use(Operation *user, Value buffer) {
  for (Operation *root : roots(buffer)) {
    assert(ranges.contains(root) && "allocations come before their uses");
    int64_t end = numbers[user];
    // In a loop around the use, but not around the allocation, the use comes
    // again.
    for (Operation *around = user->getParentOp();
         around && around != root->getParentOp();
         around = around->getParentOp())
      if (isa<scf::ForOp, scf::WhileOp>(around))
        end = std::max(end, lastInside[around]);
    ranges[root].end = std::max(ranges[root].end, end);
  }
}

/// After some steps an argument may be what any argument was, of which a step
/// hands it on.
void BufferLiveness::carryOn(ValueRange arguments, ValueRange next) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto [argument, value] : llvm::zip(arguments, next)) {
      Roots wanted = roots(value);
      for (Value source : arguments) {
        Roots known = roots(source);
        if (!known.empty() && llvm::any_of(known, [&](Operation *root) {
              return wanted.contains(root);
            }))
          wanted.insert(known.begin(), known.end());
      }
      size_t before = roots(argument).size();
      addRoots(argument, wanted);
      changed |= roots(argument).size() != before;
    }
  }
}

void BufferLiveness::follow(Region &region) {
  for (Operation &op : region.getOps()) {
    for (Value operand : op.getOperands())
      if (isa<MemRefType>(operand.getType()))
        use(&op, operand);
    if (isa<kernel::AllocateOp>(op)) {
      ranges[&op] = {numbers[&op], numbers[&op]};
      Roots self;
      self.insert(&op);
      addRoots(op.getResult(0), self);
    } else if (isa<kernel::ViewOp, kernel::SubviewOp, memref::CastOp>(op)) {
      addRoots(op.getResult(0), roots(op.getOperand(0)));
    } else if (auto choice = dyn_cast<arith::SelectOp>(op)) {
      if (isa<MemRefType>(choice.getType())) {
        addRoots(choice, roots(choice.getTrueValue()));
        addRoots(choice, roots(choice.getFalseValue()));
      }
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (auto [init, argument, result] :
           llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                     loop.getResults())) {
        addRoots(argument, roots(init));
        addRoots(result, roots(init));
      }
      follow(loop.getRegion());
      carryOn(loop.getRegionIterArgs(), loop.getYieldedValues());
      for (auto [argument, result] :
           llvm::zip(loop.getRegionIterArgs(), loop.getResults()))
        addRoots(result, roots(argument));
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      for (auto [init, argument] :
           llvm::zip(loop.getInits(), loop.getBeforeArguments()))
        addRoots(argument, roots(init));
      follow(loop.getBefore());
      auto forward = [&](ValueRange targets) {
        for (auto [forwarded, target] :
             llvm::zip(loop.getConditionOp().getArgs(), targets))
          addRoots(target, roots(forwarded));
      };
      forward(loop.getAfterArguments());
      follow(loop.getAfter());
      carryOn(loop.getBeforeArguments(), loop.getYieldedValues());
      forward(loop.getResults());
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &inner : branch->getRegions()) {
        follow(inner);
        if (inner.empty())
          continue;
        for (auto [yielded, result] :
             llvm::zip(inner.front().getTerminator()->getOperands(),
                       branch.getResults()))
          addRoots(result, roots(yielded));
      }
    }
  }
}
