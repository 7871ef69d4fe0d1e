//===- HeaderNames.h - The identifiers of a typed header --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A model, its tensors and its dimensions may be called anything: like a
// keyword, a macro of any system, a type. So none of these names stands alone
// in a header. Functions and enumerators are the model's name and `_` with
// something behind it, which makes them the application's own; what a header
// uses internally begins with `sluice_`; and the parameters that are named
// after tensors and dimensions begin with a prefix that tells their role:
//
//   in_NAME  out_NAME  dim_NAME
//
// No keyword, type or macro of C, C++ or POSIX is such a word, whatever NAME
// is. (Not `size_NAME`: a dimension t would be size_t.) The prefixes also keep
// inputs, outputs and dimensions of one name apart, and let a NAME begin with a
// digit.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_ARTIFACT_HEADERNAMES_H
#define SLUICE_LIB_ARTIFACT_HEADERNAMES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace sluice {

/// What the names of a model's functions begin with, without the `_`. It is the
/// model's name, which is an identifier, unless that could end up among the
/// names that are Sluice's or reserved by the languages.
std::string headerPrefix(llvm::StringRef modelName);

/// Do names that differ in the case of their letters count as different? Those
/// of enumerators do not, which are in upper case.
enum class LetterCase { Distinguished, Ignored };

/// What stands behind a prefix for each of these names, each only once and none
/// equal to `taken`. Letters and digits stay, runs of anything else become one
/// `_`; a name of which nothing is left becomes its place in the list. Names
/// that need no change keep theirs whatever the others are; of those that end
/// up the same the later ones get a number.
std::vector<std::string> makeStems(llvm::ArrayRef<std::string> names,
                                   LetterCase letterCase,
                                   llvm::StringRef taken = "");

} // namespace sluice

#endif // SLUICE_LIB_ARTIFACT_HEADERNAMES_H
