//===- IndexingImport.cpp - Elements chosen by run-time indices -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ImportRegistry.h"
#include "SizeVectors.h"

using namespace mlir;
using namespace sluice;

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

template <typename OpTy>
static llvm::Expected<Values> importGatherAlong(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis", 0));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0))));
  SLUICE_TRY(result, node.create<OpTy>({node.input(0), node.input(1)},
                                       node.integer("axis", axis)));
  return Values{result};
}

/// Gives index tuples whose length is declared dynamic the length that the
/// operator's rules leave.
static ExpectedValue tuplesOfLength(NodeContext &node, Value indices,
                                    int64_t length) {
  int64_t rank = node.rank(indices);
  if (rank == 0 || !ShapedType::isDynamic(shapeOf(indices)[rank - 1]))
    return indices;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i + 1 < rank; ++i) {
    SLUICE_TRY(size, sizeVector(node, indices, i));
    sizes.push_back(size);
  }
  sizes.push_back(node.constantVector(length));
  return reshapeTo(node, indices, sizes);
}

static llvm::Expected<Values> importGatherND(NodeContext &node) {
  SLUICE_TRY(batch, node.node.getInt("batch_dims", 0));
  Value indices = node.input(1);
  // rank of the result = rank of the indices - 1 + rank of the data - batch
  // dimensions - length of a tuple
  if (auto rank = node.declaredRank(0)) {
    int64_t length =
        node.rank(indices) - 1 + node.rank(node.input(0)) - batch - *rank;
    if (length > 0) {
      SLUICE_TRY(tuples, tuplesOfLength(node, indices, length));
      indices = tuples;
    }
  }
  SLUICE_TRY(result,
             node.create<GatherNDOp>({node.input(0), indices},
                                     node.integer("batch_dims", batch)));
  return Values{result};
}

static llvm::Expected<NamedAttribute> readScatterMode(NodeContext &node) {
  SLUICE_TRY(reduction, node.node.getString("reduction", "none"));
  auto mode = reduction == "none" ? ScatterMode::Replace
                                  : symbolizeScatterMode(reduction);
  if (!mode || reduction == "replace")
    return node.invalid("unknown reduction '" + reduction + "'");
  return node.attribute("mode",
                        ScatterModeAttr::get(node.builder.getContext(), *mode));
}

static llvm::Expected<Values> importScatterElements(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis", 0));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0))));
  SLUICE_TRY(mode, readScatterMode(node));
  SLUICE_TRY(result, node.create<ScatterElementsOp>(
                         {node.input(0), node.input(1), node.input(2)},
                         {node.integer("axis", axis), mode}));
  return Values{result};
}

static llvm::Expected<Values> importScatterND(NodeContext &node) {
  SLUICE_TRY(mode, readScatterMode(node));
  // Each tuple stands for as many dimensions as the updates lack.
  int64_t length = node.rank(node.input(0)) + node.rank(node.input(1)) - 1 -
                   node.rank(node.input(2));
  if (length < 0)
    return node.invalid("the ranks do not fit");
  SLUICE_TRY(indices, tuplesOfLength(node, node.input(1), length));
  SLUICE_TRY(result, node.create<ScatterNDOp>(
                         {node.input(0), indices, node.input(2)}, mode));
  return Values{result};
}

