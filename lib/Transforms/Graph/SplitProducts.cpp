//===- SplitProducts.cpp - A product for each of its readers --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Queries, keys and values of one product, or gate and values of a feed-forward
// layer, are read as slices of its columns. Slices are copies. Products with
// the columns of one slice each take as long together as one with all of them,
// and write what their readers read.
//
//===----------------------------------------------------------------------===//

#include "ShapeBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/IRMapping.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"
#include <set>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_SPLITPRODUCTSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// Fewer columns leave parts of register tiles empty.
constexpr int64_t minimumColumns = 64;

/// A part of a dimension that is read.
struct Range {
  int64_t start, count, step;
};

/// A dimension of columns: column c is at (c / low) % (high / low) of it.
struct ColumnDimension {
  int64_t dimension, low, high;
};
using ColumnDimensions = SmallVector<ColumnDimension>;

/// What is done to a product up to where only parts of its columns are read.
class ColumnChain {
public:
  explicit ColumnChain(MatmulOp product) : product(product) {}

  /// Are there parts that are better computed each by itself?
  bool analyse();
  /// Are all that read the weights among these products?
  bool ownsWeights(const DenseSet<Operation *> &products);
  /// A product for each part.
  void split();

  MatmulOp getProduct() const { return product; }
  size_t getPartCount() const { return slices.size(); }

private:
  /// What a slice reads.
  struct Part {
    /// For each of the factors of the columns' number.
    SmallVector<Range> ranges;
    int64_t columns = 1;
  };

  bool follow();
  bool followReshape(ReshapeOp op);
  bool hasColumns(Operation *op) const;
  bool isElementwiseStep(Operation *op, Value value) const;
  bool addSlice(SliceOp op);
  bool findFactors();
  std::optional<Part> findPart(SliceOp op) const;
  /// The factors of a dimension, as places in `factors`.
  std::pair<size_t, size_t> factorsOf(const ColumnDimension &columns) const;
  int64_t countOf(const Part &part, const ColumnDimension &columns) const;
  /// A constant of which the dimensions that are columns keep a part of them.
  Value cut(GraphBuilder &graph, Value constant,
            const ColumnDimensions &columns, const Part &part) const;
  Value cutShape(GraphBuilder &graph, ReshapeOp op,
                 const ColumnDimensions &columns, const Part &part) const;
  /// The product and the steps with the columns of a part.
  SmallVector<Value> build(const Part &part);
  void moveSizes(Value whole, const ColumnDimensions &columns, Value part);

  MatmulOp product;
  SmallVector<Operation *> steps;
  /// Where columns are in the product's result, and behind each of the steps.
  SmallVector<ColumnDimensions> places;
  SmallVector<SliceOp> slices;
  std::vector<Part> parts; ///< Of each.
  /// Which divide each other: 1, ..., the number of columns.
  std::set<int64_t> bounds;
  /// From the last one, whose steps are the smallest, on.
  SmallVector<int64_t> factors;
};

} // namespace

//===----------------------------------------------------------------------===//
// From the product to slices
//===----------------------------------------------------------------------===//

static Value resultOf(ArrayRef<Operation *> steps, MatmulOp product) {
  return steps.empty() ? Value(product.getResult())
                       : Value(steps.back()->getResult(0));
}

/// The only reader of a value, apart from those that ask for its sizes; null
/// where there is none.
static Operation *findReader(Value value) {
  Operation *reader = nullptr;
  for (Operation *user : value.getUsers()) {
    if (isa<ShapeOp>(user))
      continue;
    if (reader && reader != user)
      return nullptr;
    reader = user;
  }
  return reader;
}

/// Is it computed of `value` and constants, element by element?
bool ColumnChain::isElementwiseStep(Operation *op, Value value) const {
  return isa<ElementwiseOpInterface>(op) && op->getNumResults() == 1 &&
         shapeOf(op->getResult(0)) == shapeOf(value) &&
         llvm::all_of(op->getOperands(), [&](Value operand) {
           return operand == value || isConstantExpression(operand);
         });
}

