//===- ChooseKernels.cpp - Who makes each kernel's code, and how ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "KernelRegions.h"
#include "NarrowIntegers.h"
#include "dialects/Sluice/Weights.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Support/Remarks.h"
#include "sluice/Transforms/Graph/GraphMatching.h"
#include "sluice/Transforms/ProviderPasses.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_CHOOSEKERNELSPASS
#include "sluice/Transforms/Passes.h.inc"

namespace {

/// An argument of the block around a kernel's ops.
bool isArgument(Value value) { return isa<BlockArgument>(value); }

class ChooseKernelsPass final
    : public impl::ChooseKernelsPassBase<ChooseKernelsPass> {
public:
  using ChooseKernelsPassBase::ChooseKernelsPassBase;

  Providers providers = std::make_shared<ProviderRegistry>();

  void runOnOperation() final;

private:
  const MachineModel *findMachine(Operation *op) {
    return getMachine(getAnalysisManager(), getOperation(), op);
  }
  /// Fails where the default provider has no kernels for the target.
  LogicalResult checkDefault();
  /// What the kernel `holder` would compute.
  KernelGroup getGroup(Operation *anchor, Value result, ValueRange inputs,
                       Operation *holder);
  /// All of an outlined kernel, which stays whole.
  LogicalResult choose(kernel::FuncOp kernel);
  /// The kernels that a region ends up as.
  LogicalResult choose(kernel::RegionOp region);
  llvm::Expected<KernelMatch> match(const KernelProvider &provider,
                                    kernel::RegionOp &region,
                                    const MachineModel &machine,
                                    bool isNarrowed);
  void apply(const KernelProvider &provider, kernel::RegionOp region,
             const KernelMatch &match);
  void remarkUnpacked(kernel::RegionOp region, Operation *anchor,
                      const KernelMatch &match);
  void adopt(kernel::RegionOp region);

  /// The orders of constants that builtin kernels have asked for.
  DenseMap<Attribute, kernel::PackingAttrInterface> packings;
};

} // namespace

LogicalResult ChooseKernelsPass::checkDefault() {
  const KernelProvider *provider =
      findProvider(*providers, getOperation(), kernels);
  if (!provider)
    return failure();
  if (kernels == kernel::builtinProvider)
    return success();
  const MachineModel *machine = findMachine(getOperation());
  if (!machine)
    return failure();
  if (llvm::Error error = provider->checkMachine(*machine))
    return getOperation().emitError(llvm::toString(std::move(error)));
  return success();
}

KernelGroup ChooseKernelsPass::getGroup(Operation *anchor, Value result,
                                        ValueRange inputs, Operation *holder) {
  KernelGroup group{anchor, result, isArgument, inputs};
  group.tiling = kernel::getTiling(holder);
  group.emulatesDotUnits = emulateDotUnits;
  return group;
}

/// Asks about the whole kernel, then without what is computed in front of what
/// follows the anchor, then about the anchor alone. What is declined becomes a
/// kernel of its own; an error says why even the anchor is.
llvm::Expected<KernelMatch>
ChooseKernelsPass::match(const KernelProvider &provider,
                         kernel::RegionOp &region, const MachineModel &machine,
                         bool isNarrowed) {
  Operation *anchor = region.findAnchor();
  Block &body = region.getBody().front();
  Value result = body.getTerminator()->getOperand(0);
  KernelGroup group = getGroup(anchor, result, region.getInputs(), region);
  group.isNarrowed = isNarrowed;
  auto whole = provider.match(group, machine);
  if (whole || result == anchor->getResult(0))
    return whole;
  std::string reason = llvm::toString(whole.takeError());
  OpSet downstream = findDownstream(region, anchor), alone;
  alone.insert(anchor);
  auto isBeside = [&](Value value) {
    return !downstream.contains(value.getDefiningOp());
  };
  group.isOutside = isBeside;
  auto fewer = provider.match(group, machine);
  const OpSet *kept = &downstream;
  if (!fewer) {
    llvm::consumeError(fewer.takeError());
    group.result = anchor->getResult(0);
    fewer = provider.match(group, machine);
    kept = &alone;
  }
  if (!fewer)
    return fewer;
  region = splitRegion(region, *kept);
  remarks::missed(region, remarks::fusion)
      << "what follows is a kernel of its own: " << reason;
  return fewer;
}

/// Says why an op goes without packed weights, which most owe their speed to.
void ChooseKernelsPass::remarkUnpacked(kernel::RegionOp region,
                                       Operation *anchor,
                                       const KernelMatch &match) {
  auto op = dyn_cast<WeightsOpInterface>(anchor);
  auto argument =
      op ? dyn_cast<BlockArgument>(op.getWeightsOperand().get()) : nullptr;
  if (!argument || !match.packing.empty())
    return;
  Value weights = region.getInputs()[argument.getArgNumber()];
  std::string reason = match.unpacked;
  if (!getConstantElements(weights))
    reason = isConstantExpression(weights)
                 ? "they are constant, but computed in every run"
                 : "they are not constant";
  else if (reason.empty())
    reason = op.explainUnpacked(getKeptType(weights)).str();
  if (!reason.empty())
    remarks::missed(region, remarks::packing)
        << "the weights are not packed: " << reason;
}

/// Says in which order a kernel wants inputs, of which its anchor has some.
static void setPackings(kernel::RegionOp region, Operation *anchor,
                        ArrayRef<OperandPacking> packings) {
  Builder builder(region.getContext());
  SmallVector<std::pair<unsigned, Attribute>> orders;
  for (const OperandPacking &packing : packings) {
    OpOperand &operand = anchor->getOpOperand(packing.operand);
    orders.push_back(
        {getOwnArgument(region, operand).getArgNumber(), packing.packing});
  }
  SmallVector<Attribute> each(region.getInputs().size(), builder.getUnitAttr());
  for (auto [input, order] : orders)
    each[input] = order;
  region.setPackingAttr(builder.getArrayAttr(each));
}

