//===- Remarks.h - What passes did, and what they nearly did ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Passes say what they changed (`applied`) and, where something looked like
// what they change but was not, why (`missed`):
//
//   remarks::missed(op, remarks::convBn)
//       << "the convolution's result is also used by other nodes";
//
// Nothing is formatted unless someone asked for the category: --remarks of
// sluicec, --remarks-filter of sluice-opt.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_REMARKS_H
#define SLUICE_SUPPORT_REMARKS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

namespace sluice::remarks {

/// What attention became, and which softmax between products is none.
inline constexpr llvm::StringLiteral attention = "attention";
inline constexpr llvm::StringLiteral constants = "constants";
inline constexpr llvm::StringLiteral convBn = "convbn";
/// Layers of experts, and what nearly is one.
inline constexpr llvm::StringLiteral experts = "experts";
inline constexpr llvm::StringLiteral fusion = "fusion";
inline constexpr llvm::StringLiteral layout = "layout";
/// What memory every run allocates.
inline constexpr llvm::StringLiteral memory = "memory";
inline constexpr llvm::StringLiteral packing = "packing";
inline constexpr llvm::StringLiteral providers = "providers";
/// What could be a state, and what of one every run copies.
inline constexpr llvm::StringLiteral state = "state";

/// All categories, for checking what a user asks for.
inline constexpr llvm::StringLiteral categories[] = {
    attention, constants, convBn,  experts,   fusion,
    layout,    memory,    packing, providers, state};

/// What has no location was made by the compiler for itself, and is nothing to
/// tell the user about.
inline mlir::remark::detail::InFlightRemark applied(mlir::Operation *op,
                                                    llvm::StringRef category) {
  if (llvm::isa<mlir::UnknownLoc>(op->getLoc()))
    return {};
  return mlir::remark::passed(
      op->getLoc(),
      mlir::remark::RemarkOpts::name(category).category(category));
}
inline mlir::remark::detail::InFlightRemark missed(mlir::Operation *op,
                                                   llvm::StringRef category) {
  if (llvm::isa<mlir::UnknownLoc>(op->getLoc()))
    return {};
  return mlir::remark::missed(
      op->getLoc(),
      mlir::remark::RemarkOpts::name(category).category(category));
}

} // namespace sluice::remarks

#endif // SLUICE_SUPPORT_REMARKS_H
