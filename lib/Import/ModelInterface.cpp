//===- ModelInterface.cpp - A model's inputs and outputs ------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "ModelInterface.h"
#include "Onnx/Messages.h"
#include "sluice/Support/Remarks.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace sluice;
using onnx_detail::makeError;
using onnx_detail::quote;

static constexpr llvm::StringLiteral declaredAttribute = "sluice.declared";

/// The names of the model's inputs that are initializers too.
static std::vector<std::string> namesWithDefault(const OnnxModel &model) {
  llvm::StringSet<> initializers;
  for (const OnnxTensor &initializer : model.graph.initializers)
    initializers.insert(initializer.name);
  std::vector<std::string> names;
  for (const OnnxValueInfo &input : model.graph.inputs)
    if (initializers.contains(input.name))
      names.push_back(input.name);
  return names;
}

/// "'a', 'b'": the first of the names.
static std::string listNames(ArrayRef<std::string> names) {
  constexpr size_t most = 10;
  std::string text;
  for (const std::string &name : names.take_front(most))
    text += (text.empty() ? "" : ", ") + quote(name);
  if (names.size() > most)
    text += " and " + std::to_string(names.size() - most) + " more";
  return text.empty() ? "none" : text;
}

llvm::Error sluice::checkOverridable(const OnnxModel &model,
                                     const ImportOptions &options) {
  std::vector<std::string> known = namesWithDefault(model);
  for (const std::string &name : options.overridable)
    if (!llvm::is_contained(known, name))
      return makeError(quote(name) +
                       " is no input with a default value; those "
                       "are: " +
                       listNames(known));
  return llvm::Error::success();
}

std::vector<ModelInput> sluice::selectInputs(const OnnxModel &model,
                                             const ImportOptions &options) {
  llvm::StringMap<const OnnxTensor *> initializers;
  for (const OnnxTensor &initializer : model.graph.initializers)
    initializers[initializer.name] = &initializer;
  llvm::StringSet<> overridable;
  for (const std::string &name : options.overridable)
    overridable.insert(name);
  std::vector<ModelInput> inputs;
  for (const OnnxValueInfo &input : model.graph.inputs) {
    const OnnxTensor *value = initializers.lookup(input.name);
    if (!value || options.keepDefaults || overridable.contains(input.name))
      inputs.push_back({&input, value});
  }
  return inputs;
}

llvm::Expected<OnnxType> sluice::typeOfInput(const ModelInput &input) {
  OnnxType type = input.info->type;
  if (!input.defaultValue)
    return type;
  std::vector<OnnxDim> dims;
  for (int64_t dim : input.defaultValue->dims)
    dims.push_back(OnnxDim::fixed(dim));
  OnnxType own = OnnxType::tensor(input.defaultValue->elementType, dims);
  if (type.kind == OnnxType::Kind::Unknown)
    return own;
  bool fits = type.isTensor() && type.elementType == own.elementType &&
              (!type.shape || type.shape->size() == dims.size());
  for (size_t i = 0; fits && type.shape && i < dims.size(); ++i)
    fits = !(*type.shape)[i].isFixed() || (*type.shape)[i] == dims[i];
  if (!fits)
    return makeError("input " + quote(input.info->name) + " is declared as " +
                     type.describe() + ", but its default value is " +
                     own.describe());
  if (!type.shape)
    type.shape = own.shape;
  return type;
}

void sluice::remarkConstantInputs(func::FuncOp function, const OnnxModel &model,
                                  ArrayRef<ModelInput> inputs) {
  llvm::StringSet<> kept;
  for (const ModelInput &input : inputs)
    kept.insert(input.info->name);
  std::vector<std::string> names = namesWithDefault(model);
  llvm::erase_if(names,
                 [&](const std::string &name) { return kept.contains(name); });
  if (names.empty())
    return;
  bool isOne = names.size() == 1;
  remarks::applied(function, remarks::constants)
      << (isOne ? "the input " : "the inputs ") << listNames(names)
      << (isOne ? " has a default value and is a constant here; "
                : " have default values and are constants here; ")
      << "--overridable=NAME or --keep-defaults keeps inputs that a run may "
         "set";
}

