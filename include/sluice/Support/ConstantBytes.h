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

/// The bytes a constant takes in memory: one element where all are the same.
int64_t getStoredBytes(mlir::ElementsAttr value);

/// Is a tensor of so many bytes worth keeping instead of the constants, of
/// `sourceBytes`, that it is made of? Large ones that are much larger than that
/// are rather computed in every run.
constexpr bool isWorthStoring(int64_t bytes, int64_t sourceBytes) {
  constexpr int64_t kilobyte = 1024, megabyte = 1024 * kilobyte;
  if (bytes <= 64 * kilobyte)
    return true;
  return sourceBytes >= kilobyte && bytes <= 2 * sourceBytes + megabyte;
}

} // namespace sluice

#endif // SLUICE_SUPPORT_CONSTANTBYTES_H
