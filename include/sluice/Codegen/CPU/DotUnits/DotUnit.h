//===- DotUnit.h - The instructions of a dot unit ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Register tiles of products and convolutions are loop nests over a dot unit,
// which says how operands are read and how products are added up. A new unit
// serves all of them.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_DOTUNITS_DOTUNIT_H
#define SLUICE_CODEGEN_CPU_DOTUNITS_DOTUNIT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "sluice/Analysis/DotUnit.h"
#include <memory>
#include <optional>

namespace sluice {

/// The kind of a tensor's or a buffer's elements, if there is one.
std::optional<NumberKind> getNumberKind(mlir::Type type);

/// The type in which elements of a kind are stored.
mlir::Type getNumberType(mlir::MLIRContext *context, NumberKind kind);

/// A number or a vector of numbers, floats or integers with a sign, with
/// elements of this type: widened, or rounded to nearest or cut off.
mlir::Value convertElements(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value value, mlir::Type element);

/// The sum of two numbers or vectors.
mlir::Value addSums(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value lhs, mlir::Value rhs);

class DotUnit {
public:
  DotUnit(const DotUnitModel &model, mlir::Type sumType);
  virtual ~DotUnit();

  /// A vector of sums.
  mlir::VectorType getVectorType() const { return vectorType; }
  mlir::Type getSumType() const { return vectorType.getElementType(); }
  /// A vector of what is multiplied: for each lane `getDepthStep` neighbours in
  /// depth.
  mlir::VectorType getOperandType() const { return operandType; }
  int64_t getDepthStep() const { return depthStep; }

  /// What all sums of a row multiply with at a step: the elements of A from
  /// `position` of a buffer of one dimension on, in every lane.
  virtual mlir::Value loadLhs(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Value buffer, mlir::Value position) const;
  /// What lies side by side in the buffer from `start` on, `getDepthStep`
  /// elements for each lane; those that a mask turns off are zero. The mask has
  /// an element for each of the vector's.
  virtual mlir::Value loadVector(mlir::OpBuilder &builder, mlir::Location loc,
                                 mlir::Value buffer, mlir::OpFoldResult start,
                                 mlir::Value mask) const;
  /// sums + lhs * rhs, lane by lane, over all elements of a lane.
  virtual mlir::Value multiplyAdd(mlir::OpBuilder &builder, mlir::Location loc,
                                  mlir::Value lhs, mlir::Value rhs,
                                  mlir::Value sums) const = 0;

private:
  mlir::VectorType vectorType, operandType;
  int64_t depthStep;
};

/// The instructions of a unit that adds up numbers of `sumType`.
std::unique_ptr<DotUnit> createDotUnit(const DotUnitModel &model,
                                       mlir::Type sumType);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_DOTUNITS_DOTUNIT_H
