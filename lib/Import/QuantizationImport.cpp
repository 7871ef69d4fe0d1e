//===- QuantizationImport.cpp - Quantised operators -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Quantised operators become what they mean: conversions, integer products and
// convolutions, scaling, rounding and saturation.
//
//===----------------------------------------------------------------------===//

#include "Composition.h"
#include "ImportRegistry.h"
#include "WindowImport.h"

using namespace mlir;
using namespace sluice;

/// The element type of quantised values; null if it is not supported.
static IntegerType quantisedType(Type type) {
  auto integer = dyn_cast_if_present<IntegerType>(type);
  return integer && integer.getWidth() > 1 && integer.getWidth() <= 32
             ? integer
             : nullptr;
}

/// Rounds to the integers of `type`, saturating; `value` is f32.
static Value saturate(Composition &ops, Value value, IntegerType type) {
  unsigned width = type.getWidth();
  bool isUnsigned = type.isUnsigned();
  double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  // The largest f32 below 2^31 or 2^32.
  if (width == 32)
    high = isUnsigned ? 4294967040.0 : 2147483520.0;
  Value clipped = ops.make<ClipOp>(
      {value, ops.number(value, low), ops.number(value, high)});
  return ops.cast(clipped, type);
}

/// A scale or zero point in a form that broadcasts to the operand: a scalar,
/// one element per place of `axis`, or one per block of it.
static Value spreadParameter(Composition &ops, Value parameter, Value operand,
                             int64_t axis, int64_t blockSize) {
  if (ops.failed())
    return nullptr;
  ArrayRef<int64_t> shape = shapeOf(parameter);
  int64_t rank = shapeOf(operand).size();
  if (shape.empty())
    return parameter;
  if (blockSize == 0) {
    if (shape.size() == 1 && shape[0] == 1)
      return ops.reshape(parameter, {});
    if (shape.size() != 1)
      return ops.fail(ops.node.invalid(
          "a scale has rank " + Twine(shape.size()) + " without a block size"));
    SmallVector<int64_t> others;
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis)
        others.push_back(i);
    return ops.unsqueeze(parameter, others);
  }
  if (static_cast<int64_t>(shape.size()) != rank)
    return ops.fail(
        ops.node.invalid("a scale of blocks must have the operand's rank"));
  int64_t size = shapeOf(operand)[axis];
  if (ShapedType::isDynamic(size) || ShapedType::isDynamic(shape[axis]))
    return ops.fail(ops.node.unsupported(
        "blocks of sizes that are not known at compile time"));
  // The last block may be shorter than the others.
  if (llvm::divideCeil(size, blockSize) != static_cast<uint64_t>(shape[axis]))
    return ops.fail(
        ops.node.invalid(Twine(shape[axis]) + " blocks of " + Twine(blockSize) +
                         " do not make a dimension of size " + Twine(size)));
  // [..., blocks, ...] repeated to [..., blocks, block size, ...].
  SmallVector<int64_t> repeats(rank + 1, 1);
  repeats[axis + 1] = blockSize;
  Value repeated = ops.make<BroadcastOp>(
      {ops.unsqueeze(parameter, axis + 1), ops.node.constantVector(repeats)});
  if (shape[axis] * blockSize == size)
    return ops.reshapeLike(repeated, operand);
  SmallVector<int64_t> whole(shape);
  whole[axis] *= blockSize;
  if (llvm::count_if(whole, ShapedType::isDynamic) > 1)
    return ops.fail(ops.node.unsupported(
        "a short last block of a scale whose sizes are not known"));
  llvm::replace(whole, ShapedType::kDynamic, int64_t(-1));
  return ops.slice(ops.reshape(repeated, whole), axis, 0, size);
}

namespace {
struct QuantisationAttributes {
  int64_t axis = 0, blockSize = 0;
};
} // namespace

static llvm::Expected<QuantisationAttributes>
readQuantisation(NodeContext &node) {
  QuantisationAttributes result;
  int64_t rank = node.rank(node.input(0));
  SLUICE_TRY(axis, node.node.getInt("axis", 1));
  SLUICE_TRY(blockSize, node.node.getInt("block_size", 0));
  if (blockSize < 0)
    return node.invalid("block_size is " + Twine(blockSize));
  if (blockSize > (int64_t(1) << 31))
    return node.unsupported("block_size is " + Twine(blockSize));
  // The axis says nothing where there is one scale.
  int64_t scaleRank = node.rank(node.input(1));
  if (scaleRank > 0) {
    if (scaleRank == 1 && blockSize == 0 && rank == 1)
      axis = 0;
    auto isOne = shapeOf(node.input(1)) == ArrayRef<int64_t>{1};
    if (!isOne || blockSize) {
      SLUICE_TRY(place, node.normaliseAxis(axis, rank));
      result.axis = place;
    }
  }
  result.blockSize = blockSize;
  return result;
}

