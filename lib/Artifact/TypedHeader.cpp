//===- TypedHeader.cpp - A C header with a typed call per model -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/TypedHeader.h"

#include "HeaderNames.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <climits>
#include <map>

using namespace llvm;
using namespace sluice;

namespace {

struct CType {
  const char *name;
  const char *enumerator;
  /// Of one element, where several share a byte; else 0.
  int packedBits = 0;
};

CType typeOf(sluice_dtype dtype) {
  switch (dtype) {
  case SLUICE_DTYPE_F32:
    return {"float", "SLUICE_DTYPE_F32"};
  case SLUICE_DTYPE_F64:
    return {"double", "SLUICE_DTYPE_F64"};
  case SLUICE_DTYPE_F16:
    return {"uint16_t", "SLUICE_DTYPE_F16"};
  case SLUICE_DTYPE_BF16:
    return {"uint16_t", "SLUICE_DTYPE_BF16"};
  case SLUICE_DTYPE_U8:
    return {"uint8_t", "SLUICE_DTYPE_U8"};
  case SLUICE_DTYPE_U16:
    return {"uint16_t", "SLUICE_DTYPE_U16"};
  case SLUICE_DTYPE_U32:
    return {"uint32_t", "SLUICE_DTYPE_U32"};
  case SLUICE_DTYPE_U64:
    return {"uint64_t", "SLUICE_DTYPE_U64"};
  case SLUICE_DTYPE_I8:
    return {"int8_t", "SLUICE_DTYPE_I8"};
  case SLUICE_DTYPE_I16:
    return {"int16_t", "SLUICE_DTYPE_I16"};
  case SLUICE_DTYPE_I32:
    return {"int32_t", "SLUICE_DTYPE_I32"};
  case SLUICE_DTYPE_I64:
    return {"int64_t", "SLUICE_DTYPE_I64"};
  case SLUICE_DTYPE_BOOL:
    return {"bool", "SLUICE_DTYPE_BOOL"};
  case SLUICE_DTYPE_F8E4M3FN:
    return {"uint8_t", "SLUICE_DTYPE_F8E4M3FN"};
  case SLUICE_DTYPE_F8E4M3FNUZ:
    return {"uint8_t", "SLUICE_DTYPE_F8E4M3FNUZ"};
  case SLUICE_DTYPE_F8E5M2:
    return {"uint8_t", "SLUICE_DTYPE_F8E5M2"};
  case SLUICE_DTYPE_F8E5M2FNUZ:
    return {"uint8_t", "SLUICE_DTYPE_F8E5M2FNUZ"};
  case SLUICE_DTYPE_F8E8M0:
    return {"uint8_t", "SLUICE_DTYPE_F8E8M0"};
  // Packed: the caller's bytes, with several elements in each.
  case SLUICE_DTYPE_U4:
    return {"uint8_t", "SLUICE_DTYPE_U4", 4};
  case SLUICE_DTYPE_I4:
    return {"uint8_t", "SLUICE_DTYPE_I4", 4};
  case SLUICE_DTYPE_F4E2M1:
    return {"uint8_t", "SLUICE_DTYPE_F4E2M1", 4};
  case SLUICE_DTYPE_U2:
    return {"uint8_t", "SLUICE_DTYPE_U2", 2};
  case SLUICE_DTYPE_I2:
    return {"uint8_t", "SLUICE_DTYPE_I2", 2};
  case SLUICE_DTYPE_F6E2M3:
    return {"uint8_t", "SLUICE_DTYPE_F6E2M3", 6};
  case SLUICE_DTYPE_F6E3M2:
    return {"uint8_t", "SLUICE_DTYPE_F6E3M2", 6};
  // Models compute with pairs of numbers instead.
  case SLUICE_DTYPE_C64:
  case SLUICE_DTYPE_C128:
  case SLUICE_DTYPE_UNDEFINED:
    break;
  }
  return {"void", "SLUICE_DTYPE_UNDEFINED"};
}

/// A tensor with its sizes as C expressions.
struct Parameter {
  const TensorSignature *tensor;
  std::string stem; ///< of the enumerator, in upper case there
  std::string name;
  std::vector<std::string> sizes;
  /// The sizes follow from the inputs', so the caller can bring the memory.
  bool isSized = true;
  /// The context keeps it from run to run.
  bool isState = false;

