//===- DiagnosticPrinter.h - Messages of passes for the user ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_DIAGNOSTICPRINTER_H
#define SLUICE_LIB_DRIVER_DIAGNOSTICPRINTER_H

#include "mlir/IR/Diagnostics.h"

namespace sluice {

/// Prints a message with the ONNX node it is about, and below it its notes with
/// theirs.
void printDiagnostic(const mlir::Diagnostic &diagnostic, llvm::raw_ostream &os);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_DIAGNOSTICPRINTER_H
