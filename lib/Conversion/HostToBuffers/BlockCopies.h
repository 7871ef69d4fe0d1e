//===- BlockCopies.h - Copies of blocks that lie apart ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_BLOCKCOPIES_H
#define SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_BLOCKCOPIES_H

#include "dialects/Kernel/Kernel.h"

namespace sluice {

/// Blocks of neighbouring elements in a buffer: the first begins `start`
/// elements behind its beginning, and each next one `step` elements later.
struct Blocks {
  mlir::Value buffer, start, step;
};

/// A kernel that copies blocks of one element type:
/// (frame, source, target, source step, target step, blocks, elements of one).
/// Large copies run on several threads.
kernel::FuncOp makeBlockCopy(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Type elementType);

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_BLOCKCOPIES_H
