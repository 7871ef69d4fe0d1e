//===- LinearAlgebraKernels.cpp - Determinants and inverses ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Gaussian elimination with partial pivoting, on whole rows (G. Golub and C.
// Van Loan, "Matrix Computations", section 3.4).
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Codegen/Elements/FlatAccess.h"
#include "sluice/Codegen/Rows/RowBuffer.h"
#include "sluice/Codegen/Rows/RowFamilies.h"

using namespace mlir;
using namespace sluice;
using Predicate = arith::CmpIPredicate;

namespace {

/// Eliminates in a matrix of n rows that is scratch memory: [A] for a
/// determinant, [A | 1], which becomes [1 | inverse of A], for an inverse.
class EliminationEmitter {
public:
  EliminationEmitter(KernelBuilder &kernel, Operation *op, bool inverts)
      : kernel(kernel), body{kernel.builder, kernel.loc}, inverts(inverts),
        operand(kernel, op->getOperand(0)), result(kernel, op->getResult(0)),
        n(kernel.size(op->getOperand(0),
                      shapeOf(op->getOperand(0)).size() - 1)),
        width(inverts ? kernel.mul(n, kernel.index(2)) : n),
        count(sizeProduct(kernel, op->getOperand(0), 0,
                          shapeOf(op->getOperand(0)).size() - 2)) {}

  void emit();

private:
  Value row(Value number) {
    return kernel.add(base, kernel.mul(number, width));
  }
  Value at(Value rowNumber, Value column) {
    return rows->loadScalar(kernel.add(row(rowNumber), column));
  }
  void fill(Value matrix);
  Value findPivot(Value step);
  void exchange(Value a, Value b);
  void subtract(Value target, Value source, Value step);
  void scale(Value target, Value factor, Value step);
  void emitMatrix(Value matrix);

  KernelBuilder &kernel;
  BodyBuilder body;
  bool inverts;
  RowBuffer operand, result;
  Value n, width, count, base;
  std::optional<RowBuffer> rows;
};

} // namespace

void EliminationEmitter::fill(Value matrix) {
  Value zero = kernel.number(rows->computeType(), 0);
  Value one = kernel.number(rows->computeType(), 1);
  kernel.forEach({n}, [&](ValueRange i) {
    Value from = kernel.mul(kernel.add(kernel.mul(matrix, n), i[0]), n);
    forEachPiece(kernel, n, rows->lanes(), [&](const Piece &piece) {
      rows->store(operand.load(from, piece), row(i[0]), piece);
    });
    if (!inverts)
      return;
    Value right = kernel.add(row(i[0]), n);
    forEachPiece(kernel, n, rows->lanes(), [&](const Piece &piece) {
      rows->store(rows->splat(zero), right, piece);
    });
    rows->storeScalar(one, kernel.add(right, i[0]));
  });
}

/// The row from `step` on that has the largest element in column `step`.
Value EliminationEmitter::findPivot(Value step) {
  auto magnitude = [&](Value rowNumber) {
    return body.make<math::AbsFOp>(at(rowNumber, step));
  };
  Value rest = kernel.sub(kernel.sub(n, step), kernel.index(1));
  return kernel.loop(
      rest, {step, magnitude(step)},
      [&](Value i, ValueRange best) -> SmallVector<Value> {
        Value candidate = kernel.add(kernel.add(step, i), kernel.index(1));
        Value size = magnitude(candidate);
        Value isLarger = body.compare(arith::CmpFPredicate::OGT, size, best[1]);
        return {select(kernel, isLarger, candidate, best[0]),
                select(kernel, isLarger, size, best[1])};
      })[0];
}

void EliminationEmitter::exchange(Value a, Value b) {
  forEachPiece(kernel, width, rows->lanes(), [&](const Piece &piece) {
    Value first = rows->load(row(a), piece), second = rows->load(row(b), piece);
    rows->store(second, row(a), piece);
    rows->store(first, row(b), piece);
  });
}

