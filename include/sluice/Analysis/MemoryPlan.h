//===- MemoryPlan.h - Places of buffers in one workspace --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Buffers that are in use at the same time must not share bytes. Where all
// sizes are known, `placeBySize` gives every buffer its offset. Where sizes are
// only known in the run, a placement for some sizes is made into a
// `StackedPlan`, which says no more than which buffer lies above which others.
// That holds for any sizes, and offsets follow from it in a number of steps
// that is linear in the number of buffers.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_MEMORYPLAN_H
#define SLUICE_ANALYSIS_MEMORYPLAN_H

#include "sluice/Analysis/BufferLiveness.h"
#include <vector>

namespace sluice {

/// Offsets in bytes, one for each buffer, and the bytes of the whole.
struct Placement {
  std::vector<int64_t> offsets;
  int64_t total = 0;
};

/// Places the largest first, those of one size in order, each at the lowest
/// offset where it meets no other that is in use at the same time (Pisarchyk
/// and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020,
/// greedy by size). All `bytes` are above zero, and so few that they can be
/// added up.
Placement placeBySize(llvm::ArrayRef<LiveRange> ranges,
                      llvm::ArrayRef<int64_t> bytes);

/// The bound of any placement: the most bytes in use at one time.
int64_t mostBytesInUse(llvm::ArrayRef<LiveRange> ranges,
                       llvm::ArrayRef<int64_t> bytes);

/// Which buffers lie above which. Of the buffers in use at one time each rests
/// on the next one below, and so above all of them; over all times these are
/// fewer than three pairs for each buffer, as in any planar graph. Buffers of
/// one size that the placement gave one offset share a cell.
class StackedPlan {
public:
  struct Cell {
    unsigned size = 0; ///< the number of the size
    /// The cells that this one begins behind, in order.
    llvm::SmallVector<unsigned, 2> below;
  };

  /// `sizes` has the number of each buffer's size: where it is the same, so are
  /// the bytes, in the placement and in every run.
  StackedPlan(llvm::ArrayRef<LiveRange> ranges, llvm::ArrayRef<unsigned> sizes,
              const Placement &placement);

  /// Cells come after all that is below them.
  llvm::ArrayRef<Cell> cells() const { return allCells; }
  unsigned cellOf(size_t buffer) const { return cellOfBuffer[buffer]; }
  /// The cells that are on top at some time, in order: the workspace ends with
  /// one of them.
  llvm::ArrayRef<unsigned> top() const { return topCells; }

  /// Offsets for these bytes, one number of bytes for each size: those of the
  /// cells. They are not above those of the placement that the plan was made
  /// of.
  Placement place(llvm::ArrayRef<int64_t> bytesOfSizes) const;

private:
  std::vector<Cell> allCells;
  std::vector<unsigned> cellOfBuffer, topCells;
};

/// A few plans, at most `limit`, one of which needs little memory, whatever the
/// sizes are. `samples` has at least one list of bytes for all sizes. A plan is
/// added where without it some sample needs over a `tolerance` (0.05: 5 %) more
/// than the best known plan for it.
std::vector<StackedPlan>
choosePlans(llvm::ArrayRef<LiveRange> ranges, llvm::ArrayRef<unsigned> sizes,
            llvm::ArrayRef<std::vector<int64_t>> samples, size_t limit,
            double tolerance);

} // namespace sluice

#endif // SLUICE_ANALYSIS_MEMORYPLAN_H
