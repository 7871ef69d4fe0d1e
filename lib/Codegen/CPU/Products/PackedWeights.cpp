//===- PackedWeights.cpp - From packed ops to kernel specs ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"

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

ContractionSpec sluice::getPackedSpec(const ProductTypes &types,
                                      ArrayRef<int64_t> lhs, int64_t columns) {
  ContractionSpec spec;
  spec.types = types;
  spec.rows = 1;
  for (int64_t size : lhs.drop_back()) {
    if (ShapedType::isDynamic(size)) {
      spec.rows = kDynamicSize;
      break;
    }
    spec.rows *= size;
  }
  spec.columns = columns;
  spec.depth = lhs.back();
  spec.packedB = true;
  return spec;
}

ContractionSpec sluice::getContractionSpec(kernel::PackedMatmulOp op) {
  return getPackedSpec(getPackedTypes(op), shapeOf(op.getLhs()),
                       op.getColumns());
}

ContractionSpec sluice::getContractionSpec(MatmulOp op,
                                           const ProductTypes &types) {
  ContractionSpec spec;
  spec.types = types;
  spec.batch = 1;
  ArrayRef<int64_t> result = shapeOf(op), lhs = shapeOf(op.getLhs());
  for (int64_t size : result.drop_back(2))
    spec.batch = ShapedType::isDynamic(size) || spec.batch == kDynamicSize
                     ? kDynamicSize
                     : spec.batch * size;
  spec.rows = toSpecSize(result[result.size() - 2]);
  spec.columns = toSpecSize(result.back());
  spec.depth = toSpecSize(lhs[lhs.size() - (op.getTransposeLhs() ? 2 : 1)]);
  spec.transposeA = op.getTransposeLhs();
  spec.transposeB = op.getTransposeRhs();
  return spec;
}

/// What is the same for the matrices of all groups.
static ContractionSpec getGroupSpec(const ProductTypes &types, int64_t columns,
                                    int64_t depth) {
  ContractionSpec spec;
  spec.types = types;
  spec.columns = toSpecSize(columns);
  spec.depth = toSpecSize(depth);
  return spec;
}

ContractionSpec sluice::getPackedSpec(GroupedMatmulOp op,
                                      const ProductTypes &types) {
  ContractionSpec spec = getGroupSpec(types, op.getColumns(), op.getDepth());
  spec.packedB = true;
  return spec;
}

ContractionSpec sluice::getContractionSpec(kernel::PackedGroupedMatmulOp op) {
  ContractionSpec spec =
      getGroupSpec(getPackedTypes(op), op.getColumns(), op.getDepth());
  spec.packedB = true;
  return spec;
}

ContractionSpec sluice::getContractionSpec(GroupedMatmulOp op,
                                           const ProductTypes &types) {
  ContractionSpec spec = getGroupSpec(types, op.getColumns(), op.getDepth());
  spec.transposeB = op.getTransposeRhs();
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

ConvolutionSpec sluice::getConvolutionSpec(kernel::PackedConvOp op) {
  return getConvolutionSpec(getPackedTypes(op),
                            cast<RankedTensorType>(op.getInput().getType()),
                            op.getType(), op.getKernel(), op.getStrides(),
                            op.getDilations(), op.getPads(), op.getGroups());
}

ConvolutionSpec sluice::getConvolutionSpec(kernel::PackedConvTransposeOp op) {
  ConvolutionSpec spec = getConvolutionSpec(
      getPackedTypes(op), cast<RankedTensorType>(op.getInput().getType()),
      op.getType(), op.getKernel(), op.getStrides(), op.getDilations(),
      op.getPads(), op.getGroups());
  spec.transposed = true;
  return spec;
}

kernel::PackingAttrInterface
sluice::getPacking(kernel::CpuContractionAttr config, bool transposed) {
  return cast<kernel::PackingAttrInterface>(kernel::PanelsAttr::get(
      config.getContext(), config.getWidth(), transposed));
}

/// What of a convolution's configuration decides about the order of weights.
static Attribute getEncoding(kernel::CpuConvolutionAttr config,
                             const ConvolutionSpec &spec) {
  MLIRContext *context = config.getContext();
  if (config.getMethod() == "depthwise")
    return kernel::ChannelVectorsAttr::get(context, config.getLanes());
  if (config.getMethod() != "phases")
    return kernel::ConvolutionPanelsAttr::get(
        context, config.getWidth(), spec.groups, config.getMergedGroups());
  SmallVector<Attribute> phases;
  for (Attribute phase : config.getPhases())
    phases.push_back(
        getEncoding(cast<kernel::CpuConvolutionAttr>(phase), spec));
  Builder builder(context);
  return kernel::TransposedConvolutionAttr::get(
      context, builder.getDenseI64ArrayAttr(spec.strides),
      builder.getDenseI64ArrayAttr(spec.dilations),
      builder.getDenseI64ArrayAttr(spec.padsBegin), spec.groups,
      builder.getArrayAttr(phases));
}

kernel::PackingAttrInterface
sluice::getPacking(kernel::CpuConvolutionAttr config,
                   const ConvolutionSpec &spec) {
  return cast<kernel::PackingAttrInterface>(getEncoding(config, spec));
}
