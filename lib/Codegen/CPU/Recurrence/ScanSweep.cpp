//===- ScanSweep.cpp - Steps that pass over the states once ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScanSweep.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <set>

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Which scans
//===----------------------------------------------------------------------===//

namespace {

using Index = ScanPlaces::Index;

/// Outputs have at most as many elements for each lane.
constexpr int64_t maxOutputs = 8;

class Analysis {
public:
  Analysis(ScanOp op, const ScanStructure &structure)
      : structure(structure), states(op.getInitial().size()),
        yielded(op.getBody().front().getTerminator()->getOperands()) {}

  bool isPossible();

private:
  /// What the element of `value` at a place is made of; goes on where `visit`
  /// says so, and gives up where it has no answer.
  bool explore(
      Value value, ScanPlaces::Place place,
      llvm::function_ref<std::optional<bool>(Value, const ScanPlaces::Place &)>
          visit);
  bool checkState(Value next);
  bool checkSum(Operation *sum, bool readsNext);
  bool checkOutput(Value output);
  bool isSum(Value value) const {
    return llvm::any_of(structure.sums, [&](const ScanStructure::Sum &sum) {
      return sum.value == value;
    });
  }
  bool isNextState(Value value) const {
    return value.getDefiningOp() &&
           llvm::is_contained(yielded.take_front(states), value);
  }
  bool isState(Value value) const {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getArgNumber() < states;
  }
  /// Of a sum or an output.
  bool hasRowsAndLanes(ArrayRef<int64_t> shape) const {
    return shape.size() > structure.rowDimensions &&
           shape.back() == shapeOf(yielded[0]).back() && shape.back() != 1;
  }

  const ScanStructure &structure;
  unsigned states;
  OperandRange yielded;
};

} // namespace

static ScanPlaces::Place identity(Value value) {
  ScanPlaces::Place place;
  for (auto [i, size] : llvm::enumerate(shapeOf(value)))
    place.push_back(size == 1 ? nullptr : reinterpret_cast<Index>(i + 1));
  return place;
}

bool Analysis::explore(
    Value start, ScanPlaces::Place startPlace,
    llvm::function_ref<std::optional<bool>(Value, const ScanPlaces::Place &)>
        visit) {
  SmallVector<std::pair<Value, ScanPlaces::Place>> pending{
      {start, std::move(startPlace)}};
  std::set<std::pair<void *, std::vector<Index>>> seen;
  while (!pending.empty()) {
    auto [value, place] = pending.pop_back_val();
    std::vector<Index> key(place.begin(), place.end());
    if (!seen.insert({value.getAsOpaquePointer(), key}).second)
      continue;
    std::optional<bool> goesOn = visit(value, place);
    if (!goesOn)
      return false;
    Operation *op = value.getDefiningOp();
    if (!*goesOn || !op)
      continue;
    for (OpOperand &read : ScanPlaces::readOperands(op))
      pending.push_back(
          {read.get(),
           ScanPlaces::inOperand(op, read.getOperandNumber(), place, {})});
  }
  return true;
}

/// Sums that a state reads are the same along the depth.
bool Analysis::checkState(Value next) {
  auto along = reinterpret_cast<Index>(structure.rowDimensions + 1);
  return explore(
      next, identity(next),
      [&](Value value, const ScanPlaces::Place &place) -> std::optional<bool> {
        if (!isSum(value))
          return true;
        if (llvm::is_contained(place, along))
          return std::nullopt;
        return false;
      });
}

/// Does a sum add up over the depth of the states, and nothing else?
bool Analysis::checkSum(Operation *sum, bool readsNext) {
  Value result = sum->getResult(0);
  if (ScanPlaces::reducedDimensions(sum).size() != 1 ||
      !hasRowsAndLanes(shapeOf(result)))
    return false;
  ScanPlaces::Place place = identity(result);
  auto reduced = reinterpret_cast<Index>(uintptr_t(1) << 32);
  ScanPlaces::Place wanted(place.begin(),
                           place.begin() + structure.rowDimensions);
  wanted.append({reduced, place.back()});
  for (OpOperand &operand : ScanPlaces::readOperands(sum)) {
    auto visit = [&](Value value,
                     const ScanPlaces::Place &at) -> std::optional<bool> {
      bool isRead = readsNext ? isNextState(value) : isState(value);
      if (isRead && at != wanted)
        return std::nullopt;
      if (isRead)
        return false;
      Operation *op = value.getDefiningOp();
      if (isState(value) || isSum(value) ||
          (op && !ScanPlaces::reducedDimensions(op).empty()))
        return std::nullopt;
      return true;
    };
    if (!explore(operand.get(),
                 ScanPlaces::inOperand(sum, operand.getOperandNumber(), place,
                                       reduced),
                 visit))
      return false;
  }
  return true;
}

