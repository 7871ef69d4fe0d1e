//===- PackingAttributes.cpp - Orders of packed constants -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Kernel/Limits.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

#include "dialects/Kernel/PackingInterface.cpp.inc"

using EmitError = function_ref<InFlightDiagnostic()>;

/// No vector, panel or group is larger, and products of two sizes do not
/// overflow.
static constexpr int64_t mostElements = int64_t(1) << 31;

static LogicalResult verifySize(EmitError emitError, StringRef name,
                                int64_t value) {
  return verifyLimits(emitError, {{name, value, 1, mostElements}});
}

LogicalResult PanelsAttr::verify(EmitError emitError, int64_t width, bool) {
  return verifySize(emitError, "width", width);
}

LogicalResult GatesAttr::verify(EmitError emitError, int64_t gates,
                                int64_t lanes) {
  return success(succeeded(verifySize(emitError, "gates", gates)) &&
                 succeeded(verifySize(emitError, "lanes", lanes)));
}

LogicalResult ConvolutionPanelsAttr::verify(EmitError emitError, int64_t width,
                                            int64_t groups,
                                            int64_t mergedGroups) {
  if (failed(verifySize(emitError, "width", width)) ||
      failed(verifySize(emitError, "groups", groups)) ||
      failed(verifySize(emitError, "merged_groups", mergedGroups)))
    return failure();
  if (groups % mergedGroups != 0)
    return emitError() << groups << " groups cannot be merged by "
                       << mergedGroups;
  return success();
}

LogicalResult ChannelVectorsAttr::verify(EmitError emitError, int64_t lanes) {
  return verifySize(emitError, "lanes", lanes);
}

LogicalResult TransposedConvolutionAttr::verify(
    EmitError emitError, DenseI64ArrayAttr strides, DenseI64ArrayAttr dilations,
    DenseI64ArrayAttr padsBegin, int64_t groups, ArrayAttr phases) {
  if (!strides || !dilations || !padsBegin || !phases)
    return emitError() << "strides, dilations, pads_begin and phases are "
                          "needed";
  size_t rank = strides.size();
  if (rank < 1 || static_cast<size_t>(dilations.size()) != rank ||
      static_cast<size_t>(padsBegin.size()) != rank)
    return emitError() << "strides, dilations and pads_begin must have one "
                          "entry for each dimension";
  if (failed(verifySize(emitError, "groups", groups)))
    return failure();
  int64_t count = 1;
  for (size_t d = 0; d < rank; ++d) {
    int64_t pad = padsBegin[d];
    if (failed(verifySize(emitError, "a stride", strides[d])) ||
        failed(verifySize(emitError, "a dilation", dilations[d])))
      return failure();
    if (pad < -mostElements || pad > mostElements)
      return emitError() << "a pad is out of range";
    count = std::min(count * strides[d], mostElements);
  }
  if (static_cast<int64_t>(phases.size()) != count)
    return emitError() << "the strides make " << count << " phases, not "
                       << phases.size();
  for (Attribute phase : phases)
    if (!isa<ConvolutionPanelsAttr, ChannelVectorsAttr>(phase))
      return emitError() << "a phase must be encoded as an ordinary "
                            "convolution, not as "
                         << phase;
  return success();
}

FailureOr<int64_t> kernel::countPackedElements(PackingAttrInterface packing,
                                               ShapedType type,
                                               EmitError emitError) {
  if (!packing)
    return type.getNumElements();
  return packing.countElements(type, emitError);
}
