//===- Formulas.cpp - Read what formulas compute --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "Formulas.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace sluice {

std::optional<double> getNumber(Value value, ArrayRef<int64_t> like) {
  if (!broadcastsTo(value, like))
    return std::nullopt;
  return getSplatNumber(value);
}

bool isAbout(double number, double wanted) {
  return std::abs(number - wanted) <= 2e-5 * std::max(std::abs(wanted), 1e-3);
}

bool isAbout(const Polynomial &polynomial, const Polynomial &wanted) {
  return llvm::all_of(llvm::zip(polynomial, wanted), [](auto pair) {
    return isAbout(std::get<0>(pair), std::get<1>(pair));
  });
}

static std::optional<Polynomial> multiply(const Polynomial &a,
                                          const Polynomial &b) {
  Polynomial product = {};
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b.size(); ++j) {
      if (a[i] == 0 || b[j] == 0)
        continue;
      if (i + j >= product.size())
        return std::nullopt;
      product[i + j] += a[i] * b[j];
    }
  return product;
}

static std::optional<Polynomial> getPolynomial(Value value, Value x,
                                               unsigned depth) {
  constexpr unsigned maxDepth = 8;
  if (value == x)
    return Polynomial{0, 1, 0, 0};
  if (auto number = getNumber(value, shapeOf(x)))
    return Polynomial{*number, 0, 0, 0};
  Operation *op = value.getDefiningOp();
  if (!op || depth == maxDepth || op->getNumOperands() == 0 ||
      op->getNumOperands() > 2 || !isa<SluiceDialect>(op->getDialect()))
    return std::nullopt;
  auto operand = [&](unsigned i) {
    return getPolynomial(op->getOperand(i), x, depth + 1);
  };
  if (isa<NegOp>(op)) {
    auto negated = operand(0);
    return negated ? multiply(*negated, {-1, 0, 0, 0}) : std::nullopt;
  }
  if (!isa<AddOp, SubOp, MulOp, DivOp, PowOp>(op))
    return std::nullopt;
  auto a = operand(0);
  if (!a)
    return std::nullopt;
  auto b = operand(1);
  if (!b)
    return std::nullopt;
  bool isNumber = (*b)[1] == 0 && (*b)[2] == 0 && (*b)[3] == 0;
  return llvm::TypeSwitch<Operation *, std::optional<Polynomial>>(op)
      .Case<AddOp, SubOp>([&](auto sum) {
        double sign = isa<SubOp>(op) ? -1 : 1;
        Polynomial result = *a;
        for (auto [coefficient, other] : llvm::zip(result, *b))
          coefficient += sign * other;
        return result;
      })
      .Case([&](MulOp) { return multiply(*a, *b); })
      .Case([&](DivOp) -> std::optional<Polynomial> {
        if (!isNumber || (*b)[0] == 0)
          return std::nullopt;
        return multiply(*a, {1 / (*b)[0], 0, 0, 0});
      })
      .Default([&](Operation *) -> std::optional<Polynomial> {
        double exponent = (*b)[0];
        if (!isNumber || (exponent != 2 && exponent != 3))
          return std::nullopt;
        auto square = multiply(*a, *a);
        return exponent == 3 && square ? multiply(*square, *a) : square;
      });
}

std::optional<Polynomial> getPolynomial(Value value, Value x) {
  return getPolynomial(value, x, 0);
}

static void collectFactors(Value value, ArrayRef<int64_t> shape, bool isRoot,
                           Product &product) {
  if (auto number = getNumber(value, shape)) {
    product.number *= *number;
    return;
  }
  Operation *op = value.getDefiningOp();
  bool inside = op && (isRoot || value.hasOneUse());
  if (inside && isa<MulOp>(op)) {
    collectFactors(op->getOperand(0), shape, false, product);
    collectFactors(op->getOperand(1), shape, false, product);
    return;
  }
  if (inside && isa<DivOp>(op))
    if (auto divisor = getNumber(op->getOperand(1), shape);
        divisor && *divisor != 0) {
      product.number /= *divisor;
      collectFactors(op->getOperand(0), shape, false, product);
      return;
    }
  product.factors.push_back(value);
}

Product getProduct(Operation *root) {
  Product product;
  Value value = root->getResult(0);
  collectFactors(value, shapeOf(value), true, product);
  return product;
}

std::optional<KeptReduction> matchReduction(Value value, ReductionKind kind) {
  auto matches = [&](ReduceOp op) { return op && op.getKind() == kind; };
  if (auto op = value.getDefiningOp<ReduceOp>(); matches(op)) {
    if (!op.getKeepDims())
      return std::nullopt;
    return KeptReduction{op.getOperand(), llvm::to_vector(op.getAxes())};
  }
  if (auto view = value.getDefiningOp<UnsqueezeOp>()) {
    auto op = view.getOperand().getDefiningOp<ReduceOp>();
    if (matches(op) && !op.getKeepDims() && op.getAxes() == view.getAxes())
      return KeptReduction{op.getOperand(), llvm::to_vector(op.getAxes())};
  }
  if (auto view = value.getDefiningOp<ReshapeOp>()) {
    auto op = view.getOperand().getDefiningOp<ReduceOp>();
    if (!matches(op) || op.getKeepDims() || !view.getType().hasStaticShape())
      return std::nullopt;
    SmallVector<int64_t> kept(shapeOf(op.getOperand()));
    for (int64_t axis : op.getAxes())
      kept[axis] = 1;
    if (ArrayRef<int64_t>(kept) == view.getType().getShape())
      return KeptReduction{op.getOperand(), llvm::to_vector(op.getAxes())};
  }
  return std::nullopt;
}

std::optional<KeptReduction> matchMean(Value value) {
  if (auto mean = matchReduction(value, ReductionKind::Mean))
    return mean;
  Operation *op = value.getDefiningOp();
  if (!op || !isa<MulOp, DivOp>(op))
    return std::nullopt;
  // The number may stand in front, and before or behind inserted dimensions.
  for (unsigned i : {0u, 1u}) {
    auto number = getNumber(op->getOperand(1 - i), shapeOf(value));
    if (!number || (isa<DivOp>(op) && i == 1))
      continue;
    auto sum = matchReduction(op->getOperand(i), ReductionKind::Sum);
    if (!sum)
      continue;
    int64_t count = 1;
    for (int64_t axis : sum->axes) {
      int64_t size = shapeOf(sum->operand)[axis];
      if (ShapedType::isDynamic(size))
        return std::nullopt;
      count *= size;
    }
    double wanted = isa<DivOp>(op) ? count : 1.0 / count;
    if (std::abs(*number - wanted) <= 1e-6 * wanted)
      return sum;
  }
  return std::nullopt;
}

bool areTrailing(ArrayRef<int64_t> axes, int64_t rank) {
  if (axes.empty())
    return false;
  for (auto [i, axis] : llvm::enumerate(axes))
    if (axis !=
        rank - static_cast<int64_t>(axes.size()) + static_cast<int64_t>(i))
      return false;
  return true;
}

} // namespace sluice
