//===- Importer.h - ONNX models to the sluice dialect -----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_IMPORT_IMPORTER_H
#define SLUICE_IMPORT_IMPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace sluice {

struct OnnxModel;

/// A node that cannot be compiled.
struct UnsupportedNode {
  std::string name;
  std::string opType;
  std::string domain;
  int64_t opset = 0;
  std::string types;
  std::string reason;
};

/// The answer of the support check: every node that cannot be compiled.
class UnsupportedNodesError : public llvm::ErrorInfo<UnsupportedNodesError> {
public:
  static char ID;
  explicit UnsupportedNodesError(std::vector<UnsupportedNode> nodes)
      : nodes(std::move(nodes)) {}
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

  std::vector<UnsupportedNode> nodes;
};

/// Loads the dialects that `importOnnxModel` builds ops of.
void loadImportDialects(mlir::MLIRContext &context);

struct ImportOptions {
  /// Inputs that are initializers too have a default value. They stay inputs,
  /// which a run may set or not, if all shall or if they are named here; the
  /// others are constants.
  bool keepDefaults = false;
  std::vector<std::string> overridable;
};

/// Fails if an input that shall be overridable has no default or is none.
llvm::Error checkOverridable(const OnnxModel &model,
                             const ImportOptions &options);

/// Translates a model (with local functions inlined) to a module with one
/// function `main`. Weights are not copied: they become dense resources that
/// keep the mapped file alive. Fails with `UnsupportedNodesError` or, for a
/// model that breaks ONNX's rules, a string error; either names every node that
/// is to blame.
///
/// Arguments and results have the names of the model's inputs and outputs
/// (`sluice.name`) and of their dimensions (`sluice.dims`), arguments that need
/// not be given their default (`sluice.default`), and results the sizes that
/// the file declares where more is not known (`sluice.declared`).
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnxModel(const OnnxModel &model, mlir::MLIRContext &context,
                const ImportOptions &options = {});

/// Fails if a result of `main` turned out to have other sizes than the model
/// declares. The import checks what it knows; shape inference knows more.
llvm::Error checkDeclaredOutputs(mlir::ModuleOp module);

/// An operator that can be translated, from this opset version of its domain
/// on.
struct SupportedOperator {
  std::string domain; ///< "ai.onnx" for the standard one
  std::string name;
  int64_t minOpset = 0;
};

/// All of them, by domain and name.
std::vector<SupportedOperator> listSupportedOperators();

} // namespace sluice

#endif // SLUICE_IMPORT_IMPORTER_H
