//===- PlanMemory.cpp - Give every buffer of the host function a place ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "sluice/Analysis/BufferLiveness.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
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

/// The sizes that follow from the inputs' sizes alone.
DenseSet<Value> findPlannedSizes(func::FuncOp function) {
  DenseSet<Value> planned;
  // Operands come before what is made of them.
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<kernel::InputSizeOp>(op) ||
        (isa<arith::ArithDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return planned.contains(operand);
         })))
      planned.insert(op->result_begin(), op->result_end());
  });
  return planned;
}

/// Computes, in one function, the bytes of buffers from the inputs' sizes;
/// each once, however many buffers have the same sizes.
class ByteCounts {
public:
  /// `frame` is the function's; `of` that of the sizes that are asked about.
  ByteCounts(OpBuilder &builder, Value of, Value frame, bool isChecked)
      : builder(builder), isChecked(isChecked) {
    mapping.map(of, frame);
  }

  /// The bytes of the largest buffer in a slot, aligned.
  Value slotBytes(const Slot &slot);
  /// Could everything so far be counted in 64 bits? Null before the first
  /// slot, and where nothing is checked.
  Value countable;

private:
  using Key = std::pair<int64_t, SmallVector<Value>>;

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value toWide(Value index) {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      index);
  }
  void demand(arith::CmpIPredicate predicate, Value lhs, int64_t rhs);
  Value bytes(kernel::AllocateOp op);
  /// The size at the builder's position, with what it is computed from.
  Value cloneSize(Value size);

  OpBuilder &builder;
  Location loc = builder.getUnknownLoc();
  bool isChecked;
  IRMapping mapping;
  std::map<Key, Value, bool (*)(const Key &, const Key &)> known{isLess};
  /// By what the largest of a slot is chosen from.
  std::map<Key, Value, bool (*)(const Key &, const Key &)> slots{isLess};

  static bool isLess(const Key &a, const Key &b) {
    auto addresses = [](const Key &key) {
      return llvm::map_to_vector(
          key.second, [](Value value) { return value.getAsOpaquePointer(); });
    };
    return std::pair(a.first, addresses(a)) < std::pair(b.first, addresses(b));
  }
};

bool hasLowerOffset(const Buffer *a, const Buffer *b) {
  return a->offset < b->offset;
}

/// Buffers with a place, by the spans of time in which they are alive: most
/// meet few others, so that not all have to be looked at for each.
class PlacedBuffers {
public:
  explicit PlacedBuffers(ArrayRef<Buffer> buffers) {
    int64_t end = 0;
    for (const Buffer &buffer : buffers)
      end = std::max(end, buffer.range.end);
    width = end / numSpans + 1;
    spans.resize(numSpans);
  }

  void insert(Buffer *buffer) {
    auto [first, last] = spansOf(*buffer);
    if (last - first > longest) {
      everywhere.push_back(buffer);
      return;
    }
    for (int64_t span = first; span <= last; ++span)
      spans[span].push_back(buffer);
  }

  /// Those that may meet a buffer, in order of their offsets: some of `all`,
  /// which are so already, or all, where that costs less.
  ArrayRef<Buffer *> meeting(const Buffer &buffer, ArrayRef<Buffer *> all) {
    auto [first, last] = spansOf(buffer);
    size_t count = everywhere.size();
    for (int64_t span = first; span <= last; ++span)
      count += spans[span].size();
    if (count * llvm::Log2_64_Ceil(count + 2) > all.size())
      return all;
    found.assign(everywhere.begin(), everywhere.end());
    for (int64_t span = first; span <= last; ++span)
      llvm::append_range(found, spans[span]);
    llvm::sort(found, hasLowerOffset);
    return found;
  }

private:
  static constexpr int64_t numSpans = 4096;
  /// Buffers of more spans are listed once.
  static constexpr int64_t longest = 16;

  std::pair<int64_t, int64_t> spansOf(const Buffer &buffer) const {
    return {buffer.range.begin / width, buffer.range.end / width};
  }

  int64_t width = 1;
  std::vector<SmallVector<Buffer *, 0>> spans;
  std::vector<Buffer *> everywhere, found;
};

