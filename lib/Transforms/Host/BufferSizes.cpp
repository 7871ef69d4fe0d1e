//===- BufferSizes.cpp - The bytes of the host's buffers ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "BufferSizes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sluice;

namespace {

constexpr int64_t alignment = 64;

int64_t saturatingMultiply(int64_t a, int64_t b, int64_t most) {
  int64_t product;
  return llvm::MulOverflow(a, b, product) ? most : std::min(product, most);
}

} // namespace

BufferSizes::BufferSizes(func::FuncOp function) {
  // Operands come before what is made of them.
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto input = dyn_cast<kernel::InputSizeOp>(op);
    if (input)
      inputs.push_back(input);
    if (!input && !(isa<arith::ArithDialect>(op->getDialect()) &&
                    op->getNumRegions() == 0 &&
                    llvm::all_of(op->getOperands(), [&](Value operand) {
                      return place.contains(operand);
                    })))
      return;
    for (Value result : op->getResults())
      place[result] = following.size();
    following.push_back(op);
  });
}

bool BufferSizes::follows(kernel::AllocateOp op) const {
  return llvm::all_of(op.getSizes(),
                      [&](Value size) { return place.contains(size); });
}

std::optional<unsigned> BufferSizes::number(kernel::AllocateOp op) {
  auto type = cast<MemRefType>(op.getType());
  Size size{(type.getElementTypeBitWidth() + 7) / 8, op.getSizes(),
            op.getLoc()};
  for (int64_t extent : type.getShape())
    if (!ShapedType::isDynamic(extent))
      size.fixed = saturatingMultiply(size.fixed, extent, INT64_MAX);
  if (size.fixed > largestBuffer)
    return std::nullopt;
  auto placeOf = [&](Value value) { return place.lookup(value); };
  llvm::sort(size.factors,
             [&](Value a, Value b) { return placeOf(a) < placeOf(b); });
  Key key;
  key.first = size.fixed;
  llvm::append_range(key.second, llvm::map_range(size.factors, placeOf));
  auto [it, isNew] = numbers.try_emplace(std::move(key), sizes.size());
  if (isNew) {
    hasDynamic |= !size.factors.empty();
    sizes.push_back(std::move(size));
  }
  return it->second;
}

std::vector<int64_t>
BufferSizes::sample(llvm::function_ref<int64_t(kernel::InputSizeOp)> sizeOf,
                    int64_t most) const {
  DenseMap<Value, Attribute> known;
  for (Operation *op : following) {
    Type index = IndexType::get(op->getContext());
    if (auto input = dyn_cast<kernel::InputSizeOp>(op)) {
      known[input] = IntegerAttr::get(index, sizeOf(input));
      continue;
    }
    SmallVector<Attribute> operands = llvm::map_to_vector(
        op->getOperands(), [&](Value value) { return known.lookup(value); });
    // Folding may change the op itself.
    Operation *copy = op->clone();
    SmallVector<OpFoldResult> folded;
    if (succeeded(copy->fold(operands, folded)))
      for (auto [result, value] : llvm::zip(op->getResults(), folded)) {
        auto attribute = dyn_cast<Attribute>(value);
        known[result] =
            attribute ? attribute : known.lookup(cast<Value>(value));
      }
    copy->destroy();
  }
  std::vector<int64_t> bytes;
  for (const Size &size : sizes) {
    int64_t product = size.fixed;
    for (Value factor : size.factors) {
      auto number = dyn_cast_if_present<IntegerAttr>(known.lookup(factor));
      int64_t extent = number ? number.getValue().getSExtValue() : 1;
      product = saturatingMultiply(product, std::max<int64_t>(extent, 0), most);
    }
    product = std::clamp<int64_t>(product, 1, most);
    bytes.push_back(llvm::alignTo(product, alignment));
  }
  return bytes;
}

Value ByteCounts::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value ByteCounts::toWide(Value index) {
  return arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
}

void ByteCounts::demand(arith::CmpIPredicate predicate, Value lhs,
                        int64_t rhs) {
  if (!options.isChecked)
    return;
  Value limit = arith::ConstantIntOp::create(builder, loc, rhs, 64);
  Value holds = arith::CmpIOp::create(builder, loc, predicate, lhs, limit);
  countable =
      countable ? arith::AndIOp::create(builder, loc, countable, holds) : holds;
}

