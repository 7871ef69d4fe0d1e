//===- ScratchBuffers.cpp - Memory of kernels' own ------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ScratchBuffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Conversion/HostToBuffers/HostToBuffers.h"
#include "sluice/Support/Remarks.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

namespace {

/// Pieces begin at whole cache lines.
constexpr int64_t alignment = 64;

MemRefType bytesType(OpBuilder &builder) {
  return MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
}

/// Collects, in their order, the ops that make a number of the sizes of a
/// kernel's buffers and of its parameters. False if it is made of anything
/// else.
class SizeSlice {
public:
  explicit SizeSlice(SmallVector<Operation *> &ops) : ops(ops) {
    known.insert(ops.begin(), ops.end());
  }

  bool add(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return isa<kernel::FuncOp>(value.getParentBlock()->getParentOp()) &&
             !isa<BaseMemRefType>(value.getType());
    if (known.contains(op))
      return true;
    if (!isMadeOfSizes(op))
      return false;
    known.insert(op);
    ops.push_back(op);
    return true;
  }

private:
  bool isMadeOfSizes(Operation *op) {
    if (isa<memref::DimOp>(op))
      return isa<BlockArgument>(op->getOperand(0)) &&
             getConstantIntValue(op->getOperand(1)) && add(op->getOperand(1));
    auto isBuffer = [](Type type) { return isa<BaseMemRefType>(type); };
    return op->getNumRegions() == 0 && isPure(op) &&
           llvm::none_of(op->getOperandTypes(), isBuffer) &&
           llvm::all_of(op->getOperands(),
                        [&](Value operand) { return add(operand); });
  }

  SmallVector<Operation *> &ops;
  DenseSet<Operation *> known;
};

/// The numbers whose product a size is; what multiplies them may overflow.
void collectFactors(Value size, SmallVectorImpl<Value> &factors) {
  if (auto product = size.getDefiningOp<arith::MulIOp>()) {
    collectFactors(product.getLhs(), factors);
    collectFactors(product.getRhs(), factors);
  } else {
    factors.push_back(size);
  }
}

Value roundUp(OpBuilder &builder, Location loc, Value bytes) {
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value padded =
      builder.createOrFold<arith::AddIOp>(loc, bytes, number(alignment - 1));
  Value lines =
      builder.createOrFold<arith::DivUIOp>(loc, padded, number(alignment));
  return builder.createOrFold<arith::MulIOp>(loc, lines, number(alignment));
}

} // namespace

const ScratchBuffers::Declared &ScratchBuffers::find(kernel::FuncOp kernel,
                                                     unsigned position) {
  auto [place, isNew] = declared.insert({kernel, Declared()});
  Declared &found = place->second;
  if (!isNew)
    return found;
  found.position = position;
  if (auto bytes = kernel->getAttrOfType<IntegerAttr>(scratchAttributeName))
    found.fixed = bytes.getInt();
  kernel.walk([&](kernel::AllocateOp op) {
    SmallVector<Operation *> sizes = found.sizes;
    bool follows = op.getType() == bytesType(translator.builder) &&
                   !op->getParentOfType<LoopLikeOpInterface>() &&
                   SizeSlice(sizes).add(op.getSizes().front());
    if (follows) {
      found.pieces.push_back(op);
      found.sizes = std::move(sizes);
      return;
    }
    remarks::missed(kernel, remarks::memory)
        << "every run allocates memory for a kernel of the kind '"
        << kernel.getAnchor().str()
        << "': its size does not follow from those of its buffers";
  });
  return found;
}

