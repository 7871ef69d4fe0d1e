//===- PoolingOps.cpp - Pooling over windows ------------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/SizeConditions.h"
#include "dialects/Sluice/Sluice.h"
#include "dialects/Sluice/WindowInference.h"

using namespace mlir;
using namespace sluice;

template <typename OpOrAdaptor>
static Window windowOf(OpOrAdaptor &op, MLIRContext *context, int64_t axis) {
  int64_t spatialRank = op.getStrides().size();
  return {Builder(context).getIndexAttr(op.getKernel()[axis]),
          op.getStrides()[axis],
          op.getDilations()[axis],
          op.getPads()[axis],
          op.getPads()[spatialRank + axis],
          op.getCeilMode()};
}

template <typename OpTy>
static LogicalResult inferPool(std::optional<Location> location,
                               typename OpTy::Adaptor adaptor, Type elementType,
                               SmallVectorImpl<Type> &types) {
  ArrayRef<int64_t> operand = shapeOf(adaptor.getOperand());
  int64_t spatialRank = static_cast<int64_t>(operand.size()) - 2;
  if (failed(verifyWindows(location, spatialRank, adaptor.getStrides(),
                           adaptor.getDilations(), adaptor.getPads())))
    return failure();
  if (static_cast<int64_t>(adaptor.getKernel().size()) != spatialRank)
    return emitOptionalError(location, "the kernel must have ", spatialRank,
                             " sizes");
  SmallVector<int64_t> shape(operand);
  int64_t spatial = adaptor.getChannelsLast() ? 1 : 2;
  for (int64_t i = 0; i < spatialRank; ++i) {
    int64_t &size = shape[spatial + i];
    if (adaptor.getKernel()[i] < 1)
      return emitOptionalError(location, "a kernel of size ",
                               adaptor.getKernel()[i]);
    if (ShapedType::isDynamic(size))
      continue;
    auto count =
        countWindows(windowOf(adaptor, elementType.getContext(), i), size);
    if (!count)
      return emitOptionalError(
          location, "a kernel of size ", adaptor.getKernel()[i],
          " does not fit a padded dimension of size ", size);
    size = *count;
  }
  types.push_back(RankedTensorType::get(shape, elementType));
  return success();
}

template <typename OpTy>
static LogicalResult reifyPool(OpTy op, OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      getDimensions(builder, op.getLoc(), op.getOperand());
  for (int64_t i = 0, rank = op.getSpatialRank(); i < rank; ++i) {
    OpFoldResult &size = sizes[op.getSpatialDimension() + i];
    size = countWindows(builder, op.getLoc(), windowOf(op, op.getContext(), i),
                        size);
  }
  shapes.push_back(std::move(sizes));
  return success();
}

/// Batch and channels are the operand's.
template <typename OpTy>
static std::optional<OperandDimension> getPoolSizeSource(OpTy op,
                                                         int64_t dimension) {
  if (dimension != 0 && dimension != op.getChannelDimension())
    return std::nullopt;
  return OperandDimension{&op.getOperandMutable(), dimension};
}

#define SLUICE_POOL_INFERENCE(OP, ELEMENT_TYPE)                                \
  LogicalResult OP::inferReturnTypes(                                          \
      MLIRContext *context, std::optional<Location> location,                  \
      ValueRange operands, DictionaryAttr attributes,                          \
      OpaqueProperties properties, RegionRange regions,                        \
      SmallVectorImpl<Type> &types) {                                          \
    return inferPool<OP>(location,                                             \
                         Adaptor(operands, attributes, properties, regions),   \
                         ELEMENT_TYPE, types);                                 \
  }                                                                            \
  LogicalResult OP::reifyResultShapes(OpBuilder &builder,                      \
                                      ReifiedRankedShapedTypeDims &shapes) {   \
    return reifyPool(*this, builder, shapes);                                  \
  }                                                                            \
  std::optional<OperandDimension> OP::getSizeSource(unsigned,                  \
                                                    int64_t dimension) {       \
    return getPoolSizeSource(*this, dimension);                                \
  }
SLUICE_POOL_INFERENCE(MaxPoolOp, elementTypeOf(operands[0]))
SLUICE_POOL_INFERENCE(MaxPoolIndicesOp, IntegerType::get(context, 64))
SLUICE_POOL_INFERENCE(AveragePoolOp, elementTypeOf(operands[0]))
SLUICE_POOL_INFERENCE(LpPoolOp, elementTypeOf(operands[0]))
#undef SLUICE_POOL_INFERENCE

//===----------------------------------------------------------------------===//
// What kernels rely on
//===----------------------------------------------------------------------===//

template <typename OpTy>
static void requireWindows(OpTy pool, SizeConditions &conditions) {
  for (int64_t i = 0, rank = pool.getSpatialRank(); i < rank; ++i)
    conditions.requireWindow(
        conditions.sizeOf(pool.getOperand(), pool.getSpatialDimension() + i),
        {conditions.number(pool.getKernel()[i]), pool.getStrides()[i],
         pool.getDilations()[i], pool.getPads()[i], pool.getPads()[rank + i],
         pool.getCeilMode()});
}

void MaxPoolOp::requireSizes(SizeConditions &conditions) {
  requireWindows(*this, conditions);
}

void MaxPoolIndicesOp::requireSizes(SizeConditions &conditions) {
  requireWindows(*this, conditions);
}

void AveragePoolOp::requireSizes(SizeConditions &conditions) {
  requireWindows(*this, conditions);
}

void LpPoolOp::requireSizes(SizeConditions &conditions) {
  requireWindows(*this, conditions);
}
