//===- NodeOrder.h - Topological order of nodes ------------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_NODEORDER_H
#define SLUICE_LIB_IMPORT_ONNX_NODEORDER_H

#include "sluice/Import/Onnx/OnnxModel.h"

namespace sluice::onnx_detail {

/// Puts nodes after those whose outputs they use, directly or in a subgraph,
/// and changes nothing else in their order. Every value must have one producer.
/// Fails when nodes form a cycle, and names them.
llvm::Error sortTopologically(std::vector<OnnxNode> &nodes);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_NODEORDER_H
