//===- Kernel.h - The kernel dialect ----------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_KERNEL_H
#define SLUICE_DIALECTS_KERNEL_KERNEL_H

#include "dialects/Kernel/ConfigInterface.h"
#include "dialects/Kernel/PackingInterface.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <optional>
#include <string>
#include <vector>

namespace sluice::kernel {

/// The provider of kernels that the compiler generates.
inline constexpr llvm::StringLiteral builtinProvider = "builtin";

/// What the ties of a kernel or call say of a result: the number of the input
/// that it is written over.
inline std::optional<unsigned> findTie(llvm::ArrayRef<int64_t> ties,
                                       unsigned result) {
  if (result >= ties.size() || ties[result] < 0)
    return std::nullopt;
  return ties[result];
}

} // namespace sluice::kernel

#include "dialects/Kernel/KernelDialect.h.inc"
#include "dialects/Kernel/TargetInterface.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.h.inc"

namespace sluice::kernel {

/// Attributes of graph ops that move to the kernel the op anchors, until what
/// they ask for is chosen.
inline constexpr llvm::StringLiteral providerAttributeName = "kernel.provider";
inline constexpr llvm::StringLiteral tilingAttributeName = "kernel.tiling";
inline constexpr llvm::StringLiteral targetAttributeName = "kernel.target";

/// The tiling asked for, or null.
TilingAttr getTiling(mlir::Operation *op);
/// The target that an op itself has, or null.
TargetAttrInterface getOwnTarget(mlir::Operation *op);
/// The nearest operation around `op`, or `op`, that has a target; null if there
/// is none.
mlir::Operation *findTargetHolder(mlir::Operation *op);
/// Copies all three from one op to another that takes its place.
void copyKernelAttributes(mlir::Operation *from, mlir::Operation *to);
/// Removes them from an op that has become part of a kernel.
void removeKernelAttributes(mlir::Operation *op);

/// What uses the memory of an input, or of what it is a view of, at the same
/// time as a call or later; null where nothing does, so that the call can write
/// over it. Whatever is no call may hand the memory on.
mlir::Operation *findOverlappingUse(CallOp call, unsigned input);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_KERNEL_H
