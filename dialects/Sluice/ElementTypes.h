//===- ElementTypes.h - Which element types an op takes ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Traits that say what an op computes with. Every way to make the op meets the
// same check with the same message, the import of a model among them.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_ELEMENTTYPES_H
#define SLUICE_DIALECTS_SLUICE_ELEMENTTYPES_H

#include "mlir/IR/OpDefinition.h"

namespace sluice {

enum class ElementKind {
  Float,
  /// Everything but bool.
  Number,
  /// Bool among them.
  Integer
};

/// What is wrong with elements of another kind: they break the operator's
/// rules, or they keep them and are not compiled (Unsupported.h).
enum class ElementError { Invalid, Unsupported };

/// Fails, with an error at the op, if an operand's elements are of another
/// kind.
llvm::LogicalResult verifyElementKind(mlir::Operation *op, ElementKind kind,
                                      ElementError error);

/// Fails, with an error at the op, if the operands' element types differ.
llvm::LogicalResult verifySameElementTypes(mlir::Operation *op);

namespace trait {

template <ElementKind kind, ElementError error = ElementError::Invalid>
struct TakesElements {
  template <typename ConcreteType>
  class Impl : public mlir::OpTrait::TraitBase<ConcreteType, Impl> {
  public:
    static llvm::LogicalResult verifyTrait(mlir::Operation *op) {
      return verifyElementKind(op, kind, error);
    }
  };
};

template <typename ConcreteType>
class SameElementTypes
    : public mlir::OpTrait::TraitBase<ConcreteType, SameElementTypes> {
public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *op) {
    return verifySameElementTypes(op);
  }
};

} // namespace trait
} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_ELEMENTTYPES_H
