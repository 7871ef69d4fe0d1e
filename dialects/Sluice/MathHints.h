//===- MathHints.h - What bodies know of their arguments --------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_MATHHINTS_H
#define SLUICE_DIALECTS_SLUICE_MATHHINTS_H

#include "llvm/ADT/StringRef.h"

namespace sluice {

/// A unit attribute of `math.exp2`: the argument lies in [-126, 126] or is not
/// a number, so that the result is normal. Whoever drops it loses only speed.
inline constexpr llvm::StringLiteral normalResultAttributeName =
    "sluice.normal_result";

/// A unit attribute of `math.exp` and `math.exp2`: the argument is not
/// positive, or is not a number. Whoever drops it loses only speed.
inline constexpr llvm::StringLiteral notPositiveAttributeName =
    "sluice.not_positive";

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_MATHHINTS_H
