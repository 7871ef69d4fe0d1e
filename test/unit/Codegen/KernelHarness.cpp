//===- KernelHarness.cpp - Compiles and calls kernels in process ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "KernelHarness.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "sluice/Analysis/TargetAnalysis.h"
#include "sluice/Codegen/CPU/DotUnits/DotUnit.h"
#include "sluice/Codegen/CPU/Passes.h"
#include "sluice/Conversion/LowerToLLVM/LowerToLLVM.h"
#include "sluice/Target/CPU/ObjectEmitter.h"

using namespace mlir;
using namespace sluice;
using namespace sluice::testing;

static bool dumps(llvm::StringRef stage) {
  const char *wanted = std::getenv("SLUICE_DUMP_KERNEL");
  return wanted && stage == wanted;
}

/// All buffers of a kernel but its scratch memory are of f32.
static SmallVector<NumberKind> floatBuffers(unsigned bufferCount) {
  return SmallVector<NumberKind>(bufferCount - 1, NumberKind::F32);
}

static void buildFunction(ModuleOp module, ArrayRef<NumberKind> kinds,
                          unsigned sizeCount, KernelBody body) {
  OpBuilder builder(module.getContext());
  Location loc = builder.getUnknownLoc();
  auto bytes = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  SmallVector<Type> arguments;
  for (NumberKind kind : kinds)
    arguments.push_back(MemRefType::get(
        {ShapedType::kDynamic}, getNumberType(module.getContext(), kind)));
  arguments.push_back(bytes);
  arguments.append(sizeCount, builder.getIndexType());
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, loc, "kernel",
                                       builder.getFunctionType(arguments, {}));
  function->setAttr("llvm.emit_c_interface", builder.getUnitAttr());
  builder.setInsertionPointToStart(function.addEntryBlock());
  ValueRange all = function.getArguments();
  size_t bufferCount = kinds.size() + 1;
  body(builder, loc, all.take_front(bufferCount), all.drop_front(bufferCount));
  func::ReturnOp::create(builder, loc);
}

/// Makes parallel loops run backwards.
static void reverseParallelLoops(ModuleOp module) {
  module.walk([](scf::ParallelOp loop) {
    OpBuilder builder(loop.getContext());
    builder.setInsertionPointToStart(loop.getBody());
    Location loc = loop.getLoc();
    Value iteration = loop.getInductionVars().front();
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value last =
        arith::SubIOp::create(builder, loc, loop.getUpperBound().front(), one);
    auto reversed = arith::SubIOp::create(builder, loc, last, iteration);
    iteration.replaceAllUsesExcept(reversed, reversed);
  });
}

static llvm::Error dump(ModuleOp module, const ObjectEmitterOptions &options) {
  for (auto [name, form] : {std::pair("llvm", CodeForm::LlvmIr),
                            std::pair("asm", CodeForm::Assembly)}) {
    if (!dumps(name))
      continue;
    auto text = emitCode(module, form, options);
    if (!text)
      return text.takeError();
    llvm::errs() << llvm::StringRef(text->data(), text->size());
  }
  return llvm::Error::success();
}

static llvm::Expected<CodeBuffer> emitObject(const MachineModel &machine,
                                             ArrayRef<NumberKind> kinds,
                                             unsigned sizeCount,
                                             KernelBody body, LoopOrder order) {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, func::FuncDialect, kernel::KernelDialect,
                  LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
                  scf::SCFDialect, vector::VectorDialect>();
  registerCodeTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  buildFunction(*module, kinds, sizeCount, body);
  if (failed(verify(*module)))
    return llvm::createStringError("the kernel is not valid IR");
  if (order == LoopOrder::Backward)
    reverseParallelLoops(*module);
  if (dumps("mlir"))
    module->dump();
  (*module)->setAttr(kernel::targetAttributeName, getTarget(&context, machine));
  PassManager passes(&context);
  passes.addPass(createExpandHalfPass());
  buildLowerToLLVMPipeline(passes, LowerToLLVMOptions());
  if (failed(passes.run(*module)))
    return llvm::createStringError("cannot lower the kernel");
  ObjectEmitterOptions options;
  options.machine = machine;
  if (llvm::Error error = dump(*module, options))
    return std::move(error);
  return emitCode(*module, CodeForm::Object, options);
}

llvm::Expected<size_t>
CompiledKernel::getObjectSize(const MachineModel &machine, unsigned bufferCount,
                              unsigned sizeCount, KernelBody body) {
  return getObjectSize(machine, floatBuffers(bufferCount), sizeCount, body);
}

llvm::Expected<size_t>
CompiledKernel::getObjectSize(const MachineModel &machine,
                              ArrayRef<NumberKind> kinds, unsigned sizeCount,
                              KernelBody body) {
  auto object = emitObject(machine, kinds, sizeCount, body, LoopOrder::Forward);
  if (!object)
    return object.takeError();
  return object->size();
}

llvm::Expected<std::unique_ptr<CompiledKernel>>
CompiledKernel::compile(const MachineModel &machine, unsigned bufferCount,
                        unsigned sizeCount, KernelBody body, LoopOrder order) {
  return compile(machine, floatBuffers(bufferCount), sizeCount, body, order);
}

llvm::Expected<std::unique_ptr<CompiledKernel>>
CompiledKernel::compile(const MachineModel &machine, ArrayRef<NumberKind> kinds,
                        unsigned sizeCount, KernelBody body, LoopOrder order) {
  if (kinds.size() + 1 + sizeCount > maxArguments)
    return llvm::createStringError("too many kernel arguments");
  auto object = emitObject(machine, kinds, sizeCount, body, order);
  if (!object)
    return object.takeError();
  auto kernel = std::make_unique<CompiledKernel>();
  kernel->objectSize = object->size();
  auto jit = Jit::create();
  if (!jit)
    return jit.takeError();
  kernel->jit = std::move(*jit);
  if (llvm::Error error = kernel->jit->addObject(*object))
    return std::move(error);
  auto entry = kernel->jit->lookup("_mlir_ciface_kernel");
  if (!entry)
    return entry.takeError();
  kernel->entry = *entry;
  return kernel;
}

void CompiledKernel::call(llvm::ArrayRef<Buffer> buffers,
                          llvm::ArrayRef<int64_t> sizes) {
  struct Descriptor {
    void *allocated, *aligned;
    int64_t offset, size, stride;
  };
  std::array<Descriptor, maxArguments> descriptors;
  std::array<int64_t, maxArguments> words = {};
  size_t count = 0;
  for (const Buffer &buffer : buffers) {
    descriptors[count] = {buffer.data, buffer.data, 0, buffer.elements, 1};
    words[count] = reinterpret_cast<int64_t>(&descriptors[count]);
    ++count;
  }
  for (int64_t size : sizes)
    words[count++] = size;
  // Pointers and sizes are passed alike; what a kernel does not take it does
  // not look at.
  using Entry =
      void (*)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
               int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);
  reinterpret_cast<Entry>(entry)(
      words[0], words[1], words[2], words[3], words[4], words[5], words[6],
      words[7], words[8], words[9], words[10], words[11], words[12], words[13]);
}

Value sluice::testing::appendExactSteps(OpBuilder &builder, Location loc,
                                        Value value, int64_t pairs) {
  auto type = cast<VectorType>(value.getType());
  for (int64_t step = 0; step < 2 * pairs; ++step) {
    auto factor = DenseElementsAttr::get(type, step % 2 ? 0.5f : 2.0f);
    value = arith::MulFOp::create(
        builder, loc, value, arith::ConstantOp::create(builder, loc, factor));
  }
  return value;
}
