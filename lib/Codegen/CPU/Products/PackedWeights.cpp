//===- PackedWeights.cpp - From packed ops to kernel specs ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Analysis/ContractionTiling.h"
#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "sluice/Codegen/CPU/Products/TilingOverrides.h"

using namespace mlir;
using namespace sluice;

static int64_t toSpecSize(int64_t size) {
  return ShapedType::isDynamic(size) ? kDynamicSize : size;
}

ContractionSpec sluice::getContractionSpec(PackedMatmulOp op, int64_t depth) {
  ContractionSpec spec;
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

ConvolutionSpec
sluice::getConvolutionSpec(RankedTensorType input, RankedTensorType result,
                           ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                           ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads,
                           int64_t groups) {
  ConvolutionSpec spec;
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
  return getConvolutionSpec(cast<RankedTensorType>(op.getInput().getType()),
                            op.getType(), op.getKernel(), op.getStrides(),
                            op.getDilations(), op.getPads(), op.getGroups());
}

ConvolutionSpec sluice::getConvolutionSpec(PackedConvTransposeOp op) {
  ConvolutionSpec spec =
      getConvolutionSpec(cast<RankedTensorType>(op.getInput().getType()),
                         op.getType(), op.getKernel(), op.getStrides(),
                         op.getDilations(), op.getPads(), op.getGroups());
  spec.transposed = true;
  return spec;
}

WeightPacking sluice::getPanelPacking(MLIRContext *context, int64_t depth,
                                      int64_t columns, bool transposed,
                                      int64_t width) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("kind", builder.getStringAttr("matrix")),
      builder.getNamedAttr("depth", builder.getI64IntegerAttr(depth)),
      builder.getNamedAttr("columns", builder.getI64IntegerAttr(columns)),
      builder.getNamedAttr("width", builder.getI64IntegerAttr(width)),
      builder.getNamedAttr("transposed", builder.getBoolAttr(transposed))};
  return {builder.getDictionaryAttr(attributes),
          getPackedElements(depth, columns, width)};
}

static int64_t getPanelWidth(int64_t columns, kernel::TilingAttr tiling,
                             const MachineModel &machine) {
  if (tiling && tiling.getTileVectors())
    return *tiling.getTileVectors() * machine.lanes(32);
  return choosePanelWidth(columns, machine);
}

WeightPacking sluice::getMatrixPacking(MLIRContext *context, int64_t depth,
                                       int64_t columns, bool transposed,
                                       kernel::TilingAttr tiling,
                                       const MachineModel &machine) {
  return getPanelPacking(context, depth, columns, transposed,
                         getPanelWidth(columns, tiling, machine));
}

WeightPacking sluice::getGatePacking(MLIRContext *context, int64_t units,
                                     int64_t gates, int64_t lanes) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("kind", builder.getStringAttr("gates")),
      builder.getNamedAttr("units", builder.getI64IntegerAttr(units)),
      builder.getNamedAttr("gates", builder.getI64IntegerAttr(gates)),
      builder.getNamedAttr("lanes", builder.getI64IntegerAttr(lanes))};
  return {builder.getDictionaryAttr(attributes),
          gates * getPackedElements(units, units, lanes)};
}

WeightPacking sluice::getPlainMatrixPacking(MLIRContext *context, int64_t depth,
                                            int64_t columns, bool transposed) {
  // One panel of all columns has the order of the matrix.
  return getPanelPacking(context, depth, columns, transposed, columns);
}

WeightPacking sluice::getPlainPacking(MLIRContext *context, int64_t elements) {
  Builder builder(context);
  return {builder.getDictionaryAttr(
              builder.getNamedAttr("kind", builder.getStringAttr("plain"))),
          elements};
}

/// What of the tiles decides about the order of weights.
static void describeOrder(const ConvolutionTiling &tiling,
                          SmallVectorImpl<int64_t> &numbers) {
  bool isDepthwise = tiling.method == ConvolutionTiling::Method::Depthwise;
  numbers.append({isDepthwise, tiling.mergedGroups,
                  isDepthwise ? tiling.lanes : tiling.width()});
  for (const ConvolutionTiling &phase : tiling.phases)
    describeOrder(phase, numbers);
}

WeightPacking sluice::getConvolutionPacking(MLIRContext *context,
                                            const ConvolutionSpec &spec,
                                            kernel::TilingAttr tiling,
                                            const MachineModel &machine) {
  Builder builder(context);
  auto integer = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  auto integers = [&](StringRef name, ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  };
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("kind", builder.getStringAttr("convolution")),
      builder.getNamedAttr("triple", builder.getStringAttr(machine.triple)),
      builder.getNamedAttr("cpu", builder.getStringAttr(machine.requestedCpu)),
      integer("batch", spec.batch),
      integers("input_sizes", spec.inputSizes),
      integers("output_sizes", spec.outputSizes),
      integers("kernel", spec.kernelSizes),
      integers("strides", spec.strides),
      integers("dilations", spec.dilations),
      integers("pads_begin", spec.padsBegin),
      integers("pads_end", spec.padsEnd),
      integer("groups", spec.groups),
      integer("input_channels", spec.inputChannels),
      integer("output_channels", spec.outputChannels),
      builder.getNamedAttr("transposed", builder.getBoolAttr(spec.transposed))};
  if (tiling)
    attributes.push_back(builder.getNamedAttr("tiling", tiling));
  ConvolutionTiling chosen =
      chooseConvolutionTiling(spec, machine, getConvolutionOverrides(tiling));
  SmallVector<int64_t> order;
  describeOrder(chosen, order);
  attributes.push_back(integers("order", order));
  return {builder.getDictionaryAttr(attributes),
          getPackedConvolutionElements(spec, chosen)};
}

