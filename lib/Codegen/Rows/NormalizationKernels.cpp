//===- NormalizationKernels.cpp - Softmax and normalisations --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/LoopNest.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The largest of two, NaN aside: exp(NaN - max) brings a NaN back in.
static Value larger(KernelBuilder &kernel, Value a, Value b) {
  BodyBuilder body{kernel.builder, kernel.loc};
  return body.select(body.compare(CmpFPredicate::OGT, a, b), a, b);
}

/// exp(x) for x that are at most 0, or NaN. Results below the normal numbers
/// are 0: beside the largest power of a row, which is 1, they are nothing, and
/// arithmetic on them would be slow. Rows with a mask are full of them.
static Value exponential(KernelBuilder &kernel, Value x) {
  BodyBuilder body{kernel.builder, kernel.loc};
  bool isDouble = getElementTypeOrSelf(x.getType()).isF64();
  Value lowest = body.constant(x, isDouble ? -708.0 : -87.0);
  Value isTiny = body.compare(CmpFPredicate::OLT, x, lowest);
  Value power = body.make<math::ExpOp>(body.select(isTiny, lowest, x));
  return body.select(isTiny, body.constant(x, 0), power);
}

/// One row of consecutive elements.
template <bool isLog>
static void emitSoftmaxRow(KernelBuilder &kernel, const RowBuffer &source,
                           const RowBuffer &target, Type elementType,
                           Value offset, Value count) {
  BodyBuilder body{kernel.builder, kernel.loc};
  Value lowest = kernel.extreme(elementType, /*highest=*/false);
  Value zero = kernel.number(elementType, 0);
  Value largest = reduceRow(
      kernel, count, lowest, source.type(),
      [&](const Piece &piece) { return source.load(offset, piece, lowest); },
      [&](Value a, Value b) { return larger(kernel, a, b); });
  Value shift = source.splat(largest);
  Value sum = reduceRow(
      kernel, count, zero, source.type(),
      [&](const Piece &piece) {
        Value power =
            exponential(kernel, body.sub(source.load(offset, piece), shift));
        if (!isLog)
          target.store(power, offset, piece);
        return keepLanes(kernel, piece, power, source.splat(zero));
      },
      [&](Value a, Value b) { return body.add(a, b); });
  if constexpr (isLog) {
    Value logarithm = math::LogOp::create(kernel.builder, kernel.loc, sum);
    Value subtrahend = source.splat(logarithm);
    forEachPiece(kernel, count, source.lanes(), [&](const Piece &piece) {
      Value centred = body.sub(source.load(offset, piece), shift);
      target.store(body.sub(centred, subtrahend), offset, piece);
    });
  } else {
    Value factor = source.splat(body.div(kernel.number(elementType, 1), sum));
    forEachPiece(kernel, count, source.lanes(), [&](const Piece &piece) {
      Value power = target.load(offset, piece);
      target.store(body.mul(power, factor), offset, piece);
    });
  }
}

/// A vector of neighbouring columns whose elements are `stride` apart.
template <bool isLog>
static void emitSoftmaxColumns(KernelBuilder &kernel, const RowBuffer &source,
                               const RowBuffer &target, Type elementType,
                               Value offset, Value count, Value stride,
                               const Piece &piece) {
  BodyBuilder body{kernel.builder, kernel.loc};
  auto rowAt = [&](Value i) {
    return kernel.add(offset, kernel.mul(i, stride));
  };
  Value lowest = source.splat(kernel.extreme(elementType, /*highest=*/false));
  Value largest = kernel.loop(
      count, lowest, [&](Value i, ValueRange running) -> SmallVector<Value> {
        return {larger(kernel, running[0], source.load(rowAt(i), piece))};
      })[0];
  Value zero = source.splat(kernel.number(elementType, 0));
  Value sum = sumLoop(
      kernel, count, zero,
      [&](Value i, ValueRange running) -> SmallVector<Value> {
        Value power = exponential(
            kernel, body.sub(source.load(rowAt(i), piece), largest));
        if (!isLog)
          target.store(power, rowAt(i), piece);
        return {body.add(running[0], power)};
      },
      [&](Value a, Value b) { return body.add(a, b); })[0];
  if constexpr (isLog) {
    Value logarithm = math::LogOp::create(kernel.builder, kernel.loc, sum);
    kernel.forEach(count, [&](ValueRange i) {
      Value centred = body.sub(source.load(rowAt(i[0]), piece), largest);
      target.store(body.sub(centred, logarithm), rowAt(i[0]), piece);
    });
  } else {
    Value factor = body.div(body.constant(sum, 1), sum);
    kernel.forEach(count, [&](ValueRange i) {
      Value power = target.load(rowAt(i[0]), piece);
      target.store(body.mul(power, factor), rowAt(i[0]), piece);
    });
  }
}

