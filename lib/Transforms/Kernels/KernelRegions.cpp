//===- KernelRegions.cpp - Kernels that become other kernels --------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KernelRegions.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "sluice/Support/ConstantBytes.h"

using namespace mlir;

namespace sluice {

SmallVector<int64_t> findReusable(ValueRange inputs, Type result) {
  SmallVector<int64_t> reusable;
  for (auto [i, input] : llvm::enumerate(inputs))
    if (input.getType() == result)
      reusable.push_back(i);
  return reusable;
}

OpSet findDownstream(kernel::RegionOp region, Operation *anchor) {
  OpSet found;
  found.insert(anchor);
  for (Operation &op : region.getBody().front().without_terminator())
    if (llvm::any_of(op.getOperands(), [&](Value operand) {
          return found.contains(operand.getDefiningOp());
        }))
      found.insert(&op);
  return found;
}

//===----------------------------------------------------------------------===//
// Parts of a kernel
//===----------------------------------------------------------------------===//

namespace {
/// Makes kernels of some ops of another one, in front of it.
class RegionSplitter {
public:
  explicit RegionSplitter(kernel::RegionOp source)
      : source(source), builder(source) {
    for (auto [argument, input] :
         llvm::zip(source.getBody().getArguments(), source.getInputs()))
      outside.map(argument, input);
  }

  /// A kernel that computes `yielded`, of ops in order; where nothing of it is
  /// the anchor, an elementwise one.
  kernel::RegionOp make(ArrayRef<Operation *> ops, ArrayRef<Value> yielded,
                        Operation *anchor);
  /// What a value of the source is in the graph.
  Value lookup(Value value) { return outside.lookup(value); }

private:
  /// Values that these ops read and do not make, without constants.
  SmallVector<Value> findInputs(ArrayRef<Operation *> ops);

  kernel::RegionOp source;
  OpBuilder builder;
  IRMapping outside;
};
} // namespace

SmallVector<Value> RegionSplitter::findInputs(ArrayRef<Operation *> ops) {
  llvm::SetVector<Value> inputs;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (!llvm::is_contained(ops, operand.getDefiningOp()) &&
          !operand.getDefiningOp<ConstantOp>())
        inputs.insert(operand);
  return inputs.takeVector();
}

kernel::RegionOp RegionSplitter::make(ArrayRef<Operation *> ops,
                                      ArrayRef<Value> yielded,
                                      Operation *anchor) {
  SmallVector<Value> inner = findInputs(ops), inputs;
  for (Value value : inner)
    inputs.push_back(outside.lookup(value));
  SmallVector<Location> locations;
  for (Operation *op : ops)
    locations.push_back(op->getLoc());
  SmallVector<int64_t> reusable;
  if (!anchor)
    reusable = findReusable(inputs, yielded.front().getType());
  auto region = kernel::RegionOp::create(
      builder, FusedLoc::get(builder.getContext(), locations),
      TypeRange(ValueRange(yielded)), inputs, source.getSizes(),
      anchor ? anchor->getName().stripDialect() : StringRef(mapAnchor),
      reusable, kernel::builtinProvider, kernel::KernelConfigAttrInterface(),
      ArrayAttr());
  if (anchor)
    kernel::copyKernelAttributes(source, region);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&region.getBody());
  IRMapping mapping;
  for (Value value : inner)
    mapping.map(value, body->addArgument(value.getType(), value.getLoc()));
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp<ConstantOp>() && !mapping.contains(operand))
        builder.clone(*operand.getDefiningOp(), mapping);
  for (Operation *op : ops)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (auto [i, value] : llvm::enumerate(yielded)) {
    results.push_back(mapping.lookup(value));
    outside.map(value, region.getResult(i));
  }
  kernel::YieldOp::create(builder, source.getLoc(), results);
  return region;
}

/// The ops of a kernel that a value follows from, in order, of those in `from`.
static SmallVector<Operation *> findUpstream(kernel::RegionOp region,
                                             Value value, const OpSet &from) {
  OpSet found;
  found.insert(value.getDefiningOp());
  SmallVector<Operation *> ops;
  for (Operation &op :
       llvm::reverse(region.getBody().front().without_terminator())) {
    if (!found.contains(&op) || !from.contains(&op))
      continue;
    ops.push_back(&op);
    for (Value operand : op.getOperands())
      if (Operation *producer = operand.getDefiningOp())
        found.insert(producer);
  }
  return SmallVector<Operation *>(llvm::reverse(ops));
}

