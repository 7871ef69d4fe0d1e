//===- CollapseProjections.cpp - Attention to what is projected -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Scores are x Wq (y Wk)' = x (Wq Wk') y', and what a head gives is
// (P y Wv) Wo = P y (Wv Wo). Where the products of constant weights are smaller
// than both, attention looks at y itself, which all heads share, and keys or
// values are not computed.
//
//===----------------------------------------------------------------------===//

#include "ShapeBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_COLLAPSEPROJECTIONSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// A tensor of attention as heads of a product with constant weights.
struct Projection {
  MatmulOp product;
  /// [heads * elements], or null.
  Value bias;
  int64_t heads, elements;

  /// How long a row is that is projected.
  int64_t getWidth() { return shapeOf(product.getLhs()).back(); }
  /// [width, heads * elements].
  Value makeWeights(GraphBuilder &graph) {
    Value weights = product.getRhs();
    return product.getTransposeRhs() ? graph.transpose(weights, {1, 0})
                                     : weights;
  }
};

/// Multiplications.
struct Cost {
  double perQuery = 0, perKey = 0, perScore = 0;

  double total(int64_t queries, int64_t keys) const {
    return perQuery * queries + perKey * keys + perScore * queries * keys;
  }
  Cost operator+(const Cost &other) const {
    return {perQuery + other.perQuery, perKey + other.perKey,
            perScore + other.perScore};
  }
};

struct Scores {
  Projection query, key;
  Cost plain, collapsed;
};

struct Values {
  Projection value;
  /// Multiplies the heads, side by side, with constant weights.
  MatmulOp output;
  Cost plain, collapsed;
};

class Collapser {
public:
  explicit Collapser(AttentionOp op)
      : op(op), builder(op), graph(builder, op.getLoc()) {}

  void run();

private:
  std::optional<Scores> findScores();
  std::optional<Values> findValues();
  /// Do the weights of each query add up to one?
  bool addsUpToOne();
  /// Null where something else reads the heads.
  MatmulOp findOutput(int64_t columns);
  bool isCheaper(const Cost &collapsed, const Cost &plain, StringRef what);
  void collapse(Scores &scores);
  void collapse(Values &values);
  Value makeShared(Projection &projection, Value old, int64_t positions);
  Value makeHeads(Value rows, Value old, int64_t positions, int64_t heads,
                  int64_t elements);
  /// The rows that `rows` are, of wider heads.
  Value joinHeads(Value rows, int64_t columns);

  AttentionOp op;
  OpBuilder builder;
  GraphBuilder graph;
};

} // namespace

/// The widest rows that attention is to take for keys and values.
constexpr int64_t mostWidth = 512;

/// Are the dimensions [batch, positions, heads, elements], or as good as that?
static bool isRowMajor(ArrayRef<int64_t> order, int64_t heads) {
  return order == ArrayRef<int64_t>{0, 2, 1, 3} ||
         (heads == 1 && order == ArrayRef<int64_t>{0, 1, 2, 3});
}

/// [depth, columns] of numbers that are known when the model is compiled.
static bool isWeights(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() == 2 && type.hasStaticShape() &&
         isConstantExpression(value);
}

/// Null where it is none, or where something else reads it, too.
static std::optional<Projection> findProjection(Value tensor,
                                                ArrayRef<int64_t> order) {
  int64_t heads = shapeOf(tensor)[order[1]], elements = shapeOf(tensor).back();
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(elements) ||
      !isRowMajor(order, heads))
    return std::nullopt;
  Value value = tensor;
  auto isView = [](Operation *op) {
    return op && (op->hasTrait<trait::IsView>() || isa<tensor::CastOp>(op));
  };
  // Sizes are asked of it, too.
  auto isRead = [](Value value) {
    return llvm::count_if(value.getUsers(), [](Operation *user) {
             return !isa<ShapeOp>(user);
           }) > 1;
  };
  auto skipViews = [&] {
    while (isView(value.getDefiningOp()) && !isRead(value))
      value = value.getDefiningOp()->getOperand(0);
  };
  skipViews();
  Projection projection{nullptr, nullptr, heads, elements};
  int64_t columns = heads * elements;
  auto sum = value.getDefiningOp<AddOp>();
  if (sum && !isRead(value))
    for (unsigned i : {0u, 1u})
      if (isConstantExpression(sum->getOperand(i)) &&
          shapeOf(sum->getOperand(i)) == ArrayRef<int64_t>(columns)) {
        projection.bias = sum->getOperand(i);
        value = sum->getOperand(1 - i);
      }
  skipViews();
  projection.product = value.getDefiningOp<MatmulOp>();
  MatmulOp product = projection.product;
  if (!product || isRead(value) || product.getTransposeLhs() ||
      shapeOf(product).back() != columns ||
      shapeOf(product.getLhs()).size() < 2 ||
      ShapedType::isDynamic(shapeOf(product.getLhs()).back()) ||
      !isWeights(product.getRhs()) || !elementTypeOf(product).isF32())
    return std::nullopt;
  return projection;
}

