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

namespace sluice {

/// The types of a product of tensors with these element types, whose result (in
/// front of an epilogue) has elements of `result`; none where there is no dot
/// unit for them (`getSumType`).
std::optional<ProductTypes> getProductTypes(mlir::Type lhs, mlir::Type rhs,
                                            mlir::Type result);

/// The types that an op, a product or a convolution, multiplies and adds up;
/// none where there is no dot unit for them. `result` is that in front of an
/// epilogue.
std::optional<ProductTypes> getProductTypes(mlir::Operation *op);

/// The same with the element type of what a kernel stores; nothing else of the
/// types may change with its epilogue, since packed weights depend on it.
ProductTypes withResult(ProductTypes types, mlir::Type stored);

ContractionSpec getContractionSpec(PackedMatmulOp op, int64_t depth);

/// The spec of a channels-last convolution from the types of input and result.
ConvolutionSpec getConvolutionSpec(
    const ProductTypes &types, mlir::RankedTensorType input,
    mlir::RankedTensorType result, llvm::ArrayRef<int64_t> kernel,
    llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> dilations,
    llvm::ArrayRef<int64_t> pads, int64_t groups);
ConvolutionSpec getConvolutionSpec(PackedConvOp op);
ConvolutionSpec getConvolutionSpec(PackedConvTransposeOp op);

// How constant weights are reordered: encodings, null for those that keep their
// order.

/// A matrix [depth][columns], or [columns][depth] when `transposed`, in the
/// panels of a kernel that multiplies these types, with this tiling (null: the
/// compiler's choice).
kernel::PackingAttrInterface getMatrixPacking(mlir::MLIRContext *context,
                                              int64_t columns, bool transposed,
                                              const ProductTypes &types,
                                              kernel::TilingAttr tiling,
                                              const MachineModel &machine);

/// A matrix as it is, except that a transposed one is turned.
kernel::PackingAttrInterface getPlainMatrixPacking(mlir::MLIRContext *context,
                                                   int64_t columns,
                                                   bool transposed);

/// Weights of a recurrent cell, [directions][units][gates * units], in panels
/// of `lanes` units: the vectors of all gates side by side.
kernel::PackingAttrInterface getGatePacking(mlir::MLIRContext *context,
                                            int64_t gates, int64_t lanes);

/// Convolution weights in ONNX's order, in the panels of a kernel with this
/// tiling.
kernel::PackingAttrInterface getConvolutionPacking(mlir::MLIRContext *context,
                                                   const ConvolutionSpec &spec,
                                                   kernel::TilingAttr tiling,
                                                   const MachineModel &machine);

/// Whether the weights packed like this are what the kernel of `op`, a
/// packed_matmul or packed_conv with this tiling, reads.
bool fitsPacking(mlir::Operation *op, kernel::TilingAttr tiling,
                 kernel::PackingAttrInterface packing,
                 const MachineModel &machine);

/// Makes the encodings of the kernel dialect known as such in the contexts that
/// are made with this registry.
void registerPackings(mlir::DialectRegistry &registry);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_PACKEDWEIGHTS_H
