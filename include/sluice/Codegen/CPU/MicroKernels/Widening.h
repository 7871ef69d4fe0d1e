//===- Widening.h - Copies of narrow operands -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_MICROKERNELS_WIDENING_H
#define SLUICE_CODEGEN_CPU_MICROKERNELS_WIDENING_H

#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

/// The byte buffer `scratch` from a byte on, as elements of this type.
mlir::Value viewScratch(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value scratch, mlir::OpFoldResult firstByte,
                        mlir::Type element);

/// How many elements a buffer of any rank has.
mlir::OpFoldResult countElements(IndexBuilder &index, mlir::Value buffer);

/// Emits a parallel copy of `count` elements, each as wide as the target's.
/// Both buffers have one dimension.
void emitWidening(IndexBuilder &index, mlir::Value source, mlir::Value target,
                  mlir::OpFoldResult count, int64_t lanes);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_MICROKERNELS_WIDENING_H
