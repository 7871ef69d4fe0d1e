//===- TensorImport.cpp - Constants, shapes and data movement -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace sluice;

static llvm::Expected<Values> importConstant(NodeContext &node) {
  for (const char *name : {"value", "sparse_value"}) {
    if (!node.node.hasAttribute(name))
      continue;
    // A sparse tensor was made dense when the file was read.
    SLUICE_TRY(tensor, node.node.getTensor(name));
    SLUICE_TRY(value, node.constant(*tensor));
    return Values{value};
  }
  OpBuilder &builder = node.builder;
  auto make = [&](DenseElementsAttr value) {
    return Values{ConstantOp::create(builder, node.loc, value).getResult()};
  };
  if (node.node.hasAttribute("value_float")) {
    SLUICE_TRY(number, node.node.getFloat("value_float"));
    return make(DenseElementsAttr::get(
        RankedTensorType::get({}, builder.getF32Type()), number));
  }
  if (node.node.hasAttribute("value_int")) {
    SLUICE_TRY(number, node.node.getInt("value_int"));
    return make(DenseElementsAttr::get(
        RankedTensorType::get({}, builder.getI64Type()), number));
  }
  if (node.node.hasAttribute("value_floats")) {
    SLUICE_TRY(numbers, node.node.getFloats("value_floats"));
    return make(DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(numbers.size())},
                              builder.getF32Type()),
        ArrayRef<float>(numbers)));
  }
  if (node.node.hasAttribute("value_ints")) {
    SLUICE_TRY(numbers, node.node.getInts("value_ints"));
    return Values{node.constantVector(numbers)};
  }
  for (const char *name : {"value_string", "value_strings"})
    if (node.node.hasAttribute(name))
      return node.unsupported("strings");
  return node.invalid("has no value");
}

static llvm::Expected<Values> importIdentity(NodeContext &node) {
  return Values{node.input(0)};
}

static llvm::Expected<Values> importShape(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  SLUICE_TRY(start, node.node.getInt("start", 0));
  SLUICE_TRY(end, node.node.getInt("end", rank));
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  SLUICE_TRY(shape, node.create<ShapeOp>(node.input(0),
                                         {node.integer("start", clamp(start)),
                                          node.integer("end", clamp(end))}));
  return Values{shape};
}

static llvm::Expected<Values> importReshape(NodeContext &node) {
  SLUICE_TRY(allowZero, node.node.getInt("allowzero", 0));
  SmallVector<NamedAttribute> attributes;
  if (allowZero)
    attributes.push_back(node.flag("allow_zero"));
  SLUICE_TRY(sizes, resultSizes(node, 1));
  SLUICE_TRY(result,
             node.create<ReshapeOp>({node.input(0), sizes}, attributes));
  return Values{result};
}

static llvm::Expected<Values> importTranspose(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  // Without the attribute, dimensions are reversed.
  std::vector<int64_t> reversed;
  for (int64_t i = rank; i-- > 0;)
    reversed.push_back(i);
  SLUICE_TRY(permutation, node.node.getInts("perm", reversed));
  SLUICE_TRY(normalised, node.normaliseAxes(permutation, rank));
  SLUICE_TRY(result, node.transpose(node.input(0), normalised));
  return Values{result};
}

namespace {
/// The axes of Squeeze and Unsqueeze: an attribute before opset 13, then an
/// input.
struct Axes {
  SmallVector<int64_t> known;
  /// A vector of known length; null where the axes are known, or not given.
  Value vector;
};
} // namespace

