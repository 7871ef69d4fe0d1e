//===- PackedWeights.cpp - From packed ops to kernel specs ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/Products/TilingOverrides.h"

using namespace mlir;
using namespace sluice;

static int64_t toSpecSize(int64_t size) {
  return ShapedType::isDynamic(size) ? kDynamicSize : size;
}

std::optional<ProductTypes> sluice::getProductTypes(Type lhs, Type rhs,
                                                    Type result) {
  Type sum = getSumType(lhs, rhs, result);
  if (!sum)
    return std::nullopt;
  return ProductTypes{*getNumberKind(lhs), *getNumberKind(rhs),
                      *getNumberKind(sum), *getNumberKind(result)};
}

std::optional<ProductTypes> sluice::getProductTypes(Operation *op) {
  if (op->getNumOperands() < 2 || op->getNumResults() != 1)
    return std::nullopt;
  return getProductTypes(elementTypeOf(op->getOperand(0)),
                         elementTypeOf(op->getOperand(1)),
                         elementTypeOf(op->getResult(0)));
}

ProductTypes sluice::withResult(ProductTypes types, Type stored) {
  types.result = getNumberKind(stored).value_or(types.result);
  return types;
}

/// The types of an op whose weights are packed already, so that it has some.
static ProductTypes getPackedTypes(Operation *op) {
  return getProductTypes(op).value_or(ProductTypes());
}

ContractionSpec sluice::getContractionSpec(PackedMatmulOp op, int64_t depth) {
  ContractionSpec spec;
  spec.types = getPackedTypes(op);
  // One packed matrix serves all rows, whatever their dimensions.
  spec.rows = 1;
  for (int64_t size : shapeOf(op.getLhs()).drop_back()) {
    if (ShapedType::isDynamic(size)) {
      spec.rows = kDynamicSize;
      break;
    }
    spec.rows *= size;
  }
  spec.columns = op.getColumns();
  spec.depth = depth;
  spec.packedB = true;
  return spec;
}

ConvolutionSpec sluice::getConvolutionSpec(
    const ProductTypes &types, RankedTensorType input, RankedTensorType result,
    ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
    ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads, int64_t groups) {
  ConvolutionSpec spec;
  spec.types = types;
  int64_t spatialRank = kernel.size();
  spec.batch = toSpecSize(input.getDimSize(0));
  for (int64_t i = 0; i < spatialRank; ++i) {
    spec.inputSizes.push_back(toSpecSize(input.getDimSize(1 + i)));
    spec.outputSizes.push_back(toSpecSize(result.getDimSize(1 + i)));
  }
  spec.kernelSizes = kernel.vec();
  spec.strides = strides.vec();
  spec.dilations = dilations.vec();
  spec.padsBegin = pads.take_front(spatialRank).vec();
  spec.padsEnd = pads.drop_front(spatialRank).vec();
  spec.groups = groups;
  spec.inputChannels = input.getShape().back() / groups;
  spec.outputChannels = result.getShape().back() / groups;
  return spec;
}

ConvolutionSpec sluice::getConvolutionSpec(PackedConvOp op) {
  return getConvolutionSpec(getPackedTypes(op),
                            cast<RankedTensorType>(op.getInput().getType()),
                            op.getType(), op.getKernel(), op.getStrides(),
                            op.getDilations(), op.getPads(), op.getGroups());
}

ConvolutionSpec sluice::getConvolutionSpec(PackedConvTransposeOp op) {
  ConvolutionSpec spec = getConvolutionSpec(
      getPackedTypes(op), cast<RankedTensorType>(op.getInput().getType()),
      op.getType(), op.getKernel(), op.getStrides(), op.getDilations(),
      op.getPads(), op.getGroups());
  spec.transposed = true;
  return spec;
}

static int64_t getPanelWidth(int64_t columns, const ProductTypes &types,
                             kernel::TilingAttr tiling,
                             const MachineModel &machine) {
  DotUnitModel unit = chooseDotUnit(types, machine);
  if (tiling && tiling.getTileVectors())
    return *tiling.getTileVectors() * unit.lanes;
  return choosePanelWidth(columns, unit, machine);
}

kernel::PackingAttrInterface
sluice::getMatrixPacking(MLIRContext *context, int64_t columns, bool transposed,
                         const ProductTypes &types, kernel::TilingAttr tiling,
                         const MachineModel &machine) {
  return cast<kernel::PackingAttrInterface>(kernel::PanelsAttr::get(
      context, getPanelWidth(columns, types, tiling, machine), transposed));
}

kernel::PackingAttrInterface sluice::getPlainMatrixPacking(MLIRContext *context,
                                                           int64_t columns,
                                                           bool transposed) {
  if (!transposed)
    return nullptr;
  // One panel of all columns has the order of the matrix.
  return cast<kernel::PackingAttrInterface>(
      kernel::PanelsAttr::get(context, columns, transposed));
}

kernel::PackingAttrInterface
sluice::getGatePacking(MLIRContext *context, int64_t gates, int64_t lanes) {
  return cast<kernel::PackingAttrInterface>(
      kernel::GatesAttr::get(context, gates, lanes));
}

/// What of a convolution's tiles decides about the order of its weights.
static Attribute getEncoding(MLIRContext *context, const ConvolutionSpec &spec,
                             const ConvolutionTiling &tiling) {
  if (tiling.method == ConvolutionTiling::Method::Depthwise)
    return kernel::ChannelVectorsAttr::get(context, tiling.lanes);
  if (tiling.method != ConvolutionTiling::Method::Phases)
    return kernel::ConvolutionPanelsAttr::get(context, tiling.width(),
                                              spec.groups, tiling.mergedGroups);
  SmallVector<Attribute> phases;
  for (const ConvolutionTiling &phase : tiling.phases)
    phases.push_back(getEncoding(context, spec, phase));
  Builder builder(context);
  return kernel::TransposedConvolutionAttr::get(
      context, builder.getDenseI64ArrayAttr(spec.strides),
      builder.getDenseI64ArrayAttr(spec.dilations),
      builder.getDenseI64ArrayAttr(spec.padsBegin), spec.groups,
      builder.getArrayAttr(phases));
}

kernel::PackingAttrInterface
sluice::getConvolutionPacking(MLIRContext *context, const ConvolutionSpec &spec,
                              kernel::TilingAttr tiling,
                              const MachineModel &machine) {
  ConvolutionTiling chosen =
      chooseConvolutionTiling(spec, machine, getConvolutionOverrides(tiling));
  return cast<kernel::PackingAttrInterface>(getEncoding(context, spec, chosen));
}

bool sluice::fitsPacking(Operation *op, kernel::TilingAttr tiling,
                         kernel::PackingAttrInterface packing,
                         const MachineModel &machine) {
  auto fits = [&](const ConvolutionSpec &spec) {
    return packing ==
           getConvolutionPacking(op->getContext(), spec, tiling, machine);
  };
  if (auto conv = dyn_cast<PackedConvOp>(op))
    return fits(getConvolutionSpec(conv));
  if (auto conv = dyn_cast<PackedConvTransposeOp>(op))
    return fits(getConvolutionSpec(conv));
  auto panels = dyn_cast_if_present<kernel::PanelsAttr>(packing);
  int64_t columns = cast<PackedMatmulOp>(op).getColumns();
  // From which side the matrix was read makes no difference to its panels.
  return panels &&
         panels.getWidth() ==
             getPanelWidth(columns, getPackedTypes(op), tiling, machine);
}
