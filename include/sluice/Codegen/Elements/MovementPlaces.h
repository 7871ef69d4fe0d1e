//===- MovementPlaces.h - Where moved elements come from --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What the kernels of pads, extends and tiles and the vectors of their elements
// (MovementVectors.cpp) share: along each dimension, the operand's place of an
// element of the result.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_MOVEMENTPLACES_H
#define SLUICE_CODEGEN_ELEMENTS_MOVEMENTPLACES_H

#include "sluice/Codegen/Elements/FlatAccess.h"

namespace sluice {

/// Is a dimension surely left as it is?
bool isWhole(PadOp op, int64_t dimension);
bool isWhole(ExtendOp op, int64_t dimension);
bool isWhole(TileOp op, int64_t dimension);

/// How much is put in front of a dimension; negative where it is cut.
mlir::Value lowWidth(KernelBuilder &kernel, PadOp op, int64_t dimension);
/// The element that is put around the operand.
mlir::Value padValue(KernelBuilder &kernel, PadOp op);

/// What is left of a dimension after negative widths have cut it, which comes
/// before anything is repeated.
struct Cropped {
  mlir::Value first; ///< The first position that is left.
  mlir::Value size;  ///< How many are left; at least one, so that it divides.
  mlir::Value low;   ///< What is put in front of them.
  /// Whether there is anything to repeat, in this run; null for in any run.
  mlir::Value isFilled;
};
Cropped cropDimension(KernelBuilder &kernel, ExtendOp op, int64_t dimension);

/// x mod size for any x, with a result in [0, size).
mlir::Value positiveRemainder(KernelBuilder &kernel, mlir::Value x,
                              mlir::Value size);
/// After how many elements a mirror at both ends of `size` repeats; one element
/// only repeats itself.
mlir::Value reflectionPeriod(KernelBuilder &kernel, mlir::Value size);
/// Where the position `x`, counted from the operand's first element, is taken
/// from along a dimension of `size` > 0.
mlir::Value extendPosition(KernelBuilder &kernel, ExtendMode mode,
                           mlir::Value x, mlir::Value size);

/// The message of runs that extend what is empty.
inline constexpr llvm::StringLiteral nothingToRepeat =
    "an empty tensor has nothing to repeat";

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_MOVEMENTPLACES_H
