//===- RecogniseLookups.cpp - Products with one-hot rows as gathers -------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A one-hot row times a matrix is a row of the matrix. Exporters write the
// one-hot tensor as OneHot, or compare indices with 0, 1, 2, ... What follows
// element by element can as well be done on the rows of a constant table, once,
// at compile time, unless the result is better not kept (Lookups.h).
//
//===----------------------------------------------------------------------===//

#include "Lookups.h"
#include "dialects/Sluice/GraphBuilder.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/Passes.h"
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_RECOGNISELOOKUPSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// A tensor whose last dimension, of a known size, marks one place per row.
struct OneHot {
  /// Integers: the place in each row. Those outside the row mark nothing.
  Value places;
  /// Do negative places count from the end of the row?
  bool countsBack;
  /// Are the places in a last dimension of 1 each?
  bool isColumn;
};

bool isInteger(Value value) {
  return isa<IntegerType>(elementTypeOf(value)) &&
         !elementTypeOf(value).isInteger(1);
}

/// The bytes of a constant whose elements lie one after the other; empty for
/// others.
ArrayRef<char> bytesOf(ConstantOp op) {
  ElementsAttr value = op.getValue();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  return dense && !dense.isSplat() ? dense.getRawData() : ArrayRef<char>();
}

template <typename T> T elementAt(ArrayRef<char> bytes, size_t index) {
  T element;
  std::memcpy(&element, bytes.data() + index * sizeof(T), sizeof(T));
  return element;
}

/// Is it [1, ..., 1, size] with the numbers 0, 1, 2, ...?
bool countsUp(Value value, int64_t size) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto type = cast<RankedTensorType>(value.getType());
  if (!constant || !type.hasStaticShape() || type.getNumElements() != size ||
      type.getRank() == 0 || type.getShape().back() != size)
    return false;
  int64_t width = type.getElementTypeBitWidth() / 8;
  ArrayRef<char> bytes = bytesOf(constant);
  if (static_cast<int64_t>(bytes.size()) != size * width || size < 2)
    return false;
  return llvm::all_of(llvm::seq<int64_t>(0, size), [&](int64_t i) {
    return width == 8   ? elementAt<int64_t>(bytes, i) == i
           : width == 4 ? elementAt<int32_t>(bytes, i) == i
           : width == 2 ? elementAt<int16_t>(bytes, i) == i
                        : elementAt<int8_t>(bytes, i) == i;
  });
}

/// places == [0, 1, 2, ...], where `places` has one element per row.
std::optional<OneHot> matchComparison(Value marks, int64_t size) {
  auto equal = marks.getDefiningOp<EqualOp>();
  if (!equal)
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Value places = equal->getOperand(i), numbers = equal->getOperand(1 - i);
    auto shape = shapeOf(places), result = shapeOf(marks);
    // The rows are those of `places` alone.
    if (!isInteger(places) || shape.size() != result.size() ||
        shape.back() != 1 || shape.drop_back() != result.drop_back() ||
        !countsUp(numbers, size))
      continue;
    return OneHot{places, /*countsBack=*/false, /*isColumn=*/true};
  }
  return std::nullopt;
}

std::optional<OneHot> matchOneHot(Value rows) {
  int64_t size = shapeOf(rows).back();
  if (auto op = rows.getDefiningOp<OneHotOp>()) {
    int64_t last = shapeOf(rows).size() - 1;
    if (static_cast<int64_t>(op.getAxis()) != last ||
        !isInteger(op.getIndices()) ||
        evaluateConstantNumber(op.getValues(), 0) != 0.0 ||
        evaluateConstantNumber(op.getValues(), 1) != 1.0)
      return std::nullopt;
    return OneHot{op.getIndices(), /*countsBack=*/true, /*isColumn=*/false};
  }
  if (auto cast = rows.getDefiningOp<CastOp>())
    return matchComparison(cast.getOperand(), size);
  if (auto choice = rows.getDefiningOp<SelectOp>())
    if (getSplatNumber(choice.getOnTrue()) == 1.0 &&
        getSplatNumber(choice.getOnFalse()) == 0.0 &&
        shapeOf(choice.getCondition()) == shapeOf(rows))
      return matchComparison(choice.getCondition(), size);
  return std::nullopt;
}

/// Has no float an exponent of ones alone, as infinities and NaN have?
template <typename Bits> bool areFinite(ArrayRef<char> bytes, Bits exponent) {
  return llvm::all_of(
      llvm::seq<size_t>(0, bytes.size() / sizeof(Bits)), [&](size_t i) {
        return (elementAt<Bits>(bytes, i) & exponent) != exponent;
      });
}

} // namespace

