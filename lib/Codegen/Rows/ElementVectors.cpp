//===- ElementVectors.cpp - Vectors of elements computed inside -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Codegen/Rows/ElementVectors.h"
#include "sluice/Codegen/Elements/FlatAccess.h"

using namespace mlir;
using namespace sluice;

Value sluice::splatLanes(KernelBuilder &kernel, Value scalar, int64_t lanes) {
  return kernel.rows.splat(kernel, scalar,
                           kernel.rows.laneType(scalar.getType(), lanes));
}

/// From the tensor's buffer: what is behind `inner` has size one, so the lanes
/// lie side by side.
static Value loadStored(KernelBuilder &kernel, Value tensor,
                        const VectorPlace &place) {
  RowBuffer rows(kernel, tensor);
  Value start = rows.flatten(place.indices);
  return rows.load(kernel.index(0), {start, place.mask}, /*neutral=*/nullptr,
                   place.lanes);
}

Value sluice::loadBroadcastElements(KernelBuilder &kernel, Value operand,
                                    const VectorPlace &place) {
  ArrayRef<int64_t> shape = shapeOf(operand);
  int64_t rank = shape.size();
  int64_t leading = static_cast<int64_t>(place.indices.size()) - rank;
  int64_t inner = place.inner - leading;
  VectorPlace own{{}, inner, place.lanes, place.mask};
  for (int64_t i = 0; i < rank; ++i) {
    Value at = place.indices[leading + i];
    if (shape[i] == 1)
      at = kernel.index(0);
    else if (ShapedType::isDynamic(shape[i]) && i != inner)
      at = kernel.broadcastIndex(kernel.size(operand, i), at);
    own.indices.push_back(at);
  }
  if (inner < 0 || shape[inner] == 1)
    return splatLanes(kernel, kernel.load(operand, own.indices), place.lanes);
  return loadElements(kernel, operand, own);
}

/// Ops that read their operands as NumPy broadcasting says.
static bool broadcasts(Operation *op) {
  return isa<ElementwiseOpInterface>(op) ||
         op->hasTrait<trait::BroadcastsOperand>();
}

/// What broadcasts to the result of such an op: of others than elementwise ones
/// the first operand, behind which are sizes.
static ValueRange broadcastOperands(Operation *op) {
  ValueRange operands = op->getOperands();
  return isa<ElementwiseOpInterface>(op) ? operands : operands.take_front();
}

/// The dimension of an operand that `dimension` of the result reads; nothing
/// where all of it reads one element.
static std::optional<int64_t> findDimension(Value operand, Value result,
                                            int64_t dimension) {
  ArrayRef<int64_t> shape = shapeOf(operand);
  int64_t place = dimension + static_cast<int64_t>(shape.size()) -
                  static_cast<int64_t>(shapeOf(result).size());
  if (place < 0 || shape[place] == 1)
    return std::nullopt;
  return place;
}

Value sluice::haveAllLanes(KernelBuilder &kernel, Value tensor,
                           int64_t dimension) {
  Value all;
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return all;
  if (op->hasTrait<trait::MovesElements>())
    for (Value operand : op->getOperands())
      if (shapeOf(operand).size() == shapeOf(tensor).size())
        all = both(kernel, all, haveAllLanes(kernel, operand, dimension));
  if (!broadcasts(op))
    return all;
  // Alone, an operand is what the result has its sizes from.
  bool isAlone = isa<ElementwiseOpInterface>(op) && op->getNumOperands() == 1;
  for (Value operand : broadcastOperands(op)) {
    auto place = findDimension(operand, tensor, dimension);
    if (!place)
      continue;
    if (!isAlone && ShapedType::isDynamic(shapeOf(operand)[*place]))
      all = both(kernel, all,
                 compare(kernel, arith::CmpIPredicate::eq,
                         kernel.size(operand, *place),
                         kernel.size(tensor, dimension)));
    all = both(kernel, all, haveAllLanes(kernel, operand, *place));
  }
  return all;
}

bool sluice::isOneDimension(Value tensor, int64_t first, int64_t second) {
  Operation *op = tensor.getDefiningOp();
  if (!op || isa<ConstantOp>(op))
    return true;
  if (!broadcasts(op))
    return false;
  return llvm::all_of(broadcastOperands(op), [&](Value operand) {
    auto outer = findDimension(operand, tensor, first);
    auto inner = findDimension(operand, tensor, second);
    if (!outer && !inner)
      return true;
    return outer && inner && isOneDimension(operand, *outer, *inner);
  });
}

Value sluice::loadElements(KernelBuilder &kernel, Value tensor,
                           const VectorPlace &place) {
  if (isa<BlockArgument>(tensor))
    return loadStored(kernel, tensor, place);
  auto result = cast<OpResult>(tensor);
  Operation *op = result.getOwner();
  if (isa<ConstantOp>(op))
    return splatLanes(kernel, kernel.load(tensor, place.indices), place.lanes);
  if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op)) {
    SmallVector<Value> arguments;
    for (Value operand : op->getOperands())
      arguments.push_back(loadBroadcastElements(kernel, operand, place));
    return elementwise.buildBody(kernel.builder, kernel.loc, arguments);
  }
  return kernel.emitters.find(op).vector(kernel, result, place);
}
