//===- KernelToLLVM.cpp - The kernel dialect to LLVM ----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Conversion/KernelToLLVM/KernelToLLVM.h"
#include "dialects/Kernel/Kernel.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "sluice/types.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {
#define GEN_PASS_DEF_KERNELTOLLVMPASS
#include "sluice/Conversion/KernelToLLVM/Passes.h.inc"

namespace {

constexpr StringLiteral hostFunctionName = "sluice_host";

/// The host function asks after so many launches whether the run has failed:
/// instruction selection takes more than linear time for one long block.
constexpr int64_t launchesPerBlock = 64;

class Lowering {
public:
  Lowering(ModuleOp module)
      : module(module), builder(module.getContext()),
        converter(module.getContext()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        i64(builder.getI64Type()), i32(builder.getI32Type()) {}

  void run();

private:
  void lower(Operation *op);
  void lowerLaunch(kernel::LaunchOp op);
  void lowerInput(kernel::InputOp op);
  void lowerCopy(kernel::CopyOp op);
  void lowerCheck(kernel::CheckOp op);
  void makeEntryPoints();
  void flattenArguments(func::FuncOp kernel);

  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, i64,
                                    builder.getI64IntegerAttr(value));
  }
  Value constant32(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, i32,
                                    builder.getI32IntegerAttr(value));
  }
  /// The pointer `bytes` behind another.
  Value advance(Value base, Value bytes) {
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base,
                               ValueRange{bytes});
  }
  Value loadField(Value frame, FrameField field, Type type) {
    Value address = advance(frame, constant(frameOffset(field)));
    return LLVM::LoadOp::create(builder, loc, type, address);
  }
  Value loadElement(Value array, int64_t index, Type type) {
    Value address = advance(array, constant(index * 8));
    return LLVM::LoadOp::create(builder, loc, type, address);
  }
  Value toI64(Value index) {
    return arith::IndexCastOp::create(builder, loc, i64, index);
  }
  Value toIndex(Value integer) {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      integer);
  }
  /// A contiguous buffer at an address.
  Value makeBuffer(Value address, MemRefType type, ValueRange dynamicSizes);
  Value addressOf(Value buffer);
  /// Bytes of a buffer of this type.
  Value byteSize(MemRefType type, ValueRange dynamicSizes);
  /// The same, or -1 if a size is negative or the bytes cannot be counted.
  Value checkedByteSize(MemRefType type, ValueRange dynamicSizes);
  SmallVector<Value> allSizes(MemRefType type, ValueRange dynamicSizes);
  /// Calls a hook of the frame.
  LLVM::CallOp callHook(Value frame, FrameField field, Type result,
                        ValueRange arguments);
  void guard(Value address);
  /// A function (frame, kernel, end) that calls the frame's profiling hook if
  /// there is one: branches around every launch would make the host function
  /// costly to compile.
  func::FuncOp getProfileFunction();
  /// A function (frame, condition, node, message) that reports a failure where
  /// the condition does not hold. It has the branch, as above.
  func::FuncOp getCheckFunction();
  /// A private function with an empty entry block, where the builder is then.
  func::FuncOp startFunction(StringRef name, TypeRange arguments);
  /// Ends the host function where the condition does not hold.
  void guardCondition(Value frame, Value holds);
  /// Reports a failure where the condition does not hold, and goes on.
  void reportUnless(Value frame, Value condition, Value node, Value message);
  bool isInHost(Operation *op);
  /// An array of 64-bit numbers on the stack.
  Value stackArray(ValueRange values);
  Value stringConstant(StringRef text);

  ModuleOp module;
  OpBuilder builder;
  LLVMTypeConverter converter;
  Type pointer, i64, i32;
  Location loc = UnknownLoc::get(builder.getContext());
  llvm::StringMap<LLVM::GlobalOp> strings;
  llvm::SetVector<func::FuncOp> kernels;
  llvm::StringMap<func::FuncOp> functions;
  func::FuncOp profileFunction, checkFunction;
  LLVM::LLVMFuncOp guardMarker;
  int64_t hostLaunches = 0;
};

