//===- Options.h - The command line of sluice-run ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_OPTIONS_H
#define SLUICE_TOOLS_SLUICERUN_OPTIONS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::run {

struct Options {
  std::string model;
  std::string weights;
  /// A sluice_weights_memory.
  int64_t weightsMemory = 0;
  bool skipWeightsChecksum = false;
  bool info = false;

  // Inputs.
  bool random = false;
  std::string intRange = "0:1";
  std::vector<std::string> inputs; // NAME=FILE
  std::string inputSet;
  std::vector<std::string> fills;  // NAME=VALUE
  std::vector<std::string> dims;   // NAME=SIZE
  std::vector<std::string> shapes; // INPUT=1x3x224

  // Outputs.
  bool print = false;
  std::string save;
  std::vector<std::string> expected; // NAME=FILE or a set
  double relativeTolerance = 1e-3;
  double absoluteTolerance = 1e-4;

  // Measuring.
  int32_t repeat = 1;
  /// Runs that follow each other with the states that the model keeps.
  int32_t steps = 1;
  /// For how many states have room along their axes; 0: what the model says.
  int64_t capacity = 0;
  int32_t warmUp = -1;
  int32_t threads = 0;
  std::vector<int32_t> affinity;
  uint64_t seed = 0;
  bool profile = false;
  std::string trace;
  std::string json;
  bool quiet = false;
};

/// What to do after reading the command line.
struct CommandLine {
  Options options;
  bool done = false; // help or an error was printed
  int exitCode = 0;
};

CommandLine parseCommandLine(int argc, char **argv);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_OPTIONS_H