/// Columns are the last dimensions, behind all others.
bool ColumnChain::followReshape(ReshapeOp op) {
  const ColumnDimensions &before = places.back();
  int64_t rank = shapeOf(op.getOperand()).size();
  for (auto [i, columns] : llvm::enumerate(llvm::reverse(before)))
    if (columns.dimension != rank - 1 - static_cast<int64_t>(i))
      return false;
  int64_t number = before.front().high, product = 1;
  ArrayRef<int64_t> shape = shapeOf(op);
  ColumnDimensions after;
  for (int64_t i = shape.size(); i-- > 0 && product < number;) {
    if (ShapedType::isDynamic(shape[i]) || number % (product * shape[i]) != 0)
      return false;
    after.push_back({i, product, product * shape[i]});
    product *= shape[i];
    bounds.insert(product);
  }
  if (product != number)
    return false;
  std::reverse(after.begin(), after.end());
  // A zero copies a size, which must not be one of columns.
  for (int64_t i = before.front().dimension; i < after.front().dimension; ++i)
    if (!op.getAllowZero() && evaluateConstantElement(op.getShape(), i) == 0)
      return false;
  places.push_back(after);
  return true;
}

/// Are the sizes of columns behind a step known?
bool ColumnChain::hasColumns(Operation *op) const {
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  return llvm::all_of(places.back(), [&](const ColumnDimension &columns) {
    return shape[columns.dimension] == columns.high / columns.low;
  });
}

bool ColumnChain::addSlice(SliceOp op) {
  if (!op.getBounds().empty() || op->getBlock() != product->getBlock())
    return false;
  slices.push_back(op);
  return true;
}

bool ColumnChain::follow() {
  constexpr size_t maxSteps = 12;
  while (steps.size() < maxSteps) {
    Value value = resultOf(steps, product);
    bool isCut = llvm::any_of(
        value.getUsers(), [](Operation *user) { return isa<SliceOp>(user); });
    if (isCut)
      return llvm::all_of(value.getUsers(), [&](Operation *user) {
        auto slice = dyn_cast<SliceOp>(user);
        return isa<ShapeOp>(user) ||
               (slice && slice.getOperand() == value && addSlice(slice));
      });
    Operation *op = findReader(value);
    if (!op || op->getBlock() != product->getBlock())
      return false;
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      ColumnDimensions after = places.back();
      SmallVector<int64_t> inverse =
          invertPermutationVector(transpose.getPermutation());
      for (ColumnDimension &columns : after)
        columns.dimension = inverse[columns.dimension];
      places.push_back(after);
    } else if (isa<tensor::CastOp>(op) || isElementwiseStep(op, value)) {
      ColumnDimensions after = places.back();
      places.push_back(after);
    } else {
      auto reshape = dyn_cast<ReshapeOp>(op);
      if (!reshape || !followReshape(reshape))
        return false;
    }
    if (!hasColumns(op))
      return false;
    steps.push_back(op);
  }
  return false;
}

bool ColumnChain::findFactors() {
  int64_t last = 1;
  for (int64_t bound : bounds) {
    if (bound % last != 0)
      return false;
    if (bound != 1)
      factors.push_back(bound / last);
    last = bound;
  }
  return true;
}

std::pair<size_t, size_t>
ColumnChain::factorsOf(const ColumnDimension &columns) const {
  auto place = [&](int64_t bound) {
    return std::distance(bounds.begin(), bounds.find(bound));
  };
  return {place(columns.low), place(columns.high)};
}

int64_t ColumnChain::countOf(const Part &part,
                             const ColumnDimension &columns) const {
  auto [first, last] = factorsOf(columns);
  int64_t count = 1;
  for (size_t i = first; i < last; ++i)
    count *= part.ranges[i].count;
  return count;
}

std::optional<ColumnChain::Part> ColumnChain::findPart(SliceOp op) const {
  Part part;
  for (int64_t factor : factors)
    part.ranges.push_back({0, factor, 1});
  ArrayRef<int64_t> from = shapeOf(op.getOperand()), to = shapeOf(op);
  for (int64_t i = 0, rank = from.size(); i < rank; ++i) {
    int64_t start = op.getStarts()[i], step = op.getSteps()[i];
    auto columns =
        llvm::find_if(places.back(), [&](const ColumnDimension &all) {
          return all.dimension == i;
        });
    if (columns == places.back().end()) {
      bool isWhole = start == 0 && step == 1 &&
                     (op.getEnds()[i] == INT64_MAX ||
                      (from[i] == to[i] && !ShapedType::isDynamic(to[i])));
      if (!isWhole)
        return std::nullopt;
      continue;
    }
    if (from[i] == to[i] && step == 1)
      continue;
    auto [first, last] = factorsOf(*columns);
    if (step < 1 || ShapedType::isDynamic(to[i]) || to[i] < 1 ||
        last != first + 1)
      return std::nullopt;
    start =
        std::clamp<int64_t>(start < 0 ? start + from[i] : start, 0, from[i]);
    part.ranges[first] = {start, to[i], step};
  }
  for (const Range &range : part.ranges)
    part.columns *= range.count;
  return part;
}