  /// The model has a default value for this input.
  bool isOptional() const { return tensor->defaultValue.has_value(); }
  bool isStatic() const {
    return all_of(tensor->dims, [](int64_t dim) { return dim >= 0; });
  }
  /// The sizes as an int, if they are fixed, fit one and are not empty.
  bool hasArrayBound() const {
    if (typeOf(tensor->dtype).packedBits)
      return false;
    int64_t product = 1;
    for (int64_t dim : tensor->dims)
      if (dim < 1 || MulOverflow(product, dim, product) || product > INT_MAX)
        return false;
    return isStatic();
  }
};

class HeaderWriter {
public:
  HeaderWriter(const ModelSignature &signature, raw_ostream &os)
      : signature(signature), os(os), prefix(headerPrefix(signature.name)),
        upper(StringRef(prefix).upper()) {
    makeParameters();
  }

  void write();

private:
  void nameSizes(ArrayRef<std::string> inputStems);
  std::string outputSize(const TensorSignature &tensor, size_t dim) const;
  void makeParameters();
  void writeIndices();
  void writeSizeFunctions();
  void writeModel();
  void writeStates();
  void writeRun();
  void writeDeclaration(const Parameter &parameter, bool isInput);
  void writeInput(size_t index);
  std::string describe(const TensorSignature &tensor);

  const ModelSignature &signature;
  raw_ostream &os;
  std::string prefix, upper;
  std::vector<std::string> sizeParameters;
  /// Which of them is the dimensions of this name.
  std::map<std::string, std::string> namedSizes;
  /// The inputs' sizes as C expressions.
  std::vector<std::vector<std::string>> inputSizes;
  std::vector<Parameter> inputs, outputs;
};

} // namespace

static bool isStateInput(const ModelSignature &signature, size_t index) {
  return any_of(signature.states, [&](const StateSignature &state) {
    return state.input == static_cast<int64_t>(index);
  });
}
static bool isStateOutput(const ModelSignature &signature, size_t index) {
  return any_of(signature.states, [&](const StateSignature &state) {
    return state.output == static_cast<int64_t>(index);
  });
}

/// Dimensions of one name are one parameter, those without a name one each.
/// States have their own sizes.
void HeaderWriter::nameSizes(ArrayRef<std::string> inputStems) {
  std::vector<std::string> texts;
  std::map<std::string, size_t> indices;
  std::vector<std::vector<size_t>> places;
  for (auto [index, tensor, stem] : enumerate(signature.inputs, inputStems)) {
    places.emplace_back(tensor.dims.size());
    for (size_t dim = 0; dim < tensor.dims.size(); ++dim) {
      if (tensor.dims[dim] >= 0 || isStateInput(signature, index))
        continue;
      places.back()[dim] = texts.size();
      const std::string &name = tensor.dimNames[dim];
      if (name.empty())
        texts.push_back(stem + "[" + std::to_string(dim) + "]");
      else if (auto [known, isNew] = indices.try_emplace(name, texts.size());
               isNew)
        texts.push_back(name);
      else
        places.back()[dim] = known->second;
    }
  }
  for (const std::string &stem : makeStems(texts, LetterCase::Distinguished))
    sizeParameters.push_back("dim_" + stem);
  for (const auto &[name, index] : indices)
    namedSizes[name] = sizeParameters[index];
  for (auto [index, tensor, indexOf] : enumerate(signature.inputs, places)) {
    inputSizes.emplace_back(tensor.dims.size());
    for (size_t dim = 0; dim < tensor.dims.size(); ++dim) {
      const std::string &name = tensor.dimNames[dim];
      std::string &size = inputSizes.back()[dim];
      if (tensor.dims[dim] >= 0)
        size = std::to_string(tensor.dims[dim]);
      else if (!isStateInput(signature, index))
        size = sizeParameters[indexOf[dim]];
      else if (auto known = namedSizes.find(name); known != namedSizes.end())
        size = known->second;
    }
  }
}

