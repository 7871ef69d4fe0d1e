//===- PoolingKernels.cpp - Elements and kernels of pools -----------------===//
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
using arith::CmpIPredicate;

namespace {
/// The window of one result place.
struct PoolWindow {
  SmallVector<WindowAxis> axes;
  SmallVector<WindowTaps> taps;
  SmallVector<Value> counts;

  /// The places of taps as spatial indices.
  SmallVector<Value> positions(KernelBuilder &kernel, ValueRange steps) const {
    SmallVector<Value> result;
    for (auto [axis, tap, step] : llvm::zip(axes, taps, steps))
      result.push_back(tap.position(kernel, axis, step));
    return result;
  }
};
} // namespace

/// `places` are the spatial indices of the result.
template <typename OpTy>
static PoolWindow poolWindow(KernelBuilder &kernel, OpTy op,
                             ValueRange places) {
  PoolWindow window;
  for (int64_t i = 0, rank = op.getSpatialRank(); i < rank; ++i) {
    window.axes.push_back(
        {kernel.size(op.getOperand(), op.getSpatialDimension() + i),
         kernel.index(op.getKernel()[i]), op.getStrides()[i],
         op.getDilations()[i], op.getPads()[i]});
    window.taps.push_back(insideTaps(kernel, window.axes[i], places[i]));
    window.counts.push_back(window.taps[i].count);
  }
  return window;
}

static Value isGreater(KernelBuilder &kernel, Value value, Value best,
                       Type elementType) {
  BodyBuilder body{kernel.builder, kernel.loc};
  if (BodyBuilder::isFloat(value))
    return body.compare(CmpFPredicate::OGT, value, best);
  return body.compare(isUnsignedType(elementType) ? CmpIPredicate::ugt
                                                  : CmpIPredicate::sgt,
                      value, best);
}

static Value larger(KernelBuilder &kernel, Value value, Value best,
                    Type elementType) {
  BodyBuilder body{kernel.builder, kernel.loc};
  if (BodyBuilder::isFloat(value))
    return body.maximumOrNan(value, best);
  return body.select(isGreater(kernel, value, best, elementType), value, best);
}

/// The spatial part of a place.
template <typename OpTy>
static ValueRange spatialPart(OpTy op, ValueRange indices) {
  return indices.slice(op.getSpatialDimension(), op.getSpatialRank());
}

/// The operand's place: that of the result with other spatial indices.
template <typename OpTy>
static SmallVector<Value> operandPlace(OpTy op, ValueRange indices,
                                       ValueRange spatial) {
  SmallVector<Value> place(indices);
  llvm::copy(spatial, place.begin() + op.getSpatialDimension());
  return place;
}

static Value maxPoolElement(KernelBuilder &kernel, OpResult result,
                            ValueRange indices) {
  auto op = cast<MaxPoolOp>(result.getOwner());
  Type type = elementTypeOf(result);
  PoolWindow window = poolWindow(kernel, op, spatialPart(op, indices));
  return loopNest(
      kernel, window.counts, kernel.extreme(type, /*highest=*/false),
      [&](ValueRange steps, ValueRange running) -> SmallVector<Value> {
        Value element = kernel.load(
            op.getOperand(),
            operandPlace(op, indices, window.positions(kernel, steps)));
        return {larger(kernel, element, running[0], type)};
      })[0];
}

/// The row-major (or spatially column-major) place in the operand.
static Value flatPlace(KernelBuilder &kernel, MaxPoolIndicesOp op,
                       ArrayRef<Value> place) {
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(0, place.size()));
  if (op.getColumnMajor())
    std::reverse(order.begin() + op.getSpatialDimension(),
                 order.begin() + op.getSpatialDimension() +
                     op.getSpatialRank());
  Value flat = kernel.index(0);
  for (int64_t dimension : order)
    flat = kernel.add(kernel.mul(flat, kernel.size(op.getOperand(), dimension)),
                      place[dimension]);
  return flat;
}

static Value maxPoolIndicesElement(KernelBuilder &kernel, OpResult result,
                                   ValueRange indices) {
  auto op = cast<MaxPoolIndicesOp>(result.getOwner());
  Type type = elementTypeOf(op.getOperand());
  BodyBuilder body{kernel.builder, kernel.loc};
  PoolWindow window = poolWindow(kernel, op, spatialPart(op, indices));
  SmallVector<Value> best = loopNest(
      kernel, window.counts,
      {kernel.extreme(type, /*highest=*/false), kernel.index(-1)},
      [&](ValueRange steps, ValueRange running) -> SmallVector<Value> {
        SmallVector<Value> place =
            operandPlace(op, indices, window.positions(kernel, steps));
        Value element = kernel.load(op.getOperand(), place);
        // The first element counts even if it is the lowest number.
        Value isFirst =
            body.compare(CmpIPredicate::slt, running[1], kernel.index(0));
        Value isBetter = body.make<arith::OrIOp>(
            isFirst, isGreater(kernel, element, running[0], type));
        // So does the first NaN, and nothing after it.
        if (BodyBuilder::isFloat(element)) {
          Value isFirstNan = body.make<arith::AndIOp>(
              body.compare(CmpFPredicate::UNO, element, element),
              body.compare(CmpFPredicate::ORD, running[0], running[0]));
          isBetter = body.make<arith::OrIOp>(isBetter, isFirstNan);
        }
        return {
            body.select(isBetter, element, running[0]),
            body.select(isBetter, flatPlace(kernel, op, place), running[1])};
      });
  return kernel.fromIndex(best[1], elementTypeOf(result));
}

