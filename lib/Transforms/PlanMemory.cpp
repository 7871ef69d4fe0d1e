//===- PlanMemory.cpp - Give every buffer of the host function a place ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "sluice/Analysis/BufferLiveness.h"
#include "sluice/Transforms/Passes.h"
#include <map>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;
/// No machine has memory for more.
constexpr int64_t largestSlot = int64_t(1) << 46;

int64_t alignUp(int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// A buffer, or several that follow each other in one place.
struct Buffer {
  SmallVector<kernel::AllocateOp> allocations;
  LiveRange range;
  int64_t bytes = 0; ///< aligned; of static buffers
  int64_t offset = -1;
};

/// A place for dynamic buffers, as large as the largest.
struct Slot {
  int64_t freeFrom = 0;
  SmallVector<kernel::AllocateOp> allocations;
  Value offset;
};

std::optional<int64_t> staticBytes(MemRefType type) {
  if (!type.hasStaticShape())
    return std::nullopt;
  int64_t bytes = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (__builtin_mul_overflow(bytes, size, &bytes))
      return std::nullopt;
  return bytes;
}

/// Replaces sizes of buffers by the values they were made with.
void foldSizes(func::FuncOp function) {
  function.walk([&](memref::DimOp op) {
    auto place = op.getConstantIndex();
    if (!place)
      return;
    Value source = op.getSource();
    while (auto conversion = source.getDefiningOp<memref::CastOp>())
      source = conversion.getSource();
    auto type = cast<MemRefType>(source.getType());
    OpBuilder builder(op);
    Value size;
    if (!type.isDynamicDim(*place)) {
      size = arith::ConstantIndexOp::create(builder, op.getLoc(),
                                            type.getDimSize(*place));
    } else if (auto input = source.getDefiningOp<kernel::InputOp>()) {
      size = kernel::InputSizeOp::create(
          builder, op.getLoc(), builder.getIndexType(), input.getFrame(),
          input.getIndexAttr(), builder.getI64IntegerAttr(*place));
    } else {
      ValueRange sizes;
      Operation *maker = source.getDefiningOp();
      if (auto make = dyn_cast_if_present<kernel::AllocateOp>(maker))
        sizes = make.getSizes();
      else if (auto make = dyn_cast_if_present<kernel::OutputOp>(maker))
        sizes = make.getSizes();
      else if (auto make = dyn_cast_if_present<kernel::ViewOp>(maker))
        sizes = make.getSizes();
      else if (auto make = dyn_cast_if_present<kernel::SubviewOp>(maker))
        sizes = make.getSizes();
      if (!sizes.empty())
        size = sizes[type.getDynamicDimIndex(*place)];
    }
    if (size) {
      op.replaceAllUsesWith(size);
      op.erase();
    }
  });
}

/// Does a size follow from the inputs' sizes alone?
bool followsFromInputs(Value size, DenseMap<Value, bool> &known) {
  auto it = known.find(size);
  if (it != known.end())
    return it->second;
  Operation *op = size.getDefiningOp();
  bool follows = op && (isa<kernel::InputSizeOp>(op) ||
                        (isa<arith::ArithDialect>(op->getDialect()) &&
                         op->getNumRegions() == 0 &&
                         llvm::all_of(op->getOperands(), [&](Value operand) {
                           return followsFromInputs(operand, known);
                         })));
  return known[size] = follows;
}

class PlanMemoryPass final : public impl::PlanMemoryPassBase<PlanMemoryPass> {
public:
  using PlanMemoryPassBase::PlanMemoryPassBase;
  void runOnOperation() final;

private:
  void planStatic(std::vector<Buffer> &buffers);
  void reuseInputs(func::FuncOp function, const BufferLiveness &liveness,
                   std::vector<Buffer> &buffers);
  /// Copies the computation of a size to the builder's position.
  Value cloneSize(OpBuilder &builder, Value size, IRMapping &mapping);
  /// The bytes of the largest buffer in a slot, aligned. `countable` becomes
  /// false where 64 bits do not hold them.
  Value slotBytes(OpBuilder &builder, const Slot &slot, IRMapping &mapping,
                  Value &countable);

  int64_t total = 0;
};

} // namespace