ArrayAttr sluice::dimensionNames(const OnnxType &type, Builder &builder) {
  SmallVector<Attribute> names;
  if (type.shape)
    for (const OnnxDim &dim : *type.shape)
      names.push_back(builder.getStringAttr(dim.symbol));
  return builder.getArrayAttr(names);
}

/// "f32[2,?]".
static std::string describe(RankedTensorType type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << type.getElementType() << "[";
  llvm::interleave(
      type.getShape(), os,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          os << "?";
        else
          os << size;
      },
      ",");
  os << "]";
  return text;
}

static bool fitsSizes(RankedTensorType type, ArrayRef<int64_t> declared) {
  return llvm::all_of(llvm::zip_equal(type.getShape(), declared),
                      [](auto sizes) {
                        auto [computed, declared] = sizes;
                        return ShapedType::isDynamic(computed) ||
                               declared < 0 || computed == declared;
                      });
}

/// Is this what ZipMap makes: for each row a map from labels to scores? Such an
/// output is the tensor of scores.
static bool isMapOfScores(const OnnxType &type) {
  return type.kind == OnnxType::Kind::Sequence && type.element &&
         type.element->kind == OnnxType::Kind::Map;
}

llvm::Expected<DictionaryAttr>
sluice::describeOutput(func::FuncOp function, unsigned index,
                       const OnnxValueInfo &output, Type declaredElement) {
  Builder builder(function.getContext());
  NamedAttrList attributes;
  attributes.set("sluice.name", builder.getStringAttr(output.name));
  const OnnxType &type = output.type;
  if (type.kind == OnnxType::Kind::Unknown || isMapOfScores(type))
    return attributes.getDictionary(builder.getContext());
  auto computed = cast<RankedTensorType>(function.getResultTypes()[index]);
  SmallVector<int64_t> sizes;
  if (type.shape)
    for (const OnnxDim &dim : *type.shape)
      sizes.push_back(dim.isFixed() ? dim.value : -1);
  bool hasRank = static_cast<int64_t>(sizes.size()) == computed.getRank();
  bool fits =
      type.isTensor() &&
      (!declaredElement || declaredElement == computed.getElementType()) &&
      (!type.shape || !hasRank || fitsSizes(computed, sizes));
  std::string contradiction = "output " + quote(output.name) +
                              " is declared as " + type.describe() +
                              ", but the model computes " + describe(computed);
  if (!fits)
    return makeError(contradiction);
  if (!type.shape)
    return attributes.getDictionary(builder.getContext());
  // Published models have outputs that were declared before their last
  // dimensions were added; other engines take what is computed, too.
  if (!hasRank) {
    mlir::emitWarning(function.getLoc()) << contradiction;
    return attributes.getDictionary(builder.getContext());
  }
  attributes.set("sluice.dims", dimensionNames(type, builder));
  for (auto [size, declared] : llvm::zip_equal(computed.getShape(), sizes))
    if (ShapedType::isDynamic(size) && declared >= 0)
      attributes.set(declaredAttribute, builder.getDenseI64ArrayAttr(sizes));
  return attributes.getDictionary(builder.getContext());
}

llvm::Error sluice::checkDeclaredOutputs(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; function && i < function.getNumResults(); ++i) {
    auto declared =
        function.getResultAttrOfType<DenseI64ArrayAttr>(i, declaredAttribute);
    auto type = cast<RankedTensorType>(function.getResultTypes()[i]);
    if (!declared || fitsSizes(type, declared.asArrayRef()))
      continue;
    auto name = function.getResultAttrOfType<StringAttr>(i, "sluice.name");
    std::string sizes;
    for (int64_t size : declared.asArrayRef())
      sizes += (sizes.empty() ? "" : ",") +
               (size < 0 ? std::string("?") : std::to_string(size));
    return makeError("output " + quote(name.getValue()) + " is declared as [" +
                     sizes + "], but the model computes " + describe(type));
  }
  return llvm::Error::success();
}
