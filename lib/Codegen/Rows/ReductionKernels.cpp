//===- ReductionKernels.cpp - Reductions, ArgMax and ArgMin ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/IntegerBodies.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Elements/LoopNest.h"
#include "sluice/Codegen/Rows/ElementVectors.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

namespace {
/// What a kind of reduction does to scalars or vectors of the compute type.
struct Reducer {
  KernelBuilder &kernel;
  ReductionKind kind;
  Type elementType;

  /// What elements are combined in. A result that integers hold must not get
  /// lost in a sum that they do not.
  Type runningType() const;
  Value neutral() const;
  /// The element that changes nothing.
  Value neutralElement() const;
  /// What is combined, from an element.
  Value prepare(Value x) const;
  Value combine(Value a, Value b) const;
  /// The result, from what was combined over `count` elements.
  Value finish(Value total, Value count) const;

private:
  Value widen(Value x) const;
  BodyBuilder body() const { return {kernel.builder, kernel.loc}; }
};
} // namespace

Type Reducer::runningType() const {
  MLIRContext *context = elementType.getContext();
  auto integer = dyn_cast<IntegerType>(elementType);
  switch (kind) {
  case ReductionKind::L2:
  case ReductionKind::LogSum:
    return integer ? Float64Type::get(context) : elementType;
  case ReductionKind::Mean:
    // Every sum fits.
    return integer
               ? IntegerType::get(context, integer.getWidth() < 64 ? 64 : 128,
                                  integer.getSignedness())
               : elementType;
  default:
    return elementType;
  }
}

Value Reducer::neutral() const {
  switch (kind) {
  case ReductionKind::Max:
    return kernel.extreme(elementType, /*highest=*/false);
  case ReductionKind::Min:
    return kernel.extreme(elementType, /*highest=*/true);
  case ReductionKind::Prod:
    return kernel.number(elementType, 1);
  default:
    return kernel.number(runningType(), 0);
  }
}

Value Reducer::neutralElement() const {
  return runningType() == elementType ? neutral()
                                      : kernel.number(elementType, 0);
}

Value Reducer::prepare(Value x) const {
  switch (kind) {
  case ReductionKind::L1:
    if (BodyBuilder::isFloat(x))
      return body().make<math::AbsFOp>(x);
    return isUnsignedType(elementType) ? x : body().make<math::AbsIOp>(x);
  case ReductionKind::L2: {
    Value wide = widen(x);
    return body().mul(wide, wide);
  }
  case ReductionKind::SumSquare:
    return body().mul(x, x);
  case ReductionKind::Mean:
  case ReductionKind::LogSum:
    return widen(x);
  default:
    return x;
  }
}

Value Reducer::combine(Value a, Value b) const {
  bool isFloat = BodyBuilder::isFloat(a);
  bool isUnsigned = isUnsignedType(elementType);
  switch (kind) {
  case ReductionKind::Max:
    if (isFloat)
      return body().make<arith::MaximumFOp>(a, b);
    return isUnsigned ? body().make<arith::MaxUIOp>(a, b)
                      : body().make<arith::MaxSIOp>(a, b);
  case ReductionKind::Min:
    if (isFloat)
      return body().make<arith::MinimumFOp>(a, b);
    return isUnsigned ? body().make<arith::MinUIOp>(a, b)
                      : body().make<arith::MinSIOp>(a, b);
  case ReductionKind::Prod:
    return body().mul(a, b);
  default:
    return body().add(a, b);
  }
}

/// An element in the type that is combined in.
Value Reducer::widen(Value x) const {
  Type wide = runningType();
  if (wide == elementType)
    return x;
  BodyBuilder at = body();
  if (!isa<FloatType>(wide))
    return resizeInteger(at, x, elementType, wide);
  Type result = BodyBuilder::withElement(x, wide);
  return isUnsignedType(elementType) ? at.make<arith::UIToFPOp>(result, x)
                                     : at.make<arith::SIToFPOp>(result, x);
}

