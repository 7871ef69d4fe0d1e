//===- PackedOps.cpp - Ops on constants in orders of their own ------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/RecurrentCell.h"
#include "dialects/Sluice/WindowInference.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

/// Fails unless the result has a shape that fits, and the elements of the
/// first operand or others.
static LogicalResult verifyResult(Operation *op, ArrayRef<int64_t> shape) {
  Value result = op->getResult(0);
  if (succeeded(verifyCompatibleShape(shapeOf(result), shape)))
    return success();
  return op->emitOpError("has a result of ")
         << result.getType() << ", but its operands make [" << shape << "]";
}

//===----------------------------------------------------------------------===//
// PackedConstantOp
//===----------------------------------------------------------------------===//

LogicalResult PackedConstantOp::verify() {
  ShapedType type = getValue().getShapedType();
  auto count = countPackedElements(getPackingAttr(), type,
                                   [&] { return emitOpError(); });
  if (failed(count))
    return failure();
  auto packed = RankedTensorType::get({*count}, type.getElementType());
  if (getType() != packed)
    return emitOpError("must be ") << packed << ", not " << getType();
  return success();
}

//===----------------------------------------------------------------------===//
// PackedMatmulOp
//===----------------------------------------------------------------------===//

LogicalResult PackedMatmulOp::verify() {
  SmallVector<int64_t> shape(shapeOf(getLhs()));
  if (shape.size() < 2 || shapeOf(getWeights()).size() != 1)
    return emitOpError("needs a matrix and packed weights of rank one");
  shape.back() = getColumns();
  return verifyResult(*this, shape);
}

std::optional<Work> PackedMatmulOp::getWork() {
  double perElement = 2.0 * shapeOf(getLhs()).back();
  return workOnOperands(*this, countElements(getResult()) * perElement);
}

//===----------------------------------------------------------------------===//
// PackedGroupedMatmulOp
//===----------------------------------------------------------------------===//

int64_t PackedGroupedMatmulOp::getDepth() { return shapeOf(getLhs()).back(); }

LogicalResult PackedGroupedMatmulOp::verify() {
  if (shapeOf(getLhs()).size() != 2 || shapeOf(getWeights()).size() != 1)
    return emitOpError("needs a matrix and packed weights of rank one");
  int64_t columns = getColumns();
  if (static_cast<int64_t>(getGroups()) < 1 || columns < 1 ||
      static_cast<int64_t>(getRepeat()) < 1)
    return emitOpError("groups, columns and repeat must be positive");
  for (Value list : {getOffsets(), getRows(), getPlaces()})
    if (list && (shapeOf(list).size() != 1 || !elementTypeOf(list).isInteger()))
      return emitOpError("offsets, rows and places must be lists of integers");
  int64_t offsets = getGroups() + 1, biases[] = {offsets - 1, columns};
  if (failed(verifyCompatibleShape(shapeOf(getOffsets()), offsets)) ||
      (getBias() && failed(verifyCompatibleShape(shapeOf(getBias()), biases))))
    return emitOpError("has offsets or a bias of another number of groups");
  return verifyResult(*this, {shapeOf(getRowSource())[0], columns});
}

std::optional<Work> PackedGroupedMatmulOp::getWork() {
  Work work = workOnOperands(*this, countElements(getResult()) * 2.0 *
                                        static_cast<double>(getDepth()));
  // Weights of groups without rows are not read.
  double groups = getGroups(), rows = shapeOf(getRowSource())[0];
  work.bytes -= std::max(0.0, 1 - rows / groups) * countBytes(getWeights());
  return work;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Checks what packed convolutions have in common. `slide` gives the size
/// behind a window along spatial dimension i of a known size, if there is one.
template <typename OpTy>
static LogicalResult verifyPackedConvolution(
    OpTy op, StringRef misfit,
    function_ref<std::optional<int64_t>(const Window &, int64_t i,
                                        int64_t size)>
        slide) {
  SmallVector<int64_t> shape(shapeOf(op.getInput()));
  int64_t spatialRank = static_cast<int64_t>(shape.size()) - 2;
  if (spatialRank < 0 || shapeOf(op.getWeights()).size() != 1)
    return op.emitOpError("needs an image and packed weights of rank one");
  if (failed(verifyWindows(op.getLoc(), spatialRank, op.getStrides(),
                           op.getDilations(), op.getPads())))
    return failure();
  ArrayRef<int64_t> kernel = op.getKernel(), pads = op.getPads();
  if (static_cast<int64_t>(kernel.size()) != spatialRank)
    return op.emitOpError("needs one kernel size per dimension");
  Builder builder(op.getContext());
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t &size = shape[1 + i];
    if (ShapedType::isDynamic(size))
      continue;
    auto result = slide({builder.getIndexAttr(kernel[i]), op.getStrides()[i],
                         op.getDilations()[i], pads[i], pads[spatialRank + i]},
                        i, size);
    if (!result)
      return op.emitOpError(misfit);
    size = *result;
  }
  int64_t groups = op.getGroups();
  if (groups < 1 || shape.back() % groups != 0 ||
      static_cast<int64_t>(op.getOutputChannels()) % groups != 0)
    return op.emitOpError("cannot divide its channels among ")
           << groups << " groups";
  shape.back() = op.getOutputChannels();
  return verifyResult(op, shape);
}

