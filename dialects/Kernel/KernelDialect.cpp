//===- KernelDialect.cpp - The kernel dialect -----------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kernel/Kernel.h"
#include "dialects/Kernel/Limits.h"
#include "dialects/Kernel/Ties.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::kernel;

/// The type of a kernel with this body.
static FunctionType getSignature(MLIRContext *context, Region &body) {
  Block &block = body.front();
  SmallVector<Type> results;
  if (auto yield = dyn_cast_if_present<kernel::YieldOp>(
          block.empty() ? nullptr : &block.back()))
    llvm::append_range(results, yield.getOperandTypes());
  return FunctionType::get(context, block.getArgumentTypes(), results);
}

static ParseResult parseKernelBody(OpAsmParser &parser, Region &body,
                                   TypeAttr &type) {
  if (parser.parseRegion(body))
    return failure();
  FuncOp::ensureTerminator(body, parser.getBuilder(),
                           parser.getEncodedSourceLoc(parser.getNameLoc()));
  type = TypeAttr::get(getSignature(parser.getContext(), body));
  return success();
}

static void printKernelBody(OpAsmPrinter &printer, FuncOp, Region &body,
                            TypeAttr) {
  bool yieldsNothing = body.front().back().getNumOperands() == 0;
  printer.printRegion(body, /*printEntryBlockArgs=*/true,
                      /*printBlockTerminators=*/!yieldsNothing);
}

#include "dialects/Kernel/KernelDialect.cpp.inc"
#include "dialects/Kernel/TargetInterface.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.cpp.inc"

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kernel/KernelAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Kernel/KernelOps.cpp.inc"
      >();
}

/// Code of several triples is not one object file.
static LogicalResult verifyTarget(Operation *op, Attribute value) {
  auto target = dyn_cast<TargetAttrInterface>(value);
  if (!target)
    return op->emitOpError() << targetAttributeName
                             << " must be a target, such as a "
                                "#kernel.cpu_target";
  Operation *parent = op->getParentOp();
  Operation *holder = parent ? findTargetHolder(parent) : nullptr;
  TargetAttrInterface around = holder ? getOwnTarget(holder) : nullptr;
  if (around && !target.isCompatibleWith(around))
    return op->emitOpError() << targetAttributeName
                             << " cannot be in one object file with that of "
                                "the module around it: "
                             << around;
  return success();
}

LogicalResult KernelDialect::verifyOperationAttribute(Operation *op,
                                                      NamedAttribute named) {
  if (named.getName() == targetAttributeName)
    return verifyTarget(op, named.getValue());
  if (named.getName() == providerAttributeName &&
      !isa<ProviderAttr>(named.getValue()))
    return op->emitOpError()
           << providerAttributeName << " must be a #kernel.provider";
  if (named.getName() == tilingAttributeName &&
      !isa<TilingAttr>(named.getValue()))
    return op->emitOpError()
           << tilingAttributeName << " must be a #kernel.tiling";
  return success();
}

TilingAttr kernel::getTiling(Operation *op) {
  return cast_if_present<TilingAttr>(
      op->getDiscardableAttr(tilingAttributeName));
}

TargetAttrInterface kernel::getOwnTarget(Operation *op) {
  return dyn_cast_if_present<TargetAttrInterface>(
      op->getDiscardableAttr(targetAttributeName));
}

Operation *kernel::findTargetHolder(Operation *op) {
  while (op && !getOwnTarget(op))
    op = op->getParentOp();
  return op;
}

static constexpr StringLiteral movingAttributes[] = {
    providerAttributeName, tilingAttributeName, targetAttributeName};

void kernel::copyKernelAttributes(Operation *from, Operation *to) {
  for (StringRef name : movingAttributes)
    if (Attribute value = from->getDiscardableAttr(name))
      to->setDiscardableAttr(name, value);
}

void kernel::removeKernelAttributes(Operation *op) {
  for (StringRef name : movingAttributes)
    op->removeDiscardableAttr(name);
}

/// A tile is code, repeated for each of its vectors and each unrolled step, so
/// its size has limits beyond which nothing gets faster anyway.
LogicalResult TilingAttr::verify(
    function_ref<InFlightDiagnostic()> emitError,
    std::optional<int64_t> tileRows, std::optional<int64_t> tileVectors,
    std::optional<int64_t> unroll, std::optional<int64_t> prefetchDistance,
    std::optional<int64_t> rowBlock, std::optional<int64_t> columnBlock,
    std::optional<int64_t> depthBlock, std::optional<bool>,
    std::optional<int64_t> lineBlock, std::optional<int64_t> channelBlock,
    std::optional<bool>, std::optional<bool>) {
  constexpr int64_t mostRows = 32, mostVectors = 8, mostSteps = 16;
  constexpr int64_t mostElements = int64_t(1) << 31;
  return verifyLimits(emitError,
                      {{"tile_rows", tileRows, 1, mostRows},
                       {"tile_vectors", tileVectors, 1, mostVectors},
                       {"unroll", unroll, 1, mostSteps},
                       {"prefetch_distance", prefetchDistance, 0, mostElements},
                       {"row_block", rowBlock, 1, mostElements},
                       {"column_block", columnBlock, 1, mostElements},
                       {"depth_block", depthBlock, 1, mostElements},
                       {"line_block", lineBlock, 1, mostElements},
                       {"channel_block", channelBlock, 1, mostElements}});
}