bool sluice::fitsPacking(Operation *op, kernel::TilingAttr tiling,
                         DictionaryAttr packing, const MachineModel &machine) {
  auto fits = [&](const ConvolutionSpec &spec) {
    return packing ==
           getConvolutionPacking(op->getContext(), spec, tiling, machine)
               .packing;
  };
  if (auto conv = dyn_cast<PackedConvOp>(op))
    return fits(getConvolutionSpec(conv));
  if (auto conv = dyn_cast<PackedConvTransposeOp>(op))
    return fits(getConvolutionSpec(conv));
  int64_t columns = cast<PackedMatmulOp>(op).getColumns();
  auto width = packing.getAs<IntegerAttr>("width");
  return width && width.getInt() == getPanelWidth(columns, tiling, machine);
}

using PackedSink = llvm::function_ref<llvm::Error(ArrayRef<float>)>;

static llvm::Error packConvolution(DictionaryAttr packing,
                                   ArrayRef<float> source, PackedSink sink) {
  auto integer = [&](StringRef name) {
    return packing.getAs<IntegerAttr>(name).getInt();
  };
  auto integers = [&](StringRef name) {
    return packing.getAs<DenseI64ArrayAttr>(name).asArrayRef().vec();
  };
  auto machine = getMachineModel(packing.getAs<StringAttr>("triple").getValue(),
                                 packing.getAs<StringAttr>("cpu").getValue());
  if (!machine)
    return machine.takeError();
  ConvolutionSpec spec;
  spec.batch = integer("batch");
  spec.inputSizes = integers("input_sizes");
  spec.outputSizes = integers("output_sizes");
  spec.kernelSizes = integers("kernel");
  spec.strides = integers("strides");
  spec.dilations = integers("dilations");
  spec.padsBegin = integers("pads_begin");
  spec.padsEnd = integers("pads_end");
  spec.groups = integer("groups");
  spec.inputChannels = integer("input_channels");
  spec.outputChannels = integer("output_channels");
  spec.transposed = packing.getAs<BoolAttr>("transposed").getValue();
  ConvolutionTiling tiling = chooseConvolutionTiling(
      spec, *machine,
      getConvolutionOverrides(packing.getAs<kernel::TilingAttr>("tiling")));
  std::vector<float> packed(getPackedConvolutionElements(spec, tiling));
  packConvolutionWeights(spec, tiling, source.data(), packed.data());
  return sink(packed);
}

DictionaryAttr sluice::getPackedOrder(DictionaryAttr packing) {
  auto kind = packing.getAs<StringAttr>("kind");
  if (!kind || kind.getValue() != "convolution")
    return packing;
  NamedAttrList order(packing);
  for (StringRef name : {"batch", "input_sizes", "output_sizes", "tiling"})
    order.erase(name);
  // Only phases follow from these.
  auto transposed = packing.getAs<BoolAttr>("transposed");
  if (transposed && !transposed.getValue())
    for (StringRef name : {"strides", "dilations", "pads_begin", "pads_end"})
      order.erase(name);
  return order.getDictionary(packing.getContext());
}

/// Panel by panel, one matrix after the other: a matrix may take most of a
/// model's memory.
static llvm::Error packMatrix(DictionaryAttr packing, ArrayRef<float> source,
                              PackedSink sink) {
  int64_t depth = packing.getAs<IntegerAttr>("depth").getInt();
  int64_t columns = packing.getAs<IntegerAttr>("columns").getInt();
  int64_t width = packing.getAs<IntegerAttr>("width").getInt();
  bool transposed = packing.getAs<BoolAttr>("transposed").getValue();
  std::vector<float> packed(depth * width);
  for (size_t start = 0; start < source.size(); start += depth * columns)
    for (int64_t panel = 0; panel * width < columns; ++panel) {
      packPanel(source.data() + start, depth, columns, transposed ? 1 : columns,
                transposed ? depth : 1, width, panel, packed.data());
      if (llvm::Error error = sink(packed))
        return error;
    }
  return llvm::Error::success();
}

/// For each direction and each vector of hidden units a panel with the vectors
/// of all gates side by side.
static llvm::Error packGates(DictionaryAttr packing, ArrayRef<float> source,
                             PackedSink sink) {
  int64_t units = packing.getAs<IntegerAttr>("units").getInt();
  int64_t gates = packing.getAs<IntegerAttr>("gates").getInt();
  int64_t lanes = packing.getAs<IntegerAttr>("lanes").getInt();
  std::vector<float> gate(units * lanes), panel(units * gates * lanes);
  for (size_t start = 0; start < source.size(); start += units * gates * units)
    for (int64_t piece = 0; piece * lanes < units; ++piece) {
      for (int64_t g = 0; g < gates; ++g) {
        packPanel(source.data() + start + g * units, units, units,
                  gates * units, 1, lanes, piece, gate.data());
        for (int64_t k = 0; k < units; ++k)
          std::copy_n(&gate[k * lanes], lanes, &panel[(k * gates + g) * lanes]);
      }
      if (llvm::Error error = sink(panel))
        return error;
    }
  return llvm::Error::success();
}

llvm::Error sluice::packWeights(DictionaryAttr packing, ArrayRef<float> source,
                                PackedSink sink) {
  StringRef kind = packing.getAs<StringAttr>("kind").getValue();
  if (kind == "convolution")
    return packConvolution(packing, source, sink);
  if (kind == "gates")
    return packGates(packing, source, sink);
  return kind == "plain" ? sink(source) : packMatrix(packing, source, sink);
}