/// The C expression for a size of an output, as a factor; empty if only the run
/// can tell.
std::string HeaderWriter::outputSize(const TensorSignature &tensor,
                                     size_t dim) const {
  if (tensor.dims[dim] >= 0)
    return std::to_string(tensor.dims[dim]);
  if (dim < tensor.formulas.size() && tensor.formulas[dim].isKnown()) {
    // Nobody passes the length of a state.
    bool isKnown = true;
    SizeFormula::Spelling spelling;
    spelling.inputSize = [&](unsigned input, unsigned dimension) {
      isKnown &= !inputSizes[input][dimension].empty();
      return inputSizes[input][dimension];
    };
    spelling.maximum = prefix + "_size_max";
    spelling.minimum = prefix + "_size_min";
    std::string text = tensor.formulas[dim].print(spelling, /*asFactor=*/true);
    return isKnown ? text : "";
  }
  auto named = namedSizes.find(tensor.dimNames[dim]);
  return named == namedSizes.end() ? "" : named->second;
}

static std::vector<std::string>
stemsOf(const std::vector<TensorSignature> &tensors) {
  std::vector<std::string> names;
  for (const TensorSignature &tensor : tensors)
    names.push_back(tensor.name);
  return makeStems(names, LetterCase::Ignored, /*taken=*/"count");
}

void HeaderWriter::makeParameters() {
  std::vector<std::string> inputStems = stemsOf(signature.inputs);
  nameSizes(inputStems);
  for (auto [tensor, stem, sizes] :
       zip_equal(signature.inputs, inputStems, inputSizes))
    inputs.push_back({&tensor, stem, "in_" + stem, sizes, /*isSized=*/true,
                      isStateInput(signature, inputs.size())});
  for (auto [tensor, stem] :
       zip_equal(signature.outputs, stemsOf(signature.outputs))) {
    Parameter output{&tensor, stem, "out_" + stem, {}};
    output.isState = isStateOutput(signature, outputs.size());
    for (size_t dim = 0; dim < tensor.dims.size(); ++dim) {
      output.sizes.push_back(outputSize(tensor, dim));
      output.isSized &= !output.sizes.back().empty();
    }
    outputs.push_back(std::move(output));
  }
}

/// Names and sizes may hold anything; a comment must not end early.
static std::string commentText(StringRef text) {
  std::string safe;
  for (char letter : text) {
    char last = safe.empty() ? ' ' : safe.back();
    bool isMark =
        (last == '*' && letter == '/') || (last == '/' && letter == '*');
    safe += isPrint(letter) && letter != '\\' && !isMark ? letter : '_';
  }
  return safe;
}

std::string HeaderWriter::describe(const TensorSignature &tensor) {
  std::string text = commentText(tensor.name) + ": " +
                     StringRef(typeOf(tensor.dtype).enumerator)
                         .substr(StringRef("SLUICE_DTYPE_").size())
                         .lower() +
                     "[";
  for (size_t dim = 0; dim < tensor.dims.size(); ++dim) {
    text += dim ? "," : "";
    bool named = !tensor.dimNames[dim].empty();
    if (tensor.dims[dim] >= 0)
      text += std::to_string(tensor.dims[dim]);
    else
      text += named ? commentText(tensor.dimNames[dim]) : "?";
  }
  return text + (tensor.defaultValue ? "], optional" : "]");
}

void HeaderWriter::writeIndices() {
  auto writeGroup = [&](StringRef kind, ArrayRef<Parameter> parameters) {
    for (auto [index, parameter] : enumerate(parameters))
      os << "  " << upper << "_" << kind << "_"
         << StringRef(parameter.stem).upper() << " = " << index << ",\n";
    os << "  " << upper << "_" << kind << "_COUNT = " << parameters.size();
  };
  os << "/* The tensors' indices, for sluice_context_set_input and its like. "
        "*/\nenum {\n";
  writeGroup("INPUT", inputs);
  os << ",\n";
  writeGroup("OUTPUT", outputs);
  for (auto [index, state] : enumerate(signature.states))
    os << ",\n  " << upper << "_STATE_"
       << StringRef(inputs[state.input].stem).upper() << " = " << index;
  if (!signature.states.empty())
    os << ",\n  " << upper << "_STATE_COUNT = " << signature.states.size();
  os << "\n};\n\n";
}

