//===- Jit.h - Machine code in this process ---------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TARGET_CPU_JIT_H
#define SLUICE_TARGET_CPU_JIT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace sluice {

/// Object files loaded into this process, for constant evaluation and tests.
/// The code lives as long as the Jit. Undefined symbols resolve to this
/// process's (libc, libm).
class Jit {
public:
  static llvm::Expected<std::unique_ptr<Jit>> create();
  ~Jit();

  /// Adds an object file (copied).
  llvm::Error addObject(llvm::ArrayRef<char> object);
  /// The address of a symbol.
  llvm::Expected<void *> lookup(llvm::StringRef name);

  /// The address of a function: `jit.lookupFunction<float(float)>("f")`.
  template <typename Function>
  llvm::Expected<Function *> lookupFunction(llvm::StringRef name) {
    auto address = lookup(name);
    if (!address)
      return address.takeError();
    return reinterpret_cast<Function *>(*address);
  }

private:
  explicit Jit(std::unique_ptr<llvm::orc::LLJIT> engine);
  std::unique_ptr<llvm::orc::LLJIT> engine;
};

} // namespace sluice

#endif // SLUICE_TARGET_CPU_JIT_H
