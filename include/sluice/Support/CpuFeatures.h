//===- CpuFeatures.h - What LLVM knows about CPUs ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Triples, names of CPUs and their instruction-set extensions, as LLVM calls
// them. Nothing here asks the machine that the compiler runs on.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SUPPORT_CPUFEATURES_H
#define SLUICE_SUPPORT_CPUFEATURES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace llvm {
class Target;
class Triple;
} // namespace llvm

namespace sluice {

/// LLVM's code generator for a triple; registers the generators on first use.
llvm::Expected<const llvm::Target *> lookupTarget(llvm::StringRef triple);

/// The triple in LLVM's order of its parts, or an error where there is no code
/// for it.
llvm::Expected<llvm::Triple> parseTriple(llvm::StringRef triple);

/// The CPU whose instruction set every CPU of the architecture has.
llvm::StringRef getBaseCpu(const llvm::Triple &triple);

/// The extensions that generated code may use and that a loader can check, as
/// LLVM names them. Anything a CPU has beyond them (cryptography, transactional
/// memory, ...) is of no use to a model and stays off.
llvm::ArrayRef<llvm::StringLiteral>
getKnownFeatures(const llvm::Triple &triple);

/// Those of them that the CPU of this name has; an error where LLVM does not
/// know the name. Of AVX-512, which some CPUs have in parts (Knights Landing),
/// all that vectors of any type take or nothing.
llvm::Expected<std::vector<std::string>>
getCpuFeatures(const llvm::Triple &triple, llvm::StringRef cpu);

/// Fails where code cannot be made for exactly these extensions: one is
/// unknown, or needs another that is not among them.
llvm::Error checkFeatures(const llvm::Triple &triple,
                          llvm::ArrayRef<std::string> features);

/// The largest part of `features` that passes `checkFeatures`.
std::vector<std::string>
dropUnusableFeatures(const llvm::Triple &triple,
                     std::vector<std::string> features);

} // namespace sluice

#endif // SLUICE_SUPPORT_CPUFEATURES_H
