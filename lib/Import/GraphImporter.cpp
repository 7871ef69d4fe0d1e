//===- GraphImporter.cpp - Translates one graph ---------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "ControlFlow.h"
#include "ImportRegistry.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace sluice;

/// Each diverging branch doubles what follows it.
static constexpr unsigned maxDivergence = 4;

Type GraphImporter::convertElementType(OnnxElementType type) const {
  MLIRContext *context = &state.context;
  auto integer = [&](unsigned width, bool isUnsigned) {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (type) {
  case OnnxElementType::Float:
    return Float32Type::get(context);
  case OnnxElementType::Float16:
    return Float16Type::get(context);
  case OnnxElementType::BFloat16:
    return BFloat16Type::get(context);
  case OnnxElementType::Double:
    return Float64Type::get(context);
  case OnnxElementType::Bool:
    return integer(1, false);
  case OnnxElementType::Int8:
    return integer(8, false);
  case OnnxElementType::Int16:
    return integer(16, false);
  case OnnxElementType::Int32:
    return integer(32, false);
  case OnnxElementType::Int64:
    return integer(64, false);
  case OnnxElementType::UInt8:
    return integer(8, true);
  case OnnxElementType::UInt16:
    return integer(16, true);
  case OnnxElementType::UInt32:
    return integer(32, true);
  case OnnxElementType::UInt64:
    return integer(64, true);
  default:
    return nullptr;
  }
}

llvm::Expected<Value> GraphImporter::importConstant(const OnnxTensor &tensor,
                                                    OpBuilder &builder,
                                                    Location loc) {
  Type elementType = convertElementType(tensor.elementType);
  if (!elementType)
    return llvm::make_error<UnsupportedError>(
        "constant of element type " + elementTypeName(tensor.elementType));
  auto type = RankedTensorType::get(tensor.dims, elementType);
  if (tensor.bytes.size() > state.inlineConstantLimit &&
      !elementType.isInteger(1)) {
    // The blob's deleter holds the file mapping.
    auto owner = tensor.owner;
    AsmResourceBlob blob(
        tensor.bytes, /*dataAlignment=*/1,
        [owner](void *, size_t, size_t) mutable { owner.reset(); },
        /*dataIsMutable=*/false);
    auto value = DenseResourceElementsAttr::get(
        type, tensor.name.empty() ? "constant" : tensor.name, std::move(blob));
    return ConstantOp::create(builder, loc, value).getResult();
  }
  if (elementType.isInteger(1)) {
    SmallVector<bool> elements;
    for (char byte : tensor.bytes)
      elements.push_back(byte != 0);
    return ConstantOp::create(builder, loc,
                              DenseElementsAttr::get(type, elements))
        .getResult();
  }
  // Raw buffers must be aligned for their element type.
  SmallVector<uint64_t> aligned((tensor.bytes.size() + 7) / 8);
  if (!tensor.bytes.empty())
    std::memcpy(aligned.data(), tensor.bytes.data(), tensor.bytes.size());
  ArrayRef<char> bytes(reinterpret_cast<const char *>(aligned.data()),
                       tensor.bytes.size());
  if (type.getNumElements() == 0)
    return ConstantOp::create(
               builder, loc,
               DenseElementsAttr::get(type, ArrayRef<Attribute>()))
        .getResult();
  return ConstantOp::create(builder, loc,
                            DenseElementsAttr::getFromRawBuffer(type, bytes))
      .getResult();
}

llvm::Expected<Value> GraphImporter::lookUp(StringRef name,
                                            const OnnxNode &user,
                                            OpBuilder &builder) {
  for (GraphImporter *scope = this; scope; scope = scope->parent) {
    auto it = scope->values.find(name);
    if (it != scope->values.end())
      return it->second;
    auto initializer = scope->initializers.find(name);
    if (initializer != scope->initializers.end()) {
      // A constant is made where it is used first, so that subgraphs do not
      // depend on ops of the graph around them; only its own scope keeps it.
      auto loc = NameLoc::get(builder.getStringAttr(name));
      auto value = importConstant(*initializer->second, builder, loc);
      if (value)
        values[name] = *value;
      return value;
    }
  }
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "%s: input '%s' is not defined",
                                 user.describe().c_str(), name.str().c_str());
}

