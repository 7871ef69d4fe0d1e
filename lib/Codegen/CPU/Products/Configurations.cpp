//===- Configurations.cpp - Tilings as attributes of kernels --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/KernelConfiguration.h"

using namespace mlir;
using namespace sluice;

static constexpr int64_t wholeDepth = std::numeric_limits<int64_t>::max();

//===----------------------------------------------------------------------===//
// From tilings
//===----------------------------------------------------------------------===//

static FloatAttr getCost(MLIRContext *context, double nanoseconds) {
  return FloatAttr::get(Float64Type::get(context), nanoseconds);
}

static kernel::CpuPanelCopiesAttr
getCopies(MLIRContext *context, const std::optional<PanelCopies> &copies) {
  if (!copies)
    return {};
  return kernel::CpuPanelCopiesAttr::get(context,
                                         getDotUnitName(copies->unit.kind),
                                         copies->fewestRows, copies->depth);
}

kernel::CpuContractionAttr
sluice::getConfiguration(MLIRContext *context,
                         const ContractionTiling &tiling) {
  std::optional<int64_t> depthBlock;
  if (tiling.depthBlock != wholeDepth)
    depthBlock = tiling.depthBlock;
  return kernel::CpuContractionAttr::get(
      context, getDotUnitName(tiling.unit.kind), tiling.lanes,
      tiling.unit.emulated, tiling.tileRows, tiling.tileVectors, tiling.unroll,
      tiling.prefetchDistance, tiling.partialTiles, tiling.rowBlock,
      tiling.columnBlock, depthBlock, tiling.rowsOuter, tiling.fetchPanels,
      tiling.fetchRows, tiling.fetchResult, tiling.packB,
      getCopies(context, tiling.copies), getCost(context, tiling.blockCost));
}

namespace {
struct NamedMethod {
  ConvolutionTiling::Method method;
  StringLiteral name;
};
} // namespace

static constexpr NamedMethod namedMethods[] = {
    {ConvolutionTiling::Method::Contraction, "contraction"},
    {ConvolutionTiling::Method::Implicit, "implicit"},
    {ConvolutionTiling::Method::Depthwise, "depthwise"},
    {ConvolutionTiling::Method::Phases, "phases"}};

kernel::CpuConvolutionAttr
sluice::getConfiguration(MLIRContext *context,
                         const ConvolutionTiling &tiling) {
  using Method = ConvolutionTiling::Method;
  StringRef method = llvm::find_if(namedMethods, [&](const NamedMethod &named) {
                       return named.method == tiling.method;
                     })->name;
  kernel::CpuContractionAttr contraction;
  if (tiling.method == Method::Contraction)
    contraction = getConfiguration(context, tiling.contraction);
  ArrayAttr phases;
  if (tiling.method == Method::Phases) {
    SmallVector<Attribute> each;
    for (const ConvolutionTiling &phase : tiling.phases)
      each.push_back(getConfiguration(context, phase));
    phases = ArrayAttr::get(context, each);
  }
  return kernel::CpuConvolutionAttr::get(
      context, method, getDotUnitName(tiling.unit.kind), tiling.lanes,
      tiling.unit.emulated, contraction, tiling.mergedGroups, tiling.tilePixels,
      tiling.tileVectors, tiling.unroll, tiling.copyWeights, tiling.copyPadded,
      tiling.lineBlock, tiling.channelBlock, tiling.channelsOuter,
      tiling.fetchLines, tiling.fetchResult, phases,
      getCost(context, tiling.blockCost));
}

//===----------------------------------------------------------------------===//
// Back to tilings
//===----------------------------------------------------------------------===//

static FailureOr<DotUnitModel::Kind> readUnitKind(Operation *op,
                                                  StringRef name) {
  if (auto kind = findDotUnit(name))
    return *kind;
  return op->emitError("there is no dot unit '") << name << "'";
}

/// The unit that a configuration names, of copies or of what is in memory.
template <typename AttrTy>
static FailureOr<DotUnitModel>
readUnit(Operation *op, AttrTy config, const ProductTypes &types,
         const MachineModel &machine, bool readsCopies) {
  auto kind = readUnitKind(op, config.getUnit());
  if (failed(kind))
    return failure();
  auto unit = readsCopies ? getDotUnitOfCopies(*kind, types, machine)
                          : getDotUnit(*kind, types, machine);
  if (!unit || unit->lanes != config.getLanes())
    return op->emitError("the target has no dot unit '")
           << config.getUnit() << "' of " << config.getLanes()
           << " lanes for these elements";
  unit->emulated = config.getEmulated();
  return *unit;
}

