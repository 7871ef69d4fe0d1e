//===- SharedAxes.cpp - Dimensions through views and orders ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "SharedAxes.h"

using namespace mlir;

namespace sluice {

Axis SharedAxes::add(std::optional<SymbolicShapes::Symbol> symbol, int64_t size,
                     bool maySplit) {
  nodes.push_back({{}, size, maySplit, {}});
  if (symbol)
    nodes.back().sizeSymbols.push_back(*symbol);
  return nodes.size() - 1;
}

void SharedAxes::equate(ArrayRef<Axis> axes, Value tensor, int64_t dimension) {
  if (axes.size() == 1 && ShapedType::isDynamic(shapeOf(tensor)[dimension]))
    nodes[axes.front()].sizeSymbols.push_back(
        symbols.dimension(tensor, dimension));
}

Axes SharedAxes::create(Value tensor, int64_t dimension, bool maySplit) {
  int64_t size = shapeOf(tensor)[dimension];
  if (size == 1)
    return {};
  return {add(symbols.dimension(tensor, dimension), size, maySplit)};
}

Axes SharedAxes::resolve(ArrayRef<Axis> axes) const {
  Axes result;
  for (Axis axis : axes) {
    if (nodes[axis].parts.empty())
      result.push_back(axis);
    else
      llvm::append_range(result, resolve(nodes[axis].parts));
  }
  return result;
}

AxisLists SharedAxes::resolve(const AxisLists &lists) const {
  AxisLists result;
  for (const Axes &axes : lists)
    result.push_back(resolve(axes));
  return result;
}

Axes SharedAxes::join(const AxisLists &lists) const {
  Axes result;
  for (const Axes &axes : lists)
    llvm::append_range(result, resolve(axes));
  return result;
}

int64_t SharedAxes::getSize(ArrayRef<Axis> axes) const {
  int64_t product = 1;
  for (Axis axis : axes) {
    int64_t size = nodes[axis].size;
    if (ShapedType::isDynamic(size) ||
        __builtin_mul_overflow(product, size, &product))
      return ShapedType::kDynamic;
  }
  return product;
}

bool SharedAxes::hasSize(Value tensor, int64_t dimension,
                         ArrayRef<Axis> axes) const {
  int64_t size = shapeOf(tensor)[dimension];
  if (!ShapedType::isDynamic(size))
    return getSize(axes) == size;
  return axes.size() == 1 &&
         llvm::is_contained(nodes[axes.front()].sizeSymbols,
                            symbols.dimension(tensor, dimension));
}

bool SharedAxes::seemsToBroadcast(Value tensor, int64_t dimension,
                                  ArrayRef<Axis> axes) const {
  auto size = symbols.dimension(tensor, dimension);
  if (axes.empty())
    return symbols.seemsToBroadcast(size, symbols.constant(1));
  return axes.size() == 1 &&
         llvm::any_of(nodes[axes.front()].sizeSymbols, [&](auto symbol) {
           return symbols.seemsToBroadcast(size, symbol);
         });
}

void SharedAxes::learnSize(ArrayRef<Axis> axes, int64_t whole) {
  int64_t known = 1;
  Node *unknown = nullptr;
  for (Axis axis : axes) {
    int64_t size = nodes[axis].size;
    if (!ShapedType::isDynamic(size)) {
      known *= size;
      continue;
    }
    if (unknown)
      return;
    unknown = &nodes[axis];
  }
  if (unknown && !ShapedType::isDynamic(whole) && known != 0 &&
      whole % known == 0)
    unknown->size = whole / known;
}

bool SharedAxes::followMiddle(ArrayRef<Axis> axes, Value to,
                              ArrayRef<int64_t> dimensions, AxisLists &result) {
  if (dimensions.empty() || axes.empty())
    return dimensions.empty() && axes.empty();
  if (dimensions.size() == 1) {
    result[dimensions.front()] = Axes(axes);
    learnSize(axes, shapeOf(to)[dimensions.front()]);
    return true;
  }
  if (axes.size() == 1) {
    if (!nodes[axes.front()].maySplit)
      return false;
    Axes parts;
    for (int64_t dimension : dimensions) {
      Axis part = add(symbols.dimension(to, dimension), shapeOf(to)[dimension],
                      /*maySplit=*/true);
      result[dimension] = {part};
      parts.push_back(part);
    }
    learnSize(parts, nodes[axes.front()].size);
    nodes[axes.front()].parts = parts;
    return true;
  }
  // From the first one on, as far as sizes are known.
  SmallVector<Axis> rest(axes);
  std::reverse(rest.begin(), rest.end());
  for (size_t i = 0; i < dimensions.size(); ++i) {
    int64_t dimension = dimensions[i], left = shapeOf(to)[dimension];
    if (i + 1 == dimensions.size()) {
      result[dimension] = Axes(rest.rbegin(), rest.rend());
      return !rest.empty();
    }
    while (left != 1) {
      if (rest.empty() || ShapedType::isDynamic(left))
        return false;
      Axis axis = rest.pop_back_val();
      int64_t size = nodes[axis].size;
      if (ShapedType::isDynamic(size) || size == 0)
        return false;
      if (left % size != 0) {
        if (!nodes[axis].maySplit || size % left != 0)
          return false;
        Axis outer = add(symbols.dimension(to, dimension), left, true);
        Axis inner = add(std::nullopt, size / left, true);
        nodes[axis].parts = {outer, inner};
        rest.push_back(inner);
        axis = outer;
        size = left;
      }
      result[dimension].push_back(axis);
      left /= size;
    }
  }
  return rest.empty();
}

std::optional<AxisLists> SharedAxes::followView(const AxisLists &lists,
                                                Value to) {
  Axes all = join(lists);
  ArrayRef<Axis> axes = all;
  SmallVector<int64_t> larger;
  AxisLists result(shapeOf(to).size());
  for (auto [i, size] : llvm::enumerate(shapeOf(to)))
    if (size != 1)
      larger.push_back(i);
  ArrayRef<int64_t> dimensions = larger;
  // Where all in front of a dimension agrees, so does it if its size is that of
  // the axis; and the same from behind.
  while (!axes.empty() && !dimensions.empty() &&
         hasSize(to, dimensions.front(), axes.front())) {
    result[dimensions.front()] = {axes.front()};
    axes = axes.drop_front();
    dimensions = dimensions.drop_front();
  }
  while (!axes.empty() && !dimensions.empty() &&
         hasSize(to, dimensions.back(), axes.back())) {
    result[dimensions.back()] = {axes.back()};
    axes = axes.drop_back();
    dimensions = dimensions.drop_back();
  }
  if (!followMiddle(axes, to, dimensions, result))
    return std::nullopt;
  return result;
}

} // namespace sluice