bool isFinite(ConstantOp op) {
  Type type = elementTypeOf(op);
  if (isa<IntegerType>(type))
    return true;
  ArrayRef<char> bytes = bytesOf(op);
  if (bytes.empty())
    return std::isfinite(getSplatNumber(op).value_or(INFINITY));
  if (type.isF16())
    return areFinite<uint16_t>(bytes, 0x7C00);
  if (type.isBF16())
    return areFinite<uint16_t>(bytes, 0x7F80);
  if (type.isF32())
    return areFinite<uint32_t>(bytes, 0x7F800000);
  return type.isF64() && areFinite<uint64_t>(bytes, 0x7FF0000000000000);
}

namespace {

/// The places, all counted from the start of rows of `end` elements.
Value countFromStart(GraphBuilder &graph, const OneHot &oneHot, Value zero,
                     Value end) {
  Value places = oneHot.places;
  if (!oneHot.countsBack)
    return places;
  Value isBack = graph.make<LessOp>(places, zero);
  return graph.make<SelectOp>(isBack, graph.add(places, end), places);
}

/// One place per row, in a type wide enough for every number of a row.
void normalisePlaces(GraphBuilder &graph, OneHot &oneHot) {
  if (oneHot.isColumn) {
    int64_t last = shapeOf(oneHot.places).size() - 1;
    oneHot.places = graph.make<SqueezeOp>(
        oneHot.places, graph.builder.getDenseI64ArrayAttr(last));
  }
  if (elementTypeOf(oneHot.places).getIntOrFloatBitWidth() < 32)
    oneHot.places = graph.cast(oneHot.places, graph.builder.getI32Type());
}

/// Which places lie within rows of a size.
Value findInside(GraphBuilder &graph, Value places, Value zero, Value end) {
  return graph.make<AndOp>(graph.make<GreaterEqualOp>(places, zero),
                           graph.make<LessOp>(places, end));
}

/// The rows that a product of one-hot rows looks up, one for each number.
Value makeTable(GraphBuilder &graph, MatmulOp op) {
  remarks::applied(op, remarks::fusion)
      << "product of one-hot rows turned into a lookup of rows";
  Value table = op.getRhs();
  return op.getTransposeRhs() ? graph.transpose(table, {1, 0}) : table;
}

/// A product of one-hot rows and a constant matrix gathers rows of the matrix,
/// and a row of zeros behind them for places outside.
struct ProductToLookup : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto matrix = op.getRhs().getDefiningOp<ConstantOp>();
    if (!matrix || op.getTransposeLhs() || shapeOf(op.getRhs()).size() != 2 ||
        op.getType().getElementType() != elementTypeOf(op.getRhs()) ||
        ShapedType::isDynamic(shapeOf(op.getLhs()).back()))
      return failure();
    auto oneHot = matchOneHot(op.getLhs());
    // All elements of the matrix are looked at last: most matrices, which may
    // be larger than memory, are no tables.
    if (!oneHot || !isFinite(matrix))
      return failure();
    GraphBuilder graph(rewriter, op.getLoc());
    Value table = makeTable(graph, op);
    int64_t rows = shapeOf(table)[0], columns = shapeOf(table)[1];
    Type type = elementTypeOf(table);
    Value zeros = graph.make<ConstantOp>(DenseElementsAttr::get(
        RankedTensorType::get({1, columns}, type), rewriter.getZeroAttr(type)));
    table = graph.make<ConcatOp>(ValueRange{table, zeros},
                                 rewriter.getI64IntegerAttr(0));
    normalisePlaces(graph, *oneHot);
    Value places = clampPlaces(graph, *oneHot, rows);
    rewriter.replaceOpWithNewOp<GatherOp>(op, op.getType(), table, places,
                                          rewriter.getI64IntegerAttr(0));
    return success();
  }

private:
  /// The number of the row to read: `rows` for places outside.
  static Value clampPlaces(GraphBuilder &graph, const OneHot &oneHot,
                           int64_t rows) {
    Type type = elementTypeOf(oneHot.places);
    Value zero = graph.number(type, 0), end = graph.number(type, rows);
    Value places = countFromStart(graph, oneHot, zero, end);
    return graph.make<SelectOp>(findInside(graph, places, zero, end), places,
                                end);
  }
};