bool Analysis::checkOutput(Value output) {
  ArrayRef<int64_t> shape = shapeOf(output);
  if (!hasRowsAndLanes(shape))
    return false;
  int64_t count = 1;
  for (int64_t size : shape.drop_front(structure.rowDimensions).drop_back()) {
    if (ShapedType::isDynamic(size) || size == 0 || size > maxOutputs)
      return false;
    count *= size;
  }
  return count <= maxOutputs &&
         explore(output, identity(output),
                 [&](Value value,
                     const ScanPlaces::Place &) -> std::optional<bool> {
                   if (isSum(value))
                     return false;
                   if (isNextState(value) || isState(value))
                     return std::nullopt;
                   Operation *op = value.getDefiningOp();
                   if (!op || ScanPlaces::reducedDimensions(op).empty())
                     return true;
                   return checkSum(op, /*readsNext=*/true)
                              ? std::optional<bool>(false)
                              : std::nullopt;
                 });
}

bool Analysis::isPossible() {
  ArrayRef<int64_t> shape = shapeOf(yielded[0]);
  size_t rows = structure.rowDimensions;
  if (!structure.hasSeparateLanes || shape.size() != rows + 2 ||
      ShapedType::isDynamic(shape[rows]) || shape[rows] < 2 ||
      shape.back() == 1)
    return false;
  for (Value next : yielded.take_front(states))
    if (shapeOf(next) != shape || !checkState(next))
      return false;
  for (const ScanStructure::Sum &sum : structure.sums)
    if (!sum.isVector ||
        !checkSum(sum.value.getDefiningOp(), /*readsNext=*/false))
      return false;
  bool addsUp = !structure.sums.empty();
  for (auto [i, output] : llvm::enumerate(yielded.drop_front(states))) {
    if (structure.fusedWith[i])
      continue;
    addsUp = true;
    if (!structure.isVector[i] || !checkOutput(output))
      return false;
  }
  return addsUp;
}

