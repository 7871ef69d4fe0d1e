//===- NumpyFile.h - NumPy's .npy files ----------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_NUMPYFILE_H
#define SLUICE_TOOLS_SLUICERUN_NUMPYFILE_H

#include "Failure.h"
#include "Tensor.h"

namespace sluice::run {

/// Reads an array from the bytes of an .npy file. `what` is for messages.
Outcome parseNumpy(const std::vector<uint8_t> &bytes, const std::string &what,
                   Tensor &tensor);

/// The bytes of an .npy file. NumPy has no bf16, so that becomes f32.
std::vector<uint8_t> formatNumpy(const Tensor &tensor);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_NUMPYFILE_H
