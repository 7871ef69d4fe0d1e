//===- Importer.cpp - ONNX models to the sluice dialect -------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Import/Importer.h"
#include "GraphImporter.h"
#include "ImportRegistry.h"
#include "ModelInterface.h"
#include "Onnx/Messages.h"
#include "dialects/Sluice/TensorExtent.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace sluice;

char UnsupportedNodesError::ID;

void UnsupportedNodesError::log(llvm::raw_ostream &os) const {
  os << nodes.size() << (nodes.size() == 1 ? " node" : " nodes")
     << " cannot be compiled:\n";
  for (const UnsupportedNode &node : nodes)
    os << "  " << onnx_detail::escape(node.name) << ": "
       << onnx_detail::escape((node.domain.empty() ? "" : node.domain + ".") +
                              node.opType)
       << (node.opset ? " (opset " + std::to_string(node.opset) + ")" : "")
       << " on (" << node.types << "): " << node.reason << "\n";
}

std::error_code UnsupportedNodesError::convertToErrorCode() const {
  return llvm::inconvertibleErrorCode();
}

void sluice::loadImportDialects(MLIRContext &context) {
  context
      .loadDialect<SluiceDialect, arith::ArithDialect, cf::ControlFlowDialect,
                   func::FuncDialect, scf::SCFDialect, tensor::TensorDialect>();
}

const ImportRegistry &sluice::importRegistry() {
  static const ImportRegistry registry = [] {
    ImportRegistry result;
    registerAttentionImports(result);
    registerClassifierImports(result);
    registerColumnsImports(result);
    registerContribAttentionImports(result);
    registerContractionImports(result);
    registerContribImports(result);
    registerControlImports(result);
    registerConvolutionImports(result);
    registerEinsumImports(result);
    registerElementwiseImports(result);
    registerExpertsImports(result);
    registerFlexAttentionImports(result);
    registerGeneratorImports(result);
    registerGroupQueryAttentionImports(result);
    registerIndexingImports(result);
    registerLabelEncoderImports(result);
    registerLinearAlgebraImports(result);
    registerLinearAttentionImports(result);
    registerMachineLearningImports(result);
    registerMovementImports(result);
    registerNormalizationImports(result);
    registerPoolingImports(result);
    registerReductionImports(result);
    registerLossImports(result);
    registerQuantizationImports(result);
    registerRandomImports(result);
    registerRecurrentImports(result);
    registerResamplingImports(result);
    registerRotaryEmbeddingImports(result);
    registerSpectralImports(result);
    registerTensorImports(result);
    registerTreeImports(result);
    return result;
  }();
  return registry;
}

std::vector<SupportedOperator> sluice::listSupportedOperators() {
  std::vector<SupportedOperator> operators;
  for (const auto &entry : importRegistry().all()) {
    auto [domain, name] = entry.first().rsplit('.');
    bool isStandard = !entry.first().contains('.');
    operators.push_back({isStandard ? "ai.onnx" : domain.str(),
                         isStandard ? domain.str() : name.str(),
                         entry.second.minOpset});
  }
  llvm::sort(operators, [](const auto &left, const auto &right) {
    return std::tie(left.domain, left.name) <
           std::tie(right.domain, right.name);
  });
  return operators;
}

/// The newest version of the standard operators that the imports know.
static constexpr int64_t newestOpset = 28;

/// Later versions mostly add types: what they change else is not known.
static void warnOfNewOpset(const OnnxModel &model, Location loc) {
  for (const OnnxOpset &opset : model.opsets)
    if (opset.domain.empty() && opset.version > newestOpset)
      mlir::emitWarning(loc)
          << "opset " << opset.version << " is newer than " << newestOpset
          << ", the newest known: its operators are read as those of "
          << newestOpset;
}

/// The type of a model input; null with `reason` set where not supported.
static RankedTensorType convertInput(const GraphImporter &importer,
                                     const OnnxType &type,
                                     std::string &reason) {
  if (!type.isTensor()) {
    reason = "model inputs must be tensors, this is " + type.describe();
    return nullptr;
  }
  Type elementType = importer.convertElementType(type.elementType);
  if (!elementType) {
    bool isKnown = type.elementType == OnnxElementType::String ||
                   bitWidth(type.elementType) != 0;
    reason = (isKnown ? "element type " : "the unknown element ") +
             elementTypeName(type.elementType);
    return nullptr;
  }
  if (!type.shape) {
    reason = "the rank of the input is not declared; give it with --shape";
    return nullptr;
  }
  SmallVector<int64_t> shape;
  for (const OnnxDim &dim : *type.shape)
    shape.push_back(dim.isFixed() ? dim.value : ShapedType::kDynamic);
  auto tensor = RankedTensorType::get(shape, elementType);
  if (succeeded(verifyExtent(std::nullopt, tensor)))
    return tensor;
  reason = "the input is larger than any memory or has more than " +
           std::to_string(maxRank) + " dimensions";
  return nullptr;
}