bool ColumnChain::analyse() {
  ArrayRef<int64_t> shape = shapeOf(product);
  int64_t rank = shape.size();
  if (shapeOf(product.getRhs()).size() != 2 || rank < 2 ||
      ShapedType::isDynamic(shape.back()) ||
      !isConstantExpression(product.getRhs()))
    return false;
  bounds = {1, shape.back()};
  places.push_back({{rank - 1, 1, shape.back()}});
  if (!follow() || slices.size() < 2 || !findFactors())
    return false;
  int64_t total = 0;
  for (SliceOp slice : slices) {
    std::optional<Part> part = findPart(slice);
    if (!part || part->columns < minimumColumns)
      return false;
    total += part->columns;
    parts.push_back(std::move(*part));
  }
  // Nothing is computed twice.
  return total <= shape.back();
}

bool ColumnChain::ownsWeights(const DenseSet<Operation *> &products) {
  Value weights = product.getRhs();
  auto elements = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.hasStaticShape() ? type.getNumElements() : 0;
  };
  SmallVector<Value> pending{weights};
  DenseSet<Operation *> sources;
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    // Others may read scales and zero points.
    if (elements(value) < elements(weights))
      continue;
    if (!llvm::all_of(value.getUsers(), [&](Operation *user) {
          return sources.contains(user) || products.contains(user);
        }))
      return false;
    if (sources.insert(value.getDefiningOp()).second)
      llvm::append_range(pending, value.getDefiningOp()->getOperands());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// A product for each slice
//===----------------------------------------------------------------------===//

Value ColumnChain::cut(GraphBuilder &graph, Value constant,
                       const ColumnDimensions &columns,
                       const Part &part) const {
  ArrayRef<int64_t> shape = shapeOf(constant);
  SmallVector<int64_t> wide, starts, ends, steps, narrow;
  for (int64_t i = 0, rank = shape.size(); i < rank; ++i) {
    auto own = llvm::find_if(columns, [&](const ColumnDimension &all) {
      return all.dimension == i;
    });
    if (own == columns.end() || shape[i] == 1) {
      wide.push_back(shape[i]);
      starts.push_back(0);
      ends.push_back(shape[i]);
      steps.push_back(1);
      narrow.push_back(shape[i]);
      continue;
    }
    auto [first, last] = factorsOf(*own);
    for (size_t k = last; k-- > first;) {
      const Range &range = part.ranges[k];
      wide.push_back(factors[k]);
      starts.push_back(range.start);
      ends.push_back(range.start + (range.count - 1) * range.step + 1);
      steps.push_back(range.step);
    }
    narrow.push_back(countOf(part, *own));
  }
  if (narrow == shape)
    return constant;
  Value all = graph.reshape(constant, wide);
  return graph.reshape(
      graph.make<SliceOp>(all, ValueRange{}, starts, ends, steps), narrow);
}

/// The shape that a reshape asks for, with the columns of the part.
Value ColumnChain::cutShape(GraphBuilder &graph, ReshapeOp op,
                            const ColumnDimensions &columns,
                            const Part &part) const {
  int64_t front = columns.front().dimension;
  SmallVector<int64_t> sizes;
  for (const ColumnDimension &own : columns)
    sizes.push_back(countOf(part, own));
  Value behind = createShapeConstant(graph.builder, graph.loc, sizes);
  if (front == 0)
    return behind;
  Value before =
      graph.make<SliceOp>(op.getShape(), ValueRange{}, ArrayRef<int64_t>{0},
                          ArrayRef<int64_t>{front}, ArrayRef<int64_t>{1});
  before = graph.cast(before, graph.builder.getI64Type());
  return graph.make<ConcatOp>(ValueRange{before, behind},
                              graph.builder.getI64IntegerAttr(0));
}

