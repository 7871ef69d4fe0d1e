//===- main.cpp - sluice-run: runs compiled models -----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "OutOfMemory.h"
#include "Report.h"

#include <cstdio>

using namespace sluice::run;

static int complain(const Outcome &failure) {
  std::fprintf(stderr, "error: %s\n", failure->message.c_str());
  return int(failure->code);
}

int main(int argc, char **argv) {
  sluice::endWhenOutOfMemory(static_cast<int>(ExitCode::RunFailed));
  CommandLine line = parseCommandLine(argc, argv);
  if (line.done)
    return line.exitCode;
  Results results;
  if (Outcome failure = loadModel(line.options, results))
    return complain(failure);
  if (line.options.info) {
    std::fputs(formatInfo(results.model.get()).c_str(), stdout);
    return 0;
  }
  if (Outcome failure = runModel(line.options, results))
    return complain(failure);
  if (Outcome failure = report(line.options, results))
    return complain(failure);
  return 0;
}