/// A contiguous buffer is passed as its address and its dynamic sizes.
bool isFlattened(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  return buffer && buffer.getLayout().isIdentity();
}

} // namespace

SmallVector<Value> Lowering::allSizes(MemRefType type,
                                      ValueRange dynamicSizes) {
  SmallVector<Value> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      sizes.push_back(toI64(dynamicSizes.front()));
      dynamicSizes = dynamicSizes.drop_front();
    } else {
      sizes.push_back(constant(size));
    }
  }
  return sizes;
}

Value Lowering::makeBuffer(Value address, MemRefType type,
                           ValueRange dynamicSizes) {
  auto descriptor =
      MemRefDescriptor::poison(builder, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(builder, loc, address);
  descriptor.setAlignedPtr(builder, loc, address);
  descriptor.setConstantOffset(builder, loc, 0);
  SmallVector<Value> sizes = allSizes(type, dynamicSizes);
  Value stride = constant(1);
  for (int64_t i = type.getRank(); i-- > 0;) {
    descriptor.setSize(builder, loc, i, sizes[i]);
    descriptor.setStride(builder, loc, i, stride);
    if (i > 0)
      stride = LLVM::MulOp::create(builder, loc, stride, sizes[i]);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type,
                                            Value(descriptor))
      .getResult(0);
}

Value Lowering::addressOf(Value buffer) {
  Value index =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer);
  return LLVM::IntToPtrOp::create(builder, loc, pointer, toI64(index));
}

Value Lowering::byteSize(MemRefType type, ValueRange dynamicSizes) {
  int64_t known = (type.getElementTypeBitWidth() + 7) / 8;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      known *= size;
  Value bytes = constant(known);
  for (Value size : dynamicSizes)
    bytes = LLVM::MulOp::create(builder, loc, bytes, toI64(size));
  return bytes;
}

Value Lowering::checkedByteSize(MemRefType type, ValueRange dynamicSizes) {
  if (dynamicSizes.empty())
    return byteSize(type, dynamicSizes);
  Value bytes = byteSize(MemRefType::get({}, type.getElementType()), {});
  Value senseless = LLVM::ConstantOp::create(builder, loc, builder.getI1Type(),
                                             builder.getBoolAttr(false));
  auto count = [&](Value failure) {
    senseless = LLVM::OrOp::create(builder, loc, senseless, failure);
  };
  auto pair = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                               {i64, builder.getI1Type()});
  for (Value size : allSizes(type, dynamicSizes)) {
    Value product =
        LLVM::SMulWithOverflowOp::create(builder, loc, pair, bytes, size);
    bytes = LLVM::ExtractValueOp::create(builder, loc, product, 0);
    count(LLVM::ExtractValueOp::create(builder, loc, product, 1));
    count(LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::slt, size,
                               constant(0)));
  }
  return LLVM::SelectOp::create(builder, loc, senseless, constant(-1), bytes);
}

LLVM::CallOp Lowering::callHook(Value frame, FrameField field, Type result,
                                ValueRange arguments) {
  Value hook = loadField(frame, field, pointer);
  SmallVector<Type> types;
  for (Value argument : arguments)
    types.push_back(argument.getType());
  auto type = LLVM::LLVMFunctionType::get(
      result ? result : LLVM::LLVMVoidType::get(builder.getContext()), types);
  SmallVector<Value> operands{hook};
  llvm::append_range(operands, arguments);
  return LLVM::CallOp::create(builder, loc, type, operands);
}