/// One entry for each input, which is an order that the kernel reads.
static LogicalResult verifyRegionPacking(RegionOp region, ArrayAttr packing) {
  if (packing.size() != region.getInputs().size())
    return region.emitOpError("needs a packing for each of its ")
           << region.getInputs().size() << " inputs";
  for (auto [input, order] : llvm::zip(region.getInputs(), packing)) {
    if (isa<UnitAttr>(order))
      continue;
    auto encoding = dyn_cast<PackingAttrInterface>(order);
    if (!encoding)
      return region.emitOpError() << order << " is no encoding";
    auto emitError = [&] { return region.emitOpError(); };
    if (auto config = region.getConfigAttr())
      if (failed(config.verifyPacking(encoding, emitError)))
        return failure();
  }
  return success();
}

LogicalResult RegionOp::verify() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("region arguments and inputs differ in type");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getOperandTypes() != getResultTypes())
    return emitOpError("yielded values and results differ in type");
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (static_cast<int64_t>(getSizes().size()) != dynamic)
    return emitOpError("needs one size per dynamic result dimension");
  for (int64_t input : getReusable())
    if (input < 0 || input >= static_cast<int64_t>(getInputs().size()))
      return emitOpError("reusable input ") << input << " does not exist";
  if (ArrayAttr packing = getPackingAttr())
    return verifyRegionPacking(*this, packing);
  return success();
}

/// The op of a kernel's body that its anchor names, if there is one.
static Operation *findNamed(Region &body, StringRef anchor) {
  for (Operation &op : body.front())
    if (op.getName().stripDialect() == anchor)
      return &op;
  return nullptr;
}

Operation *RegionOp::findAnchor() { return findNamed(getBody(), getAnchor()); }

Operation *FuncOp::findAnchor() { return findNamed(getBody(), getAnchor()); }

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<FuncOp>(*this, getCalleeAttr());
  if (callee && callee.getTies() != getTies())
    return emitOpError("has other ties than kernel '") << getCallee() << "'";
  if (!callee || !callee.getConfigAttr() ||
      callee.getProvider() != builtinProvider)
    return success();
  for (Value input : getInputs()) {
    auto constant = input.getDefiningOp<PackedConstantOp>();
    if (constant &&
        failed(callee.getConfigAttr().verifyPacking(
            constant.getPackingAttr(), [&] { return emitOpError(); })))
      return failure();
  }
  return success();
}

void FuncOp::build(OpBuilder &builder, OperationState &state, StringAttr name,
                   StringAttr anchor, ProviderAttr provider,
                   KernelConfigAttrInterface config, Region &body) {
  build(builder, state, name, anchor, provider, config,
        TypeAttr::get(getSignature(builder.getContext(), body)),
        /*arg_attrs=*/ArrayAttr(),
        /*res_attrs=*/ArrayAttr(), /*strided=*/DenseI64ArrayAttr(),
        /*ties=*/DenseI64ArrayAttr());
  state.regions.front()->takeBody(body);
}

LogicalResult FuncOp::verify() {
  if (isEmitted())
    return success();
  if (auto axes = getStrided(); axes && axes->size() != getNumArguments())
    return emitOpError("needs one strided dimension per argument");
  for (int64_t tie : getTies())
    if (auto axes = getStrided(); axes && tie >= 0 &&
                                  tie < static_cast<int64_t>(axes->size()) &&
                                  (*axes)[tie] >= 0)
      return emitOpError("input ")
             << tie << " cannot be written over: it is strided";
  return verifyTies(getTies(), getArgumentTypes(), getResultTypes(),
                    [&] { return emitOpError(); });
}

bool FuncOp::isEmitted() {
  return getNumArguments() > 0 &&
         isa<LLVM::LLVMPointerType>(getArgumentTypes().front());
}

LogicalResult FuncOp::verifyRegions() {
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getOperandTypes() != TypeRange(getResultTypes()))
    return emitOpError("yielded values and the type's results differ");
  if (!isEmitted()) {
    for (TypeRange types :
         {TypeRange(getArgumentTypes()), TypeRange(getResultTypes())})
      if (!llvm::all_of(types, llvm::IsaPred<RankedTensorType>))
        return emitOpError("takes and yields tensors until its code is "
                           "emitted");
    return success();
  }
  if (!getResultTypes().empty())
    return emitOpError("yields nothing once its code is emitted");
  for (Type type : getArgumentTypes().drop_front())
    if (!isa<BaseMemRefType>(type) && !type.isIntOrIndexOrFloat())
      return emitOpError("takes buffers and numbers behind the frame, not ")
             << type;
  return success();
}

LogicalResult WeightOp::verify() {
  if (!getPacking())
    return success();
  auto count = countPackedElements(*getPacking(), getValue().getShapedType(),
                                   [&] { return emitOpError(); });
  if (failed(count))
    return failure();
  auto type = cast<MemRefType>(getType());
  if (!type.hasStaticShape() || type.getNumElements() != *count)
    return emitOpError("needs a buffer of ") << *count << " elements";
  return success();
}

LogicalResult LaunchOp::verify() {
  for (int64_t updated : getUpdated())
    if (updated < 0 || updated >= static_cast<int64_t>(getInputs().size()))
      return emitOpError("updated input ") << updated << " does not exist";
  return success();
}

void LaunchOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &input : getInputsMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &input);
  for (int64_t updated : getUpdated())
    effects.emplace_back(MemoryEffects::Write::get(),
                         &getInputsMutable()[updated]);
  for (OpOperand &output : getOutputsMutable())
    effects.emplace_back(MemoryEffects::Write::get(), &output);
  for (OpOperand &scratch : getScratchMutable())
    effects.emplace_back(MemoryEffects::Write::get(), &scratch);
}