static double countTaps(ArrayRef<int64_t> kernel) {
  double taps = 1;
  for (int64_t size : kernel)
    taps *= size;
  return taps;
}

LogicalResult PackedConvOp::verify() {
  return verifyPackedConvolution(
      *this, "the kernel does not fit the input",
      [](const Window &window, int64_t, int64_t size) {
        return countWindows(window, size);
      });
}

std::optional<Work> PackedConvOp::getWork() {
  double perElement =
      2.0 * countTaps(getKernel()) * shapeOf(getInput()).back() / getGroups();
  return workOnOperands(*this, countElements(getResult()) * perElement);
}

LogicalResult PackedConvTransposeOp::verify() {
  ArrayRef<int64_t> extra = getOutputPadding();
  if (extra.size() != getKernel().size())
    return emitOpError("output_padding must hold ")
           << getKernel().size() << " sizes";
  return verifyPackedConvolution(
      *this, "the pads exceed the result, or a size is out of range",
      [&](const Window &window, int64_t i, int64_t size) {
        return getTransposedSize(window, extra[i], size);
      });
}

std::optional<Work> PackedConvTransposeOp::getWork() {
  // Every tap of an input pixel once, whatever the size of the result.
  double perElement = 2.0 * countTaps(getKernel()) / countTaps(getStrides()) *
                      shapeOf(getInput()).back() / getGroups();
  return workOnOperands(*this, countElements(getResult()) * perElement);
}

//===----------------------------------------------------------------------===//
// PackedGatherOp
//===----------------------------------------------------------------------===//

LogicalResult PackedGatherOp::verify() {
  if (shapeOf(getWeights()).size() != 1 ||
      !elementTypeOf(getIndices()).isInteger())
    return emitOpError("needs packed weights of rank one and integer indices");
  int64_t depth = getDepth(), columns = getColumns(), width = getWidth();
  if (depth < 1 || columns < 1 || width < 1)
    return emitOpError("depth, columns and width must be positive");
  int64_t panels = llvm::divideCeil(columns, width), count;
  if (llvm::MulOverflow(panels, width, count) ||
      llvm::MulOverflow(count, depth, count) ||
      shapeOf(getWeights()).front() != count)
    return emitOpError("needs whole panels of ")
           << width << " columns as weights";
  SmallVector<int64_t> shape(shapeOf(getIndices()));
  shape.push_back(depth);
  return verifyResult(*this, shape);
}

//===----------------------------------------------------------------------===//
// PackedRecurrenceOp
//===----------------------------------------------------------------------===//

LogicalResult PackedRecurrenceOp::verify() {
  if (shapeOf(getProjected()).size() != 4 || shapeOf(getWeights()).size() != 1)
    return emitOpError("needs projected inputs of rank four and packed weights "
                       "of rank one");
  if (static_cast<int64_t>(getUnits()) < 1)
    return emitOpError("needs hidden units");
  if (failed(
          verifyRecurrentCell(cast<RecurrentCellOpInterface>(getOperation()))))
    return failure();
  int64_t batch =
      getBatchSize(getProjected(), getHidden(), getCellState(), getLengths());
  SmallVector<Type> types = getRecurrentTypes(
      elementTypeOf(getProjected()), getCell(), shapeOf(getProjected())[1],
      getReverse().size(), batch, getUnits());
  if (areTypesCompatible(types, getResultTypes()))
    return success();
  return emitOpError("has other results than its operands make: ") << types;
}

OpOperand *PackedRecurrenceOp::findUpdatedOperand(unsigned result) {
  return findUpdatedState(cast<RecurrentCellOpInterface>(getOperation()),
                          result);
}

std::optional<Work> PackedRecurrenceOp::getWork() {
  return getRecurrentWork(cast<RecurrentCellOpInterface>(getOperation()));
}
