//===- ShapeOverrides.cpp - Fix the shapes of a model's inputs ------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#include "Messages.h"
#include "sluice/Import/Onnx/OnnxTransforms.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace sluice;
using namespace sluice::onnx_detail;

/// Splits "name=value"; names may have an '=' in them, values have none.
static llvm::Expected<std::pair<llvm::StringRef, llvm::StringRef>>
splitAssignment(llvm::StringRef text, const llvm::Twine &example) {
  auto [name, value] = text.rsplit('=');
  if (!text.contains('=') || name.empty())
    return makeError(quote(text) + " does not look like " + example);
  return std::make_pair(name, value);
}

llvm::Error sluice::addShapeOverride(OnnxShapeOverrides &overrides,
                                     llvm::StringRef text) {
  constexpr const char *example = "NAME=1x3x224x224";
  auto assignment = splitAssignment(text, example);
  if (!assignment)
    return assignment.takeError();
  llvm::SmallVector<llvm::StringRef> parts;
  if (!assignment->second.empty())
    assignment->second.split(parts, 'x');
  std::vector<int64_t> dims;
  for (llvm::StringRef part : parts) {
    int64_t dim = -1;
    if (part != "?" && (part.getAsInteger(10, dim) || dim < 0))
      return makeError(quote(text) + " does not look like " + example + ": " +
                       quote(part) + " is no size");
    dims.push_back(dim);
  }
  overrides.shapes.emplace_back(assignment->first.str(), std::move(dims));
  return llvm::Error::success();
}

llvm::Error sluice::addDimOverride(OnnxShapeOverrides &overrides,
                                   llvm::StringRef text) {
  constexpr const char *example = "NAME=4";
  auto assignment = splitAssignment(text, example);
  if (!assignment)
    return assignment.takeError();
  int64_t dim = 0;
  if (assignment->second.getAsInteger(10, dim) || dim < 0)
    return makeError(quote(text) + " does not look like " + example);
  overrides.dims.emplace_back(assignment->first.str(), dim);
  return llvm::Error::success();
}

namespace {

class Overrider {
public:
  explicit Overrider(OnnxModel &model) : model(model) {}

  llvm::Error fixShape(llvm::StringRef name, llvm::ArrayRef<int64_t> dims);
  llvm::Error fixSymbol(llvm::StringRef symbol, int64_t size);
  /// Gives the fixed symbols their sizes everywhere in the model.
  void substitute() { substitute(model.graph); }

private:
  llvm::Error fixDim(OnnxDim &dim, int64_t size);
  void substitute(OnnxGraph &graph);
  void substitute(OnnxType &type);

  OnnxModel &model;
  llvm::StringMap<int64_t> symbols;
};

} // namespace

/// "'a', 'b'": what the user could have meant.
template <typename Names> static std::string listNames(const Names &names) {
  std::string text;
  for (llvm::StringRef name : names)
    text += (text.empty() ? "" : ", ") + quote(name);
  return text.empty() ? "none" : text;
}

llvm::Error Overrider::fixSymbol(llvm::StringRef symbol, int64_t size) {
  auto [known, isNew] = symbols.try_emplace(symbol, size);
  if (!isNew && known->second != size)
    return makeError("dimension " + quote(symbol) + " cannot be " +
                     llvm::Twine(known->second) + " and " + llvm::Twine(size));
  return llvm::Error::success();
}

llvm::Error Overrider::fixDim(OnnxDim &dim, int64_t size) {
  if (dim.isSymbolic())
    return fixSymbol(dim.symbol, size);
  if (dim.isFixed() && dim.value != size)
    return makeError("the model fixes it to " + llvm::Twine(dim.value) +
                     ", so it cannot be " + llvm::Twine(size));
  dim = OnnxDim::fixed(size);
  return llvm::Error::success();
}

llvm::Error Overrider::fixShape(llvm::StringRef name,
                                llvm::ArrayRef<int64_t> dims) {
  auto input = llvm::find_if(model.graph.inputs, [&](const auto &candidate) {
    return candidate.name == name;
  });
  if (input == model.graph.inputs.end()) {
    std::vector<std::string> names;
    for (const OnnxValueInfo *required : model.graph.requiredInputs())
      names.push_back(required->name);
    return makeError("the model has no input " + quote(name) +
                     "; its inputs: " + listNames(names));
  }
  std::string context =
      "input " + quote(name) + " (" + input->type.describe() + ")";
  if (!input->type.isTensor())
    return makeError(context + " is no tensor and has no shape to give");
  std::optional<std::vector<OnnxDim>> &shape = input->type.shape;
  if (!shape)
    shape.emplace(dims.size());
  if (shape->size() != dims.size())
    return makeError(context + " has rank " + llvm::Twine(shape->size()) +
                     ", but the shape given has " + llvm::Twine(dims.size()) +
                     " dimensions");
  for (size_t axis = 0; axis < dims.size(); ++axis)
    if (dims[axis] >= 0)
      if (llvm::Error error = fixDim((*shape)[axis], dims[axis]))
        return addContext(context + ", dimension " + llvm::Twine(axis),
                          std::move(error));
  return llvm::Error::success();
}

void Overrider::substitute(OnnxType &type) {
  if (type.shape)
    for (OnnxDim &dim : *type.shape)
      if (dim.isSymbolic())
        if (auto known = symbols.find(dim.symbol); known != symbols.end())
          dim = OnnxDim::fixed(known->second);
  if (!type.element)
    return;
  OnnxType element = *type.element;
  substitute(element);
  type.element = std::make_shared<const OnnxType>(std::move(element));
}

void Overrider::substitute(OnnxGraph &graph) {
  for (auto *infos : {&graph.inputs, &graph.outputs, &graph.valueInfos})
    for (OnnxValueInfo &info : *infos)
      substitute(info.type);
  for (OnnxNode &node : graph.nodes)
    for (OnnxAttribute &attribute : node.attributes) {
      for (OnnxGraph &inner : attribute.graphs)
        substitute(inner);
      for (OnnxType &type : attribute.types)
        substitute(type);
    }
}

/// The symbols in the types of the model's inputs, in order.
static std::vector<std::string> inputSymbols(const OnnxModel &model) {
  std::vector<std::string> symbols;
  llvm::StringSet<> seen;
  for (const OnnxValueInfo &input : model.graph.inputs) {
    const OnnxType *type = &input.type;
    while (type->element)
      type = type->element.get();
    if (!type->shape)
      continue;
    for (const OnnxDim &dim : *type->shape)
      if (dim.isSymbolic() && seen.insert(dim.symbol).second)
        symbols.push_back(dim.symbol);
  }
  return symbols;
}

llvm::Error sluice::applyShapeOverrides(OnnxModel &model,
                                        const OnnxShapeOverrides &overrides) {
  if (overrides.shapes.empty() && overrides.dims.empty())
    return llvm::Error::success();
  Overrider overrider(model);
  std::vector<std::string> known = inputSymbols(model);
  for (const auto &[symbol, size] : overrides.dims) {
    if (size < 0)
      return makeError("dimension " + quote(symbol) + " cannot be " +
                       llvm::Twine(size));
    if (!llvm::is_contained(known, symbol))
      return makeError("no input has a dimension " + quote(symbol) +
                       "; the names are: " + listNames(known));
    if (llvm::Error error = overrider.fixSymbol(symbol, size))
      return error;
  }
  for (const auto &[name, dims] : overrides.shapes)
    if (llvm::Error error = overrider.fixShape(name, dims))
      return error;
  overrider.substitute();
  return llvm::Error::success();
}
