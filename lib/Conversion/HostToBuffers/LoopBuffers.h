//===- LoopBuffers.h - The tensors that a loop carries ----------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// A loop carries buffers so that a step neither allocates memory nor copies
// what earlier steps made:
//
// - A list whose elements the steps set is one buffer outside the loop, and one
//   that grows has room for more elements than it has. The kernels that make
//   the elements write them to their place.
// - Any other state has two buffers. A step reads one and writes the other,
//   and the next step takes them the other way round; where a branch leaves the
//   state as it is, they stay as they are.
// - A state that kernels write over is one buffer outside the loop, too.
// - Where a state is such an element, or a value from outside, its memory does
//   not change any more, so that the buffer itself is passed on.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_LOOPBUFFERS_H
#define SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_LOOPBUFFERS_H

#include "Translator.h"

namespace sluice {

class LoopBuffers {
public:
  /// `arguments` are what the body sees of the carried values, null where it
  /// does not see one; `next` are the values that it hands to the next step.
  /// `results` are what they are behind the loop, null where that is unused.
  LoopBuffers(Translator &translator, mlir::Block &body,
              mlir::ValueRange initial, llvm::ArrayRef<mlir::Value> arguments,
              mlir::ValueRange next, llvm::ArrayRef<mlir::Value> results);

  /// What the loop on buffers starts with, made in front of it.
  llvm::SmallVector<mlir::Value> makeInitial(mlir::Location loc);
  /// Ties the value at a position to its buffer, given what the loop on
  /// buffers carries there.
  void bind(unsigned position, mlir::Value value, mlir::ValueRange carried);
  /// Tells kernels of the body where to write; `carried` are its arguments.
  void enterBody(mlir::ValueRange carried);
  /// What the body hands to the next step, made at its end.
  llvm::SmallVector<mlir::Value> makeNext(mlir::Location loc);

private:
  enum class Kind { Scalar, Kept, Placed, Listed, Stable, Owned };
  struct Carried {
    Kind kind = Kind::Owned;
    mlir::Value initial, argument, next, result;
    /// The op that sets or appends an element.
    mlir::Operation *filler = nullptr;
    /// Of what the loop on buffers carries, the first that stands for this.
    unsigned first = 0;
    /// The one buffer of a tensor that is kept or filled in place.
    mlir::Value buffer;
    /// A kernel writes the next state to the spare buffer.
    bool isWritten = false;
    /// So do kernels of branches, or they leave it as it is.
    bool isBranched = false;
    /// The spare buffer has the sizes of every state.
    bool keepsSizes = false;
  };

  void classify();
  Kind classifyTensor(Carried &carried);
  /// Does the value's memory stay as it is once it is written?
  bool isStable(mlir::Value value);
  /// The call in the body that makes this value in memory of its own, seen
  /// through views.
  kernel::CallOp makerOf(mlir::Value value);
  unsigned positionOf(mlir::Value argument) const;
  /// Do the state and those that may get its spare buffer keep their sizes?
  bool keepsSizes(const Carried &carried);
  bool isInBody(mlir::Operation *op) const {
    return op && op->getBlock() == &body;
  }
  void sendToElement(Carried &carried);
  void sendToList(Carried &carried);
  void sendToSpare(Carried &carried);
  void sendBranchesToSpare(Carried &carried, mlir::scf::IfOp branch);
  /// The spare buffer of a state, or a new one where it does not have these
  /// sizes.
  mlir::Value makeRoom(const Carried &carried, mlir::ValueRange sizes,
                       mlir::Location loc);

  Translator &translator;
  mlir::Block &body;
  llvm::SmallVector<Carried> positions;
  /// What the body on buffers sees.
  llvm::SmallVector<mlir::Value> seen;
};

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_LOOPBUFFERS_H