/// [groups, heads, width, elements] of weights [width, groups * heads *
/// elements].
static Value splitHeads(GraphBuilder &graph, Value weights, int64_t groups,
                        int64_t heads) {
  int64_t width = shapeOf(weights)[0];
  int64_t elements = shapeOf(weights)[1] / (groups * heads);
  return graph.transpose(
      graph.reshape(weights, {width, groups, heads, elements}), {1, 2, 0, 3});
}

/// [batch, positions, heads, elements] of rows, with the sizes of `old`, which
/// has positions in that dimension.
Value Collapser::makeHeads(Value rows, Value old, int64_t positions,
                           int64_t heads, int64_t elements) {
  ShapeBuilder shape(graph);
  shape.append(old, 0);
  shape.append(old, positions);
  shape.append(heads);
  shape.append(elements);
  return graph.make<ReshapeOp>(rows, shape.take(), builder.getUnitAttr());
}

/// What is projected, as the one head that all queries share.
Value Collapser::makeShared(Projection &projection, Value old,
                            int64_t positions) {
  return makeHeads(projection.product.getLhs(), old, positions, 1,
                   projection.getWidth());
}

/// Would a product of weights with so many elements be a constant? Not where
/// the weights themselves are computed in every run.
static bool isKept(int64_t elements, Projection &projection, Value other) {
  Value weights = projection.product.getRhs();
  return isWorthStoring(weights) && isWorthStoring(other) &&
         isWorthStoring(4 * elements, getSourceBytes({weights, other}));
}

static std::string describe(const Cost &cost, int64_t queries, int64_t keys) {
  auto number = [](double value) {
    return std::to_string(static_cast<int64_t>(value));
  };
  if (!ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys))
    return number(cost.total(queries, keys));
  return number(cost.perQuery) + " a query, " + number(cost.perKey) +
         " a key and " + number(cost.perScore) + " a score";
}

bool Collapser::isCheaper(const Cost &collapsed, const Cost &plain,
                          StringRef what) {
  int64_t queries = shapeOf(op.getQuery())[op.getQueryOrder()[2]],
          keys = shapeOf(op.getKey())[op.getKeyOrder()[2]];
  // A tenth less, for the other order of sums; where it is no more than half as
  // much again, someone may want to know.
  constexpr double worthwhile = 0.9, nearly = 1.5;
  bool holds, isNear;
  if (ShapedType::isDynamic(queries) || ShapedType::isDynamic(keys)) {
    // For any numbers of them.
    holds = collapsed.perQuery <= plain.perQuery &&
            collapsed.perScore <= plain.perScore &&
            collapsed.perKey < plain.perKey;
    isNear = collapsed.perScore <= nearly * plain.perScore;
  } else {
    double before = plain.total(queries, keys),
           after = collapsed.total(queries, keys);
    holds = after <= worthwhile * before;
    isNear = after <= nearly * before;
  }
  std::string arithmetic = describe(collapsed, queries, keys) +
                           " multiplications instead of " +
                           describe(plain, queries, keys);
  if (holds)
    remarks::applied(op, remarks::attention)
        << ("the weights of " + what +
            " are multiplied with each other: " + arithmetic)
               .str();
  else if (isNear)
    remarks::missed(op, remarks::attention)
        << ("the weights of " + what +
            " are not multiplied with each other: " + arithmetic)
               .str();
  return holds;
}

