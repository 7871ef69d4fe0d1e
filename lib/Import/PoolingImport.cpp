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
  SLUICE_TRY(kernel,
             readSizes(node, "kernel_shape", std::nullopt, /*least=*/1));
  if (static_cast<int64_t>(kernel.size()) != spatialRank)
    return node.invalid("kernel_shape must have " + Twine(spatialRank) +
                        " sizes");
  for (int64_t size : kernel)
    if (size > (int64_t(1) << 31))
      return node.unsupported("a kernel of size " + Twine(size));
  return kernel;
}

namespace {
/// What all pools share.
struct PoolRequest {
  WindowAttributes window;
  SmallVector<NamedAttribute> attributes;
};
} // namespace

static llvm::Expected<PoolRequest> readPool(NodeContext &node) {
  int64_t spatialRank = node.rank(node.input(0)) - 2;
  if (spatialRank < 1)
    return node.invalid("the input must have rank three or more");
  SLUICE_TRY(window, readWindow(node, spatialRank));
  SLUICE_TRY(kernel, readKernel(node, spatialRank));
  SLUICE_TRY(ceilMode, node.node.getInt("ceil_mode", 0));
  if (llvm::Error error = resolveAutoPad(node, kernel, nullptr, window))
    return error;
  PoolRequest request{std::move(window), {}};
  request.attributes = request.window.toAttributes(node);
  request.attributes.push_back(node.ints("kernel", kernel));
  if (ceilMode)
    request.attributes.push_back(node.flag("ceil_mode"));
  return request;
}

/// Flat places in a padded tensor as places in the one inside.
static Value placesInside(Composition &ops, Value places, Value padded,
                          const PoolRequest &request, bool columnMajor) {
  Value input = ops.node.input(0);
  int64_t rank = ops.node.rank(input);
  // The innermost dimension first.
  SmallVector<int64_t> order;
  for (int64_t i = 2; i < rank; ++i)
    order.push_back(columnMajor ? i : rank + 1 - i);
  Value rest = places, stride = ops.node.constantVector(1), result;
  for (int64_t dimension : order) {
    Value size = ops.size(padded, dimension);
    Value position = ops.make<ModOp>({rest, size});
    rest = ops.div(rest, size);
    Value before =
        ops.unwrap(vectorElement(ops.node, request.window.widths, dimension));
    Value part = ops.mul(ops.sub(position, before), stride);
    result = result ? ops.add(result, part) : part;
    stride = ops.mul(stride, ops.size(input, dimension));
  }
  return ops.add(result, ops.mul(rest, stride));
}

static llvm::Expected<Values> importMaxPool(NodeContext &node) {
  SLUICE_TRY(request, readPool(node));
  SLUICE_TRY(padded, padInput(node, node.input(0), request.window,
                              -std::numeric_limits<double>::infinity()));
  SLUICE_TRY(result, node.create<MaxPoolOp>(padded, request.attributes));
  if (!node.node.hasOutput(1))
    return Values{result};
  SLUICE_TRY(columnMajor, node.node.getInt("storage_order", 0));
  if (columnMajor)
    request.attributes.push_back(node.flag("column_major"));
  SLUICE_TRY(indices,
             node.create<MaxPoolIndicesOp>(padded, request.attributes));
  if (!request.window.widths)
    return Values{result, indices};
  Composition ops(node);
  Value places = placesInside(ops, indices, padded, request, columnMajor != 0);
  return ops.finish({result, places});
}

/// The mean of what each window has of the input, where the widths of the
/// padding are only known in the run: the mean with zeros around the input,
/// divided by the same of ones.
static llvm::Expected<Values> averageInside(NodeContext &node,
                                            const PoolRequest &request) {
  Value input = node.input(0);
  Type type = elementTypeOf(input);
  Composition ops(node);
  Value wide =
      type.isF64() ? input : ops.cast(input, node.builder.getF32Type());
  if (ops.failed())
    return ops.finish({});
  SmallVector<Value> sizes(2, node.constantVector(1));
  for (int64_t i = 2; i < node.rank(input); ++i)
    sizes.push_back(ops.size(input, i));
  Value shape = ops.unwrap(joinVectors(node, sizes));
  Value ones =
      ops.make<BroadcastOp>({node.scalar(elementTypeOf(wide), 1), shape});
  auto mean = [&](Value tensor) -> Value {
    if (ops.failed())
      return nullptr;
    return ops.make<AveragePoolOp>(
        ops.unwrap(padInput(node, tensor, request.window, 0)),
        request.attributes);
  };
  return ops.finish({ops.cast(ops.div(mean(wide), mean(ones)), type)});
}

static llvm::Expected<Values> importAveragePool(NodeContext &node) {
  SLUICE_TRY(request, readPool(node));
  SLUICE_TRY(countPadding, node.node.getInt("count_include_pad", 0));
  bool isPadded = static_cast<bool>(request.window.widths);
  if (countPadding || isPadded)
    request.attributes.push_back(node.flag("count_padding"));
  if (isPadded && !countPadding)
    return averageInside(node, request);
  SLUICE_TRY(padded, padInput(node, node.input(0), request.window, 0));
  SLUICE_TRY(result, node.create<AveragePoolOp>(padded, request.attributes));
  return Values{result};
}

static llvm::Expected<Values> importLpPool(NodeContext &node) {
  SLUICE_TRY(request, readPool(node));
  SLUICE_TRY(p, node.node.getInt("p", 2));
  if (p < 1)
    return node.invalid("p must be positive");
  request.attributes.push_back(node.integer("p", p));
  SLUICE_TRY(padded, padInput(node, node.input(0), request.window, 0));
  SLUICE_TRY(result, node.create<LpPoolOp>(padded, request.attributes));
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
  SLUICE_TRY(wanted, readSizes(node, 2, rank));
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
  registry.add("MaxPool", {1, 1, 2}, importMaxPool, 1);
  registry.add("MaxUnpool", {2, 3}, importMaxUnpool);
}
