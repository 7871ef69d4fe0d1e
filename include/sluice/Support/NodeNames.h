//===- NodeNames.h - The ONNX nodes behind a location -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_NODENAMES_H
#define SLUICE_SUPPORT_NODENAMES_H

#include "mlir/IR/Location.h"

namespace sluice {

/// The names in a location, each once, in the order they appear in.
llvm::SmallVector<llvm::StringRef> findNodeNames(mlir::Location location);

} // namespace sluice

#endif // SLUICE_SUPPORT_NODENAMES_H
