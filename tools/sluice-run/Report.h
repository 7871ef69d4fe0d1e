//===- Report.h - What sluice-run prints and writes ----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_REPORT_H
#define SLUICE_TOOLS_SLUICERUN_REPORT_H

#include "Runner.h"

namespace sluice::run {

/// The model's signature, target and plan, for --info.
std::string formatInfo(const sluice_model *model);

/// Type, range and first elements of a tensor in one line.
std::string summarise(const Tensor &tensor);

/// Every element, nested by dimension.
std::string formatTensor(const Tensor &tensor);

/// Everything for people, as the options want it.
std::string formatResults(const Options &options, const Results &results);

/// Everything for programs.
std::string formatJson(const Options &options, const Results &results);

/// Prints and writes what the options ask for.
Outcome report(const Options &options, const Results &results);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_REPORT_H
