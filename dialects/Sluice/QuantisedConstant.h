//===- QuantisedConstant.h - Weights of eight bits --------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DIALECTS_SLUICE_QUANTISEDCONSTANT_H
#define SLUICE_DIALECTS_SLUICE_QUANTISEDCONSTANT_H

#include "dialects/Sluice/Sluice.h"
#include <optional>

namespace sluice {

/// A constant of 8-bit integers minus one number, its zero point.
struct QuantisedConstant {
  ConstantOp constant;
  int64_t zero = 0;
};

/// What a value of 32-bit integers is made of, if it is such a constant. It is
/// not folded: as i32 it would take four times the memory.
std::optional<QuantisedConstant> getQuantisedConstant(mlir::Value value);

} // namespace sluice

#endif // SLUICE_DIALECTS_SLUICE_QUANTISEDCONSTANT_H
