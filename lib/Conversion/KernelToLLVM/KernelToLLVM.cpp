//===- KernelToLLVM.cpp - The kernel dialect to LLVM ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include "KernelLowering.h"
#include "dialects/State/State.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "sluice/types.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_KERNELTOLLVMPASS
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"

namespace {

/// The host function asks after so many launches whether the run has failed:
/// instruction selection takes more than linear time for one long block.
constexpr int64_t launchesPerBlock = 64;

} // namespace

LLVM::CallOp KernelLowering::callHook(Value frame, FrameField field,
                                      Type result, ValueRange arguments) {
  Value hook = pointerField(frame, field);
  SmallVector<Type> types;
  for (Value argument : arguments)
    types.push_back(argument.getType());
  auto type = LLVM::LLVMFunctionType::get(
      result ? result : LLVM::LLVMVoidType::get(builder.getContext()), types);
  SmallVector<Value> operands{hook};
  llvm::append_range(operands, arguments);
  return LLVM::CallOp::create(builder, loc, type, operands);
}

void KernelLowering::guard(Value address) {
  LLVM::LLVMFuncOp &marker = guardMarker;
  if (!marker) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(module.getBody());
    marker = LLVM::LLVMFuncOp::create(
        builder, loc, "sluice.guard",
        LLVM::LLVMFunctionType::get(
            LLVM::LLVMVoidType::get(builder.getContext()), pointer));
  }
  LLVM::CallOp::create(builder, loc, marker, address);
}

Value KernelLowering::stackArray(ValueRange values) {
  func::FuncOp function = currentFunction();
  LLVM::AllocaOp &array = stackArrays[function];
  auto needed = std::max<int64_t>(1, values.size());
  if (!array || *getConstantIntValue(array.getArraySize()) < needed) {
    // In the entry block, so that loops do not grow the stack.
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(&function.getBody().front());
    Value count = constant(needed);
    if (array)
      array.getArraySizeMutable().assign(count);
    else
      array = LLVM::AllocaOp::create(builder, loc, pointer, i64, count,
                                     /*alignment=*/8);
  }
  for (auto [i, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(builder, loc, value, advance(array, i * 8));
  return array;
}

Value KernelLowering::stringConstant(StringRef text) {
  LLVM::GlobalOp &global = strings[text];
  if (!global) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(module.getBody());
    std::string bytes = text.str();
    bytes.push_back('\0');
    global = LLVM::GlobalOp::create(
        builder, loc,
        LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size()),
        /*isConstant=*/true, LLVM::Linkage::Private,
        "sluice.string." + std::to_string(strings.size()),
        builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, loc, global);
}

Value KernelLowering::frameUnlessFailed(Value frame) {
  Value status = loadField(frame, FrameField::Status, i32);
  Value good = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                    status, constant32(SLUICE_OK));
  Value null = LLVM::ZeroOp::create(builder, loc, pointer);
  return LLVM::SelectOp::create(builder, loc, good, frame, null);
}

func::FuncOp KernelLowering::currentFunction() {
  Operation *op = builder.getInsertionBlock()->getParentOp();
  while (op && !isa<func::FuncOp>(op))
    op = op->getParentOp();
  return cast_if_present<func::FuncOp>(op);
}

bool KernelLowering::isInHost() {
  func::FuncOp function = currentFunction();
  return function && (function.getName() == hostFunctionName ||
                      function->hasAttr(hostAttributeName));
}

bool KernelLowering::isHostSide() {
  func::FuncOp function = currentFunction();
  return isInHost() || (function && function.getName() == planFunctionName);
}

Value KernelLowering::pointerField(Value frame, FrameField field) {
  if (!isHostSide())
    return loadField(frame, field, pointer);
  Value &known = fields[{frame, field}];
  if (!known) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(&currentFunction().getBody().front());
    known = loadField(frame, field, pointer);
  }
  return known;
}

Value KernelLowering::loadOnce(Value array, int64_t index, Type type) {
  if (!isHostSide())
    return loadElement(array, index, type);
  Value &known = elements[{array, index}];
  if (!known) {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointAfterValue(array);
    known = loadElement(array, index, type);
  }
  return known;
}

