//===- NarrowConstants.cpp - Integer weights in as few bits as hold them --===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/QuantisedConstant.h"
#include "dialects/Sluice/Weights.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_NARROWCONSTANTSPASS
#include "sluice/Transforms/Passes.h.inc"

/// Integers in `bits` bits each; null where those do not hold them all.
template <typename Wide>
static ElementsAttr narrowTo(ShapedType type, ArrayRef<char> bytes,
                             unsigned bits) {
  int64_t count = bytes.size() / sizeof(Wide), width = bits / 8;
  int64_t limit = int64_t(1) << (bits - 1);
  std::vector<char> narrowed(count * width);
  for (int64_t i = 0; i < count; ++i) {
    Wide value;
    std::memcpy(&value, bytes.data() + i * sizeof(Wide), sizeof(Wide));
    if (value < -limit || value >= limit)
      return nullptr;
    // The low bytes come first.
    std::memcpy(&narrowed[i * width], &value, width);
  }
  auto narrowType = type.clone(IntegerType::get(type.getContext(), bits));
  return DenseElementsAttr::getFromRawBuffer(narrowType, narrowed);
}

/// The integers of a constant in as few bytes as hold them all: quantised
/// weights are that small, whatever they are multiplied with. What are no
/// integers of 32 or 64 bits stays.
static ElementsAttr narrowIntegers(ElementsAttr value) {
  ShapedType type = value.getShapedType();
  bool isLong = type.getElementType().isInteger(64);
  if (!isLong && !type.getElementType().isInteger(32))
    return value;
  std::vector<char> scratch;
  auto bytes = getConstantBytes(value, scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return value;
  }
  for (unsigned bits : {8, 16})
    if (auto narrowed = isLong ? narrowTo<int64_t>(type, *bytes, bits)
                               : narrowTo<int32_t>(type, *bytes, bits))
      return narrowed;
  return value;
}

/// What a quantised constant is, in 8 bits, or 16 where those do not do.
static ElementsAttr centre(const QuantisedConstant &quantised) {
  ConstantOp constant = quantised.constant;
  ShapedType type = constant.getType();
  std::vector<char> scratch;
  auto bytes = getConstantBytes(constant.getValue(), scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return nullptr;
  }
  bool isUnsigned = isUnsignedType(type.getElementType());
  std::vector<int16_t> numbers;
  numbers.reserve(bytes->size());
  for (char byte : *bytes) {
    int64_t number = isUnsigned ? int64_t(static_cast<uint8_t>(byte))
                                : int64_t(static_cast<int8_t>(byte));
    numbers.push_back(static_cast<int16_t>(number - quantised.zero));
  }
  ArrayRef<char> wide(reinterpret_cast<const char *>(numbers.data()),
                      numbers.size() * sizeof(int16_t));
  if (auto narrowed = narrowTo<int16_t>(type, wide, 8))
    return narrowed;
  return narrowTo<int16_t>(type, wide, 16);
}

/// The constant behind a value in fewer bits than the value's elements have;
/// null where it takes as many, or is none.
static ElementsAttr narrow(Value value) {
  ElementsAttr narrowed;
  if (auto constant = value.getDefiningOp<ConstantOp>())
    narrowed = narrowIntegers(constant.getValueAttr());
  else if (auto quantised = getQuantisedConstant(value))
    narrowed = centre(*quantised);
  return narrowed && narrowed.getElementType() != elementTypeOf(value)
             ? narrowed
             : ElementsAttr();
}

namespace {

class NarrowConstantsPass final
    : public impl::NarrowConstantsPassBase<NarrowConstantsPass> {
public:
  using NarrowConstantsPassBase::NarrowConstantsPassBase;

  void runOnOperation() final {
    getOperation().walk([&](WeightsOpInterface op) { run(op); });
  }

private:
  void run(WeightsOpInterface op) {
    OpOperand &operand = op.getWeightsOperand();
    Value weights = operand.get();
    Type element = elementTypeOf(weights);
    if (!element.isSignlessInteger(32) && !element.isSignlessInteger(64))
      return;
    ElementsAttr value = narrow(weights);
    if (!value ||
        !op.explainUnpacked(cast<RankedTensorType>(value.getType())).empty())
      return;
    OpBuilder builder(op);
    operand.set(
        NarrowConstantOp::create(builder, weights.getLoc(), value, element));
  }
};

} // namespace
} // namespace sluice
