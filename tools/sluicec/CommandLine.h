//===- CommandLine.h - The options of sluicec -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TOOLS_SLUICEC_COMMANDLINE_H
#define SLUICE_TOOLS_SLUICEC_COMMANDLINE_H

#include "sluice/Driver/Driver.h"
#include <optional>

namespace sluice {

/// Parses the command line; prints help or what is wrong. Empty when the
/// process shall end with `exitCode`.
std::optional<CompileOptions> parseCommandLine(int argc, char **argv,
                                               int &exitCode);

} // namespace sluice

#endif // SLUICE_TOOLS_SLUICEC_COMMANDLINE_H
