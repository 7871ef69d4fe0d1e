//===- MovementImport.cpp - Elements in other places ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ControlFlow.h"
#include "ImportRegistry.h"
#include "RunTimeAxes.h"
#include "WindowImport.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/SizeBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace sluice;

static llvm::Expected<Values> importConcat(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis"));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0))));
  Values operands;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    if (!node.hasInput(i))
      return node.invalid("input " + Twine(i) + " is missing");
    operands.push_back(node.input(i));
  }
  SLUICE_TRY(result,
             node.create<ConcatOp>(operands, node.integer("axis", axis)));
  return Values{result};
}

//===----------------------------------------------------------------------===//
// Slice and Split
//===----------------------------------------------------------------------===//

/// `placeAtAxes` for known axes: the elements stay visible one by one.
static ExpectedValue placeAtAxes(NodeContext &node, int64_t length,
                                 int64_t fill, ArrayRef<int64_t> axes,
                                 Value values) {
  SLUICE_TRY(vector, toVector(node, values, axes.size()));
  SmallVector<Value> parts(length);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    SLUICE_TRY(element, vectorElement(node, vector, i));
    parts[axis] = element;
  }
  for (Value &part : parts)
    if (!part)
      part = node.constantVector(fill);
  return joinVectors(node, parts);
}

static llvm::Expected<Values> sliceAtKnownAxes(NodeContext &node,
                                               ArrayRef<int64_t> axes,
                                               Value starts, Value ends,
                                               Value steps) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  SmallVector<Value> bounds;
  for (auto [values, fill] :
       {std::pair(starts, int64_t(0)), std::pair(ends, INT64_MAX),
        std::pair(steps, int64_t(1))}) {
    if (!values) {
      bounds.push_back(node.constantVector(SmallVector<int64_t>(rank, fill)));
      continue;
    }
    SLUICE_TRY(vector, placeAtAxes(node, rank, fill, axes, values));
    bounds.push_back(vector);
  }
  SmallVector<SmallVector<int64_t>> known;
  for (Value bound : bounds)
    if (auto values = evaluateConstantElements(bound))
      known.push_back(std::move(*values));
  Values operands{data};
  if (known.size() != 3) {
    known.assign(3, {});
    llvm::append_range(operands, bounds);
  }
  SLUICE_TRY(result,
             node.create<SliceOp>(operands, {node.ints("starts", known[0]),
                                             node.ints("ends", known[1]),
                                             node.ints("steps", known[2])}));
  return Values{result};
}

static llvm::Expected<Values> importSlice(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  if (node.opset() < 10) {
    SLUICE_TRY(starts, node.node.getInts("starts"));
    SLUICE_TRY(ends, node.node.getInts("ends"));
    std::vector<int64_t> first;
    for (int64_t i = 0, count = starts.size(); i < count; ++i)
      first.push_back(i);
    SLUICE_TRY(attribute, node.node.getInts("axes", first));
    SLUICE_TRY(axes, node.normaliseAxes(attribute, rank));
    if (starts.size() != ends.size() || starts.size() != axes.size())
      return node.invalid("starts, ends and axes differ in length");
    return sliceAtKnownAxes(node, axes, node.constantVector(starts),
                            node.constantVector(ends), nullptr);
  }
  if (!node.hasInput(1) || !node.hasInput(2))
    return node.invalid("starts and ends are missing");
  SLUICE_TRY(starts, toVector(node, node.input(1)));
  SLUICE_TRY(ends, toVector(node, node.input(2)));
  Value steps;
  if (node.hasInput(4)) {
    SLUICE_TRY(vector, toVector(node, node.input(4)));
    steps = vector;
  }
  int64_t length = shapeOf(starts)[0];
  for (Value vector : {ends, steps})
    if (vector && !ShapedType::isDynamic(shapeOf(vector)[0]))
      length = shapeOf(vector)[0];
  for (Value vector : {starts, ends, steps})
    if (vector && !ShapedType::isDynamic(shapeOf(vector)[0]) &&
        shapeOf(vector)[0] != length)
      return node.invalid("starts, ends and steps differ in length");

  if (!ShapedType::isDynamic(length) && length > rank)
    return node.invalid("more bounds than dimensions");
  auto axes = node.constantInts(3);
  if (!node.hasInput(3) && !ShapedType::isDynamic(length)) {
    axes.emplace();
    for (int64_t i = 0; i < length; ++i)
      axes->push_back(i);
  }
  if (axes) {
    SLUICE_TRY(normalised, node.normaliseAxes(*axes, rank));
    if (!ShapedType::isDynamic(length) &&
        length != static_cast<int64_t>(axes->size()))
      return node.invalid("starts, ends and axes differ in length");
    return sliceAtKnownAxes(node, normalised, starts, ends, steps);
  }
  // The axes are only known at run time: so are all bounds.
  Value axesVector;
  if (node.hasInput(3)) {
    SLUICE_TRY(vector, toVector(node, node.input(3)));
    axesVector = vector;
  } else {
    SLUICE_TRY(numbers,
               node.create<IotaOp>(starts, node.integer("dimension", 0)));
    axesVector = numbers;
  }
  SLUICE_TRY(allStarts, placeAtAxes(node, rank, 0, axesVector, starts));
  SLUICE_TRY(allEnds, placeAtAxes(node, rank, INT64_MAX, axesVector, ends));
  Value allSteps = node.constantVector(SmallVector<int64_t>(rank, 1));
  if (steps) {
    SLUICE_TRY(placed, placeAtAxes(node, rank, 1, axesVector, steps));
    allSteps = placed;
  }
  SLUICE_TRY(result, node.create<SliceOp>(
                         {node.input(0), allStarts, allEnds, allSteps},
                         {node.ints("starts", {}), node.ints("ends", {}),
                          node.ints("steps", {})}));
  return Values{result};
}

