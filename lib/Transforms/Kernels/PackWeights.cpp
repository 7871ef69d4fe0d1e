//===- PackWeights.cpp - Weights in the order micro-kernels read ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/QuantisedConstant.h"
#include "mlir/IR/PatternMatch.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Analysis/TransposedConvolution.h"
#include "sluice/Codegen/CPU/Products/PackedWeights.h"
#include "sluice/Support/ConstantBytes.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphBuilder.h"
#include "sluice/Transforms/ProviderPasses.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "sluice/Transforms/Passes.h.inc"

/// Integers in `bits` bits each; null where those do not hold them all.
template <typename Wide>
static ElementsAttr narrowTo(ShapedType type, ArrayRef<char> bytes,
                             unsigned bits) {
  int64_t count = bytes.size() / sizeof(Wide), width = bits / 8;
  int64_t limit = int64_t(1) << (bits - 1);
  std::vector<char> narrowed(count * width);
  for (int64_t i = 0; i < count; ++i) {
    Wide value;
    std::memcpy(&value, bytes.data() + i * sizeof(Wide), sizeof(Wide));
    if (value < -limit || value >= limit)
      return nullptr;
    // The low bytes come first.
    std::memcpy(&narrowed[i * width], &value, width);
  }
  auto narrowType = type.clone(IntegerType::get(type.getContext(), bits));
  return DenseElementsAttr::getFromRawBuffer(narrowType, narrowed);
}

/// The integers of a constant in as few bytes as hold them all: quantised
/// weights are that small, whatever they are multiplied with. What are no
/// integers of 32 or 64 bits stays.
static ElementsAttr narrowIntegers(ElementsAttr value) {
  ShapedType type = value.getShapedType();
  bool isLong = type.getElementType().isInteger(64);
  if (!isLong && !type.getElementType().isInteger(32))
    return value;
  std::vector<char> scratch;
  auto bytes = getConstantBytes(value, scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return value;
  }
  for (unsigned bits : {8, 16})
    if (auto narrowed = isLong ? narrowTo<int64_t>(type, *bytes, bits)
                               : narrowTo<int32_t>(type, *bytes, bits))
      return narrowed;
  return value;
}

/// What a quantised constant is, in 8 bits, or 16 where those do not do.
static ElementsAttr centre(const QuantisedConstant &quantised) {
  ConstantOp constant = quantised.constant;
  ShapedType type = constant.getType();
  std::vector<char> scratch;
  auto bytes = getConstantBytes(constant.getValue(), scratch);
  if (!bytes) {
    llvm::consumeError(bytes.takeError());
    return nullptr;
  }
  bool isUnsigned = isUnsignedType(type.getElementType());
  std::vector<int16_t> numbers;
  numbers.reserve(bytes->size());
  for (char byte : *bytes) {
    int64_t number = isUnsigned ? int64_t(static_cast<uint8_t>(byte))
                                : int64_t(static_cast<int8_t>(byte));
    numbers.push_back(static_cast<int16_t>(number - quantised.zero));
  }
  ArrayRef<char> wide(reinterpret_cast<const char *>(numbers.data()),
                      numbers.size() * sizeof(int16_t));
  if (auto narrowed = narrowTo<int16_t>(type, wide, 8))
    return narrowed;
  return narrowTo<int16_t>(type, wide, 16);
}

namespace {

class PackWeightsPass final
    : public impl::PackWeightsPassBase<PackWeightsPass> {
public:
  using PackWeightsPassBase::PackWeightsPassBase;

  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<kernel::KernelDialect>();
  }

  Providers providers = std::make_shared<ProviderRegistry>();

  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp, ConvTransposeOp, RecurrenceOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      const MachineModel *machine =
          getMachine(getAnalysisManager(), getOperation(), op);
      if (!machine)
        return signalPassFailure();
      if (!findProvider(*providers, op, kernel::getProvider(op)))
        return signalPassFailure();
      rewriter.setInsertionPoint(op);
      if (auto matmul = dyn_cast<MatmulOp>(op))
        pack(matmul, *machine, rewriter);
      else if (auto conv = dyn_cast<ConvOp>(op))
        pack(conv, *machine, rewriter);
      else if (auto transposed = dyn_cast<ConvTransposeOp>(op))
        pack(transposed, *machine, rewriter);
      else
        pack(cast<RecurrenceOp>(op), *machine, rewriter);
    }
    getOperation().walk([&](GatherOp op) {
      rewriter.setInsertionPoint(op);
      readPacked(op, rewriter);
    });
  }

