//===- RemarkPrinter.h - Remarks of passes for the user ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_REMARKPRINTER_H
#define SLUICE_LIB_DRIVER_REMARKPRINTER_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace sluice {

/// Prints remarks of these categories (separated by commas, or "all") with
/// the names of the ONNX nodes they are about. `os` must outlive the context.
llvm::Error printRemarks(mlir::MLIRContext &context, llvm::StringRef categories,
                         llvm::raw_ostream &os);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_REMARKPRINTER_H
