//===- MapKernels.cpp - Kernels of elementwise ops only -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A group of elementwise ops is one linalg.generic on buffers, which
// `sluice-vectorize-loops` turns into loops over vectors. Dimensions of size
// one are dropped first, so that every operand walks a subset of the loops.
// Where ops between them move parts of rows, these fall into segments
// (RowSegments.h): all of one length are results of one linalg.generic.
//
//===----------------------------------------------------------------------===//

#include "RowSegments.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace sluice;

namespace {

class MapKernel {
public:
  explicit MapKernel(KernelBuilder &kernel)
      : kernel(kernel), yielded(kernel.region.getTerminator()->getOperand(0)),
        shape(shapeOf(yielded)) {}

  LogicalResult emit();

private:
  /// A dynamic size of an input that must equal the result's for the loops to
  /// be right; where it is 1 instead, the input broadcasts.
  struct Assumption {
    Value input;
    int64_t inputDimension, dimension;

    bool operator==(const Assumption &other) const {
      return input == other.input && inputDimension == other.inputDimension &&
             dimension == other.dimension;
    }
  };
  /// False if an input does not fit the loops whatever its sizes are.
  bool collectAssumptions();
  bool mayBeLarger(const Assumption &one);
  /// A tensor's buffer without dimensions of size one.
  Value dropUnitDimensions(Value tensor);
  Value makeBuffer(const RowPart &part, int64_t size);
  void emitGenerics();
  void emitGeneric(ArrayRef<RowSegment> segments);

  KernelBuilder &kernel;
  Value yielded;
  ArrayRef<int64_t> shape;
  SmallVector<RowSegment> segments;
  /// What is read of inputs, for all segments.
  SmallVector<RowPart> reads;
  SmallVector<Assumption> assumptions;
  /// Those of tensors, without dimensions of size one.
  DenseMap<Value, Value> buffers;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Can another input be larger than one in this dimension of the result?
bool MapKernel::mayBeLarger(const Assumption &one) {
  return llvm::any_of(reads, [&](const RowPart &read) {
    auto found = llvm::find(read.dimensions, one.dimension);
    int64_t place = found - read.dimensions.begin();
    return found != read.dimensions.end() && shapeOf(read.value)[place] != 1 &&
           !(read.value == one.input && place == one.inputDimension);
  });
}

bool MapKernel::collectAssumptions() {
  for (const RowPart &read : reads) {
    for (auto [i, size] : llvm::enumerate(shapeOf(read.value))) {
      if (size == 1)
        continue;
      Assumption one{read.value, static_cast<int64_t>(i), read.dimensions[i]};
      if (shape[one.dimension] == 1)
        return false;
      if (ShapedType::isDynamic(size) && mayBeLarger(one) &&
          !llvm::is_contained(assumptions, one))
        assumptions.push_back(one);
    }
  }
  return true;
}

Value MapKernel::dropUnitDimensions(Value tensor) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  ArrayRef<int64_t> sizes = shapeOf(tensor);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    pending.push_back(i);
    if (size != 1) {
      groups.push_back(pending);
      pending.clear();
    }
  }
  Value buffer = kernel.buffer(tensor);
  if (groups.size() == sizes.size())
    return buffer;
  // Unit dimensions at the end join the last group.
  if (!groups.empty())
    groups.back().append(pending);
  return memref::CollapseShapeOp::create(kernel.builder, kernel.loc, buffer,
                                         groups);
}

/// The part's elements, `size` of each row.
Value MapKernel::makeBuffer(const RowPart &part, int64_t size) {
  ArrayRef<int64_t> sizes = shapeOf(part.value);
  Value &buffer = buffers[part.value];
  if (!buffer)
    buffer = dropUnitDimensions(part.value);
  if (sizes.empty() || sizes.back() == 1 ||
      (part.places == RowPlaces() &&
       (ShapedType::isDynamic(size) || sizes.back() == size)))
    return buffer;
  OpBuilder &builder = kernel.builder;
  int64_t rank = cast<MemRefType>(buffer.getType()).getRank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)),
      strides(rank, builder.getIndexAttr(1)),
      extents = memref::getMixedSizes(builder, kernel.loc, buffer);
  offsets.back() = builder.getIndexAttr(part.places.start);
  strides.back() = builder.getIndexAttr(part.places.step);
  extents.back() = builder.getIndexAttr(size);
  return memref::SubViewOp::create(builder, kernel.loc, buffer, offsets,
                                   extents, strides);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// Emits segments of one size.
