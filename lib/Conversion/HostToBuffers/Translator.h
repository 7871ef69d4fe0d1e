//===- Translator.h - From tensors to buffers, op by op ---------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_TRANSLATOR_H
#define SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_TRANSLATOR_H

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "sluice/Analysis/KeptSizes.h"
#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

class LoopBuffers;
class ScratchBuffers;
class StateBuffers;

/// Rebuilds a function's body, op by op, with buffers for tensors.
class Translator {
public:
  /// Makes the buffer that a kernel writes its result to, given its type and
  /// dynamic sizes.
  using Destination = std::function<mlir::Value(
      mlir::MemRefType type, mlir::ValueRange sizes, mlir::Location loc)>;

  /// `sizes` are those of the function that is translated.
  Translator(mlir::OpBuilder &builder, mlir::ModuleOp module, mlir::Value frame,
             KeptSizes &sizes)
      : builder(builder), symbols(module), frame(frame), sizes(sizes) {}

  llvm::LogicalResult translateBody(mlir::Block &block);
  void bind(mlir::Value tensor, mlir::Value buffer) {
    mapping.map(tensor, buffer);
  }
  /// The value shall be written to this output if one kernel produces it.
  void wantOutput(mlir::Value tensor, int64_t index) {
    outputs[tensor] = index;
  }
  /// Knows which tensors lie in the memory of states, if any do.
  void useStates(StateBuffers *buffers) { states = buffers; }
  /// Knows what memory kernels need besides.
  void useScratch(ScratchBuffers *buffers) { scratch = buffers; }
  llvm::LogicalResult finishOutput(mlir::Value tensor, int64_t index,
                                   mlir::Location loc);

private:
  friend class LoopBuffers;
  friend class ScratchBuffers;
  friend class StateBuffers;

  llvm::LogicalResult translate(mlir::Operation &op);
  llvm::LogicalResult translateCall(kernel::CallOp op);
  /// The buffer that a kernel writes a result to.
  mlir::Value makeResult(mlir::OpResult result, mlir::ValueRange sizes,
                         mlir::Location loc);
  /// Is a buffer the run's own, or that of a state that is updated in place?
  static bool mayWriteOver(mlir::Value buffer);
  llvm::LogicalResult translateIf(mlir::scf::IfOp op);
  llvm::LogicalResult translateFor(mlir::scf::ForOp op);
  llvm::LogicalResult translateWhile(mlir::scf::WhileOp op);
  llvm::LogicalResult translateBranch(mlir::Region &source,
                                      mlir::Region &target);
  void translateElement(ElementOp op);
  void translateSetElement(SetElementOp op);
  void translateAppend(AppendOp op);
  void translateAssert(mlir::cf::AssertOp op);
  llvm::LogicalResult translateConstant(mlir::Value result,
                                        mlir::ElementsAttr value,
                                        kernel::PackingAttrInterface packing);

  mlir::MemRefType convert(mlir::RankedTensorType type) {
    return KernelBuilder::bufferType(type);
  }
  mlir::Type convert(mlir::Type type) {
    if (auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type))
      return convert(tensor);
    return type;
  }
  llvm::SmallVector<mlir::Value> lookup(mlir::ValueRange values) {
    llvm::SmallVector<mlir::Value> result;
    for (mlir::Value value : values)
      result.push_back(mapping.lookup(value));
    return result;
  }
  llvm::SmallVector<mlir::Value> dynamicSizes(mlir::Value buffer,
                                              mlir::Location loc);
  /// The dynamic sizes of a tensor whose buffer is there, read where they are
  /// known first.
  llvm::SmallVector<mlir::Value> knownSizes(mlir::Value tensor,
                                            mlir::Location loc);
  /// The buffer with the type of a tensor that knows its sizes better or worse.
  mlir::Value castTo(mlir::Value buffer, mlir::Type type, mlir::Location loc);
  /// A buffer of this function: the model's output that the tensor is, or one
  /// in the workspace.
  mlir::Value allocateFor(mlir::Value tensor, mlir::ValueRange sizes,
                          mlir::Location loc);
  /// Memory that no plan shares with anything, for sizes that a loop changes.
  mlir::Value allocateFresh(mlir::MemRefType type, mlir::ValueRange sizes,
                            mlir::Location loc);
  /// The buffer of the element of a list at an index; `type` and `sizes` are
  /// those of the element, or of a tensor with as many elements.
  mlir::Value elementBuffer(mlir::Value list, mlir::Value index,
                            mlir::MemRefType type, mlir::ValueRange sizes,
                            mlir::Location loc);
  /// Makes room for one more element in a list that a loop carries, binds the
  /// longer list, and gives the place for the element. The list keeps its
  /// memory as long as that is large enough, and then takes twice as much.
  mlir::Value growList(AppendOp op, mlir::MemRefType type,
                       mlir::ValueRange sizes, mlir::Location loc);

  mlir::OpBuilder &builder;
  mlir::SymbolTable symbols;
  mlir::Value frame;
  KeptSizes &sizes;
  mlir::IRMapping mapping;
  llvm::DenseMap<mlir::Value, int64_t> outputs;
  /// Where results of kernels go that have a place already.
  llvm::DenseMap<mlir::Value, Destination> destinations;
  /// Ops that set or append an element which its kernel writes to its place.
  llvm::DenseSet<mlir::Operation *> written;
  /// Ops that set an element of a list in its own buffer.
  llvm::DenseSet<mlir::Operation *> inPlace;
  /// The memory of lists that grow: a buffer of the list's type, with room for
  /// more elements.
  llvm::DenseMap<mlir::Value, mlir::Value> storages;
  /// What a list is after an element was appended, and its memory.
  llvm::DenseMap<mlir::Operation *, std::array<mlir::Value, 2>> grown;
  /// What branches make of a state that a loop carries, by the result of the
  /// scf.if: gives the buffer with the last state and the spare one.
  llvm::DenseMap<mlir::Value, std::function<std::array<mlir::Value, 2>()>>
      branched;
  /// Which of the two is spare behind the branches.
  llvm::DenseMap<mlir::Value, mlir::Value> leftOver;
  /// The first op that asserts a condition.
  llvm::DenseMap<mlir::Value, mlir::Operation *> asserted;
  StateBuffers *states = nullptr;
  ScratchBuffers *scratch = nullptr;
  int64_t launches = 0;
};

} // namespace sluice

#endif // SLUICE_LIB_CONVERSION_HOSTTOBUFFERS_TRANSLATOR_H