/// The same with a matrix of the run. What is multiplied by zero is left out,
/// but zero times infinity or NaN is NaN: so a column is NaN wherever a row is
/// taken beside which it has such an element, which takes one pass over the
/// matrix.
struct ProductToLookupOfRun : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    // A product of less depth takes hardly more than the passes here.
    constexpr int64_t leastDepth = 16;
    Type type = elementTypeOf(op.getRhs());
    int64_t depth = shapeOf(op.getLhs()).back();
    if (isConstantExpression(op.getRhs()) || op.getTransposeLhs() ||
        shapeOf(op.getRhs()).size() != 2 || ShapedType::isDynamic(depth) ||
        depth < leastDepth || elementTypeOf(op.getLhs()) != type ||
        op.getType().getElementType() != type)
      return failure();
    auto oneHot = matchOneHot(op.getLhs());
    if (!oneHot)
      return failure();
    GraphBuilder graph(rewriter, op.getLoc());
    Value table = makeTable(graph, op);
    normalisePlaces(graph, *oneHot);
    Type placeType = elementTypeOf(oneHot->places);
    Value zero = graph.number(placeType, 0),
          end = graph.number(placeType, depth);
    Value places = countFromStart(graph, *oneHot, zero, end);
    Value isInside = findInside(graph, places, zero, end);
    places = graph.make<SelectOp>(isInside, places, zero);
    Value rows = graph.make<GatherOp>(op.getType(), table, places,
                                      rewriter.getI64IntegerAttr(0));
    int64_t last = shapeOf(places).size();
    isInside =
        graph.make<UnsqueezeOp>(isInside, rewriter.getDenseI64ArrayAttr(last));
    rows = graph.make<SelectOp>(isInside, rows, graph.number(type, 0));
    if (isa<FloatType>(type)) {
      Value others = graph.reduce(markInfinite(graph, table),
                                  ReductionKind::Sum, 0, /*keepDims=*/false);
      Value isLost = graph.make<GreaterOp>(others, markInfinite(graph, rows));
      Value nan = graph.number(type, std::numeric_limits<double>::quiet_NaN());
      rows = graph.make<SelectOp>(isLost, nan, rows);
    }
    rewriter.replaceOp(op, rows);
    return success();
  }

private:
  /// 1 where an element is infinite or NaN, 0 elsewhere.
  static Value markInfinite(GraphBuilder &graph, Value x) {
    Value isInfinite = graph.make<IsNanOp>(graph.sub(x, x));
    return graph.cast(isInfinite, graph.builder.getF32Type());
  }
};

/// f(gather(table)) is gather(f(table)) for a function of the elements, where
/// its other operands are the same for all rows.
struct FunctionOfLookup : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(ElementwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    for (OpOperand &operand : op->getOpOperands()) {
      auto gather = operand.get().getDefiningOp<GatherOp>();
      if (!gather || !gather->hasOneUse() || gather.getAxis() != 0 ||
          !staysSmall(op, gather) || !fits(op, operand, gather))
        continue;
      remarks::applied(op, remarks::constants)
          << "computed on the table that is looked up, at compile time";
      apply(op, operand, gather, rewriter);
      return success();
    }
    return failure();
  }

private:
  static bool staysSmall(Operation *op, GatherOp gather) {
    constexpr int64_t maxElements = 1 << 22;
    Value table = gather.getOperand();
    auto type = cast<RankedTensorType>(table.getType());
    return isConstantExpression(table) && table.hasOneUse() &&
           type.hasStaticShape() && type.getRank() >= 1 &&
           type.getNumElements() <= maxElements && isWorthStoring(table) &&
           elementTypeOf(op->getResult(0)).getIntOrFloatBitWidth() <=
               type.getElementTypeBitWidth();
  }

  /// Are the other operands constants that vary at most within a row?
  static bool fits(Operation *op, OpOperand &looked, GatherOp gather) {
    if (shapeOf(op->getResult(0)) != shapeOf(looked.get()))
      return false;
    int64_t rowRank = shapeOf(gather.getOperand()).size() - 1;
    return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      if (&operand == &looked)
        return true;
      ArrayRef<int64_t> shape = shapeOf(operand.get());
      int64_t extra = std::max<int64_t>(0, shape.size() - rowRank);
      auto isOne = [](int64_t size) { return size == 1; };
      return isConstantExpression(operand.get()) &&
             llvm::all_of(shape.take_front(extra), isOne) &&
             !llvm::is_contained(shape, ShapedType::kDynamic);
    });
  }

  static void apply(Operation *op, OpOperand &looked, GatherOp gather,
                    PatternRewriter &rewriter) {
    GraphBuilder graph(rewriter, op->getLoc());
    int64_t rowRank = shapeOf(gather.getOperand()).size() - 1;
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands()) {
      if (&operand == &looked) {
        operands.push_back(gather.getOperand());
        continue;
      }
      ArrayRef<int64_t> shape = shapeOf(operand.get());
      int64_t extra = std::max<int64_t>(0, shape.size() - rowRank);
      operands.push_back(graph.reshape(operand.get(), shape.drop_front(extra)));
    }
    auto tableType = cast<RankedTensorType>(gather.getOperand().getType());
    Operation *onTable = rewriter.clone(*op);
    onTable->setOperands(operands);
    onTable->getResult(0).setType(
        tableType.clone(elementTypeOf(op->getResult(0))));
    rewriter.replaceOpWithNewOp<GatherOp>(
        op, op->getResult(0).getType(), onTable->getResult(0),
        gather.getIndices(), gather.getAxisAttr());
  }
};

class RecogniseLookupsPass final
    : public impl::RecogniseLookupsPassBase<RecogniseLookupsPass> {
public:
  using RecogniseLookupsPassBase::RecogniseLookupsPassBase;

  void runOnOperation() final {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductToLookup, ProductToLookupOfRun, FunctionOfLookup>(
        &getContext());
    addLookupsBeforeFunctions(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace sluice