/// Parts of these sizes are all of the dimension.
static void requireParts(NodeContext &node, int64_t axis,
                         ArrayRef<OpFoldResult> parts) {
  SizeBuilder size{node.builder, node.loc};
  auto demand = [&](arith::CmpIPredicate predicate, OpFoldResult lhs,
                    OpFoldResult rhs) {
    if (getConstantIntValue(lhs) && getConstantIntValue(rhs))
      return;
    require(node,
            arith::CmpIOp::create(node.builder, node.loc, predicate,
                                  size.value(lhs), size.value(rhs)),
            "the sizes of the parts do not fit the dimension");
  };
  OpFoldResult sum = size.constant(0);
  for (OpFoldResult part : parts) {
    demand(arith::CmpIPredicate::sge, part, size.constant(0));
    sum = size.add(sum, part);
  }
  demand(arith::CmpIPredicate::eq, sum, size.of(node.input(0), axis));
}

static llvm::Expected<Values> importSplit(NodeContext &node) {
  Value data = node.input(0);
  SLUICE_TRY(attribute, node.node.getInt("axis", 0));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(data)));
  int64_t count = node.node.outputs.size();
  int64_t size = shapeOf(data)[axis];
  SLUICE_TRY(declared, node.node.getInt("num_outputs", count));
  if (declared != count)
    return node.invalid("num_outputs is " + Twine(declared) +
                        ", but there are " + Twine(count) + " outputs");

  std::optional<SmallVector<int64_t>> sizes = node.constantInts(1);
  if (node.opset() < 13 && node.node.hasAttribute("split")) {
    SLUICE_TRY(values, node.node.getInts("split"));
    sizes.emplace(values.begin(), values.end());
  }
  Values results;
  if (sizes) {
    if (static_cast<int64_t>(sizes->size()) != count)
      return node.invalid("needs one size for each of " + Twine(count) +
                          " outputs");
    int64_t start = 0;
    for (int64_t length : *sizes) {
      int64_t room = (ShapedType::isDynamic(size) ? INT64_MAX : size) - start;
      if (length < 0 || length > room)
        return node.invalid("the sizes do not fit the dimension");
      SLUICE_TRY(part, sliceAxis(node, data, axis, start, start + length));
      results.push_back(part);
      start += length;
    }
    if (!ShapedType::isDynamic(size) && start != size)
      return node.invalid("the sizes do not fit the dimension");
    requireParts(node, axis,
                 getAsIndexOpFoldResult(node.builder.getContext(), *sizes));
    return results;
  }
  if (node.hasInput(1)) {
    SLUICE_TRY(vector, toVector(node, node.input(1), count));
    SmallVector<OpFoldResult> lengths;
    for (int64_t i = 0; i < count; ++i)
      lengths.push_back(readElement(node.builder, node.loc, vector, i));
    requireParts(node, axis, lengths);
    Value start = node.constantVector(0);
    for (int64_t i = 0; i < count; ++i) {
      SLUICE_TRY(length, vectorElement(node, vector, i));
      SLUICE_TRY(end, node.create<AddOp>({start, length}));
      SLUICE_TRY(part, sliceAxis(node, data, axis, start, end));
      results.push_back(part);
      start = end;
    }
    return results;
  }
  // Equal parts; the last one may be smaller.
  if (!ShapedType::isDynamic(size)) {
    int64_t length = llvm::divideCeil(size, count);
    for (int64_t i = 0; i < count; ++i) {
      SLUICE_TRY(part, sliceAxis(node, data, axis, i * length,
                                 std::min(size, (i + 1) * length)));
      results.push_back(part);
    }
    return results;
  }
  SLUICE_TRY(whole, sizeVector(node, data, axis));
  SLUICE_TRY(rounded,
             node.create<AddOp>({whole, node.constantVector(count - 1)}));
  SLUICE_TRY(length, node.create<DivOp>({rounded, node.constantVector(count)}));
  for (int64_t i = 0; i < count; ++i) {
    SLUICE_TRY(start, node.create<MulOp>({length, node.constantVector(i)}));
    SLUICE_TRY(end, node.create<AddOp>({start, length}));
    SLUICE_TRY(part, sliceAxis(node, data, axis, start, end));
    results.push_back(part);
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

/// The low and high widths of all dimensions in one vector.
static ExpectedValue padWidths(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  if (node.opset() < 11) {
    SLUICE_TRY(pads, node.node.getInts("pads"));
    if (static_cast<int64_t>(pads.size()) != 2 * rank)
      return node.invalid("needs two widths for each dimension");
    return node.constantVector(pads);
  }
  if (!node.hasInput(1))
    return node.invalid("pads are missing");
  if (!node.hasInput(3))
    return toVector(node, node.input(1), 2 * rank);
  SLUICE_TRY(pads, toVector(node, node.input(1)));
  int64_t length = shapeOf(pads)[0];
  auto axes = node.constantInts(3);
  if (!axes) {
    SLUICE_TRY(axesVector, toVector(node, node.input(3)));
    int64_t count = shapeOf(axesVector)[0];
    if (ShapedType::isDynamic(count))
      return node.unsupported("the number of axes is not known");
    if (count > rank)
      return node.invalid("more axes than dimensions");
    SLUICE_TRY(low, sliceAxis(node, pads, 0, 0, count));
    SLUICE_TRY(high, sliceAxis(node, pads, 0, count, 2 * count));
    SLUICE_TRY(allLow, placeAtAxes(node, rank, 0, axesVector, low));
    SLUICE_TRY(allHigh, placeAtAxes(node, rank, 0, axesVector, high));
    return joinVectors(node, {allLow, allHigh});
  }
  SLUICE_TRY(normalised, node.normaliseAxes(*axes, rank));
  int64_t count = normalised.size();
  if (!ShapedType::isDynamic(length) && length != 2 * count)
    return node.invalid("needs two widths for each axis");
  SLUICE_TRY(low, sliceAxis(node, pads, 0, 0, count));
  SLUICE_TRY(high, sliceAxis(node, pads, 0, count, 2 * count));
  SLUICE_TRY(allLow, placeAtAxes(node, rank, 0, normalised, low));
  SLUICE_TRY(allHigh, placeAtAxes(node, rank, 0, normalised, high));
  return joinVectors(node, {allLow, allHigh});
}

/// The operands and attributes that say the widths.
static void addWidths(NodeContext &node, Value widths, Values &operands,
                      SmallVectorImpl<NamedAttribute> &attributes) {
  ArrayRef<int64_t> low, high;
  auto known = evaluateConstantElements(widths);
  if (known) {
    low = ArrayRef(*known).take_front(known->size() / 2);
    high = ArrayRef(*known).drop_front(known->size() / 2);
  } else {
    operands.push_back(widths);
  }
  attributes.push_back(node.ints("low", low));
  attributes.push_back(node.ints("high", high));
}

static llvm::Expected<Values> importPad(NodeContext &node) {
  SLUICE_TRY(mode, node.node.getString("mode", "constant"));
  SLUICE_TRY(widths, padWidths(node));
  Type elementType = elementTypeOf(node.input(0));
  Values operands{node.input(0)};
  SmallVector<NamedAttribute> attributes;
  if (mode == "constant") {
    if (node.opset() < 11) {
      SLUICE_TRY(value, node.node.getFloat("value", 0.0f));
      operands.push_back(node.scalar(elementType, value));
    } else {
      operands.push_back(node.hasInput(2) ? node.input(2)
                                          : node.scalar(elementType, 0));
    }
    addWidths(node, widths, operands, attributes);
    SLUICE_TRY(result, node.create<PadOp>(operands, attributes));
    return Values{result};
  }
  auto extend = symbolizeExtendMode(mode);
  if (!extend)
    return node.invalid("unknown mode '" + mode + "'");
  addWidths(node, widths, operands, attributes);
  attributes.push_back(node.attribute(
      "mode", ExtendModeAttr::get(node.builder.getContext(), *extend)));
  SLUICE_TRY(result, node.create<ExtendOp>(operands, attributes));
  return Values{result};
}

/// Cuts or pads each axis to a size, the same amount on both sides.
static llvm::Expected<Values> importCenterCropPad(NodeContext &node) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  std::vector<int64_t> all;
  for (int64_t i = 0; i < rank; ++i)
    all.push_back(i);
  SLUICE_TRY(attribute, node.node.getInts("axes", all));
  SLUICE_TRY(axes, node.normaliseAxes(attribute, rank));
  SLUICE_TRY(wanted, readSizes(node, 1, axes.size()));
  SmallVector<Value> low(rank), high(rank);
  Value two = node.constantVector(2), zero = node.constantVector(0);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    SLUICE_TRY(target, vectorElement(node, wanted, i));
    SLUICE_TRY(size, sizeVector(node, data, axis));
    // Padding rounds the low side down, and so does cutting.
    SLUICE_TRY(difference, node.create<SubOp>({target, size}));
    SLUICE_TRY(half, node.create<DivOp>({difference, two}));
    SLUICE_TRY(rest, node.create<SubOp>({difference, half}));
    low[axis] = half;
    high[axis] = rest;
  }
  for (int64_t i = 0; i < rank; ++i) {
    if (!low[i])
      low[i] = high[i] = zero;
  }
  SLUICE_TRY(allLow, joinVectors(node, low));
  SLUICE_TRY(allHigh, joinVectors(node, high));
  SLUICE_TRY(widths, joinVectors(node, {allLow, allHigh}));
  Values operands{data, node.scalar(elementTypeOf(data), 0)};
  SmallVector<NamedAttribute> attributes;
  addWidths(node, widths, operands, attributes);
  SLUICE_TRY(result, node.create<PadOp>(operands, attributes));
  return Values{result};
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

