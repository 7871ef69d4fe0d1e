//===- HostToBuffers.cpp - The host function on buffers -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Conversion/HostToBuffers/HostToBuffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/Codegen/KernelBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_HOSTTOBUFFERSPASS
#include "sluice/Conversion/HostToBuffers/Passes.h.inc"

namespace {

/// Rebuilds a function's body, op by op, with buffers for tensors.
class Translator {
public:
  Translator(OpBuilder &builder, ModuleOp module, Value frame)
      : builder(builder), symbols(module), frame(frame) {}

  LogicalResult translateBody(Block &block);
  void bind(Value tensor, Value buffer) { mapping.map(tensor, buffer); }
  /// The value shall be written to this output if one kernel produces it.
  void wantOutput(Value tensor, int64_t index) { outputs[tensor] = index; }
  LogicalResult finishOutput(Value tensor, int64_t index, Location loc);

private:
  LogicalResult translate(Operation &op);
  LogicalResult translateCall(kernel::CallOp op);
  LogicalResult translateIf(scf::IfOp op);
  LogicalResult translateFor(scf::ForOp op);
  LogicalResult translateWhile(scf::WhileOp op);
  void translateAssert(cf::AssertOp op);
  LogicalResult translateYieldedRegion(Region &source, Region &target,
                                       bool copiesTensors);

  Type convert(Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      return KernelBuilder::bufferType(tensor);
    return type;
  }
  SmallVector<Value> lookup(ValueRange values) {
    SmallVector<Value> result;
    for (Value value : values)
      result.push_back(mapping.lookup(value));
    return result;
  }
  /// A copy that no plan shares with anything: loop-carried values change
  /// buffers every iteration.
  Value copyToFresh(Value buffer, Location loc);
  SmallVector<Value> dynamicSizes(Value buffer, Location loc);
  Value castTo(Value buffer, Type type, Location loc) {
    if (buffer.getType() == type)
      return buffer;
    return memref::CastOp::create(builder, loc, type, buffer);
  }

  OpBuilder &builder;
  SymbolTable symbols;
  Value frame;
  IRMapping mapping;
  DenseMap<Value, int64_t> outputs;
  /// The first op that asserts a condition.
  DenseMap<Value, Operation *> asserted;
  int64_t launches = 0;
};

} // namespace

SmallVector<Value> Translator::dynamicSizes(Value buffer, Location loc) {
  SmallVector<Value> sizes;
  auto type = cast<MemRefType>(buffer.getType());
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, i));
  return sizes;
}

Value Translator::copyToFresh(Value buffer, Location loc) {
  Value fresh = kernel::AllocateOp::create(builder, loc, buffer.getType(),
                                           frame, dynamicSizes(buffer, loc));
  fresh.getDefiningOp()->setAttr("fresh", builder.getUnitAttr());
  kernel::CopyOp::create(builder, loc, buffer, fresh);
  return fresh;
}

LogicalResult Translator::translateCall(kernel::CallOp op) {
  SmallVector<Value> results;
  ValueRange sizes = op.getSizes();
  for (Value result : op.getResults()) {
    auto type = cast<MemRefType>(convert(result.getType()));
    SmallVector<Value> dynamic =
        lookup(sizes.take_front(type.getNumDynamicDims()));
    sizes = sizes.drop_front(type.getNumDynamicDims());
    auto output = outputs.find(result);
    Value buffer;
    if (output != outputs.end())
      buffer = kernel::OutputOp::create(builder, op.getLoc(), type, frame,
                                        output->second, dynamic);
    else
      buffer = kernel::AllocateOp::create(builder, op.getLoc(), type, frame,
                                          dynamic);
    results.push_back(buffer);
    mapping.map(result, buffer);
  }
  auto callee = symbols.lookup<func::FuncOp>(op.getCallee());
  if (!callee)
    return op.emitError("the kernel has not been emitted");
  Value scratch;
  if (auto bytes = callee->getAttrOfType<IntegerAttr>(scratchAttributeName)) {
    auto type = MemRefType::get({bytes.getInt()}, builder.getI8Type());
    Value fixed = kernel::AllocateOp::create(builder, op.getLoc(), type, frame,
                                             ValueRange());
    scratch = castTo(
        fixed, MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()),
        op.getLoc());
  }
  auto launch = kernel::LaunchOp::create(
      builder, op.getLoc(), frame, op.getCalleeAttr(), lookup(op.getInputs()),
      results, scratch, builder.getI64IntegerAttr(launches++),
      op.getReusableAttr());
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    launch->setDiscardableAttr(attribute.getName(), attribute.getValue());
  return success();
}

