//===- ConstantNumbers.cpp - The elements of constants --------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ConstantNumbers.h"
#include "dialects/Sluice/Sluice.h"
#include "sluice/Support/ConstantBytes.h"
#include <cstring>

using namespace mlir;

namespace sluice {

bool forEachNumber(ElementsAttr value, llvm::function_ref<void(double)> body) {
  std::vector<char> scratch;
  auto bytes = getConstantBytes(value, scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return false;
  }
  Type type = value.getShapedType().getElementType();
  unsigned bits = type.getIntOrFloatBitWidth();
  size_t width = (bits + 7) / 8;
  if (width > sizeof(uint64_t))
    return false;
  auto real = dyn_cast<FloatType>(type);
  for (size_t i = 0, count = bytes->size() / width; i < count; ++i) {
    uint64_t raw = 0;
    std::memcpy(&raw, bytes->data() + i * width, width);
    if (type.isF32()) {
      float number;
      std::memcpy(&number, bytes->data() + i * width, width);
      body(number);
    } else if (real) {
      bool isLossy;
      APFloat number(real.getFloatSemantics(), APInt(bits, raw));
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                     &isLossy);
      body(number.convertToDouble());
    } else {
      APInt number(bits, raw & llvm::maskTrailingOnes<uint64_t>(bits));
      bool isUnsigned = bits == 1 || isUnsignedType(type);
      body(isUnsigned ? number.roundToDouble(false)
                      : number.roundToDouble(true));
    }
  }
  return true;
}

bool isConstantZero(Value value, bool all) {
  auto constant = value.getDefiningOp<ConstantOp>();
  int64_t zeros = 0, others = 0;
  if (!constant || !forEachNumber(constant.getValueAttr(), [&](double number) {
        ++(number == 0 ? zeros : others);
      }))
    return false;
  return zeros > 0 && (!all || others == 0);
}

} // namespace sluice