static llvm::Expected<Values> importTile(NodeContext &node) {
  SLUICE_TRY(repeats, toVector(node, node.input(1), node.rank(node.input(0))));
  SLUICE_TRY(result, node.create<TileOp>({node.input(0), repeats}));
  return Values{result};
}

static llvm::Expected<Values> importReverseSequence(NodeContext &node) {
  int64_t rank = node.rank(node.input(0));
  SLUICE_TRY(batch, node.node.getInt("batch_axis", 1));
  SLUICE_TRY(time, node.node.getInt("time_axis", 0));
  SLUICE_TRY(batchAxis, node.normaliseAxis(batch, rank));
  SLUICE_TRY(timeAxis, node.normaliseAxis(time, rank));
  SLUICE_TRY(result, node.create<ReverseSequenceOp>(
                         {node.input(0), node.input(1)},
                         {node.integer("batch_axis", batchAxis),
                          node.integer("time_axis", timeAxis)}));
  return Values{result};
}

static llvm::Expected<Values> importCumulate(NodeContext &node,
                                             CumulateKind kind) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  SLUICE_TRY(exclusive, node.node.getInt("exclusive", 0));
  SLUICE_TRY(reverse, node.node.getInt("reverse", 0));
  auto along = [&](int64_t axis) -> llvm::Expected<Values> {
    SmallVector<NamedAttribute> attributes{
        node.integer("axis", axis),
        node.attribute("kind",
                       CumulateKindAttr::get(node.builder.getContext(), kind))};
    if (exclusive)
      attributes.push_back(node.flag("exclusive"));
    if (reverse)
      attributes.push_back(node.flag("reverse"));
    SLUICE_TRY(result, node.create<CumulateOp>(data, attributes));
    return Values{result};
  };
  if (rank == 0)
    return node.invalid("the input must have a dimension");
  if (auto known = evaluateConstantElement(node.input(1), 0)) {
    SLUICE_TRY(axis, node.normaliseAxis(*known, rank));
    return along(axis);
  }
  return forEachAxis(node, node.input(1), rank, along);
}