std::optional<Scores> Collapser::findScores() {
  auto query = findProjection(op.getQuery(), op.getQueryOrder()),
       key = findProjection(op.getKey(), op.getKeyOrder());
  if (!query || !key || key->getWidth() > mostWidth)
    return std::nullopt;
  // What a bias of the keys adds is the same for all keys of a query, and
  // softmax does not see it, if nothing else looks.
  if (key->bias &&
      (op.getSinks() || !op.getSoftcap().isZero() || op.getLogSumExp()))
    return std::nullopt;
  Scores scores{*query, *key, {}, {}};
  int64_t width = key->getWidth();
  int64_t columns = query->heads * query->elements, wide = query->heads * width;
  scores.plain.perKey = static_cast<double>(width) * key->heads * key->elements;
  scores.plain.perScore = columns;
  scores.collapsed.perScore = wide;
  // Queries that are constants are projected by the compiler.
  if (!isConstantExpression(query->product.getLhs())) {
    double depth = query->getWidth();
    scores.plain.perQuery = depth * columns;
    scores.collapsed.perQuery = depth * wide;
  }
  if (!isKept(query->getWidth() * wide, *query, key->product.getRhs()))
    return std::nullopt;
  return scores;
}

void Collapser::collapse(Scores &scores) {
  Projection &query = scores.query, &key = scores.key;
  int64_t groups = key.heads, columns = query.heads * key.getWidth();
  Value keys = graph.transpose(
      splitHeads(graph, key.makeWeights(graph), groups, 1), {0, 1, 3, 2});
  auto multiply = [&](Value rows) {
    // [groups, heads of a group, rows, width] -> [rows, columns].
    Value product = graph.make<MatmulOp>(
        splitHeads(graph, rows, groups, query.heads / groups), keys, false,
        false);
    return graph.reshape(graph.transpose(product, {2, 0, 1, 3}),
                         {shapeOf(rows)[0], columns});
  };
  Value rows = graph.make<MatmulOp>(
      query.product.getLhs(), multiply(query.makeWeights(graph)), false, false);
  if (query.bias) {
    Value bias = graph.reshape(query.bias, {1, query.heads * query.elements});
    rows = graph.add(rows, graph.reshape(multiply(bias), columns));
  }
  Value newQuery = makeHeads(rows, op.getQuery(), op.getQueryOrder()[2],
                             query.heads, key.getWidth());
  Value newKey = makeShared(key, op.getKey(), op.getKeyOrder()[2]);
  op.getQueryMutable().assign(newQuery);
  op.getKeyMutable().assign(newKey);
  op.setQueryOrder({0, 2, 1, 3});
  op.setKeyOrder({0, 2, 1, 3});
}

bool Collapser::addsUpToOne() {
  int64_t keys = shapeOf(op.getKey())[op.getKeyOrder()[2]];
  if (op.getSinks() || ShapedType::isDynamic(keys) || keys == 0)
    return false;
  // Queries without a key are zeros elsewhere.
  return op.getFallback() || op.getNanRows() || !op.mayHaveEmptyRows();
}

MatmulOp Collapser::findOutput(int64_t columns) {
  Value rows = op.getResult();
  auto reader = [&]() {
    return rows.hasOneUse() ? *rows.getUsers().begin() : nullptr;
  };
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(reader()))
    rows = reshape.getResult();
  auto output = dyn_cast_or_null<MatmulOp>(reader());
  if (rows == op.getResult() || !output || output.getLhs() != rows ||
      output.getTransposeLhs() || shapeOf(rows).back() != columns ||
      !isWeights(output.getRhs()) || !elementTypeOf(output).isF32() ||
      ShapedType::isDynamic(shapeOf(output).back()))
    return nullptr;
  return output;
}

Value Collapser::joinHeads(Value rows, int64_t columns) {
  auto reshape = rows.getDefiningOp<ReshapeOp>();
  int64_t front = shapeOf(rows).size() - 1;
  Value width = createShapeConstant(builder, graph.loc, columns);
  Value shape = graph.cast(reshape.getShape(), builder.getI64Type());
  if (front == 0)
    return graph.make<ReshapeOp>(op.getResult(), width, builder.getUnitAttr());
  shape = graph.make<SliceOp>(shape, ValueRange{}, ArrayRef<int64_t>{0},
                              ArrayRef<int64_t>{front}, ArrayRef<int64_t>{1});
  shape = graph.make<ConcatOp>(ValueRange{shape, width},
                               builder.getI64IntegerAttr(0));
  return graph.make<ReshapeOp>(op.getResult(), shape,
                               reshape.getAllowZeroAttr());
}

