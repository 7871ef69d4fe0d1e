//===- PackWeights.cpp - Constants in the orders that kernels read --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "NarrowIntegers.h"
#include "dialects/Kernel/PackedForms.h"
#include "dialects/Sluice/Weights.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Transforms/Passes.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "sluice/Transforms/Passes.h.inc"

/// The number in the low bytes at `from`, with its sign.
static int64_t readNarrow(const char *from, unsigned bytes) {
  if (bytes == 1)
    return static_cast<int8_t>(*from);
  int16_t number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

/// A narrow constant that no kernel reads as it is, in all of its bits.
static LogicalResult widen(NarrowConstantOp op) {
  std::vector<char> scratch;
  auto bytes = getConstantBytes(op.getValue(), scratch);
  if (!bytes)
    return op.emitError(llvm::toString(bytes.takeError()));
  unsigned from = op.getValue().getElementType().getIntOrFloatBitWidth() / 8;
  unsigned to = op.getElementType().getIntOrFloatBitWidth() / 8;
  std::vector<char> wide(bytes->size() / from * to);
  for (size_t i = 0; i * from < bytes->size(); ++i) {
    int64_t number = readNarrow(bytes->data() + i * from, from);
    // The low bytes come first.
    std::memcpy(&wide[i * to], &number, to);
  }
  OpBuilder builder(op);
  op.replaceAllUsesWith(
      ConstantOp::create(builder, op.getLoc(),
                         DenseElementsAttr::getFromRawBuffer(
                             cast<ShapedType>(op.getType()), wide))
          .getResult());
  op.erase();
  return success();
}

namespace {

class PackWeightsPass final
    : public impl::PackWeightsPassBase<PackWeightsPass> {
public:
  using PackWeightsPassBase::PackWeightsPassBase;

  void runOnOperation() final {
    WalkResult packed = getOperation().walk(
        [](kernel::RegionOp region) { return WalkResult(pack(region)); });
    if (packed.wasInterrupted())
      return signalPassFailure();
    SmallVector<NarrowConstantOp> narrow;
    getOperation().walk([&](NarrowConstantOp op) { narrow.push_back(op); });
    for (NarrowConstantOp op : narrow)
      if (failed(widen(op)))
        return signalPassFailure();
  }

private:
  static LogicalResult pack(kernel::RegionOp region);
};

} // namespace

/// The packed constant of an input of the region.
static FailureOr<Value> packInput(kernel::RegionOp region, unsigned number,
                                  kernel::PackingAttrInterface packing) {
  Value input = region.getInputs()[number];
  ElementsAttr value = getConstantElements(input);
  if (!value)
    return region.emitError("input ") << number << " is no constant to pack";
  auto count = kernel::countPackedElements(packing, value.getShapedType(),
                                           [&] { return region.emitError(); });
  if (failed(count))
    return failure();
  // The model's order is that of any constant.
  if (isa<kernel::PlainAttr>(packing))
    packing = nullptr;
  OpBuilder builder(region);
  return Value(kernel::PackedConstantOp::create(
      builder, input.getLoc(),
      RankedTensorType::get({*count}, value.getElementType()), value, packing));
}

/// Has an input of the region, a constant, elements of 8 or 16 bits?
static bool isNarrowConstant(kernel::RegionOp region, Value argument) {
  auto block = dyn_cast<BlockArgument>(argument);
  ElementsAttr value =
      block ? getConstantElements(region.getInputs()[block.getArgNumber()])
            : ElementsAttr();
  if (!value)
    return false;
  Type type = value.getElementType();
  return type.isSignlessInteger(8) || type.isSignlessInteger(16);
}

/// A product of integers with narrow weights reads its other operand as narrow
/// as that is: the kernel in front, which makes 32 bits of it for this product
/// alone, no longer does.
static void keepNarrow(kernel::RegionOp region, MatmulOp product) {
  auto argument = dyn_cast<BlockArgument>(product.getLhs());
  if (!argument || !argument.hasOneUse() ||
      !product.getType().getElementType().isInteger(32) ||
      !isNarrowConstant(region, product.getRhs()))
    return;
  unsigned number = argument.getArgNumber();
  Value input = region.getInputs()[number];
  auto producer = input.getDefiningOp<kernel::RegionOp>();
  if (!producer || producer->getNumResults() != 1 || !input.hasOneUse() ||
      producer.findAnchor())
    return;
  Block &body = producer.getBody().front();
  Operation *yield = body.getTerminator();
  OpBuilder builder(yield);
  Value narrow = narrowIntegers(builder, yield->getOperand(0));
  if (!narrow)
    return;
  argument.setType(narrow.getType());
  if (auto source = dyn_cast<BlockArgument>(narrow)) {
    region.getInputsMutable()[number].set(
        producer.getInputs()[source.getArgNumber()]);
    return producer.erase();
  }
  yield->setOperand(0, narrow);
  input.setType(narrow.getType());
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

LogicalResult PackWeightsPass::pack(kernel::RegionOp region) {
  ArrayAttr packing = region.getPackingAttr();
  if (!packing)
    return success();
  Operation *anchor = region.findAnchor();
  auto packable = dyn_cast_if_present<kernel::PackableOpInterface>(anchor);
  if (!packable)
    return region.emitError("its anchor has no form with packed constants");
  if (auto product = dyn_cast<MatmulOp>(anchor))
    keepNarrow(region, product);
  SmallVector<Value> operands(anchor->getOperands());
  SmallVector<kernel::PackingAttrInterface> orders(operands.size());
  SmallVector<std::pair<BlockArgument, Value>> dropped;
  Block &body = region.getBody().front();
  for (auto [number, attribute] : llvm::enumerate(packing)) {
    auto order = dyn_cast<kernel::PackingAttrInterface>(attribute);
    if (!order)
      continue;
    auto constant = packInput(region, number, order);
    if (failed(constant))
      return failure();
    // In front of the argument that it replaces, which the anchor still has.
    unsigned place = number + dropped.size();
    BlockArgument old = body.getArgument(place);
    dropped.push_back({old, region.getInputs()[number]});
    region.getInputsMutable()[number].set(*constant);
    Value fresh =
        body.insertArgument(place, constant->getType(), constant->getLoc());
    for (auto [i, operand] : llvm::enumerate(operands))
      if (operand == old) {
        operand = fresh;
        orders[i] = order;
      }
  }
  OpBuilder builder(anchor);
  Operation *packed = packable.buildPacked(builder, operands, orders);
  anchor->replaceAllUsesWith(packed);
  anchor->erase();
  for (auto [argument, input] : dropped) {
    if (!argument.use_empty())
      return region.emitError("a packed input is read by others than its "
                              "anchor");
    body.eraseArgument(argument.getArgNumber());
    // The graph's constant goes with its last reader.
    if (input.use_empty())
      input.getDefiningOp()->erase();
  }
  region.setAnchor(packed->getName().stripDialect());
  region.removePackingAttr();
  return success();
}

} // namespace sluice
