//===- HostToBuffers.cpp - The host function on buffers -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Conversion/HostToBuffers/HostToBuffers.h"
#include "LoopBuffers.h"
#include "ScratchBuffers.h"
#include "StateBuffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_HOSTTOBUFFERSPASS
#include "sluice/Conversion/HostToBuffers/Passes.h.inc"

} // namespace sluice

using namespace sluice;

SmallVector<Value> Translator::dynamicSizes(Value buffer, Location loc) {
  SmallVector<Value> sizes;
  auto type = cast<MemRefType>(buffer.getType());
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, i));
  return sizes;
}

SmallVector<Value> Translator::knownSizes(Value tensor, Location loc) {
  SmallVector<Value> result;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i))
      continue;
    KnownSize size = sizes.find(tensor, i);
    Value origin = size.value ? mapping.lookupOrNull(size.value) : Value();
    if (!size.value)
      result.push_back(
          arith::ConstantIndexOp::create(builder, loc, size.number));
    else if (origin && origin.getType().isIndex())
      result.push_back(origin);
    else if (origin)
      result.push_back(
          memref::DimOp::create(builder, loc, origin, size.number));
    else
      result.push_back(
          memref::DimOp::create(builder, loc, mapping.lookup(tensor), i));
  }
  return result;
}

Value Translator::allocateFresh(MemRefType type, ValueRange sizes,
                                Location loc) {
  auto fresh = kernel::AllocateOp::create(builder, loc, type, frame, sizes);
  fresh->setAttr("fresh", builder.getUnitAttr());
  return fresh;
}

Value Translator::castTo(Value buffer, Type type, Location loc) {
  if (buffer.getType() == type)
    return buffer;
  Value origin = buffer;
  while (auto cast = origin.getDefiningOp<memref::CastOp>())
    origin = cast.getSource();
  if (memref::CastOp::areCastCompatible(origin.getType(), type))
    return memref::CastOp::create(builder, loc, type, buffer);
  // The tensor is known to have other sizes than its readers demand: a check in
  // front of this ends every run.
  auto memory = cast<MemRefType>(type);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < memory.getRank(); ++i)
    if (memory.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, i));
  return kernel::AllocateOp::create(builder, loc, memory, frame, sizes);
}

Value Translator::allocateFor(Value tensor, ValueRange sizes, Location loc) {
  auto type = convert(cast<RankedTensorType>(tensor.getType()));
  auto output = outputs.find(tensor);
  if (output != outputs.end())
    return kernel::OutputOp::create(builder, loc, type, frame, output->second,
                                    sizes);
  return kernel::AllocateOp::create(builder, loc, type, frame, sizes);
}

Value Translator::elementBuffer(Value list, Value index, MemRefType type,
                                ValueRange sizes, Location loc) {
  auto listType = cast<MemRefType>(list.getType());
  Value offset = index;
  for (int64_t i = 1; i < listType.getRank(); ++i) {
    Value size = builder.createOrFold<memref::DimOp>(loc, list, i);
    offset = builder.createOrFold<arith::MulIOp>(loc, offset, size);
  }
  return kernel::SubviewOp::create(builder, loc, type, list, offset, sizes);
}

Value Translator::makeResult(OpResult result, ValueRange sizes, Location loc) {
  auto place = destinations.find(result);
  if (place == destinations.end())
    return allocateFor(result, sizes, loc);
  return place->second(cast<MemRefType>(convert(result.getType())), sizes, loc);
}

bool Translator::mayWriteOver(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (!isa<kernel::ViewOp, kernel::SubviewOp, memref::CastOp>(op))
      return isa<kernel::AllocateOp, kernel::OutputOp>(op);
    buffer = op->getOperand(0);
  }
  return true; // What a loop carries is in memory of the loop.
}

