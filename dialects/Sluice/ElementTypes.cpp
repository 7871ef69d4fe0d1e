//===- ElementTypes.cpp - Which element types an op takes -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "dialects/Sluice/ElementTypes.h"
#include "dialects/Sluice/TypeInference.h"
#include "dialects/Sluice/Unsupported.h"

using namespace mlir;
using namespace sluice;

static bool isOfKind(Type type, ElementKind kind) {
  switch (kind) {
  case ElementKind::Float:
    return isa<FloatType>(type);
  case ElementKind::Number:
    return isa<FloatType>(type) ||
           (isa<IntegerType>(type) && !type.isInteger(1));
  case ElementKind::Integer:
    return isa<IntegerType>(type);
  }
  return false;
}

static StringRef describe(ElementKind kind) {
  switch (kind) {
  case ElementKind::Float:
    return "floating-point elements";
  case ElementKind::Number:
    return "numbers";
  case ElementKind::Integer:
    return "integers or booleans";
  }
  return "";
}

LogicalResult sluice::verifyElementKind(Operation *op, ElementKind kind,
                                        ElementError error) {
  for (Value operand : op->getOperands()) {
    Type type = elementTypeOf(operand);
    if (isOfKind(type, kind))
      continue;
    // What is no number at all breaks any operator's rules.
    bool isLegal = error == ElementError::Unsupported && isa<IntegerType>(type);
    return (isLegal ? emitUnsupported(op->getLoc()) : op->emitOpError())
           << "takes " << describe(kind) << ", not " << type;
  }
  return success();
}

LogicalResult sluice::verifySameElementTypes(Operation *op) {
  Type first = elementTypeOf(op->getOperand(0));
  for (Value operand : op->getOperands())
    if (elementTypeOf(operand) != first)
      return op->emitOpError("the operands have different element types, ")
             << first << " and " << elementTypeOf(operand);
  return success();
}
