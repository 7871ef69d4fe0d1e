//===- Tilings.h - Tile choices from the command line -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_DRIVER_TILINGS_H
#define SLUICE_LIB_DRIVER_TILINGS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace sluice {

/// Puts `kernel.tiling` on the products and convolutions that `texts` name:
/// "node:tile_rows=4,tile_vectors=2", where the node is an ONNX node's name.
llvm::Error setTilings(mlir::ModuleOp module,
                       llvm::ArrayRef<std::string> texts);

} // namespace sluice

#endif // SLUICE_LIB_DRIVER_TILINGS_H