void ChooseKernelsPass::apply(const KernelProvider &provider,
                              kernel::RegionOp region,
                              const KernelMatch &match) {
  Operation *anchor = region.findAnchor();
  bool isBuiltin = provider.getName() == kernel::builtinProvider;
  if (!isBuiltin)
    remarks::applied(region, remarks::providers)
        << "computed by " << provider.getTitle().str() << " ("
        << match.implementation << ")";
  remarkUnpacked(region, anchor, match);
  region.setProvider(provider.getName());
  region.removeConfigAttr();
  if (match.config)
    region.setConfigAttr(match.config);
  if (match.packing.empty())
    return;
  setPackings(region, anchor, match.packing);
  for (auto [input, packing] :
       llvm::zip(region.getInputs(), region.getPackingAttr()))
    if (auto constant = input.getDefiningOp<ConstantOp>();
        constant && isBuiltin && !isa<UnitAttr>(packing))
      packings.try_emplace(constant.getValue(),
                           cast<kernel::PackingAttrInterface>(packing));
}

LogicalResult ChooseKernelsPass::choose(kernel::RegionOp region) {
  Operation *anchor = region.findAnchor();
  const MachineModel *machine = findMachine(region);
  StringRef asked = kernels;
  if (auto own = region->getDiscardableAttr(kernel::providerAttributeName))
    asked = cast<kernel::ProviderAttr>(own).getName();
  const KernelProvider *provider = findProvider(*providers, region, asked);
  if (!provider || !machine)
    return failure();
  const KernelProvider &builtin = *providers->lookup(kernel::builtinProvider);
  if (anchor && !provider->knows(anchor))
    provider = &builtin;
  bool isNarrowed = false;
  while (anchor) {
    auto matched = match(*provider, region, *machine, isNarrowed);
    if (!matched && provider == &builtin)
      return region.emitError(llvm::toString(matched.takeError()));
    if (!matched) {
      remarks::missed(region, remarks::providers)
          << "not computed by " << provider->getTitle().str() << ": "
          << llvm::toString(matched.takeError());
      provider = &builtin;
      continue;
    }
    anchor = region.findAnchor();
    if (matched->mergedPixels > 1) {
      kernel::RegionOp merged =
          mergePixels(region, cast<ConvOp>(anchor), matched->mergedPixels);
      if (!merged)
        return region.emitError("its weights cannot be read");
      remarks::applied(merged, remarks::layout)
          << "computes " << Twine(matched->mergedPixels).str()
          << " pixels of a line together";
      region = merged;
      continue;
    }
    if (!matched->turned.empty()) {
      for (unsigned operand : matched->turned)
        turnOperand(region, cast<MatmulOp>(anchor), operand);
      continue;
    }
    if (!matched->narrowed.empty()) {
      for (unsigned operand : matched->narrowed)
        narrowOperand(region, anchor->getOpOperand(operand));
      isNarrowed = true;
      continue;
    }
    apply(*provider, region, *matched);
    break;
  }
  region->removeDiscardableAttr(kernel::providerAttributeName);
  region->removeDiscardableAttr(kernel::tilingAttributeName);
  return success();
}

LogicalResult ChooseKernelsPass::choose(kernel::FuncOp kernel) {
  const MachineModel *machine = findMachine(kernel);
  const KernelProvider *provider =
      findProvider(*providers, kernel, kernel.getProvider());
  if (!provider || !machine)
    return failure();
  if (Operation *anchor = kernel.findAnchor()) {
    Operation *yield = kernel.getBody().front().getTerminator();
    auto matched = provider->match(
        getGroup(anchor, yield->getOperand(0), {}, kernel), *machine);
    if (!matched)
      return anchor->emitError(llvm::toString(matched.takeError()));
    if (matched->config)
      kernel.setConfigAttr(matched->config);
  }
  kernel->removeDiscardableAttr(kernel::tilingAttributeName);
  return success();
}

/// Constants that other kernels have in an order of their own, once all of
/// these are known.
void ChooseKernelsPass::adopt(kernel::RegionOp region) {
  Operation *anchor = region.findAnchor();
  if (!anchor || region.getPackingAttr())
    return;
  Block &body = region.getBody().front();
  KernelGroup group = getGroup(anchor, body.getTerminator()->getOperand(0),
                               region.getInputs(), region);
  auto known = [&](Value value) {
    auto constant = value.getDefiningOp<ConstantOp>();
    return constant ? packings.lookup(constant.getValue())
                    : kernel::PackingAttrInterface();
  };
  auto adopted = providers->lookup(region.getProvider())->adopt(group, known);
  if (!adopted.empty())
    setPackings(region, anchor, adopted);
}

void ChooseKernelsPass::runOnOperation() {
  if (failed(checkDefault()))
    return signalPassFailure();
  SmallVector<kernel::RegionOp> regions;
  getOperation().walk(
      [&](kernel::RegionOp region) { regions.push_back(region); });
  for (kernel::RegionOp region : regions)
    if (failed(choose(region)))
      return signalPassFailure();
  getOperation().walk([&](kernel::RegionOp region) { adopt(region); });
  for (kernel::FuncOp kernel : getOperation().getOps<kernel::FuncOp>())
    if (!kernel.getConfigAttr() && failed(choose(kernel)))
      return signalPassFailure();
}

std::unique_ptr<Pass>
createChooseKernelsPass(Providers providers,
                        const ChooseKernelsPassOptions &options) {
  auto pass = std::make_unique<ChooseKernelsPass>(options);
  pass->providers = std::move(providers);
  return pass;
}

} // namespace sluice
