//===- PoolingImport.cpp - Pooling operators ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"
#include "WindowImport.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

/// The sizes of the kernel, each small enough to compute with.
static llvm::Expected<std::vector<int64_t>> readKernel(NodeContext &node,
                                                       int64_t spatialRank) {
  SLUICE_TRY(kernel, node.node.getInts("kernel_shape"));
  if (static_cast<int64_t>(kernel.size()) != spatialRank)
    return node.invalid("kernel_shape must have " + Twine(spatialRank) +
                        " sizes");
  for (int64_t size : kernel) {
    if (size < 1)
      return node.invalid("a kernel of size " + Twine(size));
    if (size > (int64_t(1) << 31))
      return node.unsupported("a kernel of size " + Twine(size));
  }
  return kernel;
}

/// The attributes that all pools share.
static llvm::Expected<SmallVector<NamedAttribute>> readPool(NodeContext &node) {
  Value input = node.input(0);
  int64_t spatialRank = node.rank(input) - 2;
  if (spatialRank < 1)
    return node.invalid("the input must have rank three or more");
  SLUICE_TRY(window, readWindow(node, spatialRank));
  SLUICE_TRY(kernel, readKernel(node, spatialRank));
  SLUICE_TRY(ceilMode, node.node.getInt("ceil_mode", 0));
  if (llvm::Error error =
          resolveAutoPad(node, shapeOf(input).drop_front(2), kernel, window))
    return error;
  SmallVector<NamedAttribute> attributes = window.toAttributes(node);
  attributes.push_back(node.ints("kernel", kernel));
  if (ceilMode)
    attributes.push_back(node.flag("ceil_mode"));
  return attributes;
}

static llvm::Expected<Values> importMaxPool(NodeContext &node) {
  SLUICE_TRY(attributes, readPool(node));
  SLUICE_TRY(result, node.create<MaxPoolOp>(node.input(0), attributes));
  if (!node.node.hasOutput(1))
    return Values{result};
  SLUICE_TRY(columnMajor, node.node.getInt("storage_order", 0));
  if (columnMajor)
    attributes.push_back(node.flag("column_major"));
  SLUICE_TRY(indices, node.create<MaxPoolIndicesOp>(node.input(0), attributes));
  return Values{result, indices};
}

static llvm::Expected<Values> importAveragePool(NodeContext &node) {
  SLUICE_TRY(attributes, readPool(node));
  SLUICE_TRY(countPadding, node.node.getInt("count_include_pad", 0));
  if (countPadding)
    attributes.push_back(node.flag("count_padding"));
  SLUICE_TRY(result, node.create<AveragePoolOp>(node.input(0), attributes));
  return Values{result};
}

static llvm::Expected<Values> importLpPool(NodeContext &node) {
  SLUICE_TRY(attributes, readPool(node));
  SLUICE_TRY(p, node.node.getInt("p", 2));
  if (p < 1)
    return node.invalid("p must be positive");
  attributes.push_back(node.integer("p", p));
  SLUICE_TRY(result, node.create<LpPoolOp>(node.input(0), attributes));
  return Values{result};
}