kernel::RegionOp splitRegion(kernel::RegionOp region, const OpSet &kept) {
  RegionSplitter splitter(region);
  Block &body = region.getBody().front();
  Operation *anchor = region.findAnchor();
  OpSet others;
  SmallVector<Operation *> keptOps;
  llvm::SetVector<Value> read, yielded;
  for (Operation &op : body.without_terminator()) {
    if (kept.contains(&op))
      keptOps.push_back(&op);
    else if (!isa<ConstantOp>(op))
      others.insert(&op);
  }
  // What the kept ops read is computed in front of them, what follows behind.
  for (Operation *op : keptOps) {
    for (Value operand : op->getOperands())
      if (others.contains(operand.getDefiningOp()))
        read.insert(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !kept.contains(user); }))
        yielded.insert(result);
  }
  for (Value value : read)
    splitter.make(findUpstream(region, value, others), value, nullptr);
  kernel::RegionOp made = splitter.make(keptOps, yielded.getArrayRef(), anchor);
  for (auto [result, value] :
       llvm::zip(region.getResults(), body.getTerminator()->getOperands())) {
    if (!kept.contains(value.getDefiningOp()))
      splitter.make(findUpstream(region, value, others), value, nullptr);
    result.replaceAllUsesWith(splitter.lookup(value));
  }
  region.erase();
  return made;
}

//===----------------------------------------------------------------------===//
// Operands and results in other forms
//===----------------------------------------------------------------------===//

/// The dynamic sizes of a tensor of the graph, by dimension.
static SmallVector<Value> getSizes(OpBuilder &builder, Value tensor) {
  SmallVector<Value> sizes;
  for (auto [i, size] : llvm::enumerate(shapeOf(tensor)))
    sizes.push_back(
        ShapedType::isDynamic(size)
            ? tensor::DimOp::create(builder, tensor.getLoc(), tensor, i)
                  .getResult()
            : Value());
  return sizes;
}

/// A kernel of one op, which `build` makes of the block's arguments.
static kernel::RegionOp
makeRegion(OpBuilder &builder, Location loc, ValueRange inputs,
           ValueRange sizes, Type result,
           llvm::function_ref<Operation *(OpBuilder &, ValueRange)> build) {
  OpBuilder::InsertionGuard guard(builder);
  auto region = kernel::RegionOp::create(
      builder, loc, result, inputs, sizes, mapAnchor, ArrayRef<int64_t>(),
      kernel::builtinProvider, kernel::KernelConfigAttrInterface(),
      ArrayAttr());
  Block *body = builder.createBlock(&region.getBody());
  for (Value input : inputs)
    body->addArgument(input.getType(), input.getLoc());
  Operation *op = build(builder, body->getArguments());
  region.setAnchor(op->getName().stripDialect());
  kernel::YieldOp::create(builder, loc, op->getResults());
  return region;
}

/// A tensor with its last two dimensions swapped.
static Value transposeMatrices(OpBuilder &builder, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t rank = type.getRank();
  SmallVector<Value> sizes = getSizes(builder, tensor);
  SmallVector<int64_t> shape(type.getShape());
  // A row that stands upright is only called differently.
  bool isView = shape[rank - 2] == 1 || shape[rank - 1] == 1;
  std::swap(sizes[rank - 2], sizes[rank - 1]);
  std::swap(shape[rank - 2], shape[rank - 1]);
  llvm::erase(sizes, Value());
  auto turned = type.clone(shape);
  if (isView)
    return kernel::AliasOp::create(builder, tensor.getLoc(), turned, tensor,
                                   sizes);
  auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(permutation[rank - 2], permutation[rank - 1]);
  return makeRegion(builder, tensor.getLoc(), tensor, sizes, turned,
                    [&](OpBuilder &at, ValueRange arguments) {
                      return TransposeOp::create(at, tensor.getLoc(), turned,
                                                 arguments[0], permutation);
                    })
      .getResult(0);
}

BlockArgument getOwnArgument(kernel::RegionOp region, OpOperand &operand) {
  auto argument = cast<BlockArgument>(operand.get());
  if (argument.hasOneUse())
    return argument;
  Value input = region.getInputs()[argument.getArgNumber()];
  region.getInputsMutable().append(input);
  BlockArgument own =
      region.getBody().addArgument(argument.getType(), argument.getLoc());
  operand.set(own);
  return own;
}

void turnOperand(kernel::RegionOp region, MatmulOp product, unsigned number) {
  OpOperand &operand = product->getOpOperand(number);
  BlockArgument argument = getOwnArgument(region, operand);
  OpOperand &input = region.getInputsMutable()[argument.getArgNumber()];
  OpBuilder builder(region);
  Value turned = transposeMatrices(builder, input.get());
  input.set(turned);
  argument.setType(turned.getType());
  if (number == 0)
    product.setTransposeLhs(!product.getTransposeLhs());
  else
    product.setTransposeRhs(!product.getTransposeRhs());
}