class PlanMemoryPass final : public impl::PlanMemoryPassBase<PlanMemoryPass> {
public:
  using PlanMemoryPassBase::PlanMemoryPassBase;
  void runOnOperation() final;

private:
  void planStatic(std::vector<Buffer> &buffers);
  void reuseInputs(func::FuncOp function, const BufferLiveness &liveness,
                   std::vector<Buffer> &buffers);

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
  PlacedBuffers byTime(buffers);
  for (Buffer *buffer : order) {
    // In order of their offsets: take the first gap that is large enough.
    int64_t offset = 0;
    for (Buffer *other : byTime.meeting(*buffer, placed)) {
      if (!other->range.overlaps(buffer->range))
        continue;
      if (other->offset >= offset + buffer->bytes)
        break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    placed.insert(llvm::upper_bound(placed, buffer, hasLowerOffset), buffer);
    byTime.insert(buffer);
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

void ByteCounts::demand(arith::CmpIPredicate predicate, Value lhs,
                        int64_t rhs) {
  if (!isChecked)
    return;
  Value limit = arith::ConstantIntOp::create(builder, loc, rhs, 64);
  Value holds = arith::CmpIOp::create(builder, loc, predicate, lhs, limit);
  countable =
      countable ? arith::AndIOp::create(builder, loc, countable, holds) : holds;
}

Value ByteCounts::cloneSize(Value size) {
  SmallVector<Value> wanted{size};
  while (!wanted.empty()) {
    Operation *op = wanted.back().getDefiningOp();
    if (mapping.contains(wanted.back())) {
      wanted.pop_back();
      continue;
    }
    size_t before = wanted.size();
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp() && !mapping.contains(operand))
        wanted.push_back(operand);
    if (wanted.size() > before)
      continue;
    builder.clone(*op, mapping);
    wanted.pop_back();
  }
  return mapping.lookup(size);
}

Value ByteCounts::bytes(kernel::AllocateOp op) {
  auto type = cast<MemRefType>(op.getType());
  int64_t fixed = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      fixed *= size;
  Value &bytes = known[{fixed, llvm::to_vector(op.getSizes())}];
  if (bytes)
    return bytes;
  // Products are made of integers: an index has no width to overflow.
  bytes = toWide(constant(fixed));
  for (Value size : op.getSizes()) {
    // The run fails where a size is negative, but it makes the plan first.
    Value factor = cloneSize(size);
    if (!size.getDefiningOp<kernel::InputSizeOp>())
      factor = arith::MaxSIOp::create(builder, loc, factor, constant(0));
    if (!isChecked) {
      bytes = arith::MulIOp::create(builder, loc, bytes, toWide(factor));
      continue;
    }
    auto product =
        arith::MulSIExtendedOp::create(builder, loc, bytes, toWide(factor));
    bytes = product.getLow();
    demand(arith::CmpIPredicate::eq, product.getHigh(), 0);
    demand(arith::CmpIPredicate::sge, bytes, 0);
  }
  return bytes;
}

Value ByteCounts::slotBytes(const Slot &slot) {
  loc = slot.allocations.front()->getLoc();
  llvm::SetVector<Value> choice;
  for (kernel::AllocateOp op : slot.allocations)
    choice.insert(bytes(op));
  Value &padded = slots[{0, llvm::to_vector(choice)}];
  if (padded)
    return padded;
  Value largest;
  for (Value bytes : choice)
    largest =
        largest ? arith::MaxSIOp::create(builder, loc, largest, bytes) : bytes;
  // Sums of slots stay far from overflowing as well.
  demand(arith::CmpIPredicate::sle, largest, largestSlot);
  largest =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), largest);
  padded =
      arith::AddIOp::create(builder, loc, largest, constant(alignment - 1));
  Value units =
      arith::DivUIOp::create(builder, loc, padded, constant(alignment));
  padded = arith::MulIOp::create(builder, loc, units, constant(alignment));
  return padded;
}

void PlanMemoryPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto function = module.lookupSymbol<func::FuncOp>("sluice_host");
  if (!function)
    return;
  total = 0;
  BufferLiveness liveness(function);
  std::vector<Buffer> buffers;
  std::vector<Slot> slots;
  DenseSet<Value> planned = findPlannedSizes(function);
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
                 return planned.contains(size);
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
  auto sumSlots = [&](OpBuilder &builder, ByteCounts &counts) {
    Value offset = arith::ConstantIndexOp::create(builder, loc, total);
    for (Slot &slot : slots) {
      slot.offset = offset;
      offset =
          arith::AddIOp::create(builder, loc, offset, counts.slotBytes(slot));
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
  ByteCounts counts(builder, function.getArgument(0), plan.getArgument(0),
                    /*isChecked=*/true);
  Value bytes = sumSlots(builder, counts);
  if (!slots.empty())
    bytes = arith::SelectOp::create(
        builder, loc, counts.countable, bytes,
        arith::ConstantIndexOp::create(builder, loc, -1));
  func::ReturnOp::create(builder, loc, bytes);
  if (!slots.empty()) {
    builder.setInsertionPointToStart(&function.getBody().front());
    // No run gets here with sizes that the plan cannot count.
    ByteCounts unchecked(builder, function.getArgument(0),
                         function.getArgument(0), /*isChecked=*/false);
    sumSlots(builder, unchecked);
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
