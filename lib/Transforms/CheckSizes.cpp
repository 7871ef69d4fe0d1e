//===- CheckSizes.cpp - Fail where dynamic sizes do not fit ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Kernels rely on what ops demand of their operands' sizes. Type inference
// checks what types say; the rest is checked here, before the first kernel that
// would read outside of a buffer.
//
//===----------------------------------------------------------------------===//

#include "SizeResolver.h"
#include "dialects/Sluice/ShapeEvaluation.h"
#include "dialects/Sluice/WindowInference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

using Size = OpFoldResult;
using Predicate = arith::CmpIPredicate;

constexpr StringLiteral broadcastMessage =
    "the sizes of the operands do not broadcast";
constexpr StringLiteral channelsMessage =
    "the number of channels does not fit the weights";
constexpr StringLiteral windowMessage =
    "the kernel does not fit the padded dimension";

/// Puts the checks of one op in front of it.
class Checker {
public:
  Checker(OpBuilder &builder, SizeResolver &resolver, Operation *op)
      : builder(builder), resolver(resolver), op(op), loc(op->getLoc()) {}

  /// Returns how many checks were made.
  int64_t check();

private:
  void require(Value condition, StringRef message);
  void requireEqual(Size lhs, Size rhs, StringRef message);
  void requireNotNegative(Size size, StringRef message);
  /// A number of the run is far from where sums with sizes overflow.
  void requireModest(Size size, StringRef message);
  /// The size both broadcast to, which is checked.
  Size requireBroadcast(Size lhs, Size rhs);
  /// All sizes of the operands from `first` on are those of `shape`.
  void requireShape(Value tensor, ArrayRef<Size> shape, StringRef message);

  Size sizeOf(Value tensor, int64_t dimension) {
    return resolver.size(tensor, dimension);
  }
  int64_t rankOf(Value tensor) { return shapeOf(tensor).size(); }
  Size number(int64_t value) { return builder.getIndexAttr(value); }
  SizeBuilder sizes() { return {builder, loc}; }
  Value compare(Predicate predicate, Size lhs, Size rhs) {
    return builder.createOrFold<arith::CmpIOp>(
        loc, predicate, sizes().value(lhs), sizes().value(rhs));
  }
  Value both(Value lhs, Value rhs) {
    return builder.createOrFold<arith::AndIOp>(loc, lhs, rhs);
  }
  Value either(Value lhs, Value rhs) {
    return builder.createOrFold<arith::OrIOp>(loc, lhs, rhs);
  }
  /// Element `index` of a vector of integers.
  Size element(Value vector, int64_t index) {
    return readElement(builder, loc, vector, index);
  }
  /// The product of two sizes, neither negative, is one.
  void requireProduct(Size lhs, Size rhs, StringRef message);
  /// Is the product of the sizes this number, and not only modulo 2^64?
  Value isProduct(ArrayRef<Size> factors, Size product);

  void checkElementwise();
  void checkMatmul(MatmulOp matmul);
  void checkWindow(Size size, const Window &window);
  template <typename OpTy> void checkConvolution(OpTy conv);
  void checkConv(ConvOp conv);
  void checkConvTranspose(ConvTransposeOp conv);
  void checkDeformConv(DeformConvOp conv);
  template <typename OpTy> void checkPool(OpTy pool);
  void checkReshape(ReshapeOp reshape);
  void checkBroadcast(BroadcastOp broadcast);
  void checkConcat(ConcatOp concat);
  void checkElement(SetElementOp set);
  void checkElement(AppendOp append);
  template <typename OpTy> void checkWidths(OpTy pad);
  void checkResize(ResizeOp resize);
  void checkColumnsToImage(ColumnsToImageOp columns);
  template <typename OpTy> void checkNorm(OpTy norm);
  void checkRecurrence(RecurrenceOp recurrence);
  void checkOthers();

  OpBuilder &builder;
  SizeResolver &resolver;
  Operation *op;
  Location loc;
  int64_t count = 0;
};

