//===- ScanStructure.cpp - Which elements of a scan depend on which -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Analysis/ScanStructure.h"
#include <set>

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// ScanPlaces
//===----------------------------------------------------------------------===//

MutableArrayRef<OpOperand> ScanPlaces::readOperands(Operation *op) {
  MutableArrayRef<OpOperand> operands = op->getOpOperands();
  auto places = dyn_cast<PlacesOpInterface>(op);
  return places ? operands.take_front(places.getReadOperandCount()) : operands;
}

bool ScanPlaces::isSupported(Operation *op) {
  for (auto [operand, dimension] : reducedDimensions(op))
    if (ShapedType::isDynamic(shapeOf(op->getOperand(operand))[dimension]))
      return false;
  if (auto places = dyn_cast<PlacesOpInterface>(op))
    return places.hasPlaces();
  return isa<ElementwiseOpInterface>(op);
}

SmallVector<std::pair<unsigned, unsigned>>
ScanPlaces::reducedDimensions(Operation *op) {
  auto places = dyn_cast<PlacesOpInterface>(op);
  return places ? places.getReducedDimensions()
                : SmallVector<std::pair<unsigned, unsigned>>();
}

using Index = ScanPlaces::Index;

/// A dimension of size one has one index, whatever it is computed with.
static void dropUnitIndices(ArrayRef<int64_t> shape, ScanPlaces::Place &place) {
  for (auto [size, index] : llvm::zip_equal(shape, place))
    if (size == 1)
      index = nullptr;
}

ScanPlaces::Place ScanPlaces::inOperand(Operation *op, unsigned number,
                                        ArrayRef<Index> result,
                                        ArrayRef<Index> reduced) {
  ArrayRef<int64_t> shape = shapeOf(op->getOperand(number));
  Place place;
  if (auto places = dyn_cast<PlacesOpInterface>(op))
    place = places.getOperandPlace(number, result, reduced);
  else // Dimensions that are broadcast are aligned at the end.
    llvm::append_range(place, result.take_back(shape.size()));
  dropUnitIndices(shape, place);
  return place;
}

//===----------------------------------------------------------------------===//
// ScanStructure
//===----------------------------------------------------------------------===//

namespace {

/// Follows an element to what it is computed from.
class Tracer {
public:
  struct Read {
    Value tensor;
    ScanPlaces::Place place;
    bool isReduced;
  };

  Tracer(ScanOp scan, ArrayRef<ScanStructure::Sum> sums, bool stopsAtStates) {
    for (const ScanStructure::Sum &sum : sums)
      stops.insert(sum.value);
    if (stopsAtStates) {
      auto next = scan.getBody().front().getTerminator()->getOperands();
      for (Value state : next.take_front(scan.getInitial().size()))
        if (state.getDefiningOp())
          stops.insert(state);
    }
  }

  void trace(Value value, ArrayRef<Index> place);
  /// The same of what a sum is made of.
  void traceSum(Value sum, ArrayRef<Index> place) {
    stops.erase(sum);
    trace(sum, place);
  }

  SmallVector<Read> reads;

private:
  DenseSet<Value> stops;
  std::set<std::pair<void *, std::vector<Index>>> seen;
  uintptr_t nextIndex = uintptr_t(1) << 32;
};

} // namespace

void Tracer::trace(Value start, ArrayRef<Index> startPlace) {
  // Bodies may be deep.
  SmallVector<Read> pending{
      {start, ScanPlaces::Place(startPlace.begin(), startPlace.end()), false}};
  while (!pending.empty()) {
    Read read = pending.pop_back_val();
    std::vector<Index> key(read.place.begin(), read.place.end());
    if (!seen.insert({read.tensor.getAsOpaquePointer(), key}).second)
      continue;
    Operation *op = read.tensor.getDefiningOp();
    if (!op || stops.contains(read.tensor)) {
      reads.push_back(read);
      continue;
    }
    ScanPlaces::Place reduced;
    for (size_t i = ScanPlaces::reducedDimensions(op).size(); i-- > 0;)
      reduced.push_back(reinterpret_cast<Index>(nextIndex++));
    for (OpOperand &operand : ScanPlaces::readOperands(op))
      pending.push_back({operand.get(),
                         ScanPlaces::inOperand(op, operand.getOperandNumber(),
                                               read.place, reduced),
                         read.isReduced || !reduced.empty()});
  }
}

/// An index for each dimension that has several.
static ScanPlaces::Place identity(Value value) {
  ScanPlaces::Place place;
  for (size_t i = 0; i < shapeOf(value).size(); ++i)
    place.push_back(reinterpret_cast<Index>(i + 1));
  dropUnitIndices(shapeOf(value), place);
  return place;
}

static bool hasLaneLast(ArrayRef<Tracer::Read> reads, Index lane) {
  return llvm::all_of(reads, [&](const Tracer::Read &read) {
    return read.place.empty() ||
           !llvm::is_contained(ArrayRef(read.place).drop_back(), lane);
  });
}

