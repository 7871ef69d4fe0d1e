//===- KernelMatch.h - How a provider computes a kernel ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_PROVIDERS_KERNELMATCH_H
#define SLUICE_CODEGEN_PROVIDERS_KERNELMATCH_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <string>

namespace sluice {

/// What a kernel would compute: an anchor (a product, a convolution, ...) and
/// what follows it up to `result`.
struct KernelGroup {
  mlir::Operation *anchor;
  mlir::Value result;
  /// Whether the kernel gets a value as an operand.
  llvm::function_ref<bool(mlir::Value)> isOutside;
  /// What the arguments of the block around the anchor are in the graph; empty
  /// where that is not known any more.
  mlir::ValueRange inputs = {};
  /// What is asked for about its tiles; null: nothing.
  kernel::TilingAttr tiling = {};
  /// Dot units are spelled out in plain arithmetic.
  bool emulatesDotUnits = false;
  /// Operands have been narrowed where that was asked for (KernelMatch).
  bool isNarrowed = false;

  /// What an operand of the anchor is in the graph.
  mlir::Value getSource(mlir::Value operand) const;
};

/// The order that a kernel wants an operand of its anchor in.
struct OperandPacking {
  unsigned operand;
  kernel::PackingAttrInterface packing;
};

/// How a provider computes a group.
struct KernelMatch {
  /// For remarks.
  std::string implementation;
  /// All that is chosen about the code; null where there is nothing to choose.
  kernel::KernelConfigAttrInterface config = {};
  /// Of constants; other operands are read as they are.
  llvm::SmallVector<OperandPacking, 1> packing = {};
  /// Why constant weights are not among them, beyond what the op says itself
  /// (WeightsOpInterface).
  std::string unpacked = {};

  // Where one of these is asked for, the graph changes, and the provider is
  // asked again.

  /// Operands whose matrices are to be transposed in front of the kernel.
  llvm::SmallVector<unsigned, 1> turned = {};
  /// Operands, integers of 32 bits, that the kernel would rather have in 16 or
  /// 8, if they are known to fit.
  llvm::SmallVector<unsigned, 1> narrowed = {};
  /// Neighbouring pixels of a convolution to compute as channels; 1: none.
  int64_t mergedPixels = 1;
};

/// The order in which other kernels have a constant, or null.
using KnownPackings =
    llvm::function_ref<kernel::PackingAttrInterface(mlir::Value)>;

} // namespace sluice

#endif // SLUICE_CODEGEN_PROVIDERS_KERNELMATCH_H
