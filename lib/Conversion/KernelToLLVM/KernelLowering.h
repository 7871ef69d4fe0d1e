//===- KernelLowering.h - The kernel dialect to LLVM ------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_KERNELTOLLVM_KERNELLOWERING_H
#define SLUICE_LIB_CONVERSION_KERNELTOLLVM_KERNELLOWERING_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "llvm/ADT/SetVector.h"

namespace sluice {

/// Where a contiguous buffer is, and its dynamic sizes.
struct BufferPlace {
  mlir::Value address;
  llvm::SmallVector<mlir::Value> sizes;
};

class KernelLowering {
public:
  /// More than `manyLaunches` launches leave the profiling hook to the kernels.
  KernelLowering(mlir::ModuleOp module, int64_t manyLaunches)
      : module(module), manyLaunches(manyLaunches),
        builder(module.getContext()), converter(module.getContext()),
        pointer(mlir::LLVM::LLVMPointerType::get(module.getContext())),
        i64(builder.getI64Type()), i32(builder.getI32Type()) {}

  /// Fails, with an error, where a kernel is not there or has no code.
  llvm::LogicalResult run();

private:
  /// Kernels become functions, each in its place.
  llvm::LogicalResult makeFunctions();
  /// Fails, with an error, where a launch does not fit its kernel.
  llvm::LogicalResult checkLaunch(kernel::LaunchOp op) const;
  void lower(mlir::Operation *op);
  void lowerLaunch(kernel::LaunchOp op);
  void lowerInput(kernel::InputOp op);
  void lowerCopy(kernel::CopyOp op);
  void lowerCheck(kernel::CheckOp op);
  void lowerLibraryCall(kernel::LibraryCallOp op);
  /// A global of the function around the builder, named after it.
  mlir::LLVM::GlobalOp makeGlobal(llvm::StringRef ending, mlir::Type type,
                                  bool isConstant, mlir::Attribute value);
  /// The declaration of a library's function that computes kernels.
  mlir::LLVM::LLVMFuncOp getLibraryFunction(llvm::StringRef name);
  void lowerCallsOfPieces();
  /// Control flow that passes buffers on, and what ends its blocks.
  void lowerControlFlow(mlir::Operation *op);
  /// A size of a buffer with a place.
  void lowerSize(mlir::memref::DimOp op);
  void makeEntryPoints();
  void profile(mlir::Value frame, mlir::Value number, int64_t end);
  void addProfiling(mlir::func::FuncOp kernel);
  void flattenArguments(mlir::func::FuncOp kernel);
  void flattenArguments(mlir::Block &block);
  /// Do operands or results of control flow hold buffers?
  static bool passesBuffersOn(mlir::Operation *op);
  /// Buffers among the values as addresses and dynamic sizes.
  llvm::SmallVector<mlir::Value> flatten(mlir::ValueRange values);
  /// The other way round: values that came to be flattened.
  void replaceByFlat(mlir::ValueRange values, mlir::ValueRange flat);

