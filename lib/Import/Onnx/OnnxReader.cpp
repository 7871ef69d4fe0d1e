//===- OnnxReader.cpp - Read ONNX files -----------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "sluice/Import/Onnx/OnnxReader.h"

#include "GraphConversion.h"
#include "Messages.h"
#include "OnnxSchema.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include <limits>

using namespace sluice;
using namespace sluice::onnx_detail;

/// Takes the tensor data out of `bytes` and parses the rest into `proto`.
/// Returns the data.
template <typename Proto>
static llvm::Expected<std::vector<TensorDataReference>>
parse(llvm::StringRef bytes, MessageKind kind, const OnnxReadOptions &options,
      Proto &proto) {
  if (bytes.empty())
    return makeError("the file is empty");
  constexpr const char *context = "damaged, or not an ONNX file";
  llvm::Expected<ExtractedStructure> structure =
      extractStructure(bytes, kind, options);
  if (!structure)
    return addContext(context, structure.takeError());
  const std::string &rest = structure->serialized;
  if (rest.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !proto.ParseFromArray(rest.data(), static_cast<int>(rest.size())))
    return makeError(llvm::Twine(context) +
                     ": it does not follow the ONNX schema");
  return std::move(structure->data);
}

static llvm::Expected<OnnxModel> readModel(llvm::StringRef bytes,
                                           std::shared_ptr<const void> owner,
                                           ExternalData &externalData,
                                           const OnnxReadOptions &options) {
  onnx::ModelProto proto;
  llvm::Expected<std::vector<TensorDataReference>> data =
      parse(bytes, MessageKind::Model, options, proto);
  if (!data)
    return data.takeError();
  uint64_t denseBytesLeft = options.denseLimit;
  TensorSource source{*data, std::move(owner), externalData, denseBytesLeft};
  llvm::Expected<OnnxModel> model = convertModel(proto, source);
  if (!model)
    return model.takeError();
  if (llvm::Error error = verifyOnnxModel(*model))
    return std::move(error);
  return model;
}

llvm::Expected<OnnxModel>
sluice::readOnnxModel(llvm::StringRef path, const OnnxReadOptions &options) {
  llvm::Expected<SharedBuffer> file = mapFile(path);
  if (!file)
    return addContext(path, file.takeError());
  ExternalData externalData = ExternalData::forModelFile(path);
  llvm::Expected<OnnxModel> model =
      readModel((*file)->getBuffer(), *file, externalData, options);
  if (!model)
    return addContext(path, model.takeError());
  model->path = path.str();
  model->files = externalData.openFiles();
  model->files.push_back(std::move(*file));
  return model;
}

llvm::Expected<OnnxModel>
sluice::readOnnxModel(llvm::MemoryBufferRef buffer,
                      std::shared_ptr<const void> owner, llvm::StringRef folder,
                      const OnnxReadOptions &options) {
  ExternalData externalData = ExternalData::forFolder(folder);
  llvm::Expected<OnnxModel> model =
      readModel(buffer.getBuffer(), std::move(owner), externalData, options);
  if (!model)
    return addContext(buffer.getBufferIdentifier(), model.takeError());
  model->path = buffer.getBufferIdentifier().str();
  model->files = externalData.openFiles();
  return model;
}

llvm::Expected<OnnxTensor>
sluice::readOnnxTensor(llvm::StringRef path, const OnnxReadOptions &options) {
  llvm::Expected<SharedBuffer> file = mapFile(path);
  if (!file)
    return addContext(path, file.takeError());
  onnx::TensorProto proto;
  llvm::Expected<std::vector<TensorDataReference>> data =
      parse((*file)->getBuffer(), MessageKind::Tensor, options, proto);
  if (!data)
    return addContext(path, data.takeError());
  ExternalData externalData = ExternalData::forModelFile(path);
  uint64_t denseBytesLeft = options.denseLimit;
  TensorSource source{*data, *file, externalData, denseBytesLeft};
  llvm::Expected<OnnxTensor> tensor = convertTensor(proto, source);
  if (!tensor)
    return addContext(path + ": tensor " + quote(proto.name()),
                      tensor.takeError());
  return tensor;
}