LogicalResult Translator::translateYieldedRegion(Region &source, Region &target,
                                                 bool copiesTensors) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = &target.front();
  builder.setInsertionPointToEnd(block);
  if (failed(translateBody(source.front())))
    return failure();
  Operation *terminator = source.front().getTerminator();
  SmallVector<Value> values;
  for (Value operand : terminator->getOperands()) {
    Value value = mapping.lookup(operand);
    if (copiesTensors && isa<MemRefType>(value.getType()))
      value = copyToFresh(value, terminator->getLoc());
    values.push_back(value);
  }
  if (auto condition = dyn_cast<scf::ConditionOp>(terminator))
    scf::ConditionOp::create(builder, terminator->getLoc(), values.front(),
                             ArrayRef<Value>(values).drop_front());
  else
    scf::YieldOp::create(builder, terminator->getLoc(), values);
  return success();
}

LogicalResult Translator::translateIf(scf::IfOp op) {
  SmallVector<Type> types;
  for (Type type : op.getResultTypes())
    types.push_back(convert(type));
  bool hasElse = !op.getElseRegion().empty();
  auto result = scf::IfOp::create(builder, op.getLoc(), types,
                                  mapping.lookup(op.getCondition()),
                                  /*addThenBlock=*/true, hasElse);
  if (failed(translateYieldedRegion(op.getThenRegion(), result.getThenRegion(),
                                    false)))
    return failure();
  if (hasElse && failed(translateYieldedRegion(op.getElseRegion(),
                                               result.getElseRegion(), false)))
    return failure();
  mapping.map(op.getResults(), result.getResults());
  return success();
}

LogicalResult Translator::translateFor(scf::ForOp op) {
  auto result = scf::ForOp::create(
      builder, op.getLoc(), mapping.lookup(op.getLowerBound()),
      mapping.lookup(op.getUpperBound()), mapping.lookup(op.getStep()),
      lookup(op.getInitArgs()),
      [](OpBuilder &, Location, Value, ValueRange) {});
  mapping.map(op.getInductionVar(), result.getInductionVar());
  mapping.map(op.getRegionIterArgs(), result.getRegionIterArgs());
  if (failed(translateYieldedRegion(op.getRegion(), result.getRegion(), true)))
    return failure();
  mapping.map(op.getResults(), result.getResults());
  return success();
}

LogicalResult Translator::translateWhile(scf::WhileOp op) {
  SmallVector<Type> types, argumentTypes;
  SmallVector<Location> locations;
  for (Type type : op.getResultTypes())
    types.push_back(convert(type));
  auto result =
      scf::WhileOp::create(builder, op.getLoc(), types, lookup(op.getInits()));
  auto addBlock = [&](Block &source, Region &target) {
    Block *block = builder.createBlock(&target);
    for (BlockArgument argument : source.getArguments())
      mapping.map(argument, block->addArgument(convert(argument.getType()),
                                               argument.getLoc()));
  };
  {
    OpBuilder::InsertionGuard guard(builder);
    addBlock(op.getBefore().front(), result.getBefore());
    addBlock(op.getAfter().front(), result.getAfter());
  }
  if (failed(
          translateYieldedRegion(op.getBefore(), result.getBefore(), false)) ||
      failed(translateYieldedRegion(op.getAfter(), result.getAfter(), true)))
    return failure();
  mapping.map(op.getResults(), result.getResults());
  return success();
}

/// A run ends where a check fails, so that the same condition holds from there
/// on.
void Translator::translateAssert(cf::AssertOp op) {
  Operation *&first = asserted[op.getArg()];
  if (first && first->getBlock()->findAncestorOpInBlock(*op))
    return;
  first = op;
  kernel::CheckOp::create(builder, op.getLoc(), frame,
                          mapping.lookup(op.getArg()), op.getMsg());
}

