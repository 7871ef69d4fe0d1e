//===- Resizer.h - Where elements of a resized tensor come from -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_RESIZER_H
#define SLUICE_CODEGEN_ELEMENTS_RESIZER_H

#include "sluice/Codegen/Elements/PlaceBuilder.h"

namespace sluice {

/// The elements that make a new one, along one axis.
struct Taps {
  llvm::SmallVector<mlir::Value> positions;
  /// Of each position; none where there is one position.
  llvm::SmallVector<mlir::Value> weights;
  /// What the sum is divided by; null for nothing.
  mlir::Value total;
};

/// Computes one element of a resized tensor, one axis after the other.
class Resizer {
public:
  Resizer(KernelBuilder &kernel, ResizeOp op, mlir::ValueRange indices)
      : kernel(kernel), op(op), at(kernel), place(indices),
        elementType(elementTypeOf(op.getOperand())),
        real(op.getMode() == SampleMode::Nearest
                 ? mlir::Type(kernel.builder.getF32Type())
                 : mlir::Type(kernel.builder.getF64Type())) {}

  mlir::Value element() {
    mlir::Value result = sample(0);
    for (mlir::Value condition : outside)
      result =
          at.select(condition,
                    kernel.number(elementType,
                                  op.getExtrapolationValue().convertToDouble()),
                    result);
    return result;
  }

  /// The taps of axis `i` for the new element `index` along it, without
  /// antialiasing.
  Taps taps(size_t i, mlir::Value index);
  mlir::Value scaleOf(size_t i, mlir::Value size, mlir::Value newSize);
  /// The size of integer blocks that one element becomes; none if it is more
  /// complicated.
  std::optional<int64_t> blockSize(size_t i);

private:
  /// The element with all axes before `i` at fixed positions.
  mlir::Value sample(size_t i);
  mlir::Value nearest(mlir::Value x, mlir::Value size);
  Taps around(mlir::Value base, llvm::ArrayRef<mlir::Value> weights,
              mlir::Value size);
  mlir::Value antialiased(size_t i, mlir::Value x, mlir::Value scale,
                          mlir::Value size);
  mlir::Value placeOf(size_t i, mlir::Value index, mlir::Value scale,
                      mlir::Value size, mlir::Value newSize);
  /// The other taps of axis `i` find the axes behind it as they were.
  mlir::Value sampleAt(size_t i, mlir::Value position) {
    llvm::SmallVector<mlir::Value> before = place;
    place[op.getAxes()[i]] = position;
    mlir::Value result = sample(i + 1);
    place = std::move(before);
    return result;
  }

  KernelBuilder &kernel;
  ResizeOp op;
  PlaceBuilder at;
  llvm::SmallVector<mlir::Value> place;
  llvm::SmallVector<mlir::Value> outside;
  mlir::Type elementType;
  /// In which places are computed. Which element is the nearest to a place in
  /// the middle depends on rounding: single precision picks the one that
  /// exporters and other runtimes pick. Double does not cost accuracy where
  /// elements are interpolated.
  mlir::Type real;
};

/// An element of a resized tensor.
mlir::Value resizeElement(KernelBuilder &kernel, mlir::OpResult result,
                          mlir::ValueRange indices);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_RESIZER_H
