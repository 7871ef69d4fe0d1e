//===- WindowImport.h - Attributes of sliding windows ---------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_WINDOWIMPORT_H
#define SLUICE_LIB_IMPORT_WINDOWIMPORT_H

#include "NodeContext.h"

namespace sluice {

/// What convolutions and pools say about how their window moves, with
/// `auto_pad` resolved.
struct WindowAttributes {
  std::vector<int64_t> strides, dilations, pads;
  /// Where the pads follow from sizes of the run: how much to pad (or, below
  /// zero, to cut) each dimension of the tensor, all low, then all high widths.
  /// `pads` are zero then.
  mlir::Value widths;

  llvm::SmallVector<mlir::NamedAttribute>
  toAttributes(const NodeContext &node) const;
};

/// An attribute that holds sizes, none of them below `least`: the lowest number
/// would stand for a size that is not known.
llvm::Expected<std::vector<int64_t>>
readSizes(NodeContext &node, llvm::StringRef name,
          std::optional<std::vector<int64_t>> otherwise, int64_t least);

/// The same of input `index`, a vector of `length` sizes, as far as they are
/// known.
llvm::Expected<mlir::Value> readSizes(NodeContext &node, size_t index,
                                      int64_t length);

/// Strides and dilations, checked; the pads of `pads` where `auto_pad` leaves
/// them alone.
llvm::Expected<WindowAttributes> readWindow(NodeContext &node,
                                            int64_t spatialRank);

/// Replaces the pads as `auto_pad` of a convolution or pool of the node's first
/// input asks. `weight` has the sizes of the kernel from dimension 2 on; null
/// where `kernel` has all of them.
llvm::Error resolveAutoPad(NodeContext &node, llvm::ArrayRef<int64_t> kernel,
                           mlir::Value weight, WindowAttributes &window);

/// The reach of a window along a dimension as a one-element vector.
llvm::Expected<mlir::Value> windowReach(NodeContext &node, int64_t kernel,
                                        mlir::Value weight, int64_t axis,
                                        const WindowAttributes &window);

/// `input` with the window's widths around it, filled with a number.
llvm::Expected<mlir::Value> padInput(NodeContext &node, mlir::Value input,
                                     const WindowAttributes &window,
                                     double filler);

/// A convolution of two values with the window attributes of the node.
llvm::Expected<mlir::Value>
createConvolution(NodeContext &node, mlir::Value input, mlir::Value weight);

/// Adds a vector with one element per channel (dimension 1).
llvm::Expected<mlir::Value>
addChannelBias(NodeContext &node, mlir::Value result, mlir::Value bias);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_WINDOWIMPORT_H