/// The value of an initializer.
static llvm::Expected<Attribute> convertDefault(GraphImporter &importer,
                                                const OnnxTensor &tensor,
                                                OpBuilder &builder) {
  auto value =
      importer.importConstant(tensor, builder, builder.getUnknownLoc());
  if (!value)
    return value.takeError();
  auto constant = value->getDefiningOp<ConstantOp>();
  Attribute attribute = constant.getValueAttr();
  constant.erase();
  return attribute;
}

/// All nodes that cannot be translated. One that breaks ONNX's rules makes the
/// model a damaged one, whatever else there is.
static llvm::Error reportNodes(ImportState state) {
  if (state.damaged.empty() && state.unsupported.empty())
    return llvm::Error::success();
  UnsupportedNodesError unsupported(std::move(state.unsupported));
  if (state.damaged.empty())
    return llvm::make_error<UnsupportedNodesError>(std::move(unsupported));
  std::string text = state.damaged.front();
  if (state.damaged.size() > 1 || !unsupported.nodes.empty()) {
    llvm::raw_string_ostream os(text);
    text.clear();
    os << state.damaged.size()
       << (state.damaged.size() == 1 ? " node breaks" : " nodes break")
       << " the rules of ONNX:\n";
    for (const std::string &damage : state.damaged)
      os << "  " << damage << "\n";
    if (!unsupported.nodes.empty())
      unsupported.log(os);
  }
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

llvm::Expected<OwningOpRef<ModuleOp>>
sluice::importOnnxModel(const OnnxModel &model, MLIRContext &context,
                        const ImportOptions &options) {
  loadImportDialects(context);
  OpBuilder builder(&context);
  auto loc = NameLoc::get(builder.getStringAttr(
      model.graph.name.empty() ? "model" : model.graph.name));
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  warnOfNewOpset(model, loc);
  ImportState state{context, {}, {}, {}};
  GraphImporter importer(state, nullptr);

  SmallVector<Type> inputTypes;
  SmallVector<OnnxType> declaredTypes;
  SmallVector<bool> isKnown;
  std::vector<ModelInput> inputs = selectInputs(model, options);
  for (const ModelInput &input : inputs) {
    auto declared = typeOfInput(input);
    if (!declared)
      return declared.takeError();
    if (declared->kind == OnnxType::Kind::Unknown ||
        (declared->isTensor() &&
         declared->elementType == OnnxElementType::Undefined))
      return onnx_detail::makeError(
          "graph input " + onnx_detail::quote(input.info->name) + " has no " +
          (declared->isTensor() ? "element type" : "type"));
    std::string reason;
    RankedTensorType type = convertInput(importer, *declared, reason);
    isKnown.push_back(static_cast<bool>(type));
    if (!type) {
      UnsupportedNode entry;
      entry.name = input.info->name;
      entry.opType = "graph input";
      entry.types = declared->describe();
      entry.reason = reason;
      state.unsupported.push_back(std::move(entry));
      type = RankedTensorType::get({}, builder.getF32Type());
    }
    inputTypes.push_back(type);
    declaredTypes.push_back(std::move(*declared));
  }

  builder.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "main",
                                       builder.getFunctionType(inputTypes, {}));
  remarkConstantInputs(function, model, inputs);
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  // Attributes of all are set at once: each setting makes a new list.
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    const std::string &name = input.info->name;
    // Nodes that read what is not supported say nothing about themselves.
    importer.bind(name,
                  isKnown[index] ? Value(block->getArgument(index)) : Value());
    NamedAttrList attributes;
    attributes.set("sluice.name", builder.getStringAttr(name));
    attributes.set("sluice.dims",
                   dimensionNames(declaredTypes[index], builder));
    // What has no type here has been reported.
    if (input.defaultValue &&
        importer.convertElementType(input.defaultValue->elementType)) {
      auto value = convertDefault(importer, *input.defaultValue, builder);
      if (!value)
        return value.takeError();
      attributes.set("sluice.default", *value);
    }
    argumentAttributes.push_back(attributes.getDictionary(&context));
  }
  function.setAllArgAttrs(argumentAttributes);
  auto outputs = importer.importGraph(model.graph, builder);
  if (!outputs)
    return outputs.takeError();
  if (llvm::Error error = reportNodes(std::move(state)))
    return error;

  func::ReturnOp::create(builder, loc, *outputs);
  SmallVector<Type> outputTypes;
  for (Value output : *outputs)
    outputTypes.push_back(output.getType());
  function.setFunctionType(builder.getFunctionType(inputTypes, outputTypes));
  for (auto [index, output] : llvm::enumerate(model.graph.outputs)) {
    auto attributes =
        describeOutput(function, index, output,
                       importer.convertElementType(output.type.elementType));
    if (!attributes)
      return attributes.takeError();
    resultAttributes.push_back(*attributes);
  }
  function.setAllResultAttrs(resultAttributes);
  SmallVector<Attribute> metadata;
  for (const auto &[key, value] : model.metadata) {
    metadata.push_back(builder.getStringAttr(key));
    metadata.push_back(builder.getStringAttr(value));
  }
  (*module)->setAttr("sluice.metadata", builder.getArrayAttr(metadata));

  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  if (failed(verify(*module)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "the imported model is not valid: %s",
                                   message.c_str());
  return module;
}