/// Can a size computed this way not be negative?
bool isSurelyNotNegative(Size size, unsigned depth = 0) {
  if (auto known = getConstantIntValue(size))
    return *known >= 0;
  Operation *op = cast<Value>(size).getDefiningOp();
  if (!op || depth > 8)
    return false;
  auto operand = [&](unsigned i) {
    return isSurelyNotNegative(op->getOperand(i), depth + 1);
  };
  if (isa<tensor::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  if (isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::DivSIOp,
          arith::DivUIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}

} // namespace

void Checker::require(Value condition, StringRef message) {
  auto known = getConstantIntValue(condition);
  if (known && *known != 0)
    return;
  cf::AssertOp::create(builder, loc, condition, message);
  ++count;
}

void Checker::requireEqual(Size lhs, Size rhs, StringRef message) {
  if (lhs == rhs)
    return;
  require(compare(Predicate::eq, lhs, rhs), message);
}

void Checker::requireNotNegative(Size size, StringRef message) {
  if (!isSurelyNotNegative(size))
    require(compare(Predicate::sge, size, number(0)), message);
}

void Checker::requireModest(Size size, StringRef message) {
  if (getConstantIntValue(size))
    return;
  constexpr int64_t limit = int64_t(1) << 60;
  Size shifted = sizes().add(size, number(limit));
  require(compare(Predicate::ule, shifted, number(2 * limit)), message);
}

void Checker::requireProduct(Size lhs, Size rhs, StringRef message) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if ((left && *left <= 1) || (right && *right <= 1) || (left && right))
    return;
  // The divisor is the operand, whose size is that of memory there is.
  Size most = builder.createOrFold<arith::DivSIOp>(
      loc, sizes().value(number(INT64_MAX)),
      sizes().value(sizes().max(lhs, number(1))));
  require(compare(Predicate::sle, rhs, most), message);
}

Size Checker::requireBroadcast(Size lhs, Size rhs) {
  auto left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left == 1)
    return rhs;
  if (right == 1 || lhs == rhs)
    return lhs;
  Value fits = compare(Predicate::eq, lhs, rhs);
  for (Size size : {lhs, rhs})
    if (!getConstantIntValue(size))
      fits = either(fits, compare(Predicate::eq, size, number(1)));
  require(fits, broadcastMessage);
  return broadcastSizes(builder, loc, lhs, rhs);
}

void Checker::requireShape(Value tensor, ArrayRef<Size> shape,
                           StringRef message) {
  for (auto [i, size] : llvm::enumerate(shape))
    requireEqual(sizeOf(tensor, i), size, message);
}