/// `countFor` tells how many axes the declared rank of the result leaves.
static llvm::Expected<Axes>
readAxes(NodeContext &node, llvm::function_ref<int64_t(int64_t)> countFor) {
  Axes axes;
  if (node.opset() < 13) {
    SLUICE_TRY(given, node.node.getInts("axes", {}));
    axes.known.assign(given.begin(), given.end());
    return axes;
  }
  if (!node.hasInput(1))
    return axes;
  if (auto known = node.constantInts(1)) {
    axes.known = *known;
    return axes;
  }
  SLUICE_TRY(vector, toVector(node, node.input(1)));
  int64_t count = shapeOf(vector)[0];
  auto declared = node.declaredRank(0);
  if (ShapedType::isDynamic(count) && declared)
    count = countFor(*declared);
  if (ShapedType::isDynamic(count))
    return node.unsupported("the number of axes is not known at compile time");
  if (count < 0)
    return node.invalid("the declared rank fits no number of axes");
  SLUICE_TRY(fixed, toVector(node, vector, count));
  axes.vector = fixed;
  return axes;
}

static llvm::Expected<Values> importUnsqueeze(NodeContext &node) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  SLUICE_TRY(axes,
             readAxes(node, [&](int64_t wanted) { return wanted - rank; }));
  if (axes.vector) {
    SLUICE_TRY(result, unsqueezeAt(node, data, axes.vector));
    return Values{result};
  }
  SLUICE_TRY(normalised,
             node.normaliseAxes(axes.known, rank + axes.known.size()));
  SLUICE_TRY(result, node.unsqueeze(data, normalised));
  return Values{result};
}

/// Drops the dimensions of size one. Which of those of unknown size these are
/// other readers may tell, or the rank that the model declares for the result;
/// else it is found in the run.
static ExpectedValue squeezeAllOnes(NodeContext &node) {
  Value data = node.input(0);
  SmallVector<int64_t> ones, unknown;
  for (auto [i, known] : llvm::enumerate(shapeOf(data))) {
    int64_t size = known;
    if (ShapedType::isDynamic(size))
      size = findDemandedSize(data, i).value_or(size);
    if (size == 1)
      ones.push_back(i);
    else if (ShapedType::isDynamic(size))
      unknown.push_back(i);
  }
  int64_t most = node.rank(data) - ones.size();
  int64_t least = most - unknown.size();
  int64_t left = most;
  if (!unknown.empty()) {
    auto declared = node.declaredRank(0);
    if (!declared)
      return node.unsupported(
          "without axes, the sizes must be known at compile time, or the rank "
          "of the result declared");
    left = *declared;
  }
  if (left < least || left > most)
    return node.invalid("the declared rank fits no sizes of the input");
  if (left > least && left < most)
    return squeezeOnes(node, data, left);
  if (left == least)
    llvm::append_range(ones, unknown);
  llvm::sort(ones);
  return node.squeeze(data, ones);
}

static llvm::Expected<Values> importSqueeze(NodeContext &node) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  SLUICE_TRY(axes,
             readAxes(node, [&](int64_t wanted) { return rank - wanted; }));
  if (axes.vector && shapeOf(axes.vector)[0] > rank)
    return node.invalid("more axes than dimensions");
  if (axes.vector) {
    SLUICE_TRY(result, squeezeAt(node, data, axes.vector));
    return Values{result};
  }
  if (axes.known.empty()) {
    SLUICE_TRY(result, squeezeAllOnes(node));
    return Values{result};
  }
  SLUICE_TRY(dropped, node.normaliseAxes(axes.known, rank));
  SLUICE_TRY(result, node.squeeze(data, dropped));
  return Values{result};
}

static llvm::Expected<Values> importExpand(NodeContext &node) {
  SLUICE_TRY(sizes, resultSizes(node, 1, /*mayBeShort=*/true));
  SLUICE_TRY(result, node.create<BroadcastOp>({node.input(0), sizes}));
  return Values{result};
}

void sluice::registerTensorImports(ImportRegistry &registry) {
  registry.add("Constant", 0, importConstant);
  registry.add("Expand", 2, importExpand);
  registry.add("Identity", 1, importIdentity);
  registry.add("Reshape", 2, importReshape);
  registry.add("Shape", 1, importShape);
  registry.add("Squeeze", {1, 2}, importSqueeze);
  registry.add("Transpose", 1, importTranspose);
  registry.add("Unsqueeze", {1, 2}, importUnsqueeze);
}