/// By how much the sum over a window is divided.
static Value averageDivisor(KernelBuilder &kernel, AveragePoolOp op,
                            const PoolWindow &window, ValueRange places) {
  if (!op.getCountPadding())
    return kernel.product(window.counts);
  Value divisor = kernel.index(1);
  int64_t rank = op.getSpatialRank();
  for (int64_t i = 0; i < rank; ++i) {
    // Padding counts, what is beyond it does not.
    Value limit =
        kernel.add(window.axes[i].size, kernel.index(op.getPads()[rank + i]));
    divisor = kernel.mul(divisor,
                         tapsBefore(kernel, window.axes[i], places[i], limit));
  }
  return divisor;
}

static Value averagePoolElement(KernelBuilder &kernel, OpResult result,
                                ValueRange indices) {
  auto op = cast<AveragePoolOp>(result.getOwner());
  Type type = elementTypeOf(result);
  BodyBuilder body{kernel.builder, kernel.loc};
  ValueRange places = spatialPart(op, indices);
  PoolWindow window = poolWindow(kernel, op, places);
  Value sum = sumNest(
      kernel, window.counts, kernel.number(type, 0),
      [&](ValueRange steps, ValueRange running) -> SmallVector<Value> {
        Value element = kernel.load(
            op.getOperand(),
            operandPlace(op, indices, window.positions(kernel, steps)));
        return {body.add(running[0], element)};
      },
      [&](Value a, Value b) { return body.add(a, b); }, op.getKernel())[0];
  return divideByCount(kernel, sum, averageDivisor(kernel, op, window, places),
                       type);
}

static Value lpPoolElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<LpPoolOp>(result.getOwner());
  Type type = elementTypeOf(result);
  BodyBuilder body{kernel.builder, kernel.loc};
  int64_t p = op.getP();
  PoolWindow window = poolWindow(kernel, op, spatialPart(op, indices));
  Value sum = sumNest(
      kernel, window.counts, kernel.number(type, 0),
      [&](ValueRange steps, ValueRange running) -> SmallVector<Value> {
        Value x = kernel.load(
            op.getOperand(),
            operandPlace(op, indices, window.positions(kernel, steps)));
        if (p == 2) {
          x = body.mul(x, x);
        } else {
          x = body.make<math::AbsFOp>(x);
          if (p != 1)
            x = body.make<math::PowFOp>(x, kernel.number(type, p));
        }
        return {body.add(running[0], x)};
      },
      [&](Value a, Value b) { return body.add(a, b); }, op.getKernel())[0];
  if (p == 1)
    return sum;
  if (p == 2)
    return body.make<math::SqrtOp>(sum);
  return body.make<math::PowFOp>(sum, kernel.number(type, 1.0 / p));
}

/// Max and average pools whose channels are next to each other: vectors of
/// channels, one window at a time.
template <typename OpTy>
static LogicalResult emitChannelsLastPool(KernelBuilder &kernel,
                                          Operation *operation) {
  auto op = cast<OpTy>(operation);
  Type type = elementTypeOf(op.getOperand());
  if (!op.getChannelsLast() || type.getIntOrFloatBitWidth() < 8 ||
      !kernel.buffer(op.getOperand()) || !isOnlyResult(kernel, operation))
    return emitElementKernel(kernel);
  constexpr bool isMax = std::is_same_v<OpTy, MaxPoolOp>;
  int64_t last = op.getChannelDimension();
  SmallVector<Value> sizes = kernel.sizes(op.getResult());
  Value channels = sizes[last];
  RowBuffer source(kernel, op.getOperand());
  RowBuffer target(kernel, op.getResult());
  double taps = ShapedType::getNumElements(op.getKernel());
  Cost each = kernel.cost({1, 0}) * taps *
              getConstantIntValue(channels).value_or(64) *
              (1.0 / source.lanes());
  parallelNest(
      kernel, ValueRange(sizes).drop_back(), each, [&](ValueRange outer) {
        ValueRange places = outer.drop_front();
        PoolWindow window = poolWindow(kernel, op, places);
        Value divisor;
        if constexpr (!isMax)
          divisor = averageDivisor(kernel, op, window, places);
        forEachPiece(kernel, channels, source.lanes(), [&](const Piece &at) {
          Value start = source.splat(isMax ? kernel.extreme(type, false)
                                           : kernel.number(type, 0));
          auto join = [&](Value a, Value b) -> Value {
            if constexpr (isMax)
              return larger(kernel, b, a, type);
            else
              return BodyBuilder{kernel.builder, kernel.loc}.add(a, b);
          };
          Value value = sumNest(
              kernel, window.counts, start,
              [&](ValueRange steps, ValueRange running) -> SmallVector<Value> {
                SmallVector<Value> place = {outer[0]};
                llvm::append_range(place, window.positions(kernel, steps));
                Value offset = kernel.mul(source.flatten(place), channels);
                return {join(running[0], source.load(offset, at))};
              },
              join, op.getKernel())[0];
          if constexpr (!isMax)
            value = divideByCount(kernel, value, divisor, type);
          target.store(value, kernel.mul(target.flatten(outer), channels), at);
        });
      });
  return success();
}

void sluice::registerPoolingEmitters(EmitterRegistry &registry) {
  registry.addElement<MaxPoolOp>(maxPoolElement);
  registry.addElement<MaxPoolIndicesOp>(maxPoolIndicesElement);
  registry.addElement<AveragePoolOp>(averagePoolElement);
  registry.addElement<LpPoolOp>(lpPoolElement);
  registry.addKernel<MaxPoolOp>(emitChannelsLastPool<MaxPoolOp>);
  registry.addKernel<AveragePoolOp>(emitChannelsLastPool<AveragePoolOp>);
}
