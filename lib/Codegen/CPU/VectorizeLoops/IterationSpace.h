//===- IterationSpace.h - Loops and strides of a generic op -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A structured op on buffers as a loop nest where each operand is walked with
// one stride per loop. Sizes and strides are products of a constant and of
// sizes only known at run time, so that they can be compared: a loop whose
// stride is the next one's stride times its size, for all operands, is one
// loop with the next.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_ITERATIONSPACE_H
#define SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_ITERATIONSPACE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace sluice::loops {

/// A constant times run-time sizes, named by their position in
/// `IterationSpace::symbols`.
struct Extent {
  int64_t factor = 0;
  llvm::SmallVector<unsigned, 4> symbols; // sorted

  static Extent constant(int64_t value) { return Extent{value, {}}; }
  static Extent symbol(unsigned position) { return Extent{1, {position}}; }

  bool isConstant() const { return factor == 0 || symbols.empty(); }
  bool is(int64_t value) const { return isConstant() && factor == value; }
  bool operator==(const Extent &other) const;
  Extent operator*(const Extent &other) const;
};

struct Loop {
  Extent size;
  bool isReduction = false;
  /// The op's body reads the iteration number, so the loop stays as it is.
  bool isIndexed = false;
};

/// How one operand is walked.
struct Access {
  /// A one-dimensional buffer of the element type (i8 for i1), or null.
  mlir::Value buffer;
  /// The operand itself when it is not a buffer.
  mlir::Value scalar;
  mlir::Type elementType;
  /// One per loop.
  llvm::SmallVector<Extent, 4> strides;
  /// Where iteration zero is: the sum of these.
  llvm::SmallVector<Extent, 1> offsets;
};

struct IterationSpace {
  llvm::SmallVector<Loop, 4> loops;
  /// Inputs, then outputs.
  llvm::SmallVector<Access, 4> accesses;
  unsigned inputCount = 0;
  /// Which loop a dimension of the op became; nothing for dimensions of size
  /// one. Dimensions joined with others are never asked for.
  llvm::SmallVector<std::optional<unsigned>, 4> loopOfDimension;
  llvm::SmallVector<mlir::Value, 4> symbols;

  llvm::ArrayRef<Access> inputs() const {
    return llvm::ArrayRef(accesses).take_front(inputCount);
  }
  llvm::ArrayRef<Access> outputs() const {
    return llvm::ArrayRef(accesses).drop_front(inputCount);
  }
  /// The value of an extent at the builder's insertion point.
  IndexBuilder::Index materialize(IndexBuilder &builder,
                                  const Extent &extent) const;
};

/// Analyses `op`, creating views and run-time sizes before it. Fails, without
/// a message and possibly leaving dead ops, when an operand is not walked with
/// constant strides.
llvm::FailureOr<IterationSpace> buildIterationSpace(mlir::OpBuilder &builder,
                                                    mlir::linalg::GenericOp op);

/// Drops loops of size one and joins loops that all operands walk in one go.
void simplify(IterationSpace &space);

} // namespace sluice::loops

#endif // SLUICE_LIB_CODEGEN_CPU_VECTORIZELOOPS_ITERATIONSPACE_H
