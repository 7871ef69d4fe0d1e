//===- RepeatedOperand.cpp - Products of repeated heads -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RepeatedOperand.h"
#include "ShapeBuilder.h"
#include "sluice/Support/Remarks.h"

using namespace mlir;

namespace sluice {

RepeatedOperand::RepeatedOperand(MatmulOp op, unsigned number,
                                 SymbolicShapes &symbols)
    : op(op), number(number),
      reshape(op->getOperand(number).getDefiningOp<ReshapeOp>()) {
  if (reshape)
    broadcast = reshape.getOperand().getDefiningOp<BroadcastOp>();
  if (!broadcast)
    return;
  int64_t rank = reshape.getType().getRank();
  headDimension = rank - 3;
  if (headDimension < 0 || broadcast.getType().getRank() != rank + 1 ||
      !matches(symbols))
    return;
  group = broadcast.getType().getDimSize(headDimension + 1);
}

bool RepeatedOperand::matches(SymbolicShapes &symbols) {
  Value source = broadcast.getOperand(), other = op->getOperand(1 - number);
  int64_t rank = reshape.getType().getRank();
  if (static_cast<int64_t>(shapeOf(source).size()) != rank + 1 ||
      static_cast<int64_t>(shapeOf(other).size()) != rank ||
      shapeOf(source)[headDimension + 1] != 1 ||
      symbols.dimension(other, headDimension) !=
          symbols.dimension(reshape, headDimension))
    return false;
  for (int64_t i = 0; i <= rank; ++i) {
    if (i == headDimension + 1)
      continue;
    SymbolicShapes::Symbol size = symbols.dimension(broadcast, i);
    bool isKept = symbols.dimension(source, i) == size;
    bool isLeft =
        i == headDimension ||
        symbols.dimension(reshape, i < headDimension ? i : i - 1) == size;
    if (!isKept || !isLeft)
      return false;
  }
  int64_t heads = shapeOf(source)[headDimension],
          size = broadcast.getType().getDimSize(headDimension + 1);
  return !ShapedType::isDynamic(heads) && !ShapedType::isDynamic(size) &&
         heads > 0 &&
         reshape.getType().getDimSize(headDimension) == heads * size;
}

/// What follows a value, each op the only reader of the one before: elementwise
/// ops whose other operands are single elements.
static SmallVector<Operation *> findFunctions(Value value) {
  SmallVector<Operation *> functions;
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    auto isOther = [&](Value operand) {
      return operand == value ||
             llvm::all_of(shapeOf(operand), [](int64_t n) { return n == 1; });
    };
    if (!isa<ElementwiseOpInterface>(user) || user->getNumResults() != 1 ||
        user->getBlock() != value.getParentBlock() ||
        shapeOf(user->getResult(0)) != shapeOf(value) ||
        !llvm::all_of(user->getOperands(), isOther))
      break;
    functions.push_back(user);
    value = user->getResult(0);
  }
  return functions;
}

void RepeatedOperand::fold(llvm::SetVector<Operation *> &replaced) {
  remarks::applied(broadcast, remarks::fusion)
      << "not written: the product that reads it takes each matrix for a group";
  SmallVector<Operation *> functions = findFunctions(op.getResult());
  Operation *last = functions.empty() ? op.getOperation() : functions.back();
  OpBuilder builder(last);
  GraphBuilder graph(builder, op.getLoc());
  Value other = op->getOperand(1 - number), source = broadcast.getOperand();
  int64_t rank = shapeOf(other).size(), heads = headDimension;
  // Rows of neighbouring matrices lie one after the other.
  bool joinsRows = number == 1 && !op.getTransposeLhs();
  ShapeBuilder grouped(graph);
  for (int64_t i = 0; i < heads; ++i)
    grouped.append(other, i);
  grouped.append(source, heads);
  if (!joinsRows)
    grouped.append(group);
  grouped.append(other, rank - 2, joinsRows ? group : 1);
  grouped.append(other, rank - 1);
  Value operands[2];
  operands[1 - number] =
      graph.make<ReshapeOp>(other, grouped.take(), builder.getUnitAttr());
  operands[number] =
      joinsRows ? graph.make<SqueezeOp>(source,
                                        builder.getDenseI64ArrayAttr(heads + 1))
                : source;
  Value product =
      graph.make<MatmulOp>(operands[0], operands[1], op.getTransposeLhsAttr(),
                           op.getTransposeRhsAttr());
  // The sizes of the result: rows of the left matrix, columns of the right one.
  ShapeBuilder whole(graph);
  for (int64_t i = 0; i < heads; ++i)
    whole.append(product, i);
  whole.append(other, heads);
  Value left = op.getLhs();
  whole.append(left, op.getTransposeLhs() ? rank - 1 : rank - 2);
  whole.append(product, shapeOf(product).size() - 1);
  Value shape = whole.take();
  Value before = op.getResult();
  for (Operation *function : functions) {
    Operation *copy = builder.clone(*function);
    copy->replaceUsesOfWith(before, product);
    before = function->getResult(0);
    copy->getResult(0).setType(
        cast<RankedTensorType>(product.getType())
            .clone(elementTypeOf(function->getResult(0))));
    product = copy->getResult(0);
  }
  auto type = cast<RankedTensorType>(last->getResult(0).getType());
  last->getResult(0).replaceAllUsesWith(ReshapeOp::create(
      builder, op.getLoc(), type, product, shape, builder.getUnitAttr()));
  replaced.insert(functions.rbegin(), functions.rend());
  replaced.insert(op);
  replaced.insert(reshape);
  replaced.insert(broadcast);
}

} // namespace sluice