void PlanMemoryPass::planStatic(std::vector<Buffer> &buffers) {
  std::vector<Buffer *> order;
  for (Buffer &buffer : buffers)
    order.push_back(&buffer);
  // The largest first, those of one size in the order of the program.
  llvm::sort(order, [](Buffer *a, Buffer *b) {
    return a->bytes != b->bytes ? a->bytes > b->bytes : a < b;
  });
  std::vector<Buffer *> placed;
  for (Buffer *buffer : order) {
    // `placed` is sorted by offset: take the first gap that is large enough.
    int64_t offset = 0;
    for (Buffer *other : placed) {
      if (!other->range.overlaps(buffer->range))
        continue;
      if (other->offset >= offset + buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](Buffer *a, Buffer *b) {
                                      return a->offset < b->offset;
                                    }),
                  buffer);
  }
}

void PlanMemoryPass::reuseInputs(func::FuncOp function,
                                 const BufferLiveness &liveness,
                                 std::vector<Buffer> &buffers) {
  DenseMap<Operation *, Buffer *> bufferOf;
  for (Buffer &buffer : buffers)
    for (kernel::AllocateOp op : buffer.allocations)
      bufferOf[op] = &buffer;
  function.walk([&](kernel::LaunchOp launch) {
    if (launch.getOutputs().size() != 1)
      return;
    auto result = launch.getOutputs()[0].getDefiningOp<kernel::AllocateOp>();
    Buffer *target = result ? bufferOf.lookup(result) : nullptr;
    if (!target)
      return;
    for (int64_t index : launch.getReusable()) {
      auto roots = liveness.roots(launch.getInputs()[index]);
      if (roots.size() != 1)
        continue;
      Buffer *source = bufferOf.lookup(roots.front());
      if (!source || source == target || source->bytes != target->bytes ||
          source->range.end != liveness.number(launch))
        continue;
      // The same memory under another index must not be read elsewhere.
      bool readTwice = false;
      for (auto [other, input] : llvm::enumerate(launch.getInputs()))
        readTwice |= static_cast<int64_t>(other) != index &&
                     liveness.roots(input).contains(roots.front());
      if (readTwice)
        continue;
      source->allocations.append(target->allocations);
      source->range.end = target->range.end;
      for (kernel::AllocateOp op : target->allocations)
        bufferOf[op] = source;
      target->allocations.clear();
      ++numReused;
      return;
    }
  });
  llvm::erase_if(buffers,
                 [](Buffer &buffer) { return buffer.allocations.empty(); });
}

Value PlanMemoryPass::cloneSize(OpBuilder &builder, Value size,
                                IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(size))
    return known;
  Operation *op = size.getDefiningOp();
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp())
      cloneSize(builder, operand, mapping);
  Operation *copy = builder.clone(*op, mapping);
  return copy->getResult(cast<OpResult>(size).getResultNumber());
}

Value PlanMemoryPass::slotBytes(OpBuilder &builder, const Slot &slot,
                                IRMapping &mapping, Value &countable) {
  Location loc = slot.allocations.front()->getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  // Products are made of integers: an index has no width to overflow.
  Type wide = builder.getI64Type();
  auto toWide = [&](Value index) -> Value {
    return arith::IndexCastOp::create(builder, loc, wide, index);
  };
  auto demand = [&](arith::CmpIPredicate predicate, Value lhs, int64_t rhs) {
    Value limit = arith::ConstantIntOp::create(builder, loc, rhs, 64);
    Value holds = arith::CmpIOp::create(builder, loc, predicate, lhs, limit);
    countable = arith::AndIOp::create(builder, loc, countable, holds);
  };
  Value largest;
  for (kernel::AllocateOp op : slot.allocations) {
    auto type = cast<MemRefType>(op.getType());
    int64_t known = (type.getElementTypeBitWidth() + 7) / 8;
    for (int64_t size : type.getShape())
      if (!ShapedType::isDynamic(size))
        known *= size;
    Value bytes = toWide(constant(known));
    for (Value size : op.getSizes()) {
      // The run fails where a size is negative, but it makes the plan first.
      Value factor = cloneSize(builder, size, mapping);
      if (!size.getDefiningOp<kernel::InputSizeOp>())
        factor = arith::MaxSIOp::create(builder, loc, factor, constant(0));
      auto product =
          arith::MulSIExtendedOp::create(builder, loc, bytes, toWide(factor));
      bytes = product.getLow();
      demand(arith::CmpIPredicate::eq, product.getHigh(), 0);
      demand(arith::CmpIPredicate::sge, bytes, 0);
    }
    largest =
        largest ? arith::MaxSIOp::create(builder, loc, largest, bytes) : bytes;
  }
  // Sums of slots stay far from overflowing as well.
  demand(arith::CmpIPredicate::sle, largest, largestSlot);
  largest =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), largest);
  Value padded =
      arith::AddIOp::create(builder, loc, largest, constant(alignment - 1));
  Value units =
      arith::DivUIOp::create(builder, loc, padded, constant(alignment));
  return arith::MulIOp::create(builder, loc, units, constant(alignment));
}

void PlanMemoryPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto function = module.lookupSymbol<func::FuncOp>("sluice_host");
  if (!function)
    return;
  total = 0;
  foldSizes(function);
  BufferLiveness liveness(function);
  std::vector<Buffer> buffers;
  std::vector<Slot> slots;
  DenseMap<Value, bool> known;
  bool overflow = false;
  function.walk([&](kernel::AllocateOp op) {
    auto type = cast<MemRefType>(op.getType());
    LiveRange range = liveness.range(op);
    if (op->hasAttr("fresh")) {
      ++numUnplanned;
    } else if (type.hasStaticShape()) {
      auto bytes = staticBytes(type);
      if (!bytes || *bytes > largestSlot) {
        op.emitError("a buffer of this size cannot be allocated: ") << type;
        overflow = true;
        return;
      }
      buffers.push_back({{op}, range, std::max(alignUp(*bytes), alignment)});
      ++numStatic;
    } else if (llvm::all_of(op.getSizes(), [&](Value size) {
                 return followsFromInputs(size, known);
               })) {
      ++numDynamic;
      auto slot = llvm::find_if(
          slots, [&](Slot &slot) { return slot.freeFrom < range.begin; });
      if (slot == slots.end())
        slot = slots.insert(slots.end(), Slot());
      slot->freeFrom = range.end;
      slot->allocations.push_back(op);
    } else {
      ++numUnplanned;
    }
  });
  if (overflow)
    return signalPassFailure();

  reuseInputs(function, liveness, buffers);
  // The bound of any plan: the most bytes alive at one time.
  std::map<int64_t, int64_t> changes;
  for (const Buffer &buffer : buffers) {
    changes[buffer.range.begin] += buffer.bytes;
    changes[buffer.range.end + 1] -= buffer.bytes;
  }
  int64_t alive = 0, bound = 0;
  for (auto [time, change] : changes)
    bound = std::max(bound, alive += change);
  planStatic(buffers);

  // Offsets of the dynamic slots, once at the function's start and once in
  // the function that tells the total.
  Location loc = function.getLoc();
  auto sumSlots = [&](OpBuilder &builder, Value frame, Value &countable) {
    IRMapping mapping;
    mapping.map(function.getArgument(0), frame);
    countable = arith::ConstantIntOp::create(builder, loc, 1, 1);
    Value offset = arith::ConstantIndexOp::create(builder, loc, total);
    for (Slot &slot : slots) {
      slot.offset = offset;
      offset = arith::AddIOp::create(
          builder, loc, offset, slotBytes(builder, slot, mapping, countable));
    }
    return offset;
  };
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto plan = func::FuncOp::create(
      builder, loc, "sluice_plan",
      builder.getFunctionType(pointer, builder.getIndexType()));
  builder.setInsertionPointToStart(plan.addEntryBlock());
  // Negative bytes tell the runtime not to run.
  Value countable;
  Value bytes = sumSlots(builder, plan.getArgument(0), countable);
  if (!slots.empty())
    bytes = arith::SelectOp::create(
        builder, loc, countable, bytes,
        arith::ConstantIndexOp::create(builder, loc, -1));
  func::ReturnOp::create(builder, loc, bytes);
  if (!slots.empty()) {
    builder.setInsertionPointToStart(&function.getBody().front());
    sumSlots(builder, function.getArgument(0), countable);
  }

  auto place = [&](kernel::AllocateOp op, Value offset) {
    OpBuilder at(op);
    Value workspace = kernel::WorkspaceOp::create(
        at, op.getLoc(), op.getType(), op.getFrame(), offset, op.getSizes());
    op.replaceAllUsesWith(workspace);
    op.erase();
  };
  for (Slot &slot : slots)
    for (kernel::AllocateOp op : slot.allocations)
      place(op, slot.offset);
  for (Buffer &buffer : buffers)
    for (kernel::AllocateOp op : buffer.allocations) {
      OpBuilder at(op);
      place(op, arith::ConstantIndexOp::create(at, op.getLoc(), buffer.offset));
    }
  module->setAttr("sluice.workspace_bytes",
                  builder.getI64IntegerAttr(slots.empty() ? total : -1));
  module->setAttr("sluice.liveness_bound",
                  builder.getI64IntegerAttr(slots.empty() ? bound : -1));
}

} // namespace sluice
