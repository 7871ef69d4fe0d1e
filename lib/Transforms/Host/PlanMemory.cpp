//===- PlanMemory.cpp - Give every buffer of the host function a place ----===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "BufferSizes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Analysis/MemoryPlan.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// More plans are not worth the time that each run takes to choose.
constexpr size_t mostPlans = 3;
/// More buffers have one plan, so that code for places stays short.
constexpr size_t mostBuffersOfPlans = 1024;
/// More sizes that differ are computed by functions.
constexpr size_t manySizes = 128;
/// The share of memory for which another plan is made.
constexpr double planTolerance = 0.05;
/// Buffers that are placed on trial and ops that tell their sizes, over all
/// samples.
constexpr size_t mostTrials = 40000;
/// Sums of so many bytes are far from overflowing.
constexpr int64_t mostBytes = int64_t(1) << 61;

/// A buffer, or several that follow each other in one place.
struct Buffer {
  SmallVector<kernel::AllocateOp> allocations;
  LiveRange range;
  unsigned size = 0; ///< its number
};

class PlanMemoryPass final : public impl::PlanMemoryPassBase<PlanMemoryPass> {
public:
  using PlanMemoryPassBase::PlanMemoryPassBase;
  void runOnOperation() final;

private:
  LogicalResult collect(func::FuncOp function, const BufferLiveness &liveness,
                        BufferSizes &sizes, std::vector<Buffer> &buffers);
  void reuseInputs(func::FuncOp function, const BufferLiveness &liveness,
                   std::vector<Buffer> &buffers);
};

/// Offsets of cells, computed where the builder is.
class PlanBuilder {
public:
  PlanBuilder(OpBuilder &builder, const BufferSizes &sizes, ByteCounts &counts)
      : builder(builder), sizes(sizes), counts(counts),
        bytesOfSizes(sizes.all().size()) {}

  /// Of the plan that needs least: the offsets of the cells that buffers are
  /// in, and the bytes of the whole.
  struct Result {
    std::vector<KnownOrValue> offsets;
    KnownOrValue total;
  };
  Result place(ArrayRef<StackedPlan> plans, size_t numBuffers);

private:
  Result place(const StackedPlan &plan, size_t numBuffers);
  KnownOrValue bytes(unsigned size);
  KnownOrValue add(KnownOrValue a, KnownOrValue b);
  KnownOrValue larger(KnownOrValue a, KnownOrValue b);
  /// Replaces a result by another where that needs less.
  void improve(Result &result, const Result &other);
  Value value(KnownOrValue number) {
    return getValueOrCreateConstantIndexOp(builder, loc, number);
  }

  OpBuilder &builder;
  const BufferSizes &sizes;
  ByteCounts &counts;
  Location loc = builder.getUnknownLoc();
  std::vector<KnownOrValue> bytesOfSizes;
};

} // namespace

/// What the inputs' dynamic dimensions may be: all large, all small, and where
/// there are several, each small beside large ones and the reverse. Most are
/// powers of two or nearly, which leave no rest in strides. No buffer counts
/// for more than `most` bytes.
static std::vector<std::vector<int64_t>> sampleSizes(func::FuncOp function,
                                                     const BufferSizes &sizes,
                                                     size_t numBuffers,
                                                     int64_t most) {
  // Dimensions of one name have one size.
  auto inputs = function->getAttrOfType<ArrayAttr>("sluice.inputs");
  auto nameOf = [&](kernel::InputSizeOp op) {
    auto input = inputs && op.getIndex() < inputs.size()
                     ? dyn_cast<DictionaryAttr>(inputs[op.getIndex()])
                     : DictionaryAttr();
    auto names = input ? input.getAs<ArrayAttr>("sluice.dims") : ArrayAttr();
    auto name = names && op.getDimension() < names.size()
                    ? cast<StringAttr>(names[op.getDimension()]).str()
                    : std::string();
    return name.empty() ? std::to_string(op.getIndex()) + "/" +
                              std::to_string(op.getDimension())
                        : "name " + name;
  };
  std::map<std::string, size_t> symbols;
  DenseMap<Operation *, size_t> symbolOf;
  for (kernel::InputSizeOp op : sizes.inputSizes())
    symbolOf[op] =
        symbols.try_emplace(nameOf(op), symbols.size()).first->second;
  constexpr size_t none = SIZE_MAX;
  struct Sample {
    int64_t size;
    size_t symbol; ///< this one has another size
    int64_t other;
  };
  SmallVector<Sample> samples{{640, none, 0}};
  if (sizes.areDynamic())
    samples.push_back({64, none, 0});
  for (size_t symbol = 0; symbols.size() > 1 && symbol < symbols.size();
       ++symbol) {
    samples.push_back({640, symbol, 1});
    samples.push_back({16, symbol, 1024});
  }
  samples.truncate(
      std::clamp<size_t>(mostTrials / (numBuffers + 1), 1, samples.size()));
  std::vector<std::vector<int64_t>> bytes;
  for (const Sample &sample : samples)
    bytes.push_back(sizes.sample(
        [&](kernel::InputSizeOp op) {
          return sample.symbol == symbolOf.lookup(op) ? sample.other
                                                      : sample.size;
        },
        most));
  return bytes;
}