template <typename OpTy>
static LogicalResult emitSoftmax(KernelBuilder &kernel, Operation *operation) {
  auto op = cast<OpTy>(operation);
  constexpr bool isLog = std::is_same_v<OpTy, LogSoftmaxOp>;
  if (!kernel.buffer(op.getOperand()) || !isOnlyResult(kernel, operation))
    return operation->emitOpError("must be alone in its kernel");
  Type type = elementTypeOf(op.getOperand());
  SmallVector<Value> sizes = kernel.sizes(op.getOperand());
  int64_t axis = op.getAxis();
  Value outer = kernel.product(ValueRange(sizes).take_front(axis));
  Value inner = kernel.product(ValueRange(sizes).drop_front(axis + 1));
  Value count = sizes[axis];
  RowBuffer source(kernel, op.getOperand());
  RowBuffer target(kernel, op.getResult());
  Cost each = kernel.cost({5, 0}) * getConstantIntValue(count).value_or(256);
  if (getConstantIntValue(inner) == 1) {
    kernel.parallel(outer, each, [&](Value row) {
      emitSoftmaxRow<isLog>(kernel, source, target, type,
                            kernel.mul(row, count), count);
    });
    return success();
  }
  int64_t lanes = source.lanes();
  Value blocks = kernel.div(kernel.add(inner, kernel.index(lanes - 1)),
                            kernel.index(lanes));
  parallelNest(kernel, {outer, blocks}, each * lanes, [&](ValueRange at) {
    Value begin = kernel.mul(at[1], kernel.index(lanes));
    Value offset =
        kernel.add(kernel.mul(at[0], kernel.mul(count, inner)), begin);
    Value rest = kernel.sub(inner, begin);
    Value width = arith::MinSIOp::create(kernel.builder, kernel.loc, rest,
                                         kernel.index(lanes));
    // At most one vector: whole or masked.
    forEachPiece(kernel, width, lanes, [&](const Piece &piece) {
      emitSoftmaxColumns<isLog>(kernel, source, target, type, offset, count,
                                inner, piece);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Layer and RMS normalisation
//===----------------------------------------------------------------------===//

template <typename OpTy>
static LogicalResult emitNorm(KernelBuilder &kernel, Operation *operation) {
  auto op = cast<OpTy>(operation);
  constexpr bool isCentred = std::is_same_v<OpTy, LayerNormOp>;
  if (!kernel.buffer(op.getOperand()) || !isOnlyResult(kernel, operation))
    return operation->emitOpError("must be alone in its kernel");
  Type type = elementTypeOf(op.getOperand());
  BodyBuilder body{kernel.builder, kernel.loc};
  SmallVector<Value> sizes = kernel.sizes(op.getOperand());
  Value outer = kernel.product(ValueRange(sizes).take_front(op.getAxis()));
  Value count = kernel.product(ValueRange(sizes).drop_front(op.getAxis()));
  RowBuffer source(kernel, op.getOperand());
  RowBuffer target(kernel, op.getResult());
  // A splat constant stays inside the kernel and has no buffer.
  auto parameter = [&](Value tensor) -> std::function<Value(const Piece &)> {
    if (!tensor)
      return nullptr;
    if (kernel.buffer(tensor))
      return [row = RowBuffer(kernel, tensor), &kernel](const Piece &piece) {
        return row.load(kernel.index(0), piece);
      };
    SmallVector<Value> origin(shapeOf(tensor).size(), kernel.index(0));
    Value splat = source.splat(kernel.load(tensor, origin));
    return [splat](const Piece &) { return splat; };
  };
  auto scale = parameter(op.getScale()), bias = parameter(op.getBias());
  auto sum = [&](Value a, Value b) { return body.add(a, b); };
  Value zero = kernel.number(type, 0);
  Cost each = kernel.cost({3, 0}) * getConstantIntValue(count).value_or(256);
  kernel.parallel(outer, each, [&](Value row) {
    Value offset = kernel.mul(row, count);
    Value mean;
    if constexpr (isCentred) {
      Value total = reduceRow(
          kernel, count, zero, source.type(),
          [&](const Piece &piece) { return source.load(offset, piece); }, sum);
      mean = source.splat(divideByCount(kernel, total, count, type));
    }
    auto centred = [&](const Piece &piece) {
      Value x = source.load(offset, piece);
      return mean ? body.sub(x, mean) : x;
    };
    Value squares = reduceRow(
        kernel, count, zero, source.type(),
        [&](const Piece &piece) {
          Value x = centred(piece);
          return keepLanes(kernel, piece, body.mul(x, x), source.splat(zero));
        },
        sum);
    Value variance = divideByCount(kernel, squares, count, type);
    Value deviation = body.make<math::SqrtOp>(body.add(
        variance, kernel.number(type, op.getEpsilon().convertToDouble())));
    Value factor = source.splat(body.div(kernel.number(type, 1), deviation));
    forEachPiece(kernel, count, source.lanes(), [&](const Piece &piece) {
      Value x = body.mul(centred(piece), factor);
      if (scale)
        x = body.mul(x, scale(piece));
      if (bias)
        x = body.add(x, bias(piece));
      target.store(x, offset, piece);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static Value batchNormElement(KernelBuilder &kernel, OpResult result,
                              ValueRange indices) {
  auto op = cast<BatchNormOp>(result.getOwner());
  BodyBuilder body{kernel.builder, kernel.loc};
  Type type = getComputeType(elementTypeOf(result));
  Value channel;
  if (op.getChannelsLast())
    channel = indices.back();
  else
    channel = indices.size() > 1 ? indices[1] : kernel.index(0);
  auto parameter = [&](Value tensor) -> Value {
    Value element = kernel.load(tensor, channel);
    if (element.getType() == type)
      return element;
    if (element.getType().getIntOrFloatBitWidth() <
        type.getIntOrFloatBitWidth())
      return body.make<arith::ExtFOp>(type, element);
    return body.make<arith::TruncFOp>(type, element);
  };
  Value variance = parameter(op.getVariance());
  Value deviation = body.make<math::SqrtOp>(body.add(
      variance, body.constant(variance, op.getEpsilon().convertToDouble())));
  Value centred =
      body.sub(kernel.load(op.getOperand(), indices), parameter(op.getMean()));
  Value scaled =
      body.mul(centred, body.div(parameter(op.getScale()), deviation));
  return body.add(scaled, parameter(op.getBias()));
}

void sluice::registerNormalizationEmitters(EmitterRegistry &registry) {
  registry.addElement<BatchNormOp>(batchNormElement);
  registry.addKernel<SoftmaxOp>(emitSoftmax<SoftmaxOp>);
  registry.addKernel<LogSoftmaxOp>(emitSoftmax<LogSoftmaxOp>);
  registry.addKernel<LayerNormOp>(emitNorm<LayerNormOp>);
  registry.addKernel<RmsNormOp>(emitNorm<RmsNormOp>);
}
