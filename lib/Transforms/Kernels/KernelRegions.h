//===- KernelRegions.h - Kernels that become other kernels ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_TRANSFORMS_KERNELS_KERNELREGIONS_H
#define SLUICE_LIB_TRANSFORMS_KERNELS_KERNELREGIONS_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "llvm/ADT/SetVector.h"

namespace sluice {

using OpSet = llvm::SmallPtrSet<mlir::Operation *, 8>;

/// What an elementwise kernel is called.
inline constexpr llvm::StringLiteral mapAnchor = "map";

/// Inputs of an elementwise kernel that its ops read at the result's own
/// indices only, if they have its size: a smaller one is broadcast.
llvm::SmallVector<int64_t> findReusable(mlir::ValueRange inputs,
                                        mlir::Type result);

/// The ops of the kernel that depend on its anchor, and the anchor.
OpSet findDownstream(kernel::RegionOp region, mlir::Operation *anchor);

/// Makes kernels of their own of the ops of `region` that are not `kept`, which
/// has the anchor and whatever is between two of its ops. All of them are
/// elementwise and have the shape of the result. Returns the kernel of those
/// that are kept.
kernel::RegionOp splitRegion(kernel::RegionOp region, const OpSet &kept);

/// The argument that an operand reads, and nothing else does.
mlir::BlockArgument getOwnArgument(kernel::RegionOp region,
                                   mlir::OpOperand &operand);

/// Transposes the matrices of an operand of a product in front of its kernel,
/// and tells the product so.
void turnOperand(kernel::RegionOp region, MatmulOp product, unsigned operand);

/// Computes `merged` neighbouring pixels of a line as channels of one; what
/// follows the convolution becomes a kernel of its own. Returns the
/// convolution's kernel; null where its weights cannot be read.
kernel::RegionOp mergePixels(kernel::RegionOp region, ConvOp op,
                             int64_t merged);

} // namespace sluice

#endif // SLUICE_LIB_TRANSFORMS_KERNELS_KERNELREGIONS_H