bool ScanStructure::isLane(ScanOp scan, Value value, ArrayRef<Index> place,
                           Index lane, bool stopsAtStates) const {
  Tracer tracer(scan, sums, stopsAtStates);
  tracer.trace(value, place);
  return hasLaneLast(tracer.reads, lane);
}

namespace {

class Analysis {
public:
  explicit Analysis(ScanOp scan)
      : scan(scan), states(scan.getInitial().size()),
        yielded(scan.getBody().front().getTerminator()->getOperands()) {}

  llvm::Expected<ScanStructure> run();

private:
  void findSums();
  void checkSum(ScanStructure::Sum &sum);
  llvm::Error checkState(unsigned number);
  llvm::Error checkOutput(Value output);
  /// The state of the same shape that the output can be computed with.
  std::optional<unsigned> findPartner(Value output);
  /// Which state a value of the body is, before or after the step.
  std::optional<unsigned> stateBefore(Value value) const;
  bool isStateAfter(Value value) const;
  bool isSum(Value value) const {
    return llvm::is_contained(
        llvm::map_range(
            found.sums,
            [](const ScanStructure::Sum &sum) { return sum.value; }),
        value);
  }
  /// Rows are what the leading dimensions of `place` and of what it reads have
  /// in common, of tensors for which that is asked. Do these have its lane?
  bool followRows(ArrayRef<Tracer::Read> reads, ArrayRef<Index> place,
                  llvm::function_ref<bool(Value)> isAsked);
  bool readsInPlace(ArrayRef<Tracer::Read> reads, Value value) const;

  ScanOp scan;
  unsigned states;
  OperandRange yielded;
  ScanStructure found;
};

llvm::Error refuse(const Twine &reason) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), reason);
}

} // namespace

std::optional<unsigned> Analysis::stateBefore(Value value) const {
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument && argument.getArgNumber() < states)
    return argument.getArgNumber();
  return std::nullopt;
}

bool Analysis::isStateAfter(Value value) const {
  return value.getDefiningOp() &&
         llvm::is_contained(yielded.take_front(states), value);
}

/// Are states only read where `value` is written, and not in sums?
bool Analysis::readsInPlace(ArrayRef<Tracer::Read> reads, Value value) const {
  return llvm::all_of(reads, [&](const Tracer::Read &read) {
    if (read.isReduced)
      return false;
    if (!stateBefore(read.tensor))
      return true;
    return shapeOf(read.tensor) == shapeOf(value) &&
           read.place == identity(value);
  });
}

bool Analysis::followRows(ArrayRef<Tracer::Read> reads, ArrayRef<Index> place,
                          llvm::function_ref<bool(Value)> isAsked) {
  Index lane = place.empty() ? nullptr : place.back();
  bool lanesMatch = true;
  for (const Tracer::Read &read : reads) {
    if (!isAsked(read.tensor))
      continue;
    unsigned common = 0;
    while (common < found.rowDimensions && common < place.size() &&
           common < read.place.size() && read.place[common] == place[common])
      ++common;
    found.rowDimensions = common;
    lanesMatch &= lane && !read.place.empty() && read.place.back() == lane;
  }
  return lanesMatch;
}

/// Sums that read states before the step, each lane that of the states, and
/// none after it.
void Analysis::findSums() {
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (ScanPlaces::reducedDimensions(&op).empty())
      continue;
    Value value = op.getResult(0);
    ScanPlaces::Place place = identity(value);
    if (place.empty() || !place.back())
      continue;
    Tracer tracer(scan, found.sums, /*stopsAtStates=*/true);
    tracer.traceSum(value, place);
    bool readsBefore = false, isSum = true;
    for (const Tracer::Read &read : tracer.reads) {
      bool isBefore = stateBefore(read.tensor) || this->isSum(read.tensor);
      readsBefore |= isBefore;
      isSum &= !isStateAfter(read.tensor) &&
               (!isBefore ||
                (!read.place.empty() && read.place.back() == place.back()));
    }
    if (readsBefore && isSum)
      found.sums.push_back({value});
  }
}

void Analysis::checkSum(ScanStructure::Sum &sum) {
  Tracer tracer(scan, found.sums, /*stopsAtStates=*/false);
  ScanPlaces::Place place = identity(sum.value);
  tracer.traceSum(sum.value, place);
  Index lane = place.empty() ? nullptr : place.back();
  sum.isVector = lane && hasLaneLast(tracer.reads, lane);
  if (!followRows(
          tracer.reads, place,
          [&](Value tensor) { return stateBefore(tensor) || isSum(tensor); }) ||
      !sum.isVector)
    found.hasSeparateLanes = false;
}

