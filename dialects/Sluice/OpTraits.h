//===- OpTraits.h - Facts of ops that take no function ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// SluiceTraits.td says what they mean.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_OPTRAITS_H
#define SLUICE_DIALECTS_SLUICE_OPTRAITS_H

#include "mlir/IR/OpDefinition.h"

namespace sluice {
namespace trait {

template <typename ConcreteType>
class NoSizeConditions
    : public mlir::OpTrait::TraitBase<ConcreteType, NoSizeConditions> {};

template <typename ConcreteType>
class StaysInHost : public mlir::OpTrait::TraitBase<ConcreteType, StaysInHost> {
};

template <typename ConcreteType>
class IsView : public mlir::OpTrait::TraitBase<ConcreteType, IsView> {};

template <typename ConcreteType>
class PicksElements
    : public mlir::OpTrait::TraitBase<ConcreteType, PicksElements> {};

template <typename ConcreteType>
class ReordersElements
    : public mlir::OpTrait::TraitBase<ConcreteType, ReordersElements> {};

template <typename ConcreteType>
class MovesElements
    : public mlir::OpTrait::TraitBase<ConcreteType, MovesElements> {};

template <typename ConcreteType>
class BroadcastsOperand
    : public mlir::OpTrait::TraitBase<ConcreteType, BroadcastsOperand> {};

} // namespace trait
} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_OPTRAITS_H
