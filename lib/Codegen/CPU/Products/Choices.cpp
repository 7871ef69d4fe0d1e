//===- Choices.cpp - How products and convolutions are computed -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "MergedPixels.h"
#include "dialects/Kernel/PackedForms.h"
#include "dialects/Sluice/Weights.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/CpuChoices.h"
#include "sluice/Codegen/CPU/Products/Configurations.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/CPU/Products/TilingOverrides.h"

using namespace mlir;
using namespace sluice;

/// The weights of an anchor in the graph, if its kernel can have them in an
/// order of its own.
static Value findPackableWeights(WeightsOpInterface anchor,
                                 const KernelGroup &group) {
  Value weights = group.getSource(anchor.getWeightsOperand().get());
  return arePackable(anchor, weights) ? weights : Value();
}

/// What no micro-kernel computes is computed element by element, alone.
static llvm::Expected<KernelMatch> chooseElements(const KernelGroup &group,
                                                  StringRef unpacked = {}) {
  if (group.result != group.anchor->getResult(0))
    return llvm::createStringError("it is computed element by element");
  KernelMatch match{group.anchor->getName().stripDialect().str()};
  match.unpacked = unpacked.str();
  return match;
}

/// The configuration of a product, with the group's result.
static kernel::CpuContractionAttr configure(ContractionSpec spec,
                                            const KernelGroup &group,
                                            const MachineModel &machine) {
  spec.types = withResult(spec.types, elementTypeOf(group.result));
  ContractionTiling tiling = chooseContractionTiling(
      spec, machine, getContractionOverrides(group.tiling));
  tiling.unit.emulated = group.emulatesDotUnits;
  return getConfiguration(group.anchor->getContext(), tiling);
}

/// Would a product of 32-bit integers with these weights multiply narrower ones
/// faster?
static bool wantsNarrowLhs(Value product, Type weightsElement) {
  return elementTypeOf(product).isInteger(32) &&
         isNarrowInteger(weightsElement);
}

static llvm::Expected<KernelMatch> chooseMatmul(const KernelGroup &group,
                                                const MachineModel &machine) {
  auto op = cast<MatmulOp>(group.anchor);
  Value weights = findPackableWeights(op, group);
  Type weightsElement = weights ? getKeptType(weights).getElementType()
                                : elementTypeOf(op.getRhs());
  Value lhs = op.getLhs();
  if (weights)
    lhs = kernel::skipWidening(lhs, weightsElement);
  auto types =
      getProductTypes(elementTypeOf(lhs), weightsElement, elementTypeOf(op));
  if (!types)
    return chooseElements(group);
  KernelMatch match{"matmul"};
  // Packed weights save more than it costs to transpose the other operand.
  if (weights && op.getTransposeLhs()) {
    match.turned = {0};
    return match;
  }
  if (weights && !group.isNarrowed &&
      wantsNarrowLhs(op.getResult(), weightsElement)) {
    match.narrowed = {0};
    return match;
  }
  ArrayRef<int64_t> rhs = shapeOf(op.getRhs());
  int64_t columns = op.getTransposeRhs() ? rhs[rhs.size() - 2] : rhs.back();
  ContractionSpec spec =
      weights ? getPackedSpec(*types, shapeOf(op.getLhs()), columns)
              : getContractionSpec(op, *types);
  kernel::CpuContractionAttr config = configure(spec, group, machine);
  match.config = config;
  if (weights)
    match.packing.push_back({1, getPacking(config, op.getTransposeRhs())});
  return match;
}

static llvm::Expected<KernelMatch>
choosePackedMatmul(const KernelGroup &group, const MachineModel &machine) {
  KernelMatch match{"packed_matmul"};
  match.config =
      configure(getContractionSpec(cast<kernel::PackedMatmulOp>(group.anchor)),
                group, machine);
  return match;
}

static llvm::Expected<KernelMatch>
chooseGroupedMatmul(const KernelGroup &group, const MachineModel &machine) {
  auto op = cast<GroupedMatmulOp>(group.anchor);
  Value weights = findPackableWeights(op, group);
  Type weightsElement = weights ? getKeptType(weights).getElementType()
                                : elementTypeOf(op.getWeights());
  auto types = getProductTypes(elementTypeOf(op.getLhs()), weightsElement,
                               elementTypeOf(op.getResult()));
  if (!types)
    return llvm::createStringError(noDotUnit.str());
  KernelMatch match{"grouped_matmul"};
  kernel::CpuContractionAttr config = configure(
      weights ? getPackedSpec(op, *types) : getContractionSpec(op, *types),
      group, machine);
  match.config = config;
  if (weights)
    match.packing.push_back({1, getPacking(config, op.getTransposeRhs())});
  return match;
}