void Lowering::guard(Value address) {
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

Value Lowering::stackArray(ValueRange values) {
  // In the entry block, so that loops do not grow the stack.
  Operation *function = builder.getInsertionBlock()->getParentOp();
  while (!isa<func::FuncOp>(function))
    function = function->getParentOp();
  Value array;
  {
    OpBuilder::InsertionGuard restore(builder);
    builder.setInsertionPointToStart(
        &cast<func::FuncOp>(function).getBody().front());
    array = LLVM::AllocaOp::create(
        builder, loc, pointer, i64,
        constant(std::max<int64_t>(1, values.size())), /*alignment=*/8);
  }
  for (auto [i, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(builder, loc, value, advance(array, constant(i * 8)));
  return array;
}

Value Lowering::stringConstant(StringRef text) {
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

void Lowering::guardCondition(Value frame, Value holds) {
  Value null = LLVM::ZeroOp::create(builder, loc, pointer);
  guard(LLVM::SelectOp::create(builder, loc, holds, frame, null));
}

bool Lowering::isInHost(Operation *op) {
  auto function = op->getParentOfType<func::FuncOp>();
  return function && function.getName() == hostFunctionName;
}

func::FuncOp Lowering::startFunction(StringRef name, TypeRange arguments) {
  builder.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(builder, loc, name,
                                       builder.getFunctionType(arguments, {}));
  function.setPrivate();
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

func::FuncOp Lowering::getProfileFunction() {
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

func::FuncOp Lowering::getCheckFunction() {
  if (checkFunction)
    return checkFunction;
  OpBuilder::InsertionGuard restore(builder);
  checkFunction = startFunction(
      "sluice.check", {pointer, builder.getI1Type(), pointer, pointer});
  Value frame = checkFunction.getArgument(0);
  reportUnless(frame, checkFunction.getArgument(1),
               checkFunction.getArgument(2), checkFunction.getArgument(3));
  func::ReturnOp::create(builder, loc);
  return checkFunction;
}

void Lowering::reportUnless(Value frame, Value condition, Value node,
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

void Lowering::lowerLaunch(kernel::LaunchOp op) {
  SmallVector<Value> buffers{op.getFrame()};
  llvm::append_range(buffers, op.getInputs());
  llvm::append_range(buffers, op.getOutputs());
  if (op.getScratch())
    buffers.push_back(op.getScratch());
  func::FuncOp callee = functions.lookup(op.getCallee());
  kernels.insert(callee);
  SmallVector<Value> operands;
  for (auto [buffer, type] :
       llvm::zip(buffers, callee.getFunctionType().getInputs())) {
    // Launches may know more about sizes than the kernel they share.
    if (buffer.getType() != type)
      buffer = memref::CastOp::create(builder, loc, type, buffer);
    if (!isFlattened(type)) {
      operands.push_back(buffer);
      continue;
    }
    operands.push_back(addressOf(buffer));
    auto memory = cast<MemRefType>(type);
    for (int64_t i = 0; i < memory.getRank(); ++i)
      if (memory.isDynamicDim(i))
        operands.push_back(memref::DimOp::create(builder, loc, buffer, i));
  }
  auto profile = [&](int64_t end) {
    func::CallOp::create(
        builder, loc, getProfileFunction(),
        ValueRange{op.getFrame(), constant32(op.getIndex()), constant32(end)});
  };
  profile(0);
  func::CallOp::create(builder, loc, callee, operands);
  profile(1);
  if (!isInHost(op) || ++hostLaunches % launchesPerBlock != 0)
    return;
  Value status = loadField(op.getFrame(), FrameField::Status, i32);
  guardCondition(op.getFrame(),
                 LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                      status, constant32(SLUICE_OK)));
}

void Lowering::lowerInput(kernel::InputOp op) {
  auto type = cast<MemRefType>(op.getType());
  Value inputs = loadField(op.getFrame(), FrameField::Inputs, pointer);
  Value address = loadElement(inputs, op.getIndex(), pointer);
  SmallVector<Value> sizes;
  if (!type.hasStaticShape()) {
    Value all = loadField(op.getFrame(), FrameField::InputDims, pointer);
    Value mine = loadElement(all, op.getIndex(), pointer);
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(toIndex(loadElement(mine, i, i64)));
  }
  op.replaceAllUsesWith(makeBuffer(address, type, sizes));
}

void Lowering::lowerCopy(kernel::CopyOp op) {
  auto type = cast<MemRefType>(op.getSource().getType());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(memref::DimOp::create(builder, loc, op.getSource(), i));
  LLVM::MemcpyOp::create(builder, loc, addressOf(op.getTarget()),
                         addressOf(op.getSource()), byteSize(type, sizes),
                         /*isVolatile=*/false);
}

void Lowering::lowerCheck(kernel::CheckOp op) {
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
  if (!isInHost(op)) {
    reportUnless(frame, condition, where, message);
    return;
  }
  func::CallOp::create(builder, loc, getCheckFunction(),
                       ValueRange{frame, condition, where, message});
  guardCondition(frame, condition);
}

void Lowering::lower(Operation *op) {
  builder.setInsertionPoint(op);
  loc = op->getLoc();
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](kernel::LaunchOp launch) { lowerLaunch(launch); })
      .Case([&](kernel::InputOp input) { lowerInput(input); })
      .Case([&](kernel::CopyOp copy) { lowerCopy(copy); })
      .Case([&](kernel::CheckOp check) { lowerCheck(check); })
      .Case([&](kernel::InputSizeOp size) {
        Value all = loadField(size.getFrame(), FrameField::InputDims, pointer);
        Value mine = loadElement(all, size.getIndex(), pointer);
        size.replaceAllUsesWith(
            toIndex(loadElement(mine, size.getDimension(), i64)));
      })
      .Case([&](kernel::RandomKeyOp key) {
        Value one = constant(1);
        Value place = advance(key.getFrame(),
                              constant(frameOffset(FrameField::RandomDraws)));
        Value draw = LLVM::LoadOp::create(builder, loc, i64, place);
        LLVM::StoreOp::create(
            builder, loc, LLVM::AddOp::create(builder, loc, draw, one), place);
        Value seed = loadField(key.getFrame(), FrameField::RandomSeed, i64);
        key.replaceAllUsesWith(ValueRange{seed, draw});
      })
      .Case([&](kernel::WeightOp weight) {
        Value base = loadField(weight.getFrame(), FrameField::Weights, pointer);
        Value address = advance(base, constant(weight.getOffset().value_or(0)));
        weight.replaceAllUsesWith(
            makeBuffer(address, cast<MemRefType>(weight.getType()), {}));
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
        output.replaceAllUsesWith(makeBuffer(address, type, output.getSizes()));
      })
      .Case([&](kernel::AllocateOp allocate) {
        auto type = cast<MemRefType>(allocate.getType());
        Value address =
            callHook(allocate.getFrame(), FrameField::Allocate, pointer,
                     {allocate.getFrame(),
                      checkedByteSize(type, allocate.getSizes())})
                .getResult();
        guard(address);
        allocate.replaceAllUsesWith(
            makeBuffer(address, type, allocate.getSizes()));
      })
      .Case([&](kernel::WorkspaceOp workspace) {
        Value base =
            loadField(workspace.getFrame(), FrameField::Workspace, pointer);
        Value address = advance(base, toI64(workspace.getOffset()));
        workspace.replaceAllUsesWith(
            makeBuffer(address, cast<MemRefType>(workspace.getType()),
                       workspace.getSizes()));
      })
      .Case([&](kernel::SubviewOp part) {
        auto type = cast<MemRefType>(part.getType());
        Value width = constant((type.getElementTypeBitWidth() + 7) / 8);
        Value bytes =
            LLVM::MulOp::create(builder, loc, toI64(part.getOffset()), width);
        part.replaceAllUsesWith(
            makeBuffer(advance(addressOf(part.getSource()), bytes), type,
                       part.getSizes()));
      })
      .Case([&](kernel::ViewOp view) {
        view.replaceAllUsesWith(makeBuffer(addressOf(view.getSource()),
                                           cast<MemRefType>(view.getType()),
                                           view.getSizes()));
      });
  op->erase();
}

void Lowering::makeEntryPoints() {
  loc = module.getLoc();
  builder.setInsertionPointToEnd(module.getBody());
  auto host = module.lookupSymbol<func::FuncOp>(hostFunctionName);
  if (!host)
    return;
  host.setPrivate();
  // It runs once per run, while its code is as long as the graph.
  host->setAttr("passthrough", builder.getStrArrayAttr({"optsize"}));
  auto run = func::FuncOp::create(builder, loc, runFunctionName,
                                  builder.getFunctionType(pointer, i32));
  builder.setInsertionPointToStart(run.addEntryBlock());
  func::CallOp::create(builder, loc, host, run.getArgument(0));
  Value status = loadField(run.getArgument(0), FrameField::Status, i32);
  func::ReturnOp::create(builder, loc, status);

  auto plan = module.lookupSymbol<func::FuncOp>("sluice_plan");
  if (!plan)
    return;
  plan.setPrivate();
  plan->setAttr("passthrough", builder.getStrArrayAttr({"optsize"}));
  builder.setInsertionPointToEnd(module.getBody());
  auto size = func::FuncOp::create(builder, loc, workspaceFunctionName,
                                   builder.getFunctionType(pointer, i64));
  builder.setInsertionPointToStart(size.addEntryBlock());
  // The plan reads the inputs' sizes through a frame.
  Value frame =
      LLVM::AllocaOp::create(builder, loc, pointer, builder.getI8Type(),
                             constant(sizeof(sluice_frame)),
                             /*alignment=*/8);
  LLVM::StoreOp::create(
      builder, loc, size.getArgument(0),
      advance(frame, constant(frameOffset(FrameField::InputDims))));
  Value bytes = func::CallOp::create(builder, loc, plan, frame).getResult(0);
  func::ReturnOp::create(builder, loc, toI64(bytes));
}

/// Replaces the buffers among a kernel's arguments by addresses and sizes, and
/// keeps the kernel a function of its own.
void Lowering::flattenArguments(func::FuncOp kernel) {
  SmallVector<Attribute> attributes{builder.getStringAttr("noinline")};
  if (auto own = kernel->getAttrOfType<ArrayAttr>(llvmAttributesName))
    llvm::append_range(attributes, own);
  kernel->setAttr(llvmAttributesName, builder.getArrayAttr(attributes));
  SmallVector<Type> types;
  for (Type type : kernel.getFunctionType().getInputs()) {
    if (!isFlattened(type)) {
      types.push_back(type);
      continue;
    }
    types.push_back(pointer);
    types.append(cast<MemRefType>(type).getNumDynamicDims(),
                 builder.getIndexType());
  }
  kernel.setFunctionType(builder.getFunctionType(types, {}));
  if (kernel.isDeclaration())
    return;
  loc = kernel.getLoc();
  Block &entry = kernel.getBody().front();
  builder.setInsertionPointToStart(&entry);
  for (unsigned next = 0; next < entry.getNumArguments(); ++next) {
    BlockArgument buffer = entry.getArgument(next);
    if (!isFlattened(buffer.getType()))
      continue;
    auto type = cast<MemRefType>(buffer.getType());
    Value address = entry.insertArgument(next++, pointer, loc);
    SmallVector<Value> sizes;
    for (int64_t i = 0, e = type.getNumDynamicDims(); i < e; ++i)
      sizes.push_back(
          entry.insertArgument(next++, builder.getIndexType(), loc));
    buffer.replaceAllUsesWith(makeBuffer(address, type, sizes));
    entry.eraseArgument(next--);
  }
}

void Lowering::run() {
  for (auto function : module.getOps<func::FuncOp>())
    functions[function.getName()] = function;
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<kernel::KernelDialect>(op->getDialect()))
      ops.push_back(op);
  });
  for (Operation *op : ops)
    lower(op);
  for (func::FuncOp kernel : kernels)
    flattenArguments(kernel);
  makeEntryPoints();
}

namespace {
class KernelToLLVMPass final
    : public impl::KernelToLLVMPassBase<KernelToLLVMPass> {
public:
  using KernelToLLVMPassBase::KernelToLLVMPassBase;
  void runOnOperation() final { Lowering(getOperation()).run(); }
};
} // namespace
} // namespace sluice