void MapKernel::emitGeneric(ArrayRef<RowSegment> segments) {
  OpBuilder &builder = kernel.builder;
  int64_t rank = shape.size(), size = segments.front().size;
  // Loop number of each dimension of the result that is not one.
  SmallVector<int64_t> loopOf(rank, -1);
  int64_t loops = 0;
  for (int64_t i = 0; i < rank; ++i)
    if (shape[i] != 1)
      loopOf[i] = loops++;
  SmallVector<RowPart> found, parts;
  for (const RowSegment &segment : segments)
    for (const RowPart &part : findParts(yielded, segment))
      if (!llvm::is_contained(found, part))
        found.push_back(part);
  // Inputs, and then ops, in their order.
  auto take = [&](Value value) {
    llvm::copy_if(found, std::back_inserter(parts),
                  [&](const RowPart &part) { return part.value == value; });
  };
  llvm::for_each(kernel.region.getArguments(), take);
  for (Operation &op : kernel.region.without_terminator())
    take(op.getResult(0));
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> maps;
  for (const RowPart &part : parts) {
    if (!isa<BlockArgument>(part.value))
      continue;
    SmallVector<AffineExpr> places;
    for (auto [dimension, extent] :
         llvm::zip(part.dimensions, shapeOf(part.value)))
      if (extent != 1)
        places.push_back(builder.getAffineDimExpr(loopOf[dimension]));
    inputs.push_back(makeBuffer(part, size));
    maps.push_back(AffineMap::get(loops, 0, places, builder.getContext()));
  }
  for (const RowSegment &segment : segments) {
    outputs.push_back(makeBuffer(getPart(yielded, segment), size));
    maps.push_back(builder.getMultiDimIdentityMap(loops));
  }
  // The same for all elements.
  DenseMap<Value, Value> numbers;
  for (const RowPart &part : parts)
    if (part.value.getDefiningOp<ConstantOp>())
      numbers[part.value] = kernel.load(part.value, {});
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  linalg::GenericOp::create(
      builder, kernel.loc, inputs, outputs, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPoint(inner.getInsertionBlock(),
                                  inner.getInsertionPoint());
        SmallVector<Value> computed;
        auto lookup = [&](const RowPart &part) {
          return computed[llvm::find(parts, part) - parts.begin()];
        };
        for (const RowPart &part : parts) {
          Operation *op = part.value.getDefiningOp();
          if (!op) {
            computed.push_back(kernel.toCompute(arguments[computed.size()],
                                                elementTypeOf(part.value)));
          } else if (isa<ConstantOp>(op)) {
            computed.push_back(numbers.lookup(part.value));
          } else if (RowPart moved = getMovedPart(part); moved.value) {
            computed.push_back(lookup(moved));
          } else {
            SmallVector<Value> operands;
            for (unsigned i = 0; i < op->getNumOperands(); ++i)
              operands.push_back(lookup(getOperandPart(part, i)));
            computed.push_back(cast<ElementwiseOpInterface>(op).buildBody(
                builder, loc, operands));
          }
        }
        SmallVector<Value> stored;
        for (const RowSegment &segment : segments)
          stored.push_back(kernel.toStorage(lookup(getPart(yielded, segment)),
                                            elementTypeOf(yielded)));
        linalg::YieldOp::create(builder, loc, stored);
      });
}

void MapKernel::emitGenerics() {
  buffers.clear();
  llvm::MapVector<std::pair<int64_t, int64_t>, SmallVector<RowSegment>> alike;
  for (const RowSegment &segment : segments)
    alike[{segment.size, segment.places.step}].push_back(segment);
  for (const auto &[form, some] : alike)
    emitGeneric(some);
}

LogicalResult MapKernel::emit() {
  if (shape.empty() || llvm::all_of(shape, [](int64_t s) { return s == 1; }))
    return emitElementKernel(kernel);
  segments = findSegments(yielded);
  for (const RowSegment &segment : segments)
    llvm::copy_if(
        findParts(yielded, segment), std::back_inserter(reads),
        [](const RowPart &part) { return isa<BlockArgument>(part.value); });
  if (!collectAssumptions())
    return emitElementKernel(kernel);
  if (assumptions.empty()) {
    emitGenerics();
    return success();
  }
  OpBuilder &builder = kernel.builder;
  Value holds;
  for (const Assumption &assumption : assumptions) {
    Value same = arith::CmpIOp::create(
        builder, kernel.loc, arith::CmpIPredicate::eq,
        kernel.size(assumption.input, assumption.inputDimension),
        kernel.size(yielded, assumption.dimension));
    holds =
        holds ? arith::AndIOp::create(builder, kernel.loc, holds, same) : same;
  }
  auto branch = scf::IfOp::create(builder, kernel.loc, holds,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  emitGenerics();
  builder.setInsertionPointToStart(branch.elseBlock());
  return emitElementKernel(kernel);
}

LogicalResult sluice::emitMapKernel(KernelBuilder &kernel) {
  return MapKernel(kernel).emit();
}

LogicalResult sluice::emitElementKernel(KernelBuilder &kernel) {
  // A place, what is read there, arithmetic and a store.
  Cost each = kernel.cost({10, 0});
  for (Value yielded : kernel.region.getTerminator()->getOperands())
    kernel.forEachParallel(
        kernel.sizes(yielded), each, [&](ValueRange indices) {
          kernel.store(kernel.load(yielded, indices), yielded, indices);
        });
  return success();
}