llvm::Error Analysis::checkState(unsigned number) {
  Value next = yielded[number];
  size_t rank = shapeOf(next).size();
  if (rank == 0)
    return refuse("a state is a single number");
  found.rowDimensions = std::min<unsigned>(found.rowDimensions, rank - 1);
  Tracer tracer(scan, found.sums, /*stopsAtStates=*/false);
  tracer.trace(next, identity(next));
  if (!followRows(tracer.reads, identity(next),
                  [&](Value tensor) { return isSum(tensor); }))
    found.hasSeparateLanes = false;
  if (!readsInPlace(tracer.reads, next))
    return refuse("an element of a state depends on several elements of the "
                  "states before");
  if (!hasLaneLast(tracer.reads, reinterpret_cast<Index>(rank)))
    return refuse("a state is computed from a tensor in another order");
  // Rows are the same in all states.
  ArrayRef<int64_t> first = shapeOf(yielded[0]), shape = shapeOf(next);
  for (unsigned i = 0; i < found.rowDimensions; ++i)
    if (first[i] != shape[i] ||
        (ShapedType::isDynamic(first[i]) && first != shape))
      found.rowDimensions = i;
  if (first.back() != shape.back())
    found.hasSeparateLanes = false;
  return llvm::Error::success();
}

std::optional<unsigned> Analysis::findPartner(Value output) {
  Tracer tracer(scan, found.sums, /*stopsAtStates=*/false);
  tracer.trace(output, identity(output));
  if (!readsInPlace(tracer.reads, output) || shapeOf(output).empty() ||
      !hasLaneLast(tracer.reads,
                   reinterpret_cast<Index>(shapeOf(output).size())))
    return std::nullopt;
  for (const Tracer::Read &read : tracer.reads)
    if (auto state = stateBefore(read.tensor))
      return state;
  return std::nullopt;
}

llvm::Error Analysis::checkOutput(Value output) {
  size_t rank = shapeOf(output).size();
  found.fusedWith.push_back(findPartner(output));
  found.isVector.push_back(true);
  if (found.fusedWith.back())
    return llvm::Error::success();
  Tracer tracer(scan, found.sums, /*stopsAtStates=*/true);
  ScanPlaces::Place place = identity(output);
  tracer.trace(output, place);
  Index lane = rank == 0 ? nullptr : place.back();
  bool isVector = lane && hasLaneLast(tracer.reads, lane);
  bool readsStates = false;
  for (const Tracer::Read &read : tracer.reads) {
    if (stateBefore(read.tensor))
      return refuse("an output depends on a state before the step, at another "
                    "place");
    readsStates |= isStateAfter(read.tensor) || isSum(read.tensor);
  }
  bool lanesMatch = followRows(tracer.reads, place,
                               [&](Value tensor) {
                                 return isStateAfter(tensor) || isSum(tensor);
                               }) &&
                    isVector;
  if (!readsStates)
    return refuse("an output does not depend on the states");
  // The row's own dimensions are no lanes.
  found.isVector.back() = isVector && rank > found.rowDimensions;
  if (!lanesMatch || rank <= found.rowDimensions)
    found.hasSeparateLanes = false;
  return llvm::Error::success();
}

llvm::Expected<ScanStructure> Analysis::run() {
  if (states == 0)
    return refuse("there is no state");
  // Of what only gives a shape, no element is read.
  auto isRead = [](OpOperand &use) {
    return use.getOperandNumber() <
           ScanPlaces::readOperands(use.getOwner()).size();
  };
  for (Operation &op : scan.getBody().front().without_terminator())
    if (llvm::any_of(op.getUses(), isRead) && !ScanPlaces::isSupported(&op))
      return refuse(op.getName().getStringRef() +
                    " does not compute element by element");
  found.rowDimensions = shapeOf(yielded[0]).size();
  findSums();
  for (ScanStructure::Sum &sum : found.sums)
    checkSum(sum);
  for (unsigned i = 0; i < states; ++i)
    if (llvm::Error error = checkState(i))
      return error;
  for (Value output : yielded.drop_front(states))
    if (llvm::Error error = checkOutput(output))
      return error;
  for (ScanStructure::Sum &sum : found.sums) {
    ArrayRef<int64_t> shape = shapeOf(sum.value);
    if (shape.size() <= found.rowDimensions) {
      sum.isVector = false;
      found.hasSeparateLanes = false;
    }
    // The scan knows how many rows there are.
    if (llvm::any_of(shape.drop_front(
                         std::min<size_t>(found.rowDimensions, shape.size())),
                     ShapedType::isDynamic))
      return refuse("the size of a sum is not known");
  }
  // With fewer row dimensions the last one may be a lane after all, but one
  // that is vectorised along must not be a row's.
  for (auto [i, output] : llvm::enumerate(yielded.drop_front(states)))
    if (!found.fusedWith[i] && shapeOf(output).size() <= found.rowDimensions) {
      found.isVector[i] = false;
      found.hasSeparateLanes = false;
    }
  return found;
}

llvm::Expected<ScanStructure> ScanStructure::analyse(ScanOp scan) {
  return Analysis(scan).run();
}
