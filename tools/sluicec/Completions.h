//===- Completions.h - Completion from LLVM's command line ------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TOOLS_SLUICEC_COMPLETIONS_H
#define SLUICE_TOOLS_SLUICEC_COMPLETIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/CommandLine.h"
#include <map>
#include <string>
#include <vector>

namespace sluice {

/// The completion script for a shell, of the options in these categories;
/// empty for shells that there are none for. `choices` has the words that some
/// options take.
std::string makeCompletionScript(
    const std::string &shell,
    llvm::ArrayRef<llvm::cl::OptionCategory *> categories,
    const std::map<std::string, std::vector<std::string>> &choices);

} // namespace sluice

#endif // SLUICE_TOOLS_SLUICEC_COMPLETIONS_H