void HeaderWriter::writeStates() {
  if (signature.states.empty())
    return;
  os << "/* Has the states, which the context keeps from run to run, begin "
        "anew. */\n"
     << "static inline sluice_status " << prefix
     << "_reset(sluice_context *context) {\n"
     << "  return sluice_context_state_reset(context, SLUICE_ALL_STATES);\n"
        "}\n\n";
  if (none_of(signature.states,
              [](const StateSignature &state) { return !!state.axis; }))
    return;
  os << "/* Forgets what states that grow hold behind a length. */\n"
     << "static inline sluice_status " << prefix
     << "_seek(sluice_context *context,\n    int64_t length) {\n"
     << "  return sluice_context_state_seek(context, SLUICE_ALL_STATES, "
        "length);\n}\n\n";
}

/// What formulas of sizes call that C has no operator for.
void HeaderWriter::writeSizeFunctions() {
  auto write = [&](const std::string &name, char sign) {
    bool isCalled = any_of(outputs, [&](const Parameter &output) {
      return any_of(output.sizes, [&](const std::string &size) {
        return StringRef(size).contains(name + "(");
      });
    });
    if (isCalled)
      os << "static inline int64_t " << name
         << "(int64_t a, int64_t b) {\n  return a " << sign
         << " b ? a : b;\n}\n\n";
  };
  write(prefix + "_size_max", '>');
  write(prefix + "_size_min", '<');
}

void HeaderWriter::writeModel() {
  const std::string symbol = "sluice_descriptor_" + signature.name;
  os << "/* The compiled model itself, from the linked artifact. */\n"
     << "extern const struct sluice_model_descriptor " << symbol << ";\n\n"
     << "/* Makes a model, to be shared by any number of threads and given up "
        "with\n * sluice_model_release. `error` may be null. */\n"
     << "static inline sluice_status " << prefix
     << "_model(sluice_model **model,\n    sluice_error *error) {\n"
     << "  return sluice_model_from_descriptor(&" << symbol
     << ", NULL, model,\n                                      error);\n}\n\n"
     << "/* Makes a context with a model of its own: all that one thread "
        "needs. Give it\n * up with sluice_context_destroy. `options` and "
        "`error` may be null. */\n"
     << "static inline sluice_status " << prefix
     << "_context(sluice_context **context,\n"
     << "    const sluice_context_options *options, sluice_error *error) {\n"
     << "  sluice_model *model = NULL;\n"
     << "  sluice_status status = " << prefix << "_model(&model, error);\n"
     << "  if (status == SLUICE_OK)\n"
     << "    status = sluice_context_create(model, options, context, error);\n"
     << "  sluice_model_release(model);\n"
     << "  return status;\n}\n\n";
}

void HeaderWriter::writeDeclaration(const Parameter &parameter, bool isInput) {
  const char *type = typeOf(parameter.tensor->dtype).name;
  const int packed = typeOf(parameter.tensor->dtype).packedBits;
  os << ",\n    ";
  if (!parameter.isSized) {
    os << "sluice_tensor *" << parameter.name;
    return;
  }
  os << (isInput ? "const " : "") << type << " ";
  if (!parameter.hasArrayBound() || parameter.isOptional()) {
    os << "*" << parameter.name << " /* ";
    interleave(parameter.sizes, os, " * ");
    os << (parameter.sizes.empty() ? "1" : "")
       << (packed ? " elements of " + std::to_string(packed) + " bits" : "")
       << (parameter.isOptional() ? ", or null for the default */" : " */");
    return;
  }
  os << parameter.name << "[";
  if (parameter.sizes.empty())
    os << "1";
  interleave(parameter.sizes, os, " * ");
  os << "]";
}