static llvm::Expected<Values> importCumSum(NodeContext &node) {
  return importCumulate(node, CumulateKind::Sum);
}
static llvm::Expected<Values> importCumProd(NodeContext &node) {
  return importCumulate(node, CumulateKind::Product);
}

static llvm::Expected<Values> importFlatten(NodeContext &node) {
  Value data = node.input(0);
  int64_t rank = node.rank(data);
  SLUICE_TRY(axis, node.node.getInt("axis", 1));
  if (axis < -rank || axis > rank)
    return node.invalid("axis " + Twine(axis) + " is outside rank " +
                        Twine(rank));
  if (axis < 0)
    axis += rank;
  SLUICE_TRY(rows, sizeProduct(node, data, 0, axis));
  SLUICE_TRY(columns, sizeProduct(node, data, axis, rank));
  SLUICE_TRY(result, reshapeTo(node, data, {rows, columns}));
  return Values{result};
}

namespace {
/// What DepthToSpace and SpaceToDepth have in common.
struct DepthBlocks {
  SmallVector<Value> sizes; ///< Of the input.
  Value side;
  Value area;
  bool blocksFirst; ///< The places in a block come before the channels.
};
} // namespace

static llvm::Expected<DepthBlocks> readDepthBlocks(NodeContext &node) {
  Value data = node.input(0);
  if (node.rank(data) != 4)
    return node.invalid("the input must have rank 4");
  SLUICE_TRY(block, node.node.getInt("blocksize"));
  if (block < 1)
    return node.invalid("blocksize is " + Twine(block));
  if (block > (1 << 20))
    return node.unsupported("blocksize is " + Twine(block));
  SLUICE_TRY(mode, node.node.getString("mode", "DCR"));
  if (mode != "DCR" && mode != "CRD")
    return node.invalid("unknown mode '" + mode + "'");
  DepthBlocks blocks;
  blocks.side = node.constantVector(block);
  blocks.area = node.constantVector(block * block);
  blocks.blocksFirst = mode == "DCR";
  for (int64_t i = 0; i < 4; ++i) {
    SLUICE_TRY(size, sizeVector(node, data, i));
    blocks.sizes.push_back(size);
  }
  return blocks;
}

