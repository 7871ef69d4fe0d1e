//===- TypeConversion.cpp - TypeProto to OnnxType -------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "GraphConversion.h"
#include "Messages.h"
#include "OnnxSchema.h"

using namespace sluice;
using namespace sluice::onnx_detail;

static llvm::Expected<OnnxDim>
convertDim(const onnx::TensorShapeProto::Dimension &proto) {
  // Names that exporters write for "unknown" do not stand for one size.
  const std::string &name = proto.dim_param();
  if (name == "?" || name == "-1" || name == "None")
    return OnnxDim::unknown();
  if (!name.empty())
    return OnnxDim::symbolic(name);
  // Neither does the number -1, which some write.
  if (!proto.has_dim_value() || proto.dim_value() == -1)
    return OnnxDim::unknown();
  if (proto.dim_value() < 0)
    return makeError("dimension " + llvm::Twine(proto.dim_value()) +
                     " is negative");
  return OnnxDim::fixed(proto.dim_value());
}

/// For TypeProto.Tensor and TypeProto.SparseTensor.
template <typename TensorType>
static llvm::Expected<OnnxType> convertTensorType(const TensorType &proto) {
  OnnxType type;
  type.elementType = static_cast<OnnxElementType>(proto.elem_type());
  if (!proto.has_shape())
    return type;
  type.shape.emplace();
  for (const onnx::TensorShapeProto::Dimension &dimension :
       proto.shape().dim()) {
    llvm::Expected<OnnxDim> dim = convertDim(dimension);
    if (!dim)
      return dim.takeError();
    type.shape->push_back(std::move(*dim));
  }
  return type;
}

static llvm::Expected<OnnxType> convertContainer(OnnxType::Kind kind,
                                                 const onnx::TypeProto &proto) {
  llvm::Expected<OnnxType> element = convertType(proto);
  if (!element)
    return element.takeError();
  OnnxType type;
  type.kind = kind;
  type.element = std::make_shared<const OnnxType>(std::move(*element));
  return type;
}

llvm::Expected<OnnxType>
sluice::onnx_detail::convertType(const onnx::TypeProto &proto) {
  switch (proto.value_case()) {
  case onnx::TypeProto::kTensorType: {
    llvm::Expected<OnnxType> type = convertTensorType(proto.tensor_type());
    if (type)
      type->kind = OnnxType::Kind::Tensor;
    return type;
  }
  case onnx::TypeProto::kSparseTensorType: {
    llvm::Expected<OnnxType> type =
        convertTensorType(proto.sparse_tensor_type());
    if (type)
      type->kind = OnnxType::Kind::SparseTensor;
    return type;
  }
  case onnx::TypeProto::kSequenceType:
    return convertContainer(OnnxType::Kind::Sequence,
                            proto.sequence_type().elem_type());
  case onnx::TypeProto::kOptionalType:
    return convertContainer(OnnxType::Kind::Optional,
                            proto.optional_type().elem_type());
  case onnx::TypeProto::kMapType: {
    llvm::Expected<OnnxType> type =
        convertContainer(OnnxType::Kind::Map, proto.map_type().value_type());
    if (type)
      type->elementType =
          static_cast<OnnxElementType>(proto.map_type().key_type());
    return type;
  }
  default:
    return OnnxType();
  }
}
