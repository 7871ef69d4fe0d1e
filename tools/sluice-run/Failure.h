//===- Failure.h - What went wrong, and the exit code for it -------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_FAILURE_H
#define SLUICE_TOOLS_SLUICERUN_FAILURE_H

#include <optional>
#include <string>

namespace sluice::run {

/// What sluice-run exits with. Documented in --help; scripts rely on it.
enum class ExitCode {
  Ok = 0,
  Usage = 1,
  CannotLoad = 2,
  UnsupportedISA = 3,
  BadInput = 4,
  Mismatch = 5,
  RunFailed = 6
};

struct Failure {
  ExitCode code;
  std::string message;
};

/// A failure, or nothing when all went well.
using Outcome = std::optional<Failure>;

inline Outcome fail(ExitCode code, std::string message) {
  return Failure{code, std::move(message)};
}

inline Outcome badInput(std::string message) {
  return fail(ExitCode::BadInput, std::move(message));
}

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_FAILURE_H