/// Adds what a graph's nodes read, and those of the graphs inside it.
static void collectUsed(const OnnxGraph &graph, llvm::StringSet<> &used) {
  for (const OnnxValueInfo &output : graph.outputs)
    used.insert(output.name);
  for (const OnnxNode &node : graph.nodes) {
    for (const std::string &input : node.inputs)
      used.insert(input);
    for (const OnnxAttribute &attribute : node.attributes)
      for (const OnnxGraph &inner : attribute.graphs)
        collectUsed(inner, used);
  }
}

bool GraphImporter::isUsed(StringRef name) {
  if (!graph)
    return true;
  if (!used) {
    auto names = std::make_shared<llvm::StringSet<>>();
    collectUsed(*graph, *names);
    used = std::move(names);
  }
  return used->contains(name);
}

void GraphImporter::reportUnsupported(const OnnxNode &node,
                                      const Values &inputs, StringRef reason) {
  // Bodies of loops and what follows diverging branches are translated more
  // than once.
  if (!state.reported.insert({node.name, node.opType}).second)
    return;
  UnsupportedNode entry;
  entry.name = node.name;
  entry.opType = node.opType;
  entry.domain = node.domain;
  entry.opset = node.opsetVersion;
  entry.reason = reason.str();
  llvm::raw_string_ostream types(entry.types);
  llvm::interleaveComma(inputs, types, [&](Value value) {
    if (value)
      types << value.getType();
    else
      types << "?";
  });
  state.unsupported.push_back(std::move(entry));
}

/// How many of the names up to the last one that is given.
static size_t countGiven(ArrayRef<std::string> names) {
  while (!names.empty() && names.back().empty())
    names = names.drop_back();
  return names.size();
}

/// Whether a node has as many inputs and outputs as its operator.
static llvm::Error checkArity(const OnnxNode &node, const Arity &arity) {
  auto invalid = [&](const llvm::Twine &text) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(node.describe()) + ": " + text);
  };
  for (unsigned i = 0; i < arity.minInputs; ++i)
    if (i >= node.inputs.size() || node.inputs[i].empty())
      return invalid("input " + llvm::Twine(i) + " is missing");
  if (size_t given = countGiven(node.inputs); given > arity.maxInputs)
    return invalid("has " + llvm::Twine(given) +
                   " inputs, its operator at most " +
                   llvm::Twine(arity.maxInputs));
  if (size_t given = countGiven(node.outputs); given > arity.maxOutputs)
    return invalid("has " + llvm::Twine(given) +
                   " outputs, its operator at most " +
                   llvm::Twine(arity.maxOutputs));
  return llvm::Error::success();
}

llvm::Error GraphImporter::importNode(const OnnxNode &node,
                                      OpBuilder &builder) {
  std::string key =
      node.domain.empty() ? node.opType : node.domain + "." + node.opType;
  const ImportEntry *entry = importRegistry().find(key);
  Values inputs;
  bool inputsKnown = true;
  for (const std::string &name : node.inputs) {
    if (name.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    auto value = lookUp(name, node, builder);
    if (!value) {
      llvm::Error rest = llvm::handleErrors(
          value.takeError(), [&](const UnsupportedError &error) {
            reportUnsupported(node, inputs, error.reason);
          });
      if (rest)
        return rest;
      inputs.push_back(nullptr);
      inputsKnown = false;
      continue;
    }
    inputsKnown &= static_cast<bool>(*value);
    inputs.push_back(*value);
  }
  // Later nodes are still checked, so this one's outputs get a place.
  for (const std::string &name : node.outputs)
    if (!name.empty())
      values[name] = nullptr;
  if (!entry) {
    reportUnsupported(node, inputs, "operator is not supported");
    return llvm::Error::success();
  }
  if (node.opsetVersion < entry->minOpset) {
    reportUnsupported(node, inputs,
                      "supported from opset " +
                          std::to_string(entry->minOpset) + " on");
    return llvm::Error::success();
  }
  if (llvm::Error error = checkArity(node, entry->arity))
    return error;
  if (entry->schema)
    if (llvm::Error error = checkAttributes(node, *entry->schema)) {
      // Also in a branch that no run may take.
      state.damaged.push_back(llvm::toString(std::move(error)));
      return llvm::Error::success();
    }
  if (!inputsKnown)
    return llvm::Error::success();
  auto loc = NameLoc::get(builder.getStringAttr(node.name));
  NodeContext context(*this, node, builder, loc, inputs);
  size_t reportedBefore = state.unsupported.size();
  auto results = entry->function(context);
  if (!results) {
    llvm::Error error = results.takeError();
    if (error.isA<DivergingBranchesError>() && node.opType == "If" &&
        divergence < maxDivergence)
      return error;
    return llvm::handleErrors(
        std::move(error), [&](const UnsupportedError &unsupported) {
          reportUnsupported(node, inputs, unsupported.reason);
        });
  }
  bindOutputs(node, inputs, *results, reportedBefore);
  return llvm::Error::success();
}

void GraphImporter::bindOutputs(const OnnxNode &node, const Values &inputs,
                                const Values &results, size_t reportedBefore) {
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty())
      continue;
    if (i >= results.size() || !results[i]) {
      if (!isUsed(node.outputs[i]))
        continue;
      // What is missing in a subgraph has been told.
      if (state.unsupported.size() == reportedBefore)
        reportUnsupported(node, inputs,
                          "output " + std::to_string(i) + " is not supported");
      return;
    }
    values[node.outputs[i]] = results[i];
  }
}