Value Checker::isProduct(ArrayRef<Size> factors, Size product) {
  Type wide = builder.getI64Type();
  auto toWide = [&](Size size) -> Value {
    return builder.createOrFold<arith::IndexCastOp>(loc, wide,
                                                    sizes().value(size));
  };
  Value zero = toWide(number(0)), noOverflow;
  Value result = toWide(factors.empty() ? number(1) : factors.front());
  for (Size factor : factors.drop_front(factors.empty() ? 0 : 1)) {
    auto next =
        arith::MulSIExtendedOp::create(builder, loc, result, toWide(factor));
    result = next.getLow();
    // The high half of a small number is its sign, and sizes have none.
    Value isSmall = arith::CmpIOp::create(builder, loc, Predicate::eq,
                                          next.getHigh(), zero);
    Value hasNoSign =
        arith::CmpIOp::create(builder, loc, Predicate::sge, result, zero);
    Value fits = both(isSmall, hasNoSign);
    noOverflow = noOverflow ? both(noOverflow, fits) : fits;
  }
  Value equal = builder.createOrFold<arith::CmpIOp>(loc, Predicate::eq, result,
                                                    toWide(product));
  return noOverflow ? both(noOverflow, equal) : equal;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void Checker::checkElementwise() {
  int64_t rank = rankOf(op->getResult(0));
  SmallVector<Size> joined(rank, number(1));
  for (Value operand : op->getOperands())
    for (int64_t i = 0, own = rankOf(operand); i < own; ++i) {
      Size &size = joined[rank - own + i];
      size = requireBroadcast(size, sizeOf(operand, i));
    }
}

void Checker::checkMatmul(MatmulOp matmul) {
  Value lhs = matmul.getLhs(), rhs = matmul.getRhs();
  int64_t left = rankOf(lhs), right = rankOf(rhs);
  requireEqual(sizeOf(lhs, left - (matmul.getTransposeLhs() ? 2 : 1)),
               sizeOf(rhs, right - (matmul.getTransposeRhs() ? 1 : 2)),
               "the inner dimensions of the product differ");
  for (int64_t i = 3; i <= std::min(left, right); ++i)
    requireBroadcast(sizeOf(lhs, left - i), sizeOf(rhs, right - i));
}

void Checker::checkWindow(Size size, const Window &window) {
  SizeBuilder at = sizes();
  if (getConstantIntValue(size) && getConstantIntValue(window.kernel))
    return;
  requireNotNegative(at.sub(window.kernel, number(1)), windowMessage);
  // With `ceilMode` a window may reach over the end by less than a stride.
  int64_t beyond = window.ceilMode ? window.stride - 1 : 0;
  Size padded = at.add(size, number(window.padBegin + window.padEnd));
  Size reach =
      at.add(at.mul(at.sub(window.kernel, number(1)), number(window.dilation)),
             number(1));
  // No elements at all have no windows.
  Value fits =
      either(compare(Predicate::sge, at.add(padded, number(beyond)), reach),
             compare(Predicate::eq, padded, number(0)));
  require(fits, windowMessage);
}

template <typename OpTy> void Checker::checkConvolution(OpTy conv) {
  Size first = sizeOf(conv.getWeight(), 0);
  if (conv.getGroups() == 1 || getConstantIntValue(first))
    return;
  Value rest = arith::RemSIOp::create(
      builder, loc, sizes().value(first),
      sizes().value(number(static_cast<int64_t>(conv.getGroups()))));
  require(compare(Predicate::eq, rest, number(0)),
          "the weights cannot be divided into the groups");
}

void Checker::checkConv(ConvOp conv) {
  checkConvolution(conv);
  Size taken = sizes().mul(sizeOf(conv.getWeight(), 1),
                           number(static_cast<int64_t>(conv.getGroups())));
  requireEqual(sizeOf(conv.getInput(), conv.getChannelDimension()), taken,
               channelsMessage);
  for (int64_t i = 0, rank = conv.getSpatialRank(); i < rank; ++i)
    checkWindow(sizeOf(conv.getInput(), conv.getSpatialDimension() + i),
                {sizeOf(conv.getWeight(), 2 + i), conv.getStrides()[i],
                 conv.getDilations()[i], conv.getPads()[i],
                 conv.getPads()[rank + i]});
}

void Checker::checkConvTranspose(ConvTransposeOp conv) {
  checkConvolution(conv);
  requireEqual(sizeOf(conv.getInput(), conv.getChannelDimension()),
               sizeOf(conv.getWeight(), 0), channelsMessage);
}

void Checker::checkDeformConv(DeformConvOp conv) {
  checkConvolution(conv);
  SizeBuilder at = sizes();
  Value input = conv.getInput(), weight = conv.getWeight(),
        offsets = conv.getOffsets();
  requireEqual(
      sizeOf(input, 1),
      at.mul(sizeOf(weight, 1), number(static_cast<int64_t>(conv.getGroups()))),
      channelsMessage);
  Size taps = at.mul(at.mul(sizeOf(weight, 2), sizeOf(weight, 3)),
                     number(static_cast<int64_t>(conv.getOffsetGroups())));
  SmallVector<Size> shape{sizeOf(input, 0), at.mul(taps, number(2))};
  for (int64_t i : {0, 1}) {
    Window window{sizeOf(weight, 2 + i), conv.getStrides()[i],
                  conv.getDilations()[i], conv.getPads()[i],
                  conv.getPads()[2 + i]};
    checkWindow(sizeOf(input, 2 + i), window);
    shape.push_back(countWindows(builder, loc, window, sizeOf(input, 2 + i)));
  }
  requireShape(offsets, shape, "the offsets do not fit the result");
  shape[1] = taps;
  if (conv.getMask())
    requireShape(conv.getMask(), shape, "the mask does not fit the result");
}

template <typename OpTy> void Checker::checkPool(OpTy pool) {
  for (int64_t i = 0, rank = pool.getSpatialRank(); i < rank; ++i)
    checkWindow(sizeOf(pool.getOperand(), pool.getSpatialDimension() + i),
                {number(pool.getKernel()[i]), pool.getStrides()[i],
                 pool.getDilations()[i], pool.getPads()[i],
                 pool.getPads()[rank + i], pool.getCeilMode()});
}

void Checker::checkReshape(ReshapeOp reshape) {
  SmallVector<Size> from, to;
  for (int64_t i = 0, rank = rankOf(reshape.getOperand()); i < rank; ++i)
    from.push_back(sizeOf(reshape.getOperand(), i));
  for (int64_t i = 0, rank = rankOf(reshape.getResult()); i < rank; ++i)
    to.push_back(sizeOf(reshape.getResult(), i));
  constexpr StringLiteral message =
      "the tensor's elements do not fill the wanted shape";
  for (Size size : to)
    requireNotNegative(size, message);
  // Dimensions that stay say nothing about the others.
  SmallVector<Size> moved(from), made;
  for (Size size : to) {
    auto same = llvm::find(moved, size);
    if (same == moved.end())
      made.push_back(size);
    else
      moved.erase(same);
  }
  auto left = getConstantIntValue(multiplySizes(builder, loc, moved)),
       right = getConstantIntValue(multiplySizes(builder, loc, made));
  if (left && right && *left == *right)
    return;
  require(isProduct(to, multiplySizes(builder, loc, from)), message);
}

void Checker::checkBroadcast(BroadcastOp broadcast) {
  Value operand = broadcast.getOperand(), shape = broadcast.getShape();
  int64_t own = rankOf(operand), wanted = shapeOf(shape)[0];
  for (int64_t i = 1; i <= wanted; ++i) {
    Size size = element(shape, wanted - i);
    requireNotNegative(size, "a wanted size is negative");
    if (i <= own)
      requireBroadcast(sizeOf(operand, own - i), size);
  }
}

void Checker::checkConcat(ConcatOp concat) {
  int64_t axis = concat.getAxis();
  for (Value operand : concat.getOperands())
    for (int64_t i = 0, rank = rankOf(operand); i < rank; ++i) {
      Size lhs = sizeOf(operand, i), rhs = sizeOf(concat.getResult(), i);
      if (i == axis || lhs == rhs)
        continue;
      require(compare(Predicate::eq, lhs, rhs),
              "the operands differ in a dimension other than the axis");
    }
}

constexpr StringLiteral elementMessage =
    "what a loop collects does not have the same sizes in every step";

void Checker::checkElement(SetElementOp set) {
  Value list = set.getList(), element = set.getElement();
  for (int64_t i = 0, rank = rankOf(element); i < rank; ++i)
    requireEqual(sizeOf(list, i + 1), sizeOf(element, i), elementMessage);
}

void Checker::checkElement(AppendOp append) {
  Value list = append.getList(), element = append.getElement();
  for (int64_t i = 0, rank = rankOf(element); i < rank; ++i) {
    Size lhs = sizeOf(list, i + 1), rhs = sizeOf(element, i);
    if (lhs == rhs)
      continue;
    // The empty start of a list has no sensible sizes.
    require(either(compare(Predicate::eq, lhs, rhs),
                   compare(Predicate::eq, sizeOf(list, 0), number(0))),
            elementMessage);
  }
}

template <typename OpTy> void Checker::checkWidths(OpTy pad) {
  SizeBuilder at = sizes();
  int64_t rank = rankOf(pad.getOperand());
  for (int64_t i = 0; i < rank; ++i) {
    Size low, high;
    if (pad.getWidths().empty()) {
      low = number(pad.getLow()[i]);
      high = number(pad.getHigh()[i]);
    } else {
      low = element(pad.getWidths()[0], i);
      high = element(pad.getWidths()[0], rank + i);
    }
    Size size = sizeOf(pad.getOperand(), i);
    if (getConstantIntValue(low) && getConstantIntValue(high) &&
        getConstantIntValue(size))
      continue;
    for (Size width : {low, high})
      requireModest(width, "a pad is out of range");
    requireNotNegative(at.add(at.add(size, low), high),
                       "negative pads cut more than there is");
  }
}

void Checker::checkResize(ResizeOp resize) {
  for (auto [i, axis] : llvm::enumerate(resize.getAxes())) {
    Size wanted = element(resize.getSizes(), i);
    requireNotNegative(wanted, "a wanted size is negative");
    Size size = sizeOf(resize.getOperand(), axis);
    if (getConstantIntValue(size) && getConstantIntValue(size) != 0)
      continue;
    require(either(compare(Predicate::sgt, size, number(0)),
                   compare(Predicate::eq, wanted, number(0))),
            "an empty tensor has no elements to interpolate");
  }
}

void Checker::checkColumnsToImage(ColumnsToImageOp columns) {
  SizeBuilder at = sizes();
  constexpr StringLiteral message = "the columns do not fit the image";
  int64_t elements = 1, spatial = columns.getBlock().size();
  Size blocks = number(1);
  for (int64_t i = 0; i < spatial; ++i) {
    elements *= columns.getBlock()[i];
    Window window{number(columns.getBlock()[i]), columns.getStrides()[i],
                  columns.getDilations()[i], columns.getPads()[i],
                  columns.getPads()[spatial + i]};
    Size size = element(columns.getImage(), i);
    requireNotNegative(size, "a wanted size is negative");
    checkWindow(size, window);
    blocks = at.mul(blocks, countWindows(builder, loc, window, size));
  }
  requireEqual(sizeOf(columns.getOperand(), 2), blocks, message);
  Size rows = sizeOf(columns.getOperand(), 1);
  if (!getConstantIntValue(rows))
    requireEqual(builder.createOrFold<arith::RemSIOp>(
                     loc, at.value(rows), at.value(number(elements))),
                 number(0), message);
}

template <typename OpTy> void Checker::checkNorm(OpTy norm) {
  int64_t rank = rankOf(norm.getOperand());
  int64_t normalised = rank - static_cast<int64_t>(norm.getAxis());
  for (Value parameter : norm.getParameters()) {
    // There may be dimensions of one in front.
    int64_t own = rankOf(parameter);
    for (int64_t i = 1; i <= std::min(own, normalised); ++i)
      requireEqual(sizeOf(parameter, own - i),
                   sizeOf(norm.getOperand(), rank - i),
                   "scale or bias does not fit the normalized dimensions");
  }
}

void Checker::checkRecurrence(RecurrenceOp recurrence) {
  constexpr StringLiteral message =
      "weights, states and inputs do not fit each other";
  Value projected = recurrence.getProjected(),
        weights = recurrence.getWeights();
  Size directions =
      number(static_cast<int64_t>(recurrence.getReverse().size()));
  Size batch = sizeOf(projected, 2), units = sizeOf(weights, 1);
  RecurrentCell cell = recurrence.getCell();
  int64_t gates = cell == RecurrentCell::Lstm  ? 4
                  : cell == RecurrentCell::Gru ? 3
                                               : 1;
  Size width = sizes().mul(units, number(gates));
  requireEqual(sizeOf(projected, 0), directions, message);
  requireEqual(sizeOf(projected, 3), width, message);
  requireShape(weights, {directions, units, width}, message);
  for (Value state : {recurrence.getHidden(), recurrence.getCellState()})
    if (state)
      requireShape(state, {directions, batch, units}, message);
  if (Value lengths = recurrence.getLengths())
    requireShape(lengths, {batch}, message);
  if (Value peepholes = recurrence.getPeepholes())
    requireShape(peepholes, {directions, sizes().mul(units, number(3))},
                 message);
  if (Value bias = recurrence.getHiddenBias())
    requireShape(bias, {directions, units}, message);
}

void Checker::checkOthers() {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](SqueezeOp squeeze) {
        for (int64_t axis : squeeze.getAxes())
          requireEqual(sizeOf(squeeze.getOperand(), axis), number(1),
                       "a dimension that is dropped is not one");
      })
      .Case([&](SliceOp slice) {
        if (slice.getBounds().empty())
          return;
        for (int64_t i = 0, rank = rankOf(slice.getOperand()); i < rank; ++i) {
          Size step = element(slice.getBounds()[2], i);
          if (!getConstantIntValue(step))
            require(compare(Predicate::ne, step, number(0)), "a step is zero");
        }
      })
      .Case([&](TileOp tile) {
        for (int64_t i = 0, rank = rankOf(tile.getOperand()); i < rank; ++i) {
          Size repeats = element(tile.getRepeats(), i);
          requireNotNegative(repeats, "negative repeats");
          requireProduct(sizeOf(tile.getOperand(), i), repeats,
                         "the size overflows");
        }
      })
      .Case([&](RangeOp range) {
        if (!isa<IntegerType>(range.getType().getElementType()))
          return;
        Size delta = element(range.getDelta(), 0);
        if (!getConstantIntValue(delta))
          require(compare(Predicate::ne, delta, number(0)), "delta is zero");
      })
      .Case([&](OneHotOp hot) {
        if (isa<IntegerType>(elementTypeOf(hot.getDepth())))
          requireNotNegative(element(hot.getDepth(), 0), "negative depth");
      })
      .Case([&](TopKOp top) {
        constexpr StringLiteral message = "k does not fit the dimension";
        Size k = element(top.getK(), 0);
        requireNotNegative(k, message);
        Size size = sizeOf(top.getOperand(), top.getAxis());
        if (!getConstantIntValue(k) || !getConstantIntValue(size))
          require(compare(Predicate::sle, k, size), message);
      })
      .Case([&](GridSampleOp sample) {
        constexpr StringLiteral message = "image and grid do not fit";
        int64_t rank = rankOf(sample.getOperand());
        requireEqual(sizeOf(sample.getOperand(), 0),
                     sizeOf(sample.getGrid(), 0), message);
        requireEqual(sizeOf(sample.getGrid(), rank - 1), number(rank - 2),
                     message);
      })
      .Case([&](RoiAlignOp align) {
        constexpr StringLiteral message = "regions and batches do not fit";
        requireEqual(sizeOf(align.getRois(), 1), number(4), message);
        requireEqual(sizeOf(align.getRois(), 0), sizeOf(align.getBatches(), 0),
                     message);
      })
      .Case([&](NonMaxSuppressionOp suppression) {
        Value boxes = suppression.getBoxes(), scores = suppression.getScores();
        requireShape(boxes, {sizeOf(scores, 0), sizeOf(scores, 2), number(4)},
                     "boxes and scores do not fit");
      })
      .Case([&](ReverseSequenceOp reverse) {
        requireEqual(sizeOf(reverse.getLengths(), 0),
                     sizeOf(reverse.getOperand(), reverse.getBatchAxis()),
                     "there must be one length for each sequence");
      })
      .Case([&](BatchNormOp norm) {
        int64_t rank = rankOf(norm.getOperand());
        Size channels = number(1);
        if (norm.getChannelsLast() || rank > 1)
          channels =
              sizeOf(norm.getOperand(), norm.getChannelsLast() ? rank - 1 : 1);
        for (Value parameter : norm->getOperands().drop_front())
          requireEqual(sizeOf(parameter, 0), channels, channelsMessage);
      });
}

