//===- Inputs.cpp - Where a run's inputs come from -----------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Inputs.h"

#include "Random.h"
#include "TensorFile.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

using namespace sluice::run;

bool sluice::run::splitAssignment(const std::string &text, std::string &name,
                                  std::string &value) {
  // Tensor names may contain "=", paths of files rarely do.
  size_t position = text.rfind('=');
  if (position == std::string::npos || position == 0)
    return false;
  name = text.substr(0, position);
  value = text.substr(position + 1);
  return true;
}

static bool parseInteger(const std::string &text, int64_t &number) {
  char *end;
  errno = 0;
  number = std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && errno == 0;
}

static bool parseSize(const std::string &text, int64_t &size) {
  return parseInteger(text, size) && size >= 0;
}

static bool parseShape(const std::string &text, std::vector<int64_t> &dims) {
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find('x', start), text.size());
    int64_t size;
    if (!parseSize(text.substr(start, end - start), size))
      return false;
    dims.push_back(size);
    start = end + 1;
  }
  return text.empty() || text.back() != 'x';
}

int32_t sluice::run::matchTensor(const Tensor &tensor, const std::string &stem,
                                 const std::vector<std::string> &names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (tensor.name == names[i])
      return int32_t(i);
  int64_t number;
  if (tensor.name.compare(0, stem.size(), stem) == 0 &&
      parseSize(tensor.name.substr(stem.size()), number) &&
      number < int64_t(names.size()))
    return int32_t(number);
  return -1;
}

/// The name of a dynamic dimension; null if it has none.
static const char *dimName(const sluice_tensor_signature &tensor, int32_t dim) {
  return tensor.dims[dim] < 0 && tensor.dim_names ? tensor.dim_names[dim]
                                                  : nullptr;
}

namespace {

/// Builds the inputs of one run step by step.
class InputCollector {
public:
  InputCollector(const sluice_model *model, const Options &options,
                 std::vector<Tensor> &inputs)
      : model(model), options(options), inputs(inputs) {}

  Outcome collect();

private:
  Outcome readDims();
  Outcome readShapes();
  void shapeInputs();
  Outcome readSet();
  Outcome readFiles();
  Outcome fillConstants();
  Outcome checkSize(int32_t index) const;
  Outcome fillRest();
  void adopt(Tensor &tensor, int32_t index);
  std::string knownNames() const;
  std::string knownDims() const;
  std::string findDim(const std::string &text) const;
  std::string keyOf(int32_t index, int32_t dim) const;
  /// "input[0]"
  std::string placeText(int32_t index, int32_t dim) const {
    return names[size_t(index)] + "[" + std::to_string(dim) + "]";
  }

  const sluice_model *model;
  const Options &options;
  std::vector<Tensor> &inputs;
  std::vector<std::string> names;
  std::vector<bool> given;
  std::map<std::string, int64_t> dims;
  std::map<std::string, std::vector<int64_t>> shapes;
};

} // namespace

std::string InputCollector::knownNames() const {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "'" : ", '") + name + "'";
  return text.empty() ? "the model has none" : "the model has " + text;
}

/// "'batch' (ids[0], mask[0]), 'ids[1]'": the dimensions that can be given.
std::string InputCollector::knownDims() const {
  std::vector<std::string> texts;
  std::map<std::string, size_t> known;
  for (int32_t i = 0; i < int32_t(names.size()); ++i) {
    const sluice_tensor_signature *input = sluice_model_input(model, i);
    for (int32_t d = 0; d < input->rank; ++d) {
      if (input->dims[d] >= 0)
        continue;
      std::string place = placeText(i, d);
      const char *name = dimName(*input, d);
      if (!name) {
        texts.push_back("'" + place + "'");
        continue;
      }
      auto [entry, isNew] = known.try_emplace(name, texts.size());
      if (isNew)
        texts.push_back("'" + std::string(name) + "' (" + place);
      else
        texts[entry->second] += ", " + place;
    }
  }
  for (const auto &[name, index] : known)
    texts[index] += ")";
  std::string text;
  for (const std::string &each : texts)
    text += (text.empty() ? "" : ", ") + each;
  return text.empty() ? "none" : text;
}

