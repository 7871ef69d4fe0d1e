//===- EmitterRegistry.h - How ops become code ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_EMITTERREGISTRY_H
#define SLUICE_CODEGEN_ELEMENTS_EMITTERREGISTRY_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"

namespace sluice {

class KernelBuilder;

/// Computes the element of `result` at `indices`, in the compute type.
using ElementFunction = mlir::Value (*)(KernelBuilder &kernel,
                                        mlir::OpResult result,
                                        mlir::ValueRange indices);
/// Computes neighbouring elements of `result`, as vectors (ElementVectors.h).
struct VectorPlace;
using VectorFunction = mlir::Value (*)(KernelBuilder &kernel,
                                       mlir::OpResult result,
                                       const VectorPlace &place);
/// Builds the whole code of a kernel whose anchor is `op`: its results, and
/// those of ops after it in the region (an epilogue), end up in their buffers.
using EmitterFunction = llvm::LogicalResult (*)(KernelBuilder &kernel,
                                                mlir::Operation *op);
using ServesFunction = bool (*)(mlir::Operation *op);
using StridedFunction = bool (*)(mlir::OpOperand &use, int64_t axis);

/// How an op that is not elementwise becomes code. What its family has not
/// registered is null.
struct OpEmitters {
  ElementFunction element = nullptr;
  EmitterFunction kernel = nullptr;
  /// Which composite ops the kernel computes, null for all of them: the others
  /// are taken apart before kernels are formed.
  ServesFunction serves = nullptr;
  /// Whether the kernel reads an operand that is the beginning of a longer
  /// tensor along an axis (StridedBuffers.h); null: none.
  StridedFunction readsStrided = nullptr;
  /// For ops whose elements take less to compute than to write and read. Where
  /// such an op moves elements (MovesElements), the places of lanes that are
  /// off may lie outside of the operands that it moves.
  VectorFunction vector = nullptr;
  /// Its kernels count subnormal f32 as zero, epilogues included: they sum up
  /// so much that such numbers make no difference, but they would take many
  /// times as long.
  bool flushesSubnormals = false;
  /// Its kernels interleave chains of scalar instructions, which LLVM must not
  /// make slower vectors of.
  bool interleavesScalars = false;
};

/// What the families of a target say of their ops.
class EmitterRegistry {
public:
  /// Of an op that no family knows: nothing.
  const OpEmitters &find(mlir::Operation *op) const {
    auto it = ops.find(op->getName().getTypeID());
    return it == ops.end() ? unknown : it->second;
  }

  /// Is there code for the op, other than by way of simpler ops?
  bool serves(mlir::Operation *op) const {
    const OpEmitters &emitters = find(op);
    return emitters.element ||
           (emitters.kernel && (!emitters.serves || emitters.serves(op)));
  }

  template <typename OpTy> void addElement(ElementFunction function) {
    of<OpTy>().element = function;
  }
  template <typename OpTy>
  void addKernel(EmitterFunction function, ServesFunction serves = nullptr) {
    of<OpTy>().kernel = function;
    of<OpTy>().serves = serves;
  }
  template <typename OpTy> void addVector(VectorFunction function) {
    of<OpTy>().vector = function;
  }
  template <typename OpTy> void addStrided(StridedFunction function) {
    of<OpTy>().readsStrided = function;
  }
  template <typename... OpTys> void flushSubnormals() {
    ((of<OpTys>().flushesSubnormals = true), ...);
  }
  template <typename OpTy> void interleaveScalars() {
    of<OpTy>().interleavesScalars = true;
  }

private:
  template <typename OpTy> OpEmitters &of() {
    return ops[mlir::TypeID::get<OpTy>()];
  }

  llvm::DenseMap<mlir::TypeID, OpEmitters> ops;
  OpEmitters unknown;
};

// The families of this folder, in files of the same names.
void registerColumnsToImageEmitters(EmitterRegistry &registry);
void registerConvolutionElements(EmitterRegistry &registry);
void registerIndexingEmitters(EmitterRegistry &registry);
void registerMovementEmitters(EmitterRegistry &registry);
void registerResamplingEmitters(EmitterRegistry &registry);
void registerRoiAlignEmitters(EmitterRegistry &registry);
void registerTensorEmitters(EmitterRegistry &registry);

} // namespace sluice

#endif // SLUICE_CODEGEN_ELEMENTS_EMITTERREGISTRY_H
