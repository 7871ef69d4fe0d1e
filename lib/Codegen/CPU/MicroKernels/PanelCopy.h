//===- PanelCopy.h - Panels in the order of a dot unit ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_PANELCOPY_H
#define SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_PANELCOPY_H

#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

class DotUnit;

/// A part of a panel, [depth][width], to be copied to `target` with elements of
/// the unit's type, those that it multiplies at once side by side:
/// [ceil(depth / step)][width][step], zeros past the end.
struct PanelCopy {
  mlir::Value source;
  mlir::OpFoldResult start;
  mlir::OpFoldResult depth;
  int64_t width;
  mlir::Value target;
  mlir::OpFoldResult targetStart;
  const DotUnit *unit;
};

void emitPanelCopy(IndexBuilder &index, const PanelCopy &copy);

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_MICROKERNELS_PANELCOPY_H