SmallVector<Value> ColumnChain::build(const Part &part) {
  OpBuilder builder(product);
  GraphBuilder graph(builder, product.getLoc());
  auto typeOf = [&](Value whole, const ColumnDimensions &columns) {
    auto type = cast<RankedTensorType>(whole.getType());
    SmallVector<int64_t> shape(type.getShape());
    for (const ColumnDimension &own : columns)
      shape[own.dimension] = countOf(part, own);
    return type.clone(shape);
  };
  auto cutOperand = [&](Value operand, int64_t rank,
                        const ColumnDimensions &columns) {
    ColumnDimensions own = columns;
    int64_t missing = rank - static_cast<int64_t>(shapeOf(operand).size());
    for (ColumnDimension &dimension : own)
      dimension.dimension -= missing;
    return cut(graph, operand, own, part);
  };
  int64_t number = factors.empty() ? 1 : *bounds.rbegin();
  Value weights = cut(graph, product.getRhs(),
                      {{product.getTransposeRhs() ? 0 : 1, 1, number}}, part);
  Value value = graph.make<MatmulOp>(
      typeOf(product, places.front()), product.getLhs(), weights,
      product.getTransposeLhs(), product.getTransposeRhs());
  SmallVector<Value> values{value};
  for (auto [i, step] : llvm::enumerate(steps)) {
    const ColumnDimensions &columns = places[i + 1];
    Value whole = step->getResult(0);
    int64_t rank = shapeOf(whole).size();
    Value before = resultOf(ArrayRef(steps).take_front(i), product);
    builder.setInsertionPoint(step);
    IRMapping mapping;
    for (Value operand : step->getOperands())
      if (operand == before)
        mapping.map(operand, value);
      else if (auto reshape = dyn_cast<ReshapeOp>(step))
        mapping.map(operand, cutShape(graph, reshape, columns, part));
      else if (!mapping.contains(operand))
        mapping.map(operand, cutOperand(operand, rank, columns));
    Operation *copy = builder.clone(*step, mapping);
    copy->getResult(0).setType(typeOf(whole, columns));
    value = copy->getResult(0);
    values.push_back(value);
  }
  return values;
}

/// Readers of a value's sizes get them from a part of it, apart from columns.
void ColumnChain::moveSizes(Value whole, const ColumnDimensions &columns,
                            Value part) {
  for (Operation *user : llvm::make_early_inc_range(whole.getUsers())) {
    auto op = dyn_cast<ShapeOp>(user);
    if (!op)
      continue;
    auto isColumns = [&](int64_t dimension) {
      return llvm::any_of(columns, [&](const ColumnDimension &own) {
        return own.dimension == dimension;
      });
    };
    int64_t start = op.getStart(), end = op.getEnd();
    if (llvm::none_of(llvm::seq(start, std::max(start, end)), isColumns)) {
      op.getOperandMutable().assign(part);
      continue;
    }
    OpBuilder builder(op);
    GraphBuilder graph(builder, op.getLoc());
    ShapeBuilder sizes(graph);
    for (int64_t i = start; i < end; ++i)
      if (isColumns(i))
        sizes.append(shapeOf(whole)[i]);
      else
        sizes.append(part, i);
    op.replaceAllUsesWith(sizes.take());
    op.erase();
  }
}

void ColumnChain::split() {
  for (auto [i, slice] : llvm::enumerate(slices)) {
    SmallVector<Value> values = build(parts[i]);
    if (i == 0)
      for (auto [k, value] : llvm::enumerate(values))
        moveSizes(resultOf(ArrayRef(steps).take_front(k), product), places[k],
                  value);
    OpBuilder builder(slice);
    Value part = values.back();
    if (part.getType() != slice.getType())
      part = tensor::CastOp::create(builder, slice.getLoc(), slice.getType(),
                                    part);
    slice.replaceAllUsesWith(part);
    slice.erase();
  }
}

namespace {

class SplitProductsPass final
    : public impl::SplitProductsPassBase<SplitProductsPass> {
public:
  using SplitProductsPassBase::SplitProductsPassBase;

  void runOnOperation() final {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) { products.push_back(op); });
    std::vector<ColumnChain> chains;
    DenseSet<Operation *> split;
    for (MatmulOp op : products) {
      ColumnChain chain(op);
      if (!chain.analyse())
        continue;
      split.insert(op);
      chains.push_back(std::move(chain));
    }
    // Weights would be stored twice where something else reads them whole.
    auto isShared = [&](ColumnChain &chain) {
      return !chain.ownsWeights(split) && split.erase(chain.getProduct());
    };
    for (size_t before = 0; before != chains.size();) {
      before = chains.size();
      llvm::erase_if(chains, isShared);
    }
    for (ColumnChain &chain : chains) {
      MatmulOp op = chain.getProduct();
      chain.split();
      remarks::applied(op, remarks::fusion)
          << "one product for each of " << std::to_string(chain.getPartCount())
          << " slices of its columns, so that none is copied";
    }
  }
};

} // namespace
} // namespace sluice