/// round(x / scale) + zero point, saturated. `scale` and `zeroPoint` broadcast;
/// the latter may be null.
static Value quantise(Composition &ops, Value x, Value scale, Value zeroPoint,
                      IntegerType type) {
  Type f32 = ops.node.builder.getF32Type();
  Value number =
      ops.make<RoundOp>(ops.div(ops.cast(x, f32), ops.cast(scale, f32)));
  if (zeroPoint)
    number = ops.add(number, ops.cast(zeroPoint, f32));
  return saturate(ops, number, type);
}

static llvm::Expected<Values> importQuantizeLinear(NodeContext &node) {
  SLUICE_TRY(attributes, readQuantisation(node));
  SLUICE_TRY(outputType, node.node.getInt("output_dtype", 0));
  Type wanted = node.builder.getIntegerType(8, /*isSigned=*/false);
  if (node.hasInput(2))
    wanted = elementTypeOf(node.input(2));
  else if (outputType)
    wanted = node.elementType(outputType);
  IntegerType type = quantisedType(wanted);
  if (!type)
    return node.unsupported("quantised values of this type");
  Composition ops(node);
  Value x = node.input(0);
  auto spread = [&](size_t index) {
    return spreadParameter(ops, node.input(index), x, attributes.axis,
                           attributes.blockSize);
  };
  Value zeroPoint = node.hasInput(2) ? spread(2) : Value();
  return ops.finish({quantise(ops, x, spread(1), zeroPoint, type)});
}

/// x - zero point in i32.
static Value centre(Composition &ops, Value x, Value zeroPoint) {
  Type i32 = ops.node.builder.getI32Type();
  Value wide = ops.cast(x, i32);
  return zeroPoint ? ops.sub(wide, ops.cast(zeroPoint, i32)) : wide;
}

static llvm::Expected<Values> importDequantizeLinear(NodeContext &node) {
  SLUICE_TRY(attributes, readQuantisation(node));
  SLUICE_TRY(outputType, node.node.getInt("output_dtype", 0));
  Value x = node.input(0);
  if (!quantisedType(elementTypeOf(x)))
    return node.unsupported("quantised values of this type");
  Type type =
      outputType ? node.elementType(outputType) : elementTypeOf(node.input(1));
  if (!type || !isa<FloatType>(type))
    return node.unsupported("a result of this type");
  Composition ops(node);
  auto spread = [&](size_t index) {
    return spreadParameter(ops, node.input(index), x, attributes.axis,
                           attributes.blockSize);
  };
  Type f32 = node.builder.getF32Type();
  Value zeroPoint = node.hasInput(2) ? spread(2) : Value();
  Value number = ops.cast(centre(ops, x, zeroPoint), f32);
  Value scaled = ops.mul(number, ops.cast(spread(1), f32));
  return ops.finish({ops.cast(scaled, type)});
}

// The range of x and 0 goes to 0 ... 255.
static llvm::Expected<Values> importDynamicQuantizeLinear(NodeContext &node) {
  Value x = node.input(0);
  auto type = node.builder.getIntegerType(8, /*isSigned=*/false);
  Composition ops(node);
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, node.rank(x)));
  Value zero = ops.number(x, 0);
  Value high = ops.make<MaxOp>(
      {ops.reduce(x, ReductionKind::Max, axes, /*keepDims=*/false), zero});
  Value low = ops.make<MinOp>(
      {ops.reduce(x, ReductionKind::Min, axes, /*keepDims=*/false), zero});
  Value steps = ops.number(x, 255);
  Value scale = ops.div(ops.sub(high, low), steps);
  // All zeros: any scale will do.
  Value divisor =
      ops.select(ops.make<EqualOp>({scale, zero}), ops.number(x, 1), scale);
  Value place =
      ops.make<ClipOp>({ops.div(ops.sub(zero, low), divisor), zero, steps});
  Value zeroPoint = ops.cast(ops.make<RoundOp>(place), type);
  Value result = quantise(ops, x, divisor, zeroPoint, type);
  return ops.finish({result, scale, zeroPoint});
}

//===----------------------------------------------------------------------===//
// Integer products and convolutions
//===----------------------------------------------------------------------===//

/// A per-row parameter of a product's left operand is a column; any other
/// already broadcasts.
static Value rowParameter(Composition &ops, Value parameter) {
  if (!parameter || shapeOf(parameter).size() != 1)
    return parameter;
  if (shapeOf(parameter)[0] == 1)
    return ops.reshape(parameter, {});
  return ops.unsqueeze(parameter, {1});
}