/// What a dynamic dimension is known by: its name, or else its place.
std::string InputCollector::keyOf(int32_t index, int32_t dim) const {
  const char *name = dimName(*sluice_model_input(model, index), dim);
  return name ? name : placeText(index, dim);
}

/// The key of the dimension with this name or, if none has it, this place;
/// empty if there is none.
std::string InputCollector::findDim(const std::string &text) const {
  std::string placed;
  for (int32_t i = 0; i < int32_t(names.size()); ++i) {
    const sluice_tensor_signature *input = sluice_model_input(model, i);
    for (int32_t d = 0; d < input->rank; ++d) {
      const char *name = dimName(*input, d);
      if (name && text == name)
        return text;
      if (input->dims[d] < 0 && text == placeText(i, d))
        placed = keyOf(i, d);
    }
  }
  return placed;
}

Outcome InputCollector::readDims() {
  for (const std::string &text : options.dims) {
    std::string name, value;
    int64_t size;
    if (!splitAssignment(text, name, value) || !parseSize(value, size))
      return fail(ExitCode::Usage,
                  "--dim " + text + ": write NAME=SIZE or INPUT[AXIS]=SIZE");
    std::string key = findDim(name);
    if (key.empty())
      return fail(ExitCode::Usage, "--dim " + text +
                                       ": no input has a dimension named '" +
                                       name + "'; there are: " + knownDims());
    dims[key] = size;
  }
  return {};
}

Outcome InputCollector::readShapes() {
  for (const std::string &text : options.shapes) {
    std::string name, value;
    std::vector<int64_t> shape;
    if (!splitAssignment(text, name, value) || !parseShape(value, shape))
      return fail(ExitCode::Usage,
                  "--shape " + text + ": write NAME=SIZES, like x=1x3x224x224");
    if (sluice_model_find_input(model, name.c_str()) < 0)
      return fail(ExitCode::Usage,
                  "--shape " + text + ": no such input; " + knownNames());
    shapes[name] = shape;
  }
  return {};
}

/// Gives every input its type, and its shape as far as it is known without a
/// file: what is dynamic and not named by an option is 1.
void InputCollector::shapeInputs() {
  for (size_t i = 0; i < names.size(); ++i) {
    const sluice_tensor_signature *input =
        sluice_model_input(model, int32_t(i));
    Tensor &tensor = inputs[i];
    tensor.name = names[i];
    tensor.dtype = sluice_dtype(input->dtype);
    auto shape = shapes.find(names[i]);
    if (shape != shapes.end()) {
      tensor.dims = shape->second;
      continue;
    }
    for (int32_t d = 0; d < input->rank; ++d) {
      auto size = dims.find(keyOf(int32_t(i), d));
      int64_t dynamic = size == dims.end() ? 1 : size->second;
      tensor.dims.push_back(input->dims[d] < 0 ? dynamic : input->dims[d]);
    }
  }
}

/// Python cannot hold bf16 arrays without help, so f32 files do for those.
void InputCollector::adopt(Tensor &tensor, int32_t index) {
  if (inputs[index].dtype == SLUICE_DTYPE_BF16 &&
      tensor.dtype == SLUICE_DTYPE_F32) {
    tensor.data = narrowToBFloat16(tensor.data);
    tensor.dtype = SLUICE_DTYPE_BF16;
  }
  tensor.name = names[index];
  inputs[index] = std::move(tensor);
  given[index] = true;
}

Outcome InputCollector::readSet() {
  if (options.inputSet.empty())
    return {};
  std::vector<Tensor> tensors;
  if (Outcome failure = readTensors(options.inputSet, tensors))
    return failure;
  bool any = false;
  for (Tensor &tensor : tensors) {
    int32_t index = matchTensor(tensor, "input_", names);
    if (index < 0)
      continue; // e.g. the expected outputs in the same folder
    any = true;
    adopt(tensor, index);
  }
  if (!any && !names.empty())
    return badInput("nothing in '" + options.inputSet +
                    "' is named like an input; " + knownNames());
  return {};
}