Value KernelLowering::inputField(Value frame, int64_t input, TensorField field,
                                 Type type) {
  Value all = pointerField(frame, FrameField::Inputs);
  return loadOnce(all, input * numTensorFields + static_cast<int64_t>(field),
                  type);
}

Value KernelLowering::inputSize(Value frame, int64_t input, int64_t dimension) {
  return loadOnce(inputField(frame, input, TensorField::Dims, pointer),
                  dimension, i64);
}

func::FuncOp KernelLowering::startFunction(StringRef name, TypeRange arguments,
                                           TypeRange results) {
  builder.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType(arguments, results));
  function.setPrivate();
  function->setAttr(llvmAttributesName, builder.getStrArrayAttr({"noinline"}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

func::FuncOp KernelLowering::getProfileFunction() {
  if (profileFunction)
    return profileFunction;
  OpBuilder::InsertionGuard restore(builder);
  profileFunction = startFunction("sluice.profile", {pointer, i32, i32});
  // The runtime's own, unlike other hooks.
  profileFunction->setAttr(ignoresSubnormalsAttributeName,
                           builder.getUnitAttr());
  ValueRange arguments = profileFunction.getArguments();
  Value hook = loadField(arguments[0], FrameField::Profile, pointer);
  Value null = LLVM::ZeroOp::create(builder, loc, pointer);
  Value wanted =
      LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, hook, null);
  auto branch = scf::IfOp::create(builder, loc, wanted, false);
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(branch.thenBlock());
  callHook(arguments[0], FrameField::Profile, nullptr, arguments);
  return profileFunction;
}

func::FuncOp KernelLowering::getCheckFunction() {
  if (checkFunction)
    return checkFunction;
  OpBuilder::InsertionGuard restore(builder);
  checkFunction =
      startFunction("sluice.check",
                    {pointer, builder.getI1Type(), pointer, pointer}, pointer);
  Value frame = checkFunction.getArgument(0);
  reportUnless(frame, checkFunction.getArgument(1),
               checkFunction.getArgument(2), checkFunction.getArgument(3));
  func::ReturnOp::create(builder, loc, frameUnlessFailed(frame));
  return checkFunction;
}

void KernelLowering::reportUnless(Value frame, Value condition, Value node,
                                  Value message) {
  Value yes =
      arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  Value failed = arith::XOrIOp::create(builder, loc, condition, yes);
  auto branch = scf::IfOp::create(builder, loc, failed, false);
  OpBuilder::InsertionGuard restore(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  callHook(frame, FrameField::Fail, nullptr,
           {frame, constant32(SLUICE_RUN_FAILED), node, message});
}

void KernelLowering::profile(Value frame, Value number, int64_t end) {
  func::CallOp::create(builder, loc, getProfileFunction(),
                       ValueRange{frame, number, constant32(end)});
}

/// Kernels know their place in the profile from a last argument: with that,
/// host functions have one call for each launch.
void KernelLowering::addProfiling(func::FuncOp kernel) {
  Type number = builder.getI32Type();
  loc = kernel.getLoc();
  (void)kernel.insertArgument(kernel.getNumArguments(), number, {}, loc);
  if (kernel.isDeclaration())
    return;
  Block &entry = kernel.getBody().front();
  Value frame = entry.getArguments().front(),
        place = entry.getArguments().back();
  builder.setInsertionPointToStart(&entry);
  profile(frame, place, 0);
  builder.setInsertionPoint(entry.getTerminator());
  profile(frame, place, 1);
}

void KernelLowering::lowerLaunch(kernel::LaunchOp op) {
  SmallVector<Value> arguments{op.getFrame()};
  llvm::append_range(arguments, op.getInputs());
  llvm::append_range(arguments, op.getOutputs());
  if (op.getScratch())
    arguments.push_back(op.getScratch());
  llvm::append_range(arguments, op.getParameters());
  func::FuncOp callee = functions.lookup(op.getCallee());
  kernels.insert(callee);
  SmallVector<Value> operands;
  for (auto [buffer, type] :
       llvm::zip(arguments, callee.getFunctionType().getInputs())) {
    // Launches may know more about sizes than the kernel they share.
    if (!isFlattened(type)) {
      if (buffer.getType() != type)
        buffer = memref::CastOp::create(builder, loc, type, buffer);
      operands.push_back(buffer);
      continue;
    }
    operands.push_back(addressOf(buffer));
    auto memory = cast<MemRefType>(type);
    for (int64_t i = 0; i < memory.getRank(); ++i)
      if (memory.isDynamicDim(i))
        operands.push_back(dynamicSize(buffer, i));
  }
  Value place = constant32(op.getIndex());
  if (kernelsProfile) {
    operands.push_back(place);
    func::CallOp::create(builder, loc, callee, operands);
  } else {
    profile(op.getFrame(), place, 0);
    func::CallOp::create(builder, loc, callee, operands);
    profile(op.getFrame(), place, 1);
  }
  if (isInHost() && ++hostLaunches % launchesPerBlock == 0)
    guard(frameUnlessFailed(op.getFrame()));
}

/// A piece of the host function returns early where the run has failed.
void KernelLowering::lowerCallsOfPieces() {
  func::FuncOp host = functions.lookup(hostFunctionName);
  if (!host)
    return;
  for (auto call : llvm::to_vector(host.getOps<func::CallOp>())) {
    func::FuncOp callee = functions.lookup(call.getCallee());
    if (!callee || !callee->hasAttr(hostAttributeName))
      continue;
    builder.setInsertionPointAfter(call);
    loc = call.getLoc();
    guard(frameUnlessFailed(host.getArgument(0)));
  }
}

void KernelLowering::lowerInput(kernel::InputOp op) {
  auto type = cast<MemRefType>(op.getType());
  Value address =
      inputField(op.getFrame(), op.getIndex(), TensorField::Data, pointer);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(
          toIndex(op.getRoom() == static_cast<uint64_t>(i)
                      ? inputField(op.getFrame(), op.getIndex(),
                                   TensorField::Capacity, i64)
                      : inputSize(op.getFrame(), op.getIndex(), i)));
  setPlace(op, address, sizes);
}

void KernelLowering::lowerCopy(kernel::CopyOp op) {
  auto type = cast<MemRefType>(op.getSource().getType());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(dynamicSize(op.getSource(), i));
  LLVM::MemcpyOp::create(builder, loc, addressOf(op.getTarget()),
                         addressOf(op.getSource()), byteSize(type, sizes),
                         /*isVolatile=*/false);
}

/// Does another check come before anything that must not run where this one
/// fails? The other then ends the function for both.
static bool isFollowedByCheck(kernel::CheckOp check) {
  Operation *op = check->getNextNode();
  while (op && isMemoryEffectFree(op) && isSpeculatable(op))
    op = op->getNextNode();
  return isa_and_present<kernel::CheckOp>(op);
}

void KernelLowering::lowerCheck(kernel::CheckOp op) {
  std::string node;
  op.getLoc()->walk([&](Location inner) {
    if (auto name = dyn_cast<NameLoc>(inner); name && node.empty())
      node = name.getName().str();
    return WalkResult::advance();
  });
  Value frame = op.getFrame(), condition = op.getCondition();
  Value where = stringConstant(node), message = stringConstant(op.getMessage());
  // Kernels may be in the middle of a parallel loop, so they go on; the host
  // function ends here.
  if (!isInHost()) {
    reportUnless(frame, condition, where, message);
    return;
  }
  auto check =
      func::CallOp::create(builder, loc, getCheckFunction(),
                           ValueRange{frame, condition, where, message});
  if (!isFollowedByCheck(op))
    guard(check.getResult(0));
}

void KernelLowering::lower(Operation *op) {
  builder.setInsertionPoint(op);
  loc = op->getLoc();
  if (!isa<kernel::KernelDialect>(op->getDialect())) {
    if (auto size = dyn_cast<memref::DimOp>(op))
      lowerSize(size);
    else
      lowerControlFlow(op);
    return;
  }
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](kernel::LaunchOp launch) { lowerLaunch(launch); })
      .Case([&](kernel::InputOp input) { lowerInput(input); })
      .Case([&](kernel::CopyOp copy) { lowerCopy(copy); })
      .Case([&](kernel::CheckOp check) { lowerCheck(check); })
      .Case([&](kernel::LibraryCallOp call) { lowerLibraryCall(call); })
      .Case([&](kernel::InputSizeOp size) {
        size.replaceAllUsesWith(toIndex(
            inputSize(size.getFrame(), size.getIndex(), size.getDimension())));
      })
      .Case([&](kernel::RandomKeyOp key) {
        Value one = constant(1);
        Value place =
            advance(key.getFrame(), frameOffset(FrameField::RandomDraws));
        Value draw = LLVM::LoadOp::create(builder, loc, i64, place);
        LLVM::StoreOp::create(
            builder, loc, LLVM::AddOp::create(builder, loc, draw, one), place);
        Value seed = loadField(key.getFrame(), FrameField::RandomSeed, i64);
        key.replaceAllUsesWith(ValueRange{seed, draw});
      })
      .Case([&](kernel::WeightOp weight) {
        Value base = pointerField(weight.getFrame(), FrameField::Weights);
        setPlace(weight, advance(base, weight.getOffset().value_or(0)), {});
      })
      .Case([&](kernel::OutputOp output) {
        auto type = cast<MemRefType>(output.getType());
        Value dims = stackArray(allSizes(type, output.getSizes()));
        Value address =
            callHook(output.getFrame(), FrameField::Output, pointer,
                     {output.getFrame(), constant32(output.getIndex()),
                      constant32(type.getRank()), dims})
                .getResult();
        guard(address);
        setPlace(output, address, output.getSizes());
      })
      .Case([&](kernel::AllocateOp allocate) {
        auto type = cast<MemRefType>(allocate.getType());
        Value address =
            callHook(allocate.getFrame(), FrameField::Allocate, pointer,
                     {allocate.getFrame(),
                      checkedByteSize(type, allocate.getSizes())})
                .getResult();
        guard(address);
        setPlace(allocate, address, allocate.getSizes());
      })
      .Case([&](kernel::WorkspaceOp workspace) {
        Value base = pointerField(workspace.getFrame(), FrameField::Workspace);
        auto known = getConstantIntValue(workspace.getOffset());
        setPlace(workspace,
                 known ? advance(base, *known)
                       : advance(base, toI64(workspace.getOffset())),
                 workspace.getSizes());
      })
      .Case([&](kernel::SubviewOp part) {
        auto type = cast<MemRefType>(part.getType());
        Value width = constant((type.getElementTypeBitWidth() + 7) / 8);
        Value bytes =
            LLVM::MulOp::create(builder, loc, toI64(part.getOffset()), width);
        setPlace(part, advance(addressOf(part.getSource()), bytes),
                 part.getSizes());
      })
      .Case([&](kernel::ViewOp view) {
        setPlace(view, addressOf(view.getSource()), view.getSizes());
      });
  if (!op->getNumResults() || !places.contains(op->getResult(0)))
    op->erase();
}