static llvm::Expected<Values> importTensorScatter(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis", -2));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0))));
  SLUICE_TRY(mode, node.node.getString("mode", "linear"));
  if (mode != "linear" && mode != "circular")
    return node.invalid("unknown mode '" + mode + "'");
  SmallVector<NamedAttribute> attributes{node.integer("axis", axis)};
  if (mode == "circular")
    attributes.push_back(node.flag("circular"));
  Values operands{node.input(0), node.input(1)};
  if (node.hasInput(2))
    operands.push_back(node.input(2));
  SLUICE_TRY(result, node.create<TensorScatterOp>(operands, attributes));
  return Values{result};
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

static llvm::Expected<Values> importTopK(NodeContext &node) {
  SLUICE_TRY(attribute, node.node.getInt("axis", -1));
  SLUICE_TRY(axis, node.normaliseAxis(attribute, node.rank(node.input(0))));
  SLUICE_TRY(largest, node.node.getInt("largest", 1));
  Value k;
  if (node.opset() < 10) {
    SLUICE_TRY(number, node.node.getInt("k"));
    k = node.constantVector(number);
  } else {
    if (!node.hasInput(1))
      return node.invalid("k is missing");
    SLUICE_TRY(vector, toVector(node, node.input(1), 1));
    k = vector;
  }
  SmallVector<NamedAttribute> attributes{node.integer("axis", axis)};
  if (!largest)
    attributes.push_back(node.flag("smallest"));
  SLUICE_TRY(op, node.createOp<TopKOp>({node.input(0), k}, attributes));
  return Values{op->getResult(0), op->getResult(1)};
}

//===----------------------------------------------------------------------===//
// Operators whose result sizes depend on data
//===----------------------------------------------------------------------===//

static ExpectedValue nonZero(NodeContext &node, Value data) {
  SLUICE_TRY(count, node.create<NonZeroCountOp>(data));
  return node.create<NonZeroOp>({data, count});
}

static llvm::Expected<Values> importNonZero(NodeContext &node) {
  SLUICE_TRY(result, nonZero(node, node.input(0)));
  return Values{result};
}

static llvm::Expected<Values> importCompress(NodeContext &node) {
  Value data = node.input(0);
  int64_t axis = 0;
  if (node.node.hasAttribute("axis")) {
    SLUICE_TRY(attribute, node.node.getInt("axis"));
    SLUICE_TRY(normalised, node.normaliseAxis(attribute, node.rank(data)));
    axis = normalised;
  } else {
    SLUICE_TRY(flat, flatten(node, data));
    data = flat;
  }
  if (node.rank(node.input(1)) != 1)
    return node.invalid("the condition must be a vector");
  SLUICE_TRY(places, nonZero(node, node.input(1)));
  SLUICE_TRY(indices, node.squeeze(places, 0));
  SLUICE_TRY(result, node.create<GatherOp>({data, indices},
                                           node.integer("axis", axis)));
  return Values{result};
}

static llvm::Expected<Values> importUnique(NodeContext &node) {
  SLUICE_TRY(sorted, node.node.getInt("sorted", 1));
  Value data = node.input(0), rows;
  int64_t axis = 0;
  if (node.node.hasAttribute("axis")) {
    int64_t rank = node.rank(data);
    SLUICE_TRY(attribute, node.node.getInt("axis"));
    SLUICE_TRY(normalised, node.normaliseAxis(attribute, rank));
    axis = normalised;
    SmallVector<int64_t> permutation{axis};
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis)
        permutation.push_back(i);
    SLUICE_TRY(front, node.transpose(data, permutation));
    SLUICE_TRY(count, sizeProduct(node, front, 0, 1));
    SLUICE_TRY(length, sizeProduct(node, front, 1, rank));
    SLUICE_TRY(matrix, reshapeTo(node, front, {count, length}));
    rows = matrix;
  } else {
    SLUICE_TRY(flat, flatten(node, data));
    data = flat;
    SLUICE_TRY(matrix, node.unsqueeze(flat, 1));
    rows = matrix;
  }
  SmallVector<NamedAttribute> attributes;
  if (sorted)
    attributes.push_back(node.flag("sorted"));
  SLUICE_TRY(unique, node.createOp<UniqueOp>(rows, attributes));
  Value zero = node.constantVector(0), count = unique->getResult(0);
  SLUICE_TRY(first, sliceAxis(node, unique->getResult(1), 0, zero, count));
  SLUICE_TRY(counts, sliceAxis(node, unique->getResult(3), 0, zero, count));
  SLUICE_TRY(result,
             node.create<GatherOp>({data, first}, node.integer("axis", axis)));
  return Values{result, first, unique->getResult(2), counts};
}

static llvm::Expected<Values> importNonMaxSuppression(NodeContext &node) {
  SLUICE_TRY(centerPoint, node.node.getInt("center_point_box", 0));
  Type wide = node.builder.getI64Type(), real = node.builder.getF32Type();
  auto scalar = [&](size_t index, Type type, double fallback) -> ExpectedValue {
    if (!node.hasInput(index))
      return node.scalar(type, fallback);
    SLUICE_TRY(value, node.cast(node.input(index), type));
    return node.reshape(value, {});
  };
  SLUICE_TRY(maxBoxes, scalar(2, wide, 0));
  SLUICE_TRY(overlap, scalar(3, real, 0));
  SLUICE_TRY(threshold,
             scalar(4, real, -std::numeric_limits<double>::infinity()));
  SmallVector<NamedAttribute> attributes;
  if (centerPoint)
    attributes.push_back(node.flag("center_point"));
  Values operands{node.input(0), node.input(1), maxBoxes, overlap, threshold};
  SLUICE_TRY(op, node.createOp<NonMaxSuppressionOp>(operands, attributes));
  SLUICE_TRY(selected, sliceAxis(node, op->getResult(1), 0,
                                 node.constantVector(0), op->getResult(0)));
  return Values{selected};
}

void sluice::registerIndexingImports(ImportRegistry &registry) {
  registry.add("Compress", 2, importCompress);
  registry.add("Gather", 2, importGatherAlong<GatherOp>);
  registry.add("GatherElements", 2, importGatherAlong<GatherElementsOp>);
  registry.add("GatherND", 2, importGatherND);
  registry.add("NonMaxSuppression", {2, 5}, importNonMaxSuppression);
  registry.add("NonZero", 1, importNonZero);
  registry.add("Scatter", 3, importScatterElements);
  registry.add("ScatterElements", 3, importScatterElements);
  registry.add("ScatterND", 3, importScatterND);
  registry.add("TensorScatter", {2, 3}, importTensorScatter);
  registry.add("TopK", {1, 2, 2}, importTopK);
  registry.add("Unique", {1, 1, 4}, importUnique);
}
