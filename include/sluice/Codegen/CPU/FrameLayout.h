//===- FrameLayout.h - Where generated code finds the frame -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
//
// Field numbers of `sluice_frame` as an LLVM struct, and the names of the
// attributes that code generation stages hand to each other.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_FRAMELAYOUT_H
#define SLUICE_CODEGEN_CPU_FRAMELAYOUT_H

#include "sluice/artifact_abi.h"
#include "llvm/ADT/StringRef.h"
#include <cstddef>
#include <cstdint>

namespace sluice {

/// On an scf.parallel: nanoseconds of one iteration on one core (f64).
inline constexpr llvm::StringLiteral costAttributeName = "sluice.cost";
/// On an emitted kernel function: bytes of scratch memory its last argument
/// must have (i64).
inline constexpr llvm::StringLiteral scratchAttributeName = "sluice.scratch";

/// On a function: it counts subnormal f32 as zero, in its parallel loops too.
inline constexpr llvm::StringLiteral flushesSubnormalsAttributeName =
    "sluice.flushes_subnormals";
/// On a function: it computes the same whether or not subnormals are flushed.
inline constexpr llvm::StringLiteral ignoresSubnormalsAttributeName =
    "sluice.ignores_subnormals";

/// Among the attributes of a function that LLVM gets: it makes no vectors of
/// scalar operations.
inline constexpr llvm::StringLiteral keepsScalarsAttribute = "noimplicitfloat";
/// The list of these attributes, on a function.
inline constexpr llvm::StringLiteral llvmAttributesName = "passthrough";

/// On a function of the host's: it is as long as the graph, and runs once or
/// not at all in a run.
inline constexpr llvm::StringLiteral hostAttributeName = "sluice.host";
/// On one more: it is a piece of a long function of the host's.
inline constexpr llvm::StringLiteral longHostAttributeName = "sluice.long_host";

/// The order of the frame's fields; the offsets below follow from it.
enum class FrameField : int32_t {
  Version, // And its size, in the same 8 bytes.
  Inputs,
  Outputs,
  Workspace,
  Weights,
  Output,
  ParallelFor,
  Allocate,
  Fail,
  Profile,
  Status, // And the number of threads, in the same 8 bytes.
  Runtime,
  RandomSeed,
  RandomDraws,
  Stream,
  Collectives,
};

/// Fields of `sluice_frame_tensor`, each of 8 bytes.
enum class TensorField : int32_t {
  Data,
  Dims,
  Strides,
  Axis, // And the memory space, in the same 8 bytes.
  Length,
  Capacity,
};
/// How many there are.
inline constexpr int64_t numTensorFields = 6;

/// Byte offset of a field in `sluice_frame` on a 64-bit target.
constexpr int64_t frameOffset(FrameField field) {
  return static_cast<int64_t>(field) * 8;
}

static_assert(sizeof(void *) == 8, "offsets are those of 64-bit targets");
static_assert(offsetof(sluice_frame, version) ==
              frameOffset(FrameField::Version));
static_assert(offsetof(sluice_frame, inputs) ==
              frameOffset(FrameField::Inputs));
static_assert(offsetof(sluice_frame, outputs) ==
              frameOffset(FrameField::Outputs));
static_assert(offsetof(sluice_frame, workspace) ==
              frameOffset(FrameField::Workspace));
static_assert(offsetof(sluice_frame, weights) ==
              frameOffset(FrameField::Weights));
static_assert(offsetof(sluice_frame, output) ==
              frameOffset(FrameField::Output));
static_assert(offsetof(sluice_frame, parallel_for) ==
              frameOffset(FrameField::ParallelFor));
static_assert(offsetof(sluice_frame, allocate) ==
              frameOffset(FrameField::Allocate));
static_assert(offsetof(sluice_frame, fail) == frameOffset(FrameField::Fail));
static_assert(offsetof(sluice_frame, profile) ==
              frameOffset(FrameField::Profile));
static_assert(offsetof(sluice_frame, status) ==
              frameOffset(FrameField::Status));
static_assert(offsetof(sluice_frame, runtime) ==
              frameOffset(FrameField::Runtime));
static_assert(offsetof(sluice_frame, random_seed) ==
              frameOffset(FrameField::RandomSeed));
static_assert(offsetof(sluice_frame, random_draws) ==
              frameOffset(FrameField::RandomDraws));
static_assert(offsetof(sluice_frame, stream) ==
              frameOffset(FrameField::Stream));
static_assert(offsetof(sluice_frame, collectives) ==
              frameOffset(FrameField::Collectives));

static_assert(sizeof(sluice_frame_tensor) == 8 * numTensorFields);
static_assert(offsetof(sluice_frame_tensor, data) ==
              8 * static_cast<int64_t>(TensorField::Data));
static_assert(offsetof(sluice_frame_tensor, dims) ==
              8 * static_cast<int64_t>(TensorField::Dims));
static_assert(offsetof(sluice_frame_tensor, strides) ==
              8 * static_cast<int64_t>(TensorField::Strides));
static_assert(offsetof(sluice_frame_tensor, axis) ==
              8 * static_cast<int64_t>(TensorField::Axis));
static_assert(offsetof(sluice_frame_tensor, length) ==
              8 * static_cast<int64_t>(TensorField::Length));
static_assert(offsetof(sluice_frame_tensor, capacity) ==
              8 * static_cast<int64_t>(TensorField::Capacity));

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_FRAMELAYOUT_H
