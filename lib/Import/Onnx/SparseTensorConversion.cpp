//===- SparseTensorConversion.cpp - SparseTensorProto to OnnxTensor -------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "Messages.h"
#include "OnnxSchema.h"
#include "TensorConversion.h"

#include <cstring>

using namespace sluice;
using namespace sluice::onnx_detail;

/// The position in the dense tensor of non-zero number `index`.
static llvm::Expected<uint64_t> densePosition(llvm::ArrayRef<int64_t> indices,
                                              uint64_t index, bool isLinear,
                                              llvm::ArrayRef<int64_t> dims,
                                              uint64_t elementCount) {
  uint64_t position = 0;
  if (isLinear) {
    int64_t linear = indices[index];
    if (linear < 0 || static_cast<uint64_t>(linear) >= elementCount)
      return makeError("index " + llvm::Twine(linear) + " is out of range");
    return static_cast<uint64_t>(linear);
  }
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    int64_t coordinate = indices[index * dims.size() + axis];
    if (coordinate < 0 || coordinate >= dims[axis])
      return makeError("index " + llvm::Twine(coordinate) +
                       " is out of range on axis " + llvm::Twine(axis));
    position = position * static_cast<uint64_t>(dims[axis]) +
               static_cast<uint64_t>(coordinate);
  }
  return position;
}

llvm::Expected<OnnxTensor>
sluice::onnx_detail::convertSparseTensor(const onnx::SparseTensorProto &proto,
                                         const TensorSource &source) {
  llvm::Expected<OnnxTensor> values = convertTensor(proto.values(), source);
  if (!values)
    return addContext("values", values.takeError());
  llvm::Expected<OnnxTensor> indexTensor =
      convertTensor(proto.indices(), source);
  if (!indexTensor)
    return addContext("indices", indexTensor.takeError());
  if (indexTensor->elementType != OnnxElementType::Int64)
    return makeError("the indices are " +
                     elementTypeName(indexTensor->elementType) +
                     ", expected INT64");
  if (values->rank() != 1)
    return makeError("the values have rank " + llvm::Twine(values->rank()) +
                     ", expected 1");

  std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
  if (dims.empty())
    return makeError("a sparse tensor has at least one dimension");
  int64_t count = values->dims[0];
  bool isLinear = indexTensor->rank() == 1;
  std::vector<int64_t> expectedDims = {count};
  if (!isLinear)
    expectedDims.push_back(static_cast<int64_t>(dims.size()));
  if (indexTensor->dims != expectedDims)
    return makeError("the shape of the indices does not fit " +
                     llvm::Twine(count) + " values of a tensor of rank " +
                     llvm::Twine(dims.size()));

  unsigned bits = bitWidth(values->elementType);
  if (bits < 8)
    return makeError("sparse tensors of " +
                     elementTypeName(values->elementType) +
                     " are not supported");
  llvm::Expected<uint64_t> size = byteSize(values->elementType, dims);
  if (!size)
    return size.takeError();
  if (*size > source.denseBytesLeft)
    return makeError("made dense, it would take " + llvm::Twine(*size) +
                     " bytes; " + llvm::Twine(source.denseBytesLeft) +
                     " are left for all sparse tensors");
  source.denseBytesLeft -= *size;
  llvm::Expected<std::vector<int64_t>> indices = indexTensor->asInts();
  if (!indices)
    return indices.takeError();

  uint64_t elementBytes = bits / 8;
  std::string dense(*size, '\0');
  std::vector<bool> given(*size / elementBytes);
  for (uint64_t index = 0; index < static_cast<uint64_t>(count); ++index) {
    llvm::Expected<uint64_t> position =
        densePosition(*indices, index, isLinear, dims, *size / elementBytes);
    if (!position)
      return position.takeError();
    if (given[*position])
      return makeError("element " + llvm::Twine(*position) + " is there twice");
    given[*position] = true;
    std::memcpy(dense.data() + *position * elementBytes,
                values->bytes.data() + index * elementBytes, elementBytes);
  }
  return makeOwnedTensor(values->name, values->elementType, std::move(dims),
                         std::move(dense));
}