Value ByteCounts::cloneSize(Value size) {
  SmallVector<Value> wanted{size};
  while (!wanted.empty()) {
    Operation *op = wanted.back().getDefiningOp();
    if (mapping.contains(wanted.back())) {
      wanted.pop_back();
      continue;
    }
    size_t before = wanted.size();
    for (Value operand : op->getOperands())
      if (operand.getDefiningOp() && !mapping.contains(operand))
        wanted.push_back(operand);
    if (wanted.size() > before)
      continue;
    builder.clone(*op, mapping);
    wanted.pop_back();
  }
  return mapping.lookup(size);
}

Value ByteCounts::multiply(Value bytes, Value size, bool isInput) {
  // The run fails where a size is negative, but it makes the plan first.
  if (!isInput)
    size = arith::MaxSIOp::create(builder, loc, size, constant(0));
  if (!options.isChecked)
    return arith::MulIOp::create(builder, loc, bytes, toWide(size));
  auto product =
      arith::MulSIExtendedOp::create(builder, loc, bytes, toWide(size));
  demand(arith::CmpIPredicate::eq, product.getHigh(), 0);
  demand(arith::CmpIPredicate::sge, product.getLow(), 0);
  return product.getLow();
}

Value ByteCounts::toLines(Value bytes) {
  // Sums of sizes stay far from overflowing as well.
  demand(arith::CmpIPredicate::sle, bytes, options.most);
  bytes =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), bytes);
  Value padded =
      arith::AddIOp::create(builder, loc, bytes, constant(alignment - 1));
  Value lines =
      arith::DivUIOp::create(builder, loc, padded, constant(alignment));
  return arith::MulIOp::create(builder, loc, lines, constant(alignment));
}

KnownOrValue ByteCounts::bytes(const BufferSizes::Size &size) {
  loc = size.loc;
  if (size.factors.empty())
    return builder.getIndexAttr(
        std::max<int64_t>(llvm::alignTo(size.fixed, alignment), alignment));
  if (options.callsFunctions)
    return call(size);
  // Products are made of integers: an index has no width to overflow.
  Value bytes = toWide(constant(size.fixed));
  for (Value factor : size.factors)
    bytes = multiply(bytes, cloneSize(factor),
                     factor.getDefiningOp<kernel::InputSizeOp>() != nullptr);
  return toLines(bytes);
}

Value ByteCounts::call(const BufferSizes::Size &size) {
  SmallVector<Value> operands;
  for (Value factor : size.factors)
    operands.push_back(cloneSize(factor));
  operands.insert(operands.begin(), constant(size.fixed));
  Value bytes = func::CallOp::create(builder, loc,
                                     getFunction(size.factors.size()), operands)
                    .getResult(0);
  if (options.isChecked)
    returned =
        returned ? arith::OrIOp::create(builder, loc, returned, bytes) : bytes;
  return bytes;
}

func::FuncOp ByteCounts::getFunction(size_t numFactors) {
  func::FuncOp &function = functions[numFactors];
  if (function)
    return function;
  auto module =
      builder.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  std::string name = "sluice.bytes_" + std::to_string(numFactors);
  function = module.lookupSymbol<func::FuncOp>(name);
  if (function)
    return function;
  auto own = OpBuilder::atBlockEnd(module.getBody());
  Type index = builder.getIndexType();
  function = func::FuncOp::create(
      own, loc, name,
      own.getFunctionType(SmallVector<Type>(numFactors + 1, index), index));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  own.setInsertionPointToStart(entry);
  Options checked{options.most, /*isChecked=*/true};
  ByteCounts counts(own, entry->getArgument(0), entry->getArgument(0), checked);
  Value bytes = counts.toWide(entry->getArgument(0));
  for (BlockArgument factor : entry->getArguments().drop_front())
    bytes = counts.multiply(bytes, factor, /*isInput=*/false);
  bytes = counts.toLines(bytes);
  bytes = arith::SelectOp::create(own, loc, counts.makeCountable(), bytes,
                                  counts.constant(-1));
  func::ReturnOp::create(own, loc, bytes);
  return function;
}

Value ByteCounts::makeCountable() {
  if (returned)
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                 returned, constant(0));
  return countable;
}
