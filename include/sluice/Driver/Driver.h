//===- Driver.h - What sluicec does, as a library ---------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_DRIVER_DRIVER_H
#define SLUICE_DRIVER_DRIVER_H

#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// What a compilation writes.
enum class EmitKind {
  Check,     ///< nothing; only the support check
  Sluice,    ///< the imported graph
  Optimized, ///< the graph after graph passes
  Kernels,   ///< kernels and the host function on tensors
  Buffers,   ///< loops and the host function on buffers
  LlvmDialect,
  LlvmIr,
  Assembly,
  Object,
  StaticLibrary,
  SharedLibrary
};

struct CompileOptions {
  std::string input;
  std::string output; ///< "-" or empty: standard output, for text
  EmitKind emit = EmitKind::SharedLibrary;
  std::string triple; ///< empty: the host's
  std::string cpu = "native";
  unsigned optLevel = 2;
  /// "x=1x3x224x224" and "batch=4".
  std::vector<std::string> shapes;
  std::vector<std::string> dims;
  /// Inputs that have a default value in the file stay inputs, which a run may
  /// set or not: all, or those named. The others are constants.
  bool keepDefaults = false;
  std::vector<std::string> overridable;
  /// "present:past@2,capacity=64": outputs that inputs of the next run
  /// continue, the dimension along which they grow, and for how many there is
  /// room.
  std::vector<std::string> states;
  /// How batch normalisation meets convolutions: deploy, tune or eval.
  std::string convBn = "deploy";
  /// Sums over all experts of a layer are kept as they are.
  bool keepDenseExperts = false;
  /// Who makes the code of products and convolutions, as far as they can; see
  /// Providers.h.
  std::string kernels = "builtin";
  /// No kernel counts subnormal f32 as zero.
  bool keepSubnormals = false;
  /// What multiplies is spelled out in plain arithmetic: slow, for tests.
  bool emulateDotUnits = false;
  /// "node:tile_rows=4,tile_vectors=2": what replaces the compiler's choice for
  /// a product or convolution.
  std::vector<std::string> tilings;
  /// Where Sluice's own libraries for artifacts are; empty: beside the program.
  std::string libraryFolder;
  /// Categories of remarks to print, separated by commas, or "all"; empty:
  /// none.
  std::string remarks;
  /// The model's name in symbols and header; empty: from the file's name.
  std::string name;
  /// How many threads compile; 0: as many as there are cores to use. The result
  /// does not depend on it.
  unsigned threads = 0;
  /// The name of a file beside the output for the weights; empty: they go into
  /// the output.
  std::string weightsFile;
  /// Optimisations of the graph that are left out, by the names that sluice-opt
  /// has for their passes.
  std::vector<std::string> without;
  bool printIrAfterAll = false;
  /// Whether the program is verified after every pass: what a pass leaves
  /// invalid is then an error of that pass.
  bool verifyEachPass = false;
  bool timing = false;
  bool verbose = false;
};

/// How a compilation ended; also the exit code of sluicec.
enum class CompileStatus {
  Success = 0,
  Usage = 1,
  InvalidModel = 2,
  Unsupported = 3,
  CompileFailed = 4,
  CannotWrite = 5,
  Interrupted = 130
};

/// Compiles a model. Messages go to `diagnostics`; nothing is written unless
/// it is complete.
CompileStatus compile(const CompileOptions &options,
                      llvm::raw_ostream &diagnostics);

} // namespace sluice

#endif // SLUICE_DRIVER_DRIVER_H
