//===- ObjectEmitter.h - LLVM dialect to machine code -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TARGET_CPU_OBJECTEMITTER_H
#define SLUICE_TARGET_CPU_OBJECTEMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include "sluice/Analysis/MachineModel.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace sluice {

struct ObjectEmitterOptions {
  MachineModel machine;
  /// LLVM's optimisation level, 0 to 3.
  unsigned optLevel = 2;
  bool positionIndependent = true;
  /// For data beyond 2 GB: the medium code model instead of the small one.
  bool largeData = false;
  /// `emitObjects` begins another file after this many operations.
  int64_t partSize = 6000;
  /// `emitObjects` makes plain code, without optimisation, of a host function
  /// of more operations: its time is that of the kernels that it calls.
  int64_t longHost = 16384;
};

/// What to produce.
enum class CodeForm { LlvmIr, Assembly, Object };

using CodeBuffer = llvm::SmallVector<char, 0>;

/// Adds the translations that `emitCode` needs. Call it on the registry of the
/// context before the context is used.
void registerCodeTranslations(mlir::DialectRegistry &registry);

/// Compiles a module in the LLVM dialect: LLVM IR, LLVM's optimiser, machine
/// code. Touches no global state and may run on several threads at once, as
/// long as the modules' context allows multithreading.
llvm::Expected<CodeBuffer> emitCode(mlir::ModuleOp module, CodeForm form,
                                    const ObjectEmitterOptions &options);

/// Compiles a module to several object files that belong together, in parallel
/// on the context's thread pool. They are the same for any number of threads.
/// Takes the functions and globals out of `module`. Symbols that one file has
/// for another are hidden and begin with `prefix`, which has to be unique among
/// what is linked together.
llvm::Expected<std::vector<CodeBuffer>>
emitObjects(mlir::ModuleOp module, llvm::StringRef prefix,
            const ObjectEmitterOptions &options);

} // namespace sluice

#endif // SLUICE_TARGET_CPU_OBJECTEMITTER_H