/// Puts every element where `max_pool_indices` says it came from, in the shape
/// the pooled tensor had; an `output_shape` larger than that adds zeros.
static llvm::Expected<Values> importMaxUnpool(NodeContext &node) {
  Value input = node.input(0), indices = node.input(1);
  int64_t rank = node.rank(input), spatialRank = rank - 2;
  if (spatialRank < 1 || node.rank(indices) != rank)
    return node.invalid(
        "values and indices must have one rank of three or more");
  SLUICE_TRY(window, readWindow(node, spatialRank));
  SLUICE_TRY(kernel, readKernel(node, spatialRank));
  Composition ops(node);
  SmallVector<Value> sizes = {ops.size(input, 0), ops.size(input, 1)};
  Value count = ops.mul(sizes[0], sizes[1]);
  ArrayRef<int64_t> shape = shapeOf(input);
  int64_t total = 1;
  auto isCountable = [&](int64_t size) {
    return !llvm::MulOverflow(total, size, total);
  };
  for (int64_t size : shape.take_front(2))
    if (!ShapedType::isDynamic(size) && !isCountable(size))
      return node.unsupported("the result has too many elements");
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t stride = window.strides[i];
    int64_t rest =
        kernel[i] - stride - window.pads[i] - window.pads[spatialRank + i];
    int64_t known = shape[2 + i];
    if (!ShapedType::isDynamic(known)) {
      if (llvm::MulOverflow(known, stride, known) ||
          llvm::AddOverflow(known, rest, known) || !isCountable(known))
        return node.unsupported("the result has too many elements");
      if (known < 0)
        return node.invalid("the pads exceed the result");
    }
    Value size = ops.mul(ops.size(input, 2 + i), node.constantVector(stride));
    sizes.push_back(ops.add(size, node.constantVector(rest)));
    count = ops.mul(count, sizes.back());
  }
  if (ops.failed())
    return ops.finish({});
  Value zeros =
      ops.make<BroadcastOp>({node.scalar(elementTypeOf(input), 0), count});
  Value flat = ops.make<ScatterElementsOp>(
      {zeros, ops.reshape(indices, {-1}), ops.reshape(input, {-1})},
      {node.integer("axis", 0),
       node.attribute("mode", ScatterModeAttr::get(node.builder.getContext(),
                                                   ScatterMode::Replace))});
  Value result = ops.reshapeTo(flat, sizes);
  if (!node.hasInput(2) || ops.failed())
    return ops.finish({result});
  SLUICE_TRY(wanted, toVector(node, node.input(2), rank));
  Value widths = ops.sub(wanted, ops.unwrap(joinVectors(node, sizes)));
  if (ops.failed())
    return ops.finish({});
  Value zero = node.scalar(elementTypeOf(input), 0);
  return ops.finish({ops.unwrap(padEnd(node, result, zero, widths))});
}

/// Reduces all spatial dimensions.
static llvm::Expected<Value> reduceSpatial(NodeContext &node, Value input,
                                           ReductionKind kind) {
  if (node.rank(input) < 2)
    return node.invalid("the input must have rank two or more");
  Composition ops(node);
  return ops.finishValue(ops.reduce(
      input, kind, llvm::to_vector(llvm::seq<int64_t>(2, node.rank(input)))));
}

static llvm::Expected<Values> importGlobalAveragePool(NodeContext &node) {
  SLUICE_TRY(result, reduceSpatial(node, node.input(0), ReductionKind::Mean));
  return Values{result};
}

static llvm::Expected<Values> importGlobalMaxPool(NodeContext &node) {
  SLUICE_TRY(result, reduceSpatial(node, node.input(0), ReductionKind::Max));
  return Values{result};
}

static llvm::Expected<Values> importGlobalLpPool(NodeContext &node) {
  SLUICE_TRY(p, node.node.getInt("p", 2));
  if (p == 1 || p == 2) {
    SLUICE_TRY(result,
               reduceSpatial(node, node.input(0),
                             p == 1 ? ReductionKind::L1 : ReductionKind::L2));
    return Values{result};
  }
  if (p < 1)
    return node.invalid("p must be positive");
  Type type = elementTypeOf(node.input(0));
  Composition ops(node);
  Value power =
      ops.make<PowOp>({ops.make<AbsOp>(node.input(0)), node.scalar(type, p)});
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(sum, reduceSpatial(node, power, ReductionKind::Sum));
  return ops.finish({ops.make<PowOp>({sum, node.scalar(type, 1.0 / p)})});
}

void sluice::registerPoolingImports(ImportRegistry &registry) {
  registry.add("AveragePool", 1, importAveragePool, 1);
  registry.add("GlobalAveragePool", 1, importGlobalAveragePool, 1);
  registry.add("GlobalLpPool", 1, importGlobalLpPool, 2);
  registry.add("GlobalMaxPool", 1, importGlobalMaxPool, 1);
  registry.add("LpPool", 1, importLpPool, 2);
  registry.add("MaxPool", 1, importMaxPool, 1);
  registry.add("MaxUnpool", 2, importMaxUnpool);
}
