//===- LabelEncoderImport.cpp - Numbers looked up by numbers --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Keys are sorted at compile time and found by bisection, so that a large
// table costs as little as a small one.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace sluice;

/// One attribute of `base` in its several forms, as a vector; none where it has
/// no form.
static llvm::Expected<std::optional<OnnxTensor>> readNumbers(NodeContext &node,
                                                             StringRef base) {
  auto vector = [](OnnxElementType type, const auto &numbers) {
    std::string bytes(reinterpret_cast<const char *>(numbers.data()),
                      numbers.size() * sizeof(numbers[0]));
    return makeOwnedTensor("", type, {static_cast<int64_t>(numbers.size())},
                           std::move(bytes));
  };
  std::string prefix = base.str();
  if (node.node.hasAttribute(prefix + "_tensor")) {
    SLUICE_TRY(tensor, node.node.getTensor(prefix + "_tensor"));
    OnnxTensor flat = *tensor;
    flat.dims = {flat.elementCount()};
    return flat;
  }
  if (node.node.hasAttribute(prefix + "_int64s")) {
    SLUICE_TRY(numbers, node.node.getInts(prefix + "_int64s"));
    return vector(OnnxElementType::Int64, numbers);
  }
  if (node.node.hasAttribute(prefix + "_floats")) {
    SLUICE_TRY(numbers, node.node.getFloats(prefix + "_floats"));
    return vector(OnnxElementType::Float, numbers);
  }
  if (node.node.hasAttribute(prefix + "_strings"))
    return node.unsupported("'" + prefix + "_strings' are no numbers");
  return std::nullopt;
}

/// The default value as a tensor of one element of the values' type.
static llvm::Expected<Value> readDefault(NodeContext &node, Type valueType) {
  if (node.node.hasAttribute("default_tensor")) {
    SLUICE_TRY(tensor, node.node.getTensor("default_tensor"));
    if (tensor->elementCount() != 1)
      return node.invalid("'default_tensor' must have one element");
    SLUICE_TRY(value, node.constant(*tensor));
    if (elementTypeOf(value) != valueType)
      return node.invalid("'default_tensor' is of another type than the "
                          "values");
    return node.reshape(value, {});
  }
  if (isa<FloatType>(valueType)) {
    SLUICE_TRY(number, node.node.getFloat("default_float", -0.0f));
    return node.scalar(valueType, number);
  }
  SLUICE_TRY(number, node.node.getInt("default_int64", -1));
  SLUICE_TRY(value, node.cast(node.constantVector(number), valueType));
  return node.reshape(value, {});
}

namespace {
/// Keys and values, sorted by key; of equal keys only the first one.
struct SortedTable {
  /// The places in the attributes.
  SmallVector<int64_t> places;
  /// Where the key NaN is.
  std::optional<int64_t> nan;
};
} // namespace

template <typename Number> static SortedTable sortKeys(ArrayRef<Number> keys) {
  SortedTable table;
  for (int64_t i = 0, end = keys.size(); i < end; ++i) {
    if (keys[i] == keys[i])
      table.places.push_back(i);
    else if (!table.nan)
      table.nan = i;
  }
  llvm::sort(table.places, [&](int64_t a, int64_t b) {
    return keys[a] < keys[b] || (keys[a] == keys[b] && a < b);
  });
  auto end =
      std::unique(table.places.begin(), table.places.end(),
                  [&](int64_t a, int64_t b) { return keys[a] == keys[b]; });
  table.places.erase(end, table.places.end());
  return table;
}

static llvm::Expected<SortedTable> sortTable(NodeContext &node,
                                             const OnnxTensor &keys) {
  if (keys.elementType == OnnxElementType::Float ||
      keys.elementType == OnnxElementType::Double ||
      keys.elementType == OnnxElementType::Float16 ||
      keys.elementType == OnnxElementType::BFloat16) {
    SLUICE_TRY(numbers, keys.asDoubles());
    return sortKeys<double>(numbers);
  }
  if (keys.elementType == OnnxElementType::UInt64)
    return node.unsupported("keys of element type UINT64");
  SLUICE_TRY(numbers, keys.asInts());
  return sortKeys<int64_t>(numbers);
}

