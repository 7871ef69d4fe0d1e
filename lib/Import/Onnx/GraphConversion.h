//===- GraphConversion.h - ModelProto to OnnxModel ---------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_GRAPHCONVERSION_H
#define SLUICE_LIB_IMPORT_ONNX_GRAPHCONVERSION_H

#include "TensorConversion.h"

namespace onnx {
class ModelProto;
class TypeProto;
} // namespace onnx

namespace sluice::onnx_detail {

llvm::Expected<OnnxType> convertType(const onnx::TypeProto &proto);

/// The model as the file has it; `verifyOnnxModel` checks what it says.
llvm::Expected<OnnxModel> convertModel(const onnx::ModelProto &proto,
                                       const TensorSource &source);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_GRAPHCONVERSION_H
