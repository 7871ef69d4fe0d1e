//===- Compare.h - Outputs against what was expected ---------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_COMPARE_H
#define SLUICE_TOOLS_SLUICERUN_COMPARE_H

#include "Failure.h"
#include "Options.h"
#include "Tensor.h"

namespace sluice::run {

struct Tolerance {
  double relative;
  double absolute;
};

struct Comparison {
  std::string name;
  /// Why the tensors cannot be compared, or empty.
  std::string incompatible;
  int64_t elements = 0;
  int64_t mismatches = 0;
  double maxAbsolute = 0;
  double maxRelative = 0;
  /// The element furthest outside its tolerance, or -1.
  int64_t worst = -1;

  bool matches() const { return incompatible.empty() && mismatches == 0; }
};

/// Compares like numpy.allclose; NaN equals NaN. Integers and booleans may only
/// differ by the absolute tolerance.
Comparison compare(const Tensor &got, const Tensor &expected,
                   Tolerance tolerance);

/// One or two lines for people.
std::string describe(const Comparison &comparison, const Tensor &got,
                     const Tensor &expected);

/// Reads the expected outputs that the options name. Entry i is for output i;
/// those that are not expected have no type.
Outcome collectExpected(const sluice_model *model, const Options &options,
                        std::vector<Tensor> &expected);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_COMPARE_H