Outcome InputCollector::readFiles() {
  for (const std::string &text : options.inputs) {
    std::string name, path;
    if (!splitAssignment(text, name, path))
      return fail(ExitCode::Usage, "--input " + text + ": write NAME=FILE");
    int32_t index = sluice_model_find_input(model, name.c_str());
    if (index < 0)
      return badInput("--input " + text + ": no such input; " + knownNames());
    Tensor tensor;
    tensor.dtype = inputs[index].dtype;
    tensor.dims = inputs[index].dims;
    if (Outcome failure = readTensor(path, tensor))
      return failure;
    adopt(tensor, index);
  }
  return {};
}

Outcome InputCollector::checkSize(int32_t index) const {
  const Tensor &tensor = inputs[index];
  size_t size;
  if (byteSize(tensor.dtype, tensor.dims, size) && size <= size_t(1) << 40)
    return {};
  return badInput("input '" + names[index] + "' would be too large: " +
                  typeText(tensor.dtype, tensor.dims));
}

Outcome InputCollector::fillConstants() {
  for (const std::string &text : options.fills) {
    std::string name, value;
    bool assigned = splitAssignment(text, name, value);
    char *end;
    double number = std::strtod(value.c_str(), &end);
    if (!assigned || value.empty() || *end != '\0')
      return fail(ExitCode::Usage, "--fill " + text + ": write NAME=VALUE");
    int32_t index = sluice_model_find_input(model, name.c_str());
    if (index < 0)
      return badInput("--fill " + text + ": no such input; " + knownNames());
    if (Outcome failure = checkSize(index))
      return failure;
    if (!isFloat(inputs[index].dtype) && number != std::trunc(number))
      return badInput("--fill " + text + ": the input's elements are integers");
    fillWith(inputs[index], number);
    given[index] = true;
  }
  return {};
}

static bool isState(const sluice_model *model, int32_t input) {
  for (int32_t i = 0; i < sluice_model_state_count(model); ++i)
    if (sluice_model_state(model, i)->input == input)
      return true;
  return false;
}

Outcome InputCollector::fillRest() {
  int64_t smallest, largest;
  size_t colon = options.intRange.find(':');
  if (colon == std::string::npos ||
      !parseInteger(options.intRange.substr(0, colon), smallest) ||
      !parseInteger(options.intRange.substr(colon + 1), largest))
    return fail(ExitCode::Usage,
                "--int-range " + options.intRange + ": write LOW:HIGH");
  if (smallest > largest)
    return fail(ExitCode::Usage, "--int-range " + options.intRange +
                                     ": the first is larger than the second");
  Random random(options.seed);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (given[i])
      continue;
    sluice_tensor value;
    if (sluice_model_input_default(model, int32_t(i), &value) == SLUICE_OK) {
      inputs[i] = copyOf(value, names[i].c_str());
      inputs[i].isDefault = true;
      continue;
    }
    // The context keeps what nobody gives.
    if (isState(model, int32_t(i))) {
      inputs[i].isDefault = true;
      continue;
    }
    if (!options.random)
      return badInput("input '" + names[i] + "' (" +
                      signatureText(*sluice_model_input(model, int32_t(i))) +
                      ") has no values; give it with --input " + names[i] +
                      "=FILE or --fill, or use --random");
    if (Outcome failure = checkSize(int32_t(i)))
      return failure;
    random.fill(inputs[i], smallest, largest);
  }
  return {};
}

Outcome InputCollector::collect() {
  int32_t count = sluice_model_input_count(model);
  for (int32_t i = 0; i < count; ++i)
    names.push_back(sluice_model_input(model, i)->name);
  inputs.assign(size_t(count), Tensor());
  given.assign(size_t(count), false);
  if (Outcome failure = readDims())
    return failure;
  if (Outcome failure = readShapes())
    return failure;
  shapeInputs();
  if (Outcome failure = readSet())
    return failure;
  if (Outcome failure = readFiles())
    return failure;
  if (Outcome failure = fillConstants())
    return failure;
  return fillRest();
}

Outcome sluice::run::collectInputs(const sluice_model *model,
                                   const Options &options,
                                   std::vector<Tensor> &inputs) {
  return InputCollector(model, options, inputs).collect();
}
