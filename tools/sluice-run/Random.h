//===- Random.h - Made-up tensors ----------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_RANDOM_H
#define SLUICE_TOOLS_SLUICERUN_RANDOM_H

#include "Tensor.h"

namespace sluice::run {

/// The same numbers for the same seed on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next();
  /// Uniform in [0, 1).
  double unit();

  /// Gives a tensor of known type and shape random data: floats in [-1, 1),
  /// bytes of any value, booleans, and other integers in [smallest, largest].
  void fill(Tensor &tensor, int64_t smallest, int64_t largest);

private:
  uint64_t state;
};

/// Gives every element of a tensor of known type and shape one value.
void fillWith(Tensor &tensor, double value);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_RANDOM_H