std::optional<Values> Collapser::findValues() {
  auto value = findProjection(op.getValue(), op.getValueOrder());
  int64_t heads = shapeOf(op.getQuery())[op.getQueryOrder()[1]];
  if (!value || ShapedType::isDynamic(heads) || value->getWidth() > mostWidth ||
      (value->bias && !addsUpToOne()) ||
      !isRowMajor(op.getResultOrder(), heads))
    return std::nullopt;
  int64_t columns = heads * value->elements, width = value->getWidth();
  MatmulOp output = findOutput(columns);
  if (!output)
    return std::nullopt;
  Values values{*value, output, {}, {}};
  double results = shapeOf(output).back();
  values.plain.perQuery = columns * results;
  values.plain.perKey =
      static_cast<double>(width) * value->heads * value->elements;
  values.plain.perScore = columns;
  values.collapsed.perQuery = heads * width * results;
  values.collapsed.perScore = heads * width;
  if (!isKept(heads * width * shapeOf(output).back(), *value, output.getRhs()))
    return std::nullopt;
  return values;
}

void Collapser::collapse(Values &values) {
  Projection &value = values.value;
  MatmulOp output = values.output;
  int64_t heads = shapeOf(op.getQuery())[op.getQueryOrder()[1]],
          width = value.getWidth(), results = shapeOf(output).back();
  Value rows = output.getLhs();
  Value shared = makeShared(value, op.getValue(), op.getValueOrder()[2]);
  op.getValueMutable().assign(shared);
  op.setValueOrder({0, 2, 1, 3});
  auto type = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = width;
  op.getResult().setType(type.clone(shape));

  // Weights of the result may be defined behind the attention.
  builder.setInsertionPoint(output);
  int64_t groups = value.heads;
  Projection after{output, nullptr, heads, value.elements};
  // [groups, heads of a group, elements, results].
  Value last = graph.reshape(after.makeWeights(graph),
                             {groups, heads / groups, value.elements, results});
  auto multiply = [&](Value rows) {
    return graph.make<MatmulOp>(splitHeads(graph, rows, groups, 1), last, false,
                                false);
  };
  Value weights = graph.reshape(multiply(value.makeWeights(graph)),
                                {heads * width, results});
  Value product = graph.make<MatmulOp>(joinHeads(rows, heads * width), weights,
                                       false, false);
  if (value.bias) {
    // Each head's share of it goes through the weights of its own.
    Value bias = graph.reshape(value.bias, {1, groups * value.elements});
    Value shares = graph.reshape(multiply(bias), {heads, results});
    product = graph.add(product, graph.reduce(shares, ReductionKind::Sum, {0},
                                              /*keepDims=*/false));
  }
  if (product.getType() != output.getType())
    product = tensor::CastOp::create(builder, output.getLoc(), output.getType(),
                                     product);
  output.replaceAllUsesWith(product);
  output.erase();
  rows.getDefiningOp()->erase();
}

void Collapser::run() {
  int64_t heads = shapeOf(op.getKey())[op.getKeyOrder()[1]];
  if (op.getKey() == op.getValue() || op.getQuery() == op.getKey())
    return;
  auto scores = findScores();
  auto values = findValues();
  // Keys and values have equally many heads.
  if (heads != 1) {
    if (!scores || !values ||
        !isCheaper(scores->collapsed + values->collapsed,
                   scores->plain + values->plain,
                   "queries and keys, values and results"))
      return;
    collapse(*scores);
    collapse(*values);
    return;
  }
  if (scores && isCheaper(scores->collapsed, scores->plain, "queries and keys"))
    collapse(*scores);
  if (values &&
      isCheaper(values->collapsed, values->plain, "values and results"))
    collapse(*values);
}

namespace {

class CollapseProjectionsPass final
    : public impl::CollapseProjectionsPassBase<CollapseProjectionsPass> {
public:
  using CollapseProjectionsPassBase::CollapseProjectionsPassBase;

  void runOnOperation() final {
    SmallVector<AttentionOp> all;
    getOperation().walk([&](AttentionOp op) { all.push_back(op); });
    for (AttentionOp op : all)
      Collapser(op).run();
  }
};

} // namespace
} // namespace sluice
