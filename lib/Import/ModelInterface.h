//===- ModelInterface.h - A model's inputs and outputs ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_MODELINTERFACE_H
#define SLUICE_LIB_IMPORT_MODELINTERFACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "sluice/Import/Importer.h"
#include "sluice/Import/Onnx/OnnxModel.h"

namespace sluice {

/// An input that a caller gives, or may give.
struct ModelInput {
  const OnnxValueInfo *info;
  /// Null where it must be given.
  const OnnxTensor *defaultValue;
};

/// The inputs that stay inputs, in the order of the file.
std::vector<ModelInput> selectInputs(const OnnxModel &model,
                                     const ImportOptions &options);

/// The type of an input; what the file does not declare its default tells.
/// Fails where the default is of another type.
llvm::Expected<OnnxType> typeOfInput(const ModelInput &input);

/// Tells which inputs became constants, because they have a default.
void remarkConstantInputs(mlir::func::FuncOp function, const OnnxModel &model,
                          llvm::ArrayRef<ModelInput> inputs);

/// The names of a type's dimensions; empty strings where they have none.
mlir::ArrayAttr dimensionNames(const OnnxType &type, mlir::Builder &builder);

/// The attributes of a result of `main`: what the file declares about that
/// output, whose element type that is `declaredElement` (null if not declared).
/// Fails where the two contradict each other.
llvm::Expected<mlir::DictionaryAttr> describeOutput(mlir::func::FuncOp function,
                                                    unsigned index,
                                                    const OnnxValueInfo &output,
                                                    mlir::Type declaredElement);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_MODELINTERFACE_H
