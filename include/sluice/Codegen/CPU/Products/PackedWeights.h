//===- PackedWeights.h - From packed ops to kernel specs --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// How weights are packed depends on the tiles that the micro-kernel will use,
// and those follow from the op's types, its attributes and the machine. Both
// sides, the packing and the emission of the kernel, derive them here.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PRODUCTS_PACKEDWEIGHTS_H
#define SLUICE_CODEGEN_CPU_PRODUCTS_PACKEDWEIGHTS_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "sluice/Analysis/KernelSpecs.h"
#include "sluice/Analysis/MachineModel.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace sluice {

ContractionSpec getContractionSpec(PackedMatmulOp op, int64_t depth);

/// The spec of a channels-last convolution from the types of input and result.
ConvolutionSpec getConvolutionSpec(mlir::RankedTensorType input,
                                   mlir::RankedTensorType result,
                                   llvm::ArrayRef<int64_t> kernel,
                                   llvm::ArrayRef<int64_t> strides,
                                   llvm::ArrayRef<int64_t> dilations,
                                   llvm::ArrayRef<int64_t> pads,
                                   int64_t groups);
ConvolutionSpec getConvolutionSpec(PackedConvOp op);
ConvolutionSpec getConvolutionSpec(PackedConvTransposeOp op);

/// How constant weights are reordered and how many elements they have then.
struct WeightPacking {
  mlir::DictionaryAttr packing;
  int64_t elements;
};

/// A matrix in panels of `width` columns; of several that follow each other, a
/// constant has all elements of one before those of the next.
WeightPacking getPanelPacking(mlir::MLIRContext *context, int64_t depth,
                              int64_t columns, bool transposed, int64_t width);

/// A matrix [depth][columns], or [columns][depth] when `transposed`, in the
/// panels of a kernel with this tiling (null: the compiler's choice).
WeightPacking getMatrixPacking(mlir::MLIRContext *context, int64_t depth,
                               int64_t columns, bool transposed,
                               kernel::TilingAttr tiling,
                               const MachineModel &machine);

/// A matrix as it is, except that a transposed one is turned.
WeightPacking getPlainMatrixPacking(mlir::MLIRContext *context, int64_t depth,
                                    int64_t columns, bool transposed);

/// Weights of a recurrent cell, [units][gates * units], of one direction, in
/// panels of `lanes` units: the vectors of all gates side by side.
WeightPacking getGatePacking(mlir::MLIRContext *context, int64_t units,
                             int64_t gates, int64_t lanes);

/// Convolution weights in ONNX's order, in the panels of a kernel with this
/// tiling.
WeightPacking getConvolutionPacking(mlir::MLIRContext *context,
                                    const ConvolutionSpec &spec,
                                    kernel::TilingAttr tiling,
                                    const MachineModel &machine);

/// Weights as they are.
WeightPacking getPlainPacking(mlir::MLIRContext *context, int64_t elements);

/// Whether the weights packed like this are what the kernel of `op`, a
/// packed_matmul or packed_conv with this tiling, reads.
bool fitsPacking(mlir::Operation *op, kernel::TilingAttr tiling,
                 mlir::DictionaryAttr packing, const MachineModel &machine);

/// A name for the order of the packed elements: constants with equal values and
/// orders have equal bytes, whatever else their packings say.
mlir::DictionaryAttr getPackedOrder(mlir::DictionaryAttr packing);

/// Reorders f32 elements as `packing` says and hands them to `sink` in pieces.
llvm::Error
packWeights(mlir::DictionaryAttr packing, llvm::ArrayRef<float> source,
            llvm::function_ref<llvm::Error(llvm::ArrayRef<float>)> sink);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_PACKEDWEIGHTS_H
