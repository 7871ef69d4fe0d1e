//===- OnnxTransforms.h - Checks and edits of ONNX models --------*- C++
//-*-===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//===----------------------------------------------------------------------===//
#ifndef SLUICE_IMPORT_ONNX_ONNXTRANSFORMS_H
#define SLUICE_IMPORT_ONNX_ONNXTRANSFORMS_H

#include "sluice/Import/Onnx/OnnxModel.h"

namespace sluice {

/// Checks names, definitions and uses, opset imports and functions; sorts the
/// nodes of every graph topologically where they are not. `readOnnxModel` has
/// done this; models built by hand need it.
llvm::Error verifyOnnxModel(OnnxModel &model);

/// Replaces every call of a model-local function, at any depth, by the nodes of
/// its body, whose names become "caller/node". Afterwards the model has no
/// functions left. Fails when that makes more than `nodeLimit` nodes.
llvm::Error inlineLocalFunctions(OnnxModel &model,
                                 uint64_t nodeLimit = 1'000'000);

/// What the user fixes about the model's inputs.
struct OnnxShapeOverrides {
  /// The whole shape of an input; -1 keeps a dimension as it is declared.
  std::vector<std::pair<std::string, std::vector<int64_t>>> shapes;
  /// The size of every dimension of a symbolic name, or of one dimension of an
  /// input, which is called "input[0]".
  std::vector<std::pair<std::string, int64_t>> dims;
};

/// Parses "x=1x3x224x224" (`--shape`) and adds it; "x=" is a scalar, "?" keeps
/// a dimension.
llvm::Error addShapeOverride(OnnxShapeOverrides &overrides,
                             llvm::StringRef text);
/// Parses "batch=4" or "x[0]=4" (`--dim`) and adds it.
llvm::Error addDimOverride(OnnxShapeOverrides &overrides, llvm::StringRef text);

/// Fixes input shapes; a symbol that gets a size this way gets it everywhere in
/// the model, also in the declared types of inner values.
llvm::Error applyShapeOverrides(OnnxModel &model,
                                const OnnxShapeOverrides &overrides);

} // namespace sluice

#endif // SLUICE_IMPORT_ONNX_ONNXTRANSFORMS_H