void KernelLowering::makeEntryPoints() {
  loc = module.getLoc();
  builder.setInsertionPointToEnd(module.getBody());
  auto host = module.lookupSymbol<func::FuncOp>(hostFunctionName);
  if (!host)
    return;
  host.setPrivate();
  // It runs once per run, while its code is as long as the graph.
  host->setAttr(llvmAttributesName, builder.getStrArrayAttr({"optsize"}));
  host->setAttr(hostAttributeName, builder.getUnitAttr());
  auto run = func::FuncOp::create(builder, loc, runFunctionName,
                                  builder.getFunctionType(pointer, i32));
  builder.setInsertionPointToStart(run.addEntryBlock());
  func::CallOp::create(builder, loc, host, run.getArgument(0));
  Value status = loadField(run.getArgument(0), FrameField::Status, i32);
  func::ReturnOp::create(builder, loc, status);

  auto plan = module.lookupSymbol<func::FuncOp>(planFunctionName);
  if (!plan)
    return;
  plan.setPrivate();
  plan->setAttr(llvmAttributesName, builder.getStrArrayAttr({"optsize"}));
  plan->setAttr(hostAttributeName, builder.getUnitAttr());
  builder.setInsertionPointToEnd(module.getBody());
  auto size = func::FuncOp::create(builder, loc, workspaceFunctionName,
                                   builder.getFunctionType(pointer, i64));
  builder.setInsertionPointToStart(size.addEntryBlock());
  // The plan reads the inputs' sizes through a frame.
  Value frame =
      LLVM::AllocaOp::create(builder, loc, pointer, builder.getI8Type(),
                             constant(sizeof(sluice_frame)),
                             /*alignment=*/8);
  LLVM::StoreOp::create(builder, loc, size.getArgument(0),
                        advance(frame, frameOffset(FrameField::Inputs)));
  Value bytes = func::CallOp::create(builder, loc, plan, frame).getResult(0);
  func::ReturnOp::create(builder, loc, toI64(bytes));
}