static FailureOr<PanelCopies> readCopies(Operation *op,
                                         kernel::CpuPanelCopiesAttr config,
                                         const ContractionSpec &spec,
                                         const MachineModel &machine) {
  auto kind = readUnitKind(op, config.getUnit());
  if (failed(kind))
    return failure();
  auto unit = getDotUnitOfCopies(*kind, spec.types, machine);
  if (!unit)
    return op->emitError("the target has no dot unit '")
           << config.getUnit() << "' for copies of these elements";
  PanelCopies copies = makePanelCopies(*unit, spec);
  copies.fewestRows = config.getFewestRows();
  copies.depth = config.getDepth();
  return copies;
}

static double readCost(FloatAttr cost) {
  return cost ? cost.getValueAsDouble() : 0;
}

static FailureOr<ContractionTiling>
readTiling(Operation *op, kernel::CpuContractionAttr config,
           const ContractionSpec &spec, const MachineModel &machine,
           bool readsCopies = false) {
  auto unit = readUnit(op, config, spec.types, machine, readsCopies);
  if (failed(unit))
    return failure();
  ContractionTiling tiling;
  tiling.unit = *unit;
  tiling.lanes = config.getLanes();
  tiling.tileRows = config.getTileRows();
  tiling.tileVectors = config.getTileVectors();
  tiling.unroll = config.getUnroll();
  tiling.prefetchDistance = config.getPrefetchDistance();
  tiling.partialTiles = config.getPartialTiles();
  tiling.rowBlock = config.getRowBlock();
  tiling.columnBlock = config.getColumnBlock();
  tiling.depthBlock = config.getDepthBlock().value_or(wholeDepth);
  tiling.rowsOuter = config.getRowsOuter();
  tiling.fetchPanels = config.getFetchPanels();
  tiling.fetchRows = config.getFetchRows();
  tiling.fetchResult = config.getFetchResult();
  tiling.packB = config.getPackRhs();
  tiling.blockCost = readCost(config.getBlockCost());
  if (auto panels = config.getCopies()) {
    auto copies = readCopies(op, panels, spec, machine);
    if (failed(copies))
      return failure();
    tiling.copies = *copies;
  }
  return tiling;
}

static FailureOr<ConvolutionTiling>
readTiling(Operation *op, kernel::CpuConvolutionAttr config,
           const ConvolutionSpec &spec, const MachineModel &machine) {
  ConvolutionTiling tiling;
  tiling.method = llvm::find_if(namedMethods, [&](const NamedMethod &named) {
                    return named.name == config.getMethod();
                  })->method;
  tiling.lanes = config.getLanes();
  if (tiling.method != ConvolutionTiling::Method::Phases) {
    auto unit =
        readUnit(op, config, spec.types, machine, config.getCopyWeights());
    if (failed(unit))
      return failure();
    tiling.unit = *unit;
  }
  if (auto product = config.getContraction()) {
    auto contraction = readTiling(op, product, getContraction(spec), machine,
                                  config.getCopyWeights());
    if (failed(contraction))
      return failure();
    tiling.contraction = *contraction;
  }
  tiling.mergedGroups = config.getMergedGroups();
  tiling.tilePixels = config.getTilePixels();
  tiling.tileVectors = config.getTileVectors();
  tiling.unroll = config.getUnroll();
  tiling.copyWeights = config.getCopyWeights();
  tiling.copyPadded = config.getCopyPadded();
  tiling.lineBlock = config.getLineBlock();
  tiling.channelBlock = config.getChannelBlock();
  tiling.channelsOuter = config.getChannelsOuter();
  tiling.fetchLines = config.getFetchLines();
  tiling.fetchResult = config.getFetchResult();
  tiling.blockCost = readCost(config.getBlockCost());
  if (ArrayAttr phases = config.getPhases())
    for (Attribute attribute : phases) {
      auto phase = readTiling(op, cast<kernel::CpuConvolutionAttr>(attribute),
                              spec, machine);
      if (failed(phase))
        return failure();
      tiling.phases.push_back(std::move(*phase));
    }
  return tiling;
}

/// The tiling of the kernel around an op, if it fits the op's spec.
template <typename AttrTy, typename SpecTy>
static auto readKernelTiling(Operation *op, const SpecTy &spec,
                             const MachineModel &machine)
    -> decltype(readTiling(op, AttrTy(), spec, machine)) {
  auto config = readConfiguration<AttrTy>(op);
  if (failed(config))
    return failure();
  auto tiling = readTiling(op, *config, spec, machine);
  if (failed(tiling))
    return failure();
  StringRef misfit = explainMisfit(spec, *tiling);
  if (!misfit.empty())
    return op->emitError("the configuration of its kernel does not fit: ")
           << misfit;
  return tiling;
}

FailureOr<ContractionTiling>
sluice::readContractionTiling(Operation *op, const ContractionSpec &spec,
                              const MachineModel &machine) {
  return readKernelTiling<kernel::CpuContractionAttr>(op, spec, machine);
}

FailureOr<ConvolutionTiling>
sluice::readConvolutionTiling(Operation *op, const ConvolutionSpec &spec,
                              const MachineModel &machine) {
  return readKernelTiling<kernel::CpuConvolutionAttr>(op, spec, machine);
}
