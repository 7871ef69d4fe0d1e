//===- TypedHeader.cpp - A C header with a typed call per model -----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Artifact/TypedHeader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <climits>
#include <map>

using namespace llvm;
using namespace sluice;

namespace {

/// Words that no parameter can be called, in C11 or C++17.
constexpr StringLiteral keywords[] = {"alignas",
                                      "alignof",
                                      "and",
                                      "and_eq",
                                      "asm",
                                      "auto",
                                      "bitand",
                                      "bitor",
                                      "bool",
                                      "break",
                                      "case",
                                      "catch",
                                      "char",
                                      "class",
                                      "compl",
                                      "const",
                                      "continue",
                                      "decltype",
                                      "default",
                                      "delete",
                                      "do",
                                      "double",
                                      "else",
                                      "enum",
                                      "explicit",
                                      "export",
                                      "extern",
                                      "false",
                                      "float",
                                      "for",
                                      "friend",
                                      "goto",
                                      "if",
                                      "inline",
                                      "int",
                                      "long",
                                      "mutable",
                                      "namespace",
                                      "new",
                                      "noexcept",
                                      "not",
                                      "not_eq",
                                      "nullptr",
                                      "operator",
                                      "or",
                                      "or_eq",
                                      "private",
                                      "protected",
                                      "public",
                                      "register",
                                      "restrict",
                                      "return",
                                      "short",
                                      "signed",
                                      "sizeof",
                                      "static",
                                      "struct",
                                      "switch",
                                      "template",
                                      "this",
                                      "throw",
                                      "true",
                                      "try",
                                      "typedef",
                                      "typeid",
                                      "typename",
                                      "union",
                                      "unsigned",
                                      "using",
                                      "virtual",
                                      "void",
                                      "volatile",
                                      "wchar_t",
                                      "while",
                                      "xor",
                                      "xor_eq",
                                      "concept",
                                      "requires",
                                      "co_await",
                                      "co_return",
                                      "co_yield",
                                      "char8_t",
                                      "char16_t",
                                      "char32_t",
                                      "constexpr",
                                      "consteval",
                                      "constinit",
                                      "static_assert",
                                      "thread_local",
                                      "linux",
                                      "unix",
                                      "errno",
                                      "NULL",
                                      "EOF",
                                      "stdin",
                                      "stdout",
                                      "stderr",
                                      "static_cast",
                                      "const_cast",
                                      "dynamic_cast",
                                      "reinterpret_cast"};

/// Hands out identifiers, each only once, whatever the case of its letters:
/// enumerators have them in upper case.
class Names {
public:
  Names() {
    for (StringRef keyword : keywords)
      used.insert(keyword.lower());
    used.insert("context");
    used.insert("count");
  }

  /// An identifier that looks like `text`; `fallback` is put in front of what
  /// would be no identifier or could collide with the header's own names.
  std::string make(StringRef text, StringRef fallback) {
    std::string name;
    for (char letter : text)
      name += isAlnum(letter) ? letter : '_';
    StringRef trimmed = StringRef(name).ltrim('_');
    name = trimmed.str();
    if (name.empty() || isDigit(name[0]) ||
        StringRef(name).starts_with("sluice"))
      name = (fallback + "_" + name).str();
    std::string unique = name;
    if (used.contains(StringRef(unique).lower()))
      unique = name = (fallback + "_" + name).str();
    for (int number = 2; !used.insert(StringRef(unique).lower()).second;
         ++number)
      unique = name + "_" + std::to_string(number);
    return unique;
  }

private:
  StringSet<> used;
};

struct CType {
  const char *name;
  const char *enumerator;
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
  case SLUICE_DTYPE_UNDEFINED:
    break;
  }
  return {"void", "SLUICE_DTYPE_UNDEFINED"};
}

/// A tensor with its sizes as C expressions.
struct Parameter {
  const TensorSignature *tensor;
  std::string name;
  std::vector<std::string> sizes;
  /// The sizes follow from the inputs', so the caller can bring the memory.
  bool isSized = true;

