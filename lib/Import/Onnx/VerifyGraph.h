//===- VerifyGraph.h - Checks of one graph -----------------------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_ONNX_VERIFYGRAPH_H
#define SLUICE_LIB_IMPORT_ONNX_VERIFYGRAPH_H

#include "sluice/Import/Onnx/OnnxModel.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace sluice::onnx_detail {

/// The model's functions by what nodes call them.
class FunctionTable {
public:
  /// Fails when two functions have one name.
  llvm::Error add(const OnnxFunction &function);
  const OnnxFunction *find(const OnnxNode &call) const;

private:
  llvm::StringMap<const OnnxFunction *> functions;
};

/// What the nodes of a model, or of a function body, stand in.
struct VerifyContext {
  llvm::StringMap<int64_t> opsets;
  const FunctionTable *functions = nullptr;
  /// The function whose body this is; null in the model's graph.
  const OnnxFunction *function = nullptr;
};

llvm::Expected<llvm::StringMap<int64_t>>
collectOpsets(llvm::ArrayRef<OnnxOpset> opsets);

/// The values that are visible in a graph.
struct ValueScope {
  llvm::StringSet<> names;
  const ValueScope *outer = nullptr;

  bool contains(llvm::StringRef name) const {
    return names.contains(name) || (outer && outer->contains(name));
  }
};

/// Checks and sorts `nodes` and their subgraphs. `scope` has the inputs and
/// initializers; the nodes' outputs are added to it.
llvm::Error verifyNodes(std::vector<OnnxNode> &nodes, ValueScope &scope,
                        const VerifyContext &context);

/// The same for a graph and all that it declares.
llvm::Error verifyGraph(OnnxGraph &graph, const ValueScope *outer,
                        const VerifyContext &context);

} // namespace sluice::onnx_detail

#endif // SLUICE_LIB_IMPORT_ONNX_VERIFYGRAPH_H