llvm::Expected<Values> GraphImporter::importDivergingIf(const OnnxGraph &graph,
                                                        size_t index,
                                                        OpBuilder &builder) {
  const OnnxNode &node = graph.nodes[index];
  auto condition = lookUp(node.inputs[0], node, builder);
  if (!condition)
    return condition.takeError();
  auto loc = NameLoc::get(builder.getStringAttr(node.name));
  NodeContext context(*this, node, builder, loc, {*condition});
  auto branchAndRest = [&](const OnnxGraph &branch) -> llvm::Expected<Values> {
    GraphImporter rest(*this);
    ++rest.divergence;
    for (const std::string &name : node.outputs)
      if (!name.empty())
        rest.values[name] = nullptr;
    size_t reportedBefore = state.unsupported.size();
    auto results = GraphImporter(state, &rest).importGraph(branch, builder);
    if (!results)
      return results.takeError();
    rest.bindOutputs(node, {*condition}, *results, reportedBefore);
    return rest.importNodes(graph, index + 1, builder);
  };
  auto outputs = importDiverging(context, branchAndRest);
  if (outputs)
    return outputs;
  llvm::Error error = llvm::handleErrors(
      outputs.takeError(), [&](const UnsupportedError &unsupported) {
        reportUnsupported(node, {*condition}, unsupported.reason);
      });
  if (error)
    return error;
  return Values(graph.outputs.size());
}

llvm::Error GraphImporter::reportDamaged(const OnnxNode &node,
                                         llvm::Error error) {
  if (!error || parent || divergence > 0)
    return error;
  state.damaged.push_back(llvm::toString(std::move(error)));
  for (const std::string &name : node.outputs)
    if (!name.empty())
      values[name] = nullptr;
  return llvm::Error::success();
}

llvm::Expected<Values> GraphImporter::importGraph(const OnnxGraph &graph,
                                                  OpBuilder &builder) {
  this->graph = &graph;
  for (const OnnxTensor &tensor : graph.initializers)
    initializers[tensor.name] = &tensor;
  for (const auto *infos : {&graph.valueInfos, &graph.outputs})
    for (const OnnxValueInfo &info : *infos)
      declared[info.name] = &info.type;
  return importNodes(graph, 0, builder);
}

llvm::Expected<Values> GraphImporter::importNodes(const OnnxGraph &graph,
                                                  size_t first,
                                                  OpBuilder &builder) {
  for (size_t i = first; i < graph.nodes.size(); ++i) {
    llvm::Error error = importNode(graph.nodes[i], builder);
    if (error.isA<DivergingBranchesError>()) {
      llvm::consumeError(std::move(error));
      return importDivergingIf(graph, i, builder);
    }
    if (llvm::Error rest = reportDamaged(graph.nodes[i], std::move(error)))
      return rest;
  }
  Values outputs;
  OnnxNode user;
  user.name = graph.name;
  user.opType = "graph output";
  for (const OnnxValueInfo &output : graph.outputs) {
    auto value = lookUp(output.name, user, builder);
    if (!value) {
      llvm::Error rest = llvm::handleErrors(
          value.takeError(), [&](const UnsupportedError &error) {
            reportUnsupported(user, {}, error.reason);
          });
      if (rest)
        return rest;
      outputs.push_back(nullptr);
      continue;
    }
    outputs.push_back(*value);
  }
  return outputs;
}
