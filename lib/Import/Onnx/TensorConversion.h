//===- TensorConversion.h - TensorProto to OnnxTensor ------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_TENSORCONVERSION_H
#define SLUICE_LIB_IMPORT_ONNX_TENSORCONVERSION_H

#include "ExternalData.h"
#include "StructureExtractor.h"

namespace onnx {
class SparseTensorProto;
class TensorProto;
} // namespace onnx

namespace sluice::onnx_detail {

/// What tensors need besides their own message.
struct TensorSource {
  /// The data that was left in the file, by reference number.
  llvm::ArrayRef<TensorDataReference> data;
  /// Keeps the bytes of `data` alive.
  std::shared_ptr<const void> owner;
  ExternalData &externalData;
  /// What is left of OnnxReadOptions::denseLimit.
  uint64_t &denseBytesLeft;
};

/// Messages do not name the tensor: the caller knows what it is.
llvm::Expected<OnnxTensor> convertTensor(const onnx::TensorProto &proto,
                                         const TensorSource &source);

/// The dense equivalent, of the name of the sparse tensor's values.
llvm::Expected<OnnxTensor>
convertSparseTensor(const onnx::SparseTensorProto &proto,
                    const TensorSource &source);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_TENSORCONVERSION_H