Value ScratchBuffers::allocate(kernel::CallOp call, kernel::FuncOp kernel,
                               ValueRange inputs, ValueRange outputs,
                               ValueRange parameters) {
  OpBuilder &builder = translator.builder;
  Location loc = call.getLoc();
  // The frame is a kernel's first argument, and parameters are its last.
  const Declared &own = find(kernel, 1 + inputs.size() + outputs.size());
  MemRefType type = bytesType(builder);
  if (own.pieces.empty()) {
    if (!own.fixed)
      return {};
    auto fixed = MemRefType::get({*own.fixed}, builder.getI8Type());
    Value buffer = kernel::AllocateOp::create(builder, loc, fixed,
                                              translator.frame, ValueRange());
    return translator.castTo(buffer, type, loc);
  }
  IRMapping values;
  ValueRange arguments = kernel.getArguments();
  values.map(arguments.slice(1, inputs.size()), inputs);
  values.map(arguments.slice(1 + inputs.size(), outputs.size()), outputs);
  values.map(arguments.take_back(parameters.size()), parameters);
  for (Operation *op : own.sizes)
    builder.clone(*op, values);
  if (own.pieces.size() == 1 && !own.fixed) {
    kernel::AllocateOp piece = own.pieces.front();
    return allocate(piece.getSizes().front(), values, loc);
  }
  // Each is a few times a number of elements that are in memory, so that their
  // sum can be counted.
  Value total =
      arith::ConstantIndexOp::create(builder, loc, own.fixed.value_or(0));
  total = roundUp(builder, loc, total);
  for (kernel::AllocateOp piece : own.pieces) {
    Value bytes = values.lookup(piece.getSizes().front());
    total = builder.createOrFold<arith::AddIOp>(loc, total,
                                                roundUp(builder, loc, bytes));
  }
  if (auto known = getConstantIntValue(total)) {
    auto fixed = MemRefType::get({*known}, builder.getI8Type());
    Value buffer = kernel::AllocateOp::create(builder, loc, fixed,
                                              translator.frame, ValueRange());
    return translator.castTo(buffer, type, loc);
  }
  return kernel::AllocateOp::create(builder, loc, type, translator.frame,
                                    total);
}

Value ScratchBuffers::allocate(Value bytes, const IRMapping &values,
                               Location loc) {
  OpBuilder &builder = translator.builder;
  SmallVector<Value> factors, sizes;
  collectFactors(bytes, factors);
  // Known factors are one number as long as that can be counted.
  int64_t known = 1;
  SmallVector<int64_t> shape;
  for (Value factor : factors) {
    std::optional<int64_t> number = getConstantIntValue(factor);
    int64_t product;
    if (number && *number >= 0 && !llvm::MulOverflow(known, *number, product)) {
      known = product;
      continue;
    }
    shape.push_back(ShapedType::kDynamic);
    sizes.push_back(values.lookup(factor));
  }
  if (sizes.empty() || known != 1)
    shape.push_back(std::max<int64_t>(known, 1));
  Value buffer = kernel::AllocateOp::create(
      builder, loc, MemRefType::get(shape, builder.getI8Type()),
      translator.frame, sizes);
  if (shape.size() == 1)
    return translator.castTo(buffer, bytesType(builder), loc);
  return kernel::ViewOp::create(builder, loc, bytesType(builder), buffer,
                                values.lookup(bytes));
}

void ScratchBuffers::finish() {
  for (auto &[operation, own] : declared) {
    if (own.pieces.empty())
      continue;
    auto kernel = cast<kernel::FuncOp>(operation);
    Location loc = kernel.getLoc();
    Block &entry = kernel.getBody().front();
    OpBuilder builder(kernel.getContext());
    MemRefType type = bytesType(builder);
    if (!own.fixed)
      (void)kernel.insertArgument(own.position, type, {}, loc);
    kernel->removeAttr(scratchAttributeName);
    Value memory = kernel.getArgument(own.position);
    if (own.pieces.size() == 1 && !own.fixed) {
      own.pieces.front().replaceAllUsesWith(memory);
      own.pieces.front().erase();
      continue;
    }
    builder.setInsertionPointToStart(&entry);
    for (Operation *op : own.sizes) {
      op->moveBefore(&entry, builder.getInsertionPoint());
      builder.setInsertionPointAfter(op);
    }
    Value offset =
        arith::ConstantIndexOp::create(builder, loc, own.fixed.value_or(0));
    offset = roundUp(builder, loc, offset);
    for (kernel::AllocateOp piece : own.pieces) {
      Value bytes = piece.getSizes().front();
      Value part =
          memref::ViewOp::create(builder, loc, type, memory, offset, bytes);
      offset = arith::AddIOp::create(builder, loc, offset,
                                     roundUp(builder, loc, bytes));
      piece.replaceAllUsesWith(part);
      piece.erase();
    }
  }
}