private:
  /// Does the kernel of an op read panels?
  bool readsPanels(Operation *op) const {
    return providers->lookup(kernel::getProvider(op))->readsPanels();
  }

  static constexpr StringLiteral noUnit =
      "there is no dot unit for their elements";

  /// The constant behind a value, if it has elements, in as few bytes as hold
  /// them.
  static ElementsAttr getWeights(Value value) {
    if (shapeOf(value).empty() || llvm::is_contained(shapeOf(value), 0))
      return nullptr;
    if (auto constant = value.getDefiningOp<ConstantOp>())
      return narrowIntegers(constant.getValueAttr());
    if (auto quantised = getQuantisedConstant(value))
      return centre(*quantised);
    return nullptr;
  }

  /// Says why an op goes without packed weights, which most owe their speed to.
  static void leave(Operation *op, StringRef reason) {
    remarks::missed(op, remarks::packing)
        << "the weights are not packed: " << reason;
  }

  /// Why a value is no weight.
  static StringRef whyNoWeights(Value value) {
    if (!value.getDefiningOp<ConstantOp>())
      return isConstantExpression(value)
                 ? "they are constant, but computed in every run"
                 : "they are not constant";
    return "there are none";
  }

  static Value makeConstant(Location loc, ElementsAttr value,
                            kernel::PackingAttrInterface packing,
                            IRRewriter &rewriter) {
    return PackedConstantOp::create(rewriter, loc, value, packing);
  }

  /// The left-hand side, row by row; null where that would take sizes that are
  /// not known. Packed weights save more than a transpose of the other operand
  /// costs.
  static Value getUprightLhs(MatmulOp op, IRRewriter &rewriter) {
    if (!op.getTransposeLhs())
      return op.getLhs();
    GraphBuilder graph(rewriter, op.getLoc());
    auto sizes = llvm::to_vector(shapeOf(op.getLhs()));
    size_t rank = sizes.size();
    // A row that stands upright is only called differently.
    bool isView = sizes[rank - 2] == 1 || sizes[rank - 1] == 1;
    if (!isView) {
      auto permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
      std::swap(permutation[rank - 2], permutation[rank - 1]);
      return graph.transpose(op.getLhs(), permutation);
    }
    if (llvm::count_if(sizes, ShapedType::isDynamic) > 1)
      return nullptr;
    std::swap(sizes[rank - 2], sizes[rank - 1]);
    return graph.reshape(op.getLhs(), sizes);
  }

  void pack(MatmulOp op, const MachineModel &machine, IRRewriter &rewriter) {
    ElementsAttr value = getWeights(op.getRhs());
    if (!value)
      return leave(op, whyNoWeights(op.getRhs()));
    auto types = getProductTypes(elementTypeOf(op.getLhs()),
                                 value.getElementType(), elementTypeOf(op));
    if (!types)
      return leave(op, noUnit);
    // One matrix for all batches.
    ArrayRef<int64_t> shape = shapeOf(op.getRhs());
    if (llvm::any_of(shape.drop_back(2),
                     [](int64_t size) { return size != 1; }))
      return leave(op, "each batch has its own");
    if (shape.size() > shapeOf(op.getLhs()).size())
      return leave(op, "they have more dimensions than the other operand");
    // The packed kernel takes the depth from the operand's type.
    ArrayRef<int64_t> lhsShape = shapeOf(op.getLhs());
    if (ShapedType::isDynamic(
            lhsShape[lhsShape.size() - (op.getTransposeLhs() ? 2 : 1)]))
      return leave(op, "the depth of the other operand is not known");
    int64_t columns =
        op.getTransposeRhs() ? shape[shape.size() - 2] : shape.back();
    bool inPanels = readsPanels(op);
    if (op.getTransposeLhs() && !inPanels)
      return leave(op, "the provider takes no transposed operand");
    Value lhs = getUprightLhs(op, rewriter);
    if (!lhs)
      return leave(op, "the sizes of the other operand are not known");
    kernel::PackingAttrInterface packing =
        inPanels
            ? getMatrixPacking(&getContext(), columns, op.getTransposeRhs(),
                               *types, kernel::getTiling(op), machine)
            : getPlainMatrixPacking(&getContext(), columns,
                                    op.getTransposeRhs());
    bool isTable = inPanels && op.getTransposeRhs() && shape.size() == 2;
    auto whole = op.getRhs().getDefiningOp<ConstantOp>();
    if (isTable && whole && value == whole.getValueAttr())
      tables.try_emplace(value, cast<kernel::PanelsAttr>(packing));
    auto packed = PackedMatmulOp::create(
        rewriter, op.getLoc(), op.getType(), lhs,
        makeConstant(op.getRhs().getLoc(), value, packing, rewriter),
        rewriter.getI64IntegerAttr(columns));
    kernel::copyKernelAttributes(op, packed);
    rewriter.replaceOp(op, packed);
  }

  /// The packed weights of a channels-last convolution; null when it has none.
  template <typename OpTy>
  Value packConvolution(OpTy op, const MachineModel &machine,
                        IRRewriter &rewriter) {
    ElementsAttr value = getWeights(op.getWeight());
    auto input = cast<RankedTensorType>(op.getInput().getType());
    std::optional<ProductTypes> types;
    if (value)
      types = getProductTypes(input.getElementType(), value.getElementType(),
                              elementTypeOf(op));
    StringRef reason;
    if (!value)
      reason = whyNoWeights(op.getWeight());
    else if (!types)
      reason = noUnit;
    else if (input.isDynamicDim(op.getChannelDimension()))
      reason = "the number of channels is not known";
    else if (!op.getChannelsLast())
      reason = "the channels are not the last dimension";
    if (!reason.empty()) {
      leave(op, reason);
      return nullptr;
    }
    ConvolutionSpec spec = getConvolutionSpec(
        *types, input, op.getType(), shapeOf(op.getWeight()).drop_front(2),
        op.getStrides(), op.getDilations(), op.getPads(), op.getGroups());
    spec.transposed = std::is_same_v<OpTy, ConvTransposeOp>;
    // Every phase of a transposed convolution is code of its own.
    constexpr int64_t mostPhases = 16;
    if (spec.transposed && countTransposedPhases(spec) > mostPhases) {
      leave(op, "the strides make too many phases");
      return nullptr;
    }
    bool inPanels = readsPanels(op);
    kernel::PackingAttrInterface packing;
    if (inPanels)
      packing = getConvolutionPacking(&getContext(), spec,
                                      kernel::getTiling(op), machine);
    return makeConstant(op.getWeight().getLoc(), value, packing, rewriter);
  }

  void pack(ConvOp op, const MachineModel &machine, IRRewriter &rewriter) {
    ArrayRef<int64_t> shape = shapeOf(op.getWeight());
    Value weights = packConvolution(op, machine, rewriter);
    if (!weights)
      return;
    auto packed = PackedConvOp::create(
        rewriter, op.getLoc(), op.getType(), op.getInput(), weights,
        shape.drop_front(2), op.getStrides(), op.getDilations(), op.getPads(),
        op.getGroups(), shape[0]);
    kernel::copyKernelAttributes(op, packed);
    rewriter.replaceOp(op, packed);
  }

  void pack(ConvTransposeOp op, const MachineModel &machine,
            IRRewriter &rewriter) {
    ArrayRef<int64_t> shape = shapeOf(op.getWeight());
    Value weights = packConvolution(op, machine, rewriter);
    if (!weights)
      return;
    auto packed = PackedConvTransposeOp::create(
        rewriter, op.getLoc(), op.getType(), op.getInput(), weights,
        shape.drop_front(2), op.getStrides(), op.getDilations(), op.getPads(),
        op.getOutputPadding(), op.getGroups(), shape[1] * op.getGroups());
    kernel::copyKernelAttributes(op, packed);
    rewriter.replaceOp(op, packed);
  }

  void pack(RecurrenceOp op, const MachineModel &machine,
            IRRewriter &rewriter) {
    if (op.hasPackedWeights())
      return;
    ElementsAttr value = getWeights(op.getWeights());
    if (!value)
      return leave(op, whyNoWeights(op.getWeights()));
    if (ShapedType::isDynamic(shapeOf(op.getProjected())[3]))
      return leave(op, "the width of the inputs is not known");
    int64_t lanes = machine.lanes(getComputeType(value.getElementType()));
    Value packed = makeConstant(
        op.getWeights().getLoc(), value,
        getGatePacking(&getContext(), op.getGateCount(), lanes), rewriter);
    rewriter.modifyOpInPlace(op,
                             [&] { op.getWeightsMutable().assign(packed); });
  }

  /// A table that a product has packed is not kept a second time to be looked
  /// up.
  void readPacked(GatherOp op, IRRewriter &rewriter) {
    auto table = op.getOperand().getDefiningOp<ConstantOp>();
    if (!table || op.getAxis() != 0)
      return;
    auto known = tables.find(table.getValue());
    if (known == tables.end())
      return;
    kernel::PanelsAttr panels = known->second;
    ArrayRef<int64_t> shape = table.getType().getShape();
    rewriter.replaceOpWithNewOp<PackedGatherOp>(
        op, op.getType(),
        makeConstant(table.getLoc(), table.getValueAttr(),
                     cast<kernel::PackingAttrInterface>(panels), rewriter),
        op.getIndices(), shape[1], shape[0], panels.getWidth());
  }

  /// Of the constants that are packed as transposed matrices.
  DenseMap<Attribute, kernel::PanelsAttr> tables;
};

} // namespace

std::unique_ptr<Pass> createPackWeightsPass(Providers providers) {
  auto pass = std::make_unique<PackWeightsPass>();
  pass->providers = std::move(providers);
  return pass;
}

} // namespace sluice