int64_t Checker::check() {
  builder.setInsertionPoint(op);
  Operation *before = op->getPrevNode();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ElementwiseOpInterface) { checkElementwise(); })
      .Case([&](MatmulOp matmul) { checkMatmul(matmul); })
      .Case([&](ConvOp conv) { checkConv(conv); })
      .Case([&](ConvTransposeOp conv) { checkConvTranspose(conv); })
      .Case([&](DeformConvOp conv) { checkDeformConv(conv); })
      .Case<MaxPoolOp, MaxPoolIndicesOp, AveragePoolOp, LpPoolOp>(
          [&](auto pool) { checkPool(pool); })
      .Case([&](ReshapeOp reshape) { checkReshape(reshape); })
      .Case([&](BroadcastOp broadcast) { checkBroadcast(broadcast); })
      .Case([&](ConcatOp concat) { checkConcat(concat); })
      .Case<SetElementOp, AppendOp>([&](auto list) { checkElement(list); })
      .Case<PadOp, ExtendOp>([&](auto pad) { checkWidths(pad); })
      .Case([&](ResizeOp resize) { checkResize(resize); })
      .Case([&](ColumnsToImageOp columns) { checkColumnsToImage(columns); })
      .Case<LayerNormOp, RmsNormOp>([&](auto norm) { checkNorm(norm); })
      .Case([&](RecurrenceOp recurrence) { checkRecurrence(recurrence); })
      .Default([&](Operation *) { checkOthers(); });
  // Reading an element may have asked for sizes.
  resolver.resolve(before, op);
  return count;
}

namespace {

class CheckSizesPass final : public impl::CheckSizesPassBase<CheckSizesPass> {
public:
  using CheckSizesPassBase::CheckSizesPassBase;

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<SluiceDialect>(op->getDialect()))
        ops.push_back(op);
    });
    OpBuilder builder(&getContext());
    SizeResolver resolver(builder);
    auto isStatic = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return !tensor || tensor.hasStaticShape();
    };
    for (Operation *op : ops) {
      (void)resolver.visit(op);
      // What types say has been checked by inference.
      if (!llvm::all_of(op->getOperandTypes(), isStatic) ||
          !llvm::all_of(op->getResultTypes(), isStatic))
        numChecks += Checker(builder, resolver, op).check();
    }
  }
};

} // namespace
} // namespace sluice
