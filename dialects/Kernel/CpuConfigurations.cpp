//===- CpuConfigurations.cpp - How a CPU's kernels are made ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Kernel/Limits.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

#include "dialects/Kernel/ConfigInterface.cpp.inc"

using EmitError = function_ref<InFlightDiagnostic()>;

// A tile is code, repeated for each of its vectors and each unrolled step.
static constexpr int64_t mostLanes = 64, mostRows = 64, mostVectors = 64,
                         mostSteps = 64;
static constexpr int64_t mostElements = int64_t(1) << 31;

/// Blocks are whole tiles.
static LogicalResult verifyWhole(EmitError emitError, StringRef name,
                                 int64_t block, int64_t tile) {
  if (block % tile == 0)
    return success();
  return emitError() << name << " is " << block
                     << ", which is no multiple of the tile's " << tile;
}

/// The cost decides how many tasks there are.
static LogicalResult verifyCost(EmitError emitError, FloatAttr cost) {
  if (!cost || (cost.getType().isF64() && cost.getValue().isFinite() &&
                !cost.getValue().isNegative()))
    return success();
  return emitError() << "block_cost is no time in nanoseconds as an f64";
}

/// Of weights, for messages.
static std::string describeOrder(PackingAttrInterface packing) {
  if (!packing)
    return "the model's order";
  std::string text;
  llvm::raw_string_ostream(text) << packing;
  return text;
}

//===----------------------------------------------------------------------===//
// CpuPanelCopiesAttr
//===----------------------------------------------------------------------===//

LogicalResult CpuPanelCopiesAttr::verify(EmitError emitError, StringRef,
                                         int64_t fewestRows, int64_t depth) {
  return verifyLimits(emitError, {{"fewest_rows", fewestRows, 1, mostElements},
                                  {"depth", depth, 1, mostElements}});
}

//===----------------------------------------------------------------------===//
// CpuContractionAttr
//===----------------------------------------------------------------------===//

LogicalResult CpuContractionAttr::verify(
    EmitError emitError, StringRef, int64_t lanes, bool, int64_t tileRows,
    int64_t tileVectors, int64_t unroll, int64_t prefetchDistance,
    int64_t partialTiles, int64_t rowBlock, int64_t columnBlock,
    std::optional<int64_t> depthBlock, bool rowsOuter, bool, bool, bool, bool,
    CpuPanelCopiesAttr copies, FloatAttr blockCost) {
  if (failed(verifyLimits(
          emitError,
          {{"lanes", lanes, 1, mostLanes},
           {"tile_rows", tileRows, 1, mostRows},
           {"tile_vectors", tileVectors, 1, mostVectors},
           {"unroll", unroll, 1, mostSteps},
           {"prefetch_distance", prefetchDistance, 0, mostElements},
           {"partial_tiles", partialTiles, 1, mostRows},
           {"row_block", rowBlock, 1, mostElements},
           {"column_block", columnBlock, 1, mostElements},
           {"depth_block", depthBlock.value_or(1), 1, mostElements}})))
    return failure();
  if (failed(verifyWhole(emitError, "row_block", rowBlock, tileRows)) ||
      failed(verifyWhole(emitError, "column_block", columnBlock,
                         tileVectors * lanes)))
    return failure();
  if (copies && rowsOuter)
    return emitError() << "copies of panels serve all rows of a block, which "
                          "rows_outer does not allow";
  return verifyCost(emitError, blockCost);
}

LogicalResult CpuContractionAttr::verifyPacking(PackingAttrInterface packing,
                                                EmitError emitError) const {
  // From which side a matrix was read makes no difference to its panels.
  auto panels = dyn_cast_if_present<PanelsAttr>(packing);
  int64_t width = getTileVectors() * getLanes();
  if (panels && panels.getWidth() == width)
    return success();
  auto error = emitError() << "the kernel's configuration reads panels of "
                           << width << " columns, not ";
  return error << describeOrder(packing);
}

//===----------------------------------------------------------------------===//
// CpuConvolutionAttr
//===----------------------------------------------------------------------===//

