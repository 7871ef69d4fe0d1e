//===- CompileText.h - MLIR text to running code, for tests -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_SUPPORT_COMPILETEXT_H
#define SLUICE_TEST_UNIT_SUPPORT_COMPILETEXT_H

#include "sluice/Target/CPU/Jit.h"
#include "sluice/Target/CPU/ObjectEmitter.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>
#include <string>

namespace mlir {
class MLIRContext;
class OpPassManager;
} // namespace mlir

namespace sluice::test {

/// A context with every dialect that code generation uses.
std::unique_ptr<mlir::MLIRContext> createContext();

/// The model of this computer's CPU.
MachineModel hostMachine();

using AddPasses = llvm::function_ref<void(mlir::OpPassManager &)>;

/// Parses `text`, runs `passes` and then the lowering to LLVM, where buffers of
/// static shape are plain pointers. Reports failures to GoogleTest and returns
/// an empty buffer.
CodeBuffer compileText(llvm::StringRef text, AddPasses passes,
                       CodeForm form = CodeForm::Object,
                       const ObjectEmitterOptions &options = {hostMachine()},
                       const MachineModel &target = hostMachine());

/// The same, loaded into this process; null after a failure. The passes work
/// for `target`, LLVM for this computer.
std::unique_ptr<Jit> jitText(llvm::StringRef text, AddPasses passes,
                             const MachineModel &target = hostMachine());

} // namespace sluice::test

#endif // SLUICE_TEST_UNIT_SUPPORT_COMPILETEXT_H