LogicalResult Translator::translate(Operation &op) {
  Location loc = op.getLoc();
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](kernel::CallOp call) { return translateCall(call); })
      .Case([&](kernel::AliasOp alias) {
        SmallVector<Value> sizes = lookup(alias.getSizes());
        mapping.map(alias.getResult(),
                    Value(kernel::ViewOp::create(
                        builder, loc, convert(alias.getType()),
                        mapping.lookup(alias.getSource()), sizes)));
        return success();
      })
      .Case([&](ConstantOp constant) {
        mapping.map(
            constant.getResult(),
            Value(kernel::WeightOp::create(
                builder, loc, convert(constant.getType()), frame,
                constant.getValueAttr(), DictionaryAttr(), IntegerAttr())));
        return success();
      })
      .Case([&](PackedConstantOp constant) {
        mapping.map(constant.getResult(),
                    Value(kernel::WeightOp::create(
                        builder, loc, convert(constant.getType()), frame,
                        constant.getValueAttr(), constant.getPackingAttr(),
                        IntegerAttr())));
        return success();
      })
      .Case([&](tensor::DimOp dim) {
        mapping.map(dim.getResult(),
                    Value(memref::DimOp::create(
                        builder, loc, mapping.lookup(dim.getSource()),
                        mapping.lookup(dim.getIndex()))));
        return success();
      })
      .Case([&](tensor::CastOp cast) {
        mapping.map(cast.getResult(), castTo(mapping.lookup(cast.getSource()),
                                             convert(cast.getType()), loc));
        return success();
      })
      .Case([&](tensor::ExtractOp extract) {
        Value stored = memref::LoadOp::create(
            builder, loc, mapping.lookup(extract.getTensor()),
            lookup(extract.getIndices()));
        // Bool is stored as a byte.
        if (extract.getType().isInteger(1)) {
          Value zero = arith::ConstantOp::create(
              builder, loc, builder.getIntegerAttr(builder.getI8Type(), 0));
          stored = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                         stored, zero);
        }
        mapping.map(extract.getResult(), stored);
        return success();
      })
      .Case([&](tensor::FromElementsOp elements) {
        auto type = cast<MemRefType>(convert(elements.getType()));
        Value buffer =
            kernel::AllocateOp::create(builder, loc, type, frame, ValueRange());
        auto shape = type.getShape();
        for (auto [i, element] : llvm::enumerate(elements.getElements())) {
          SmallVector<Value> indices(shape.size());
          int64_t rest = i;
          for (size_t j = shape.size(); j-- > 0; rest /= shape[j])
            indices[j] =
                arith::ConstantIndexOp::create(builder, loc, rest % shape[j]);
          memref::StoreOp::create(builder, loc, mapping.lookup(element), buffer,
                                  indices);
        }
        mapping.map(elements.getResult(), buffer);
        return success();
      })
      .Case([&](arith::SelectOp choice) {
        // Of tensors this is what an `if` without code becomes.
        Value onTrue = mapping.lookup(choice.getTrueValue());
        Type type = convert(choice.getType());
        mapping.map(
            choice.getResult(),
            Value(arith::SelectOp::create(
                builder, loc, mapping.lookup(choice.getCondition()),
                castTo(onTrue, type, loc),
                castTo(mapping.lookup(choice.getFalseValue()), type, loc))));
        return success();
      })
      .Case([&](cf::AssertOp assertion) {
        translateAssert(assertion);
        return success();
      })
      .Case([&](scf::IfOp branch) { return translateIf(branch); })
      .Case([&](scf::ForOp loop) { return translateFor(loop); })
      .Case([&](scf::WhileOp loop) { return translateWhile(loop); })
      .Default([&](Operation *other) -> LogicalResult {
        auto isTensor = [](Type type) { return isa<TensorType>(type); };
        if (llvm::any_of(other->getOperandTypes(), isTensor) ||
            llvm::any_of(other->getResultTypes(), isTensor) ||
            other->getNumRegions() != 0)
          return other->emitError("has no form on buffers");
        builder.clone(*other, mapping);
        return success();
      });
}

LogicalResult Translator::translateBody(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(translate(op)))
      return failure();
  return success();
}

LogicalResult Translator::finishOutput(Value tensor, int64_t index,
                                       Location loc) {
  auto output = outputs.find(tensor);
  Value buffer = mapping.lookup(tensor);
  if (output != outputs.end() && output->second == index)
    return success();
  Value target = kernel::OutputOp::create(builder, loc, buffer.getType(), frame,
                                          index, dynamicSizes(buffer, loc));
  kernel::CopyOp::create(builder, loc, buffer, target);
  return success();
}

namespace {
class HostToBuffersPass final
    : public impl::HostToBuffersPassBase<HostToBuffersPass> {
public:
  using HostToBuffersPassBase::HostToBuffersPassBase;

  void runOnOperation() final {
    ModuleOp module = getOperation();
    auto source = module.lookupSymbol<func::FuncOp>("main");
    if (!source) {
      module.emitError("has no function 'main'");
      return signalPassFailure();
    }
    Block &body = source.getBody().front();
    OpBuilder builder(source);
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto target = func::FuncOp::create(builder, source.getLoc(), "sluice_host",
                                       builder.getFunctionType(pointer, {}));
    // The model's signature stays readable.
    target->setAttr("sluice.signature",
                    TypeAttr::get(source.getFunctionType()));
    if (ArrayAttr attributes = source.getAllArgAttrs())
      target->setAttr("sluice.inputs", attributes);
    if (ArrayAttr attributes = source.getAllResultAttrs())
      target->setAttr("sluice.outputs", attributes);
    Block *block = target.addEntryBlock();
    builder.setInsertionPointToStart(block);
    Value frame = block->getArgument(0);
    Translator translator(builder, module, frame);
    for (auto [i, argument] : llvm::enumerate(body.getArguments()))
      translator.bind(argument,
                      kernel::InputOp::create(
                          builder, argument.getLoc(),
                          KernelBuilder::bufferType(
                              cast<RankedTensorType>(argument.getType())),
                          frame, i));
    Operation *end = body.getTerminator();
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (value.getDefiningOp<kernel::CallOp>() &&
          !llvm::is_contained(end->getOperands().take_front(i), value))
        translator.wantOutput(value, i);
    if (failed(translator.translateBody(body)))
      return signalPassFailure();
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (failed(translator.finishOutput(value, i, end->getLoc())))
        return signalPassFailure();
    func::ReturnOp::create(builder, end->getLoc());
    source.erase();
  }
};
} // namespace
} // namespace sluice