KnownOrValue PlanBuilder::bytes(unsigned size) {
  KnownOrValue &known = bytesOfSizes[size];
  if (!known)
    known = counts.bytes(sizes.all()[size]);
  return known;
}

KnownOrValue PlanBuilder::add(KnownOrValue a, KnownOrValue b) {
  auto left = getConstantIntValue(a), right = getConstantIntValue(b);
  if (left && right)
    return builder.getIndexAttr(*left + *right);
  if (left == 0)
    return b;
  return arith::AddIOp::create(builder, loc, value(a), value(b)).getResult();
}

KnownOrValue PlanBuilder::larger(KnownOrValue a, KnownOrValue b) {
  auto left = getConstantIntValue(a), right = getConstantIntValue(b);
  if (left && right)
    return builder.getIndexAttr(std::max(*left, *right));
  if (left == 0 || a == b)
    return b;
  return arith::MaxSIOp::create(builder, loc, value(a), value(b)).getResult();
}

PlanBuilder::Result PlanBuilder::place(const StackedPlan &plan,
                                       size_t numBuffers) {
  std::vector<KnownOrValue> offsets, ends;
  Result result;
  for (const StackedPlan::Cell &cell : plan.cells()) {
    KnownOrValue offset = builder.getIndexAttr(0);
    for (unsigned below : cell.below)
      offset = larger(offset, ends[below]);
    offsets.push_back(offset);
    ends.push_back(add(offset, bytes(cell.size)));
  }
  result.total = builder.getIndexAttr(0);
  for (unsigned cell : plan.top())
    result.total = larger(result.total, ends[cell]);
  for (size_t buffer = 0; buffer < numBuffers; ++buffer)
    result.offsets.push_back(offsets[plan.cellOf(buffer)]);
  return result;
}

void PlanBuilder::improve(Result &result, const Result &other) {
  if (result.total == other.total)
    return;
  Value before = value(result.total), next = value(other.total);
  Value isLess = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                       next, before);
  auto choose = [&](KnownOrValue first, KnownOrValue second) -> KnownOrValue {
    if (first == second)
      return first;
    return arith::SelectOp::create(builder, loc, isLess, value(second),
                                   value(first))
        .getResult();
  };
  DenseMap<std::pair<void *, void *>, KnownOrValue> chosen;
  for (auto [first, second] : llvm::zip_equal(result.offsets, other.offsets)) {
    KnownOrValue &choice =
        chosen[{first.getOpaqueValue(), second.getOpaqueValue()}];
    if (!choice)
      choice = choose(first, second);
    first = choice;
  }
  result.total = choose(result.total, other.total);
}

PlanBuilder::Result PlanBuilder::place(ArrayRef<StackedPlan> plans,
                                       size_t numBuffers) {
  Result result = place(plans.front(), numBuffers);
  for (const StackedPlan &plan : plans.drop_front())
    improve(result, place(plan, numBuffers));
  return result;
}