/// One value per result channel of a convolution's weight.
static Value channelParameter(Composition &ops, Value parameter, int64_t rank,
                              int64_t channel) {
  if (!parameter || shapeOf(parameter).size() != 1)
    return parameter;
  if (shapeOf(parameter)[0] == 1)
    return ops.reshape(parameter, {});
  SmallVector<int64_t> others;
  for (int64_t i = 0; i < rank; ++i)
    if (i != channel)
      others.push_back(i);
  return ops.unsqueeze(parameter, others);
}

/// The product of two i32 values whose ranks may be one.
static Value integerProduct(Composition &ops, Value lhs, Value rhs) {
  if (ops.failed())
    return nullptr;
  bool lhsVector = shapeOf(lhs).size() == 1,
       rhsVector = shapeOf(rhs).size() == 1;
  if (lhsVector)
    lhs = ops.unsqueeze(lhs, {0});
  if (rhsVector)
    rhs = ops.unsqueeze(rhs, {1});
  Value product = ops.make<MatmulOp>({lhs, rhs});
  if (ops.failed())
    return nullptr;
  int64_t rank = shapeOf(product).size();
  SmallVector<int64_t> dropped;
  if (lhsVector)
    dropped.push_back(rank - 2);
  if (rhsVector)
    dropped.push_back(rank - 1);
  return dropped.empty() ? product : ops.squeeze(product, dropped);
}

static llvm::Expected<Values> importMatMulInteger(NodeContext &node) {
  Composition ops(node);
  Value lhs =
      centre(ops, node.input(0), rowParameter(ops, node.optionalInput(2)));
  Value rhs = centre(ops, node.input(1), node.optionalInput(3));
  return ops.finish({integerProduct(ops, lhs, rhs)});
}

/// An i32 result back to quantised values: times lhs scale * rhs scale / result
/// scale.
static Value requantise(Composition &ops, Value sum, Value lhsScale,
                        Value rhsScale, Value resultScale, Value zeroPoint) {
  if (ops.failed())
    return nullptr;
  IntegerType type = quantisedType(elementTypeOf(zeroPoint));
  if (!type)
    return ops.fail(ops.node.unsupported("quantised values of this type"));
  Type f32 = ops.node.builder.getF32Type();
  auto wide = [&](Value scale) { return ops.cast(scale, f32); };
  Value factor =
      ops.div(ops.mul(wide(lhsScale), wide(rhsScale)), wide(resultScale));
  Value number = ops.make<RoundOp>(ops.mul(ops.cast(sum, f32), factor));
  return saturate(ops, ops.add(number, ops.cast(zeroPoint, f32)), type);
}

static llvm::Expected<Values> importQLinearMatMul(NodeContext &node) {
  Composition ops(node);
  Value lhs = centre(ops, node.input(0), rowParameter(ops, node.input(2)));
  Value rhs = centre(ops, node.input(3), node.input(5));
  Value sum = integerProduct(ops, lhs, rhs);
  return ops.finish({requantise(ops, sum, rowParameter(ops, node.input(1)),
                                node.input(4), rowParameter(ops, node.input(6)),
                                rowParameter(ops, node.input(7)))});
}

static llvm::Expected<Values> importConvInteger(NodeContext &node) {
  Composition ops(node);
  Value input = node.input(0), weight = node.input(1);
  Value lhs = centre(ops, input, node.optionalInput(2));
  Value rhs = centre(ops, weight,
                     channelParameter(ops, node.optionalInput(3),
                                      node.rank(weight), /*channel=*/0));
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(result, createConvolution(node, lhs, rhs));
  return ops.finish({result});
}

static llvm::Expected<Values> importQLinearConv(NodeContext &node) {
  Composition ops(node);
  Value weight = node.input(3);
  int64_t rank = node.rank(weight);
  Value lhs = centre(ops, node.input(0), node.input(2));
  Value rhs =
      centre(ops, weight, channelParameter(ops, node.input(5), rank, 0));
  if (ops.failed())
    return ops.finish({});
  SLUICE_TRY(product, createConvolution(node, lhs, rhs));
  Value sum = product;
  if (node.hasInput(8))
    sum = ops.unwrap(addChannelBias(node, sum, node.input(8)));
  return ops.finish({requantise(ops, sum, node.input(1),
                                channelParameter(ops, node.input(4), rank, 1),
                                node.input(6), node.input(7))});
}

void sluice::registerQuantizationImports(ImportRegistry &registry) {
  registry.add("ConvInteger", {2, 4}, importConvInteger);
  registry.add("DequantizeLinear", {2, 3}, importDequantizeLinear);
  registry.add("DynamicQuantizeLinear", {1, 1, 3}, importDynamicQuantizeLinear);
  registry.add("MatMulInteger", {2, 4}, importMatMulInteger);
  registry.add("QLinearConv", {8, 9}, importQLinearConv);
  registry.add("QLinearMatMul", 8, importQLinearMatMul);
  registry.add("QuantizeLinear", {2, 3}, importQuantizeLinear);
}
