//===- PackingModels.cpp - How encodings reorder constants ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// The models of PackingAttrInterface: the dialect names the encodings, here is
// what they mean. A value's type says its sizes, the encoding only the order.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/CPU/MicroKernels/Convolution.h"
#include "sluice/Codegen/CPU/MicroKernels/Packing.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;
using kernel::PackingAttrInterface;

using EmitError = function_ref<InFlightDiagnostic()>;

static int64_t getElementBytes(ShapedType type) {
  return (type.getElementTypeBitWidth() + 7) / 8;
}

/// A size rounded up to whole parts of `to`.
static int64_t roundUp(int64_t size, int64_t to) {
  return llvm::divideCeil(size, to) * to;
}

/// The product of sizes, if it is one that memory may have.
static FailureOr<int64_t> multiply(ArrayRef<int64_t> sizes,
                                   EmitError emitError) {
  constexpr int64_t mostElements = int64_t(1) << 56;
  int64_t result = 1;
  for (int64_t size : sizes)
    if (llvm::MulOverflow(result, size, result) || result > mostElements) {
      emitError() << "the packed constant is too large";
      return failure();
    }
  return result;
}

/// Whether a value has elements that can be moved one by one, and a rank of at
/// least `rank`.
static LogicalResult verifyValue(Attribute packing, ShapedType type,
                                 int64_t rank, EmitError emitError) {
  Type element = type.getElementType();
  if (!element.isIntOrFloat() ||
      !llvm::is_contained({8u, 16u, 32u, 64u}, element.getIntOrFloatBitWidth()))
    return emitError() << packing << " does not pack elements of " << element;
  if (!type.hasStaticShape() || type.getRank() < rank)
    return emitError() << packing << " needs a value of rank " << rank
                       << " or more, not " << type;
  return success();
}