LogicalResult KernelLowering::makeFunctions() {
  for (auto kernel :
       llvm::make_early_inc_range(module.getOps<kernel::FuncOp>())) {
    if (!kernel.isEmitted())
      return kernel.emitError("the kernel has not been emitted");
    builder.setInsertionPoint(kernel);
    auto function =
        func::FuncOp::create(builder, kernel.getLoc(), kernel.getSymName(),
                             kernel.getFunctionType());
    function.setPrivate();
    function->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
    function.getBody().takeBody(kernel.getBody());
    Operation *yield = function.getBody().front().getTerminator();
    builder.setInsertionPoint(yield);
    func::ReturnOp::create(builder, yield->getLoc());
    yield->erase();
    kernel.erase();
  }
  return success();
}

LogicalResult KernelLowering::checkLaunch(kernel::LaunchOp op) const {
  func::FuncOp callee = functions.lookup(op.getCallee());
  if (!callee)
    return op.emitError("there is no kernel '") << op.getCallee() << "'";
  // The index is an attribute of the launch; all else are arguments.
  TypeRange given = op->getOperandTypes();
  ArrayRef<Type> wanted = callee.getFunctionType().getInputs();
  if (given.size() != wanted.size())
    return op.emitError("the kernel '")
           << op.getCallee() << "' takes " << wanted.size() << " operands, not "
           << given.size();
  for (auto [type, expected] : llvm::zip(given, wanted))
    if (type != expected && !memref::CastOp::areCastCompatible(type, expected))
      return op.emitError("the kernel '")
             << op.getCallee() << "' takes " << expected << ", not " << type;
  return success();
}

