//===- Inputs.h - Where a run's inputs come from -------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#ifndef SLUICE_TOOLS_SLUICERUN_INPUTS_H
#define SLUICE_TOOLS_SLUICERUN_INPUTS_H

#include "Failure.h"
#include "Options.h"
#include "Tensor.h"

namespace sluice::run {

/// Reads or makes up a tensor for every input of the model, in order.
Outcome collectInputs(const sluice_model *model, const Options &options,
                      std::vector<Tensor> &inputs);

/// Splits "NAME=VALUE"; false without "=".
bool splitAssignment(const std::string &text, std::string &name,
                     std::string &value);

/// Finds for every tensor of a set the index of the input or output it is for:
/// by name, else by the number in "input_0" (`stem` is "input_"). -1 where
/// there is none.
int32_t matchTensor(const Tensor &tensor, const std::string &stem,
                    const std::vector<std::string> &names);

} // namespace sluice::run

#endif // SLUICE_TOOLS_SLUICERUN_INPUTS_H
