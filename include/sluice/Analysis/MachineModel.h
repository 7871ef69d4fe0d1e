//===- MachineModel.h - What the compiler knows about a CPU -----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_ANALYSIS_MACHINEMODEL_H
#define SLUICE_ANALYSIS_MACHINEMODEL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class Type;
} // namespace mlir

namespace sluice {

/// A CPU as code generation sees it. `requiredFeatures` is the complete list of
/// instruction-set extensions beyond the architecture's base that generated
/// code may use: functions are compiled for the base CPU plus exactly these, so
/// a loader that checks them never meets an illegal instruction. `cpu` only
/// tunes scheduling.
struct MachineModel {
  /// Of all CPUs that there is code for.
  static constexpr int64_t cacheLineBytes = 64;

  enum class Architecture { X86_64, AArch64 };

  Architecture architecture = Architecture::X86_64;
  std::string triple;
  /// The CPU tuned for: "znver5". What the artifact reports.
  std::string cpu;
  /// The CPU whose instruction set is the base: "x86-64" or "generic".
  std::string baseCpu;
  /// LLVM's feature string on top of `baseCpu`: "+avx2,+fma,-prefer-256-bit".
  std::string features;
  /// LLVM's names: "avx2", "fma", ...
  std::vector<std::string> requiredFeatures;

  unsigned vectorBits = 128;
  unsigned vectorRegisters = 16;
  /// Fused multiply-adds of `vectorBits` that one core starts per cycle: half
  /// as many where its units are half as wide.
  unsigned fmaPerCycle = 2;
  bool hasFma = false;
  /// Masked loads and stores cost about as much as plain ones.
  bool hasMask = false;
  /// Conversions between f16 and f32 are instructions.
  bool hasF16Conversion = false;
  /// LLVM converts vectors between bf16 and f32 in a few instructions.
  bool hasBf16Conversion = false;
  /// bf16 x bf16 -> f32 pairwise dot products.
  bool hasBf16Dot = false;
  /// u8 x i8 -> i32 dot products of four (VNNI, or SDOT/UDOT).
  bool hasInt8Dot = false;

  int64_t l1Bytes = 32 << 10;
  /// Lines of the first-level cache that are so many bytes apart share a set.
  int64_t l1WayBytes = 4 << 10;
  int64_t l2Bytes = 512 << 10;
  int64_t l3Bytes = 8 << 20;
  /// An estimate; only ratios of costs depend on it.
  double nanosecondsPerCycle = 0.3;

  // What a core moves in a nanosecond, estimates for all CPUs that there is
  // code for.
  /// From or to a cache of its own.
  static constexpr double nearBytesPerNanosecond = 40;
  /// From the last-level cache, in a stream.
  static constexpr double sharedBytesPerNanosecond = 20;
  /// From one place in memory to another.
  static constexpr double copiedBytesPerNanosecond = 10;

  /// How many elements of the given width fill a vector register; at least 1.
  unsigned lanes(unsigned elementBits) const;
  unsigned lanes(mlir::Type elementType) const;
  /// The comma-separated list of `requiredFeatures` for the artifact.
  std::string isaString() const;
};

/// What a machine model follows from, without asking any machine.
struct CpuDescription {
  /// As LLVM normalises it.
  std::string triple;
  /// One of LLVM's names.
  std::string cpu;
  /// See MachineModel::requiredFeatures; nothing: those of the CPU.
  std::optional<std::vector<std::string>> features;
  /// Bytes of the data caches that one core has or may use; nothing: what CPUs
  /// of this name usually have.
  std::optional<int64_t> l1Bytes, l2Bytes, l3Bytes;
};

/// The model of a CPU. Fails where LLVM does not know the triple, the CPU or a
/// feature, or the features do not fit each other.
llvm::Expected<MachineModel>
deriveMachineModel(const CpuDescription &description);

/// Describes the CPU `cpu` ("native" or one of LLVM's names; empty: the
/// architecture's base) of `triple` (empty: the host's). "native" needs a
/// triple of the host's architecture. For tests and benchmarks: compilations
/// resolve names once, in TargetAnalysis.h.
llvm::Expected<MachineModel> getMachineModel(llvm::StringRef triple,
                                             llvm::StringRef cpu);

} // namespace sluice

#endif // SLUICE_ANALYSIS_MACHINEMODEL_H
