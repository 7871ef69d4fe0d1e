//===- PackedWeights.h - From packed ops to kernel specs --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// What products and convolutions compute, packed or not yet, in terms of the
// specs that tilings are chosen by; and the order in which a configuration
// reads their weights.
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

/// Of a matrix product with constant weights [.., depth, columns]: one matrix
/// serves all rows, whatever their dimensions.
ContractionSpec getPackedSpec(const ProductTypes &types,
                              llvm::ArrayRef<int64_t> lhs, int64_t columns);
ContractionSpec getContractionSpec(kernel::PackedMatmulOp op);
/// Of two matrices of the run.
ContractionSpec getContractionSpec(MatmulOp op, const ProductTypes &types);

/// Of a product of groups with constant weights, or with those of the run, as
/// it is for one group: how many rows that has only the run knows.
ContractionSpec getPackedSpec(GroupedMatmulOp op, const ProductTypes &types);
ContractionSpec getContractionSpec(kernel::PackedGroupedMatmulOp op);
ContractionSpec getContractionSpec(GroupedMatmulOp op,
                                   const ProductTypes &types);

/// The spec of a channels-last convolution from the types of input and result.
ConvolutionSpec getConvolutionSpec(
    const ProductTypes &types, mlir::RankedTensorType input,
    mlir::RankedTensorType result, llvm::ArrayRef<int64_t> kernel,
    llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> dilations,
    llvm::ArrayRef<int64_t> pads, int64_t groups);
ConvolutionSpec getConvolutionSpec(kernel::PackedConvOp op);
ConvolutionSpec getConvolutionSpec(kernel::PackedConvTransposeOp op);

/// A matrix [depth][columns], or [columns][depth] when `transposed`, in the
/// panels that a product with this configuration reads.
kernel::PackingAttrInterface getPacking(kernel::CpuContractionAttr config,
                                        bool transposed);

/// Weights in ONNX's order, in that of a convolution with this configuration.
kernel::PackingAttrInterface getPacking(kernel::CpuConvolutionAttr config,
                                        const ConvolutionSpec &spec);

/// Makes the encodings of the kernel dialect known as such in the contexts that
/// are made with this registry.
void registerPackings(mlir::DialectRegistry &registry);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PRODUCTS_PACKEDWEIGHTS_H