/// The elements of a tensor at `places`, as a constant.
static llvm::Expected<Value> select(NodeContext &node, const OnnxTensor &tensor,
                                    ArrayRef<int64_t> places) {
  size_t width = bitWidth(tensor.elementType) / 8;
  std::string bytes;
  for (int64_t place : places)
    bytes.append(tensor.bytes.data() + place * width, width);
  return node.constant(makeOwnedTensor(node.node.name, tensor.elementType,
                                       {static_cast<int64_t>(places.size())},
                                       std::move(bytes)));
}

/// Where the last key is that is not above x; 0 where there is none. The
/// number of keys is a power of two.
static Value bisect(Composition &ops, Value x, Value keys, int64_t count) {
  NodeContext &node = ops.node;
  auto number = [&](int64_t value) {
    return ops.reshape(node.constantVector(value), {});
  };
  auto keyAt = [&](Value place) {
    return ops.make<GatherOp>({keys, place}, node.integer("axis", 0));
  };
  Value place;
  for (int64_t step = count / 2; step > 0; step /= 2) {
    Value next = place ? ops.add(place, number(step)) : number(step);
    Value isReached = ops.make<GreaterEqualOp>({x, keyAt(next)});
    place = ops.select(isReached, next, place ? place : number(0));
  }
  return place ? place : number(0);
}

static llvm::Expected<Values> importLabelEncoder(NodeContext &node) {
  if (node.opset() < 2)
    return node.unsupported("one of its sides is strings");
  SLUICE_TRY(keys, readNumbers(node, "keys"));
  SLUICE_TRY(values, readNumbers(node, "values"));
  if (!keys || !values)
    return node.invalid("there are no keys or no values");
  for (const OnnxTensor *tensor : {&*keys, &*values}) {
    Type type = node.elementType(static_cast<int64_t>(tensor->elementType));
    if (!type || type.isInteger(1))
      return node.unsupported("keys or values of element type " +
                              elementTypeName(tensor->elementType));
  }
  if (keys->elementCount() != values->elementCount() ||
      keys->elementCount() == 0)
    return node.invalid("there are " + Twine(keys->elementCount()) +
                        " keys and " + Twine(values->elementCount()) +
                        " values");
  Value x = node.input(0);
  if (elementTypeOf(x) !=
      node.elementType(static_cast<int64_t>(keys->elementType)))
    return node.invalid("the keys are not of the input's element type");
  SLUICE_TRY(table, sortTable(node, *keys));
  SLUICE_TRY(otherwise, readDefault(node, node.elementType(static_cast<int64_t>(
                                              values->elementType))));
  Composition ops(node);
  Value result = otherwise;
  if (!table.places.empty()) {
    // Up to a power of two there are repetitions of the last key.
    table.places.resize(llvm::PowerOf2Ceil(table.places.size()),
                        table.places.back());
    SLUICE_TRY(sorted, select(node, *keys, table.places));
    SLUICE_TRY(chosen, select(node, *values, table.places));
    Value place = bisect(ops, x, sorted, table.places.size());
    auto at = [&](Value list) {
      return ops.make<GatherOp>({list, place}, node.integer("axis", 0));
    };
    result = ops.select(ops.make<EqualOp>({x, at(sorted)}), at(chosen), result);
  }
  // In earlier versions NaN equals no key.
  if (table.nan && node.opset() >= 4) {
    SLUICE_TRY(value, select(node, *values, *table.nan));
    result = ops.select(ops.make<IsNanOp>(x), ops.reshape(value, {}), result);
  }
  return ops.finish({result});
}

void sluice::registerLabelEncoderImports(ImportRegistry &registry) {
  registry.add("ai.onnx.ml.LabelEncoder", 1, importLabelEncoder,
               /*minOpset=*/1);
}