/// [channels, ...] as [pixels * channels, ...], for pixel p moved by p strides.
static ElementsAttr mergeWeights(ConvOp op, ConstantOp constant, int64_t merged,
                                 int64_t taps) {
  auto shape = llvm::to_vector(constant.getType().getShape());
  int64_t channels = shape[0], oldTaps = shape.back();
  int64_t lines = constant.getType().getNumElements() / (channels * oldTaps);
  int64_t stride = op.getStrides().back();
  std::vector<char> scratch;
  auto bytes = getConstantBytes(constant.getValue(), scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return nullptr;
  }
  size_t width = constant.getType().getElementTypeBitWidth() / 8;
  std::vector<char> values(merged * channels * lines * taps * width);
  for (int64_t pixel = 0; pixel < merged; ++pixel)
    for (int64_t row = 0; row < channels * lines; ++row) {
      int64_t start = (pixel * channels * lines + row) * taps;
      std::memcpy(&values[(start + pixel * stride) * width],
                  bytes->data() + row * oldTaps * width, oldTaps * width);
    }
  shape[0] = merged * channels;
  shape.back() = taps;
  return DenseElementsAttr::getFromRawBuffer(constant.getType().clone(shape),
                                             values);
}

/// The first pixels of lines.
static Value takePixels(OpBuilder &builder, Value image, int64_t pixels,
                        ValueRange sizes, RankedTensorType type) {
  int64_t rank = type.getRank();
  SmallVector<int64_t> starts(rank, 0), steps(rank, 1);
  SmallVector<int64_t> ends(rank, std::numeric_limits<int64_t>::max());
  ends[rank - 2] = pixels;
  return makeRegion(builder, image.getLoc(), image, sizes, type,
                    [&](OpBuilder &at, ValueRange arguments) {
                      return SliceOp::create(at, image.getLoc(), type,
                                             arguments[0], ValueRange(),
                                             at.getDenseI64ArrayAttr(starts),
                                             at.getDenseI64ArrayAttr(ends),
                                             at.getDenseI64ArrayAttr(steps));
                    })
      .getResult(0);
}

kernel::RegionOp mergePixels(kernel::RegionOp region, ConvOp op,
                             int64_t merged) {
  auto argumentOf = [&](Value value) {
    return region.getInputs()[cast<BlockArgument>(value).getArgNumber()];
  };
  Value input = argumentOf(op.getInput());
  auto constant = argumentOf(op.getWeight()).getDefiningOp<ConstantOp>();
  ArrayRef<int64_t> result = shapeOf(op);
  int64_t rank = result.size(), pixels = result[rank - 2];
  int64_t channels = result.back(), stride = op.getStrides().back();
  int64_t windows = llvm::divideCeil(pixels, merged);
  int64_t taps = shapeOf(op.getWeight()).back() + (merged - 1) * stride;
  ElementsAttr value = mergeWeights(op, constant, merged, taps);
  if (!value)
    return nullptr;
  // What follows reads the pixels when they are pixels again.
  if (Operation *next = op->getNextNode();
      !next->hasTrait<OpTrait::IsTerminator>()) {
    OpSet kept;
    kept.insert(op);
    region = splitRegion(region, kept);
    op = cast<ConvOp>(region.findAnchor());
  }

  OpBuilder builder(region);
  Value weights = ConstantOp::create(builder, op.getLoc(), value);
  auto strides = llvm::to_vector(op.getStrides());
  strides.back() *= merged;
  // Pixels that do not exist, up to the last window's end, see zeros.
  auto pads = llvm::to_vector(op.getPads());
  pads.back() += (windows * merged - pixels) * stride;
  RankedTensorType narrowType = op.getType();
  auto sizes = llvm::to_vector(narrowType.getShape());
  sizes[rank - 2] = windows;
  sizes[rank - 1] = merged * channels;
  ValueRange dynamic = region.getSizes();
  kernel::RegionOp wide = makeRegion(
      builder, op.getLoc(), {input, weights}, dynamic, narrowType.clone(sizes),
      [&](OpBuilder &at, ValueRange arguments) {
        return ConvOp::create(
            at, op.getLoc(), narrowType.clone(sizes), arguments[0],
            arguments[1], at.getDenseI64ArrayAttr(strides),
            op.getDilationsAttr(), at.getDenseI64ArrayAttr(pads),
            op.getGroupsAttr(), op.getChannelsLastAttr());
      });
  kernel::copyKernelAttributes(region, wide);
  sizes[rank - 2] = windows * merged;
  sizes[rank - 1] = channels;
  Value narrow =
      kernel::AliasOp::create(builder, op.getLoc(), narrowType.clone(sizes),
                              wide.getResult(0), dynamic);
  if (windows * merged != pixels)
    narrow = takePixels(builder, narrow, pixels, dynamic, narrowType);
  region.getResult(0).replaceAllUsesWith(narrow);
  region.erase();
  return wide;
}

} // namespace sluice