LogicalResult PlanMemoryPass::collect(func::FuncOp function,
                                      const BufferLiveness &liveness,
                                      BufferSizes &sizes,
                                      std::vector<Buffer> &buffers) {
  WalkResult result = function.walk([&](kernel::AllocateOp op) {
    auto type = cast<MemRefType>(op.getType());
    if (op->hasAttr("fresh") || !sizes.follows(op))
      return WalkResult::advance();
    auto size = sizes.number(op);
    if (!size) {
      op.emitError("a buffer of this size cannot be allocated: ") << type;
      return WalkResult::interrupt();
    }
    buffers.push_back({{op}, liveness.range(op), *size});
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
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
      if (!source || source == target || source->size != target->size ||
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
      return;
    }
  });
  llvm::erase_if(buffers,
                 [](Buffer &buffer) { return buffer.allocations.empty(); });
}

void PlanMemoryPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto function = module.lookupSymbol<func::FuncOp>("sluice_host");
  if (!function)
    return;
  BufferLiveness liveness(function);
  BufferSizes sizes(function);
  std::vector<Buffer> buffers;
  if (failed(collect(function, liveness, sizes, buffers)))
    return signalPassFailure();
  reuseInputs(function, liveness, buffers);

  std::vector<LiveRange> ranges;
  std::vector<unsigned> numbers;
  for (const Buffer &buffer : buffers) {
    ranges.push_back(buffer.range);
    numbers.push_back(buffer.size);
  }
  // The sum of all must not overflow, whatever the sizes are.
  int64_t most =
      std::min<int64_t>(largestBuffer, mostBytes / (buffers.size() + 1));
  std::vector<std::vector<int64_t>> samples =
      sampleSizes(function, sizes, buffers.size(), most);
  std::vector<StackedPlan> plans = choosePlans(
      ranges, numbers, samples,
      buffers.size() > mostBuffersOfPlans ? 1 : mostPlans, planTolerance);
  int64_t bound =
      mostBytesInUse(ranges, llvm::map_to_vector(numbers, [&](unsigned size) {
                       return samples[0][size];
                     }));

  // Offsets are computed once in the function that tells the total and once at
  // the host function's start.
  Location loc = function.getLoc();
  OpBuilder builder(module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto plan = func::FuncOp::create(
      builder, loc, "sluice_plan",
      builder.getFunctionType(pointer, builder.getIndexType()));
  builder.setInsertionPointToStart(plan.addEntryBlock());
  ByteCounts::Options options;
  options.most = most;
  options.callsFunctions = sizes.all().size() > manySizes;
  options.isChecked = true;
  ByteCounts counts(builder, function.getArgument(0), plan.getArgument(0),
                    options);
  KnownOrValue total =
      PlanBuilder(builder, sizes, counts).place(plans, 0).total;
  auto known = getConstantIntValue(total);
  Value bytes = getValueOrCreateConstantIndexOp(builder, loc, total);
  // Negative bytes tell the runtime not to run.
  if (Value countable = counts.makeCountable())
    bytes = arith::SelectOp::create(
        builder, loc, countable, bytes,
        arith::ConstantIndexOp::create(builder, loc, -1));
  func::ReturnOp::create(builder, loc, bytes);

  builder.setInsertionPointToStart(&function.getBody().front());
  // No run gets here with sizes that the plan cannot count.
  options.isChecked = false;
  ByteCounts unchecked(builder, function.getArgument(0),
                       function.getArgument(0), options);
  PlanBuilder::Result places =
      PlanBuilder(builder, sizes, unchecked).place(plans, buffers.size());
  for (auto [buffer, offset] : llvm::zip_equal(buffers, places.offsets))
    for (kernel::AllocateOp op : buffer.allocations) {
      OpBuilder at(op);
      Value workspace = kernel::WorkspaceOp::create(
          at, op.getLoc(), op.getType(), op.getFrame(),
          getValueOrCreateConstantIndexOp(at, op.getLoc(), offset),
          op.getSizes());
      op.replaceAllUsesWith(workspace);
      op.erase();
    }
  module->setAttr("sluice.workspace_bytes",
                  builder.getI64IntegerAttr(known.value_or(-1)));
  module->setAttr("sluice.liveness_bound",
                  builder.getI64IntegerAttr(known ? bound : -1));
}

} // namespace sluice
