//===- SequenceLengths.h - Steps of the sequences of a batch ----*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SEQUENCELENGTHS_H
#define SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SEQUENCELENGTHS_H

#include "sluice/Codegen/Elements/KernelBuilder.h"

namespace sluice {

/// How many of the input's steps each sequence of a batch has.
struct SequenceLengths {
  KernelBuilder &kernel;
  /// One per sequence; null where all have all steps.
  mlir::Value lengths;
  /// Those of the input.
  mlir::Value steps;

  /// Fails the run where one of the `batch` sequences is longer than the input;
  /// what goes on is cut to it.
  void check(mlir::Value batch) const;
  mlir::Value get(mlir::Value number) const;
  /// Of the longest of the sequences [begin, end).
  mlir::Value getMost(mlir::Value begin, mlir::Value end) const;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_RECURRENCE_SEQUENCELENGTHS_H