namespace {

struct PlainModel final
    : PackingAttrInterface::ExternalModel<PlainModel, kernel::PlainAttr> {
  FailureOr<int64_t> countElements(Attribute attribute, ShapedType type,
                                   EmitError emitError) const {
    if (failed(verifyValue(attribute, type, 0, emitError)))
      return failure();
    return multiply(type.getShape(), emitError);
  }

  llvm::Error pack(Attribute, ShapedType, ArrayRef<char> bytes,
                   kernel::PackedSink sink) const {
    return sink(bytes);
  }
};

struct PanelsModel final
    : PackingAttrInterface::ExternalModel<PanelsModel, kernel::PanelsAttr> {
  FailureOr<int64_t> countElements(Attribute attribute, ShapedType type,
                                   EmitError emitError) const {
    auto panels = cast<kernel::PanelsAttr>(attribute);
    if (failed(verifyValue(panels, type, 2, emitError)))
      return failure();
    SmallVector<int64_t> sizes(type.getShape());
    int64_t &columns =
        panels.getTransposed() ? *std::prev(sizes.end(), 2) : sizes.back();
    columns = roundUp(columns, panels.getWidth());
    return multiply(sizes, emitError);
  }

  /// Panel by panel, one matrix after the other: a matrix may take most of a
  /// model's memory.
  llvm::Error pack(Attribute attribute, ShapedType type, ArrayRef<char> bytes,
                   kernel::PackedSink sink) const {
    auto panels = cast<kernel::PanelsAttr>(attribute);
    ArrayRef<int64_t> shape = type.getShape();
    int64_t depth = shape[shape.size() - 2], columns = shape.back();
    if (panels.getTransposed())
      std::swap(depth, columns);
    int64_t width = panels.getWidth(), elementBytes = getElementBytes(type);
    MatrixSource matrix{bytes.data(), depth, columns,
                        panels.getTransposed() ? 1 : columns,
                        panels.getTransposed() ? depth : 1};
    std::vector<char> packed(depth * width * elementBytes);
    for (; matrix.elements < bytes.end();
         matrix.elements += depth * columns * elementBytes)
      for (int64_t panel = 0; panel * width < columns; ++panel) {
        packPanel(matrix, elementBytes, width, panel, packed.data());
        if (llvm::Error error = sink(packed))
          return error;
      }
    return llvm::Error::success();
  }
};

struct GatesModel final
    : PackingAttrInterface::ExternalModel<GatesModel, kernel::GatesAttr> {
  FailureOr<int64_t> countElements(Attribute attribute, ShapedType type,
                                   EmitError emitError) const {
    auto gates = cast<kernel::GatesAttr>(attribute);
    if (failed(verifyValue(gates, type, 3, emitError)))
      return failure();
    ArrayRef<int64_t> shape = type.getShape();
    if (shape.size() != 3 || shape[2] % gates.getGates() != 0 ||
        shape[2] / gates.getGates() != shape[1])
      return emitError() << gates << " needs a value of [directions, units, "
                         << gates.getGates() << " * units], not " << type;
    return multiply({shape[0], shape[1], roundUp(shape[1], gates.getLanes()),
                     gates.getGates()},
                    emitError);
  }

  /// For each direction and each vector of hidden units a panel with the
  /// vectors of all gates side by side.
  llvm::Error pack(Attribute attribute, ShapedType type, ArrayRef<char> bytes,
                   kernel::PackedSink sink) const {
    auto encoding = cast<kernel::GatesAttr>(attribute);
    int64_t units = type.getShape()[1], gates = encoding.getGates();
    int64_t lanes = encoding.getLanes(), elementBytes = getElementBytes(type);
    int64_t rowBytes = lanes * elementBytes;
    std::vector<char> gate(units * rowBytes), panel(units * gates * rowBytes);
    int64_t directionBytes = units * gates * units * elementBytes;
    for (const char *direction = bytes.begin(); direction < bytes.end();
         direction += directionBytes)
      for (int64_t piece = 0; piece * lanes < units; ++piece) {
        for (int64_t g = 0; g < gates; ++g) {
          packPanel({direction + g * units * elementBytes, units, units,
                     gates * units, 1},
                    elementBytes, lanes, piece, gate.data());
          for (int64_t k = 0; k < units; ++k)
            std::copy_n(&gate[k * rowBytes], rowBytes,
                        &panel[(k * gates + g) * rowBytes]);
        }
        if (llvm::Error error = sink(panel))
          return error;
      }
    return llvm::Error::success();
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// The tiling that an encoding stands for, as far as the order of weights goes.
static ConvolutionTiling getTiling(Attribute encoding) {
  ConvolutionTiling tiling;
  tiling.tileVectors = 1;
  if (auto panels = dyn_cast<kernel::ConvolutionPanelsAttr>(encoding)) {
    tiling.lanes = panels.getWidth();
    tiling.mergedGroups = panels.getMergedGroups();
  } else if (auto vectors = dyn_cast<kernel::ChannelVectorsAttr>(encoding)) {
    tiling.method = ConvolutionTiling::Method::Depthwise;
    tiling.lanes = vectors.getLanes();
  } else {
    tiling.method = ConvolutionTiling::Method::Phases;
    for (Attribute phase :
         cast<kernel::TransposedConvolutionAttr>(encoding).getPhases())
      tiling.phases.push_back(getTiling(phase));
  }
  return tiling;
}

static int64_t getGroups(Attribute encoding, ShapedType type) {
  if (auto panels = dyn_cast<kernel::ConvolutionPanelsAttr>(encoding))
    return panels.getGroups();
  if (auto phases = dyn_cast<kernel::TransposedConvolutionAttr>(encoding))
    return phases.getGroups();
  return type.getShape()[0];
}

/// The convolution whose weights have this encoding, as far as their order
/// goes.
static ConvolutionSpec getSpec(Attribute encoding, ShapedType type) {
  ConvolutionSpec spec;
  ArrayRef<int64_t> shape = type.getShape();
  spec.groups = getGroups(encoding, type);
  spec.kernelSizes = shape.drop_front(2).vec();
  spec.outputChannels = shape[0] / spec.groups;
  spec.inputChannels = shape[1];
  size_t rank = spec.kernelSizes.size();
  spec.inputSizes.assign(rank, kDynamicSize);
  spec.outputSizes.assign(rank, kDynamicSize);
  spec.padsEnd.assign(rank, 0);
  auto phases = dyn_cast<kernel::TransposedConvolutionAttr>(encoding);
  if (!phases)
    return spec;
  spec.transposed = true;
  std::swap(spec.inputChannels, spec.outputChannels);
  spec.strides = phases.getStrides().asArrayRef().vec();
  spec.dilations = phases.getDilations().asArrayRef().vec();
  spec.padsBegin = phases.getPadsBegin().asArrayRef().vec();
  return spec;
}

/// Whether an encoding fits weights [outputs][inputs][taps...].
static LogicalResult verifyConvolution(Attribute encoding, ShapedType type,
                                       EmitError emitError) {
  if (failed(verifyValue(encoding, type, 3, emitError)))
    return failure();
  ArrayRef<int64_t> shape = type.getShape();
  if (isa<kernel::ChannelVectorsAttr>(encoding) && shape[1] != 1)
    return emitError() << encoding << " needs one input channel, not "
                       << shape[1];
  int64_t groups = std::max<int64_t>(getGroups(encoding, type), 1);
  if (shape[0] % groups != 0)
    return emitError() << encoding << " cannot divide " << shape[0]
                       << " channels among its groups";
  // All sizes that follow are products of these, and of one width.
  return multiply({shape[0] + 1, shape[1] + 1,
                   ShapedType::getNumElements(shape.drop_front(2)) + 1},
                  emitError);
}

static FailureOr<int64_t> countConvolution(Attribute encoding, ShapedType type,
                                           EmitError emitError) {
  if (failed(verifyConvolution(encoding, type, emitError)))
    return failure();
  if (type.getNumElements() == 0)
    return 0;
  return getPackedConvolutionElements(getSpec(encoding, type),
                                      getTiling(encoding));
}

static FailureOr<int64_t>
countTransposedConvolution(kernel::TransposedConvolutionAttr encoding,
                           ShapedType type, EmitError emitError) {
  if (failed(verifyConvolution(encoding, type, emitError)))
    return failure();
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() != static_cast<size_t>(encoding.getStrides().size()) + 2)
    return emitError() << encoding << " does not fit the rank of " << type;
  for (Attribute phase : encoding.getPhases()) {
    auto panels = dyn_cast<kernel::ConvolutionPanelsAttr>(phase);
    bool fits = panels ? panels.getGroups() == encoding.getGroups()
                       : encoding.getGroups() == shape[0] && shape[1] == 1;
    if (!fits)
      return emitError() << phase << " does not fit a phase of weights " << type
                         << " in " << encoding.getGroups() << " groups";
  }
  if (type.getNumElements() == 0)
    return 0;
  return getPackedConvolutionElements(getSpec(encoding, type),
                                      getTiling(encoding));
}

namespace {
template <typename AttrTy>
struct ConvolutionModel final
    : PackingAttrInterface::ExternalModel<ConvolutionModel<AttrTy>, AttrTy> {
  FailureOr<int64_t> countElements(Attribute attribute, ShapedType type,
                                   EmitError emitError) const {
    if (auto phases = dyn_cast<kernel::TransposedConvolutionAttr>(attribute))
      return countTransposedConvolution(phases, type, emitError);
    return countConvolution(attribute, type, emitError);
  }

  llvm::Error pack(Attribute attribute, ShapedType type, ArrayRef<char> bytes,
                   kernel::PackedSink sink) const {
    ConvolutionSpec spec = getSpec(attribute, type);
    ConvolutionTiling tiling = getTiling(attribute);
    int64_t elementBytes = getElementBytes(type);
    std::vector<char> packed(getPackedConvolutionElements(spec, tiling) *
                             elementBytes);
    packConvolutionWeights(spec, tiling, elementBytes, bytes.data(),
                           packed.data());
    return sink(packed);
  }
};
} // namespace

void sluice::registerPackings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, kernel::KernelDialect *) {
    kernel::PlainAttr::attachInterface<PlainModel>(*context);
    kernel::PanelsAttr::attachInterface<PanelsModel>(*context);
    kernel::GatesAttr::attachInterface<GatesModel>(*context);
    kernel::ConvolutionPanelsAttr::attachInterface<
        ConvolutionModel<kernel::ConvolutionPanelsAttr>>(*context);
    kernel::ChannelVectorsAttr::attachInterface<
        ConvolutionModel<kernel::ChannelVectorsAttr>>(*context);
    kernel::TransposedConvolutionAttr::attachInterface<
        ConvolutionModel<kernel::TransposedConvolutionAttr>>(*context);
  });
}
