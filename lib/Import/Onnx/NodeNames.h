//===- NodeNames.h - Unique names for nodes ----------------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_NODENAMES_H
#define SLUICE_LIB_IMPORT_ONNX_NODENAMES_H

#include "sluice/Import/Onnx/OnnxModel.h"

namespace sluice::onnx_detail {

/// Names unnamed nodes after their operator and position, and numbers the nodes
/// that share a name, subgraphs included. Names that are unique stay.
void makeNodeNamesUnique(std::vector<OnnxNode> &nodes);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_NODENAMES_H
