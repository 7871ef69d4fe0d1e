//===- ScanElements.h - Elements of a scan's body ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANELEMENTS_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANELEMENTS_H

#include "sluice/Analysis/ScanStructure.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// Computes elements of values of a scan's body at the builder's position.
class ScanElements {
public:
  /// A place in a tensor; the index that is `lane` is that of a vector's first
  /// element.
  struct Place {
    llvm::SmallVector<mlir::Value> at;
    mlir::Value lane;
  };

  ScanElements(KernelBuilder &kernel, ScanOp op, ScanStructure structure,
               int64_t lanes)
      : kernel(kernel), op(op), structure(std::move(structure)),
        body(op.getBody().front()),
        yielded(body.getTerminator()->getOperands()),
        states(op.getInitial().size()), lanes(lanes) {}

  /// An element of a value of the body, or a vector of elements where the lane
  /// is among the place's indices.
  mlir::Value pull(mlir::Value value, const Place &place);
  /// What `pull` is to find there.
  void remember(mlir::Value value, const Place &place, mlir::Value element) {
    known[value].push_back({place, element});
  }
  void forget(mlir::Value value) { known.erase(value); }
  /// A sum, or a product's sum, over dimensions of the operands.
  mlir::Value computeSum(mlir::Operation *op, const Place &place);
  /// One of the terms of a sum, for places along the dimensions that it
  /// reduces.
  mlir::Value computeTerm(mlir::Operation *op, const Place &place,
                          llvm::ArrayRef<mlir::Value> reduced,
                          mlir::Value lane);
  Place inOperand(mlir::Operation *op, unsigned number, const Place &place,
                  llvm::ArrayRef<mlir::Value> reduced);
  static bool isSamePlace(const Place &lhs, const Place &rhs);

  /// What is at `place` of a buffer, of which `offset` elements come first.
  mlir::Value load(mlir::Value memory, mlir::ValueRange sizes,
                   mlir::Value offset, const Place &place,
                   mlir::Type elementType);
  void store(mlir::Value element, mlir::Value memory, mlir::ValueRange sizes,
             mlir::Value offset, const Place &place, mlir::Type elementType);
  mlir::Value splat(mlir::Value element);
  /// The place of a step in a sequence or in an output, in elements.
  mlir::Value stepOffset(mlir::Value tensor, mlir::Value step,
                         bool isBackwards);
  bool isSum(mlir::Value value) const {
    return llvm::any_of(structure.sums, [&](const ScanStructure::Sum &sum) {
      return sum.value == value;
    });
  }
  mlir::Value elementSize(mlir::Value value, unsigned dimension);
  llvm::SmallVector<mlir::Value> elementSizes(mlir::Value value);

  KernelBuilder &kernel;
  ScanOp op;
  const ScanStructure structure;
  mlir::Block &body;
  mlir::OperandRange yielded;
  const unsigned states;
  const int64_t lanes;

  mlir::Value steps, step;
  llvm::SmallVector<mlir::Value> rowSizes;
  mlir::Value mask; ///< of the vector that is computed
  bool readsFinishedStates = false;
  /// Of tensors, and of sums that were computed.
  llvm::DenseMap<mlir::Value, mlir::Value> flat;
  mlir::Value currentSum; ///< that is computed

private:
  mlir::Value compute(mlir::Value value, const Place &place);
  /// Adds up over a dimension, with several running sums at once.
  mlir::Value
  addUp(mlir::Value size, mlir::Value start, mlir::Value zero,
        llvm::function_ref<mlir::Value(mlir::Value index, mlir::Value running)>
            add);
  mlir::Value loadArgument(mlir::BlockArgument argument, const Place &place);

  struct Known {
    Place place;
    mlir::Value element;
  };
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Known>> known;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SCANELEMENTS_H
