//===- OperatorSchemas.h - What operators are declared to have --*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_IMPORT_OPERATORSCHEMAS_H
#define SLUICE_LIB_IMPORT_OPERATORSCHEMAS_H

#include "sluice/Import/Onnx/OnnxModel.h"

namespace sluice {

/// What ONNX, or ONNX Runtime for its own domain, says of an operator, however
/// much of it is translated.
struct OperatorSchema {
  llvm::StringLiteral name;
  /// The first opset version that has it.
  int64_t since;
  /// Their names, with `:first-last` where not every version has them.
  llvm::StringLiteral attributes;
};

/// Null for operators that neither knows.
const OperatorSchema *findOperatorSchema(llvm::StringRef name);

/// Fails where a node has an attribute that its operator does not know.
llvm::Error checkAttributes(const OnnxNode &node, const OperatorSchema &schema);

} // namespace sluice

#endif // SLUICE_LIB_IMPORT_OPERATORSCHEMAS_H