static llvm::Expected<KernelMatch>
choosePackedGroupedMatmul(const KernelGroup &group,
                          const MachineModel &machine) {
  KernelMatch match{"packed_grouped_matmul"};
  match.config = configure(
      getContractionSpec(cast<kernel::PackedGroupedMatmulOp>(group.anchor)),
      group, machine);
  return match;
}

static void emulateUnits(ConvolutionTiling &tiling) {
  tiling.unit.emulated = tiling.contraction.unit.emulated = true;
  for (ConvolutionTiling &phase : tiling.phases)
    emulateUnits(phase);
}

/// The configuration of a convolution, with the group's result.
static kernel::CpuConvolutionAttr configure(ConvolutionSpec spec,
                                            const KernelGroup &group,
                                            const MachineModel &machine) {
  spec.types = withResult(spec.types, elementTypeOf(group.result));
  ConvolutionTiling tiling = chooseConvolutionTiling(
      spec, machine, getConvolutionOverrides(group.tiling));
  if (group.emulatesDotUnits)
    emulateUnits(tiling);
  return getConfiguration(group.anchor->getContext(), tiling);
}

template <typename OpTy>
static llvm::Expected<KernelMatch>
chooseConvolution(const KernelGroup &group, const MachineModel &machine) {
  auto op = cast<OpTy>(group.anchor);
  Value weights = findPackableWeights(op, group);
  if (!weights)
    return chooseElements(group);
  Type weightsElement = getKeptType(weights).getElementType();
  Value input = kernel::skipWidening(op.getInput(), weightsElement);
  auto types =
      getProductTypes(elementTypeOf(input), weightsElement, elementTypeOf(op));
  ConvolutionSpec spec = getConvolutionSpec(
      *types, cast<RankedTensorType>(op.getInput().getType()), op.getType(),
      shapeOf(op.getWeight()).drop_front(2), op.getStrides(), op.getDilations(),
      op.getPads(), op.getGroups());
  spec.transposed = std::is_same_v<OpTy, ConvTransposeOp>;
  // Every phase of a transposed convolution is code of its own.
  constexpr int64_t mostPhases = 16;
  if (spec.transposed && countTransposedPhases(spec) > mostPhases)
    return chooseElements(group, "the strides make too many phases");
  KernelMatch match{group.anchor->getName().stripDialect().str()};
  if constexpr (std::is_same_v<OpTy, ConvOp>) {
    if (!group.tiling)
      match.mergedPixels = countMergedPixels(op, weights, machine);
    if (match.mergedPixels > 1)
      return match;
  }
  if (!group.isNarrowed && wantsNarrowLhs(op.getResult(), weightsElement)) {
    match.narrowed = {0};
    return match;
  }
  kernel::CpuConvolutionAttr config = configure(spec, group, machine);
  match.config = config;
  match.packing.push_back({1, getPacking(config, spec)});
  return match;
}

template <typename OpTy>
static llvm::Expected<KernelMatch>
choosePackedConvolution(const KernelGroup &group, const MachineModel &machine) {
  KernelMatch match{group.anchor->getName().stripDialect().str()};
  match.config =
      configure(getConvolutionSpec(cast<OpTy>(group.anchor)), group, machine);
  return match;
}

/// A table that a product has in panels, its rows as columns, is not kept a
/// second time to be looked up.
static SmallVector<OperandPacking, 1> adoptPanels(const KernelGroup &group,
                                                  KnownPackings known) {
  auto op = cast<GatherOp>(group.anchor);
  Value table = group.getSource(op.getOperand());
  if (op.getAxis() != 0 || shapeOf(table).size() != 2 ||
      group.result != op.getResult())
    return {};
  auto packing = known(table);
  auto panels = dyn_cast_if_present<kernel::PanelsAttr>(packing);
  if (!panels || !panels.getTransposed())
    return {};
  return {{0, packing}};
}

void sluice::registerProductChoices(CpuChoices &choices) {
  choices.add<MatmulOp>(chooseMatmul);
  choices.add<GroupedMatmulOp>(chooseGroupedMatmul);
  choices.add<ConvOp>(chooseConvolution<ConvOp>);
  choices.add<ConvTransposeOp>(chooseConvolution<ConvTransposeOp>);
  // Of kernels that are outlined already.
  choices.add<kernel::PackedMatmulOp>(choosePackedMatmul);
  choices.add<kernel::PackedGroupedMatmulOp>(choosePackedGroupedMatmul);
  choices.add<kernel::PackedConvOp>(
      choosePackedConvolution<kernel::PackedConvOp>);
  choices.add<kernel::PackedConvTransposeOp>(
      choosePackedConvolution<kernel::PackedConvTransposeOp>);
  choices.addAdoption<GatherOp>(adoptPanels);
}
