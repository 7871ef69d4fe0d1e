//===- RowSegments.cpp - Rows that elementwise ops compute in parts -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RowSegments.h"
#include <deque>
#include <numeric>

using namespace mlir;
using namespace sluice;

RowPart sluice::getPart(Value result, const RowSegment &segment) {
  return {result, llvm::to_vector(llvm::seq<int64_t>(shapeOf(result).size())),
          segment.places};
}

RowPart sluice::getOperandPart(const RowPart &part, unsigned operand) {
  Value value = part.value.getDefiningOp()->getOperand(operand);
  ArrayRef<int64_t> sizes = shapeOf(value);
  RowPart result{value, {}, part.places};
  llvm::append_range(result.dimensions,
                     ArrayRef(part.dimensions).take_back(sizes.size()));
  // One element serves the whole row.
  if (sizes.empty() || sizes.back() == 1)
    result.places = {};
  return result;
}

namespace {

/// A piece that has the first element of a part, or all of it.
struct FoundPiece {
  RowPiece piece;
  /// Which element of the piece the part begins with, and how far apart its
  /// elements are in there.
  RowPlaces inside;
  /// How many of the part's elements the piece has.
  int64_t size;
  /// So many elements in turns belong to different pieces; 1 where the first
  /// `size` ones all belong to this.
  int64_t turns;
};

} // namespace

static FoundPiece findPiece(const RowMovement &movement, const RowPart &part) {
  for (const RowPiece &piece : movement.pieces) {
    int64_t distance = part.places.start - piece.to.start;
    if (distance < 0 || distance % piece.to.step != 0 ||
        distance / piece.to.step >= piece.size)
      continue;
    RowPlaces inside{distance / piece.to.step,
                     part.places.step / piece.to.step};
    int64_t turns = piece.to.step / std::gcd(part.places.step, piece.to.step);
    int64_t size = 1;
    if (turns == 1)
      size = (piece.size - inside.start + inside.step - 1) / inside.step;
    return {piece, inside, size, turns};
  }
  llvm_unreachable("an element of a row belongs to no piece");
}

static std::optional<RowMovement> getMovement(const RowPart &part) {
  auto op = part.value.getDefiningOp<RowMovementOpInterface>();
  return op ? op.getRowMovement() : std::nullopt;
}

static RowPart getSource(const RowPart &part, const RowMovement &movement,
                         const FoundPiece &found) {
  const RowPlaces &from = found.piece.from;
  RowPart source{part.value.getDefiningOp()->getOperand(found.piece.operand),
                 part.dimensions,
                 {from.start + found.inside.start * from.step,
                  found.inside.step * from.step}};
  for (auto [to, dimension] : llvm::enumerate(movement.order))
    source.dimensions[dimension] = part.dimensions[to];
  return source;
}

RowPart sluice::getMovedPart(const RowPart &part) {
  auto movement = getMovement(part);
  if (!movement)
    return {};
  return getSource(part, *movement, findPiece(*movement, part));
}

namespace {

/// Collects what a segment is computed from.
class PartCollector {
public:
  explicit PartCollector(int64_t size) : size(size) {}

  /// False where a part belongs to several pieces: `cut` tells of the first.
  bool collect(const RowPart &part) {
    if (llvm::is_contained(parts, part))
      return true;
    Operation *op = part.value.getDefiningOp();
    if (auto movement = getMovement(part)) {
      FoundPiece found = findPiece(*movement, part);
      if (found.turns > 1 || found.size < size) {
        cut = found;
        return false;
      }
      if (!collect(getSource(part, *movement, found)))
        return false;
    } else if (op) {
      for (unsigned i = 0; i < op->getNumOperands(); ++i)
        if (!collect(getOperandPart(part, i)))
          return false;
    }
    parts.push_back(part);
    return true;
  }

  SmallVector<RowPart> parts;
  std::optional<FoundPiece> cut;

private:
  int64_t size;
};

} // namespace

SmallVector<RowSegment> sluice::findSegments(Value result) {
  SmallVector<RowSegment> segments;
  std::deque<RowSegment> left{{{}, shapeOf(result).back()}};
  while (!left.empty()) {
    RowSegment segment = left.front();
    left.pop_front();
    auto [start, step] = segment.places;
    int64_t size = segment.size;
    // Parts of rows move where sizes are known.
    PartCollector collector(size);
    if (ShapedType::isDynamic(size) ||
        collector.collect(getPart(result, segment))) {
      segments.push_back(segment);
      continue;
    }
    const FoundPiece &cut = *collector.cut;
    if (cut.turns == 1) {
      left.push_front({{start + cut.size * step, step}, size - cut.size});
      left.push_front({{start, step}, cut.size});
      continue;
    }
    for (int64_t i = std::min(cut.turns, size); i-- > 0;)
      left.push_front({{start + i * step, step * cut.turns},
                       (size - i + cut.turns - 1) / cut.turns});
  }
  return segments;
}

SmallVector<RowPart> sluice::findParts(Value result,
                                       const RowSegment &segment) {
  PartCollector collector(segment.size);
  collector.collect(getPart(result, segment));
  return std::move(collector.parts);
}
