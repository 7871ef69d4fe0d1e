//===- Kernel.h - The kernel dialect ----------------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_KERNEL_H
#define SLUICE_DIALECTS_KERNEL_KERNEL_H

#include "dialects/Kernel/PackingInterface.h"
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
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Kernel/KernelDialect.h.inc"
#include "dialects/Kernel/KernelEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.h.inc"

namespace sluice::kernel {

/// Attributes of graph ops that move to the kernel the op anchors.
inline constexpr llvm::StringLiteral providerAttributeName = "kernel.provider";
inline constexpr llvm::StringLiteral tilingAttributeName = "kernel.tiling";

/// Who makes the code of the kernel that a graph op anchors.
Provider getProvider(mlir::Operation *op);
/// The tiling asked for, or null.
TilingAttr getTiling(mlir::Operation *op);
/// Copies both from one op to another that takes its place.
void copyKernelAttributes(mlir::Operation *from, mlir::Operation *to);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_KERNEL_H
