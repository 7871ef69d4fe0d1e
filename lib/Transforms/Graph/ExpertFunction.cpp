//===- ExpertFunction.cpp - What all experts do, at once ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ExpertFunction.h"
#include "Lookups.h"
#include "ShapeBuilder.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Transforms/Graph/GraphMatching.h"

using namespace mlir;

namespace sluice {

static constexpr int64_t unknown = ShapedType::kDynamic;

ExpertFunction::ExpertFunction(GraphBuilder &graph,
                               const ExpertRouting &routing, int64_t groups,
                               SymbolicShapes &symbols)
    : graph(graph), routing(routing), groups(groups), symbols(symbols) {
  OpBuilder &builder = graph.builder;
  flatIds =
      graph.reshape(graph.cast(routing.ids, builder.getI64Type()), {unknown});
  if (Value condition = routing.condition) {
    Type boolean = builder.getI1Type(), integer = builder.getI32Type();
    auto last = static_cast<int64_t>(shapeOf(condition).size()) - 1;
    Value marks = graph.cast(graph.cast(condition, boolean), integer);
    Value any = graph.reduce(marks, ReductionKind::Max, last, false);
    counting = graph.reshape(graph.cast(any, boolean), {unknown, 1});
    Value none = graph.number(flatIds, static_cast<double>(groups));
    flatIds = graph.select(graph.reshape(counting, {unknown}), flatIds, none);
  }
  // What was chosen among more than these experts may be none of them.
  if (!areBelow(routing.ids, groups))
    counting = graph.reshape(
        graph.make<LessOp>(flatIds,
                           graph.number(flatIds, static_cast<double>(groups))),
        {unknown, 1});
  auto grouped = GroupRowsOp::create(builder, graph.loc, flatIds, groups);
  order = grouped.getOrder();
  offsets = grouped.getOffsets();
}

ExpertFunction::Rows ExpertFunction::fail(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return {};
}

Value ExpertFunction::gather(Value table, Value rows) {
  return graph.make<GatherOp>(table, rows, /*axis=*/0);
}

Value ExpertFunction::toOrder(Rows rows, Order wanted) {
  if (!rows || rows.order == wanted)
    return rows.value;
  if (rows.order == Order::Expert) {
    fail("rows in the order of experts are read in that of tokens");
    return nullptr;
  }
  if (wanted == Order::Token) {
    fail("pairs are read as tokens");
    return nullptr;
  }
  if (rows.order == Order::Token && routing.slots != 1) {
    // The row of the pair's token.
    if (!tokensOfRows)
      tokensOfRows =
          graph.make<DivOp>(order, graph.number(order, routing.slots));
    if (wanted == Order::Expert)
      return gather(rows.value, tokensOfRows);
    int64_t columns = shapeOf(rows.value)[1];
    Value repeated = graph.make<BroadcastOp>(graph.unsqueeze(rows.value, {1}),
                                             integer({1, routing.slots, 1}));
    return graph.reshape(repeated, {unknown, columns});
  }
  return wanted == Order::Pair ? rows.value : gather(rows.value, order);
}

Value ExpertFunction::build(Values values) {
  return toOrder(translateRows(values, Order::Pair), Order::Pair);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// Has no constant that the value is made of an infinity or NaN?
static bool isFiniteExpression(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast<ConstantOp>(op))
    return isFinite(constant);
  return llvm::all_of(op->getOperands(), isFiniteExpression);
}

Value ExpertFunction::findTable(Values values, int64_t &axis,
                                SmallVectorImpl<Coordinate> &others) {
  Value table;
  for (auto [i, value] : llvm::enumerate(values)) {
    Selection selection = Selection::of(value);
    std::optional<int64_t> fixed = selection.onlyFixedDimension();
    if (!fixed || (table && table != selection.whole) ||
        !(selection.coordinates[*fixed].place == routing.experts[i]))
      return nullptr;
    table = selection.whole;
    axis = *fixed;
    others = selection.coordinates;
  }
  return shapeOf(table)[axis] == groups ? table : nullptr;
}

Value ExpertFunction::stack(Values values) {
  auto type = cast<RankedTensorType>(values[0].getType());
  if (!type.hasStaticShape())
    return nullptr;
  int64_t axis;
  SmallVector<Coordinate> coordinates;
  if (Value table = findTable(values, axis, coordinates)) {
    if (!isConstantExpression(table) ||
        (routing.isDense && !isFiniteExpression(table)))
      return nullptr;
    SmallVector<int64_t> permutation{axis}, shape{groups};
    for (int64_t i = 0; i < type.getRank(); ++i)
      for (auto [from, coordinate] : llvm::enumerate(coordinates))
        if (coordinate.dimension == i)
          permutation.push_back(from);
    for (auto [from, coordinate] : llvm::enumerate(coordinates))
      if (!coordinate.dimension && static_cast<int64_t>(from) != axis)
        permutation.push_back(from);
    llvm::append_range(shape, type.getShape());
    if (!llvm::is_sorted(permutation))
      table = graph.transpose(table, permutation);
    return graph.reshape(table, shape);
  }
  SmallVector<Value> parts;
  for (auto [i, value] : llvm::enumerate(values)) {
    if (routing.experts[i].number != static_cast<int64_t>(i) ||
        value.getType() != type || !isConstantExpression(value) ||
        (routing.isDense && !isFiniteExpression(value)))
      return nullptr;
    parts.push_back(graph.unsqueeze(value, {0}));
  }
  if (static_cast<int64_t>(parts.size()) != groups)
    return nullptr;
  return graph.make<ConcatOp>(parts, graph.builder.getI64IntegerAttr(0));
}

Value ExpertFunction::sharedOperand(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> sizes = withoutOnes(type.getShape());
  // Columns only: whatever else there is are rows.
  if (!type.hasStaticShape() || sizes.size() > 1 ||
      (sizes.size() == 1 && type.getShape().back() != sizes[0]) ||
      !isConstantExpression(value))
    return nullptr;
  return graph.reshape(value, sizes);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

ExpertFunction::Rows ExpertFunction::translate(Values values, Order wanted) {
  std::vector<void *> key;
  for (Value value : values)
    key.push_back(value.getAsOpaquePointer());
  Rows &rows = known[{key, wanted}];
  if (!rows && reason.empty())
    rows = translateNew(values, wanted);
  return rows;
}

ExpertFunction::Rows ExpertFunction::translateRows(Values values,
                                                   Order wanted) {
  Rows rows = translate(values, wanted);
  ArrayRef<int64_t> shape = shapeOf(values[0]);
  // Vectors have an element for each row.
  int64_t columns =
      shape.empty() || ShapedType::isDynamic(shape.back()) ? 1 : shape.back();
  if (rows && shapeOf(rows.value)[1] != columns)
    return fail("rows have more than one dimension");
  return rows;
}

/// All but the first of values are made as that is, of other values.
static bool areParallel(ArrayRef<Value> values) {
  Operation *first = values[0].getDefiningOp();
  return first && llvm::all_of(values, [&](Value value) {
           Operation *op = value.getDefiningOp();
           return op && op->getName() == first->getName() &&
                  op->getNumOperands() == first->getNumOperands() &&
                  op->getRawDictionaryAttrs() ==
                      first->getRawDictionaryAttrs() &&
                  op->getPropertiesAsAttribute() ==
                      first->getPropertiesAsAttribute() &&
                  cast<OpResult>(value).getResultNumber() ==
                      cast<OpResult>(values[0]).getResultNumber();
         });
}

static SmallVector<Value> operandsOf(ArrayRef<Value> values, unsigned index) {
  SmallVector<Value> result;
  for (Value value : values)
    result.push_back(value.getDefiningOp()->getOperand(index));
  return result;
}

static bool isView(Operation *op) {
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return keepsShape(broadcast);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource().getType().getRank() == cast.getType().getRank();
  return isa<ReshapeOp, UnsqueezeOp, SqueezeOp>(op) &&
         differInOnes(shapeOf(op->getOperand(0)), shapeOf(op->getResult(0)));
}

bool ExpertFunction::hasTokens(Value value, int64_t first) {
  auto rank = static_cast<int64_t>(shapeOf(value).size());
  int64_t count = routing.tokenRank();
  if (rank < first + count)
    return false;
  for (int64_t i = 0; i < count; ++i)
    if (symbols.dimension(value, first + i) !=
        symbols.dimension(routing.ids, i))
      return false;
  return true;
}

/// What all experts read of each token.
ExpertFunction::Rows ExpertFunction::translateTokens(Value tokens) {
  ArrayRef<int64_t> shape = shapeOf(tokens);
  if (static_cast<int64_t>(shape.size()) != routing.tokenRank() + 1 ||
      !hasTokens(tokens) || ShapedType::isDynamic(shape.back()))
    return fail("what the experts read is not [tokens, columns]");
  return {graph.reshape(tokens, {unknown, shape.back()}), Order::Token};
}

ExpertFunction::Rows ExpertFunction::translateNew(Values values, Order wanted) {
  if (routing.isDense && llvm::all_equal(values))
    return translateTokens(values[0]);
  if (!areParallel(values))
    return fail("the experts compute different things");
  Operation *op = values[0].getDefiningOp();
  if (!routing.isDense && isView(op))
    return translate(operandsOf(values, 0), wanted);
  if (isa<GatherOp>(op))
    return translateGather(values);
  if (isa<GatherNDOp>(op))
    return translateGatherND(values);
  if (isa<MatmulOp>(op))
    return translateProduct(values, {}, wanted);
  if (isa<AddOp>(op))
    if (Rows rows = translateSum(values, wanted))
      return rows;
  if (isa<SliceOp>(op))
    return translateSlice(values, wanted);
  if (isa<ElementwiseOpInterface>(op))
    return translateElementwise(values, wanted);
  return fail("an expert has a '" + op->getName().stripDialect() + "'");
}

ExpertFunction::Rows ExpertFunction::lookUpPairs(Values tables,
                                                 int64_t tokenAxis) {
  int64_t axis;
  SmallVector<Coordinate> coordinates;
  Value table = findTable(tables, axis, coordinates);
  if (!table || shapeOf(table).size() != 2 || !routing.hasSlots ||
      routing.tokenRank() != 1 || shapeOf(routing.ids).size() != 2 ||
      coordinates[1 - axis].dimension != tokenAxis)
    return fail("an expert's weights are no column of a table");
  if (axis == 0)
    table = graph.transpose(table, {1, 0});
  // What was scattered to the places of the ids is what lies there.
  auto scatter = table.getDefiningOp<ScatterElementsOp>();
  Value found;
  if (scatter && scatter.getIndices() == routing.ids &&
      scatter.getMode() == ScatterMode::Replace &&
      static_cast<int64_t>(scatter.getAxis()) == 1)
    found = scatter.getUpdates();
  else if (!areBelow(routing.ids, groups))
    return fail("tokens may choose experts that have no weights");
  else
    found = graph.make<GatherElementsOp>(table, routing.ids, /*axis=*/1);
  return {graph.reshape(found, {unknown, 1}), Order::Pair};
}

ExpertFunction::Rows ExpertFunction::translateGather(Values values) {
  SmallVector<int64_t> factors;
  for (auto [i, value] : llvm::enumerate(values)) {
    auto place = ListedPlace::match(value.getDefiningOp()->getOperand(1));
    if (!place || routing.lists.empty() || place->list != routing.lists[i] ||
        (i > 0 && place->factors != factors))
      return fail("rows are not those of the expert's tokens");
    factors = place->factors;
  }
  auto op = values[0].getDefiningOp<GatherOp>();
  auto axis = static_cast<int64_t>(op.getAxis());
  ArrayRef<int64_t> shape = shapeOf(op.getOperand());
  if (shapeOf(op.getIndices()).size() != 1 ||
      llvm::any_of(shape.take_front(axis),
                   [](int64_t size) { return size != 1; }))
    return fail("rows are no first dimension");
  int64_t columns = 1;
  for (int64_t size : shape.drop_front(axis + 1)) {
    if (ShapedType::isDynamic(size))
      return fail("the size of a row is not known");
    columns *= size;
  }
  SmallVector<Value> tables = operandsOf(values, 0);
  // By ids' dimension.
  SmallVector<int64_t> strides(shapeOf(routing.ids).size(), 0);
  for (auto [from, to] : llvm::enumerate(routing.dimensions))
    strides[to] = factors[from];
  bool isToken = routing.tokenRank() == 1 && strides[0] == 1 &&
                 (!routing.hasSlots || strides[1] == 0);
  bool isPair = routing.tokenRank() == 1 && routing.hasSlots &&
                strides[0] == routing.slots && strides[1] == 1;
  if (isToken && !llvm::all_equal(tables))
    return lookUpPairs(tables, axis);
  if ((!isToken && !isPair) || !llvm::all_equal(tables) ||
      (isToken && !hasTokens(tables[0], axis)))
    return fail("rows are not those of the expert's tokens");
  return {graph.reshape(tables[0], {unknown, columns}),
          isToken ? Order::Token : Order::Pair};
}

ExpertFunction::Rows ExpertFunction::translateGatherND(Values values) {
  for (auto [i, value] : llvm::enumerate(values)) {
    auto op = value.getDefiningOp<GatherNDOp>();
    if (op.getBatchDims() != 0 || routing.lists.empty() ||
        matchListedRows(op.getIndices()) != routing.lists[i] ||
        op.getOperand() != values[0].getDefiningOp()->getOperand(0))
      return fail("rows are not those of the expert's tokens");
  }
  Value table = values[0].getDefiningOp()->getOperand(0);
  auto count = static_cast<int64_t>(routing.dimensions.size());
  bool fits = llvm::is_sorted(routing.dimensions);
  for (auto [i, dimension] : llvm::enumerate(routing.dimensions))
    fits = fits && symbols.dimension(table, i) ==
                       symbols.dimension(routing.ids, dimension);
  if (!fits)
    return fail("rows are not those of the expert's tokens");
  int64_t columns = 1;
  for (int64_t size : shapeOf(table).drop_front(count)) {
    if (ShapedType::isDynamic(size))
      return fail("the size of a row is not known");
    columns *= size;
  }
  return {graph.reshape(table, {unknown, columns}),
          routing.hasSlots ? Order::Pair : Order::Token};
}

ExpertFunction::Rows
ExpertFunction::translateProduct(Values values, Values biases, Order wanted) {
  auto op = values[0].getDefiningOp<MatmulOp>();
  SmallVector<Value> matrices = operandsOf(values, 1);
  if (op.getTransposeLhs() || shapeOf(matrices[0]).size() != 2)
    return fail("an expert's product is none with a matrix");
  StringRef constants = routing.isDense ? "finite constants of the same shape"
                                        : "constants of the same shape";
  Value weights = stack(matrices);
  if (!weights)
    return fail("the experts' weights are not " + constants);
  Value bias;
  if (!biases.empty()) {
    bias = stack(biases);
    if (!bias)
      return fail("the experts' biases are not " + constants);
    bias = graph.reshape(bias, {groups, shapeOf(bias).back()});
  }
  Rows rows = translateRows(operandsOf(values, 0), Order::Expert);
  if (!rows)
    return {};
  ++products;
  bool inOrder = rows.order == Order::Expert;
  bool toPairs = wanted == Order::Pair;
  int64_t columns = shapeOf(weights)[op.getTransposeRhs() ? 1 : 2];
  auto type = RankedTensorType::get({shapeOf(order)[0], columns},
                                    elementTypeOf(values[0]));
  auto product = GroupedMatmulOp::create(
      graph.builder, graph.loc, type, rows.value, weights, offsets,
      inOrder ? Value() : order, toPairs ? order : Value(), bias,
      rows.order == Order::Token ? routing.slots : 1, op.getTransposeRhs());
  return {product.getResult(), toPairs ? Order::Pair : Order::Expert};
}

/// A product with a bias.
ExpertFunction::Rows ExpertFunction::translateSum(Values values, Order wanted) {
  for (unsigned i : {0, 1}) {
    SmallVector<Value> addends = operandsOf(values, 1 - i),
                       products = operandsOf(values, i);
    if (!products[0].getDefiningOp<MatmulOp>() || !areParallel(products))
      continue;
    int64_t columns = shapeOf(products[0]).back();
    auto isBias = [&](Value addend) {
      ArrayRef<int64_t> shape = shapeOf(addend);
      return !shape.empty() && shape.back() == columns &&
             llvm::all_of(shape.drop_back(),
                          [](int64_t size) { return size == 1; });
    };
    // One bias for all is an addend like others.
    if (llvm::all_of(addends, isBias) && !llvm::all_equal(addends))
      return translateProduct(products, addends, wanted);
  }
  return {};
}

ExpertFunction::Rows ExpertFunction::translateElementwise(Values values,
                                                          Order wanted) {
  Operation *op = values[0].getDefiningOp();
  SmallVector<Rows> rows(op->getNumOperands());
  SmallVector<Value> operands(op->getNumOperands());
  ArrayRef<int64_t> shape = shapeOf(values[0]);
  bool areTokens = true;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    SmallVector<Value> own = operandsOf(values, i);
    if (llvm::all_equal(own) && (operands[i] = sharedOperand(own[0]))) {
      // Along a last dimension of rows, only a number is the same for all.
      if (ShapedType::isDynamic(shape.back()) && !shapeOf(operands[i]).empty())
        return fail("rows meet other dimensions");
      continue;
    }
    if (shapeOf(own[0]).size() != shape.size() ||
        shapeOf(own[0]).drop_back() != shape.drop_back())
      return fail("rows meet other dimensions");
    rows[i] = translateRows(own, wanted);
    if (!rows[i])
      return {};
    areTokens &= rows[i].order == Order::Token;
  }
  Order result = areTokens ? Order::Token : wanted;
  int64_t count = unknown, columns = 1;
  for (auto [own, operand] : llvm::zip(rows, operands)) {
    if (own) {
      operand = toOrder(own, result);
      if (!operand)
        return {};
      count = shapeOf(operand)[0];
    }
    if (!shapeOf(operand).empty() && shapeOf(operand).back() != 1)
      columns = shapeOf(operand).back();
  }
  OperationState state(graph.loc, op->getName());
  state.addOperands(operands);
  state.addTypes(
      RankedTensorType::get({count, columns}, elementTypeOf(values[0])));
  state.addAttributes(op->getRawDictionaryAttrs().getValue());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return {graph.builder.create(state)->getResult(0), result};
}

/// Some columns of each row.
ExpertFunction::Rows ExpertFunction::translateSlice(Values values,
                                                    Order wanted) {
  auto op = values[0].getDefiningOp<SliceOp>();
  auto rank = static_cast<int64_t>(shapeOf(op.getOperand()).size());
  for (int64_t i = 0; i < rank - 1; ++i)
    if (!keepsAll(op, i))
      return fail("an expert slices rows");
  if (rank < 2 || op.getStarts().empty() ||
      ShapedType::isDynamic(shapeOf(op).back()))
    return fail("an expert slices rows");
  Rows rows = translateRows(operandsOf(values, 0), wanted);
  if (!rows)
    return {};
  constexpr int64_t end = std::numeric_limits<int64_t>::max();
  Value part = graph.make<SliceOp>(rows.value, ValueRange(),
                                   ArrayRef<int64_t>{0, op.getStarts().back()},
                                   ArrayRef<int64_t>{end, op.getEnds().back()},
                                   ArrayRef<int64_t>{1, op.getSteps().back()});
  return {part, rows.order};
}

} // namespace sluice