/// target -= target[step] / source[step] * source, from column `step` on.
void EliminationEmitter::subtract(Value target, Value source, Value step) {
  Value pivot = at(source, step), own = at(target, step);
  // A column without pivot needs no elimination.
  Value zero = body.zero(pivot);
  Value isZero = body.compare(arith::CmpFPredicate::OEQ, own, zero);
  Value factor = body.select(isZero, zero, body.div(own, pivot));
  Value factors = rows->splat(factor);
  forEachPiece(
      kernel, kernel.sub(width, step), rows->lanes(), [&](const Piece &piece) {
        Value to = kernel.add(row(target), step);
        Value from = kernel.add(row(source), step);
        Value product = body.mul(factors, rows->load(from, piece));
        rows->store(body.sub(rows->load(to, piece), product), to, piece);
      });
}

void EliminationEmitter::scale(Value target, Value divisor, Value step) {
  Value divisors = rows->splat(divisor);
  forEachPiece(
      kernel, kernel.sub(width, step), rows->lanes(), [&](const Piece &piece) {
        Value place = kernel.add(row(target), step);
        rows->store(body.div(rows->load(place, piece), divisors), place, piece);
      });
}

void EliminationEmitter::emitMatrix(Value matrix) {
  fill(matrix);
  Value one = kernel.number(rows->computeType(), 1);
  Value determinant =
      kernel.loop(n, {one}, [&](Value step, ValueRange running) {
        Value pivotRow = findPivot(step);
        Value isInPlace = compare(kernel, Predicate::eq, pivotRow, step);
        when(kernel, isInPlace, [] {}, [&] { exchange(step, pivotRow); });
        Value pivot = at(step, step);
        if (inverts) {
          scale(step, pivot, step);
          kernel.forEach({n}, [&](ValueRange i) {
            Value isOther = compare(kernel, Predicate::ne, i[0], step);
            when(kernel, isOther, [&] { subtract(i[0], step, step); });
          });
        } else {
          Value below = kernel.add(step, kernel.index(1));
          kernel.forEach({kernel.sub(n, below)}, [&](ValueRange i) {
            subtract(kernel.add(below, i[0]), step, step);
          });
        }
        Value turned =
            body.select(isInPlace, pivot, body.make<arith::NegFOp>(pivot));
        return SmallVector<Value>{body.mul(running[0], turned)};
      })[0];
  if (!inverts)
    return result.storeScalar(determinant, matrix);
  kernel.forEach({n}, [&](ValueRange i) {
    Value to = kernel.mul(kernel.add(kernel.mul(matrix, n), i[0]), n);
    Value from = kernel.add(row(i[0]), n);
    forEachPiece(kernel, n, rows->lanes(), [&](const Piece &piece) {
      result.store(rows->load(from, piece), to, piece);
    });
  });
}

void EliminationEmitter::emit() {
  Type computeType = operand.computeType();
  // Each task has its own scratch memory and does every tasks-th matrix.
  constexpr int64_t mostTasks = 32;
  Value tasks = kernel.builder.createOrFold<arith::MinSIOp>(
      kernel.loc, count, kernel.index(mostTasks));
  Value slot = kernel.mul(n, width);
  Value elements = kernel.mul(tasks, slot);
  rows.emplace(scratchRow(kernel, elements, computeType));
  double size = static_cast<double>(getConstantIntValue(n).value_or(16));
  shareAmongTasks(kernel, count, tasks,
                  kernel.cost({2, 0}) * (size * size * size),
                  [&](Value task, Value matrix) {
                    base = kernel.mul(task, slot);
                    emitMatrix(matrix);
                  });
}

template <bool inverts>
static LogicalResult emitElimination(KernelBuilder &kernel, Operation *anchor) {
  if (!isAlone(kernel, anchor))
    return anchor->emitOpError("takes no other ops into its kernel");
  EliminationEmitter(kernel, anchor, inverts).emit();
  return success();
}

void sluice::registerLinearAlgebraEmitters(EmitterRegistry &registry) {
  registry.addKernel<DeterminantOp>(emitElimination<false>);
  registry.addKernel<InverseOp>(emitElimination<true>);
}