Value Reducer::finish(Value total, Value count) const {
  BodyBuilder at = body();
  Type running = runningType();
  Value result = total;
  if (kind == ReductionKind::Mean && running.getIntOrFloatBitWidth() > 64)
    return divideWide(at, total, count, isUnsignedType(elementType));
  if (kind == ReductionKind::Mean)
    result = divideByCount(kernel, total, count, running);
  else if (kind == ReductionKind::L2)
    result = at.make<math::SqrtOp>(total);
  else if (kind == ReductionKind::LogSum)
    result = at.make<math::LogOp>(total);
  if (running == elementType)
    return result;
  return isa<FloatType>(running)
             ? convertToInteger(at, result, elementType)
             : resizeInteger(at, result, running, elementType);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static Value reduceElement(KernelBuilder &kernel, OpResult result,
                           ValueRange indices) {
  auto op = cast<ReduceOp>(result.getOwner());
  Reducer reducer{kernel, op.getKind(), elementTypeOf(result)};
  int64_t rank = shapeOf(op.getOperand()).size();
  SmallVector<Value> place(rank), counts;
  unsigned next = 0;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(op.getAxes(), i)) {
      counts.push_back(kernel.size(op.getOperand(), i));
      next += op.getKeepDims();
    } else {
      place[i] = indices[next++];
    }
  }
  Value total = sumNest(
      kernel, counts, reducer.neutral(),
      [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
        for (auto [axis, index] : llvm::zip(op.getAxes(), at))
          place[axis] = index;
        Value x = kernel.load(op.getOperand(), place);
        return {reducer.combine(running[0], reducer.prepare(x))};
      },
      [&](Value a, Value b) { return reducer.combine(a, b); })[0];
  return reducer.finish(total, kernel.product(counts));
}

/// Is each dimension one of the axes of the run?
static SmallVector<Value> reducedDimensions(KernelBuilder &kernel,
                                            ReduceAxesOp op) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  int64_t rank = shapeOf(op.getOperand()).size();
  int64_t count = shapeOf(op.getAxes())[0];
  Value no = arith::ConstantIntOp::create(builder, loc, 0, /*width=*/1);
  SmallVector<Value> reduced(rank, no);
  Type axisType = elementTypeOf(op.getAxes());
  Value rankValue = kernel.index(rank), zero = kernel.index(0);
  for (int64_t i = 0; i < count; ++i) {
    Value axis =
        kernel.toIndex(kernel.load(op.getAxes(), kernel.index(i)), axisType);
    Value isNegative =
        arith::CmpIOp::create(builder, loc, CmpIPredicate::slt, axis, zero);
    Value wrapped = arith::AddIOp::create(builder, loc, axis, rankValue);
    axis = arith::SelectOp::create(builder, loc, isNegative, wrapped, axis);
    Value isInside = arith::CmpIOp::create(builder, loc, CmpIPredicate::ult,
                                           axis, rankValue);
    kernel.check(isInside, "a reduction axis is outside of the tensor's rank");
    Value isTwice = no;
    for (int64_t j = 0; j < rank; ++j) {
      Value isHere = arith::CmpIOp::create(builder, loc, CmpIPredicate::eq,
                                           axis, kernel.index(j));
      Value isAgain = arith::AndIOp::create(builder, loc, reduced[j], isHere);
      isTwice = arith::OrIOp::create(builder, loc, isTwice, isAgain);
      reduced[j] = arith::OrIOp::create(builder, loc, reduced[j], isHere);
    }
    Value isOnce =
        arith::CmpIOp::create(builder, loc, CmpIPredicate::eq, isTwice, no);
    kernel.check(isOnce, "a reduction axis is named twice");
  }
  return reduced;
}