  bool isStatic() const {
    return all_of(tensor->dims, [](int64_t dim) { return dim >= 0; });
  }
  /// The sizes as an int, if they are fixed, fit one and are not empty.
  bool hasArrayBound() const {
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
      : signature(signature), os(os), upper(StringRef(signature.name).upper()) {
    nameParameters();
  }

  void write();

private:
  void nameParameters();
  std::string sizeOf(const TensorSignature &tensor, size_t dim,
                     const std::string &parameter, bool isInput);
  void writeIndices();
  void writeModel();
  void writeRun();
  void writeDeclaration(const Parameter &parameter, bool isInput);
  void writeInput(size_t index);
  std::string describe(const TensorSignature &tensor);

  const ModelSignature &signature;
  raw_ostream &os;
  std::string upper;
  Names names;
  std::map<std::string, std::string> symbols; // dimension name to parameter
  std::vector<std::string> sizeParameters;
  std::vector<Parameter> inputs, outputs;
};

} // namespace

/// The C expression for one size. Sizes that only the run can tell have none.
std::string HeaderWriter::sizeOf(const TensorSignature &tensor, size_t dim,
                                 const std::string &parameter, bool isInput) {
  if (tensor.dims[dim] >= 0)
    return std::to_string(tensor.dims[dim]);
  std::string name = dim < tensor.dimNames.size() ? tensor.dimNames[dim] : "";
  auto symbol = symbols.find(name);
  if (!name.empty() && symbol != symbols.end())
    return symbol->second;
  if (!isInput)
    return "";
  std::string size =
      name.empty()
          ? names.make(parameter + "_dim" + std::to_string(dim), "size")
          : names.make(name, "size");
  sizeParameters.push_back(size);
  if (!name.empty())
    symbols[name] = size;
  return size;
}

void HeaderWriter::nameParameters() {
  auto add = [&](const TensorSignature &tensor, bool isInput) {
    Parameter parameter;
    parameter.tensor = &tensor;
    parameter.name = names.make(tensor.name, isInput ? "input" : "output");
    for (size_t dim = 0; dim < tensor.dims.size(); ++dim) {
      parameter.sizes.push_back(sizeOf(tensor, dim, parameter.name, isInput));
      parameter.isSized &= !parameter.sizes.back().empty();
    }
    (isInput ? inputs : outputs).push_back(std::move(parameter));
  };
  for (const TensorSignature &tensor : signature.inputs)
    add(tensor, /*isInput=*/true);
  for (const TensorSignature &tensor : signature.outputs)
    add(tensor, /*isInput=*/false);
}

/// Names and sizes may hold anything; a comment must not end early.
static std::string commentText(StringRef text) {
  std::string safe;
  for (char letter : text)
    safe += isPrint(letter) && letter != '*' && letter != '\\' ? letter : '_';
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
    bool named = dim < tensor.dimNames.size() && !tensor.dimNames[dim].empty();
    if (tensor.dims[dim] >= 0)
      text += std::to_string(tensor.dims[dim]);
    else
      text += named ? commentText(tensor.dimNames[dim]) : "?";
  }
  return text + "]";
}

void HeaderWriter::writeIndices() {
  auto writeGroup = [&](StringRef kind, ArrayRef<Parameter> parameters) {
    for (auto [index, parameter] : enumerate(parameters))
      os << "  " << upper << "_" << kind << "_"
         << StringRef(parameter.name).upper() << " = " << index << ",\n";
    os << "  " << upper << "_" << kind << "_COUNT = " << parameters.size();
  };
  os << "/* The tensors' indices, for sluice_context_set_input and its like. "
        "*/\nenum {\n";
  writeGroup("INPUT", inputs);
  os << ",\n";
  writeGroup("OUTPUT", outputs);
  os << "\n};\n\n";
}