void HeaderWriter::writeInput(size_t index) {
  const Parameter &input = inputs[index];
  std::string dims = "NULL";
  if (!input.sizes.empty()) {
    dims = "sluice_dims_" + std::to_string(index);
    os << "  const int64_t " << dims << "[] = {";
    interleave(input.sizes, os, ", ");
    os << "};\n";
  }
  os << "  const sluice_tensor sluice_input_" << index << " = {"
     << typeOf(input.tensor->dtype).enumerator << ", " << input.sizes.size()
     << ", " << dims << ",\n      NULL, " << input.name << ", 0, 0};\n";
}

void HeaderWriter::writeRun() {
  os << "/* Runs the model on dense, row-major arrays. Sizes that are "
        "parameters belong\n * to the dimensions of that name. An output whose "
        "size only the run can tell\n * is a view of the context's memory, "
        "valid until its next run. What went wrong\n * is in "
        "sluice_context_message(context). */\n"
     << "static inline sluice_status " << prefix
     << "_run(sluice_context *context";
  for (const std::string &size : sizeParameters)
    os << ",\n    int64_t " << size;
  for (const Parameter &input : inputs)
    if (!input.isState)
      writeDeclaration(input, /*isInput=*/true);
  for (const Parameter &output : outputs)
    if (!output.isState)
      writeDeclaration(output, /*isInput=*/false);
  os << ") {\n";
  for (size_t index = 0; index < inputs.size(); ++index)
    if (!inputs[index].isState)
      writeInput(index);
  os << "  sluice_status sluice_result = SLUICE_OK;\n";
  auto writeStep = [&](const Twine &call) {
    os << "  if (sluice_result == SLUICE_OK)\n    sluice_result = " << call
       << ";\n";
  };
  for (size_t index = 0; index < inputs.size(); ++index) {
    if (inputs[index].isState)
      continue;
    writeStep("sluice_context_set_input(context, " + Twine(index) + ", " +
              (inputs[index].isOptional() ? inputs[index].name + " ? " : "") +
              "&sluice_input_" + Twine(index) +
              (inputs[index].isOptional() ? " : NULL" : "") + ")");
  }
  for (auto [index, output] : enumerate(outputs)) {
    if (output.isState)
      continue;
    std::string target = "NULL, 0";
    if (output.isSized) {
      const CType type = typeOf(output.tensor->dtype);
      std::string bytes = type.packedBits
                              ? "(" + std::to_string(type.packedBits)
                              : "sizeof(" + std::string(type.name) + ")";
      for (const std::string &size : output.sizes)
        bytes += " * (size_t)" + size;
      target = output.name + ",\n        " + bytes;
      if (type.packedBits)
        target += " + 7) / 8";
    }
    writeStep("sluice_context_bind_output(context, " + Twine(index) + ", " +
              target + ")");
  }
  writeStep("sluice_context_run(context)");
  for (auto [index, output] : enumerate(outputs))
    if (!output.isSized && !output.isState)
      writeStep("sluice_context_output(context, " + Twine(index) + ", " +
                output.name + ")");
  os << "  return sluice_result;\n}\n\n";
}

void HeaderWriter::write() {
  os << "/* " << signature.name
     << ".h - written by sluicec; do not edit.\n *\n";
  for (const TensorSignature &tensor : signature.inputs)
    os << " * input   " << describe(tensor) << "\n";
  for (const TensorSignature &tensor : signature.outputs)
    os << " * output  " << describe(tensor) << "\n";
  os << " */\n#ifndef SLUICE_MODEL_" << signature.name
     << "_H\n#define SLUICE_MODEL_" << signature.name
     << "_H\n\n#include \"sluice/sluice.h\"\n\n#include <stdbool.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  writeIndices();
  writeModel();
  writeStates();
  writeSizeFunctions();
  writeRun();
  os << "#ifdef __cplusplus\n}\n#endif\n#endif /* SLUICE_MODEL_"
     << signature.name << "_H */\n";
}

std::string sluice::emitTypedHeader(const ModelSignature &signature) {
  std::string text;
  raw_string_ostream os(text);
  HeaderWriter(signature, os).write();
  return text;
}