static llvm::Expected<Values> importDepthToSpace(NodeContext &node) {
  SLUICE_TRY(in, readDepthBlocks(node));
  ArrayRef<Value> sizes = in.sizes;
  SLUICE_TRY(depth, node.create<DivOp>({sizes[1], in.area}));
  SmallVector<Value> split =
      in.blocksFirst ? SmallVector<Value>{sizes[0], in.side,  in.side,
                                          depth,    sizes[2], sizes[3]}
                     : SmallVector<Value>{sizes[0], depth,    in.side,
                                          in.side,  sizes[2], sizes[3]};
  SLUICE_TRY(blocks, reshapeTo(node, node.input(0), split));
  SLUICE_TRY(spread,
             node.transpose(blocks, in.blocksFirst
                                        ? ArrayRef<int64_t>{0, 3, 4, 1, 5, 2}
                                        : ArrayRef<int64_t>{0, 1, 4, 2, 5, 3}));
  SLUICE_TRY(height, node.create<MulOp>({sizes[2], in.side}));
  SLUICE_TRY(width, node.create<MulOp>({sizes[3], in.side}));
  SLUICE_TRY(result, reshapeTo(node, spread, {sizes[0], depth, height, width}));
  return Values{result};
}

static llvm::Expected<Values> importSpaceToDepth(NodeContext &node) {
  SLUICE_TRY(in, readDepthBlocks(node));
  ArrayRef<Value> sizes = in.sizes;
  SLUICE_TRY(height, node.create<DivOp>({sizes[2], in.side}));
  SLUICE_TRY(width, node.create<DivOp>({sizes[3], in.side}));
  SLUICE_TRY(blocks,
             reshapeTo(node, node.input(0),
                       {sizes[0], sizes[1], height, in.side, width, in.side}));
  SLUICE_TRY(gathered,
             node.transpose(blocks, in.blocksFirst
                                        ? ArrayRef<int64_t>{0, 3, 5, 1, 2, 4}
                                        : ArrayRef<int64_t>{0, 1, 3, 5, 2, 4}));
  SLUICE_TRY(depth, node.create<MulOp>({sizes[1], in.area}));
  SLUICE_TRY(result,
             reshapeTo(node, gathered, {sizes[0], depth, height, width}));
  return Values{result};
}

void sluice::registerMovementImports(ImportRegistry &registry) {
  registry.add("CenterCropPad", 2, importCenterCropPad);
  registry.add("Concat", {1, variadic}, importConcat);
  registry.add("CumProd", 2, importCumProd);
  registry.add("CumSum", 2, importCumSum);
  registry.add("DepthToSpace", 1, importDepthToSpace);
  registry.add("Flatten", 1, importFlatten);
  registry.add("Pad", {1, 4}, importPad);
  registry.add("ReverseSequence", 2, importReverseSequence);
  registry.add("Slice", {1, 5}, importSlice);
  registry.add("SpaceToDepth", 1, importSpaceToDepth);
  registry.add("Split", {1, 2, variadic}, importSplit);
  registry.add("Tile", 2, importTile);
}
