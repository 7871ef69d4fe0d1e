//===- ConstantBytes.h - The bytes of a constant ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_CONSTANTBYTES_H
#define SLUICE_SUPPORT_CONSTANTBYTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"
#include <vector>

namespace sluice {

/// The bytes of one constant in storage types (bool is a byte), little-endian
/// and contiguous. `scratch` may be used to hold them.
llvm::Expected<llvm::ArrayRef<char>>
getConstantBytes(mlir::ElementsAttr value, std::vector<char> &scratch);

} // namespace sluice

#endif // SLUICE_SUPPORT_CONSTANTBYTES_H
