//===- DotUnit.h - What a CPU multiplies with -------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A dot unit is the instructions that multiply elements of two types and add
// the products up in a third one. Tiles are chosen by what is said here of the
// unit; its instructions are in Codegen/CPU/DotUnits.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_DOTUNIT_H
#define SLUICE_ANALYSIS_DOTUNIT_H

#include "sluice/Analysis/KernelSpecs.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace sluice {

struct MachineModel;

struct DotUnitModel {
  enum class Kind {
    /// Floats multiplied in the type of their sums; narrower ones are widened.
    Float,
    /// Integers multiplied in the type of their sums, modulo its size.
    Integer,
    /// Integers of 16 bits, two products of neighbours in depth to a sum of 32
    /// bits, modulo its size. It reads copies of panels only.
    IntegerPairs,
  };
  Kind kind = Kind::Float;
  /// Sums of a vector register.
  int64_t lanes = 4;
  /// A product and a sum are one instruction, which rounds once.
  bool fused = true;
  /// What A and B are widened to before they are multiplied.
  NumberKind operand = NumberKind::F32;
  /// Neighbours in depth that one instruction multiplies and adds up for each
  /// lane. They lie side by side in A and, for every column, in B.
  int64_t depthStep = 1;
  /// Vectors of B that are as many in a panel at most; more accumulators of one
  /// row share a broadcast of A, fewer leave more rows to share a vector of B.
  int64_t panelVectors = 4;
  /// Bytes of an element of A as tiles read it, and of B in its panels.
  int64_t lhsBytes = 4, rhsBytes = 4;
  /// Bytes of a sum.
  int64_t sumBytes = 4;
  /// Vectors of products that are in registers of their own before they are
  /// added up.
  int64_t productVectors = 0;
  /// Instructions that widen a vector of B, which compete with arithmetic.
  int64_t widenings = 0;
  /// Instructions on whole vectors that a core starts per cycle: each adds
  /// `depthStep` products to every lane.
  double rate = 1;
  /// Spelled out for each lane, for tests of a unit's kernels on any CPU.
  bool emulated = false;

  /// A is widened once, in scratch memory, before tiles read it: they read each
  /// element as often as there are panels.
  bool widensLhs = false;
};

/// The unit for elements of these types.
DotUnitModel chooseDotUnit(const ProductTypes &types,
                           const MachineModel &machine);

/// The unit of a kind; none where it does not multiply these types, or the
/// machine does not have it.
std::optional<DotUnitModel> getDotUnit(DotUnitModel::Kind kind,
                                       const ProductTypes &types,
                                       const MachineModel &machine);

/// The unit of a kind for elements of these types whose B is copied before it
/// is read, in the unit's type and order, so that widening takes no
/// instructions there. It has the lanes of `chooseDotUnit`. None where the kind
/// does not multiply these types, or the machine does not have it.
std::optional<DotUnitModel> getDotUnitOfCopies(DotUnitModel::Kind kind,
                                               const ProductTypes &types,
                                               const MachineModel &machine);

/// The unit for elements of these types whose B is copied before it is read, in
/// the unit's type and order, so that widening takes no instructions there. It
/// has the lanes of `chooseDotUnit`. Of the depth, `run` elements lie side by
/// side in A, or any number: a unit takes no neighbours that do not.
DotUnitModel chooseDotUnitOfCopies(const ProductTypes &types,
                                   const MachineModel &machine,
                                   std::optional<int64_t> run = std::nullopt);

/// How attributes call a kind.
llvm::StringRef getDotUnitName(DotUnitModel::Kind kind);
std::optional<DotUnitModel::Kind> findDotUnit(llvm::StringRef name);

} // namespace sluice

#endif // SLUICE_ANALYSIS_DOTUNIT_H
