//===- Weights.cpp - The constants of a model as bytes --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/Weights.h"
#include "XxHash64.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "sluice/Codegen/PackedWeights.h"

using namespace mlir;
using namespace sluice;

WeightsLayout sluice::getWeightsLayout(ModuleOp module) {
  WeightsLayout layout;
  auto values = module->getAttrOfType<ArrayAttr>("sluice.weights");
  auto offsets =
      module->getAttrOfType<DenseI64ArrayAttr>("sluice.weight_offsets");
  auto bytes = module->getAttrOfType<IntegerAttr>("sluice.weights_bytes");
  if (!values || !offsets || !bytes)
    return layout;
  for (Attribute value : values)
    layout.values.push_back(cast<ElementsAttr>(value));
  for (Attribute packing :
       module->getAttrOfType<ArrayAttr>("sluice.weight_packings"))
    layout.packings.push_back(cast<DictionaryAttr>(packing));
  layout.offsets.assign(offsets.asArrayRef().begin(),
                        offsets.asArrayRef().end());
  layout.bytes = bytes.getInt();
  return layout;
}

llvm::Expected<ArrayRef<char>>
sluice::getConstantBytes(ElementsAttr value, std::vector<char> &scratch) {
  auto type = cast<ShapedType>(value.getType());
  int64_t width = (type.getElementTypeBitWidth() + 7) / 8;
  size_t size = static_cast<size_t>(type.getNumElements()) * width;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != size)
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "the data of constant '%s' is missing or has the wrong size",
          resource.getRawHandle().getKey().str().c_str());
    return blob->getData();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "a constant has an unknown form");
  if (type.getElementType().isInteger(1)) {
    scratch.clear();
    for (bool element : dense.getValues<bool>())
      scratch.push_back(element);
    return ArrayRef<char>(scratch);
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat() || raw.size() == size)
    return raw;
  scratch.resize(size);
  for (size_t i = 0; i < size; i += width)
    std::copy_n(raw.data(), width, scratch.data() + i);
  return ArrayRef<char>(scratch);
}

llvm::Error
sluice::streamWeights(const WeightsLayout &layout,
                      llvm::function_ref<llvm::Error(ArrayRef<char>)> sink) {
  static const char zeros[64] = {};
  int64_t written = 0;
  std::vector<char> scratch;
  auto padTo = [&](int64_t offset) -> llvm::Error {
    while (written < offset) {
      int64_t count = std::min<int64_t>(sizeof(zeros), offset - written);
      if (llvm::Error error = sink(ArrayRef<char>(zeros, count)))
        return error;
      written += count;
    }
    return llvm::Error::success();
  };
  std::vector<float> aligned, packed;
  for (auto [value, packing, offset] :
       llvm::zip(layout.values, layout.packings, layout.offsets)) {
    if (llvm::Error error = padTo(offset))
      return error;
    auto bytes = getConstantBytes(value, scratch);
    if (!bytes)
      return bytes.takeError();
    if (!packing.empty()) {
      // The bytes of a model file may lie at any address.
      aligned.resize(bytes->size() / sizeof(float));
      std::memcpy(aligned.data(), bytes->data(), bytes->size());
      if (llvm::Error error = packWeights(packing, aligned, packed))
        return error;
      bytes = ArrayRef<char>(reinterpret_cast<const char *>(packed.data()),
                             packed.size() * sizeof(float));
    }
    if (llvm::Error error = sink(*bytes))
      return error;
    written += bytes->size();
  }
  return padTo(layout.bytes);
}

llvm::Expected<uint64_t> sluice::hashWeights(const WeightsLayout &layout) {
  XxHash64 hash;
  if (llvm::Error error =
          streamWeights(layout, [&](ArrayRef<char> bytes) -> llvm::Error {
            hash.update(bytes);
            return llvm::Error::success();
          }))
    return error;
  return hash.finish();
}
