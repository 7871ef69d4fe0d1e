//===- IterationSpace.cpp - Loops and strides of a generic op -------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "IterationSpace.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace sluice::loops {

bool Extent::operator==(const Extent &other) const {
  if (factor != other.factor)
    return false;
  return factor == 0 || symbols == other.symbols;
}

Extent Extent::operator*(const Extent &other) const {
  Extent product{factor * other.factor, symbols};
  llvm::append_range(product.symbols, other.symbols);
  llvm::sort(product.symbols);
  return product;
}

IndexBuilder::Index IterationSpace::materialize(IndexBuilder &builder,
                                                const Extent &extent) const {
  IndexBuilder::Index result = builder.constant(extent.factor);
  if (extent.factor == 0)
    return result;
  for (unsigned symbol : extent.symbols)
    result = builder.mul(symbols[symbol], result);
  return result;
}

namespace {

class Analysis {
public:
  Analysis(OpBuilder &builder, linalg::GenericOp op)
      : builder(builder), op(op) {}

  FailureOr<IterationSpace> run() {
    findLoops();
    space.inputCount = op.getNumDpsInputs();
    for (OpOperand &operand : op->getOpOperands())
      if (failed(addAccess(operand)))
        return failure();
    return std::move(space);
  }

private:
  unsigned newSymbol(Value value) {
    space.symbols.push_back(value);
    return space.symbols.size() - 1;
  }

  Value dimension(Value buffer, int64_t position) {
    return memref::DimOp::create(builder, op.getLoc(), buffer, position);
  }

  void findLoops() {
    llvm::SmallDenseSet<int64_t> indexed;
    op.getRegion().walk(
        [&](linalg::IndexOp index) { indexed.insert(index.getDim()); });
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    for (auto [position, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
      Loop loop;
      loop.isReduction = kind == utils::IteratorType::reduction;
      loop.isIndexed = indexed.contains(position);
      loop.size = ShapedType::isDynamic(sizes[position])
                      ? Extent::symbol(newSymbol(findDynamicSize(position)))
                      : Extent::constant(sizes[position]);
      space.loops.push_back(loop);
      space.loopOfDimension.push_back(position);
    }
  }

  Value findDynamicSize(unsigned loop) {
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [position, expression] : llvm::enumerate(map.getResults()))
        if (expression == builder.getAffineDimExpr(loop))
          return dimension(operand.get(), position);
    }
    // The verifier wants every loop's size to follow from an operand.
    return Value();
  }

  /// The sizes of an operand, in terms of the loops where possible.
  Extent sizeOf(OpOperand &operand, AffineMap map, unsigned position) {
    auto type = cast<MemRefType>(operand.get().getType());
    if (!type.isDynamicDim(position))
      return Extent::constant(type.getDimSize(position));
    if (auto loop = dyn_cast<AffineDimExpr>(map.getResult(position)))
      return space.loops[loop.getPosition()].size;
    return Extent::symbol(newSymbol(dimension(operand.get(), position)));
  }

  LogicalResult addAccess(OpOperand &operand) {
    Access access;
    access.strides.assign(space.loops.size(), Extent());
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type) {
      access.scalar = operand.get();
      access.elementType = operand.get().getType();
      space.accesses.push_back(access);
      return success();
    }
    access.elementType = type.getElementType();
    if (!access.elementType.isIntOrIndexOrFloat())
      return failure();

