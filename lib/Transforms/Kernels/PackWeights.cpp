//===- PackWeights.cpp - Constants in the orders that kernels read --------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/PackedForms.h"
#include "dialects/Sluice/Weights.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

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

LogicalResult PackWeightsPass::pack(kernel::RegionOp region) {
  ArrayAttr packing = region.getPackingAttr();
  if (!packing)
    return success();
  Operation *anchor = region.findAnchor();
  auto packable = dyn_cast_if_present<kernel::PackableOpInterface>(anchor);
  if (!packable)
    return region.emitError("its anchor has no form with packed constants");
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
  llvm::SmallSetVector<Operation *, 2> makers;
  for (Value operand : anchor->getOperands())
    if (Operation *maker = operand.getDefiningOp())
      makers.insert(maker);
  anchor->erase();
  // What widened an operand that the packed form reads as narrow as it is.
  for (Operation *maker : makers)
    if (isOpTriviallyDead(maker))
      maker->erase();
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