LogicalResult Translator::translateCall(kernel::CallOp op) {
  SmallVector<Value> results, inputs = lookup(op.getInputs());
  SmallVector<int64_t> updated;
  ValueRange sizes = op.getSizes();
  for (OpResult result : op->getResults()) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<Value> dynamic =
        lookup(sizes.take_front(type.getNumDynamicDims()));
    sizes = sizes.drop_front(type.getNumDynamicDims());
    if (auto tie = op.findTie(result.getResultNumber())) {
      if (!mayWriteOver(inputs[*tie]))
        return op.emitError("input ")
               << *tie << " cannot be written over: it is not the run's own";
      updated.push_back(*tie);
      mapping.map(result, inputs[*tie]);
      continue;
    }
    results.push_back(makeResult(result, dynamic, op.getLoc()));
    mapping.map(result, results.back());
  }
  auto callee = symbols.lookup<kernel::FuncOp>(op.getCallee());
  if (!callee || !callee.isEmitted())
    return op.emitError("the kernel has not been emitted");
  SmallVector<Value> parameters = lookup(op.getParameters());
  Value memory = scratch->allocate(op, callee, inputs, results, parameters);
  for (auto [i, input] : llvm::enumerate(inputs))
    // The frame is a kernel's first argument.
    if (auto type = cast<MemRefType>(callee.getArgumentTypes()[1 + i]);
        !type.getLayout().isIdentity())
      input = states->getStrided(op.getInputs()[i], type, op.getLoc());
  auto launch = kernel::LaunchOp::create(
      builder, op.getLoc(), frame, op.getCalleeAttr(), inputs, results, memory,
      parameters, builder.getI64IntegerAttr(launches++), op.getReusableAttr(),
      builder.getDenseI64ArrayAttr(updated));
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    launch->setDiscardableAttr(attribute.getName(), attribute.getValue());
  return success();
}

LogicalResult Translator::translateBranch(Region &source, Region &target) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&target.front());
  if (failed(translateBody(source.front())))
    return failure();
  Operation *end = source.front().getTerminator();
  SmallVector<Value> yielded = lookup(end->getOperands()), leftOver;
  for (auto [result, buffer] :
       llvm::zip(source.getParentOp()->getResults(), yielded)) {
    auto pair = branched.find(result);
    if (pair == branched.end())
      continue;
    auto [last, spare] = pair->second();
    if (buffer == last) {
      leftOver.push_back(spare);
      continue;
    }
    if (buffer != spare)
      kernel::CopyOp::create(builder, end->getLoc(), buffer, spare);
    buffer = spare;
    leftOver.push_back(last);
  }
  llvm::append_range(yielded, leftOver);
  scf::YieldOp::create(builder, end->getLoc(), yielded);
  return success();
}

LogicalResult Translator::translateIf(scf::IfOp op) {
  SmallVector<Type> types;
  for (Type type : op.getResultTypes())
    types.push_back(convert(type));
  SmallVector<Value> states;
  for (Value made : op.getResults())
    if (branched.contains(made)) {
      states.push_back(made);
      types.push_back(convert(made.getType()));
    }
  bool hasElse = !op.getElseRegion().empty();
  auto result = scf::IfOp::create(builder, op.getLoc(), types,
                                  mapping.lookup(op.getCondition()),
                                  /*addThenBlock=*/true, hasElse);
  if (failed(translateBranch(op.getThenRegion(), result.getThenRegion())))
    return failure();
  if (hasElse &&
      failed(translateBranch(op.getElseRegion(), result.getElseRegion())))
    return failure();
  mapping.map(op.getResults(),
              result.getResults().take_front(op.getNumResults()));
  for (auto [made, spare] :
       llvm::zip(states, result.getResults().take_back(states.size())))
    leftOver[made] = spare;
  return success();
}

LogicalResult Translator::translateFor(scf::ForOp op) {
  Location loc = op.getLoc();
  ValueRange arguments = op.getRegionIterArgs(), results = op.getResults();
  LoopBuffers buffers(*this, *op.getBody(), op.getInitArgs(),
                      llvm::to_vector(arguments), op.getYieldedValues(),
                      llvm::to_vector(results));
  auto loop =
      scf::ForOp::create(builder, loc, mapping.lookup(op.getLowerBound()),
                         mapping.lookup(op.getUpperBound()),
                         mapping.lookup(op.getStep()), buffers.makeInitial(loc),
                         [](OpBuilder &, Location, Value, ValueRange) {});
  mapping.map(op.getInductionVar(), loop.getInductionVar());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    buffers.enterBody(loop.getRegionIterArgs());
    if (failed(translateBody(*op.getBody())))
      return failure();
    scf::YieldOp::create(builder, loc, buffers.makeNext(loc));
  }
  for (auto [i, result] : llvm::enumerate(results))
    buffers.bind(i, result, loop.getResults());
  return success();
}

