//===- Compare.cpp - Outputs against what was expected -------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Compare.h"

#include "Inputs.h"
#include "TensorFile.h"

#include <cmath>
#include <cstdio>

using namespace sluice::run;

namespace {

/// How far an element is off, absolutely and in units of its tolerance.
struct Difference {
  double absolute;
  double relative;
  double excess;
};

Difference differ(double got, double expected, Tolerance tolerance) {
  if (std::isnan(got) && std::isnan(expected))
    return {0, 0, 0};
  if (got == expected)
    return {0, 0, 0};
  double absolute = std::fabs(got - expected);
  if (std::isnan(absolute) || std::isinf(absolute))
    return {INFINITY, INFINITY, INFINITY};
  double allowed =
      tolerance.absolute + tolerance.relative * std::fabs(expected);
  double relative = expected == 0 ? INFINITY : absolute / std::fabs(expected);
  return {absolute, relative, absolute <= allowed ? 0 : absolute - allowed};
}

/// Integers are compared as such: doubles would merge the large ones.
Difference differExactly(int64_t got, int64_t expected, double allowed) {
  if (got == expected)
    return {0, 0, 0};
  uint64_t distance = got > expected ? uint64_t(got) - uint64_t(expected)
                                     : uint64_t(expected) - uint64_t(got);
  double absolute = double(distance);
  double relative =
      expected == 0 ? INFINITY : absolute / std::fabs(double(expected));
  return {absolute, relative, absolute <= allowed ? 0 : absolute};
}

} // namespace

Comparison sluice::run::compare(const Tensor &got, const Tensor &expected,
                                Tolerance tolerance) {
  Comparison result;
  result.name = got.name;
  bool real = isFloat(got.dtype);
  if (got.dims != expected.dims || real != isFloat(expected.dtype) ||
      (!real && got.dtype != expected.dtype)) {
    result.incompatible = "got " + typeText(got.dtype, got.dims) +
                          ", expected " +
                          typeText(expected.dtype, expected.dims);
    return result;
  }
  result.elements = got.elementCount();
  double worst = 0;
  for (int64_t i = 0; i < result.elements; ++i) {
    Difference difference =
        real ? differ(got.real(i), expected.real(i), tolerance)
             : differExactly(got.integer(i), expected.integer(i),
                             tolerance.absolute);
    result.maxAbsolute = std::fmax(result.maxAbsolute, difference.absolute);
    // Elements within the absolute tolerance say nothing about relative error.
    if (difference.absolute > tolerance.absolute)
      result.maxRelative = std::fmax(result.maxRelative, difference.relative);
    result.mismatches += difference.excess > 0;
    if (difference.excess > worst) {
      worst = difference.excess;
      result.worst = i;
    }
  }
  return result;
}

std::string sluice::run::describe(const Comparison &comparison,
                                  const Tensor &got, const Tensor &expected) {
  if (!comparison.incompatible.empty())
    return "output '" + got.name + "' MISMATCH: " + comparison.incompatible;
  char errors[96];
  std::snprintf(errors, sizeof errors, "max abs %.3g, max rel %.3g",
                comparison.maxAbsolute, comparison.maxRelative);
  if (comparison.matches())
    return "output '" + got.name + "' matches: " + errors;
  return "output '" + got.name +
         "' MISMATCH: " + std::to_string(comparison.mismatches) + " of " +
         std::to_string(comparison.elements) + " elements, " + errors +
         "\n  worst at " + positionText(got.dims, comparison.worst) + ": got " +
         elementText(got, comparison.worst) + ", expected " +
         elementText(expected, comparison.worst);
}

Outcome sluice::run::collectExpected(const sluice_model *model,
                                     const Options &options,
                                     std::vector<Tensor> &expected) {
  std::vector<std::string> names;
  for (int32_t i = 0; i < sluice_model_output_count(model); ++i)
    names.push_back(sluice_model_output(model, i)->name);
  expected.assign(names.size(), Tensor());
  for (const std::string &text : options.expected) {
    std::string name, path;
    int32_t index = -1;
    if (splitAssignment(text, name, path))
      index = sluice_model_find_output(model, name.c_str());
    if (index >= 0) {
      Tensor &tensor = expected[index];
      tensor.dtype = sluice_dtype(sluice_model_output(model, index)->dtype);
      const sluice_tensor_signature *output = sluice_model_output(model, index);
      tensor.dims.assign(output->dims, output->dims + output->rank);
      if (Outcome failure = readTensor(path, tensor))
        return failure;
      continue;
    }
    std::vector<Tensor> tensors;
    if (Outcome failure = readTensors(text, tensors))
      return failure;
    bool any = false;
    for (Tensor &tensor : tensors) {
      index = matchTensor(tensor, "output_", names);
      if (index < 0)
        continue;
      any = true;
      expected[index] = std::move(tensor);
    }
    if (!any)
      return badInput("nothing in '" + text + "' is named like an output");
  }
  return {};
}
