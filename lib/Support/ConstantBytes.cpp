//===- ConstantBytes.cpp - The bytes of a constant ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Support/ConstantBytes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

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

int64_t sluice::getStoredBytes(ElementsAttr value) {
  ShapedType type = value.getShapedType();
  int64_t width = (type.getElementTypeBitWidth() + 7) / 8;
  auto dense = dyn_cast<DenseElementsAttr>(value);
  return dense && dense.isSplat() ? width : type.getNumElements() * width;
}