/// The block in front of the condition sees what the loop carries; what it
/// forwards to the body and to the results is that, or made there.
LogicalResult Translator::translateWhile(scf::WhileOp op) {
  Location loc = op.getLoc();
  Block &before = op.getBefore().front(), &after = op.getAfter().front();
  ValueRange forwarded = op.getConditionOp().getArgs();
  size_t count = before.getNumArguments();
  SmallVector<Value> inBody(count), behind(count);
  SmallVector<unsigned> origin;
  SmallVector<Value> made;
  for (auto [value, argument, result] :
       llvm::zip(forwarded, after.getArguments(), op.getResults())) {
    auto carried = dyn_cast<BlockArgument>(value);
    if (!carried || carried.getOwner() != &before) {
      origin.push_back(count);
      made.push_back(value);
      continue;
    }
    unsigned position = carried.getArgNumber();
    origin.push_back(position);
    // A value that is forwarded twice has no single use.
    bool isOnly = llvm::count(forwarded, value) == 1;
    inBody[position] = isOnly ? Value(argument) : Value();
    behind[position] = result;
  }
  LoopBuffers buffers(*this, after, op.getInits(), inBody,
                      after.getTerminator()->getOperands(), behind);
  SmallVector<Value> initial = buffers.makeInitial(loc);
  SmallVector<Type> types = llvm::to_vector(ValueRange(initial).getTypes());
  size_t carried = types.size();
  for (Value value : made)
    types.push_back(convert(value.getType()));
  auto loop = scf::WhileOp::create(builder, loc, types, initial);
  // Ties what is forwarded to buffers behind the condition.
  auto bindForwarded = [&](ValueRange values, ValueRange known) {
    ValueRange rest = known.drop_front(carried);
    for (auto [position, value] : llvm::zip(origin, values)) {
      if (position < count) {
        buffers.bind(position, value, known.take_front(carried));
        continue;
      }
      mapping.map(value, rest.front());
      rest = rest.drop_front();
    }
  };
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&loop.getBefore(), {},
                                     TypeRange(types).take_front(carried),
                                     SmallVector<Location>(carried, loc));
  for (auto [i, argument] : llvm::enumerate(before.getArguments()))
    buffers.bind(i, argument, block->getArguments());
  if (failed(translateBody(before)))
    return failure();
  SmallVector<Value> passed = llvm::to_vector_of<Value>(block->getArguments());
  llvm::append_range(passed, lookup(made));
  scf::ConditionOp::create(
      builder, loc, mapping.lookup(op.getConditionOp().getCondition()), passed);
  block = builder.createBlock(&loop.getAfter(), {}, types,
                              SmallVector<Location>(types.size(), loc));
  buffers.enterBody(block->getArguments().take_front(carried));
  bindForwarded(after.getArguments(), block->getArguments());
  if (failed(translateBody(after)))
    return failure();
  scf::YieldOp::create(builder, loc, buffers.makeNext(loc));
  bindForwarded(op.getResults(), loop.getResults());
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

LogicalResult
Translator::translateConstant(Value result, ElementsAttr value,
                              kernel::PackingAttrInterface packing) {
  mapping.map(result, Value(kernel::WeightOp::create(
                          builder, result.getLoc(), convert(result.getType()),
                          frame, value, packing, IntegerAttr())));
  return success();
}

