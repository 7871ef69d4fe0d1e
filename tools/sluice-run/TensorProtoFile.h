//===- TensorProtoFile.h - ONNX TensorProto files ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_TENSORPROTOFILE_H
#define SLUICE_TOOLS_SLUICERUN_TENSORPROTOFILE_H

#include "Failure.h"
#include "Tensor.h"

namespace sluice::run {

/// Reads a serialised TensorProto, as in ONNX test data. The tool starts
/// faster without the schema's generated code, so this reads the few fields of
/// the message from the wire. `what` is for messages.
Outcome parseTensorProto(const std::vector<uint8_t> &bytes,
                         const std::string &what, Tensor &tensor);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_TENSORPROTOFILE_H
