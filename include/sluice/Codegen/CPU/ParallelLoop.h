//===- ParallelLoop.h - Loops that threads share ----------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_CODEGEN_CPU_PARALLELLOOP_H
#define SLUICE_CODEGEN_CPU_PARALLELLOOP_H

#include "dialects/Sluice/Work.h"
#include "sluice/Codegen/Elements/IndexBuilder.h"

namespace sluice {

/// How long a core takes for work, an estimate that only ratios depend on:
/// whether threads are worth waking.
double getNanoseconds(Work work);

/// One parallel loop over [0, count) with the cost of one iteration in
/// nanoseconds as the attribute `sluice.cost`; the body alone where there is
/// one iteration.
void parallelLoop(IndexBuilder &index, IndexBuilder::Index count, double cost,
                  llvm::function_ref<void(IndexBuilder::Index iteration)> body);

} // namespace sluice

#endif // SLUICE_CODEGEN_CPU_PARALLELLOOP_H