bool ScanSweep::isPossible(ScanOp op, const ScanStructure &structure) {
  return Analysis(op, structure).isPossible();
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

ScanSweep::ScanSweep(ScanElements &elements)
    : elements(elements), kernel(elements.kernel) {
  const ScanStructure &structure = elements.structure;
  Value state = elements.yielded[0];
  depth = shapeOf(state)[structure.rowDimensions];
  int64_t lanes = shapeOf(state).back(), outputsOfLane = 1;
  for (Value output : elements.yielded.drop_front(elements.states)) {
    int64_t count = 1;
    for (int64_t size :
         shapeOf(output).drop_front(structure.rowDimensions).drop_back())
      count *= size;
    outputsOfLane = std::max(outputsOfLane, count);
  }
  // The totals stay in registers, and the states in the first-level cache.
  constexpr int64_t mostElements = 6144, mostTotals = 8;
  for (int64_t count : {4, 2})
    if (!ShapedType::isDynamic(lanes) &&
        lanes % (count * elements.lanes) == 0 &&
        depth * count * elements.lanes <= mostElements &&
        count * outputsOfLane <= mostTotals) {
      vectors = count;
      break;
    }
}

/// A dimension of size one has no index.
static void dropUnits(ArrayRef<int64_t> shape, ScanElements::Place &place) {
  for (auto [size, index] : llvm::zip_equal(shape, place.at))
    if (size == 1)
      index = nullptr;
}

ScanSweep::Place ScanSweep::statePlace(Value depth, Value lane) const {
  Place place;
  llvm::append_range(place.at, row);
  place.at.append({depth, lane});
  place.lane = lane;
  dropUnits(shapeOf(elements.yielded[0]), place);
  return place;
}

/// The sums that an element is made of, with their places.
void ScanSweep::collectTotals(Value value, const Place &place) {
  if (isNextState(value) && !llvm::is_contained(place.at, anyDepth))
    return;
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  if (!ScanPlaces::reducedDimensions(op).empty()) {
    SmallVector<Total> &totals = elements.isSum(value) ? before : after;
    if (llvm::none_of(totals, [&](const Total &total) {
          return total.sum == op &&
                 ScanElements::isSamePlace(total.place, place);
        }))
      totals.push_back({op, place});
    return;
  }
  for (OpOperand &read : ScanPlaces::readOperands(op))
    collectTotals(read.get(),
                  elements.inOperand(op, read.getOperandNumber(), place, {}));
}

void ScanSweep::collectOutputs(ArrayRef<Value> lanes) {
  unsigned rows = elements.structure.rowDimensions;
  for (unsigned i = elements.states; i < elements.yielded.size(); ++i) {
    if (elements.structure.fusedWith[i - elements.states])
      continue;
    Value value = elements.yielded[i];
    ArrayRef<int64_t> middle = shapeOf(value).drop_front(rows).drop_back();
    int64_t count = 1;
    for (int64_t size : middle)
      count *= size;
    for (Value lane : lanes)
      for (int64_t number = 0; number < count; ++number) {
        Place place;
        llvm::append_range(place.at, row);
        int64_t rest = number, below = count;
        for (int64_t size : middle) {
          below /= size;
          place.at.push_back(kernel.index(rest / below));
          rest %= below;
        }
        place.at.push_back(lane);
        place.lane = lane;
        dropUnits(shapeOf(value), place);
        outputs.push_back({i, place});
      }
  }
}

/// Computes what is the same all along the depth in front of a pass.
void ScanSweep::hoist(Value value, const Place &place) {
  if (!llvm::is_contained(place.at, anyDepth)) {
    elements.pull(value, place);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (!op || !ScanPlaces::reducedDimensions(op).empty() ||
      (elements.readsFinishedStates && isNextState(value)))
    return;
  for (OpOperand &read : ScanPlaces::readOperands(op))
    hoist(read.get(),
          elements.inOperand(op, read.getOperandNumber(), place, {}));
}

/// A pass along the depth; what the sums have come to.
SmallVector<Value>
ScanSweep::addUp(ArrayRef<Total> totals,
                 llvm::function_ref<void(Value depth)> computeStates) {
  BodyBuilder arithmetic{kernel.builder, kernel.loc};
  SmallVector<Value> initial;
  for (const Total &total : totals) {
    for (OpOperand &read : ScanPlaces::readOperands(total.sum)) {
      Place place = elements.inOperand(total.sum, read.getOperandNumber(),
                                       total.place, anyDepth);
      place.lane = total.place.lane;
      hoist(read.get(), place);
    }
    initial.push_back(elements.splat(
        kernel.number(elementTypeOf(total.sum->getResult(0)), 0)));
  }
  return kernel.loop(
      kernel.index(depth), initial, [&](Value at, ValueRange running) {
        computeStates(at);
        SmallVector<Value> next;
        for (auto [total, sum] : llvm::zip(totals, running))
          next.push_back(
              arithmetic.add(sum, elements.computeTerm(total.sum, total.place,
                                                       at, total.place.lane)));
        return next;
      });
}

/// The states, and the outputs that are computed with them.
SmallVector<unsigned> ScanSweep::getMembers() const {
  SmallVector<unsigned> members =
      llvm::to_vector(llvm::seq<unsigned>(0, elements.states));
  for (auto [i, partner] : llvm::enumerate(elements.structure.fusedWith))
    if (partner)
      members.push_back(elements.states + i);
  return members;
}

void ScanSweep::computeStates(Value depth, ArrayRef<Value> lanes) {
  ScanOp op = elements.op;
  SmallVector<unsigned> members = getMembers();
  for (Value lane : lanes) {
    Place place = statePlace(depth, lane);
    // All are read before the first is written.
    SmallVector<Value> computed;
    for (unsigned member : members)
      computed.push_back(elements.pull(elements.yielded[member], place));
    for (auto [member, element] : llvm::zip(members, computed)) {
      Value target = op.getResult(member), offset = kernel.index(0);
      SmallVector<Value> sizes = kernel.sizes(op.getResult(0));
      if (member >= elements.states)
        offset =
            elements.stepOffset(target, elements.step,
                                op.writesBackwards(member - elements.states));
      elements.store(element, elements.flat.lookup(target), sizes, offset,
                     place, elementTypeOf(target));
    }
  }
}

void ScanSweep::storeOutputs() {
  ScanOp op = elements.op;
  for (const Output &output : outputs) {
    Value target = op.getResult(output.number);
    SmallVector<Value> sizes = kernel.sizes(target);
    Value offset = elements.stepOffset(
        target, elements.step,
        op.writesBackwards(output.number - elements.states));
    elements.store(elements.pull(elements.yielded[output.number], output.place),
                   elements.flat.lookup(target), ArrayRef(sizes).drop_front(),
                   offset, output.place, elementTypeOf(target));
  }
}

void ScanSweep::emitStep(ArrayRef<Value> rowOfStates, ArrayRef<Value> lanes) {
  row = rowOfStates;
  before.clear();
  after.clear();
  outputs.clear();
  // Equal to no other index.
  anyDepth = arith::ConstantIndexOp::create(
      kernel.builder, kernel.loc, std::numeric_limits<int64_t>::max());
  elements.readsFinishedStates = false;
  collectOutputs(lanes);
  for (const Output &output : outputs)
    collectTotals(elements.yielded[output.number], output.place);
  for (Value lane : lanes)
    for (Value next : elements.yielded.take_front(elements.states))
      collectTotals(next, statePlace(anyDepth, lane));

  if (!before.empty()) {
    SmallVector<Value> sums = addUp(before, [](Value) {});
    for (auto [total, sum] : llvm::zip(before, sums))
      elements.remember(total.sum->getResult(0), total.place, sum);
  }
  for (Value lane : lanes)
    for (unsigned member : getMembers())
      hoist(elements.yielded[member], statePlace(anyDepth, lane));
  elements.readsFinishedStates = true;
  SmallVector<Value> sums = addUp(after, [&](Value at) {
    elements.readsFinishedStates = false;
    computeStates(at, lanes);
    elements.readsFinishedStates = true;
  });
  for (auto [total, sum] : llvm::zip(after, sums))
    elements.remember(total.sum->getResult(0), total.place, sum);
  storeOutputs();
}