LogicalResult KernelLowering::run() {
  if (failed(makeFunctions()))
    return failure();
  // Code knows the places of constants; their values are the artifact's.
  for (auto constant :
       llvm::make_early_inc_range(module.getOps<kernel::ConstantOp>()))
    constant.erase();
  for (auto function : module.getOps<func::FuncOp>())
    functions[function.getName()] = function;
  SmallVector<Operation *> ops;
  // Loops in front of what is in them, which reads what they carry.
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto function = op->getParentOfType<func::FuncOp>();
    bool isHost = function && function.getName() == hostFunctionName;
    if (isa<kernel::KernelDialect>(op->getDialect()) ||
        (isHost && (isa<memref::DimOp>(op) || passesBuffersOn(op))))
      ops.push_back(op);
  });
  kernelsProfile =
      llvm::count_if(ops, llvm::IsaPred<kernel::LaunchOp>) > manyLaunches;
  for (Operation *op : ops)
    if (auto launch = dyn_cast<kernel::LaunchOp>(op);
        launch && failed(checkLaunch(launch)))
      return failure();
  for (Operation *op : ops)
    lower(op);
  finish();
  lowerCallsOfPieces();
  for (func::FuncOp kernel : kernels) {
    if (kernelsProfile)
      addProfiling(kernel);
    flattenArguments(kernel);
  }
  makeEntryPoints();
  return success();
}

namespace {
class KernelToLLVMPass final
    : public impl::KernelToLLVMPassBase<KernelToLLVMPass> {
public:
  using KernelToLLVMPassBase::KernelToLLVMPassBase;
  void runOnOperation() final {
    if (failed(KernelLowering(getOperation(), manyLaunches).run()))
      signalPassFailure();
  }
};
} // namespace
} // namespace sluice