  mlir::Value constant(int64_t value) {
    return mlir::LLVM::ConstantOp::create(builder, loc, i64,
                                          builder.getI64IntegerAttr(value));
  }
  mlir::Value constant32(int64_t value) {
    return mlir::LLVM::ConstantOp::create(builder, loc, i32,
                                          builder.getI32IntegerAttr(value));
  }
  /// The pointer `bytes` behind another.
  mlir::Value advance(mlir::Value base, mlir::Value bytes) {
    return mlir::LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(),
                                     base, mlir::ValueRange{bytes});
  }
  mlir::Value advance(mlir::Value base, int64_t bytes) {
    // Constant indices have fewer bits than an int, and wrap.
    if (!llvm::isInt<mlir::LLVM::kGEPConstantBitWidth>(bytes))
      return advance(base, constant(bytes));
    return mlir::LLVM::GEPOp::create(
        builder, loc, pointer, builder.getI8Type(), base,
        llvm::ArrayRef<mlir::LLVM::GEPArg>(static_cast<int32_t>(bytes)));
  }
  mlir::Value loadField(mlir::Value frame, FrameField field, mlir::Type type) {
    mlir::Value address = advance(frame, frameOffset(field));
    return mlir::LLVM::LoadOp::create(builder, loc, type, address);
  }
  /// A pointer of the frame that stays the same during a run. The host function
  /// loads it once.
  mlir::Value pointerField(mlir::Value frame, FrameField field);
  mlir::Value loadElement(mlir::Value array, int64_t index, mlir::Type type) {
    mlir::Value address = advance(array, index * 8);
    return mlir::LLVM::LoadOp::create(builder, loc, type, address);
  }
  /// An element that stays the same during a run, as above.
  mlir::Value loadOnce(mlir::Value array, int64_t index, mlir::Type type);
  /// A field of the frame's description of an input.
  mlir::Value inputField(mlir::Value frame, int64_t input, TensorField field,
                         mlir::Type type);
  mlir::Value inputSize(mlir::Value frame, int64_t input, int64_t dimension);
  mlir::Value toI64(mlir::Value index) {
    return mlir::arith::IndexCastOp::create(builder, loc, i64, index);
  }
  mlir::Value toIndex(mlir::Value integer) {
    return mlir::arith::IndexCastOp::create(builder, loc,
                                            builder.getIndexType(), integer);
  }
  /// A contiguous buffer at an address.
  mlir::Value makeBuffer(mlir::Value address, mlir::MemRefType type,
                         mlir::ValueRange dynamicSizes);
  /// Says where the buffer is that an op makes. Only what is no launch's own
  /// needs a descriptor, which `finish` makes.
  void setPlace(mlir::Operation *op, mlir::Value address,
                mlir::ValueRange sizes);
  const BufferPlace *findPlace(mlir::Value buffer);
  mlir::Value addressOf(mlir::Value buffer);
  mlir::Value dynamicSize(mlir::Value buffer, int64_t dimension);
  /// Replaces the ops whose buffers have a place.
  void finish();
  /// Bytes of a buffer of this type.
  mlir::Value byteSize(mlir::MemRefType type, mlir::ValueRange dynamicSizes);
  /// The same, or -1 if a size is negative or the bytes cannot be counted.
  mlir::Value checkedByteSize(mlir::MemRefType type,
                              mlir::ValueRange dynamicSizes);
  llvm::SmallVector<mlir::Value> allSizes(mlir::MemRefType type,
                                          mlir::ValueRange dynamicSizes);
  /// Calls a hook of the frame.
  mlir::LLVM::CallOp callHook(mlir::Value frame, FrameField field,
                              mlir::Type result, mlir::ValueRange arguments);
  void guard(mlir::Value address);
  /// A function (frame, kernel, end) that calls the frame's profiling hook if
  /// there is one: branches around every launch would make the host function
  /// costly to compile.
  mlir::func::FuncOp getProfileFunction();
  /// A function (frame, condition, node, message) that reports a failure where
  /// the condition does not hold, and returns the frame, or null where the run
  /// has failed. It has the branch, as above.
  mlir::func::FuncOp getCheckFunction();
  /// A private function with an empty entry block, where the builder is then.
  mlir::func::FuncOp startFunction(llvm::StringRef name,
                                   mlir::TypeRange arguments,
                                   mlir::TypeRange results = {});
  /// The frame, or null where the run has failed.
  mlir::Value frameUnlessFailed(mlir::Value frame);
  /// Reports a failure where the condition does not hold, and goes on.
  void reportUnless(mlir::Value frame, mlir::Value condition, mlir::Value node,
                    mlir::Value message);
  /// The function that the builder is in.
  mlir::func::FuncOp currentFunction();
  bool isInHost();
  /// Is it the host function, or the one that tells the workspace's size?
  bool isHostSide();
  /// 64-bit numbers on the stack, which hold until the next such array.
  mlir::Value stackArray(mlir::ValueRange values);
  mlir::Value stringConstant(llvm::StringRef text);

  mlir::ModuleOp module;
  int64_t manyLaunches;
  bool kernelsProfile = false;
  mlir::OpBuilder builder;
  mlir::LLVMTypeConverter converter;
  mlir::Type pointer, i64, i32;
  mlir::Location loc = mlir::UnknownLoc::get(builder.getContext());
  llvm::StringMap<mlir::LLVM::GlobalOp> strings;
  llvm::SetVector<mlir::func::FuncOp> kernels;
  llvm::StringMap<mlir::func::FuncOp> functions;
  llvm::StringMap<mlir::LLVM::LLVMFuncOp> libraryFunctions;
  llvm::DenseMap<mlir::Operation *, mlir::LLVM::AllocaOp> stackArrays;
  mlir::func::FuncOp profileFunction, checkFunction;
  mlir::LLVM::LLVMFuncOp guardMarker;
  int64_t hostLaunches = 0;
  llvm::DenseMap<mlir::Value, BufferPlace> places;
  llvm::SmallVector<mlir::Operation *> placed;
  llvm::DenseMap<std::pair<mlir::Value, FrameField>, mlir::Value> fields;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> elements;
};

/// A contiguous buffer is passed as its address and its dynamic sizes.
bool isFlattened(mlir::Type type);

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_KERNELTOLLVM_KERNELLOWERING_H
