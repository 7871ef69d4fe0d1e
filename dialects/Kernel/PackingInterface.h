//===- PackingInterface.h - The order of a constant's bytes -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_KERNEL_PACKINGINTERFACE_H
#define SLUICE_DIALECTS_KERNEL_PACKINGINTERFACE_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace sluice::kernel {

/// Takes the next bytes of a packed constant.
using PackedSink = llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)>;

} // namespace sluice::kernel

#include "dialects/Kernel/PackingInterface.h.inc"

namespace sluice::kernel {

/// How many elements a constant of `type` has with this encoding; without one
/// (null), as many as ever. A failure comes with its reason.
llvm::FailureOr<int64_t>
countPackedElements(PackingAttrInterface packing, mlir::ShapedType type,
                    llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

} // namespace sluice::kernel

#endif // SLUICE_DIALECTS_KERNEL_PACKINGINTERFACE_H
