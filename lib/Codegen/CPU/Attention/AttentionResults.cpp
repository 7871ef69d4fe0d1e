//===- AttentionResults.cpp - From sums to results ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "AttentionEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace sluice;

using Index = IndexBuilder::Index;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// One row of the result: sums of values, from a place on, times a factor.
void AttentionEmitter::storeRow(Index row, Index from, Value factor) {
  const AttentionTensor &result = geometry.result;
  Index start = result.getStart(index, rows.batch, getHead(row), getQuery(row));
  Type element = result.getElement();
  if (!result.hasRows())
    return index.loop(
        index.constant(0), index.constant(geometry.valueDepth), 1,
        [&](Index k) {
          Value value =
              body.mul(loadScalar(output, index.add(from, k)), factor);
          storeScalar(convertElements(index.builder, index.loc, value, element),
                      result.memory,
                      index.add(start, index.mul(k, result.strides[3])));
        });
  Value factors = broadcast(factor, lanes);
  auto storePart = [&](Index k, Value mask) {
    Value value = body.mul(load(output, index.add(from, k), lanes), factors);
    storeVector(index.builder, index.loc,
                convertElements(index.builder, index.loc, value, element),
                result.memory, index.add(start, k), mask);
  };
  int64_t whole = geometry.valueDepth / lanes * lanes;
  index.loop(index.constant(0), index.constant(whole), lanes,
             [&](Index k) { storePart(k, {}); });
  if (whole < geometry.valueDepth)
    storePart(index.constant(whole),
              makeLaneMask(index.builder, index.loc, lanes,
                           index.constant(geometry.valueDepth - whole)));
}

/// The results of a row whose exponentials have this sum, after `most` was
/// subtracted from its scores.
void AttentionEmitter::finishRow(Index row, Index from, Value sum, Value most) {
  Value factor = body.div(body.constant(sum, 1), sum);
  // A fallback over nothing but -inf is NaN, as softmax has it.
  if (!op.getNanRows() && !op.getFallback()) {
    Value isZero = body.compare(CmpFPredicate::OEQ, sum, body.zero(sum));
    factor = body.select(isZero, body.zero(sum), factor);
  }
  storeRow(row, from, factor);
  if (!geometry.logSumExp)
    return;
  most = body.mul(most, body.constant(most, scoreScale));
  Value logarithm =
      body.add(math::LogOp::create(index.builder, index.loc, sum), most);
  Index head = getHead(row), query = getQuery(row);
  Index place = index.add(
      index.mul(index.add(index.mul(rows.batch, geometry.queryHeads), head),
                geometry.queries),
      query);
  storeScalar(logarithm, geometry.logSumExp, place);
}

Value AttentionEmitter::loadSum(Index row) {
  return foldLanes(load(sums, index.mul(row, lanes), lanes),
                   [&](Value a, Value b) { return body.add(a, b); });
}

Value AttentionEmitter::loadMaximum(Index row) {
  Index place = index.add(index.mul(index.div(row, tileRows), rowLanes),
                          index.rem(row, tileRows));
  return loadScalar(maxima, place);
}

/// Stores what is finished: all rows, or with a fallback those that have a key,
/// and then the others. Returns whether there are others to come.
Value AttentionEmitter::storeRows() {
  Value no = arith::ConstantOp::create(index.builder, index.loc,
                                       index.builder.getBoolAttr(false));
  auto storeOne = [&](Index row, Value most) {
    finishRow(row, index.mul(row, valueStride), loadSum(row), most);
  };
  SmallVector<Value> others = index.loop(
      index.constant(0), rows.rows, 1, no,
      [&](Index row, ValueRange running) -> SmallVector<Value> {
        Value most = loadMaximum(row);
        if (!isFallback) {
          storeOne(row, most);
          return {running[0]};
        }
        // What the first pass has found stays there.
        Value found = body.select(isFallback, loadScalar(empty, row), most);
        storeScalar(found, empty, row);
        Value isEmpty = body.compare(CmpFPredicate::OEQ, found,
                                     body.constant(found, -infinity));
        Value isNow = body.compare(CmpIPredicate::eq, isEmpty, isFallback);
        ifTrue(isNow, [&] { storeOne(row, most); }, nullptr);
        Value isLater = body.compare(CmpIPredicate::ugt, isEmpty, isFallback);
        return {arith::OrIOp::create(index.builder, index.loc, running[0],
                                     isLater)};
      });
  return others.front();
}

//===----------------------------------------------------------------------===//
// Parts of the keys
//===----------------------------------------------------------------------===//

/// Where a row of a part starts: its sums of values, then its maximum and the
/// sum of its exponentials.
Index AttentionEmitter::getPartial(Index part, Index row) {
  return index.mul(index.add(index.mul(part, partialRows), row),
                   getPartialStride());
}

void AttentionEmitter::storePartials(Index part) {
  index.loop(index.constant(0), rows.rows, 1, [&](Index row) {
    Index to = getPartial(part, row), from = index.mul(row, valueStride);
    index.loop(index.constant(0), index.constant(valueStride), lanes,
               [&](Index k) {
                 store(load(output, index.add(from, k), lanes), partials,
                       index.add(to, k));
               });
    storeScalar(loadMaximum(row), partials, index.add(to, valueStride));
    storeScalar(loadSum(row), partials, index.add(to, valueStride + 1));
  });
}

/// Adds up the parts of a task's rows, which have different maxima.
void AttentionEmitter::mergePartials(const TaskCounts &counts, Index task) {
  Index zero = index.constant(0);
  output = reserve(valueStride);
  Index first = index.mul(task, counts.splits);
  index.loop(zero, rows.rows, 1, [&](Index row) {
    auto getPlace = [&](Index part) {
      return getPartial(index.add(first, part), row);
    };
    Value lowest = body.constant(
        arith::ConstantOp::create(index.builder, index.loc,
                                  index.builder.getF32FloatAttr(0)),
        -infinity);
    Value most =
        index.loop(zero, counts.splits, 1, lowest,
                   [&](Index part, ValueRange running) -> SmallVector<Value> {
                     Index place = index.add(getPlace(part), valueStride);
                     return {larger(loadScalar(partials, place), running[0])};
                   })[0];
    Value shift = most;
    if (hidesKeys())
      shift = body.select(body.compare(CmpFPredicate::OEQ, most, lowest),
                          body.zero(most), most);
    // Factors take the places of maxima.
    Value sum =
        index.loop(zero, counts.splits, 1, body.zero(most),
                   [&](Index part, ValueRange running) -> SmallVector<Value> {
                     Index place = index.add(getPlace(part), valueStride);
                     Value factor =
                         power(body.sub(loadScalar(partials, place), shift));
                     storeScalar(factor, partials, place);
                     Value own = loadScalar(partials, index.add(place, 1));
                     return {body.add(running[0], body.mul(own, factor))};
                   })[0];
    index.loop(zero, index.constant(valueStride), lanes, [&](Index k) {
      Value all = index.loop(
          zero, counts.splits, 1, number(0, lanes),
          [&](Index part, ValueRange running) -> SmallVector<Value> {
            Index place = getPlace(part);
            Value factor = broadcast(
                loadScalar(partials, index.add(place, valueStride)), lanes);
            Value own = load(partials, index.add(place, k), lanes);
            return {body.add(running[0], body.mul(own, factor))};
          })[0];
      store(all, output, k);
    });
    finishRow(row, zero, sum, most);
  });
}