static Value reduceAxesElement(KernelBuilder &kernel, OpResult result,
                               ValueRange indices) {
  auto op = cast<ReduceAxesOp>(result.getOwner());
  Reducer reducer{kernel, op.getKind(), elementTypeOf(result)};
  BodyBuilder body{kernel.builder, kernel.loc};
  int64_t rank = shapeOf(op.getOperand()).size();
  SmallVector<Value> reduced = reducedDimensions(kernel, op);
  SmallVector<Value> counts, kept;
  Value zero = kernel.index(0), one = kernel.index(1);
  Value total = one, next = zero;
  for (int64_t i = 0; i < rank; ++i) {
    Value size = kernel.size(op.getOperand(), i);
    counts.push_back(body.select(reduced[i], size, one));
    total = kernel.mul(total, counts.back());
    // The result's index of a dimension that is kept.
    Value index = zero;
    if (op.getKeepDims()) {
      index = indices[i];
    } else {
      for (auto [place, candidate] : llvm::enumerate(indices)) {
        Value isHere =
            body.compare(CmpIPredicate::eq, next, kernel.index(place));
        index = body.select(isHere, candidate, index);
      }
      next = kernel.add(next, body.select(reduced[i], zero, one));
    }
    // Sizes and axes may disagree in a run that has failed already.
    kept.push_back(kernel.clampIndex(index, size));
  }
  Value sum = sumNest(
      kernel, counts, reducer.neutral(),
      [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
        SmallVector<Value> place;
        for (int64_t i = 0; i < rank; ++i)
          place.push_back(body.select(reduced[i], at[i], kept[i]));
        Value x = kernel.load(op.getOperand(), place);
        return {reducer.combine(running[0], reducer.prepare(x))};
      },
      [&](Value a, Value b) { return reducer.combine(a, b); })[0];
  return reducer.finish(sum, total);
}

