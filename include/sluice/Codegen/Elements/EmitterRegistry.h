//===- EmitterRegistry.h - How ops become code ------------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_ELEMENTS_EMITTERREGISTRY_H
#define SLUICE_CODEGEN_ELEMENTS_EMITTERREGISTRY_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

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

/// How ops that are not elementwise become code, by op name.
struct EmitterRegistry {
  llvm::StringMap<ElementFunction> elements;
  llvm::StringMap<EmitterFunction> kernels;
  /// Ops whose elements take less to compute than to write and read. Where such
  /// an op moves elements (MovesElements), the places of lanes that are off may
  /// lie outside of the operands that it moves.
  llvm::StringMap<VectorFunction> vectors;
  /// Ops whose kernels count subnormal f32 as zero, epilogues included: they
  /// sum up so much that such numbers make no difference, but they would take
  /// many times as long.
  llvm::StringSet<> flushing;
  /// Ops whose kernels interleave chains of scalar instructions, which LLVM
  /// must not make slower vectors of.
  llvm::StringSet<> interleaving;

  template <typename OpTy> void addElement(ElementFunction function) {
    elements[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addKernel(EmitterFunction function) {
    kernels[OpTy::getOperationName()] = function;
  }
  template <typename OpTy> void addVector(VectorFunction function) {
    vectors[OpTy::getOperationName()] = function;
  }
  template <typename... OpTys> void flushSubnormals() {
    (flushing.insert(OpTys::getOperationName()), ...);
  }
  template <typename OpTy> void keepScalars() {
    interleaving.insert(OpTy::getOperationName());
  }
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