LogicalResult Translator::translate(Operation &op) {
  Location loc = op.getLoc();
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](kernel::CallOp call) { return translateCall(call); })
      .Case([&](GrowStateOp grow) {
        states->translateGrow(grow);
        return success();
      })
      .Case([&](kernel::AliasOp alias) {
        if (states->translateAlias(alias))
          return success();
        SmallVector<Value> sizes = lookup(alias.getSizes());
        mapping.map(alias.getResult(),
                    Value(kernel::ViewOp::create(
                        builder, loc, convert(alias.getType()),
                        mapping.lookup(alias.getSource()), sizes)));
        return success();
      })
      .Case([&](ConstantOp constant) {
        return translateConstant(constant.getResult(), constant.getValueAttr(),
                                 nullptr);
      })
      .Case([&](kernel::PackedConstantOp constant) {
        return translateConstant(constant.getResult(), constant.getValueAttr(),
                                 constant.getPackingAttr());
      })
      .Case([&](tensor::EmptyOp empty) {
        mapping.map(empty.getResult(),
                    Value(kernel::AllocateOp::create(
                        builder, loc, convert(empty.getType()), frame,
                        lookup(empty.getDynamicSizes()))));
        return success();
      })
      .Case([&](ElementOp element) {
        translateElement(element);
        return success();
      })
      .Case([&](SetElementOp set) {
        translateSetElement(set);
        return success();
      })
      .Case([&](AppendOp append) {
        translateAppend(append);
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
        if (states->translateCast(cast))
          return success();
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
      .Case([&](RandomKeyOp key) {
        Type word = builder.getI64Type();
        auto drawn =
            kernel::RandomKeyOp::create(builder, loc, word, word, frame);
        Value seed = drawn.getSeed();
        if (auto given = key.getSeedAttr())
          seed = arith::ConstantOp::create(builder, loc, given);
        Value buffer = kernel::AllocateOp::create(
            builder, loc, convert(key.getType()), frame, ValueRange());
        Value numbers[] = {seed, drawn.getDraw()};
        for (auto [i, number] : llvm::enumerate(numbers)) {
          Value place = arith::ConstantIndexOp::create(builder, loc, i);
          memref::StoreOp::create(builder, loc, number, buffer, place);
        }
        mapping.map(key.getResult(), buffer);
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
  if (states->isInPlace(tensor, index))
    return success();
  Value buffer = mapping.lookup(tensor), made = buffer;
  while (isa_and_present<memref::CastOp, kernel::ViewOp>(made.getDefiningOp()))
    made = made.getDefiningOp()->getOperand(0);
  auto output = made.getDefiningOp<kernel::OutputOp>();
  if (output && static_cast<int64_t>(output.getIndex()) == index)
    return success();
  Value target = kernel::OutputOp::create(builder, loc, buffer.getType(), frame,
                                          index, dynamicSizes(buffer, loc));
  kernel::CopyOp::create(builder, loc, buffer, target);
  return success();
}

namespace sluice {
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
    KeptSizes sizes(source);
    Translator translator(builder, module, frame, sizes);
    StateBuffers states(translator, source);
    translator.useStates(&states);
    ScratchBuffers scratch(translator);
    translator.useScratch(&scratch);
    for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
      if (states.isState(argument)) {
        states.bindArgument(argument);
        continue;
      }
      StateAttr state = getState(source, i);
      if (state && state.getInPlace()) {
        if (failed(states.bindInPlace(argument, state)))
          return signalPassFailure();
        continue;
      }
      if (state && state.getAxis()) {
        source.emitError() << "input " << i << " is a state that nothing grows";
        return signalPassFailure();
      }
      translator.bind(argument,
                      kernel::InputOp::create(
                          builder, argument.getLoc(),
                          KernelBuilder::bufferType(
                              cast<RankedTensorType>(argument.getType())),
                          frame, i, /*room=*/IntegerAttr()));
    }
    Operation *end = body.getTerminator();
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (isa_and_present<kernel::CallOp, scf::ForOp>(value.getDefiningOp()) &&
          !llvm::is_contained(end->getOperands().take_front(i), value))
        translator.wantOutput(value, i);
    if (failed(translator.translateBody(body)))
      return signalPassFailure();
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (failed(translator.finishOutput(value, i, end->getLoc())))
        return signalPassFailure();
    func::ReturnOp::create(builder, end->getLoc());
    scratch.finish();
    source.erase();
  }
};
} // namespace
} // namespace sluice
