//===- Nearest.h - What somebody may have meant --------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SUPPORT_NEAREST_H
#define SLUICE_TOOLS_SUPPORT_NEAREST_H

#include <string>
#include <vector>

namespace sluice::tools {

/// The known word that is nearest to `word`; empty when none is near.
std::string nearest(const std::string &word,
                    const std::vector<std::string> &known);

/// "; did you mean 'kernels'?", or nothing.
std::string didYouMean(const std::string &word,
                       const std::vector<std::string> &known);

} // namespace sluice::tools

#endif // SLUICE_TOOLS_SUPPORT_NEAREST_H