void HeaderWriter::writeModel() {
  const std::string &name = signature.name;
  os << "/* The compiled model itself, from the linked artifact. */\n"
     << "extern const struct sluice_model_descriptor sluice_descriptor_" << name
     << ";\n\n"
     << "/* Makes a model, to be shared by any number of threads and given up "
        "with\n * sluice_model_release. `error` may be null. */\n"
     << "static inline sluice_status " << name
     << "_model(sluice_model **model,\n    sluice_error *error) {\n"
     << "  return sluice_model_from_descriptor(&sluice_descriptor_" << name
     << ", NULL, model,\n                                      error);\n}\n\n"
     << "/* Makes a context with a model of its own: all that one thread "
        "needs. Give it\n * up with sluice_context_destroy. `options` and "
        "`error` may be null. */\n"
     << "static inline sluice_status " << name
     << "_context(sluice_context **context,\n"
     << "    const sluice_context_options *options, sluice_error *error) {\n"
     << "  sluice_model *model = NULL;\n"
     << "  sluice_status status = " << name << "_model(&model, error);\n"
     << "  if (status == SLUICE_OK)\n"
     << "    status = sluice_context_create(model, options, context, error);\n"
     << "  sluice_model_release(model);\n"
     << "  return status;\n}\n\n";
}

void HeaderWriter::writeDeclaration(const Parameter &parameter, bool isInput) {
  const char *type = typeOf(parameter.tensor->dtype).name;
  os << ",\n    ";
  if (!parameter.isSized) {
    os << "sluice_tensor *" << parameter.name;
    return;
  }
  os << (isInput ? "const " : "") << type << " ";
  if (!parameter.hasArrayBound()) {
    os << "*" << parameter.name;
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
     << ", " << dims << ",\n      NULL, " << input.name << "};\n";
}

void HeaderWriter::writeRun() {
  os << "/* Runs the model on dense, row-major arrays. Sizes that are "
        "parameters belong\n * to the dimensions of that name. An output whose "
        "size only the run can tell\n * is a view of the context's memory, "
        "valid until its next run. What went wrong\n * is in "
        "sluice_context_message(context). */\n"
     << "static inline sluice_status " << signature.name
     << "_run(sluice_context *context";
  for (const std::string &size : sizeParameters)
    os << ",\n    int64_t " << size;
  for (const Parameter &input : inputs)
    writeDeclaration(input, /*isInput=*/true);
  for (const Parameter &output : outputs)
    writeDeclaration(output, /*isInput=*/false);
  os << ") {\n";
  for (size_t index = 0; index < inputs.size(); ++index)
    writeInput(index);
  os << "  sluice_status sluice_result = SLUICE_OK;\n";
  auto writeStep = [&](const Twine &call) {
    os << "  if (sluice_result == SLUICE_OK)\n    sluice_result = " << call
       << ";\n";
  };
  for (size_t index = 0; index < inputs.size(); ++index)
    writeStep("sluice_context_set_input(context, " + Twine(index) +
              ", &sluice_input_" + Twine(index) + ")");
  for (auto [index, output] : enumerate(outputs)) {
    std::string target = "NULL, 0";
    if (output.isSized) {
      target = output.name + ",\n        sizeof(" +
               typeOf(output.tensor->dtype).name + ")";
      for (const std::string &size : output.sizes)
        target += " * (size_t)" + size;
    }
    writeStep("sluice_context_bind_output(context, " + Twine(index) + ", " +
              target + ")");
  }
  writeStep("sluice_context_run(context)");
  for (auto [index, output] : enumerate(outputs))
    if (!output.isSized)
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
  os << " */\n#ifndef SLUICE_MODEL_" << upper << "_H\n#define SLUICE_MODEL_"
     << upper
     << "_H\n\n#include \"sluice/sluice.h\"\n\n#include <stdbool.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  writeIndices();
  writeModel();
  writeRun();
  os << "#ifdef __cplusplus\n}\n#endif\n#endif /* SLUICE_MODEL_" << upper
     << "_H */\n";
}

std::string sluice::emitTypedHeader(const ModelSignature &signature) {
  std::string text;
  raw_string_ostream os(text);
  HeaderWriter(signature, os).write();
  return text;
}
