//===- ColumnsImport.cpp - Images from the columns of a matrix ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Col2Im with a block whose sizes only the run knows: each element is added to
/// the pixel that it comes from. Sizes are vectors of one element.
class ScatteredBlocks {
public:
  ScatteredBlocks(Composition &ops, ArrayRef<int64_t> dilations,
                  ArrayRef<int64_t> pads, ArrayRef<int64_t> strides)
      : ops(ops), dilations(dilations), pads(pads), strides(strides),
        spatial(strides.size()) {}

  Value build(Value columns, Value image, Value block);

private:
  Value number(int64_t value) { return ops.node.constantVector(value); }
  Value element(Value vector, int64_t index) {
    return vector ? ops.unwrap(vectorElement(ops.node, vector, index))
                  : Value();
  }
  Value product(ArrayRef<Value> factors) {
    Value result = number(1);
    for (Value factor : factors)
      result = ops.mul(result, factor);
    return result;
  }
  /// 0, step, 2 step, ... in dimension `at` of as many as there are of blocks
  /// and their elements.
  Value positions(Value count, int64_t step, int64_t at);
  /// Where in the padded image each element of each block is.
  Value places();

  Composition &ops;
  ArrayRef<int64_t> dilations, pads, strides;
  int64_t spatial;
  /// Of each spatial dimension: the padded image, the block, how many blocks.
  SmallVector<Value> padded, sizes, counts;
};

} // namespace

Value ScatteredBlocks::positions(Value count, int64_t step, int64_t at) {
  if (ops.failed())
    return nullptr;
  auto scalar = [&](Value vector) { return ops.reshape(vector, {}); };
  Value numbers =
      ops.make<RangeOp>({scalar(number(0)), scalar(count), scalar(number(1))});
  SmallVector<Value> shape(2 * spatial, number(1));
  shape[at] = count;
  return ops.reshapeTo(ops.mul(numbers, number(step)), shape);
}

Value ScatteredBlocks::places() {
  Value result, stride = number(1);
  for (int64_t i = spatial - 1; i >= 0; --i) {
    Value inside = positions(sizes[i], dilations[i], i);
    Value start = positions(counts[i], strides[i], spatial + i);
    Value part = ops.mul(ops.add(inside, start), stride);
    result = result ? ops.add(result, part) : part;
    stride = ops.mul(stride, padded[i]);
  }
  return result;
}

Value ScatteredBlocks::build(Value columns, Value image, Value block) {
  NodeContext &node = ops.node;
  SmallVector<Value> inner;
  for (int64_t i = 0; i < spatial; ++i) {
    inner.push_back(element(image, i));
    sizes.push_back(element(block, i));
    padded.push_back(ops.add(inner[i], number(pads[i] + pads[spatial + i])));
    Value reach = ops.mul(ops.sub(sizes[i], number(1)), number(dilations[i]));
    Value room = ops.sub(ops.sub(padded[i], reach), number(1));
    counts.push_back(ops.add(ops.div(room, number(strides[i])), number(1)));
  }
  Value images = ops.size(columns, 0), pixels = product(padded);
  Value elements = product(sizes), blocks = product(counts);
  Value channels = ops.div(ops.size(columns, 1), elements);
  Value maps = ops.mul(images, channels);
  // As many elements as there are for these sizes, or the run ends.
  Value rows = ops.reshapeTo(columns, {maps, ops.mul(elements, blocks)});
  Value at = ops.reshape(places(), {1, -1});
  if (ops.failed())
    return nullptr;
  Value rowsShape = ops.shape(rows);
  Value indices = ops.make<BroadcastOp>({at, rowsShape});
  Value empty = ops.make<BroadcastOp>(
      {ops.number(columns, 0), ops.unwrap(joinVectors(node, {maps, pixels}))});
  Value sum = ops.make<ScatterElementsOp>(
      {empty, indices, rows},
      {node.integer("axis", 1),
       node.attribute("mode", ScatterModeAttr::get(node.builder.getContext(),
                                                   ScatterMode::Add))});
  SmallVector<Value> shape{images, channels};
  llvm::append_range(shape, padded);
  Value result = ops.reshapeTo(sum, shape);
  for (int64_t i = 0; i < spatial && !ops.failed(); ++i)
    result = ops.unwrap(sliceAxis(node, result, i + 2, number(pads[i]),
                                  ops.add(inner[i], number(pads[i]))));
  return result;
}

static llvm::Expected<Values> importCol2Im(NodeContext &node) {
  auto block = node.constantInts(2);
  int64_t spatial = block ? block->size() : ShapedType::kDynamic;
  // The two vectors have one length.
  for (size_t input : {2, 1})
    if (ShapedType::isDynamic(spatial) && node.rank(node.input(input)) == 1)
      spatial = node.inputType(input).getDimSize(0);
  if (ShapedType::isDynamic(spatial))
    return node.unsupported("the length of 'block_shape' is not known at "
                            "compile time");
  std::vector<int64_t> ones(spatial, 1), zeros(2 * spatial, 0);
  SLUICE_TRY(dilations, node.node.getInts("dilations", ones));
  SLUICE_TRY(pads, node.node.getInts("pads", zeros));
  SLUICE_TRY(strides, node.node.getInts("strides", ones));
  SLUICE_TRY(image, toVector(node, node.input(1), spatial));
  if (block) {
    SLUICE_TRY(result,
               node.create<ColumnsToImageOp>({node.input(0), image},
                                             {node.ints("block", *block),
                                              node.ints("dilations", dilations),
                                              node.ints("pads", pads),
                                              node.ints("strides", strides)}));
    return Values{result};
  }
  auto isPositive = [](int64_t value) {
    return value > 0 && value <= INT32_MAX;
  };
  auto isPad = [](int64_t value) { return value >= 0 && value <= INT32_MAX; };
  if (node.rank(node.input(0)) != 3 ||
      static_cast<int64_t>(dilations.size()) != spatial ||
      static_cast<int64_t>(strides.size()) != spatial ||
      static_cast<int64_t>(pads.size()) != 2 * spatial ||
      !llvm::all_of(dilations, isPositive) ||
      !llvm::all_of(strides, isPositive) || !llvm::all_of(pads, isPad))
    return node.invalid("the blocks' rank or one of their attributes does not "
                        "fit");
  SLUICE_TRY(sizes, toVector(node, node.input(2), spatial));
  Composition ops(node);
  return ops.finish({ScatteredBlocks(ops, dilations, pads, strides)
                         .build(node.input(0), image, sizes)});
}

void sluice::registerColumnsImports(ImportRegistry &registry) {
  registry.add("Col2Im", 3, importCol2Im);
}