    SmallVector<Extent> strides;
    OpFoldResult offset;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (failed(findStrides(operand, map, strides, offset)))
      return failure();
    for (auto [expression, stride] : llvm::zip(map.getResults(), strides))
      if (failed(addExpression(access, expression, stride)))
        return failure();
    access.buffer = flatten(operand.get(), type, offset);
    space.accesses.push_back(std::move(access));
    return success();
  }

  LogicalResult findStrides(OpOperand &operand, AffineMap map,
                            SmallVectorImpl<Extent> &strides,
                            OpFoldResult &offset) {
    auto type = cast<MemRefType>(operand.get().getType());
    offset = builder.getIndexAttr(0);
    if (type.getLayout().isIdentity()) {
      strides.assign(type.getRank(), Extent::constant(1));
      for (int64_t position = type.getRank() - 2; position >= 0; --position)
        strides[position] =
            strides[position + 1] * sizeOf(operand, map, position + 1);
      return success();
    }
    SmallVector<int64_t> values;
    int64_t constantOffset;
    if (failed(type.getStridesAndOffset(values, constantOffset)))
      return failure();
    memref::ExtractStridedMetadataOp metadata;
    if (ShapedType::isDynamic(constantOffset) ||
        llvm::any_of(values, ShapedType::isDynamic))
      metadata = memref::ExtractStridedMetadataOp::create(builder, op.getLoc(),
                                                          operand.get());
    for (auto [position, value] : llvm::enumerate(values))
      strides.push_back(
          ShapedType::isDynamic(value)
              ? Extent::symbol(newSymbol(metadata.getStrides()[position]))
              : Extent::constant(value));
    offset = ShapedType::isDynamic(constantOffset)
                 ? OpFoldResult(metadata.getOffset())
                 : OpFoldResult(builder.getIndexAttr(constantOffset));
    return success();
  }

  /// Adds `stride` for every iteration of the loops in a linear expression.
  LogicalResult addExpression(Access &access, AffineExpr expression,
                              const Extent &stride) {
    if (auto loop = dyn_cast<AffineDimExpr>(expression)) {
      Extent &total = access.strides[loop.getPosition()];
      if (total.is(0)) {
        total = stride;
        return success();
      }
      if (total.symbols != stride.symbols)
        return failure();
      total.factor += stride.factor;
      return success();
    }
    if (auto number = dyn_cast<AffineConstantExpr>(expression)) {
      if (number.getValue() != 0)
        access.offsets.push_back(stride * Extent::constant(number.getValue()));
      return success();
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
    if (!binary)
      return failure();
    if (binary.getKind() == AffineExprKind::Add)
      return success(
          succeeded(addExpression(access, binary.getLHS(), stride)) &&
          succeeded(addExpression(access, binary.getRHS(), stride)));
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (binary.getKind() != AffineExprKind::Mul || !factor)
      return failure();
    return addExpression(access, binary.getLHS(),
                         stride * Extent::constant(factor.getValue()));
  }

  /// A one-dimensional view from the operand's first element on.
  Value flatten(Value buffer, MemRefType type, OpFoldResult offset) {
    if (!type.getLayout().isIdentity() || type.getRank() == 0) {
      // The size is not used: every access is in bounds of `buffer`.
      buffer = memref::ReinterpretCastOp::create(
          builder, op.getLoc(),
          MemRefType::get({ShapedType::kDynamic}, type.getElementType(),
                          flatLayout(offset), type.getMemorySpace()),
          buffer, offset, ArrayRef<OpFoldResult>{builder.getIndexAttr(1)},
          ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
    } else {
      buffer = flattenBuffer(builder, op.getLoc(), buffer);
    }
    return type.getElementType().isInteger(1) ? viewAsBytes(buffer) : buffer;
  }

  MemRefLayoutAttrInterface flatLayout(OpFoldResult offset) {
    auto value = getConstantIntValue(offset);
    return StridedLayoutAttr::get(builder.getContext(),
                                  value.value_or(ShapedType::kDynamic), {1});
  }

  /// Booleans take a byte each in memory but a bit each in a vector. Buffers of
  /// both types are the same once they are LLVM values.
  Value viewAsBytes(Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    MLIRContext *context = builder.getContext();
    Type pointer = LLVM::LLVMPointerType::get(context);
    Type size = builder.getI64Type();
    Type sizes = LLVM::LLVMArrayType::get(size, 1);
    Type descriptor = LLVM::LLVMStructType::getLiteral(
        context, {pointer, pointer, size, sizes, sizes});
    Type bytes = MemRefType::get(type.getShape(), builder.getI8Type(),
                                 type.getLayout(), type.getMemorySpace());
    Value opaque = UnrealizedConversionCastOp::create(builder, op.getLoc(),
                                                      descriptor, buffer)
                       .getResult(0);
    return UnrealizedConversionCastOp::create(builder, op.getLoc(), bytes,
                                              opaque)
        .getResult(0);
  }

  OpBuilder &builder;
  linalg::GenericOp op;
  IterationSpace space;
};

/// Removes loop `position`; `replacement` is what its dimension now belongs to.
void removeLoop(IterationSpace &space, unsigned position,
                std::optional<unsigned> replacement) {
  space.loops.erase(space.loops.begin() + position);
  for (Access &access : space.accesses)
    access.strides.erase(access.strides.begin() + position);
  for (std::optional<unsigned> &loop : space.loopOfDimension) {
    if (loop == position)
      loop = replacement;
    else if (loop && *loop > position)
      --*loop;
  }
}

bool canJoin(const IterationSpace &space, unsigned outer) {
  const Loop &first = space.loops[outer], &second = space.loops[outer + 1];
  if (first.isReduction != second.isReduction || first.isIndexed ||
      second.isIndexed)
    return false;
  return llvm::all_of(space.accesses, [&](const Access &access) {
    return access.strides[outer] == access.strides[outer + 1] * second.size;
  });
}

} // namespace

FailureOr<IterationSpace> buildIterationSpace(OpBuilder &builder,
                                              linalg::GenericOp op) {
  return Analysis(builder, op).run();
}

void simplify(IterationSpace &space) {
  for (unsigned position = space.loops.size(); position-- > 0;)
    if (space.loops[position].size.is(1))
      removeLoop(space, position, std::nullopt);
  for (unsigned outer = space.loops.size(); outer-- > 0;) {
    if (outer + 1 >= space.loops.size() || !canJoin(space, outer))
      continue;
    space.loops[outer + 1].size =
        space.loops[outer].size * space.loops[outer + 1].size;
    removeLoop(space, outer, outer);
  }
}

} // namespace sluice::loops
