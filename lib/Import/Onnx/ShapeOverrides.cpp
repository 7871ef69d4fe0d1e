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
  constexpr const char *example = "NAME=4 or INPUT[0]=4";
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
  /// Fixes one dimension of an input, and its symbol if it has one.
  llvm::Error fixAxis(OnnxValueInfo &input, uint64_t axis, int64_t size);
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

llvm::Error Overrider::fixAxis(OnnxValueInfo &input, uint64_t axis,
                               int64_t size) {
  std::string context =
      "input " + quote(input.name) + " (" + input.type.describe() + ")";
  if (!input.type.isTensor())
    return makeError(context + " is no tensor and has no dimensions to give");
  if (!input.type.shape)
    return makeError(context + " has no declared rank; give all of its sizes "
                               "with --shape");
  if (axis >= input.type.shape->size())
    return makeError(context + " has no dimension " + llvm::Twine(axis));
  if (llvm::Error error = fixDim((*input.type.shape)[axis], size))
    return addContext(context + ", dimension " + llvm::Twine(axis),
                      std::move(error));
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

namespace {

/// Dimensions of the model's inputs that can be given a size, and where they
/// are.
struct OpenDim {
  std::string symbol; ///< empty for a dimension without a name
  std::vector<std::string> places;
};

} // namespace

static std::vector<OpenDim> findOpenDims(const OnnxModel &model) {
  std::vector<OpenDim> open;
  llvm::StringMap<size_t> known;
  for (const OnnxValueInfo &input : model.graph.inputs) {
    const OnnxType *type = &input.type;
    while (type->element)
      type = type->element.get();
    if (!type->shape)
      continue;
    for (auto [axis, dim] : llvm::enumerate(*type->shape)) {
      if (dim.isFixed())
        continue;
      size_t index = open.size();
      if (dim.isSymbolic())
        index = known.try_emplace(dim.symbol, index).first->second;
      if (index == open.size())
        open.push_back({dim.symbol, {}});
      open[index].places.push_back(input.name + "[" + std::to_string(axis) +
                                   "]");
    }
  }
  return open;
}

/// "'batch' (ids[0], mask[0]), ids[1]": the first of them.
static std::string listDims(llvm::ArrayRef<OpenDim> dims) {
  constexpr size_t mostDims = 20, mostPlaces = 3;
  std::string text;
  for (const OpenDim &dim : dims.take_front(mostDims)) {
    text += text.empty() ? "" : ", ";
    llvm::ArrayRef<std::string> places(dim.places);
    if (dim.symbol.empty()) {
      text += quote(places.front());
      continue;
    }
    text += quote(dim.symbol) + " (";
    for (auto [i, place] : llvm::enumerate(places.take_front(mostPlaces)))
      text += (i ? ", " : "") + onnx_detail::escape(place);
    text += places.size() > mostPlaces ? ", ...)" : ")";
  }
  if (dims.size() > mostDims)
    text += " and " + std::to_string(dims.size() - mostDims) + " more";
  return text.empty() ? "none" : text;
}

/// Splits "input[0]".
static std::optional<std::pair<llvm::StringRef, uint64_t>>
splitPlace(llvm::StringRef text) {
  uint64_t axis = 0;
  if (!text.consume_back("]"))
    return std::nullopt;
  auto [name, number] = text.rsplit('[');
  if (name.size() == text.size() || number.getAsInteger(10, axis))
    return std::nullopt;
  return std::make_pair(name, axis);
}

static llvm::Error fixDims(OnnxModel &model, Overrider &overrider,
                           const OnnxShapeOverrides &overrides) {
  std::vector<OpenDim> open = findOpenDims(model);
  for (const auto &[name, size] : overrides.dims) {
    llvm::StringRef wanted = name;
    if (size < 0)
      return makeError("dimension " + quote(wanted) + " cannot be " +
                       llvm::Twine(size));
    if (llvm::any_of(open, [&](const OpenDim &dim) {
          return !dim.symbol.empty() && dim.symbol == wanted;
        })) {
      if (llvm::Error error = overrider.fixSymbol(wanted, size))
        return error;
      continue;
    }
    auto place = splitPlace(wanted);
    auto input = llvm::find_if(model.graph.inputs, [&](const auto &candidate) {
      return place && candidate.name == place->first;
    });
    if (input == model.graph.inputs.end())
      return makeError("no input has a dimension " + quote(wanted) +
                       "; there are: " + listDims(open) +
                       " (write NAME=4 or INPUT[AXIS]=4)");
    if (llvm::Error error = overrider.fixAxis(*input, place->second, size))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error sluice::applyShapeOverrides(OnnxModel &model,
                                        const OnnxShapeOverrides &overrides) {
  if (overrides.shapes.empty() && overrides.dims.empty())
    return llvm::Error::success();
  Overrider overrider(model);
  if (llvm::Error error = fixDims(model, overrider, overrides))
    return error;
  for (const auto &[name, dims] : overrides.shapes)
    if (llvm::Error error = overrider.fixShape(name, dims))
      return error;
  overrider.substitute();
  return llvm::Error::success();
}
