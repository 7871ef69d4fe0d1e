//===- SizeRoots.cpp - Where dynamic sizes come from ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeRoots.h"
#include "dialects/Sluice/ElementEvaluator.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace sluice;

/// The first argument with a dimension of the same name.
static SizeRoot findNamed(BlockArgument argument, int64_t dimension) {
  SizeRoot own{argument, dimension};
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (!function || !argument.getOwner()->isEntryBlock())
    return own;
  auto nameOf = [&](unsigned number, int64_t i) {
    auto names =
        dyn_cast_or_null<ArrayAttr>(function.getArgAttr(number, "sluice.dims"));
    return names && i < static_cast<int64_t>(names.size())
               ? dyn_cast<StringAttr>(names[i])
               : StringAttr();
  };
  StringAttr name = nameOf(argument.getArgNumber(), dimension);
  if (!name || name.empty())
    return own;
  for (BlockArgument other : argument.getOwner()->getArguments()) {
    auto type = dyn_cast<RankedTensorType>(other.getType());
    for (int64_t i = 0, rank = type ? type.getRank() : 0; i < rank; ++i)
      if (type.isDynamicDim(i) && nameOf(other.getArgNumber(), i) == name)
        return {other, i};
  }
  return own;
}

SizeRoot SizeRoots::compute(Value tensor, int64_t dimension) {
  SizeRoot own{tensor, dimension};
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return findNamed(argument, dimension);
  Operation *op = tensor.getDefiningOp();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return isa<RankedTensorType>(cast.getSource().getType())
               ? find(cast.getSource(), dimension)
               : own;
  if (isa<ElementwiseOpInterface>(op)) {
    // That of all operands that are not one there.
    std::optional<SizeRoot> common;
    int64_t rank = shapeOf(tensor).size();
    for (Value operand : op->getOperands()) {
      int64_t place =
          dimension - rank + static_cast<int64_t>(shapeOf(operand).size());
      if (place < 0 || shapeOf(operand)[place] == 1)
        continue;
      SizeRoot root = find(operand, place);
      if (common && *common != root)
        return own;
      common = root;
    }
    return common.value_or(own);
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    // That of the operand or of the wanted shape, where the other one is one,
    // or of both.
    std::optional<SizeRoot> before, wanted;
    int64_t rank = shapeOf(tensor).size();
    Value operand = broadcast.getOperand(), shape = broadcast.getShape();
    int64_t place =
        dimension - rank + static_cast<int64_t>(shapeOf(operand).size());
    if (place >= 0 && shapeOf(operand)[place] != 1)
      before = find(operand, place);
    int64_t index = dimension - rank + shapeOf(shape)[0];
    if (index >= 0 && evaluateConstantElement(shape, index) != 1) {
      wanted = findOfElement(shape, index);
      if (!wanted)
        return own;
    }
    if (before && wanted)
      return *before == *wanted ? *before : own;
    return before ? *before : wanted.value_or(own);
  }
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    if (auto element = findOfElement(reshape.getShape(), dimension))
      return *element;
    auto known = evaluateConstantElement(reshape.getShape(), dimension);
    if (known == 0 && !reshape.getAllowZero())
      return find(reshape.getOperand(), dimension);
    if (known != -1)
      return own;
    auto rest = findRest(reshape.getOperand(), reshape.getShape(), dimension,
                         reshape.getAllowZero());
    if (rest && rest->factor == 1 && rest->dimensions.size() == 1)
      return find(reshape.getOperand(), rest->dimensions.front());
    return own;
  }
  if (auto sized = dyn_cast<OperandSizesOpInterface>(op))
    if (auto source = sized.getSizeSource(
            cast<OpResult>(tensor).getResultNumber(), dimension))
      return find(source->operand->get(), source->dimension);
  return own;
}

SizeRoot SizeRoots::find(Value tensor, int64_t dimension) {
  SizeRoot own{tensor, dimension};
  auto it = known.find(own);
  if (it != known.end())
    return it->second;
  if (budget == 0)
    return own;
  --budget;
  SizeRoot root = compute(tensor, dimension);
  known[own] = root;
  return root;
}

std::optional<SizeRoot> SizeRoots::findOfElement(Value vector, int64_t index) {
  ElementPlace place =
      ElementEvaluator(nullptr, vector.getLoc()).follow({vector, index});
  auto shape = place.tensor.getDefiningOp<ShapeOp>();
  if (!shape)
    return std::nullopt;
  auto first = static_cast<int64_t>(shape.getStart());
  return find(shape.getOperand(), first + place.index);
}

std::optional<SizeRoots::Product>
SizeRoots::findProduct(Value vector, int64_t index, unsigned depth) {
  constexpr unsigned maxDepth = 8;
  if (auto known = evaluateConstantElement(vector, index))
    return Product{*known, {}};
  if (auto root = findOfElement(vector, index))
    return Product{1, {*root}};
  ElementPlace place =
      ElementEvaluator(nullptr, vector.getLoc()).follow({vector, index});
  Operation *op = place.tensor.getDefiningOp();
  if (!op || !isa<MulOp, CastOp>(op) || depth == maxDepth ||
      !elementTypeOf(place.tensor).isSignlessInteger(64))
    return std::nullopt;
  Product product;
  for (Value operand : op->getOperands()) {
    auto from = findBroadcastPlace(operand, place.tensor, place.index);
    auto part = from && elementTypeOf(operand).isSignlessInteger(64)
                    ? findProduct(from->tensor, from->index, depth + 1)
                    : std::nullopt;
    if (!part ||
        __builtin_mul_overflow(product.factor, part->factor, &product.factor))
      return std::nullopt;
    llvm::append_range(product.roots, part->roots);
  }
  return product;
}

std::optional<SizeRoots::Rest> SizeRoots::findRest(Value operand, Value wanted,
                                                   int64_t wildcard,
                                                   bool allowsZero) {
  struct Size {
    SizeRoot root;
    int64_t dimension;
  };
  SmallVector<Size> left;
  int64_t all = 1, others = 1;
  for (auto [i, size] : llvm::enumerate(shapeOf(operand))) {
    auto dimension = static_cast<int64_t>(i);
    if (ShapedType::isDynamic(size))
      left.push_back({find(operand, dimension), dimension});
    else if (__builtin_mul_overflow(all, size, &all))
      return std::nullopt;
  }
  for (int64_t i = 0, rank = shapeOf(wanted)[0]; i < rank; ++i) {
    if (i == wildcard)
      continue;
    Product product;
    auto known = evaluateConstantElement(wanted, i);
    if (known == 0 && !allowsZero) {
      if (i >= static_cast<int64_t>(shapeOf(operand).size()))
        return std::nullopt;
      known = shapeOf(operand)[i];
      if (ShapedType::isDynamic(*known)) {
        known = 1;
        product.roots.push_back(find(operand, i));
      }
    }
    if (known) {
      product.factor = *known;
    } else {
      auto found = findProduct(wanted, i);
      if (!found)
        return std::nullopt;
      product = *found;
    }
    if (product.factor < 1 ||
        __builtin_mul_overflow(others, product.factor, &others))
      return std::nullopt;
    for (const SizeRoot &root : product.roots) {
      auto same = llvm::find_if(
          left, [&](const Size &size) { return size.root == root; });
      if (same == left.end())
        return std::nullopt;
      left.erase(same);
    }
  }
  if (all % others != 0)
    return std::nullopt;
  Rest rest{all / others, {}};
  for (const Size &size : left)
    rest.dimensions.push_back(size.dimension);
  return rest;
}