LogicalResult
CpuConvolutionAttr::verify(EmitError emitError, StringRef method, StringRef,
                           int64_t lanes, bool, CpuContractionAttr contraction,
                           int64_t mergedGroups, int64_t tilePixels,
                           int64_t tileVectors, int64_t unroll, bool, bool,
                           int64_t lineBlock, int64_t channelBlock, bool, bool,
                           bool, ArrayAttr phases, FloatAttr blockCost) {
  if (!llvm::is_contained({"contraction", "implicit", "depthwise", "phases"},
                          method))
    return emitError() << "there is no method '" << method
                       << "'; there are: contraction, implicit, depthwise, "
                          "phases";
  if (failed(verifyLimits(emitError,
                          {{"lanes", lanes, 1, mostLanes},
                           {"merged_groups", mergedGroups, 1, mostElements},
                           {"tile_pixels", tilePixels, 1, mostRows},
                           {"tile_vectors", tileVectors, 1, mostVectors},
                           {"unroll", unroll, 1, mostSteps},
                           {"line_block", lineBlock, 1, mostElements},
                           {"channel_block", channelBlock, 1, mostElements}})))
    return failure();
  if ((method == "contraction") != static_cast<bool>(contraction))
    return emitError() << "the method contraction, and no other, needs a "
                          "configuration of the product";
  if ((method == "phases") != static_cast<bool>(phases))
    return emitError() << "the method phases, and no other, needs a "
                          "configuration for each phase";
  for (Attribute phase : phases ? phases.getValue() : ArrayRef<Attribute>()) {
    auto convolution = dyn_cast<CpuConvolutionAttr>(phase);
    if (!convolution || convolution.getMethod() == "phases")
      return emitError() << "a phase must be configured as an ordinary "
                            "convolution, not as "
                         << phase;
  }
  return verifyCost(emitError, blockCost);
}

/// Whether a convolution with this configuration reads weights in this order.
static bool fits(CpuConvolutionAttr config, Attribute packing) {
  if (config.getMethod() == "depthwise") {
    auto vectors = dyn_cast<ChannelVectorsAttr>(packing);
    return vectors && vectors.getLanes() == config.getLanes();
  }
  if (config.getMethod() != "phases") {
    auto panels = dyn_cast<ConvolutionPanelsAttr>(packing);
    return panels && panels.getWidth() == config.getWidth() &&
           panels.getMergedGroups() == config.getMergedGroups();
  }
  auto transposed = dyn_cast<TransposedConvolutionAttr>(packing);
  return transposed &&
         transposed.getPhases().size() == config.getPhases().size() &&
         llvm::all_of(llvm::zip(config.getPhases(), transposed.getPhases()),
                      [](auto pair) {
                        auto [phase, order] = pair;
                        return fits(cast<CpuConvolutionAttr>(phase), order);
                      });
}

LogicalResult CpuConvolutionAttr::verifyPacking(PackingAttrInterface packing,
                                                EmitError emitError) const {
  if (packing && fits(*this, packing))
    return success();
  auto error = emitError() << "the kernel's configuration, " << *this
                           << ", does not read weights in ";
  if (packing)
    error << "the order ";
  return error << describeOrder(packing);
}

//===----------------------------------------------------------------------===//
// CpuRecurrenceAttr
//===----------------------------------------------------------------------===//

LogicalResult CpuRecurrenceAttr::verify(EmitError emitError, int64_t lanes,
                                        int64_t tileSequences,
                                        int64_t sequenceBlock, int64_t unroll,
                                        int64_t fewestSums) {
  if (failed(verifyLimits(emitError,
                          {{"lanes", lanes, 1, mostLanes},
                           {"tile_sequences", tileSequences, 1, mostRows},
                           {"sequence_block", sequenceBlock, 1, mostElements},
                           {"unroll", unroll, 1, mostSteps},
                           {"fewest_sums", fewestSums, 1, mostRows}})))
    return failure();
  return verifyWhole(emitError, "sequence_block", sequenceBlock, tileSequences);
}

LogicalResult CpuRecurrenceAttr::verifyPacking(PackingAttrInterface packing,
                                               EmitError emitError) const {
  auto gates = dyn_cast_if_present<GatesAttr>(packing);
  if (gates && gates.getLanes() == getLanes())
    return success();
  auto error = emitError() << "the kernel's configuration reads gates in "
                              "vectors of "
                           << getLanes() << " units, not ";
  return error << describeOrder(packing);
}

//===----------------------------------------------------------------------===//
// CpuAttentionAttr
//===----------------------------------------------------------------------===//

LogicalResult CpuAttentionAttr::verify(EmitError emitError, int64_t lanes,
                                       int64_t tileRows, int64_t tileVectors,
                                       int64_t unroll, int64_t queryBlock,
                                       int64_t keyBlock, bool, int64_t split,
                                       CpuAttentionAttr fewRows) {
  if (failed(verifyLimits(emitError,
                          {{"lanes", lanes, 1, mostLanes},
                           {"tile_rows", tileRows, 1, mostRows},
                           {"tile_vectors", tileVectors, 1, mostVectors},
                           {"unroll", unroll, 1, mostSteps},
                           {"query_block", queryBlock, 1, mostElements},
                           {"key_block", keyBlock, 1, mostElements},
                           {"split", split, 0, mostElements}})))
    return failure();
  if (fewRows && fewRows.getFewRows() &&
      fewRows.getFewRows().getQueryBlock() >= fewRows.getQueryBlock())
    return emitError() << "few_rows of few_rows are no fewer";
  return verifyWhole(emitError, "split", split, keyBlock);
}

LogicalResult CpuAttentionAttr::verifyPacking(PackingAttrInterface packing,
                                              EmitError emitError) const {
  if (!packing)
    return success();
  return emitError() << "an attention reads no constants in "
                     << describeOrder(packing);
}