template <typename OpTy>
static Value argumentElement(KernelBuilder &kernel, OpResult result,
                             ValueRange indices) {
  auto op = cast<OpTy>(result.getOwner());
  constexpr bool isMax = std::is_same_v<OpTy, ArgMaxOp>;
  BodyBuilder body{kernel.builder, kernel.loc};
  Type type = elementTypeOf(op.getOperand());
  bool isUnsigned = isUnsignedType(type);
  int64_t axis = op.getAxis();
  SmallVector<Value> place(indices);
  if (op.getKeepDims())
    place[axis] = kernel.index(0);
  else
    place.insert(place.begin() + axis, kernel.index(0));
  auto isBetter = [&](Value x, Value best) -> Value {
    if (BodyBuilder::isFloat(x)) {
      auto predicate = isMax ? CmpFPredicate::OGT : CmpFPredicate::OLT;
      if (op.getLast())
        predicate = isMax ? CmpFPredicate::OGE : CmpFPredicate::OLE;
      // NaN is better than every number, and with `last` than another NaN.
      Value isNan = body.compare(CmpFPredicate::UNO, x, x);
      if (!op.getLast())
        isNan = body.make<arith::AndIOp>(
            isNan, body.compare(CmpFPredicate::ORD, best, best));
      return body.make<arith::OrIOp>(isNan, body.compare(predicate, x, best));
    }
    auto predicate = isMax ? CmpIPredicate::sgt : CmpIPredicate::slt;
    if (op.getLast())
      predicate = isMax ? CmpIPredicate::sge : CmpIPredicate::sle;
    if (isUnsigned)
      predicate = static_cast<CmpIPredicate>(
          static_cast<int>(predicate) + static_cast<int>(CmpIPredicate::ult) -
          static_cast<int>(CmpIPredicate::slt));
    return body.compare(predicate, x, best);
  };
  Value size = kernel.size(op.getOperand(), axis);
  Value none = arith::ConstantIntOp::create(kernel.builder, kernel.loc, 1, 1);
  SmallVector<Value> best = kernel.loop(
      size, {kernel.number(type, 0), kernel.index(0), none},
      [&](Value i, ValueRange running) -> SmallVector<Value> {
        place[axis] = i;
        Value x = kernel.load(op.getOperand(), place);
        Value better = arith::OrIOp::create(
            kernel.builder, kernel.loc, running[2], isBetter(x, running[0]));
        Value done =
            arith::ConstantIntOp::create(kernel.builder, kernel.loc, 0, 1);
        return {body.select(better, x, running[0]),
                body.select(better, i, running[1]), done};
      });
  return kernel.fromIndex(best[1], elementTypeOf(result));
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

namespace {
/// The operand as a nest: its outer dimensions, each of them reduced or kept,
/// around rows.
class ReducedOperand {
public:
  /// Read in pieces of as many elements as lanes hold of what they are combined
  /// in.
  ReducedOperand(KernelBuilder &kernel, ReduceOp op, Type runningType);

  struct Dimension {
    Value size;
    bool reduced;
    /// One of the tensor's dimensions that this one stands for.
    int64_t axis;
  };
  /// Those around the rows.
  SmallVector<Dimension> outer;
  /// Along the rows. The last of the tensor's dimensions that it stands for.
  Dimension inner{nullptr, false, 0};

  /// Whether rows can be read as vectors in this run; null for in any run.
  Value hasRows() const;
  /// Part of the row at places of the outer dimensions that are kept and of
  /// those that are reduced; `neutral` in the lanes that are not there.
  Value load(ValueRange kept, ValueRange reduced, const Piece &piece,
             Value neutral) const;
  int64_t lanes() const { return kernel.rows.lanes(combinedType); }
  /// Of what is combined.
  Type pieceType() const { return kernel.rows.laneType(combinedType, lanes()); }

private:
  KernelBuilder &kernel;
  Type combinedType;
  Value tensor;
  Value buffer;
  /// The tensor's dimensions in `inner`.
  SmallVector<int64_t> innerAxes;
};
} // namespace

/// What lies in memory has neighbouring dimensions in one that are all reduced
/// or all kept. Those of size one do not count.
ReducedOperand::ReducedOperand(KernelBuilder &kernel, ReduceOp op,
                               Type runningType)
    : kernel(kernel), combinedType(getComputeType(runningType)),
      tensor(op.getOperand()), buffer(kernel.buffer(tensor)) {
  for (int64_t i = 0, rank = shapeOf(tensor).size(); i < rank; ++i) {
    if (shapeOf(tensor)[i] == 1)
      continue;
    bool reduced = llvm::is_contained(op.getAxes(), i);
    Value size = kernel.size(tensor, i);
    if (buffer && !outer.empty() && outer.back().reduced == reduced)
      outer.back().size = kernel.mul(outer.back().size, size);
    else
      outer.push_back({size, reduced, i});
  }
  if (outer.empty())
    return;
  inner = outer.pop_back_val();
  innerAxes.push_back(inner.axis);
  // What is computed may take rows that lie side by side for one.
  while (!buffer && !outer.empty() && outer.back().reduced == inner.reduced &&
         isOneDimension(tensor, outer.back().axis, innerAxes.back())) {
    inner.size = kernel.mul(outer.back().size, inner.size);
    innerAxes.push_back(outer.pop_back_val().axis);
  }
}

Value ReducedOperand::hasRows() const {
  Value all;
  if (buffer)
    return all;
  for (int64_t axis : innerAxes)
    all = both(kernel, all, haveAllLanes(kernel, tensor, axis));
  return all;
}

Value ReducedOperand::load(ValueRange kept, ValueRange reduced,
                           const Piece &piece, Value neutral) const {
  auto takePlace = [&](const Dimension &dimension) {
    ValueRange &places = dimension.reduced ? reduced : kept;
    Value place = places.front();
    places = places.drop_front();
    return place;
  };
  if (buffer) {
    Value row = kernel.index(0);
    for (const Dimension &dimension : outer)
      row = kernel.add(kernel.mul(row, dimension.size), takePlace(dimension));
    return RowBuffer(kernel, tensor)
        .load(kernel.mul(row, inner.size), piece, neutral, lanes());
  }
  VectorPlace place;
  place.indices.assign(shapeOf(tensor).size(), kernel.index(0));
  for (const Dimension &dimension : outer)
    place.indices[dimension.axis] = takePlace(dimension);
  place.indices[inner.axis] = piece.begin;
  place.inner = inner.axis;
  place.lanes = lanes();
  place.mask = piece.mask;
  Value vector = loadElements(kernel, tensor, place);
  return keepLanes(kernel, piece, vector,
                   splatLanes(kernel, neutral, place.lanes));
}

static void emitRows(KernelBuilder &kernel, ReduceOp op, const Reducer &reducer,
                     const ReducedOperand &operand);

/// Reductions of elements of whole bytes work on vectors.
static LogicalResult emitReduction(KernelBuilder &kernel, ReduceOp op) {
  Type elementType = elementTypeOf(op.getOperand());
  Reducer reducer{kernel, op.getKind(), elementType};
  ReducedOperand operand(kernel, op, reducer.runningType());
  bool reducesAny =
      operand.inner.reduced ||
      llvm::any_of(operand.outer, [](const auto &d) { return d.reduced; });
  // No vector has sums of 128 bits.
  if (elementType.getIntOrFloatBitWidth() < 8 ||
      reducer.runningType().getIntOrFloatBitWidth() > 64 ||
      !isOnlyResult(kernel, op) || !reducesAny)
    return emitElementKernel(kernel);
  if (Value hasRows = operand.hasRows()) {
    LogicalResult other = success();
    when(
        kernel, hasRows, [&] { emitRows(kernel, op, reducer, operand); },
        [&] { other = emitElementKernel(kernel); });
    return other;
  }
  emitRows(kernel, op, reducer, operand);
  return success();
}

/// What is computed on the way takes no memory that would run out: a bound for
/// sizes that come from outside. Null where types tell that it holds.
static Value isBounded(KernelBuilder &kernel, Value tensor) {
  constexpr double most = 1e12;
  double known = 1;
  BodyBuilder body{kernel.builder, kernel.loc};
  Type real = kernel.builder.getF64Type();
  Value count;
  for (int64_t i = 0, rank = shapeOf(tensor).size(); i < rank; ++i) {
    if (!ShapedType::isDynamic(shapeOf(tensor)[i])) {
      known *= shapeOf(tensor)[i];
      continue;
    }
    Value size = arith::SIToFPOp::create(
        kernel.builder, kernel.loc, real,
        kernel.fromIndex(kernel.size(tensor, i), kernel.builder.getI64Type()));
    count = count ? body.mul(count, size) : size;
  }
  if (!count && known <= most)
    return count;
  Value factor = arith::ConstantOp::create(
      kernel.builder, kernel.loc, kernel.builder.getF64FloatAttr(known));
  return body.compare(CmpFPredicate::OLE,
                      count ? body.mul(count, factor) : factor,
                      body.constant(factor, most));
}

static LogicalResult emitReduce(KernelBuilder &kernel, Operation *operation) {
  auto op = cast<ReduceOp>(operation);
  Value bounded = kernel.buffer(op.getOperand())
                      ? Value()
                      : isBounded(kernel, op.getOperand());
  if (!bounded)
    return emitReduction(kernel, op);
  kernel.check(bounded, "what is reduced has more than 10^12 elements");
  LogicalResult emitted = success();
  when(kernel, bounded, [&] { emitted = emitReduction(kernel, op); });
  return emitted;
}

/// Vectors along the innermost dimension, whether it is reduced or kept.
static void emitRows(KernelBuilder &kernel, ReduceOp op, const Reducer &reducer,
                     const ReducedOperand &operand) {
  RowBuffer target(kernel, op.getResult());
  const ReducedOperand::Dimension &inner = operand.inner;
  SmallVector<Value> kept, reduced;
  Value count = inner.reduced ? inner.size : kernel.index(1);
  for (const ReducedOperand::Dimension &dimension : operand.outer) {
    (dimension.reduced ? reduced : kept).push_back(dimension.size);
    if (dimension.reduced)
      count = kernel.mul(count, dimension.size);
  }
  auto combine = [&](Value a, Value b) { return reducer.combine(a, b); };
  Cost each = kernel.cost({1, 0}) * getConstantIntValue(count).value_or(256);
  if (inner.reduced) {
    Value rows = kernel.product(kept);
    kernel.parallel(rows, each * (1.0 / operand.lanes()), [&](Value flat) {
      SmallVector<Value> places(kept.size());
      Value rest = flat;
      for (size_t i = kept.size(); i-- > 0;) {
        places[i] = i == 0 ? rest : kernel.rem(rest, kept[i]);
        rest = i == 0 ? rest : kernel.div(rest, kept[i]);
      }
      Value total = sumNest(
          kernel, reduced, reducer.neutral(),
          [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
            Value part = reduceRow(
                kernel, inner.size, reducer.neutral(), operand.pieceType(),
                [&](const Piece &piece) {
                  return reducer.prepare(operand.load(
                      places, at, piece, reducer.neutralElement()));
                },
                combine);
            return {combine(running[0], part)};
          },
          combine)[0];
      target.storeScalar(reducer.finish(total, count), flat);
    });
    return;
  }
  // A block of the kept row at a time, several vectors wide.
  constexpr int64_t vectors = 4;
  int64_t lanes = operand.lanes(), block = vectors * lanes;
  Value blocks = kernel.div(kernel.add(inner.size, kernel.index(block - 1)),
                            kernel.index(block));
  SmallVector<Value> extents = kept;
  extents.push_back(blocks);
  parallelNest(kernel, extents, each * vectors, [&](ValueRange indices) {
    ValueRange places = indices.drop_back();
    Value begin = kernel.mul(indices.back(), kernel.index(block));
    Value row = kernel.index(0);
    for (auto [size, place] : llvm::zip(kept, places))
      row = kernel.add(kernel.mul(row, size), place);
    row = kernel.mul(row, inner.size);
    Value rest = kernel.sub(inner.size, begin);
    Value isWhole =
        arith::CmpIOp::create(kernel.builder, kernel.loc, CmpIPredicate::sge,
                              rest, kernel.index(block));
    auto columns = [&](ArrayRef<Piece> pieces) {
      SmallVector<Value> start(
          pieces.size(),
          kernel.rows.splat(kernel, reducer.neutral(), operand.pieceType()));
      SmallVector<Value> totals = sumNest(
          kernel, reduced, start,
          [&](ValueRange at, ValueRange running) -> SmallVector<Value> {
            SmallVector<Value> next;
            for (auto [piece, total] : llvm::zip(pieces, running))
              next.push_back(combine(
                  total, reducer.prepare(operand.load(
                             places, at, piece, reducer.neutralElement()))));
            return next;
          },
          combine);
      for (auto [piece, total] : llvm::zip(pieces, totals))
        target.store(reducer.finish(total, count), row, piece);
    };
    auto whole = [&]() -> SmallVector<Value> {
      SmallVector<Piece> pieces;
      for (int64_t i = 0; i < vectors; ++i)
        pieces.push_back({kernel.add(begin, kernel.index(i * lanes)), nullptr});
      columns(pieces);
      return {};
    };
    auto partial = [&]() -> SmallVector<Value> {
      forEachPiece(kernel, rest, lanes, [&](const Piece &piece) {
        columns(Piece{kernel.add(begin, piece.begin), piece.mask});
      });
      return {};
    };
    auto known = getConstantIntValue(inner.size);
    if (known && *known % block == 0)
      whole();
    else if (known && *known < block)
      partial();
    else
      kernel.choose(isWhole, TypeRange(), whole, partial);
  });
}

void sluice::registerReductionEmitters(EmitterRegistry &registry) {
  registry.addElement<ReduceOp>(reduceElement);
  registry.addElement<ReduceAxesOp>(reduceAxesElement);
  registry.addElement<ArgMaxOp>(argumentElement<ArgMaxOp>);
  registry.addElement<ArgMinOp>(argumentElement<ArgMinOp>);
  registry.addKernel<ReduceOp>(emitReduce);
}
